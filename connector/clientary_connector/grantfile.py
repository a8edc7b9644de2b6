"""Reads and writes grants as a file, YAML or JSON, so that they can be reviewed and kept in git.

1. Values are those of JSON: text, whole numbers, true, false, null, lists and objects. A day stays
   the text that it is written as; nothing becomes a date, a float or an object by its look.
2. No aliases, no tags, no second document, no name twice, bounded size and depth.
3. Everything is checked against a closed schema; each fault is told with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import yaml

from clientary_connector.call.arguments import Arguments, json_path
from clientary_connector.call.kinds import is_object
from clientary_connector.call.result import ArgumentFault
from clientary_connector.errors import GrantFileError
from clientary_connector.grantchanges import Entry
from clientary_connector.grants import Grant
from clientary_connector.terms import DEFAULT, Terms

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 8
TEXT: Final[dict[str, Any]] = {"type": "string", "minLength": 1, "maxLength": 4000}
NAMES: Final[dict[str, Any]] = {"type": "array", "items": TEXT}
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["grants"],
    "properties": {
        "grants": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["persona", "connection"],
                "properties": {
                    "persona": TEXT,
                    "connection": TEXT,
                    "scopes": NAMES,
                    "allow": NAMES,
                    "deny": NAMES,
                    "conditions": NAMES,
                    "approve": TEXT,
                    "approve_for": {"type": "object", "additionalProperties": TEXT},
                    "budget": {"type": ["integer", "null"]},
                    "expires_at": {"type": ["string", "null"]},
                    "rate": {"type": ["integer", "null"]},
                },
            },
        }
    },
}
INTEGER: Final = re.compile(r"-?[0-9]{1,15}")
WORDS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None, "~": None, "": None}
QUOTE: Final = 'what begins with * or & has to stand in quotes: "*:read"'
HEAD: Final = "# What each persona may do over each connection: clientary grants apply FILE\n"


def load(data: bytes) -> tuple[Entry, ...]:
    """Returns the grants of a file.

    Raises:
        GrantFileError: It cannot be read; each fault is told with its line.
    """
    if len(data) > MAX_BYTES:
        raise GrantFileError((f"It has more than {MAX_BYTES:,} bytes.",))
    document, lines = _read(data)
    faults = Arguments(SCHEMA).faults(document) if is_object(document) else None
    if faults is None:
        raise GrantFileError(("It holds no grants: begin with `grants:` and a list.",))
    if faults:
        raise GrantFileError(_told(faults, lines))
    return tuple(_entries(document["grants"], lines))


def as_document(grants: Iterable[Grant]) -> dict[str, Any]:
    """Returns grants as a file holds them: what says nothing is left out."""
    return {"grants": [_entry(grant) for grant in grants]}


def as_yaml(grants: Iterable[Grant]) -> str:
    """Returns the text of a file of grants."""
    return HEAD + yaml.safe_dump(
        as_document(grants), sort_keys=False, allow_unicode=True, width=100
    )


def _entry(grant: Grant) -> dict[str, Any]:
    terms = grant.terms.to_json()
    said = {name: part for name, part in terms.items() if part not in (None, [], {})}
    if said["approve"] == DEFAULT:
        del said["approve"]
    return {"persona": grant.persona, "connection": grant.connection_name, **said}


def _entries(grants: list[dict[str, Any]], lines: dict[str, int]) -> Iterator[Entry]:
    for at, entry in enumerate(grants):
        where = json_path(["grants", at])
        yield Entry(
            persona=entry["persona"],
            connection=entry["connection"],
            terms=Terms(
                scopes=tuple(entry.get("scopes", ())),
                allow=tuple(entry.get("allow", ())),
                deny=tuple(entry.get("deny", ())),
                conditions=tuple(entry.get("conditions", ())),
                approve=entry.get("approve", DEFAULT),
                approve_for=tuple(entry.get("approve_for", {}).items()),
                budget=entry.get("budget"),
                expires_at=entry.get("expires_at"),
                rate=entry.get("rate"),
            ),
            place=f"Line {lines[where]}",
        )


def _told(faults: Iterable[ArgumentFault], lines: dict[str, int]) -> tuple[str, ...]:
    """Returns the faults with their lines, in the order of the file."""
    found: list[tuple[int, str]] = []
    for fault in faults:
        line = _line(fault.path, lines)
        wanted = fault.expected.replace("no such argument", "there is no such field")
        hint = f" {fault.hint}" if fault.hint else ""
        found.append((line, f"Line {line}: {fault.path}: {wanted}.{hint}"))
    return tuple(text for _, text in sorted(found))


def _read(data: bytes) -> tuple[Any, dict[str, int]]:
    """Returns the document, and the line of each path in it."""
    lines: dict[str, int] = {}
    try:
        text = data.decode("utf-8-sig")
        depth = 0
        for event in yaml.parse(text, Loader=yaml.BaseLoader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            _check_event(event, depth)
        node = yaml.compose(text, Loader=yaml.BaseLoader)
    except UnicodeDecodeError:
        raise GrantFileError(("It is not UTF-8.",)) from None
    except yaml.MarkedYAMLError as error:
        raise GrantFileError((_marked(error),)) from None
    except yaml.YAMLError:
        raise GrantFileError(("It holds signs that a file of text has not.",)) from None
    return (None if node is None else _value(node, [], lines)), lines


def _marked(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    at = "" if mark is None else f"Line {mark.line + 1}, character {mark.column + 1}: "
    said = QUOTE if "alias" in (error.context or "") else error.problem or "it cannot be read"
    return f"{at}{said}."


def _check_event(event: yaml.Event, depth: int) -> None:
    mark = event.start_mark
    line = 1 if mark is None else mark.line + 1
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
        raise GrantFileError((f"Line {line}: {QUOTE}.",))
    if getattr(event, "tag", None) not in {None, "!"}:
        raise GrantFileError((f"Line {line}: a tag (!) has no meaning here.",))
    if depth > MAX_DEPTH:
        raise GrantFileError((f"Line {line}: there are too many levels.",))


def _value(node: yaml.Node, path: list[str | int], lines: dict[str, int]) -> Any:  # noqa: ANN401 - any JSON value
    lines[json_path(path)] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_value(part, [*path, at], lines) for at, part in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return _scalar(node)
    found: dict[str, Any] = {}
    for key, part in node.value:
        name = str(key.value)
        if name in found:
            line = key.start_mark.line + 1
            raise GrantFileError((f"Line {line}: {name[:64]} stands there twice.",))
        found[name] = _value(part, [*path, name], lines)
        lines[json_path([*path, name])] = key.start_mark.line + 1
    return found


def _scalar(node: yaml.Node) -> Any:  # noqa: ANN401 - any JSON value
    text = str(node.value)
    if getattr(node, "style", None) is not None:
        return text
    if text in WORDS:
        return WORDS[text]
    return int(text) if INTEGER.fullmatch(text) else text


def _line(path: str, lines: dict[str, int]) -> int:
    """Returns the line of a path, or of what it stands in."""
    while path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["))]
    return lines[path]

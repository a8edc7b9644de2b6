"""Makes a form of an action's input schema, and reads it back: exact values, no guess.

1. What is left empty is not given. Nothing (null) is given only where its box is ticked.
2. A number stays exact. What does not fit its type goes on as the text that it is, so that the
   check of the arguments names all faults at once.
3. A fault stands beside the field that it is about; one that is about no field, above the form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeAlias

from clientary_connector.call.arguments import REQUIRED
from clientary_connector.call.kinds import is_list, is_object
from clientary_connector.call.result import ArgumentFault
from clientary_connector.frontends.console.forms import number_of
from clientary_connector.frontends.schematext import types_of
from clientary_connector.manifest import Action

Schema: TypeAlias = Mapping[str, Any]
#: The text of each field of one row of a list.
Row: TypeAlias = Mapping[str, str]

MOST_ROWS: Final = 100
MOST_DIGITS: Final = 4
#: A text that may be longer gets more than one line.
ONE_LINE: Final = 255
YES: Final = "yes"
NO: Final = "no"
#: How a value of a kind is typed, where that is not plain.
SHAPES: Final = {
    "integer": "A whole number.",
    "decimal": "A decimal, such as 12.50.",
    "list": "One a line.",
    "pairs": "One `name = value` a line.",
}
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?")
_PATH: Final = re.compile(r"\$\.(?P<name>\w+)(?:\[(?P<index>\d+)\])?(?:\.(?P<part>\w+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What stands in a form: text as it was typed."""

    texts: Mapping[str, str]
    rows: Mapping[str, tuple[Row, ...]]
    #: The arguments that are given as nothing.
    nulls: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of the form."""

    key: str
    label: str
    #: `text`, `long`, `integer`, `decimal`, `date`, `choice`, `list` or `pairs`.
    kind: str
    hint: str
    required: bool
    value: str
    options: tuple[tuple[str, str], ...] = ()
    fault: str = ""
    #: The key of the box that gives nothing, where nothing is a value; and whether it is ticked.
    null: str = ""
    nulled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRows:
    """A list of objects: the same fields in each row."""

    name: str
    hint: str
    fault: str
    rows: tuple[tuple[Field, ...], ...]


def kind_of(schema: Schema) -> str:
    """Returns what kind of field a value is typed into; `rows` is a list of objects."""
    types = set(types_of(schema))
    if "array" in types:
        return "rows" if "properties" in schema.get("items", {}) else "list"
    if "object" in types:
        return "pairs"
    if "enum" in schema or "boolean" in types:
        return "choice"
    known = {"date": "date", "decimal": "decimal"}.get(schema.get("format", ""))
    if known is not None:
        return known
    if "string" not in types:
        return "integer" if "integer" in types else "decimal"
    return "long" if schema.get("maxLength", 0) > ONE_LINE else "text"


def key(name: str, row: int | None = None, part: str = "") -> str:
    """Returns the name of a field in the form."""
    return f"a:{name}" if row is None else f"a:{name}:{row}:{part}"


def typed_from(form: Mapping[str, str], action: Action) -> Typed:
    """Returns what was sent from a form."""
    texts: dict[str, str] = {}
    rows: dict[str, tuple[Row, ...]] = {}
    for name, schema in action.input["properties"].items():
        if kind_of(schema) == "rows":
            parts: Schema = schema["items"]["properties"]
            count = _count(form.get(f"rows:{name}", ""))
            rows[name] = tuple(
                {part: form.get(key(name, row, part), "") for part in parts} for row in range(count)
            )
        else:
            texts[name] = form.get(key(name), "")
    nulls = frozenset(name for name in texts if f"null:{name}" in form)
    return Typed(texts=texts, rows=rows, nulls=nulls)


def typed_of(arguments: Mapping[str, Any], action: Action) -> Typed:
    """Returns what would have to be typed to give these arguments."""
    texts: dict[str, str] = {}
    rows: dict[str, tuple[Row, ...]] = {}
    for name, schema in action.input["properties"].items():
        given = arguments.get(name)
        if kind_of(schema) == "rows":
            parts: Schema = schema["items"]["properties"]
            found = given if is_list(given) else []
            rows[name] = tuple(
                {part: _text(one.get(part)) for part in parts} for one in found if is_object(one)
            )
        else:
            texts[name] = _text(given)
    return Typed(texts=texts, rows=rows, nulls=frozenset())


def with_row(typed: Typed, name: str, action: Action) -> Typed:
    """Adds an empty row to a list."""
    schema: Schema = action.input["properties"].get(name, {})
    if name not in typed.rows or len(typed.rows[name]) >= _most(schema):
        return typed
    empty = dict.fromkeys(schema["items"]["properties"], "")
    return _changed(typed, name, (*typed.rows[name], empty))


def without_row(typed: Typed, name: str, row: int) -> Typed:
    """Takes a row out of a list."""
    rows = typed.rows.get(name, ())
    kept = tuple(one for at, one in enumerate(rows) if at != row)
    return _changed(typed, name, kept) if name in typed.rows else typed


def arguments_of(typed: Typed, action: Action) -> dict[str, Any]:
    """Returns the arguments that were typed; a row in which nothing stands is left out."""
    properties: Mapping[str, Schema] = action.input["properties"]
    found: dict[str, Any] = {}
    for name, schema in properties.items():
        if name in typed.nulls:
            found[name] = None
        elif name in typed.rows:
            rows = [_object(row, schema["items"]) for row in _given(typed.rows[name])]
            found |= {name: rows} if rows else {}
        elif typed.texts[name].strip():
            found[name] = _value(typed.texts[name], schema)
    return found


def fields_of(
    typed: Typed, action: Action, faults: Iterable[ArgumentFault] = ()
) -> tuple[tuple[Field | FieldRows, ...], tuple[str, ...]]:
    """Returns the fields with what was typed, and the faults that are about none of them."""
    beside, above = _placed(faults, typed, action)
    required = action.input.get("required", ())
    found = [
        _rows(name, schema, typed, beside)
        if kind_of(schema) == "rows"
        else _own_field(name, schema, typed, action, beside, required=name in required)
        for name, schema in action.input["properties"].items()
    ]
    # What has to be given stands first; the rest in the order of the manifest.
    found.sort(key=lambda one: isinstance(one, FieldRows) or not one.required)
    return tuple(found), above


def _own_field(  # noqa: PLR0913 - what makes a field
    name: str,
    schema: Schema,
    typed: Typed,
    action: Action,
    beside: Mapping[str, str],
    *,
    required: bool,
) -> Field:
    # Of a new record nothing is what is left out, so that no box is needed for it.
    nullable = "null" in types_of(schema) and action.method != "POST"
    sources = action.ids.get(name, ())
    found_by = f" Found by {' or '.join(sources)}." if sources else ""
    return Field(
        key=key(name),
        label=name,
        kind=_form_kind(schema, typed.texts[name]),
        hint=f"{_hint(schema)}{found_by}",
        required=required,
        value=typed.texts[name],
        options=_options(schema),
        fault=beside.get(key(name), ""),
        null=f"null:{name}" if nullable else "",
        nulled=name in typed.nulls,
    )


def _rows(name: str, schema: Schema, typed: Typed, beside: Mapping[str, str]) -> FieldRows:
    items: Schema = schema["items"]
    rows = [
        tuple(
            Field(
                key=key(name, at, part),
                label=part,
                kind=_form_kind(about, row[part]),
                hint=_hint(about),
                required=part in items.get("required", ()),
                value=row[part],
                options=_options(about),
                fault=beside.get(key(name, at, part), ""),
            )
            for part, about in items["properties"].items()
        )
        for at, row in enumerate(typed.rows[name])
    ]
    fault = beside.get(key(name), "")
    return FieldRows(name=name, hint=_hint(schema), fault=fault, rows=tuple(rows))


def _placed(
    faults: Iterable[ArgumentFault], typed: Typed, action: Action
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Puts each fault beside its field, or above the form."""
    beside: dict[str, list[str]] = {}
    above: list[str] = []
    for fault in faults:
        said = REQUIRED if fault.hint == REQUIRED else f"Give {fault.expected}. {fault.hint}"
        said = said.strip()
        found = _PATH.fullmatch(fault.path)
        name = "" if found is None else found["name"]
        if found is None or name not in action.input["properties"]:
            above.append(said if fault.path == "$" else f"{fault.path}: {said}")
        elif name in typed.rows and found["index"] is not None:
            at = [at for at, row in enumerate(typed.rows[name]) if _is_given(row)]
            row = at[int(found["index"])]
            place = key(name, row, found["part"]) if found["part"] else key(name)
            text = said if found["part"] else f"Row {row + 1}: {said}"
            beside.setdefault(place, []).append(text)
        else:
            line = "" if found["index"] is None else f"Line {int(found['index']) + 1}: "
            beside.setdefault(key(name), []).append(f"{line}{said}")
    return {place: " ".join(texts) for place, texts in beside.items()}, tuple(above)


def _form_kind(schema: Schema, value: str) -> str:
    """Returns the kind of a field; a date that is none stays the text that was typed."""
    kind = kind_of(schema)
    return "text" if kind == "date" and value and not _is_day(value) else kind


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _options(schema: Schema) -> tuple[tuple[str, str], ...]:
    if "enum" in schema:
        names = [str(value) for value in schema["enum"] if isinstance(value, str)]
        return (("", "(not given)"), *((name, name) for name in names))
    if "boolean" in types_of(schema):
        return (("", "(not given)"), (YES, "yes"), (NO, "no"))
    return ()


def _hint(schema: Schema) -> str:
    return f"{schema.get('description', '')} {SHAPES.get(kind_of(schema), '')}".strip()


def _object(row: Row, items: Schema) -> dict[str, Any]:
    parts: Mapping[str, Schema] = items["properties"]
    return {name: _value(row[name], parts[name]) for name in parts if row[name].strip()}


def _value(text: str, schema: Schema) -> Any:  # noqa: ANN401 - any JSON value
    return _READERS.get(kind_of(schema), _as_text)(text, schema)


def _as_text(text: str, schema: Schema) -> str:
    return text if kind_of(schema) == "long" else text.strip()


def _as_integer(text: str, schema: Schema) -> int | str:
    del schema
    return int(text) if _INTEGER.fullmatch(text.strip()) else text.strip()


def _as_decimal(text: str, schema: Schema) -> Decimal | str:
    del schema
    return Decimal(text.strip()) if _DECIMAL.fullmatch(text.strip()) else text.strip()


def _as_choice(text: str, schema: Schema) -> bool | str:
    if "enum" in schema or text not in {YES, NO}:
        return text
    return text == YES


def _as_list(text: str, schema: Schema) -> list[Any]:
    return [_value(line, schema["items"]) for line in text.splitlines() if line.strip()]


def _as_pairs(text: str, schema: Schema) -> dict[str, str] | str:
    """Reads names and values, a pair a line; anything else is the text that it is."""
    del schema
    lines = [line.partition("=") for line in text.splitlines() if line.strip()]
    if not all(sign for _, sign, _ in lines):
        return text
    return {name.strip(): value.strip() for name, _, value in lines}


_READERS: Final[Mapping[str, Callable[[str, Schema], Any]]] = {
    "integer": _as_integer,
    "decimal": _as_decimal,
    "choice": _as_choice,
    "list": _as_list,
    "pairs": _as_pairs,
}


def _text(value: object) -> str:
    """Returns a value as it would be typed."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return YES if value else NO
    if is_list(value):
        return "\n".join(_text(one) for one in value)
    if is_object(value):
        return "\n".join(f"{name} = {one}" for name, one in value.items())
    return str(value)


def _given(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if _is_given(row)]


def _is_given(row: Row) -> bool:
    return any(text.strip() for text in row.values())


def _count(text: str) -> int:
    return min(number_of(text, digits=MOST_DIGITS) or 0, MOST_ROWS)


def _most(schema: Schema) -> int:
    return min(int(schema.get("maxItems", MOST_ROWS)), MOST_ROWS)


def _changed(typed: Typed, name: str, rows: tuple[Row, ...]) -> Typed:
    return Typed(texts=typed.texts, rows={**typed.rows, name: rows}, nulls=typed.nulls)

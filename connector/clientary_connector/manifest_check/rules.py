"""Finds what breaks the rules of manifests that no schema can state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final, cast

from clientary_connector.manifest import Schema
from clientary_connector.manifest_check import action_rules, find_rules, link_rules, schema_rules
from clientary_connector.manifest_check.fitting import written
from clientary_connector.manifest_check.subject import Broken, Finding, Subject, subjects

# Where a request goes, and its secret, are never a fixed header.
RESERVED_HEADERS: Final = frozenset({"authorization", "content-length", "cookie", "host"})
RULES: Final[tuple[Callable[[Subject], Iterator[Finding]], ...]] = (
    action_rules.route_faults,
    action_rules.place_faults,
    action_rules.body_faults,
    action_rules.effect_faults,
    action_rules.update_faults,
    action_rules.paging_faults,
    find_rules.find_faults,
    action_rules.money_faults,
    schema_rules.argument_faults,
    schema_rules.output_faults,
    link_rules.id_faults,
    link_rules.lookup_faults,
    link_rules.cascade_faults,
    link_rules.reread_faults,
    action_rules.example_faults,
)


def broken_rules(top: Schema, actions: list[Schema]) -> Iterator[Broken]:
    """Judges the keys of a manifest, and those of its actions, that fit its schema.

    While a reference leads nowhere or in a circle, what stands behind it cannot be judged.
    """
    raws = cast("list[object]", top["actions"])
    named = [cast("Schema", raw) for raw in raws if isinstance(raw, dict)]
    known = frozenset(str(raw.get("id")) for raw in named)
    yield from _duplicates(actions)
    yield from _headers(top.get("headers", {}))
    yield from _invisible(top, actions)
    astray = list(schema_rules.reference_faults(top["$defs"], actions))
    yield from astray
    if astray:
        return
    yield from schema_rules.unused_definitions(top["$defs"], raws)
    yield from schema_rules.spelling_faults(top["$defs"], actions)
    shown = subjects(top["$defs"], actions, known)
    yield from _account(top.get("account"), shown, known)
    for subject in shown:
        for rule in RULES:
            yield from (Broken(subject.id, *finding) for finding in rule(subject))


def _duplicates(actions: list[Schema]) -> Iterator[Broken]:
    """Names an action by one thing only: no two share id, alias or title."""
    for key in ("id", "alias", "title"):
        times = Counter(str(action[key]).lower() for action in actions)
        for action in actions:
            if times[str(action[key]).lower()] > 1:
                yield Broken(action["id"], key, f"{action[key]!r} is taken twice: change one.")


def _headers(headers: Mapping[str, str]) -> Iterator[Broken]:
    for name in headers:
        if name.lower() in RESERVED_HEADERS:
            yield Broken(None, f"headers.{name}", "The engine sets this header: remove it.")


def _invisible(top: Schema, actions: list[Schema]) -> Iterator[Broken]:
    """Finds text that could end a line of a request, or hide from a reader."""
    parts = [(None, {key: part for key, part in top.items() if key != "actions"})]
    parts += [(action["id"], {**action, "example": None}) for action in actions]
    for name, part in parts:
        for path, text in _texts(part, ()):
            if not text.isprintable():
                yield Broken(name, written(path), "Holds a character that is not seen: remove it.")


def _texts(
    value: object, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Walks all texts of a JSON value, keys too, each with its place."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for index, part in enumerate(cast("list[object]", value)):
            yield from _texts(part, (*path, index))
    elif isinstance(value, dict):
        for key, part in cast("dict[str, object]", value).items():
            yield path, key
            yield from _texts(part, (*path, key))


def _account(
    account: Schema | None, shown: list[Subject], known: frozenset[str]
) -> Iterator[Broken]:
    """The action that tests a connection is a read that needs no argument and shows the fields."""
    if account is None:
        return
    name: str = account["action"]
    if name not in known:
        yield Broken(None, "account.action", f"There is no action {name!r}: name a read.")
    for subject in shown:
        if subject.id == name:
            if not subject.reads or subject.required:
                message = f"{name} is no read without required arguments: name one."
                yield Broken(None, "account.action", message)
            for field in account["show"]:
                if field not in subject.fields:
                    yield Broken(None, "account.show", f"{name} shows no {field!r}: correct it.")

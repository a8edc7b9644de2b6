"""Creates and changes records by the table of their noun: fields, unique values, links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from clientary_connector.sandbox.exchange import Answer, Request
from clientary_connector.sandbox.fields import NOT_THERE, TAKEN, Field, RejectedError, check
from clientary_connector.sandbox.records import Record
from clientary_connector.sandbox.render import Json
from clientary_connector.sandbox.state import State
from clientary_connector.sandbox.table import Table

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """What a write of one noun may hold; `links` names the table that each id points into.

    `lines` is what a document calls its lines, `line_fields` what each of them may hold.
    """

    wrapper: str
    fields: tuple[Field, ...]
    unique: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict[str, str])
    lines: str = ""
    line_fields: tuple[Field, ...] = ()


def read_write(
    noun: Noun, state: State, request: Request, *, table: Table[R], old: R | None = None
) -> dict[str, Any]:
    """Read the values of a create, or of a change of `old`.

    Raises:
        RefusedError: When the wrapper is missing (400).
        RejectedError: With the faults of all fields (422).
    """
    values = check(noun.fields, request.wrapped(noun.wrapper), new=old is None)
    faults: dict[str, list[str]] = {}
    for name in noun.unique:
        if values.get(name) is not None and _taken(table, name, values[name], old):
            faults[name] = [TAKEN]
    for name, target in noun.links.items():
        if values.get(name) is not None and values[name] not in getattr(state, target).rows:
            faults[name] = [NOT_THERE]
    if faults:
        raise RejectedError(faults)
    return values


def created(state: State) -> dict[str, Any]:
    """Return the stamps of a new record."""
    now = state.clock()
    return {"created_at": now, "updated_at": now}


def changed(state: State, body: Json) -> Answer:
    """Answer a change with the record, or with nothing where the rules say so."""
    return Answer(204) if state.rules.put_answers_empty else Answer(200, body)


def deleted(state: State) -> Answer:
    """Answer a deletion with nothing, or with an empty object where the rules say so."""
    return Answer(200, {}) if state.rules.delete_answers_object else Answer(204)


def _taken(table: Table[R], name: str, value: object, old: R | None) -> bool:
    return any(getattr(row, name) == value for row in table if row is not old)

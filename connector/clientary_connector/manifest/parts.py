"""What a manifest is made of, as typed and frozen data."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from clientary_connector.errors import UnknownActionError
from clientary_connector.manifest.schemas import Schema, Schemas


class Effect(StrEnum):
    """What an action does to the far side."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    SEND = "send"


@dataclass(frozen=True, slots=True)
class Auth:
    """How the secret goes onto a request; `{secret}` stands for it in each template."""

    scheme: Literal["basic", "bearer"]
    username: str | None = None
    password: str | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """The keys beside a list that say how much of it there is."""

    pages: str
    size: str
    total: str


@dataclass(frozen=True, slots=True)
class AccountProbe:
    """The read that tests a new connection, and the fields that show whose account it is."""

    action: str
    show: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the service bears: records one call may gather, requests a minute if it says so."""

    records: int
    requests_per_minute: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where each argument goes; what lies under `engine` is honoured here and never sent."""

    path: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    engine: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Money:
    """The values of one argument that move money."""

    argument: str
    values: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class PageSize:
    """The argument that sets the length of a page, and how long a page may get."""

    argument: str
    max: int


@dataclass(frozen=True, slots=True)
class Paging:
    """Where a list lies in the answer, and how its pages are asked for if it has pages."""

    items: str
    page: str | None = None
    size: int | None = None
    page_size: PageSize | None = None


@dataclass(frozen=True, slots=True)
class Find:
    """By which fields people call the records of a list, and which tell those of a name apart.

    The list gets the arguments of `fixed`, so that it leaves out nothing that has a name.
    """

    by: tuple[str, ...]
    show: tuple[str, ...]
    fixed: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CascadeStep:
    """One kind of record that a deletion takes along, and the list that counts it, if any.

    The list gets the arguments of the deletion that `passes` names, and those of `fixed`.
    """

    resource: str
    count: str | None
    passes: Mapping[str, str]
    fixed: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Lookup:
    """How a write with an unknown end is looked up again, or why it cannot be.

    The action gets the arguments of the write that `passes` names, and those of `fixed`.
    `match` names the fields that identify the record, `("given",)` stands for every field
    that the call gave; `absent` means that the write happened if the record is gone. With an
    action, `cannot` says when it does not help.
    """

    action: str | None = None
    passes: Mapping[str, str] = field(default_factory=dict[str, str])
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    match: tuple[str, ...] = ()
    absent: bool = False
    cannot: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a persona can do: what it is for, what it takes, where it goes."""

    id: str
    title: str
    alias: str
    description: str
    resource: str
    effect: Effect
    scope: str
    cost: int
    money: Money | None
    method: str
    path: str
    place: Place
    wrapper: str | None
    confirm: str | None
    reread: str | None
    paging: Paging | None
    find: Find | None
    cascade: tuple[CascadeStep, ...]
    ids: Mapping[str, tuple[str, ...]]
    example: Mapping[str, Any]
    lookup: Lookup | None
    schemas: Schemas

    @property
    def input(self) -> Schema:
        """The schema of the arguments, with every reference inlined."""
        return self.schemas.input

    @property
    def output(self) -> Schema:
        """The schema of the data of a result, with every reference inlined."""
        return self.schemas.output


@dataclass(frozen=True, slots=True)
class Manifest:
    """One service: where it lives, how it is entered, and its actions in their order."""

    name: str
    title: str
    version: str
    description: str
    host_pattern: str
    base_path: str
    auth: Auth
    headers: Mapping[str, str]
    envelope: Envelope
    account: AccountProbe
    limits: Limits
    actions: Mapping[str, Action]
    aliases: Mapping[str, str]

    def action(self, name: str) -> Action:
        """Finds an action by its id, or by its alias in any case.

        Raises:
            UnknownActionError: No action has that name; the error offers the nearest ones.
        """
        found = self.actions.get(name) or self.actions.get(self.aliases.get(name.upper(), ""))
        if found is None:
            raise UnknownActionError(name, suggestions=nearest(name, tuple(self.actions)))
        return found


def nearest(name: str, known: Sequence[str]) -> tuple[str, ...]:
    """Picks the known names that somebody who wrote `name` may have meant, best first."""
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    return tuple(difflib.get_close_matches(plain, known, n=3, cutoff=0.6))

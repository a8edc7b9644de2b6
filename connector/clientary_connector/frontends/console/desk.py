"""Holds what every page of one console works with, and finds it from a request."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast

from jinja2 import Environment
from starlette.applications import Starlette
from starlette.requests import Request

from clientary_connector.connector import Connector
from clientary_connector.frontends.console.links import Links
from clientary_connector.frontends.console.rehearsal import Rehearsal
from clientary_connector.frontends.console.sessions import Sessions
from clientary_connector.frontends.console.tries import Tries
from clientary_connector.oauth.provider import Provider
from clientary_connector.people import Person, Role

#: The hook of a host that says who a person is.
PERSON: Final = "connector_person"
#: Says who sends a request, as the host knows it; None where nobody is signed in there.
Who: TypeAlias = Callable[[Request], "Person | Awaitable[Person | None] | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the navigation."""

    label: str
    route: str
    #: Who is shown it.
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file that every page needs, held in memory."""

    content: bytes
    kind: str
    #: Changes with the content, so that a browser may keep the file for ever.
    version: str


class Patience:
    """Lets requests wait until the console ends."""

    def __init__(self) -> None:
        """Begins with all the patience there is."""
        self.ended = False

    def end(self) -> None:
        """Lets nobody wait any longer."""
        self.ended = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the pages of one console work with."""

    connector: Connector
    #: The host's word, where it was given here and not by a hook.
    who: Who | None
    #: Whether the host's sign-in counts for the admin API too.
    who_for_api: bool
    #: Where people sign in, where the host does that.
    sign_in_url: str | None
    #: Names under which the console is reached, beside those of loopback.
    hosts: frozenset[str]
    frame_ancestors: tuple[str, ...]
    #: With whom accounts can be connected by OAuth 2, as the host has described them.
    providers: tuple[Provider, ...]
    #: The simulated account that is one click away; None where it is not offered.
    rehearsal: Rehearsal | None
    sessions: Sessions
    links: Links
    tries: Tries
    templates: Environment
    assets: Mapping[str, Asset]
    #: Whether a request that only waits for something may go on waiting.
    patience: Patience = field(default_factory=Patience)
    navigation: tuple[Entry, ...]

    @property
    def host_signs_in(self) -> bool:
        """Whether the host says who people are; else the console signs them in itself."""
        return self.who is not None or self.connector.hosting.hears(PERSON)


@dataclass(slots=True, kw_only=True)
class Visit:
    """Who sends a request, and what binds their forms to them."""

    person: Person | None
    #: The id of the session, where the console has signed the person in.
    session: str | None = None
    #: What only this browser and we know: forms are bound to it.
    binding: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    #: Whether the browser does not have the binding yet.
    fresh: bool = True
    #: Whether a form of the page was bound, so that the browser has to be given the binding.
    bound: bool = False


def desk_of(request: Request) -> Desk:
    """Returns what the pages of this console work with."""
    return cast("Desk", cast("Starlette", request.app).state.desk)


def connector_of(request: Request) -> Connector:
    """Returns the connector that the console is for."""
    return desk_of(request).connector


def visit_of(request: Request) -> Visit:
    """Returns who sends the request."""
    return cast("Visit", request.state.visit)


def person_of(request: Request) -> Person:
    """Returns who is signed in; only for endpoints that need a role."""
    person = visit_of(request).person
    assert person is not None  # noqa: S101 - `needs` has looked
    return person


def monotonic() -> float:
    """Gives the time by which sessions and links end: no clock that somebody can set."""
    return time.monotonic()

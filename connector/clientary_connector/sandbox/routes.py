"""Finds the route of a request: a table by method and shape of the path, no search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from clientary_connector.sandbox import companies
from clientary_connector.sandbox.exchange import Answer, Request
from clientary_connector.sandbox.faults import BASE_PATH
from clientary_connector.sandbox.state import State

Handler = Callable[[State, Request], Answer]

_LONGEST_ID: Final = 18
_TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/clients", companies.list_clients),
    ("POST", "/clients", companies.create_client),
    ("GET", "/clients/{id}", companies.get_client),
    ("PUT", "/clients/{id}", companies.update_client),
    ("DELETE", "/clients/{id}", companies.delete_client),
    ("GET", "/leads", companies.list_leads),
    ("POST", "/leads", companies.create_lead),
    ("GET", "/leads/{id}", companies.get_lead),
    ("PUT", "/leads/{id}", companies.update_lead),
    ("DELETE", "/leads/{id}", companies.delete_lead),
)
_HANDLERS: Final = {(method, route): handler for method, route, handler in _TABLE}
_ROUTES: Final = frozenset(route for _, route, _ in _TABLE)


@dataclass(frozen=True, slots=True)
class Match:
    """What a path means: its route, who answers it, its ids, and whether it ends in `.json`."""

    route: str
    handler: Handler | None = None
    ids: tuple[int, ...] = ()
    json: bool = False


def resolve(method: str, raw_path: bytes) -> Match:
    """Find the route of a path; without one, or with an id that is no number, no handler."""
    path = raw_path.decode("latin-1")
    below = path.removeprefix(BASE_PATH)
    if below == path:
        return Match(path)
    bare = below.removesuffix(".json")
    parts = bare.split("/")
    names = parts[2::2]
    route = "/".join([*parts[:2], *_shape(parts[2:])])
    if route not in _ROUTES:
        return Match(below, json=bare != below)
    known = all(name.isascii() and name.isdigit() and len(name) <= _LONGEST_ID for name in names)
    handler = _HANDLERS.get((method, route)) if known else None
    ids = tuple(map(int, names)) if known else ()
    return Match(route, handler, ids, bare != below)


def _shape(parts: list[str]) -> list[str]:
    return ["{id}" if place % 2 == 0 else part for place, part in enumerate(parts)]

"""Lets people set faults and look at what was asked and done, below `/_sandbox/`.

1. Only a peer on loopback is answered (403 otherwise).
2. Only who holds the key: in the header `X-Sandbox-Key`, which a web page cannot send
   unasked (401 otherwise).
3. What is set is checked field by field, and nothing is set when anything is wrong (400).
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields
from ipaddress import ip_address
from typing import Any, Final, cast
from urllib.parse import parse_qs

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from clientary_connector.sandbox.faults import Fault, Faults
from clientary_connector.sandbox.history import History, SeenRequest
from clientary_connector.sandbox.keys import Account, Keys
from clientary_connector.sandbox.spoil import encode

_FIELDS: Final = tuple(field.name for field in fields(Fault))
_MOST_SHOWN: Final = 100
_SECRET_HEADERS: Final = frozenset({"authorization", "x-sandbox-key"})


class Control:
    """The control routes of one sandbox."""

    def __init__(
        self, *, account: Account, key: str, keys: Keys, faults: Faults, history: History
    ) -> None:
        """Join what the routes show and set; `key` is the one that steers, valid or not."""
        self._account = account
        self._state = account.state
        self._key = key
        self._keys = keys
        self._faults = faults
        self._history = history

    def app(self) -> ASGIApp:
        """Return the routes as an ASGI app."""
        table: tuple[tuple[str, str, Callable[[Request], Awaitable[object]]], ...] = (
            ("GET", "/_sandbox/", self._summary),
            ("GET", "/_sandbox/faults", self._waiting),
            ("POST", "/_sandbox/faults", self._arm),
            ("DELETE", "/_sandbox/faults", self._disarm),
            ("GET", "/_sandbox/requests", self._requests),
            ("DELETE", "/_sandbox/requests", self._forget),
            ("GET", "/_sandbox/effects", self._effects),
            ("GET", "/_sandbox/messages", self._messages),
            ("GET", "/_sandbox/keys", self._valid),
            ("POST", "/_sandbox/keys", self._add_key),
            ("DELETE", "/_sandbox/keys", self._revoke_key),
        )
        return Starlette(
            routes=[
                Route(path, self._guarded(answer), methods=[method])
                for method, path, answer in table
            ]
        )

    def _guarded(
        self, answer: Callable[[Request], Awaitable[object]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            if not _local(request):
                return _json({"error": "The sandbox is steered from loopback only."}, 403)
            given = request.headers.get("x-sandbox-key", "")
            if not hmac.compare_digest(given.encode(), self._key.encode()):
                return _json({"error": "Send the sandbox's key in the header X-Sandbox-Key."}, 401)
            try:
                return _json(await answer(request), 200)
            except ValueError as wrong:
                return _json({"error": str(wrong)}, 400)

        return guarded

    async def _summary(self, request: Request) -> object:
        del request
        return {
            "subdomain": self._state.subdomain,
            "today": self._state.today,
            "records": self._state.counts(),
            "faults": len(self._faults.waiting()),
            "requests": len(self._history.requests),
            "effects": sum(self._history.effects.values()),
            "messages": len(self._state.messages),
        }

    async def _waiting(self, request: Request) -> object:
        del request
        return {"faults": [asdict(fault) for fault in self._faults.waiting()]}

    async def _arm(self, request: Request) -> object:
        self._faults.add(*read_faults(await request.body()))
        return await self._waiting(request)

    async def _disarm(self, request: Request) -> object:
        self._faults.clear()
        return await self._waiting(request)

    async def _requests(self, request: Request) -> object:
        limit = _limit(request.url.query)
        rows = list(self._history.requests)[-limit:]
        return {"requests": [_shown(row) for row in rows]}

    async def _forget(self, request: Request) -> object:
        self._history.clear()
        return await self._requests(request)

    async def _effects(self, request: Request) -> object:
        del request
        rows = sorted(self._history.effects.items())
        return {
            "effects": [
                {"method": method, "route": route, "count": count}
                for (method, route), count in rows
            ]
        }

    async def _messages(self, request: Request) -> object:
        del request
        return {"messages": [asdict(message) for message in self._state.messages]}

    async def _valid(self, request: Request) -> object:
        del request
        return {"keys": self._keys.valid()}

    async def _add_key(self, request: Request) -> object:
        key = _read_key(await request.body())
        return {"key": self._keys.add(self._account, key)}

    async def _revoke_key(self, request: Request) -> object:
        key = _read_key(await request.body())
        return {"revoked": key is not None and self._keys.revoke(key)}


def read_faults(body: bytes) -> list[Fault]:
    """Read one fault or a list of faults from JSON.

    Raises:
        ValueError: With a sentence that names the field.
    """
    try:
        given: object = msgspec.json.decode(body)
    except msgspec.DecodeError:
        raise ValueError("Send a fault, or a list of faults, as JSON.") from None
    entries = cast("list[object]", given) if isinstance(given, list) else [given]
    return [_read_fault(entry) for entry in entries]


def _read_fault(entry: object) -> Fault:
    if not isinstance(entry, dict):
        raise ValueError("A fault is a JSON object.")  # noqa: TRY004 - the sender is wrong, no caller
    unknown = set(cast("dict[str, Any]", entry)) - set(_FIELDS)
    if unknown:
        known = ", ".join(_FIELDS)
        raise ValueError(f"{', '.join(sorted(unknown))}: no such field; there are: {known}.")
    try:
        return msgspec.convert(entry, Fault)
    except msgspec.ValidationError as wrong:
        raise ValueError(str(wrong)) from None


def _read_key(body: bytes) -> str | None:
    """Reads a key from JSON; None stands for one that the sandbox is to make."""
    try:
        return msgspec.json.decode(body or b"null", type=str | None)
    except msgspec.DecodeError:
        raise ValueError("Send a key as a JSON string, or nothing.") from None


def _limit(query: str) -> int:
    given = parse_qs(query).get("limit", [str(_MOST_SHOWN)])[-1]
    if not given.isascii() or not given.isdigit() or int(given[:9]) < 1:
        raise ValueError("limit: a whole number from 1.")
    return int(given[:9])


def _shown(seen: SeenRequest) -> dict[str, Any]:
    headers = {
        name: "(not shown)" if name in _SECRET_HEADERS else value
        for name, value in seen.headers.items()
    }
    return {
        "method": seen.method,
        "path": seen.path,
        "query": seen.query,
        "route": seen.route,
        "status": seen.status,
        "headers": headers,
        "body": seen.body.decode("utf-8", "replace"),
    }


def _local(request: Request) -> bool:
    if request.client is None:
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _json(body: object, status: int) -> Response:
    return Response(encode(body), status, media_type="application/json")

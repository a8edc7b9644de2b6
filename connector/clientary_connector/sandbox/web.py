"""Answers HTTP for a simulated account, as an ASGI app.

What a request passes, in this order:

1. It is remembered, whatever becomes of it.
2. A fault that waits for it takes over.
3. Basic auth with a valid key as user and password, or 401; the key says which account.
4. JSON asked for, by the Accept header or a `.json` suffix, or 406.
5. A route, and ids that are numbers, or 404.
6. The work; if it changed something, the effect is counted.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from clientary_connector.sandbox.exchange import MISSING, Answer, RefusedError
from clientary_connector.sandbox.exchange import Request as Asked
from clientary_connector.sandbox.faults import Fault, FaultKind, Faults
from clientary_connector.sandbox.fields import RejectedError
from clientary_connector.sandbox.history import History, SeenRequest
from clientary_connector.sandbox.keys import Account, Keys
from clientary_connector.sandbox.routes import Match, resolve
from clientary_connector.sandbox.spoil import PLAIN_TYPE, Reply, encode, spoil
from clientary_connector.sandbox.state import State
from clientary_connector.sandbox.wire import Wire

CONTROL: Final = "/_sandbox"

_UNAUTHORIZED: Final = Reply(
    401,
    b"HTTP Basic: Access denied.\n",
    (PLAIN_TYPE, ("www-authenticate", 'Basic realm="Application"')),
)
_NOT_ACCEPTABLE: Final = Reply(406, b"Not Acceptable\n", (PLAIN_TYPE,))
_MOST_CACHED: Final = 1_024


class Api:
    """The ASGI app: the API below `/api/v2`, the control routes below `/_sandbox`."""

    def __init__(self, *, keys: Keys, faults: Faults, history: History, control: ASGIApp) -> None:
        """Join the keys of accounts with their faults and history."""
        self._keys = keys
        self._faults = faults
        self._history = history
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].startswith(CONTROL):
            await self._control(scope, receive, send)
            return
        wire = Wire(scope, receive, send)
        match = resolve(scope["method"], scope["raw_path"])
        seen = SeenRequest(
            method=scope["method"],
            path=scope["raw_path"].decode("latin-1"),
            query=scope["query_string"].decode("latin-1"),
            raw_headers=tuple(scope["headers"]),
            body=await wire.body(),
            route=match.route,
        )
        self._history.requests.append(seen)
        fault = self._faults.take(seen.method, seen.route)
        if fault is not None:
            await self._fail(fault, seen, match, wire)
            return
        reply = self._work(seen, match)
        seen.status = reply.status
        await wire.answer(reply)

    def _work(self, seen: SeenRequest, match: Match) -> Reply:
        headers = dict(seen.raw_headers)
        account = self._keys.account(seen.raw_headers)
        if account is None:
            return _UNAUTHORIZED
        if not match.json and b"application/json" not in headers.get(b"accept", b""):
            return _NOT_ACCEPTABLE
        if match.handler is None:
            return Reply(MISSING.status, encode(MISSING.body))
        if seen.method == "GET":
            return _read(account, seen, match)
        answer = _run(account.state, seen, match)
        if answer.status < 400:  # noqa: PLR2004 - the first status of failure
            self._history.effects[seen.method, match.route] += 1
        return _reply(answer)

    async def _fail(self, fault: Fault, seen: SeenRequest, match: Match, wire: Wire) -> None:
        if fault.delay_s and not fault.after_work:
            await wire.wait(fault.delay_s)
        reply = self._work(seen, match) if fault.works else None
        if fault.delay_s and fault.after_work:
            await wire.wait(fault.delay_s)
        if fault.kind in {FaultKind.CUT_BEFORE, FaultKind.CUT_AFTER}:
            wire.cut(reset=fault.reset)
            return
        spoiled = spoil(fault, reply, token=self._keys.named(seen.raw_headers))
        seen.status = spoiled.status
        if fault.kind is FaultKind.TRUNCATED:
            await wire.answer_half(spoiled)
        else:
            await wire.answer(spoiled)


def _reply(answer: Answer) -> Reply:
    return Reply(answer.status, b"" if answer.body is None else encode(answer.body))


def _read(account: Account, seen: SeenRequest, match: Match) -> Reply:
    revision = account.state.revision
    if revision != account.cached_at or len(account.cache) > _MOST_CACHED:
        account.cache.clear()
        account.cached_at = revision
    reply = account.cache.get((seen.path, seen.query))
    if reply is None:
        reply = _reply(_run(account.state, seen, match))
        account.cache[seen.path, seen.query] = reply
    return reply


def _run(state: State, seen: SeenRequest, match: Match) -> Answer:
    assert match.handler is not None  # noqa: S101 - `_work` has looked
    query = dict(parse_qsl(seen.query, keep_blank_values=True)) if seen.query else {}
    try:
        return match.handler(state, Asked(match.ids, query, seen.body))
    except RejectedError as rejected:
        return Answer(422, dict(rejected.faults))
    except RefusedError as refused:
        return Answer(refused.status, refused.body)

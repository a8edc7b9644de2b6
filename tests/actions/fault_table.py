"""States what each fault of the far side must come to, by effect; written from the rules alone.

The rules: what was refused or never sent has not happened; what was sent without an answer may
have happened and is never sent again; a status of success stands whatever the body is like; only
reads, what was never sent, and what the far side has put off (429) are tried again.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from clientary_connector import ErrorKind, Outcome
from clientary_connector.sandbox import Fault, FaultKind
from tests.actions.traces import CANARY

#: How often the connector of the matrix sends at most.
MAX_SENDS: Final = 3
#: What an answer may weigh there.
MAX_BODY: Final = 300_000
#: The longest silence that it bears, which is time enough for all actions to be sent at once on a
#: slow machine, and a silence that is longer.
READ_TIMEOUT_S: Final = 2.0
TOO_LONG_S: Final = 30.0
#: A Retry-After that it does not wait for.
LONG_WAIT_S: Final = 120

READ, CREATE, UPDATE, DELETE, SEND = "read", "create", "update", "delete", "send"
WRITES: Final = (CREATE, UPDATE, DELETE, SEND)
EVERY: Final = (READ, *WRITES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a call must come to."""

    outcome: Outcome
    error: ErrorKind | None = None
    #: How often the request is seen on the wire.
    sends: int = 1
    #: How often the far side does the work of a write; None where it cannot be told.
    work: int | None = 0
    #: None where the rules do not say.
    retryable: bool | None = None
    status: int | None = None
    wait_s: float | None = None
    warns: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One fault and its verdicts."""

    name: str
    fault: Fault
    verdicts: Mapping[str, Verdict]
    #: Texts that the message or the hint must name.
    names: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @property
    def slow(self) -> bool:
        """Whether each call waits, so that all of them are made at once."""
        return self.fault.delay_s > 0

    @property
    def rests(self) -> bool:
        """Whether it asks for a rest, which holds for all calls over the connection."""
        return "retry-after" in self.fault.headers


def _all(verdict: Verdict) -> dict[str, Verdict]:
    return dict.fromkeys(EVERY, verdict)


def _split(read: Verdict, write: Verdict, **others: Verdict) -> dict[str, Verdict]:
    return {READ: read, **dict.fromkeys(WRITES, write), **others}


def _said_no(error: ErrorKind, status: int) -> dict[str, Verdict]:
    return _all(Verdict(outcome=Outcome.FAILED, error=error, status=status))


def _status(status: int, **more: object) -> Fault:
    usual: dict[str, object] = {"kind": FaultKind.STATUS, "status": status, "times": None}
    return Fault(**(usual | more))  # type: ignore[arg-type]


def _done(**more: object) -> Verdict:
    return Verdict(outcome=Outcome.SUCCEEDED, work=1, **more)  # type: ignore[arg-type]


def _unanswered(*, work: int | None, sends: int) -> dict[str, Verdict]:
    """A read changes nothing, so that it has failed and may be tried again; a write may be done."""
    return _split(
        Verdict(outcome=Outcome.FAILED, error=ErrorKind.UNKNOWN, retryable=True, sends=sends),
        Verdict(outcome=Outcome.UNKNOWN, error=ErrorKind.UNKNOWN, work=work, retryable=False),
    )


def _broke(status: int) -> dict[str, Verdict]:
    """A gateway or the service itself broke: for a write, nobody can say how far it came."""
    again = status != 500
    return _split(
        Verdict(
            outcome=Outcome.FAILED,
            error=ErrorKind.UPSTREAM_ERROR,
            status=status,
            retryable=True,
            sends=MAX_SENDS if again else 1,
        ),
        Verdict(
            outcome=Outcome.UNKNOWN,
            error=ErrorKind.UPSTREAM_ERROR,
            status=status,
            retryable=False,
        ),
    )


def _spoiled_body() -> dict[str, Verdict]:
    """A success whose body cannot be used: a read has nothing, a write has happened."""
    return _split(
        Verdict(outcome=Outcome.FAILED, error=ErrorKind.BAD_RESPONSE),
        _done(),
        **{CREATE: _done(warns=True), UPDATE: _done()},
    )


def _redirected(status: int) -> dict[str, Verdict]:
    """After the older three the work is often done (post, redirect, get); 307 and 308 ask again."""
    bad = Verdict(outcome=Outcome.FAILED, error=ErrorKind.BAD_RESPONSE, status=status)
    if status in {307, 308}:
        return _all(bad)
    unclear = Verdict(
        outcome=Outcome.UNKNOWN, error=ErrorKind.BAD_RESPONSE, status=status, retryable=False
    )
    return _split(bad, unclear)


_FIELDS: Final = {"name": ("can't be blank",), "number": ("is taken", "is too long")}

STATUSES: Final = (
    Case(
        name="401",
        fault=_status(401, body="HTTP Basic: Access denied."),
        verdicts=_said_no(ErrorKind.UNAUTHORIZED, 401),
    ),
    Case(name="403", fault=_status(403), verdicts=_said_no(ErrorKind.FORBIDDEN, 403)),
    Case(name="404", fault=_status(404), verdicts=_said_no(ErrorKind.NOT_FOUND, 404)),
    Case(
        name="422 with fields",
        fault=_status(422, body='{"name":["can\'t be blank"],"number":["is taken","is too long"]}'),
        verdicts=_said_no(ErrorKind.REJECTED, 422),
        fields=_FIELDS,
    ),
    Case(
        name="422 with an errors object",
        fault=_status(
            422,
            body='{"errors":{"name":["can\'t be blank"],"number":["is taken","is too long"]}}',
        ),
        verdicts=_said_no(ErrorKind.REJECTED, 422),
        fields=_FIELDS,
    ),
    Case(
        name="422 in plain text",
        fault=_status(422, body="Stripe is not set up", headers={"content-type": "text/plain"}),
        verdicts=_said_no(ErrorKind.REJECTED, 422),
        fields={"": ("Stripe is not set up",)},
    ),
    Case(name="426", fault=_status(426), verdicts=_said_no(ErrorKind.PLAN_LIMIT, 426)),
    Case(
        name="429 once",
        fault=_status(429, times=1, headers={"retry-after": "0"}),
        verdicts=_all(_done(sends=2)),
    ),
    Case(
        name="429 always",
        fault=_status(429, headers={"retry-after": "0"}),
        verdicts=_all(
            Verdict(
                outcome=Outcome.FAILED,
                error=ErrorKind.RATE_LIMITED,
                status=429,
                retryable=True,
                sends=MAX_SENDS,
            )
        ),
    ),
    Case(
        name="429 for long",
        fault=_status(429, headers={"retry-after": str(LONG_WAIT_S)}),
        verdicts=_all(
            Verdict(
                outcome=Outcome.FAILED,
                error=ErrorKind.RATE_LIMITED,
                status=429,
                retryable=True,
                wait_s=LONG_WAIT_S,
            )
        ),
    ),
    *(
        Case(name=str(status), fault=_status(status), verdicts=_broke(status))
        for status in (500, 502, 503, 504)
    ),
    Case(
        name="500 after the work",
        fault=_status(500, after_work=True),
        verdicts=_broke(500)
        | {
            effect: Verdict(
                outcome=Outcome.UNKNOWN, error=ErrorKind.UPSTREAM_ERROR, status=500, work=1
            )
            for effect in WRITES
        },
    ),
    Case(
        name="503 once",
        fault=_status(503, times=1),
        verdicts=_split(_done(sends=2), _broke(503)[CREATE]),
    ),
)

SILENCES: Final = (
    Case(
        name="delay beyond the timeout",
        fault=Fault(kind=FaultKind.DELAY, delay_s=TOO_LONG_S, times=None),
        verdicts=_unanswered(work=None, sends=1),
    ),
    Case(
        name="cut before the work",
        fault=Fault(kind=FaultKind.CUT_BEFORE, times=None),
        verdicts=_unanswered(work=0, sends=MAX_SENDS),
    ),
    Case(
        name="reset before the work",
        fault=Fault(kind=FaultKind.CUT_BEFORE, times=None, reset=True),
        verdicts=_unanswered(work=0, sends=MAX_SENDS),
    ),
    Case(
        name="cut after the work",
        fault=Fault(kind=FaultKind.CUT_AFTER, times=None),
        verdicts=_unanswered(work=1, sends=MAX_SENDS),
    ),
    Case(
        name="reset after the work",
        fault=Fault(kind=FaultKind.CUT_AFTER, times=None, reset=True),
        verdicts=_unanswered(work=1, sends=MAX_SENDS),
    ),
)

BODIES: Final = (
    Case(
        name="broken JSON",
        fault=Fault(kind=FaultKind.BROKEN_JSON, times=1),
        verdicts=_spoiled_body(),
    ),
    Case(
        name="body cut half-way",
        fault=Fault(kind=FaultKind.TRUNCATED, times=1),
        verdicts=_spoiled_body() | {READ: _done(sends=2)},
    ),
    Case(
        name="huge body",
        fault=Fault(kind=FaultKind.HUGE, size=2 * MAX_BODY, times=1),
        verdicts=_spoiled_body(),
    ),
    Case(
        name="nothing, 204",
        fault=Fault(kind=FaultKind.EMPTY, times=1),
        verdicts=_spoiled_body() | {UPDATE: _done(warns=False)},
    ),
    Case(
        name="null drift",
        fault=Fault(kind=FaultKind.NULL_DRIFT, times=None),
        verdicts=_all(_done()),
    ),
    Case(
        name="wrong types",
        fault=Fault(kind=FaultKind.WRONG_TYPES, times=None),
        verdicts=_all(_done())
        | {READ: _done(warns=True), CREATE: _done(warns=True), UPDATE: _done(warns=True)},
    ),
    Case(
        name="extra fields",
        fault=Fault(kind=FaultKind.EXTRA_FIELDS, times=None),
        verdicts=_all(_done(warns=False)),
    ),
)

REDIRECTS: Final = (
    *(
        Case(
            name=f"{status} to another host",
            fault=Fault(
                kind=FaultKind.REDIRECT,
                status=status,
                location="https://elsewhere.example/api/v2/x?y",
                times=None,
            ),
            verdicts=_redirected(status),
            names=("elsewhere.example",),
        )
        for status in (301, 302, 303, 307, 308)
    ),
    Case(
        name="302 to the same host",
        fault=Fault(kind=FaultKind.REDIRECT, location="/login", times=None),
        verdicts=_redirected(302),
        names=("127.0.0.1",),
    ),
)

ECHOES: Final = (
    *(
        Case(
            name=f"echo, {encoding}",
            fault=Fault(kind=FaultKind.ECHO, encoding=encoding, times=None),
            verdicts=_all(_done()),
        )
        for encoding in ("raw", "base64", "percent", "escaped")
    ),
    *(
        Case(
            name=f"echo in a {status}, {encoding}",
            fault=Fault(kind=FaultKind.ECHO, encoding=encoding, status=status, times=None),
            verdicts=_said_no(kind, status),
        )
        for status, kind in ((401, ErrorKind.UNAUTHORIZED), (422, ErrorKind.REJECTED))
        for encoding in ("raw", "base64", "percent", "escaped")
    ),
)

_PAIR: Final = base64.b64encode(f"{CANARY}:{CANARY}".encode()).decode()

HEADERS: Final = (
    Case(
        name="echo in Retry-After",
        fault=_status(429, headers={"retry-after": CANARY}),
        verdicts=_all(
            Verdict(
                outcome=Outcome.FAILED,
                error=ErrorKind.RATE_LIMITED,
                status=429,
                sends=MAX_SENDS,
            )
        ),
    ),
    Case(
        name="echo in a redirect",
        fault=Fault(
            kind=FaultKind.REDIRECT,
            status=307,
            location=f"https://elsewhere.example/{CANARY}?key={_PAIR}",
            times=None,
        ),
        verdicts=_redirected(307),
        names=("elsewhere.example",),
    ),
    Case(
        name="echo in plain text",
        fault=Fault(kind=FaultKind.ECHO, status=422, body=f"No: {CANARY} {_PAIR} ", times=None),
        verdicts=_said_no(ErrorKind.REJECTED, 422),
    ),
    Case(
        name="echo as the name of a field",
        fault=_status(422, body=json.dumps({CANARY: ["is bad"], "x": [_PAIR]})),
        verdicts=_said_no(ErrorKind.REJECTED, 422),
    ),
    Case(
        name="echo in a 500",
        fault=Fault(kind=FaultKind.ECHO, status=500, times=None),
        verdicts=_broke(500),
    ),
)

CASES: Final = (*STATUSES, *SILENCES, *BODIES, *REDIRECTS, *ECHOES, *HEADERS)

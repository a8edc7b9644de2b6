"""Reads answers: success by the output schema, failure by its status, neither ever raises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeAlias

import msgspec

from clientary_connector.call.failure import failure, is_change
from clientary_connector.call.kinds import is_list, is_object
from clientary_connector.call.reading import Drift, kept, reader
from clientary_connector.call.result import CallError, ErrorKind
from clientary_connector.call.transport import BodyFault, Reply
from clientary_connector.manifest import Action, Effect, Envelope

JSON: TypeAlias = Any
DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError, RecursionError)
KINDS: Final[Mapping[int, ErrorKind]] = {
    401: ErrorKind.UNAUTHORIZED,
    403: ErrorKind.FORBIDDEN,
    404: ErrorKind.NOT_FOUND,
    408: ErrorKind.UPSTREAM_ERROR,
    410: ErrorKind.NOT_FOUND,
    426: ErrorKind.PLAN_LIMIT,
    429: ErrorKind.RATE_LIMITED,
}
SUCCESS: Final = range(200, 300)
REDIRECT: Final = range(300, 400)
FIRST_SERVER_ERROR: Final = 500
#: Answers that may follow work that was done: "now look there".
LOOK_THERE: Final = frozenset({301, 302, 303})
MAX_FIELDS: Final = 50
MAX_TEXT_CHARS: Final = 500
#: Longer waits are not believed.
MAX_WAIT_S: Final = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page of a list, as the service sent it."""

    items: list[Any]
    total: int | None = None
    size: int | None = None
    pages: int | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Says in a few words why an answer cannot be read."""

    reason: str


class Answers:
    """Reads the answers to one action; what its schema says is worked out once."""

    def __init__(self, action: Action, *, envelope: Envelope) -> None:
        """Takes the action and the names of the envelope around lists."""
        self._action = action
        self._envelope = envelope
        self._read = reader(action.output)

    def data(self, document: JSON, drift: Drift) -> JSON:
        """Returns the data of a result, in our forms."""
        return self._read(document, drift)

    def listing(self, document: JSON, drift: Drift) -> Listing | Unreadable:
        """Takes a list out of its envelope."""
        key = self._action.paging.items if self._action.paging else ""
        if is_list(document):
            drift.note("$", "a bare list came")
            return Listing(items=document)
        if not is_object(document) or key not in document:
            return Unreadable(f"it holds no {key}")
        items: object = document[key]
        if items is None:
            drift.note(f"$.{key}", "null was not expected")
            return Listing(items=[])
        if not is_list(items):
            return Unreadable(f"its {key} are no list")
        return Listing(
            items=items,
            total=_count(document.get(self._envelope.total)),
            size=_count(document.get(self._envelope.size)),
            pages=_count(document.get(self._envelope.pages)),
        )


def document_of(reply: Reply) -> JSON | Unreadable:
    """Returns the JSON of an answer."""
    if reply.fault is BodyFault.CUT:
        return Unreadable("it was cut off")
    if reply.fault is BodyFault.TOO_LARGE:
        return Unreadable("it is larger than allowed")
    try:
        return DECODER.decode(reply.body)
    except UNREADABLE:
        return Unreadable("it is not JSON")


def error_of(reply: Reply, effect: Effect, *, now: datetime) -> CallError:
    """Returns what an answer that is no success means."""
    status = reply.status
    if status in REDIRECT:
        return _redirected(reply, effect)
    kind = KINDS.get(status, ErrorKind.REJECTED)
    if status >= FIRST_SERVER_ERROR:
        kind = ErrorKind.UPSTREAM_ERROR
    fields = fields_of(reply) if kind is ErrorKind.REJECTED else {}
    message = None
    if fields:
        message = "The service did not accept the values: " + "; ".join(
            f"{name or 'record'} {', '.join(said)}" for name, said in fields.items()
        )
    hint = None
    if kind is ErrorKind.REJECTED and not fields:
        hint = "Compare the values with the action's description, then call again."
    return failure(
        kind,
        effect=effect,
        message=None if message is None else message[:MAX_TEXT_CHARS] + ".",
        hint=hint,
        status=status,
        wait_s=wait_of(reply.retry_after, now=now),
        fields=fields,
    )


def effect_unknown(reply: Reply, effect: Effect) -> bool:
    """Tells whether something may have been done although the answer is no success."""
    return is_change(effect) and (reply.status >= FIRST_SERVER_ERROR or reply.status in LOOK_THERE)


def wait_of(header: str | None, *, now: datetime) -> float | None:
    """Reads Retry-After: seconds, or an HTTP date."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), MAX_WAIT_S)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), MAX_WAIT_S)


def fields_of(reply: Reply) -> dict[str, tuple[str, ...]]:
    """Returns the messages of a refusal by field, from any of the shapes it may come in."""
    document = document_of(reply)
    if isinstance(document, Unreadable):
        return _texts("", reply.body.decode(errors="replace"))
    if is_object(document):
        for key in ("errors", "error", "message"):
            if key in document and len(document) <= 2:  # noqa: PLR2004 - the errors, and a code beside them
                return _by_field(document[key])
    return _by_field(document)


def _by_field(said: JSON) -> dict[str, tuple[str, ...]]:
    if not is_object(said):
        return _texts("", said)
    found: dict[str, tuple[str, ...]] = {}
    for name, part in list(said.items())[:MAX_FIELDS]:
        found |= _texts("" if name == "base" else name[:MAX_TEXT_CHARS], part)
    return found


def _texts(name: str, said: JSON) -> dict[str, tuple[str, ...]]:
    parts = said if is_list(said) else [said]
    texts = [
        part if isinstance(part, str) else msgspec.json.encode(kept(part)).decode()
        for part in parts[:MAX_FIELDS]
        if part is not None
    ]
    # A page of HTML says nothing about a value.
    lines = [text[:MAX_TEXT_CHARS].split() for text in texts if not text.lstrip().startswith("<")]
    short = tuple(" ".join(words) for words in lines)
    return {name: short} if any(short) else {}


def _redirected(reply: Reply, effect: Effect) -> CallError:
    host = reply.location or "no host"
    return failure(
        ErrorKind.BAD_RESPONSE,
        effect=effect,
        message=f"The service pointed to {host}; that was not followed.",
        hint="Do not try again. A person has to check the address of the account.",
        status=reply.status,
    )


def _count(value: JSON) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value[:18])
    return value if type(value) is int and value >= 0 else None

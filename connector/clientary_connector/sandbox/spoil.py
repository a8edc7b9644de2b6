"""Spoils an answer the way a fault says: drift, broken JSON, an echo of the token, and more."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import msgspec

from clientary_connector.sandbox.faults import Fault, FaultKind
from clientary_connector.sandbox.fields import decode

JSON_TYPE: Final = ("content-type", "application/json; charset=utf-8")
PLAIN_TYPE: Final = ("content-type", "text/plain; charset=utf-8")

_encoder: Final = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it goes over the wire."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = field(default=(JSON_TYPE,))


def encode(body: object) -> bytes:
    """Write JSON with Decimals as exact numbers."""
    return _encoder.encode(body)


def spoil(fault: Fault, reply: Reply | None, *, token: str) -> Reply:
    """Return the reply that a fault makes of the true one (None when no work was done)."""
    status = fault.answer_status or (reply.status if reply else 200)
    body = _bodies[fault.kind](fault, reply.body if reply else b"", token)
    headers = reply.headers if reply else (JSON_TYPE,)
    if fault.kind is FaultKind.REDIRECT:
        headers = (*headers, ("location", fault.location or ""))
    return Reply(status, body, _replaced(headers, fault.headers))


def drifted(body: bytes, change: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
    """Change each record of a body: the record itself, or those of its list."""
    content = decode(body) if body.startswith(b"{") else None
    if not isinstance(content, dict):
        return body
    record = cast("dict[str, Any]", content)
    lists = [name for name, value in record.items() if _is_records(value)]
    if "id" in record or not lists:
        return encode(change(record))
    return encode({**record, **{name: [change(row) for row in record[name]] for name in lists}})


def spelled(token: str, encoding: str) -> bytes:
    """Spell a token in one of the forms in which it can leak, as part of a JSON string."""
    if encoding == "base64":
        return base64.b64encode(f"{token}:{token}".encode())
    if encoding == "percent":
        return "".join(f"%{byte:02X}" for byte in token.encode()).encode()
    if encoding == "escaped":
        return "".join(f"\\u{ord(letter):04x}" for letter in token).encode()
    return encode(token)[1:-1]


def _is_records(value: Any) -> bool:  # noqa: ANN401 - any JSON
    if not isinstance(value, list):
        return False
    rows = cast("list[object]", value)
    return all(isinstance(row, dict) and "id" in row for row in rows)


def _replaced(
    headers: tuple[tuple[str, str], ...], given: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    names = {name.lower() for name in given}
    kept = [header for header in headers if header[0] not in names]
    return (*kept, *((name.lower(), value) for name, value in given.items()))


def _given(fault: Fault, body: bytes, token: str) -> bytes:
    del body, token
    if fault.body is not None:
        return fault.body.encode()
    return encode({"error": f"simulated {fault.kind}"})


def _same(fault: Fault, body: bytes, token: str) -> bytes:
    del fault, token
    return body


def _nothing(fault: Fault, body: bytes, token: str) -> bytes:
    del fault, body, token
    return b""


def _broken(fault: Fault, body: bytes, token: str) -> bytes:
    del fault, token
    return (body[:-1] or b"{") + b',"'


def _nulls(fault: Fault, body: bytes, token: str) -> bytes:
    del token
    return drifted(body, lambda row: _with(row, fault.fields, lambda _: None))


def _types(fault: Fault, body: bytes, token: str) -> bytes:
    del token
    return drifted(body, lambda row: _with(row, fault.fields, _other_type))


def _extras(fault: Fault, body: bytes, token: str) -> bytes:
    del token
    names = fault.fields or ("unheard_of", "unheard_of_too")
    extra = {name: {"nested": [1, None, "new"]} for name in names}
    return drifted(body, lambda row: {**row, **extra})


def _padded(fault: Fault, body: bytes, token: str) -> bytes:
    del token
    rest = body[1:] if body.startswith(b"{") else b"}"
    comma = b"" if rest == b"}" else b","
    return b'{"padding":"' + b"x" * fault.size + b'"' + comma + rest


def _echoed(fault: Fault, body: bytes, token: str) -> bytes:
    leak = b'"%s"' % spelled(token, fault.encoding)
    if fault.body is not None:
        return fault.body.encode() + leak[1:-1]
    if not fault.works or not body.startswith(b"{"):
        return b'{"error":%s}' % leak
    comma = b"" if body == b"{}" else b","
    return body[:-1] + comma + b'"echo":%s}' % leak


def _with(
    row: dict[str, Any], fields: tuple[str, ...], change: Callable[[Any], object]
) -> dict[str, Any]:
    names = fields or tuple(name for name in row if name != "id")
    return {name: change(value) if name in names else value for name, value in row.items()}


def _other_type(value: object) -> object:
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, bool) or value is None:
        return "maybe"
    if isinstance(value, dict | list):
        return "flattened"
    return [value]


_bodies: Final[Mapping[FaultKind, Callable[[Fault, bytes, str], bytes]]] = {
    FaultKind.STATUS: _given,
    FaultKind.REDIRECT: _given,
    FaultKind.DELAY: _same,
    FaultKind.TRUNCATED: _same,
    FaultKind.EMPTY: _nothing,
    FaultKind.BROKEN_JSON: _broken,
    FaultKind.NULL_DRIFT: _nulls,
    FaultKind.WRONG_TYPES: _types,
    FaultKind.EXTRA_FIELDS: _extras,
    FaultKind.HUGE: _padded,
    FaultKind.ECHO: _echoed,
}

"""Takes a secret out of what the service sent back, in every spelling it may come in.

1. Plain, and joined as Basic credentials, in base64 of both alphabets at each alignment.
2. In hexadecimal.
3. With any of its signs percent-encoded or escaped as JSON does.
4. A secret too short to be told from ordinary text is not looked for: connections refuse it,
   and one with signs that JSON has to escape.
"""

from __future__ import annotations

import re
from binascii import b2a_base64, hexlify
from typing import Final
from urllib.parse import unquote_to_bytes

MARK: Final = b"[secret]"
#: Shorter ones are refused when an account is connected.
MIN_SECRET_CHARS: Final = 16
#: The alphabet of base64 that stands in URLs differs in two signs (RFC 4648, section 5).
URLSAFE: Final = bytes.maketrans(b"+/", b"-_")
#: What JSON may write in more than one way: a solidus, and any ASCII sign by its number.
ESCAPED: Final = re.compile(rb"\\\\|\\/|\\u00([2-7][0-9a-fA-F])")


def scrub(body: bytes, secret: str) -> bytes:
    """Returns the body with every spelling of the secret replaced by a mark."""
    if len(secret) < MIN_SECRET_CHARS:
        return body
    raw = secret.encode()
    for form in spellings(raw):
        if form in body:
            body = body.replace(form, MARK)
    if b"%" in body or b"\\" in body:
        body = _scrub_escaped(body, raw)
    return body


def spellings(raw: bytes) -> tuple[bytes, ...]:
    """Returns the fixed spellings of a secret, longest first where one holds another."""
    pair = b2a_base64(raw + b":" + raw, newline=False)
    plain = (pair, _aligned(raw, 0), _aligned(raw, 1), _aligned(raw, 2))
    urlsafe = [form.translate(URLSAFE) for form in plain if b"+" in form or b"/" in form]
    digits = hexlify(raw)
    return (*plain, *urlsafe, raw, digits, digits.upper())


def _aligned(raw: bytes, offset: int) -> bytes:
    """Returns the signs of base64 that depend on the secret alone, at one alignment."""
    encoded = b2a_base64(b"\0" * offset + raw, newline=False)
    first = (offset * 8 + 5) // 6
    last = (offset + len(raw)) * 8 // 6
    return encoded[first:last]


def _scrub_escaped(body: bytes, raw: bytes) -> bytes:
    shown = ESCAPED.sub(_unescape, body)
    if raw not in shown and raw not in unquote_to_bytes(shown):
        return body
    cleaned = re.sub(b"".join(_any_spelling(sign) for sign in raw), MARK, body)
    left = ESCAPED.sub(_unescape, cleaned)
    # Escaped twice over: nothing honest writes that, so nothing of it is kept.
    return MARK if raw in left or raw in unquote_to_bytes(left) else cleaned


def _unescape(found: re.Match[bytes]) -> bytes:
    if found[1]:
        return bytes([int(found[1], 16)])
    return b"/" if found[0] == b"\\/" else found[0]


def _any_spelling(sign: int) -> bytes:
    code = b"%02x" % sign
    either = b"".join(
        b"[%c%c]" % (digit, digit - 32) if digit > ord("9") else b"%c" % digit for digit in code
    )
    # The longer spellings first: a percent sign alone would fit the first third of its own code.
    forms = [b"%" + either, rb"\\u00" + either, re.escape(b"%c" % sign)]
    if sign == ord("/"):
        forms.insert(0, rb"\\/")
    return b"(?:" + b"|".join(forms) + b")"

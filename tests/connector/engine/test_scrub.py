"""Proves that the secret is found in an answer however it is spelled."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientary_connector.call.scrub import MARK, scrub

pytestmark = pytest.mark.requirement("transport.scrub")

KEY = "p4/ss+w0rd&=%tok'en-<ABCdef012345"
PLAIN = "canary-0123456789-ABCDEFGHIJ-abcdefghij"


def spelled(key: str) -> dict[str, bytes]:
    """Returns a secret in the spellings that a service may send back."""
    raw = key.encode()
    pair = raw + b":" + raw
    return {
        "raw": raw,
        "pair": base64.b64encode(pair),
        "urlsafe pair": base64.urlsafe_b64encode(pair),
        "aligned 0": base64.b64encode(raw),
        "aligned 1": base64.b64encode(b"x" + raw + b"yy"),
        "aligned 2": base64.b64encode(b"xx" + raw + b"y"),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "json": json.dumps(key)[1:-1].encode(),
        "json numbers": "".join(f"\\u{ord(sign):04X}" for sign in key).encode(),
        "json solidus": json.dumps(key)[1:-1].replace("/", "\\/").encode(),
        "percent": quote(key, safe="").encode(),
        "percent all": "".join(f"%{ord(sign):02x}" for sign in key).encode(),
    }


@pytest.mark.parametrize("key", [KEY, PLAIN])
@pytest.mark.parametrize("name", spelled(KEY))
def test_every_spelling_of_the_secret_is_taken_out(key: str, name: str) -> None:
    """Nothing of it is left, and what stands around it is."""
    form = spelled(key)[name]
    cleaned = scrub(b'{"before": 1, "said": "' + form + b'", "after": 2}', key)
    assert form not in cleaned
    assert MARK in cleaned
    assert cleaned.startswith(b'{"before": 1, "said": "')
    assert cleaned.endswith(b'", "after": 2}')


def test_base64_of_the_secret_leaves_no_longer_run_of_it() -> None:
    """Inside a longer run of base64, at most the signs shared with the neighbours stay."""
    for offset in range(3):
        form = base64.b64encode(b"x" * offset + PLAIN.encode() + b"tail")
        cleaned = scrub(form, PLAIN)
        inner = base64.b64encode(b"x" * offset + PLAIN.encode())[4:-4]
        assert inner not in cleaned
        assert MARK in cleaned


def test_a_secret_escaped_twice_over_takes_the_whole_answer_along() -> None:
    """What nothing honest would write is not kept in part."""
    twice = "".join(f"%{ord(sign):02x}" for sign in KEY).replace("%", "\\u0025").encode()
    assert scrub(b"[" + twice + b"]", KEY) == MARK


@pytest.mark.requirement("threat.30")
def test_a_short_secret_does_not_shred_the_answer() -> None:
    """A secret that could be a common word is not looked for."""
    assert scrub(b"the client", "the") == b"the client"
    assert scrub(b"the client", "") == b"the client"


@pytest.mark.requirement("threat.30")
def test_signs_of_regular_expressions_are_taken_literally() -> None:
    """A secret full of dots and stars fits itself alone."""
    key = ".*.*.*.*.*.*.*.*.*%"
    assert (
        scrub(b"harmless text with % and more of it", key) == b"harmless text with % and more of it"
    )
    assert scrub(f"x{quote(key)}y".encode(), key) == b"x" + MARK + b"y"


@given(st.binary(max_size=300))
def test_an_answer_without_the_secret_comes_through_unchanged(body: bytes) -> None:
    """No byte of an innocent answer is lost, escapes and percent signs included."""
    assert scrub(body, PLAIN) == body


SIGNS = st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"\\')


@given(st.text(alphabet=SIGNS, min_size=16, max_size=60))
def test_any_plain_secret_is_taken_out_of_json(key: str) -> None:
    """After reading the JSON, no text in it holds the secret."""
    cleaned = scrub(
        json.dumps({"said": f"key {key} end", "url": quote(key, safe="")}).encode(), key
    )
    assert key.encode() not in cleaned
    assert key not in str(json.loads(cleaned) if cleaned != MARK else "")

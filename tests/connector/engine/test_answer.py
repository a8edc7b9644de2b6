"""Proves what each answer that is no success comes to."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientary_connector import ErrorKind, load_manifest
from clientary_connector.call.answer import (
    Answers,
    Listing,
    Unreadable,
    document_of,
    effect_unknown,
    error_of,
    fields_of,
    wait_of,
)
from clientary_connector.call.failure import WORDS, failure
from clientary_connector.call.reading import Drift
from clientary_connector.call.transport import BodyFault, Reply
from clientary_connector.manifest import Effect
from tests.connector.engine.ground import ALMANAC, NOW

pytestmark = pytest.mark.requirement("engine.errors")

SKY = load_manifest(ALMANAC)
LISTS = Answers(SKY.actions["list_events"], envelope=SKY.envelope)


def said(status: int, body: bytes = b"", **other: str) -> Reply:
    """Returns an answer."""
    return Reply(
        status=status,
        body=body,
        retry_after=other.get("retry_after"),
        location=other.get("location"),
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "rejected"), (401, "unauthorized"), (403, "forbidden"), (404, "not_found"),
        (408, "upstream_error"), (409, "rejected"), (410, "not_found"), (422, "rejected"),
        (426, "plan_limit"), (429, "rate_limited"), (500, "upstream_error"),
        (502, "upstream_error"), (503, "upstream_error"), (504, "upstream_error"),
        (301, "bad_response"), (307, "bad_response"),
    ],
)  # fmt: skip
def test_each_status_has_its_kind(status: int, kind: str) -> None:
    """The kind follows from the status alone."""
    error = error_of(said(status), Effect.READ, now=NOW)
    assert (error.kind, error.status) == (kind, status)


@pytest.mark.parametrize("kind", ErrorKind)
def test_each_kind_has_words_for_a_person_and_for_a_model(kind: ErrorKind) -> None:
    """No kind is left without a message and a hint."""
    error = failure(kind, effect=Effect.READ)
    assert error.message == WORDS[kind][0]
    assert error.hint


@pytest.mark.parametrize(
    ("kind", "effect", "retryable"),
    [
        (ErrorKind.UNREACHABLE, Effect.WRITE, True),
        (ErrorKind.RATE_LIMITED, Effect.SEND, True),
        (ErrorKind.UPSTREAM_ERROR, Effect.READ, True),
        (ErrorKind.UPSTREAM_ERROR, Effect.WRITE, False),
        (ErrorKind.UNKNOWN, Effect.DELETE, False),
        (ErrorKind.UNKNOWN, Effect.READ, True),
        (ErrorKind.BAD_RESPONSE, Effect.WRITE, False),
        (ErrorKind.REJECTED, Effect.READ, False),
        (ErrorKind.DENIED, None, False),
    ],
)
def test_retryable_follows_from_kind_and_effect(
    kind: ErrorKind, effect: Effect | None, *, retryable: bool
) -> None:
    """What may have been done is never offered again, and the hint says to look first."""
    error = failure(kind, effect=effect)
    assert error.retryable is retryable
    if effect not in {None, Effect.READ} and not retryable:
        assert "look" in error.hint


@pytest.mark.parametrize(
    ("status", "unknown"),
    [(500, True), (503, True), (301, True), (302, True), (303, True), (307, False), (422, False)],
)
def test_a_change_that_broke_on_the_far_side_may_have_happened(
    status: int, *, unknown: bool
) -> None:
    """Only for changes; a read changes nothing."""
    assert effect_unknown(said(status), Effect.WRITE) is unknown
    assert not effect_unknown(said(status), Effect.READ)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b'{"name": ["can\'t be blank", "is odd"]}', {"name": ("can't be blank", "is odd")}),
        (b'{"errors": {"name": ["taken"], "base": ["no"]}}', {"name": ("taken",), "": ("no",)}),
        (b'{"errors": ["first", "second"]}', {"": ("first", "second")}),
        (b'{"error": "Stripe is off"}', {"": ("Stripe is off",)}),
        (b'{"message": "no", "code": 7}', {"": ("no",)}),
        (b'["one"]', {"": ("one",)}),
        (b"Number is taken", {"": ("Number is taken",)}),
        (b'{"number": [5, null, {"a": 1.5}]}', {"number": ("5", '{"a":1.5}')}),
        (b"<html><body>no</body></html>", {}),
        (b"", {}),
        (b'{"name": null}', {}),
    ],
)
def test_the_fields_of_a_refusal_are_found_in_every_shape(
    body: bytes, fields: dict[str, tuple[str, ...]]
) -> None:
    """Top-level keys, an errors object, an error text, a list and plain text are all read."""
    assert fields_of(said(422, body)) == fields
    error = error_of(said(422, body), Effect.WRITE, now=NOW)
    assert error.fields == fields
    for name in fields:
        assert (name or "record") in error.message


@given(st.binary(max_size=200))
def test_no_refusal_can_make_the_reading_raise(body: bytes) -> None:
    """Whatever the body holds, an error comes of it."""
    assert error_of(said(422, body), Effect.WRITE, now=NOW).kind is ErrorKind.REJECTED


def test_a_redirect_names_its_host() -> None:
    """The message holds the host, and the hint sends to a person."""
    error = error_of(said(302, location="evil.example"), Effect.WRITE, now=NOW)
    assert "evil.example" in error.message
    assert "no host" in error_of(said(302), Effect.READ, now=NOW).message


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        (None, None), ("0", 0.0), ("7", 7.0), (" 7 ", 7.0), ("9" * 30, 7 * 24 * 3600.0),
        ("soon", None), ("-1", None), ("1.5", None), ("\u0663", None),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("Sun, 01 Mar 2026 12:00:05 -0000", 5.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 7 * 24 * 3600.0),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(header: str | None, wait: float | None) -> None:
    """Both forms are read, bounded, and nonsense is nothing."""
    assert wait_of(header, now=NOW) == wait


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(status=200, body=b"", fault=BodyFault.CUT), "it was cut off"),
        (Reply(status=200, body=b"", fault=BodyFault.TOO_LARGE), "it is larger than allowed"),
        (said(200, b"{"), "it is not JSON"),
        (said(200, b"\xff"), "it is not JSON"),
        (said(200, b'"\xff"'), "it is not JSON"),
        (said(200, b"1e99999999999999999999999"), "it is not JSON"),
        (said(200, b"[" * 100_000), "it is not JSON"),
    ],
)
def test_what_is_no_json_says_why(reply: Reply, reason: str) -> None:
    """Each way in which a body cannot be read has its words."""
    assert document_of(reply) == Unreadable(reason)


@pytest.mark.parametrize(
    ("document", "listing"),
    [
        ({"entries": [1], "count": 5, "per_leaf": "3", "leaves": 2},
         Listing(items=[1], total=5, size=3, pages=2)),
        ({"entries": [], "count": -1, "per_leaf": True, "leaves": "many"}, Listing(items=[])),
        ({"entries": None}, Listing(items=[])),
        ([1], Listing(items=[1])),
        ({"others": []}, Unreadable("it holds no entries")),
        ({"entries": {}}, Unreadable("its entries are no list")),
        (7, Unreadable("it holds no entries")),
    ],
)  # fmt: skip
def test_a_list_is_taken_out_of_its_envelope(
    document: object, listing: Listing | Unreadable
) -> None:
    """What the envelope says is believed where it makes sense."""
    assert LISTS.listing(document, Drift()) == listing

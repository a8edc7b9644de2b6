"""Proves that a look-up says found or not found only where nothing else can be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clientary_connector import CallError, ErrorKind, Manifest, Outcome, Page, Result, load_manifest
from clientary_connector.call.lookup import SKEW, arguments_of, judge
from clientary_connector.call.settling import Verdict

pytestmark = pytest.mark.requirement("policy.once.verdict")

SINCE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = (SINCE + timedelta(seconds=1)).isoformat()
EARLIER = (SINCE - SKEW - timedelta(seconds=1)).isoformat()
CREATE = "create_client"


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    """The manifest that is shipped."""
    return load_manifest()


def listed(*records: Mapping[str, Any], complete: bool = True) -> Result:
    """Returns the result of a list."""
    page = Page(
        number=1, size=10, total=None, pages=None, next_page=None, limit=None, complete=complete
    )
    return Result(outcome=Outcome.SUCCEEDED, operation="op", data=list(records), page=page)


def read(record: Mapping[str, Any] | None) -> Result:
    """Returns the result of reading one record; None where it is gone."""
    if record is not None:
        return Result(outcome=Outcome.SUCCEEDED, operation="op", data=dict(record))
    error = CallError(kind=ErrorKind.NOT_FOUND, message="Gone.", hint="")
    return Result(outcome=Outcome.FAILED, operation="op", error=error)


def said(manifest: Manifest, action: str, given: Mapping[str, Any], result: Result) -> Verdict:
    """Returns the verdict of a look-up that has shown something."""
    finding = judge(manifest.actions[action], given, result, since=SINCE)
    assert finding is not None
    assert finding.reason.endswith(".")
    assert (finding.record is not None) is (finding.verdict is Verdict.FOUND)
    return finding.verdict


@pytest.mark.parametrize(
    ("records", "complete", "verdict"),
    [
        ((), True, Verdict.NOT_FOUND),
        ((), False, Verdict.CANNOT_TELL),
        (({"name": "Acme", "created_at": LATER},), True, Verdict.FOUND),
        (({"name": "Acme", "created_at": LATER},), False, Verdict.FOUND),
        (({"name": "Acme", "created_at": EARLIER},), True, Verdict.CANNOT_TELL),
        (({"name": "Acme"},), True, Verdict.CANNOT_TELL),
        (({"name": "Acme", "created_at": "2026-03-02"},), True, Verdict.CANNOT_TELL),
        (({"name": "ACME", "created_at": LATER},), True, Verdict.NOT_FOUND),
        (
            ({"name": "Acme", "created_at": EARLIER}, {"name": "Acme", "created_at": LATER}),
            True,
            Verdict.FOUND,
        ),
        (({"name": "Acme", "created_at": LATER},) * 2, True, Verdict.CANNOT_TELL),
    ],
)
def test_a_creation_is_known_by_its_fields_and_its_age(
    manifest: Manifest, *, records: tuple[dict[str, Any], ...], complete: bool, verdict: Verdict
) -> None:
    """One that agrees and is new is it; an older one may be another's; several tell nothing."""
    assert said(manifest, CREATE, {"name": "Acme"}, listed(*records, complete=complete)) is verdict


def test_a_creation_without_a_known_field_cannot_be_told(manifest: Manifest) -> None:
    """Any record would agree."""
    record = {"title": "x", "created_at": LATER}
    assert said(manifest, "create_invoice", {"note": "x"}, listed(record)) is Verdict.CANNOT_TELL


def test_money_is_compared_by_its_value(manifest: Manifest) -> None:
    """12.5 and 12.50 are one amount, text or number; words are words."""
    record = {"amount": "12.50", "description": "Lunch", "created_at": LATER}
    given = {"amount": "12.5", "description": "Lunch"}
    assert said(manifest, "create_expense", given, listed(record)) is Verdict.FOUND
    other = {"amount": "12.5", "description": "Dinner"}
    assert said(manifest, "create_expense", other, listed(record)) is Verdict.NOT_FOUND


@pytest.mark.parametrize(
    ("action", "result", "verdict"),
    [
        ("delete_client", read(None), Verdict.FOUND),
        ("delete_client", read({"id": 7}), Verdict.NOT_FOUND),
        ("delete_payment", listed({"id": 8}), Verdict.FOUND),
        ("delete_payment", listed({"id": 7}, {"id": 8}), Verdict.NOT_FOUND),
        ("delete_payment", listed({"id": 8}, complete=False), Verdict.CANNOT_TELL),
    ],
)
def test_a_deletion_has_happened_where_the_record_is_gone(
    manifest: Manifest, action: str, result: Result, verdict: Verdict
) -> None:
    """Not in a list that was read whole, or not to be read at all."""
    assert said(manifest, action, {"id": 7, "invoice_id": 3}, result) is verdict


@pytest.mark.parametrize(
    ("given", "record", "verdict"),
    [
        ({"name": "New"}, {"id": 7, "name": "New"}, Verdict.FOUND),
        ({"name": "New"}, {"id": 7, "name": "Old"}, Verdict.NOT_FOUND),
        ({"name": "New", "client_id": 3}, {"id": 7, "name": "New"}, Verdict.CANNOT_TELL),
        ({"name": "New", "client_id": 3}, {"id": 7, "name": "Old"}, Verdict.NOT_FOUND),
        ({"name": "New"}, None, Verdict.NOT_FOUND),
    ],
)
def test_an_update_has_happened_where_the_record_holds_it(
    manifest: Manifest, given: dict[str, Any], record: dict[str, Any] | None, verdict: Verdict
) -> None:
    """Every field that was given; one that the record does not show leaves it open."""
    assert said(manifest, "update_project", {"id": 7, **given}, read(record)) is verdict


def test_an_answer_that_is_none_shows_nothing(manifest: Manifest) -> None:
    """A failure of the service is no sign of either."""
    error = CallError(kind=ErrorKind.UPSTREAM_ERROR, message="Broke.", hint="")
    result = Result(outcome=Outcome.FAILED, operation="op", error=error)
    assert judge(manifest.actions[CREATE], {"name": "Acme"}, result, since=SINCE) is None


def test_a_look_up_reads_what_the_rule_names(manifest: Manifest) -> None:
    """The arguments that it passes on and its own; without a parent there is none."""
    actions = manifest.actions

    def asked(action: str, given: Mapping[str, Any]) -> dict[str, Any] | None:
        rule = actions[action].lookup
        assert rule is not None
        return arguments_of(rule, actions[str(rule.action)], given, most=50)

    assert asked(CREATE, {"name": "Acme"}) == {"sort": "date", "limit": 50}
    assert asked("create_expense", {"amount": "1"}) == {"limit": 50}
    assert asked("delete_client", {"id": 7}) == {"id": 7}
    assert asked("create_invoice", {"client_id": 3}) == {"client_id": 3, "limit": 50}
    assert asked("create_invoice", {}) is None

"""Proves that the log is verified from a page, which shows how far it is and what it found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from clientary_connector.frontends.console.views.verify import verdicts
from clientary_connector.verifying import CUT_SHORT, ENDED, RUNNING, Verification
from connector_vault import Record, Transaction, Vault
from tests.console.ground import Ground, stage

pytestmark = pytest.mark.requirement("console.verify")

#: Replaced by the time when one is kept: a run of tests takes longer than one is waited for.
NOW = datetime.now(UTC)
FOUND: Mapping[str, Any] = {
    "ok": False,
    "rows": 7,
    "signed": 6,
    "integrity": False,
    "coverage": True,
    "completeness": False,
    "faults": [{"entry": 5, "verdict": "integrity", "what": "<b>was altered</b>"}],
    "anchors": [{"anchor": "file:/a", "says": "truncated", "rows": 9, "what": "Rows are gone."}],
    "open": [3],
    "erased": 2,
}
ENDED_BADLY = Verification(
    id="1", state=ENDED, by="ada", begun=NOW, seen=NOW, done=7, total=7, faults=3, verdicts=FOUND
)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console with a log of a few rows."""
    with stage(tmp_path_factory.mktemp("verify")) as made:
        made.join()
        yield made


def keep(ground: Ground, one: Verification) -> None:
    """Keeps a verification in the vault, as another process does."""
    vault: Vault = ground.connector._vault  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    now = datetime.now(UTC)
    here = replace(one, process=vault.attendance.me, begun=now, seen=now)

    def put(log: Transaction) -> None:
        found = log.record("verify", "log")
        record = Record(kind="verify", id="log", body=msgspec.to_builtins(here))
        log.put(record, expect=found.revision if found else None)

    vault.write(put)


def test_what_another_process_does_is_seen_and_not_started_twice(ground: Ground) -> None:
    """How far it is, who began it; the page asks again by itself, and by a link."""
    browser = ground.browser("admin", name="root")
    assert "was not verified here yet" in browser.open("/log/verify").text
    form = browser.open("/log/verify")
    keep(
        ground, Verification(id="1", state=RUNNING, by="ada", begun=NOW, seen=NOW, done=2, total=8)
    )
    page = form.send(action="/log/verify")
    assert "Another one is under way" in page.text
    assert "Started by ada" in page.text
    assert 'value="2" max="8"' in page.html
    assert "data-renew" in page.html
    assert page.forms == []
    assert "/log/verify" in page.links


def test_each_verdict_is_shown_by_itself(ground: Ground) -> None:
    """With the faults, the anchors, what is open and what was erased; a viewer sees it too."""
    keep(ground, ENDED_BADLY)
    page = ground.browser("viewer").open("/log/verify")
    for words in (
        "The log is NOT whole",
        "Integrity FAILED",
        "Coverage holds",
        "Completeness FAILED",
        "<b>was altered</b>",
        "The first 1 of 3",
        "Rows are gone.",
        "Calls without an outcome: 3",
        "erased, as the log itself says: 2",
        "It takes the role admin to start one.",
    ):
        assert words in page.text
    assert "<b>was" not in page.html
    assert page.forms == []


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (replace(ENDED_BADLY, state=CUT_SHORT, verdicts=None), "has ended, or is stuck"),
        (replace(ENDED_BADLY, verdicts=None, error="No anchor.", hint="Mend it."), "No anchor."),
    ],
)
def test_what_came_to_no_verdict_says_why_and_can_be_started_anew(
    ground: Ground, one: Verification, said: str
) -> None:
    """What was cut short, and what was stopped by an error."""
    keep(ground, one)
    page = ground.browser("admin").open("/log/verify")
    assert said in page.text
    assert [form.action for form in page.forms] == ["/log/verify"]


def test_a_verification_is_started_and_its_end_is_found_later(ground: Ground) -> None:
    """By an admin; it is left and come back to."""
    keep(ground, ENDED_BADLY)
    browser = ground.browser("admin", name="root")
    page = browser.open("/log/verify").send(action="/log/verify")
    assert "The verification has begun." in page.text
    while "Under way" in page.text:
        page = browser.open("/log/verify")
    assert "The log is whole" in page.text
    assert "Started by root" in page.text
    assert "Completeness not compared" in page.text


def test_verdicts_that_hold_say_what_that_means() -> None:
    """And one that came to none has none."""
    good = {**FOUND, "integrity": True, "coverage": False, "completeness": True}
    found = verdicts(replace(ENDED_BADLY, verdicts=good))
    assert [one.holds for one in found] == [True, False, True]
    assert found[2].said == "The log has all that its anchors have seen."
    assert verdicts(replace(ENDED_BADLY, verdicts=None)) == ()

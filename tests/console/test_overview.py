"""Proves that the overview tells how connections, calls, budgets and log are, and what waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from clientary_connector import Terms
from clientary_connector.budgets import Budget
from clientary_connector.frontends.console.views.overview import check, due_in_words, spent
from clientary_connector.rotations import Due, KeyStatus
from clientary_connector.verifying import Verification
from tests.console.ground import NAME, PERSONA, USER, Ground, stage

pytestmark = pytest.mark.requirement("console.overview")

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console over an account that is worked in."""
    with stage(tmp_path_factory.mktemp("overview")) as made:
        made.join()
        made.call("list_clients")
        made.call("get_client", {"id": 999_999})
        made.join(name="quiet", persona="sales")
        made.connector.grant("sales", "quiet", scopes=["*:*"], user=USER, terms=Terms())
        made.call("delete_client", {"id": 1}, connection="quiet", persona="sales")
        made.connector.budgets.set("persona", PERSONA, 4, user=USER)
        yield made


def test_a_new_vault_says_what_to_do_first(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Connect, grant, watch; and nothing that is empty is shown as a table."""
    with stage(tmp_path_factory.mktemp("new")) as ground:
        page = ground.browser("admin").open("/")
        assert "No account is connected yet." in page.text
        assert "Nothing is allowed before that." in page.text
        assert "<table" not in page.html
        assert "takes an admin" in ground.browser("viewer").open("/").text


def test_a_connection_without_a_grant_says_what_is_missing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """And one that was revoked is counted, and not listed."""
    with stage(tmp_path_factory.mktemp("bare")) as ground:
        ground.join()
        ground.run(ground.connector.revoke(NAME, user=USER, persona=PERSONA))
        assert "No persona may do anything yet." in ground.browser("viewer").open("/").text
        ground.run(ground.connector.revoke(NAME, user=USER))
        assert "1 connection was revoked before." in ground.browser("viewer").open("/").text


def test_connections_are_listed_with_their_last_call_and_the_age_of_their_key(
    ground: Ground,
) -> None:
    """One that was never used says so."""
    text = ground.browser("viewer").open("/").text
    assert "books active simulated" in text
    assert "get_client failed" in text
    assert "quiet active simulated" in text
    assert "none yet" in text
    assert "0 days old due in 89 days" in text


def test_what_waits_for_a_person_is_counted(ground: Ground) -> None:
    """Approvals with the oldest, changes whose end is unknown, and whether the log was checked."""
    text = ground.browser("viewer").open("/").text
    assert "1 approval waits the oldest since" in text
    assert "0 changes of unknown end" in text
    assert "Log never checked signed up to row" in text


def test_calls_and_budgets_are_drawn_and_said_in_words(ground: Ground) -> None:
    """Who cannot see the chart reads the figures."""
    page = ground.browser("viewer").open("/")
    assert "3 calls: 1 succeeded, 1 refused, 1 failed." in page.text
    assert "<svg" in page.html
    assert "persona bookkeeper 2 of 4 50 %" in page.text


def test_the_page_is_light(ground: Ground) -> None:
    """With its style and script no more than 100 KB."""
    page = ground.browser("admin").open("/")
    assets = [part for part in page.html.split('"') if part.startswith("/static/")]
    size = sum(len(page.browser.client.get(one).content) for one in {*assets})
    assert len(page.response.content) + size < 100_000


def test_what_the_account_says_of_itself_is_shown_and_never_obeyed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Names come from the service: they are text on our page."""
    with stage(tmp_path_factory.mktemp("hostile")) as ground:
        staff = next(iter(ground.sandbox.sandbox.state.staff))
        staff.name = "<script>alert(1)</script>"
        ground.join()
        page = ground.browser("admin").open("/")
        assert "<script>alert" not in page.html
        assert "<script>alert(1)</script>" in page.text


@pytest.mark.parametrize(
    ("due", "left", "said"),
    [
        (Due.OVERDUE, -3, ("overdue by 3 days", "bad")),
        (Due.DUE, 1, ("due in 1 day", "warn")),
        (Due.FRESH, 80, ("due in 80 days", "quiet")),
    ],
)
def test_when_a_key_is_due_is_said_in_words(due: Due, left: int, said: tuple[str, str]) -> None:
    """The nearer it is, the louder."""
    key = KeyStatus(
        connection=NAME,
        id="con_1",
        version=1,
        made_at=NOW,
        age_days=1,
        every_days=90,
        due_at=NOW,
        days_left=left,
        due=due,
        rotation=None,
        reason="",
        left="",
    )
    assert due_in_words(key) == said


def test_the_budget_that_is_nearest_to_its_end_stands_first() -> None:
    """One of nothing is used up from the beginning."""
    usual = Budget(scope="account", name="", credits=100, spent=10, renews_at=NOW, usual=True)
    shown = spent(
        (
            usual,
            replace(usual, scope="user", name="ada", spent=95),
            replace(usual, scope="user", name="bo", spent=200),
            replace(usual, scope="user", name="cy", credits=0, spent=0),
        )
    )
    assert [(one.of, one.share, one.tone) for one in shown] == [
        ("user bo", 100, "bad"),
        ("user cy", 100, "bad"),
        ("user ada", 95, "warn"),
        ("account", 10, "quiet"),
    ]


def test_how_the_last_check_of_the_log_ended_is_said_in_words() -> None:
    """Never, under way, cut short, in vain, with faults, and well."""
    one = Verification(id="ver_1", state="ended", by="ada", begun=NOW, seen=NOW + timedelta(1))
    ends = [
        None,
        replace(one, state="running"),
        replace(one, state="cut_short"),
        one,
        replace(one, verdicts={"ok": False}, faults=1200),
        replace(one, verdicts={"ok": True}),
    ]
    assert [(check(end, signed=7).said, check(end, signed=7).tone) for end in ends] == [
        ("never checked", "warn"),
        ("being checked", "quiet"),
        ("the last check was cut short", "warn"),
        ("could not be checked", "bad"),
        ("1,200 faults", "bad"),
        ("whole", "good"),
    ]
    assert check(one, signed=7).by == "ada"

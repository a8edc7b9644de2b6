"""Proves that what was used is shown by month, in charts, tables and files, with the budgets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from clientary_connector.budgets import Usage
from clientary_connector.frontends.console.views.usage import (
    BY,
    COUNTS,
    MOST_BARS,
    MOST_ROWS,
    Month,
    credits_chart,
    month_of,
    sides,
    sums,
    table_file,
)
from tests.console.ground import PERSONA, USER, Ground, stage

pytestmark = pytest.mark.requirement("console.usage")

NOW = datetime(2026, 3, 31, 23, 59, tzinfo=UTC)
FEBRUARY = Month(first=date(2028, 2, 1))


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console over a log of a few calls, with a budget."""
    with stage(tmp_path_factory.mktemp("usage")) as made:
        made.join()
        made.call("list_clients", {"limit": 1})
        made.call("create_client", {"name": "Zimt"}, user="=HYPERLINK(1)")
        made.call("list_tasks", persona="stranger")
        made.connector.budgets.set("account", "", 5000, user=USER)
        yield made


def used(name: str, credits_: int, *, day: str = "2028-02-29") -> Usage:
    """Returns what one persona has used on a day."""
    return Usage(
        by={"day": day, "persona": name, "user": "u", "connection": "c", "action": "a"},
        calls=1,
        succeeded=1,
        failed=0,
        refused=0,
        unknown=0,
        credits=credits_,
    )


def test_this_month_is_shown_with_its_budgets(ground: Ground) -> None:
    """Who, over what, and what is left until when."""
    page = ground.browser("viewer").open("/usage")
    assert page.status == 200
    for words in (PERSONA, USER, "create_client", "books", "5 000"):
        assert words in page.text
    assert page.html.count('role="img"') == 6
    assert "of 5000" in page.text
    assert "3 calls: 2 succeeded, 1 refused." in page.text


def test_another_month_is_reached_by_link_and_by_address(ground: Ground) -> None:
    """A month without calls says so; an address without a month is this one."""
    browser = ground.browser("viewer")
    now = browser.open("/usage")
    before = now.follow(next(link for link in now.links if "month=" in link and "file" not in link))
    assert "Nothing was used in" in before.text
    assert any(link.endswith(f"month={datetime.now(UTC):%Y-%m}") for link in before.links)
    assert browser.open("/usage", month="").response.url.query == b""
    assert browser.open("/usage", month="soon").status == 422
    assert browser.open("/usage", month="1800-01").status == 422


def test_the_figures_are_given_as_files(ground: Ground) -> None:
    """The same in both; a name that a spreadsheet would run is not run."""
    browser = ground.browser("viewer")
    table = browser.open("/usage/file.csv").response
    assert table.headers["content-disposition"].endswith('.csv"')
    rows = list(csv.DictReader(io.StringIO(table.text)))
    lines = browser.open("/usage/file.json").response.json()
    assert [row["action"] for row in rows] == [line["action"] for line in lines]
    assert {row["user"] for row in rows} == {USER, "'=HYPERLINK(1)"}
    assert sum(int(row["credits"]) for row in rows) == sum(line["credits"] for line in lines) > 0
    assert browser.open("/usage/file.exe").status == 404


def test_a_month_has_its_days_and_its_neighbours() -> None:
    """Over the ends of years, too."""
    found = month_of("", now=NOW)
    assert found is not None
    assert (found.name, found.before.name, found.after.name) == ("2026-03", "2026-02", "2026-04")
    december = month_of("2025-12", now=NOW)
    assert december is not None
    assert (december.after.name, december.title, december.days) == ("2026-01", "December 2025", 31)
    assert [month_of(text, now=NOW) for text in ("2026-13", "9999-12", "x")] == [None] * 3


def test_each_day_of_a_month_is_drawn() -> None:
    """A day without use, and a leap day, have their places."""
    chart = credits_chart([used("p", 3), used("q", 4), used("p", 2, day="2028-02-01")], FEBRUARY)
    assert len(chart.rows) == 29
    assert chart.rows[0] == ("2028-02-01", "2")
    assert chart.rows[28] == ("2028-02-29", "7")
    assert chart.summary == "9 were spent, most of them on 2028-02-29: 7."
    assert credits_chart([], FEBRUARY).summary == "None were spent."


def test_those_who_used_most_stand_first_and_the_many_small_ones_together() -> None:
    """In the chart; the table names every one of them."""
    many = [used(f"p{number}", number) for number in range(20)]
    persona = sides(many)[0]
    assert [row.name for row in persona.rows[:2]] == ["p19", "p18"]
    assert len(persona.rows) == 20
    assert len(persona.chart.rows) == MOST_BARS + 1
    assert persona.chart.rows[-1] == ("13 others", str(sum(range(13))))
    assert persona.chart.summary == "p19 spent most: 19."
    assert persona.others == 0
    more = sides([used(f"p{number}", 1) for number in range(MOST_ROWS + 3)])[0]
    assert (len(more.rows), more.others) == (MOST_ROWS, 3)
    assert sides([])[0].chart.summary == "Nothing was used."


def test_sums_and_tables_hold_every_count() -> None:
    """Of all that was used."""
    assert sums([used("p", 3), used("q", 4)])["credits"] == 7
    (head, row) = csv.reader(io.StringIO(table_file([used("@p", 3)])))
    assert head == [*BY, *COUNTS]
    assert row[1] == "'@p"

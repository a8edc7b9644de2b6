"""Shapes what was used: by day, by who used it, and what is left of the budgets."""

from __future__ import annotations

import csv
import io
from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from clientary_connector.budgets import Usage
from clientary_connector.frontends.console.charts import Chart, Figures, Series, bars, columns

#: What can become of a call, in the order in which columns are piled up.
ENDS: Final = ("succeeded", "refused", "failed", "unknown")
#: What is added up by, with its heading.
SIDES: Final[Mapping[str, str]] = {
    "persona": "Persona",
    "user": "User",
    "connection": "Connection",
    "action": "Action",
}
#: By all of these at once the figures are read.
BY: Final = ("day", *SIDES)
COUNTS: Final = ("credits", "calls", *ENDS)
#: So many bars stand in a chart; the others are one more.
MOST_BARS: Final = 7
#: So many rows stand in a table; the file has all of them.
MOST_ROWS: Final = 30
#: A spreadsheet takes a cell that begins so for a formula.
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
MONTH: Final = "%Y-%m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month of UTC, and those beside it."""

    first: date

    @property
    def name(self) -> str:
        """The month as it stands in an address."""
        return self.first.strftime(MONTH)

    @property
    def title(self) -> str:
        """The month as a person reads it."""
        return self.first.strftime("%B %Y")

    @property
    def days(self) -> int:
        """How many days it has."""
        return monthrange(self.first.year, self.first.month)[1]

    @property
    def before(self) -> Month:
        """The month before it."""
        return Month(first=(self.first - timedelta(days=1)).replace(day=1))

    @property
    def after(self) -> Month:
        """The month after it."""
        return Month(first=self.first + timedelta(days=self.days))

    @property
    def since(self) -> datetime:
        """The moment at which it begins."""
        return datetime(self.first.year, self.first.month, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one user, persona, connection or action has come to."""

    name: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The usage of a month by one side, those who used most first."""

    name: str
    heading: str
    rows: tuple[Row, ...]
    #: How many more there are.
    others: int
    chart: Chart


def month_of(text: str, *, now: datetime) -> Month | None:
    """Reads a month as it stands in an address, by default this one; None where it is none."""
    if not text:
        return Month(first=now.date().replace(day=1))
    try:
        first = datetime.strptime(text, MONTH).replace(tzinfo=UTC).date()
    except ValueError:
        return None
    # The calendar ends with the year 9999, and the log begins after 1970.
    return Month(first=first) if 1970 <= first.year < 9999 else None  # noqa: PLR2004 - the same


def credits_chart(found: Sequence[Usage], month: Month) -> Chart:
    """Draws the credits of each day of a month."""
    spent = dict.fromkeys((_day(month, place) for place in range(month.days)), 0)
    for one in found:
        spent[one.by["day"]] = spent.get(one.by["day"], 0) + one.credits
    most = max(spent, key=lambda day: spent[day])
    total = sum(spent.values())
    summary = "None were spent."
    if total:
        summary = f"{total:,} were spent, most of them on {most}: {spent[most]:,}."
    return columns(
        Figures(
            key="days",
            title=f"Credits by day, {month.title}",
            summary=summary,
            axis="Day (UTC)",
            labels=list(spent),
            series=[Series(name="credits", values=list(spent.values()))],
        ),
        short=[str(place + 1) for place in range(len(spent))],
    )


def sides(found: Sequence[Usage]) -> tuple[Side, ...]:
    """Returns the usage by each side."""
    return tuple(_side(found, name, heading) for name, heading in SIDES.items())


def sums(found: Iterable[Usage]) -> dict[str, int]:
    """Returns what all of it comes to."""
    parts = tuple(found)
    return {name: sum(getattr(one, name) for one in parts) for name in COUNTS}


def table_file(found: Sequence[Usage]) -> str:
    """Returns usage as a table of comma-separated values, safe to open in a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow((*BY, *COUNTS))
    for one in found:
        names = [_cell(one.by[name]) for name in BY]
        writer.writerow((*names, *(getattr(one, name) for name in COUNTS)))
    return text.getvalue()


def _side(found: Sequence[Usage], name: str, heading: str) -> Side:
    groups: dict[str, list[Usage]] = {}
    for one in found:
        groups.setdefault(one.by[name], []).append(one)
    rows = [Row(name=key, counts=tuple(sums(group).values())) for key, group in groups.items()]
    rows.sort(key=lambda row: (-row.counts[0], -row.counts[1], row.name))
    return Side(
        name=name,
        heading=heading,
        rows=tuple(rows[:MOST_ROWS]),
        others=max(len(rows) - MOST_ROWS, 0),
        chart=_bars(rows, name, heading),
    )


def _bars(rows: Sequence[Row], name: str, heading: str) -> Chart:
    drawn = [(row.name or "none", row.counts[0]) for row in rows]
    if len(drawn) > MOST_BARS + 1:
        rest = drawn[MOST_BARS:]
        drawn = [*drawn[:MOST_BARS], (f"{len(rest)} others", sum(count for _, count in rest))]
    first = f"{drawn[0][0]} spent most: {drawn[0][1]:,}." if drawn else "Nothing was used."
    return bars(
        Figures(
            key=name,
            title=f"Credits by {name}",
            summary=first,
            axis=heading,
            labels=[label for label, _ in drawn],
            series=[Series(name="credits", values=[count for _, count in drawn])],
        )
    )


def _day(month: Month, place: int) -> str:
    return (month.first + timedelta(days=place)).isoformat()


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULAS) else text


def calls_chart(found: Sequence[Usage], *, last: date, days: int = 14, title: str = "") -> Chart:
    """Draws the calls of the last days and what became of them; `found` is usage by day."""
    dates = [last - timedelta(days=back) for back in reversed(range(days))]
    of_day: dict[str, list[Usage]] = {}
    for one in found:
        of_day.setdefault(one.by["day"], []).append(one)
    labels = [day.isoformat() for day in dates]

    def values(end: str) -> list[int]:
        return [sum(getattr(one, end) for one in of_day.get(day, ())) for day in labels]

    series = [Series(name=end, values=values(end)) for end in ENDS]
    sums = {one.name: sum(one.values) for one in series}
    return columns(
        Figures(
            key="calls",
            title=title or f"Calls of the last {days} days",
            summary=_summary(sums),
            axis="Day (UTC)",
            labels=labels,
            series=series,
        ),
        short=[str(day.day) for day in dates],
    )


def _summary(sums: dict[str, int]) -> str:
    total = sum(sums.values())
    if total == 0:
        return "There were none."
    calls = "1 call" if total == 1 else f"{total:,} calls"
    ends = [f"{count:,} {end}" for end, count in sums.items() if count or end == ENDS[0]]
    return f"{calls}: {', '.join(ends)}."

"""Shapes what was used: by day, by who used it, and what is left of the budgets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from clientary_connector.budgets import Usage
from clientary_connector.frontends.console.charts import Chart, Figures, Series, columns

#: What can become of a call, in the order in which columns are piled up.
ENDS: Final = ("succeeded", "refused", "failed", "unknown")


def calls_chart(found: Sequence[Usage], *, last: date, days: int = 14) -> Chart:
    """Draws the calls of the last days and what became of them; `found` is usage by day."""
    dates = [last - timedelta(days=back) for back in reversed(range(days))]
    of_day = {one.by["day"]: one for one in found}
    labels = [day.isoformat() for day in dates]

    def values(end: str) -> list[int]:
        return [getattr(of_day[day], end) if day in of_day else 0 for day in labels]

    series = [Series(name=end, values=values(end)) for end in ENDS]
    sums = {one.name: sum(one.values) for one in series}
    return columns(
        Figures(
            key="calls",
            title=f"Calls of the last {days} days",
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

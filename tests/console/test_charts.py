"""Proves that charts are drawn so that everybody can read them and no page is in danger."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from clientary_connector.budgets import Usage
from clientary_connector.frontends.console.charts import (
    NAME_CHARS,
    PATTERNS,
    Chart,
    Figures,
    Series,
    bars,
    columns,
    ticks,
)
from clientary_connector.frontends.console.views.usage import calls_chart

pytestmark = pytest.mark.requirement("console.charts")

EVIL = "<script>alert(1)</script>\"'&"
SVG = "{http://www.w3.org/2000/svg}"


def figures(*values: tuple[int, ...], labels: tuple[str, ...] = ("a", "b", "c")) -> Figures:
    """Returns figures of one series for each tuple."""
    series = [Series(name=f"{EVIL}{place}", values=row) for place, row in enumerate(values)]
    return Figures(
        key="k", title=EVIL, summary="What it shows.", axis="Day", labels=labels, series=series
    )


def drawn(chart: Chart) -> ET.Element:
    """Reads a chart back as XML."""
    return ET.fromstring(chart.svg)  # noqa: S314 - the same


def shapes(chart: Chart, place: int) -> list[ET.Element]:
    """Returns what is drawn for the figures of one series."""
    return drawn(chart).findall(f".//{SVG}g[@class='ink-{place}']/{SVG}rect")


def test_every_figure_has_a_shape_of_its_size_and_says_what_it_is() -> None:
    """A figure of nought has none."""
    chart = columns(figures((2, 0, 4), (1, 0, 0)), short=("a", "b", "c"))
    one, two = shapes(chart, 0)
    assert float(two.attrib["height"]) == pytest.approx(2 * float(one.attrib["height"]), abs=0.2)
    assert [shape.findtext(f"{SVG}title") for shape in (one, two)] == [
        f"a: 2 {EVIL}0",
        f"c: 4 {EVIL}0",
    ]
    (other,) = shapes(chart, 1)
    top = float(other.attrib["y"]) + float(other.attrib["height"])
    assert top == pytest.approx(float(one.attrib["y"]), abs=0.2)


def test_series_differ_by_pattern_and_not_by_colour_alone() -> None:
    """Each has a pattern of its own, and the legend shows it with its name."""
    chart = columns(figures(*[(1, 2, 3)] * len(PATTERNS)), short=("a", "b", "c"))
    root = drawn(chart)
    fills = [group.attrib["fill"] for group in root.findall(f".//{SVG}g[@fill]")]
    assert len(set(fills)) == len(PATTERNS)
    made = {f"url(#{pattern.attrib['id']})" for pattern in root.iter(f"{SVG}pattern")}
    assert made == set(fills)
    assert len({str(inside) for inside in PATTERNS.values()}) == len(PATTERNS)
    assert [name for _, name in chart.legend] == [f"{EVIL}{n}" for n in range(len(PATTERNS))]
    assert all(fill in sample for fill, (sample, _) in zip(fills, chart.legend, strict=True))


@pytest.mark.parametrize("lying", [True, False])
def test_what_is_drawn_passes_the_strictest_policy(*, lying: bool) -> None:
    """No script, style or address is in it, and a name is a name."""
    given = figures((1, 2, 3), labels=(EVIL, "b", "c"))
    chart = bars(given) if lying else columns(given, short=given.labels)
    tags = {element.tag.removeprefix(SVG) for element in drawn(chart).iter()}
    assert tags <= {"svg", "g", "path", "rect", "circle", "text", "title", "pattern"}
    names = {name for element in drawn(chart).iter() for name in element.attrib}
    assert not {name for name in names if name.startswith("on") or name in {"style", "href"}}
    assert "<script" not in chart.svg


def test_the_same_stands_beside_it_in_words_and_figures() -> None:
    """For those who do not see it; one series needs no legend."""
    chart = columns(figures((1000, 2, 3)), short=("a", "b", "c"))
    assert drawn(chart).attrib["role"] == "img"
    assert drawn(chart).attrib["aria-label"] == f"{EVIL}. What it shows."
    assert chart.headings == ("Day", f"#{EVIL}0")
    assert chart.rows == (("a", "1,000"), ("b", "2"), ("c", "3"))
    assert chart.legend == ()


def test_bars_begin_at_the_top_and_cut_long_names() -> None:
    """The full name stands in the table."""
    long = "assistant of the northern branch"
    chart = bars(figures((9, 1, 1), labels=(long, "b", "c")))
    names = [text.text for text in drawn(chart).findall(f".//{SVG}text[@class='on-y']")]
    heights = [
        float(text.attrib["y"]) for text in drawn(chart).findall(f".//{SVG}text[@class='on-y']")
    ]
    assert min(zip(heights, names, strict=True))[1] == f"{long[: NAME_CHARS - 1]}…"
    first = min(shapes(chart, 0), key=lambda shape: float(shape.attrib["y"]))
    assert first.findtext(f"{SVG}title") == f"{long}: 9 {EVIL}0"
    assert chart.rows[0] == (long, "9")


def test_nothing_is_drawn_as_nothing() -> None:
    """Without figures, and where all are nought."""
    assert shapes(columns(figures((0, 0, 0)), short=("a", "b", "c")), 0) == []
    assert shapes(bars(figures((), labels=())), 0) == []


@pytest.mark.parametrize(
    ("most", "last", "count"),
    [(0, 1, 2), (1, 1, 2), (4, 4, 5), (7, 8, 5), (35, 40, 5), (99, 100, 3)],
)
def test_the_scale_is_of_round_figures(most: int, last: int, count: int) -> None:
    """From nought, in equal steps, to the most or just above it."""
    scale = ticks(most)
    assert (scale[0], scale[-1], len(scale)) == (0, last, count)
    assert len({above - below for below, above in pairwise(scale)}) == 1


def test_labels_that_do_not_fit_are_left_out_evenly() -> None:
    """Of thirty days every third one is named."""
    labels = tuple(str(day) for day in range(1, 31))
    chart = columns(figures(tuple(range(30)), labels=labels), short=labels)
    shown = [text.text for text in drawn(chart).findall(f".//{SVG}text[@class='on-x']")]
    assert shown == [str(day) for day in range(1, 31, 3)]


def used(day: str, **counts: int) -> Usage:
    """Returns the usage of a day."""
    usual = {"succeeded": 0, "failed": 0, "refused": 0, "unknown": 0}
    calls = sum(counts.values())
    return Usage(by={"day": day}, calls=calls, credits=calls, **usual | counts)


def test_the_calls_of_the_last_days_are_drawn_with_what_became_of_them() -> None:
    """A day without calls has its place, and one that is too long ago has none."""
    found = [used("2026-02-01", failed=9), used("2026-02-27", succeeded=2, failed=1)]
    chart = calls_chart(found, last=date(2026, 3, 1), days=3)
    assert [row[0] for row in chart.rows] == ["2026-02-27", "2026-02-28", "2026-03-01"]
    assert chart.rows[0] == ("2026-02-27", "2", "0", "1", "0")
    assert chart.summary == "3 calls: 2 succeeded, 1 failed."
    assert calls_chart([used("2026-03-01", refused=1)], last=date(2026, 3, 1)).summary == (
        "1 call: 0 succeeded, 1 refused."
    )
    assert calls_chart([], last=date(2026, 3, 1)).summary == "There were none."

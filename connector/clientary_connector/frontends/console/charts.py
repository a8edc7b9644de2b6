"""Draws charts as SVG that reads in black and white, on any ground, under the strictest policy.

1. Series differ by pattern, and by colour only beside it; every column says its figure on hover.
2. What is drawn has no script, no style and no address; colours come from the style sheet.
3. Beside every chart stand its figures as a sentence and as a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, Protocol

import pygal  # type: ignore[import-untyped] # pyright: ignore[reportMissingTypeStubs]
from markupsafe import Markup

#: How wide and high a chart is drawn, in its own units; a page scales it. One that is this narrow
#: can be read on a phone.
WIDTH: Final = 440
HEIGHT: Final = 170
#: Height of one bar that lies, and of what stands under all of them.
BAR_HEIGHT: Final = 24
FOOT: Final = 34
#: So many signs of a name fit beside a bar, and so many labels under columns.
NAME_CHARS: Final = 18
LABELS: Final = 12
#: How series differ; what is drawn inside each pattern. More than these cannot be told apart.
PATTERNS: Final[Mapping[str, Markup]] = {
    "solid": Markup('<rect width="6" height="6"/>'),
    "hatch": Markup('<path d="M-1 1l2-2M0 6l6-6M5 7l2-2"/>'),
    "dots": Markup('<circle cx="3" cy="3" r="1.5"/>'),
    "cross": Markup('<path d="M0 3h6M3 0v6"/>'),
}
STEPS: Final = (1, 2, 5)
MOST_STEPS: Final = 4

_library: Final[Any] = pygal
_SVG: Final = Markup(
    '<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {height}" '
    'role="img" aria-label="{words}">{patterns}<g transform="{moved}">{parts}</g></svg>'
)
_PATTERN: Final = Markup(
    '<pattern id="{id}" class="ink-{place}" width="6" height="6" patternUnits="userSpaceOnUse">'
    "{inside}</pattern>"
)
_LINE: Final = Markup('<path class="rule" d="{d}"/>')
_TEXT: Final = Markup('<text class="{side}" x="{x}" y="{y}">{text}</text>')
_BARS: Final = Markup('<g class="ink-{place}" fill="url(#{id})">{bars}</g>')
_BAR: Final = Markup(
    '<rect x="{x}" y="{y}" width="{width}" height="{height}"><title>{words}</title></rect>'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Figures of one kind, one for each label."""

    name: str
    values: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart, and the same in words and figures."""

    title: str
    #: What it shows in a sentence, for those who do not see it.
    summary: str
    svg: Markup
    #: A sample of the pattern of each series, with its name; empty where there is one series.
    legend: tuple[tuple[Markup, str], ...]
    #: Headings and rows of the table; a heading over figures begins with #.
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is drawn: `key` is the chart's own name on its page, `axis` what the labels are."""

    key: str
    title: str
    summary: str
    axis: str
    labels: Sequence[str]
    series: Sequence[Series]


class _Node(Protocol):
    """An element of a drawing, of whatever library the library draws with."""

    @property
    def tag(self) -> Any: ...  # noqa: ANN401 - a comment has a function for its tag
    @property
    def attrib(self) -> Mapping[str, str]: ...
    @property
    def text(self) -> str | None: ...
    def __iter__(self) -> Iterator[_Node]: ...
    def iter(self) -> Iterator[_Node]: ...


def columns(figures: Figures, *, short: Sequence[str]) -> Chart:
    """Draws columns that stand on each other; `short` are labels that fit under them."""
    every = max(-(-len(short) // LABELS), 1)
    shown = [label if place % every == 0 else "" for place, label in enumerate(short)]
    return _chart(figures, _drawn(figures, "StackedBar", labels=shown, height=HEIGHT))


def bars(figures: Figures) -> Chart:
    """Draws bars that lie under each other, the first one on top."""
    # The library begins at the bottom.
    turned = Figures(
        key=figures.key,
        title=figures.title,
        summary=figures.summary,
        axis=figures.axis,
        labels=figures.labels[::-1],
        series=[Series(name=one.name, values=one.values[::-1]) for one in figures.series],
    )
    labels = [_shortened(label) for label in turned.labels]
    height = BAR_HEIGHT * len(labels) + FOOT
    svg = _drawn(turned, "HorizontalStackedBar", labels=labels, height=height)
    return _chart(figures, svg)


def ticks(most: int) -> tuple[int, ...]:
    """Returns a few round figures from nought to the most or just above it."""
    steps = (digit * 10**power for power in count() for digit in STEPS)
    step = next(one for one in steps if one * MOST_STEPS >= most)
    return tuple(range(0, max(most, 1) + step, step))


def _chart(figures: Figures, svg: Markup) -> Chart:
    values = zip(*(one.values for one in figures.series), strict=True)
    return Chart(
        title=figures.title,
        summary=figures.summary,
        svg=svg,
        legend=_legend(figures) if len(figures.series) > 1 else (),
        headings=(figures.axis, *(f"#{one.name}" for one in figures.series)),
        rows=tuple(
            (label, *(f"{value:,}" for value in row))
            for label, row in zip(figures.labels, values, strict=True)
        ),
    )


def _legend(figures: Figures) -> tuple[tuple[Markup, str], ...]:
    sample = Markup(
        '<svg class="sample" viewBox="0 0 16 12" aria-hidden="true">'
        '<rect class="ink-{place}" width="16" height="12" fill="url(#{id})"/></svg>'
    )
    return tuple(
        (sample.format(place=place, id=_id(figures, place)), one.name)
        for place, one in enumerate(figures.series)
    )


def _drawn(figures: Figures, kind: str, *, labels: list[str], height: int) -> Markup:
    """Lets the library lay the chart out, and takes over where it has put what."""
    plot = next(_of_class(_laid_out(figures, kind, labels=labels, height=height), "plot"))
    parts = [
        *_axis(plot, "x", lines=kind != "StackedBar"),
        *_axis(plot, "y", lines=kind == "StackedBar"),
        *(_bars(figures, place, group) for place, group in enumerate(_of_class(plot, "series"))),
    ]
    return _SVG.format(
        width=WIDTH,
        height=height,
        words=f"{figures.title}. {figures.summary}",
        patterns=_joined(
            _PATTERN.format(id=_id(figures, place), place=place, inside=inside)
            for place, inside in enumerate(list(PATTERNS.values())[: len(figures.series)])
        ),
        moved=plot.attrib["transform"],
        parts=_joined(parts),
    )


def _laid_out(figures: Figures, kind: str, *, labels: list[str], height: int) -> _Node:
    totals = [sum(row) for row in zip(*(one.values for one in figures.series), strict=True)]
    scale = ticks(max(totals, default=0))
    whole: Callable[[float], str] = "{:,.0f}".format
    chart = getattr(_library, kind)(
        width=WIDTH,
        height=height,
        style=_library.style.Style(label_font_size=11, major_label_font_size=11),
        show_legend=False,
        margin=4,
        spacing=6,
        truncate_label=-1,
        range=(0, scale[-1]),
        y_labels=list(scale),
        value_formatter=whole,
        x_labels=labels,
    )
    for one in figures.series:
        chart.add(one.name, list(one.values))
    root: _Node = chart.render_tree()
    return root


def _axis(plot: _Node, name: str, *, lines: bool) -> Iterator[Markup]:
    """Gives the labels of an axis, and its lines where these help the eye."""
    for axis in _of_class(plot, name):
        for part in axis.iter():
            if part.tag == "path" and lines:
                yield _LINE.format(d=part.attrib["d"])
            elif part.tag == "text" and part.text:
                x, y = (_rounded(part.attrib[side]) for side in ("x", "y"))
                yield _TEXT.format(side=f"on-{name}", x=x, y=y, text=part.text)


def _bars(figures: Figures, place: int, group: _Node) -> Markup:
    series = figures.series[place]
    found = (
        _bar(rect, f"{label}: {value:,} {series.name}")
        for label, value, bar in zip(
            figures.labels, series.values, _of_class(group, "bar"), strict=True
        )
        for rect in bar
        if rect.tag == "rect" and value > 0
    )
    return _BARS.format(place=place, id=_id(figures, place), bars=_joined(found))


def _bar(rect: _Node, words: str) -> Markup:
    sides = {side: _rounded(rect.attrib[side]) for side in ("x", "y", "width", "height")}
    return _BAR.format(**sides, words=words)


def _of_class(root: _Node, name: str) -> Iterator[_Node]:
    return (node for node in root.iter() if name in node.attrib.get("class", "").split())


def _id(figures: Figures, place: int) -> str:
    return f"{figures.key}-{list(PATTERNS)[place]}"


def _joined(parts: Iterator[Markup] | Sequence[Markup]) -> Markup:
    return Markup().join(parts)


def _rounded(number: str) -> str:
    return f"{float(number):.1f}"


def _shortened(text: str) -> str:
    return text if len(text) <= NAME_CHARS else f"{text[: NAME_CHARS - 1]}…"

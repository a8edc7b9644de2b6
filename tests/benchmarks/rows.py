"""Holds what one benchmark measured, what it was held against, and whether it holds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: a figure, its reference of the same run, and the verdict."""

    what: str
    hold: str
    #: The figure as text with its unit.
    seen: str
    #: References measured in the same run, as text, by name.
    references: Mapping[str, str]
    #: The figure over its main reference, as text.
    ratio: str
    holds: bool
    #: Everything measured, for the JSON report.
    figures: Mapping[str, Any] = field(default_factory=dict[str, Any])
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Returns the row as a JSON object."""
        return {
            "what": self.what,
            "hold": self.hold,
            "seen": self.seen,
            "references": dict(self.references),
            "ratio": self.ratio,
            "holds": self.holds,
            "figures": dict(self.figures),
            "note": self.note,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Says how much is measured; `full` takes the sizes that the design names."""

    rounds: int
    calls: int
    calls_one_at_a_time: int
    cold_starts: int
    small_log: int
    large_log: int
    long_run: int

    @classmethod
    def usual(cls) -> Sizes:
        """Returns sizes for a minute or two."""
        return cls(
            rounds=5,
            calls=2_000,
            calls_one_at_a_time=400,
            cold_starts=15,
            small_log=10_000,
            large_log=100_000,
            long_run=10_000,
        )

    @classmethod
    def full(cls) -> Sizes:
        """Returns the sizes of the design."""
        return cls(
            rounds=9,
            calls=4_000,
            calls_one_at_a_time=1_000,
            cold_starts=31,
            small_log=10_000,
            large_log=1_000_000,
            long_run=100_000,
        )


class Tell(Protocol):
    """Shows what is being measured; must not fail and must cost next to nothing."""

    def __call__(self, what: str) -> None:
        """Takes a short phrase."""
        ...


def interleaved(
    rounds: int, contenders: Mapping[str, Callable[[], float]]
) -> dict[str, list[float]]:
    """Runs every contender once a round, in a turning order, and keeps what each returned."""
    names = list(contenders)
    seen: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            seen[name].append(contenders[name]())
    return seen


def medians(seen: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Returns the median of every series."""
    return {name: statistics.median(values) for name, values in seen.items()}


def timed(work: Callable[[], object], times: int) -> float:
    """Returns the seconds that one of `times` repetitions of `work` takes."""
    repeat = range(times)
    begin = time.perf_counter()
    for _ in repeat:
        work()
    return (time.perf_counter() - begin) / times


def spread(values: Iterable[float]) -> dict[str, float]:
    """Returns least, median and greatest of a series."""
    ordered = sorted(values)
    return {"min": ordered[0], "median": statistics.median(ordered), "max": ordered[-1]}

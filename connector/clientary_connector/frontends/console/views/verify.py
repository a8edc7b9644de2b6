"""Shapes the verdicts on a log, each by itself."""

from __future__ import annotations

from dataclasses import dataclass

from clientary_connector.verifying import Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One verdict: what was asked, whether it holds, and what that means."""

    name: str
    #: None where it was not compared.
    holds: bool | None
    said: str


def verdicts(one: Verification) -> tuple[Verdict, ...]:
    """Returns the separate verdicts of a verification; none where it came to none."""
    found = one.verdicts
    if found is None:
        return ()
    faults = f"FAILED: {one.faults:,} faults in all, named below."
    return (
        Verdict(
            name="Integrity",
            holds=found["integrity"],
            said="Nothing was changed, and nothing taken out." if found["integrity"] else faults,
        ),
        Verdict(
            name="Coverage",
            holds=found["coverage"],
            said="Every row has its MAC, and a signed checkpoint over it."
            if found["coverage"]
            else faults,
        ),
        Verdict(
            name="Completeness",
            holds=found["completeness"],
            said=_completeness(holds=found["completeness"]),
        ),
    )


def _completeness(*, holds: bool | None) -> str:
    if holds is None:
        return "Not compared: no anchor outside the database is set (CLIENTARY_ANCHORS)."
    if holds:
        return "The log has all that its anchors have seen."
    return "FAILED: the log is not what its anchors have seen."

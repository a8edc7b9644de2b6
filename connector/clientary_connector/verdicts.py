"""Says the separate verdicts on a log as a document, for every way in the same."""

from __future__ import annotations

from typing import Any

from connector_vault import LogReport


def document(report: LogReport) -> dict[str, Any]:
    """Returns what a check of the log found, as a JSON object.

    `completeness` is null where the log was compared with no anchor.
    """
    return {
        "ok": report.ok,
        "rows": report.rows,
        "signed": report.signed,
        "integrity": not report.faults_of("integrity"),
        "coverage": not report.faults_of("coverage"),
        "completeness": all(one.ok for one in report.anchors) if report.anchors else None,
        "faults": [
            {"entry": one.seq, "verdict": one.verdict, "what": one.what} for one in report.faults
        ],
        "anchors": [
            {"anchor": one.name, "says": one.says, "rows": one.size, "what": one.what}
            for one in report.anchors
        ],
        "open": list(report.open),
        "erased": report.erased,
    }

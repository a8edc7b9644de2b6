"""Is `clientary log erase`: the text of a user goes for good, and the log says who asked."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.bar import Bar
from clientary_connector.frontends.cli.moment import Moment
from clientary_connector.frontends.cli.status import Status
from clientary_connector.reports import ErasurePlan, ErasureReport
from clientary_connector.wiring import open_connector


@click.command()
@click.option("--user", required=True, metavar="NAME", help="Whose text is erased.")
@click.option("--before", type=Moment(), metavar="WHEN", help="Only what was written before that.")
@click.option("--reason", metavar="TEXT", help="Why; it lies open in the log. Must be given.")
@click.option("--by", metavar="NAME", help="Who asks for it. Default: the login name.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.output
@click.pass_obj
def erase(  # noqa: PLR0913 -- click passes one argument an option
    state: Path | None,
    *,
    user: str,
    before: datetime | None,
    reason: str | None,
    by: str | None,
    dry_run: bool,
    yes: bool,
    output_: str,
) -> Status:
    """Erase prompt, arguments, request and response of every call of a user, for good.

    The lines stay, with who, when, which action and what came of it; so does every proof.
    The user's keys are destroyed, outside the database too: no older backup opens the
    text again. What --before leaves of a month keeps what opens it, line by line. A call
    goes as a whole: it is as old as its end.
    """
    if reason is None and not dry_run:
        raise click.UsageError("Missing option '--reason': say why; it goes into the log.")
    asked_by = options.login_name(by)
    bar = Bar()
    with open_connector(state) as connector:
        plan = connector.log.erasing.plan(user, before=before)
        if dry_run:
            _show_plan(plan, output_)
            return Status.SUCCEEDED
        if not (yes or _agreed(plan)):
            screen.note("Nothing was erased.")
            return Status.FAILED
        report = connector.log.erasing.erase(
            user,
            before=before,
            asked_by=asked_by,
            reason=reason or "",
            told=lambda what, done, total: bar.show(what, done=done, total=total),
        )
    bar.end()
    _show(report, output_)
    return Status.SUCCEEDED


def _agreed(plan: ErasurePlan) -> bool:
    """Shows what would go, and has the user's name typed."""
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask on: add --yes.")
    screen.note(screen.visible(f"This erases the text of {plan.rows} rows of {plan.user}."))
    question = "It cannot be undone. Type the user's name to go on"
    typed = click.prompt(question, default="", show_default=False, err=True)
    return bool(typed == plan.user)


def _show_plan(plan: ErasurePlan, output_: str) -> None:
    if output_ == "json":
        output.emit_data(_planned(plan))
        return
    screen.emit(screen.pairs((("Would be erased", f"{plan.rows} rows"), *_months(plan))))


def _show(report: ErasureReport, output_: str) -> None:
    plan = report.plan
    if output_ == "json":
        data = {
            "id": report.id,
            **_planned(plan),
            "keys": report.keys,
            "finished": report.scrubbed,
        }
        output.emit_data(data, log_id=report.log_id)
        return
    pairs = (
        ("Erased", f"{plan.rows} rows"),
        *_months(plan),
        ("Keys destroyed", report.keys),
        ("Log", report.log_id),
    )
    screen.emit(screen.pairs(pairs))
    if not report.scrubbed:
        screen.note(
            "The journal is being read: what was overwritten leaves it at the next "
            "`clientary vault tend`."
        )


def _months(plan: ErasurePlan) -> tuple[tuple[str, str], ...]:
    told = [("Of", plan.user), ("Whole months", ", ".join(plan.months) or "none")]
    if plan.partial is not None:
        told.append(("Part of", f"{plan.partial}, {plan.partial_rows} rows"))
    return tuple(told)


def _planned(plan: ErasurePlan) -> dict[str, Any]:
    return {
        "user": plan.user,
        "rows": plan.rows,
        "months": list(plan.months),
        "partial": plan.partial,
        "partial_rows": plan.partial_rows,
    }

"""Is `clientary settle`: finds out whether a change whose end is unknown was done."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click

from clientary_connector.call.settling import Verdict
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.status import Status
from clientary_connector.settlements import Settlement, Unsettled
from clientary_connector.wiring import open_connector


@click.command()
@click.argument("entry", type=click.IntRange(min=1), required=False, metavar="[ID]")
@click.option("--found", "verdict", flag_value="found", help="You know that it was done.")
@click.option("--not-found", "verdict", flag_value="not_found", help="You know that it was not.")
@click.option("--reason", metavar="TEXT", default="", help="How you know; it goes into the log.")
@options.user
@options.output
@click.pass_obj
def settle(  # noqa: PLR0913 -- click passes one argument an option
    state: Path | None,
    *,
    entry: int | None,
    verdict: str | None,
    reason: str,
    user: str | None,
    output_: str,
) -> Status:
    """Find out whether the change in entry ID of the log was done.

    Looks the record up in Clientary. Found: a repeat of the operation gets the record.
    Not found: a repeat of the operation runs. Where nobody can tell, look yourself,
    and say --found or --not-found. Without ID, lists the changes that are unsettled.
    """
    who = options.login_name(user)
    if entry is None:
        if verdict is not None or reason:
            raise click.UsageError("Say which entry of the log is meant.")
        return _listed(state, output_)
    if reason and verdict is None:
        raise click.UsageError("A reason belongs to --found or --not-found.")
    settlement = asyncio.run(_settled(state, entry, verdict, reason=reason, user=who))
    _show(settlement, output_)
    return Status.UNKNOWN if settlement.verdict is Verdict.CANNOT_TELL else Status.SUCCEEDED


async def _settled(
    state: Path | None, entry: int, verdict: str | None, *, reason: str, user: str
) -> Settlement:
    async with open_connector(state) as connector:
        settlements = connector.settlements
        if verdict is None:
            return await settlements.settle(entry, user=user)
        return settlements.decide(entry, Verdict(verdict), user=user, reason=reason)


def _show(settlement: Settlement, output_: str) -> None:
    if output_ == "json":
        output.emit_data(settlement.to_json(), log_id=settlement.log_id)
        return
    verdict = settlement.verdict.value.replace("_", " ")
    screen.emit(
        screen.pairs(
            (
                ("Call", settlement.id),
                ("Action", settlement.action),
                ("Operation", settlement.operation),
                ("Verdict", verdict),
                ("Because", settlement.reason),
                ("Record", settlement.record),
                ("Log", settlement.log_id),
            )
        )
    )
    if settlement.verdict is Verdict.CANNOT_TELL:
        output.note_hint(
            f"Look in the account, then: clientary settle {settlement.id} --found or --not-found"
        )


def _listed(state: Path | None, output_: str) -> Status:
    with open_connector(state) as connector:
        found: Sequence[Unsettled] = connector.settlements.unsettled()
    if output_ == "json":
        output.emit_data([one.to_json() for one in found])
        return Status.SUCCEEDED
    screen.table(
        ("id", "at", "user", "persona", "connection", "action", "operation", "looked up"),
        (
            (
                one.id,
                one.at.isoformat(timespec="seconds"),
                one.user,
                one.persona,
                one.connection,
                one.action,
                one.operation,
                one.looked_up,
            )
            for one in found
        ),
    )
    if not found:
        screen.note("Nothing is unsettled.")
    return Status.SUCCEEDED

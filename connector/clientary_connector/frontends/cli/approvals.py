"""Is `clientary approvals`, `approve` and `deny`: what waits for a person, and their yes or no."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

import click

from clientary_connector.approvals import Approval
from clientary_connector.approver import ApprovalView
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.resultview import show_request
from clientary_connector.frontends.cli.status import Status
from clientary_connector.wiring import open_connector

note: Final = click.option("--note", default="", metavar="TEXT", help="Why; it goes into the log.")


@click.command()
@click.argument("approval", metavar="[ID]", required=False)
@click.option("--all", "every", is_flag=True, help="Those decided, used and over, too.")
@options.user
@options.output
@click.pass_obj
def approvals(
    state: Path | None, *, approval: str | None, every: bool, user: str | None, output_: str
) -> Status:
    """List what waits for a person; or show the approval ID: exactly what would happen.

    A persona's call waits here when it deletes or sends something or moves money, or
    when its grant says so. `clientary approve ID` lets it happen, once.
    """
    if approval is not None:
        return _show(_view(state, approval, options.login_name(user)), output_)
    with open_connector(state) as connector:
        found = connector.approvals.all() if every else connector.approvals.pending()
    if output_ == "json":
        output.emit_data([one.to_json() for one in found])
        return Status.SUCCEEDED
    screen.table(
        ("id", "state", "action", "connection", "persona", "user", "until", "by"),
        (_row(one) for one in found),
    )
    if not found:
        screen.note("Nothing waits for a person.")
    return Status.SUCCEEDED


@click.command()
@click.argument("approval", metavar="ID")
@note
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.user
@options.output
@click.pass_obj
def approve(  # noqa: PLR0913 -- click passes one argument an option
    state: Path | None, *, approval: str, note: str, yes: bool, user: str | None, output_: str
) -> Status:
    """Let the call of the approval ID happen, once: shows exactly what, and asks first.

    The persona makes the same call again; another argument needs another approval.
    """
    who = options.login_name(user)
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("There is no terminal to ask on: add --yes.")
        _show(_view(state, approval, who), "table")
        if not click.confirm("Let this happen, once?", err=True):
            screen.note("Nothing was approved.")
            return Status.FAILED
    with open_connector(state) as connector:
        given = connector.approvals.approve(approval, user=who, note=note)
    return _decided(given, "Approved", output_)


@click.command()
@click.argument("approval", metavar="ID")
@note
@options.user
@options.output
@click.pass_obj
def deny(state: Path | None, *, approval: str, note: str, user: str | None, output_: str) -> Status:
    """Refuse the call of the approval ID, or take back a yes that was not used yet."""
    who = options.login_name(user)
    with open_connector(state) as connector:
        denied = connector.approvals.deny(approval, user=who, note=note)
    return _decided(denied, "Denied", output_)


def _view(state: Path | None, approval: str, user: str) -> ApprovalView:
    async def work() -> ApprovalView:
        async with open_connector(state) as connector:
            return await connector.approvals.show(approval, user=user)

    return asyncio.run(work())


def _show(view: ApprovalView, output_: str) -> Status:
    if output_ == "json":
        output.emit_data(view.to_json(), log_id=view.approval.log_id)
        return Status.SUCCEEDED
    one = view.approval
    about = [
        ("Approval", one.id),
        ("State", one.state),
        ("Action", f"{one.action} ({one.effect})"),
        ("Connection", one.connection_name),
        ("Asks", f"{one.persona}, for {one.user}"),
        ("Why", "(erased)" if view.prompt is None else view.prompt),
        ("Asked at", screen.when(one.asked_at)),
        ("Until", screen.when(one.until)),
        ("Decided by", one.decided_by),
        ("Note", view.note),
        ("Used by", one.used_by and f"log {one.used_by}"),
        ("Log", one.log_id),
    ]
    screen.emit(screen.pairs((name, value) for name, value in about if value))
    if view.preview is not None and view.preview.error is None:
        screen.emit("\n")
        show_request(view.preview)
    elif view.preview is not None:
        error = view.preview.error
        screen.note(f"It would be refused now: {screen.visible(error.message if error else '')}")
    return Status.SUCCEEDED


def _decided(one: Approval, what: str, output_: str) -> Status:
    if output_ == "json":
        output.emit_data(one.to_json(), log_id=one.decided_log_id)
        return Status.SUCCEEDED
    screen.emit(
        screen.pairs(
            (
                (what, one.id),
                ("Action", one.action),
                ("Persona", one.persona),
                ("By", one.decided_by),
                ("Until", screen.when(one.until)),
                ("Log", one.decided_log_id),
            )
        )
    )
    return Status.SUCCEEDED


def _row(one: Approval) -> tuple[object, ...]:
    return (
        one.id,
        one.state,
        one.action,
        one.connection_name,
        one.persona,
        one.user,
        screen.when(one.until),
        one.decided_by,
    )

"""Is `clientary grants apply`: makes the grants those of a file, after showing the difference."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.status import Status
from clientary_connector.grantchanges import Change, Step
from clientary_connector.grantfile import MAX_BYTES, load
from clientary_connector.wiring import open_connector


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--close-others", is_flag=True, help="End every grant that is not in the file.")
@click.option("--dry-run", is_flag=True, help="Show the difference; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.user
@options.output
@click.pass_obj
def apply(  # noqa: PLR0913 -- click passes one argument an option
    state: Path | None,
    *,
    file: BinaryIO,
    close_others: bool,
    dry_run: bool,
    yes: bool,
    user: str | None,
    output_: str,
) -> Status:
    """Make the grants those of FILE (YAML or JSON; - is stdin): all of them, or none.

    Shows the difference first, and asks. Grants that are not in the file stay as they are,
    unless --close-others ends them. What `clientary grants export` writes changes nothing,
    except that actions which came with a later version get in: they are shown too.
    """
    who = options.login_name(user)
    entries = load(file.read(MAX_BYTES + 1))
    with open_connector(state) as connector:
        changes = connector.grants.compare(entries, close_others=close_others)
        todo = [one for one in changes if one.step is not Step.KEEP]
        if output_ == "table":
            _show(changes)
        made = bool(todo) and not dry_run and _agreed(len(todo), yes=yes)
        given = connector.grants.apply(changes, user=who) if made else ()
    if output_ == "json":
        data = {"changes": [one.to_json() for one in changes], "applied": made}
        output.emit_data(data, log_id=given[-1].log_id if given else None)
    elif made:
        screen.note(f"{len(given)} changed.")
    elif todo:
        screen.note("Nothing was changed.")
    return Status.SUCCEEDED if made or dry_run or not todo else Status.FAILED


def _agreed(count: int, *, yes: bool) -> bool:
    if yes:
        return True
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask on: add --yes, or --dry-run.")
    return click.confirm(f"Make {count} changes?", err=True)


def _show(changes: Sequence[Change]) -> None:
    for change in changes:
        where = f"{change.persona} over {change.connection_name}"
        screen.emit(f"{change.step.value}  {screen.visible(where)}\n")
        for line in change.lines():
            screen.emit(f"  {screen.visible(line)}\n")
    if not changes:
        screen.note("The file holds no grant, and nothing is to be ended.")

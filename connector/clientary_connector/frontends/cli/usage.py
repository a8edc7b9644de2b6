"""Is `clientary usage`: who has used what, as a table with a small chart, or as JSON."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from clientary_connector.budgets import DIMENSIONS, Usage
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.moment import Moment
from clientary_connector.frontends.cli.status import Status
from clientary_connector.wiring import open_connector

COUNTS: Final = ("calls", "succeeded", "failed", "refused", "unknown", "credits")
WIDTH: Final = 20
#: Eighths of a column.
BLOCKS: Final = " ▏▎▍▌▋▊▉█"


@click.command()
@click.option(
    "--by",
    multiple=True,
    type=click.Choice(DIMENSIONS),
    help="What to add up by; give it once for each. Default: persona.",
)
@click.option("--since", type=Moment(), metavar="WHEN", help="Default: the first of this month.")
@click.option("--until", type=Moment(), metavar="WHEN", help="This moment is left out.")
@click.option("--of-user", metavar="NAME", help="Only calls for this user.")
@click.option("--persona", metavar="NAME", help="Only calls of this persona.")
@click.option("--connection", metavar="NAME", help="Only calls over this connection.")
@click.option("--action", metavar="ACTION", help="Only calls of this action.")
@options.output
@click.pass_obj
def usage(  # noqa: PLR0913 -- click passes one argument an option
    state: Path | None,
    *,
    by: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    of_user: str | None,
    persona: str | None,
    connection: str | None,
    action: str | None,
    output_: str,
) -> Status:
    """Show who has used what, and how many credits it cost.

    As in: usage --by month --by user. Days and months are those of UTC, in which a call
    ended. A call that was refused, or never reached the service, costs nothing.
    """
    dimensions = by or ("persona",)
    with open_connector(state) as connector:
        found = connector.budgets.usage(
            by=dimensions,
            since=since,
            until=until,
            user=of_user,
            persona=persona,
            connection=connection,
            action=action and connector.manifest.action(action).id,
        )
    if output_ == "json":
        output.emit_data([one.to_json() for one in found])
    else:
        _print(found, dimensions)
    return Status.SUCCEEDED


def _print(found: Sequence[Usage], by: Sequence[str]) -> None:
    most = max((one.credits for one in found), default=0)
    chart = sys.stdout.isatty()
    screen.table(
        (*by, *COUNTS, *(("",) if chart else ())),
        (
            (
                *(one.by[name] for name in by),
                *(getattr(one, name) for name in COUNTS),
                *((bar(one.credits, most),) if chart else ()),
            )
            for one in found
        ),
    )
    if not found:
        screen.note("Nothing was used in that time.")


def bar(value: int, most: int) -> str:
    """Returns a bar that is as long as its share of the most, to an eighth of a column."""
    eighths = round(value * WIDTH * 8 / most) if most else 0
    full, rest = divmod(eighths, 8)
    return "█" * full + (BLOCKS[rest] if rest else "")

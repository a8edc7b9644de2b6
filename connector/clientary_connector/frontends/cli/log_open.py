"""Is `clientary log open`: calls of which the log does not hold, or nobody knows, the end."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click

from clientary_connector.connector import Connector
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.status import Status
from clientary_connector.wiring import open_connector


@click.command(name="open")
@options.output
@click.pass_obj
def open_(state: Path | None, *, output_: str) -> Status:
    """List the calls whose end is open: under way, left behind, or unknown.

    What a process that died has left behind is closed as unknown when the state is
    opened for work the next time. A change whose end is unknown is settled with
    `clientary settle ID`.
    """
    with open_connector(state, mends=False) as connector:
        found = list(_found(connector))
    if output_ == "json":
        output.emit_data(found)
        return Status.SUCCEEDED
    screen.table(
        ("id", "when", "user", "persona", "action", "operation", "end"),
        (
            (one["id"], screen.when(str(one["at"])), *(one[name] for name in _SHOWN), one["end"])
            for one in found
        ),
    )
    if not found:
        screen.note("Every call has its end in the log.")
    return Status.SUCCEEDED


_SHOWN: Final = ("user", "persona", "action", "operation")


def _found(connector: Connector) -> Iterable[dict[str, object]]:
    """Returns the calls without an outcome, then the changes that nobody has settled."""
    opened = connector.log.open()
    for one in opened:
        document = one.to_json()
        del document["under_way"]
        yield {**document, "end": "under way" if one.under_way else "left behind"}
    ids = {one.id for one in opened}
    for other in connector.settlements.unsettled():
        if other.id not in ids:
            document = other.to_json()
            del document["looked_up"]
            yield {**document, "end": "unknown"}

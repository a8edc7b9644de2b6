"""Is `clientary log export`: the log as lines of JSON, oldest first."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options
from clientary_connector.frontends.cli.bar import Bar
from clientary_connector.frontends.cli.log_filters import by, filter_of, filters
from clientary_connector.frontends.cli.log_view import emit_line
from clientary_connector.frontends.cli.status import Status
from clientary_connector.logfile import write_lines
from clientary_connector.wiring import open_connector

STDOUT: Final = "-"


@click.command()
@click.argument("file", metavar="FILE|-")
@filters
@click.option("--prompts", is_flag=True, help="What is sealed too; that stands in the log.")
@by
@click.pass_obj
def export(
    state: Path | None,
    /,
    *,
    file: str,
    prompts: bool,
    by: str | None,
    **where: Any,  # noqa: ANN401 -- each option has a type of its own
) -> Status:
    """Write the log to FILE, a line of JSON an entry, oldest first; `-` is stdout.

    The file appears when it is whole, in the place of one that is there, and only its
    owner can read it. Without --prompts nothing sealed is in it.
    """
    bar = Bar()
    user = options.login_name(by) if prompts else None
    with open_connector(state) as connector:
        entries = connector.log.export(
            filter_of(where),
            user=user,
            told=lambda done, total: bar.show("rows exported", done=done, total=total),
        )
        if file == STDOUT:
            count = 0
            for count, entry in enumerate(entries, 1):  # noqa: B007 - how many there were
                bar.hide()
                emit_line(entry)
        else:
            count = write_lines(Path(file), _lines(entries))
    bar.end()
    screen.note(f"{count} entries exported.")
    return Status.SUCCEEDED


def _lines(entries: Iterable[Any]) -> Iterable[bytes]:
    return (f"{screen.compact(entry.to_json())}\n".encode() for entry in entries)

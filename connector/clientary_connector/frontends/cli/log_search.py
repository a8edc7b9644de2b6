"""Is `clientary log search`: finds a text in what is sealed in the log."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.bar import Bar
from clientary_connector.frontends.cli.log_filters import by, filter_of, filters, lines_output
from clientary_connector.frontends.cli.log_view import emit_line, show_entries
from clientary_connector.frontends.cli.status import Status
from clientary_connector.wiring import open_connector


@click.command()
@click.argument("text")
@filters
@by
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@lines_output
@click.pass_obj
def search(
    state: Path | None,
    /,
    *,
    text: str,
    by: str | None,
    limit: int,
    output_: str,
    **where: Any,  # noqa: ANN401 -- each option has a type of its own
) -> Status:
    """Find TEXT in prompts, arguments, requests and answers, newest first.

    Upper and lower case are the same. It opens every entry that fits the other options,
    so these make it quick. That it was searched, and by whom, stands in the log; what
    was searched for is sealed there. Ctrl-C ends it.
    """
    bar = Bar()
    with open_connector(state) as connector:
        found = connector.log.search(
            text,
            filter_of(where),
            user=options.login_name(by),
            told=lambda done, total: bar.show("rows searched", done=done, total=total),
        )
        taken = islice(found, limit)
        if output_ == "jsonl":
            for entry in taken:
                bar.hide()
                emit_line(entry)
            bar.end()
            return Status.SUCCEEDED
        entries = list(taken)
    bar.end()
    if output_ == "json":
        output.emit_data([entry.to_json() for entry in entries])
        return Status.SUCCEEDED
    show_entries(entries, output_, prompts=True)
    if not entries:
        screen.note("No entry holds that text.")
    elif len(entries) == limit:
        screen.note("There may be more: give a higher --limit, or choose with the other options.")
    return Status.SUCCEEDED

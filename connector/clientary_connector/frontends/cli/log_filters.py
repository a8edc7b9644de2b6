"""Holds the options by which `clientary log` and its commands choose entries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import click

from clientary_connector.ages import KINDS
from clientary_connector.frontends.cli.moment import Moment
from clientary_connector.logentry import EFFECTS, OUTCOMES, LogFilter

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Final = (
    click.option("--user", metavar="NAME", help="Only entries of this user."),
    click.option("--persona", metavar="NAME", help="Only calls of this persona."),
    click.option("--connection", metavar="NAME", help="Only entries over this connection."),
    click.option("--action", metavar="ID", help="Only calls of this action."),
    click.option("--effect", type=click.Choice(EFFECTS)),
    click.option("--outcome", type=click.Choice(OUTCOMES)),
    click.option(
        "--kind",
        type=click.Choice(KINDS),
        metavar="KIND",
        help="call, refusal, replay, approval, read, grant …",
    ),
    click.option("--operation", metavar="ID", help="Only what was done under this operation."),
    click.option("--run", metavar="ID", help="Only calls of this run of the host."),
    click.option("--flow", metavar="ID", help="Only calls of this flow of the host."),
    click.option("--session", metavar="ID", help="Only calls of this session of the host."),
    click.option("--trace", metavar="ID", help="Only calls of this W3C trace."),
    click.option(
        "--since", type=Moment(), metavar="WHEN", help="2026-01-31, or ago: 90m, 12h, 7d."
    ),
    click.option(
        "--until", type=Moment(), metavar="WHEN", help="The same; this moment is left out."
    ),
)
NAMES: Final = (
    "user", "persona", "connection", "action", "effect", "outcome", "kind", "operation", "run",
    "flow", "session", "trace", "since", "until",
)  # fmt: skip


#: Who reads what is sealed; `--user` chooses entries.
by: Final = click.option("--by", metavar="NAME", help="Who reads it. Default: the login name.")
lines_output: Final = click.option(
    "-o",
    "--output",
    "output_",
    type=click.Choice(["table", "json", "jsonl"]),
    default="table",
    show_default=True,
    help="table, plain in a pipe; one JSON document; or a line of JSON an entry.",
)


def filters(command: F) -> F:
    """Gives a command the options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def filter_of(given: Mapping[str, Any]) -> LogFilter:
    """Returns the filter that the options say."""
    return LogFilter(**{name: given[name] for name in NAMES})

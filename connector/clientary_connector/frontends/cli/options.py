"""Holds the options that several commands share."""

from __future__ import annotations

import getpass
from typing import Final

import click

output: Final = click.option(
    "-o",
    "--output",
    "output_",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="table, plain in a pipe; or one JSON document.",
)
user: Final = click.option("--user", metavar="NAME", help="Who asks. Default: the login name.")


def login_name(given: str | None) -> str:
    """Returns the user given, or the login name.

    Raises:
        click.UsageError: None was given, and the system knows no login name.
    """
    if given is not None:
        return given
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise click.UsageError("This system knows no login name: give --user NAME.") from None


def typed_prompt(action: str, connection: str) -> str:
    """Returns what stands in the log as the prompt of a call for which nobody gave one."""
    return f"(typed at the command line: {action} over {connection})"

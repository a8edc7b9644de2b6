"""Is `clientary grants`: all grants at once, as a list and as a file, one module a command."""

from __future__ import annotations

from typing import Final

import click

from clientary_connector.frontends.cli.lazygroup import DefaultGroup, Entry

COMMANDS: Final = {
    "list": Entry("grants_list", "list_", "List the grants; the word may be left out."),
    "export": Entry("grants_export", "export", "Write the grants as a file."),
    "apply": Entry("grants_apply", "apply", "Make the grants those of a file."),
}


@click.command(cls=DefaultGroup, entries=COMMANDS, default="list", bare=True)
def grants() -> None:
    """List the grants, or keep them in a file that can be reviewed.

    \b
    clientary grants --persona bookkeeper
    clientary grants export > grants.yaml
    clientary grants apply grants.yaml
    """  # noqa: D301 -- click's mark for lines to leave as they are

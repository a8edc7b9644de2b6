"""Is `clientary grant`: what one persona may do over one connection, one module a command."""

from __future__ import annotations

from typing import Final

import click

from clientary_connector.frontends.cli.lazygroup import DefaultGroup, Entry

COMMANDS: Final = {
    "give": Entry("grant_give", "give", "Give a grant; the word may be left out."),
    "show": Entry("grant_show", "show", "Show a grant in full, and what is new."),
    "revoke": Entry("grant_revoke", "revoke", "End a grant."),
}


@click.command(cls=DefaultGroup, entries=COMMANDS, default="give")
def grant() -> None:
    """Say what a persona may do over a connection; nothing is allowed without it.

    \b
    clientary grant bookkeeper books --scope invoices:read
    clientary grant bookkeeper books --scope '*:read' --when 'client_id in [42, 43]'
    clientary grant show bookkeeper books

    `clientary grant give --help` shows all that a grant can say.
    """  # noqa: D301 -- click's mark for lines to leave as they are

"""Is `clientary console`: the pages of an admin, served by itself, and who may sign in to them."""

from __future__ import annotations

from typing import Final

import click

from clientary_connector.frontends.cli.lazygroup import DefaultGroup, Entry

COMMANDS: Final = {
    "serve": Entry("console_serve", "serve", "Serve the pages; what is done without a word."),
    "token": Entry("console_token", "token", "Keep the tokens of programs for the admin API."),
    "user": Entry("console_user", "user", "Say who may sign in with a name and a password."),
}


@click.command(cls=DefaultGroup, entries=COMMANDS, default="serve", bare=True)
def console() -> None:
    """Connect, grant, approve, watch, rotate and revoke in a browser.

    Without another word the pages are served on 127.0.0.1, and a link is printed
    that signs you in once. `clientary console serve --help` has the options.
    """

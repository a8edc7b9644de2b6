"""Names the commands and loads only the one that was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from clientary_connector.frontends.cli.lazygroup import Entry, LazyGroup

DISTRIBUTION: Final = "clientary-connector"


COMMANDS: Final = {
    "init": Entry("init", "init", "Make the vault and its key."),
    "connect": Entry("connections", "connect", "Join a Clientary account with an API key."),
    "connections": Entry("connections", "connections", "List the connections."),
    "rotate": Entry("rotate", "rotate", "Replace the API key of a connection."),
    "revoke": Entry("connections", "revoke", "End a connection and destroy its key."),
    "actions": Entry("actions", "actions", "List what can be done."),
    "action": Entry("actions", "action", "Show one action in full."),
    "grant": Entry("grant", "grant", "Allow a persona something; show it, end it."),
    "grants": Entry("grants", "grants", "List the grants; write and apply a file of them."),
    "can": Entry("can", "can", "Say whether a persona may do something, and why."),
    "find": Entry("find", "find", "Find the id of what somebody names."),
    "call": Entry("call", "call", "Run one action."),
    "batch": Entry("batch", "batch", "Run many actions, one JSON line each."),
    "settle": Entry("settle", "settle", "Find out whether a change was done."),
    "approvals": Entry("approvals", "approvals", "List what waits for a person."),
    "approve": Entry("approvals", "approve", "Let a call that waits happen, once."),
    "deny": Entry("approvals", "deny", "Refuse a call that waits."),
    "usage": Entry("usage", "usage", "Show who has used what."),
    "budget": Entry("budget", "budget", "Limit the credits a month."),
    "vault": Entry("vault", "vault", "Look after the vault and its keys."),
    "log": Entry("log", "log", "Read and verify the log."),
    "mcp": Entry("mcp", "mcp", "Serve a persona's actions over MCP."),
    "console": Entry("console", "console", "Serve the pages of an admin."),
    "export": Entry("export", "export", "Write the actions for other programs."),
    "manifest": Entry("manifest", "manifest", "Check and lay out manifests."),
    "sandbox": Entry("sandbox", "sandbox", "Run a simulated Clientary."),
    "demo": Entry("demo", "demo", "Watch a whole piece of work in the sandbox."),
}


@click.command(
    cls=LazyGroup,
    entries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 succeeded, 1 failed, 2 bad usage or arguments, 3 refused, "
    "4 unknown (sent, no answer: it may have happened), 130 ended with Ctrl-C.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="CLIENTARY_STATE",
    metavar="DIR",
    help="Where vault and log lie. Default: CLIENTARY_STATE, or this user's data folder.",
)
@click.version_option(package_name=DISTRIBUTION, message="%(prog)s %(version)s")
@click.pass_context
def clientary(ctx: click.Context, state: Path | None) -> None:
    """Work in Clientary through 57 typed actions: granted, logged, revocable.

    New here: `clientary demo` shows a whole piece of work against a simulated
    account. For your own account: init, connect, grant, call.

    Every command prints a table, or with `-o json` one JSON document with
    outcome, data, page, warnings, error, log_id and operation. Results go to
    stdout, everything else to stderr.
    """
    ctx.obj = state

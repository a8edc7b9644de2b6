"""Names the commands and loads only the one that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

import click

DISTRIBUTION: Final = "clientary-connector"
PACKAGE: Final = "clientary_connector.frontends.cli"


@dataclass(frozen=True, slots=True)
class Entry:
    """Says where a command lies, and what the list of commands says about it."""

    module: str
    name: str
    summary: str


COMMANDS: Final = {
    "init": Entry("init", "init", "Make the vault and its key."),
    "connect": Entry("connections", "connect", "Join a Clientary account with an API key."),
    "connections": Entry("connections", "connections", "List the connections."),
    "revoke": Entry("connections", "revoke", "End a connection and destroy its key."),
    "actions": Entry("actions", "actions", "List what can be done."),
    "action": Entry("actions", "action", "Show one action in full."),
    "grant": Entry("grants", "grant", "Allow a persona some scopes."),
    "grants": Entry("grants", "grants", "List the grants."),
    "call": Entry("call", "call", "Run one action."),
    "batch": Entry("batch", "batch", "Run many actions, one JSON line each."),
    "log": Entry("log", "log", "Read and verify the log."),
    "manifest": Entry("manifest", "manifest", "Check and lay out manifests."),
    "sandbox": Entry("sandbox", "sandbox", "Run a simulated Clientary."),
    "demo": Entry("demo", "demo", "Watch a whole piece of work in the sandbox."),
}


class LazyGroup(click.Group):
    """A group that imports a command when it is called, and not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names in the order of use."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns a command, or None where there is none of this name."""
        del ctx
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = getattr(import_module(f"{PACKAGE}.{entry.module}"), entry.name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Returns the command asked for.

        Raises:
            click.UsageError: There is none; the message offers those that come close.
        """
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.exceptions.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands without importing one."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


@click.command(
    cls=LazyGroup,
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

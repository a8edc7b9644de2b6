"""Is a group of commands of which only the one that was asked for is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import click

from clientary_connector.frontends.cli.loading import loading

PACKAGE: Final = "clientary_connector.frontends.cli"


@dataclass(frozen=True, slots=True)
class Entry:
    """Says where a command lies, and what the list of commands says about it."""

    module: str
    name: str
    summary: str


class LazyGroup(click.Group):
    """A group that imports a command when it is called, and not before."""

    def __init__(self, *, entries: Mapping[str, Entry], **attributes: Any) -> None:  # noqa: ANN401 -- whatever click takes
        """Takes the commands by their names, in the order of use."""
        super().__init__(**attributes)
        self._entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names in the order of use."""
        del ctx
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns a command, or None where there is none of this name."""
        del ctx
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        with loading():
            module = import_module(f"{PACKAGE}.{entry.module}")
        command: click.Command = getattr(module, entry.name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Returns the command asked for.

        Raises:
            click.UsageError: There is none; the message offers those that come close.
        """
        strange = args[0] not in self._entries and not args[0].startswith("-")
        if strange and not ctx.resilient_parsing:
            raise click.exceptions.NoSuchCommand(args[0], possibilities=self._entries, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands without importing one."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self._entries.items()])


class DefaultGroup(LazyGroup):
    """A lazy group whose first word may be left out: what names no command goes to the default."""

    def __init__(self, *, default: str, bare: bool = False, **attributes: Any) -> None:  # noqa: ANN401 -- whatever click takes
        """Takes the name of the default; `bare` runs it where there is no word at all."""
        super().__init__(**attributes)
        self._default = default
        self._bare = bare

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts the default in front of words that begin with no command of the group."""
        first = args[0] if args else None
        own = {*self.list_commands(ctx), *ctx.help_option_names}
        if (first is None and self._bare) or (first is not None and first not in own):
            args = [self._default, *args]
        return super().parse_args(ctx, args)

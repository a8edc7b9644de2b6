"""Is `clientary demo`: the main job in a few seconds, with nothing to set up."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import extras, options, output
from clientary_connector.frontends.cli.status import Status
from clientary_connector.frontends.invocation import invocation

#: Where the suggestions keep the state of another demo.
KEPT: Final = "demo-state"


@click.command()
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Make the state here and keep it, to look around in it. Default: it is removed.",
)
@options.user
@options.output
def demo(*, keep: Path | None, user: str | None, output_: str) -> Status:
    """Watch a whole piece of work against a simulated Clientary.

    Connect, grant, a new client, its project, hours, an invoice, sent; what is
    refused; the log. It needs no account and touches nothing of yours.
    """
    with extras.needed("The demo", "sandbox"):
        from clientary_connector.frontends.demo import play  # noqa: PLC0415 -- an extra
    who = options.login_name(user)
    tell = _keep_silent if output_ == "json" else screen.emit
    with _state(keep) as state:
        tell("One piece of work, from the first key to the revoke.\n")
        tell(f"State: {screen.visible(str(state))}{'' if keep else ' (removed at the end)'}\n")
        steps = asyncio.run(play(state, user=who, tell=tell))
    tell(_what_next(keep))
    if output_ == "json":
        output.emit_data(steps)
    return Status.SUCCEEDED


def _keep_silent(text: str) -> None:
    del text


@contextmanager
def _state(keep: Path | None) -> Generator[Path]:
    if keep is not None:
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="clientary-demo-") as folder:
        yield Path(folder) / "state"


def _what_next(keep: Path | None) -> str:
    here = invocation()
    there = invocation(keep or Path(KEPT))
    again = (
        ()
        if keep
        else (("The same again, and keep it to look around in", f"{here} demo --keep {KEPT}"),)
    )
    suggestions = (
        *again,
        ("Every call, refusal and change", f"{there} log"),
        ("What was stopped", f"{there} log --outcome refused"),
        ("Is the log whole?", f"{there} log verify"),
        ("What leaves the house", f"{here} actions --effect send"),
        ("One action in full", f"{here} action create_invoice"),
        ("An account to try it on, which says how to connect", f"{here} sandbox"),
    )
    shown = "".join(f"  {about}\n    {command}\n" for about, command in suggestions)
    own = f"With your own account: {here} init, then {here} connect NAME --subdomain YOURS"
    return f"\nWhat to try next:\n{shown}\n{own}\n"

"""Is `clientary sandbox`: a simulated account to connect to, on this machine alone."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clientary_connector.errors import OperatorError
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import extras, options, output
from clientary_connector.frontends.cli.status import Status
from clientary_connector.frontends.invocation import invocation

if TYPE_CHECKING:
    from clientary_connector.sandbox import RunningSandbox


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: one that is free.")
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same account.")
@click.option(
    "--size",
    type=click.Choice(["small", "medium", "large"]),
    default="small",
    show_default=True,
    help="How much the account holds.",
)
@options.output
@click.pass_obj
def sandbox(state: Path | None, *, port: int, seed: int, size: str, output_: str) -> Status:
    """Run a simulated Clientary on 127.0.0.1 until Ctrl-C.

    It keeps what is done to it while it runs and forgets it afterwards. Its API key
    is no secret: it opens nothing else.
    """
    ended = _ended_by_signal()
    with _served(port=port, seed=seed, size=size) as running:
        command = (
            f"printf %s {running.key} | "
            f"{invocation(state)} connect sandbox --sandbox {running.url} --key-stdin"
        )
        if output_ == "json":
            output.emit_data({"url": running.url, "key": running.key, "connect": command})
        else:
            screen.emit(screen.pairs((("URL", running.url), ("Key", running.key))))
            screen.emit(f"\nConnect to it from another terminal:\n  {command}\n")
        screen.note("Ctrl-C ends it.")
        ended.wait()
    return Status.SUCCEEDED


@contextmanager
def _served(*, port: int, seed: int, size: str) -> Generator[RunningSandbox]:
    with extras.needed("The sandbox", "sandbox"):
        from clientary_connector.sandbox import Sandbox, serve  # noqa: PLC0415 -- an optional extra
    with ExitStack() as stack:
        try:
            running = stack.enter_context(serve(Sandbox(seed=seed, size=size), port=port))
        except OSError as error:
            raise OperatorError(
                f"Port {port} cannot be used: {error.strerror}.",
                hint="Leave --port out, and a free one is taken.",
            ) from None
        yield running


def _ended_by_signal() -> threading.Event:
    """Returns what Ctrl-C and a polite kill set from now on."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: ended.set())
    return ended

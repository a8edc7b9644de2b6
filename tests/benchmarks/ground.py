"""Sets up what is measured: a far side in a process of its own and a connected state directory."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clientary_connector import Call, Connector, Secret, create_state, open_connector

ROOT: Final = Path(__file__).parents[2]
KEY: Final = "bench-key-of-the-far-side-0001"
USER: Final = "maria"
PERSONA: Final = "bookkeeper"
ACCOUNT: Final = "bench"
PROMPT: Final = "Look the client up and tell me where they are."
#: The same call as text, for programs of their own.
CALL: Final = (
    f"Call(action='get_client', arguments={{'id': 1}}, connection={ACCOUNT!r}, user={USER!r}, "
    f"persona={PERSONA!r}, prompt={PROMPT!r})"
)


@dataclass(frozen=True, slots=True)
class Ground:
    """A far side that answers, and a state directory that is connected to it."""

    url: str
    state: Path


def call() -> Call:
    """Returns the call that is measured."""
    return Call(
        action="get_client",
        arguments={"id": 2053932801},
        connection=ACCOUNT,
        user=USER,
        persona=PERSONA,
        prompt=PROMPT,
    )


def compiling() -> dict[str, str]:
    """Returns an environment for cold starts, in which the warm-up compiles what is imported.

    An installed package is compiled by its installer, and a checkout by its first run; a start
    that compiles again each time is nobody's.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@contextlib.contextmanager
def far_side() -> Generator[str]:
    """Runs the far side while the block runs; gives its URL."""
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own program
        [sys.executable, str(Path(__file__).with_name("far_side.py"))],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def prepared(folder: Path) -> Generator[Ground]:
    """Serves, connects and grants; full durability, as everywhere."""
    state = folder / "state"
    create_state(state)
    with far_side() as url:
        with open_connector(state) as connector:
            asyncio.run(_join(connector, url))
        yield Ground(url, state)


async def _join(connector: Connector, url: str) -> None:
    await connector.connect(ACCOUNT, secret=Secret(KEY), user=USER, sandbox=url)
    scopes = sorted({action.scope for action in connector.manifest.actions.values()})
    connector.grant(PERSONA, ACCOUNT, scopes=scopes, user=USER)
    await connector.aclose()

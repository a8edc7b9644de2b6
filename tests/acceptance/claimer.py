"""Is a host process of its own: makes one call so many times at once, and tells each result."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from clientary_connector import Call, Connector, open_connector


async def work(connector: Connector, client: int, *, at_once: int) -> None:
    """Deletes one client in so many calls, each an operation of its own, once told to begin."""
    calls = [
        Call(
            action="delete_client",
            arguments={"id": client},
            connection="books",
            user="maria",
            persona="bookkeeper",
            prompt="Delete it.",
        )
        for _ in range(at_once)
    ]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    for result in await asyncio.gather(*map(connector.run, calls)):
        told = {
            "outcome": result.outcome.value,
            "error": None if result.error is None else result.error.kind.value,
            "approval": None if result.error is None else result.error.approval,
        }
        sys.stdout.write(json.dumps(told) + "\n")


def main() -> None:
    """Reads the state directory, the client, and how many calls at once."""
    state, client, at_once = sys.argv[1:]
    with open_connector(Path(state)) as connector, asyncio.Runner() as runner:
        runner.run(work(connector, int(client), at_once=int(at_once)))


if __name__ == "__main__":
    main()

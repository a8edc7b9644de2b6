"""Is a host process of its own: makes many writes at once and tells each result on one line."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from clientary_connector import Call, Connector, open_connector


async def work(connector: Connector, prefix: str, *, count: int, at_once: int) -> None:
    """Creates clients with names of their own, `at_once` under way at any time."""
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            name = f"{prefix}-{number}"
            result = await connector.run(
                Call(
                    action="create_client",
                    arguments={"name": name},
                    connection="books",
                    user="maria",
                    persona="bookkeeper",
                    prompt=f"Make {name}.",
                    operation=f"op_{name}",
                )
            )
            told = {"name": name, "outcome": result.outcome.value, "log_id": result.log_id}
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())


def main() -> None:
    """Reads the state directory, a prefix, how many and how many at once."""
    state, prefix, count, at_once = sys.argv[1:]
    with open_connector(Path(state)) as connector, asyncio.Runner() as runner:
        runner.run(work(connector, prefix, count=int(count), at_once=int(at_once)))


if __name__ == "__main__":
    main()

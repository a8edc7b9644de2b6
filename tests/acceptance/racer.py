"""Is a host process of its own: waits for a word, makes calls all at once, and tells results."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from clientary_connector import Call, Connector, Settings, open_connector


async def race(connector: Connector, count: int, operation: str | None) -> None:
    """Makes so many calls at once, under one operation or under one each."""

    async def one(number: int) -> dict[str, object]:
        name = f"{os.getpid()}-{number}"
        result = await connector.run(
            Call(
                action="create_client" if operation else "list_clients",
                arguments={"name": "Only"} if operation else {},
                connection="books",
                user="maria",
                persona="bookkeeper",
                prompt="Race.",
                operation=operation or f"op_{name}",
            )
        )
        return {
            "outcome": result.outcome.value,
            "error": None if result.error is None else result.error.kind.value,
            "replayed": result.replayed,
            "log_id": result.log_id,
        }

    for told in await asyncio.gather(*map(one, range(count))):
        sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Reads the state directory, how many calls, and the operation they share, if they do."""
    state, count, *operation = sys.argv[1:]
    settings = Settings(operation_wait_s=120, max_wait_s=120)
    with open_connector(Path(state), settings=settings) as connector, asyncio.Runner() as runner:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        runner.run(race(connector, int(count), operation[0] if operation else None))


if __name__ == "__main__":
    main()

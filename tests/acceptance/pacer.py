"""Is a host process of its own: makes reads all at once at a pace, and tells each result."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from clientary_connector import Call, Connector, Settings, open_connector


async def pace(connector: Connector, count: int) -> None:
    """Makes so many calls at once."""
    calls = [
        Call(
            action="get_client",
            arguments={"id": 7},
            connection="books",
            user="maria",
            persona="bookkeeper",
            prompt="Keep the pace.",
        )
        for _ in range(count)
    ]
    for result in await asyncio.gather(*map(connector.run, calls)):
        error = None if result.error is None else result.error.kind.value
        sys.stdout.write(json.dumps({"outcome": result.outcome.value, "error": error}) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Reads the state directory, how many calls, how many at once and a minute, and the wait."""
    state, count, at_once, a_minute, wait_s = sys.argv[1:]
    settings = Settings(
        requests_at_once=int(at_once), requests_a_minute=int(a_minute), max_wait_s=float(wait_s)
    )
    with open_connector(Path(state), settings=settings) as connector, asyncio.Runner() as runner:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        runner.run(pace(connector, int(count)))


if __name__ == "__main__":
    main()

"""Is a host process of its own: calls without a pause until it is refused, and tells results."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from itertools import count, cycle
from pathlib import Path

from clientary_connector import Call, Connector, Outcome, open_connector


async def work(connector: Connector, persona: str, *, at_once: int, actions: list[str]) -> None:
    """Calls the actions in turn, each task until a result says that nothing more is allowed."""
    numbers = count()
    names = cycle(actions)

    async def worker() -> None:
        going = True
        while going:
            name = f"{os.getpid()}-{next(numbers)}"
            action = next(names)
            reads = action == "list_clients"
            call = Call(
                action=action,
                arguments={} if reads else {"name": name},
                connection="books",
                user="maria",
                persona=persona,
                prompt=f"Make {name}.",
                operation=f"op_{name}",
            )
            result = await connector.run(call)
            going = result.outcome is Outcome.SUCCEEDED
            told = {
                "name": None if reads else name,
                "outcome": result.outcome.value,
                "error": None if result.error is None else result.error.kind.value,
            }
            sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()

    await asyncio.gather(*(worker() for _ in range(at_once)))


def main() -> None:
    """Reads the state directory, the persona, how many calls at once, and of which actions."""
    state, persona, at_once, *actions = sys.argv[1:]
    with open_connector(Path(state)) as connector, asyncio.Runner() as runner:
        runner.run(work(connector, persona, at_once=int(at_once), actions=actions))


if __name__ == "__main__":
    main()

"""Measures cold starts: what a host process pays before its first tool and its first call."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from functools import partial
from typing import Final

from tests.benchmarks.ground import CALL, KEY, ROOT, Ground, compiling
from tests.benchmarks.rows import Row, Sizes, Tell, interleaved, medians

LIST_HOLD_S: Final = 0.120
CALL_HOLD_S: Final = 0.400

#: Ends a program the moment its result is there; taking an interpreter down is no part of it.
LEAVE: Final = "import os; os._exit(0)"
LIST_TOOLS: Final = f"""
import clientary_connector
from clientary_connector.manifest import load_manifest
tools = [
    {{"name": action.id, "title": action.title, "description": action.description,
     "inputSchema": action.input}}
    for action in load_manifest().actions.values()
]
assert len(tools) == 57
{LEAVE}"""
FIRST_CALL: Final = f"""
import sys
from clientary_connector import Call, open_connector
connector = open_connector(sys.argv[1])
result = connector.run_sync({CALL})
assert result.outcome == "succeeded", result
{LEAVE}
"""
BARE_CALL: Final = f"""
import asyncio, sys, httpx
async def main():
    async with httpx.AsyncClient(auth=({KEY!r}, {KEY!r})) as client:
        (await client.get(sys.argv[1] + "/api/v2/clients/1")).json()
asyncio.run(main())
{LEAVE}
"""


def _wall(program: str, *arguments: str) -> float:
    """Returns the seconds from the start of a fresh interpreter to the end of its program."""
    begin = time.perf_counter()
    subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program, *arguments], check=True, cwd=ROOT, env=compiling()
    )
    return time.perf_counter() - begin


def rows(ground: Ground, sizes: Sizes, tell: Tell) -> list[Row]:
    """Measures import with the list of tools, and the first governed call."""
    tell("cold starts")
    contenders = {
        "bare": partial(_wall, "pass"),
        "list": partial(_wall, LIST_TOOLS),
        "call": partial(_wall, FIRST_CALL, str(ground.state)),
        "httpx": partial(_wall, BARE_CALL, ground.url),
    }
    for warm_up in contenders.values():
        warm_up()
    seen = interleaved(sizes.cold_starts, contenders)
    middle = medians(seen)
    figures = {name: [round(value * 1e3, 2) for value in values] for name, values in seen.items()}
    bare = {"`python -c pass`": _ms(middle["bare"])}
    return [
        Row(
            what="import + manifest + list of 57 tools, cold process",
            hold="≤ 120 ms",
            seen=_ms(middle["list"]),
            references=bare,
            ratio=f"{middle['list'] / middle['bare']:.1f} x",
            holds=middle["list"] <= LIST_HOLD_S,
            figures=json.loads(json.dumps(figures)),
        ),
        Row(
            what="first governed call of a cold process",
            hold="≤ 400 ms",
            seen=_ms(middle["call"]),
            references={**bare, "first call of bare httpx": _ms(middle["httpx"])},
            ratio=f"{middle['call'] / middle['httpx']:.1f} x httpx",
            holds=middle["call"] <= CALL_HOLD_S,
        ),
    ]


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms"

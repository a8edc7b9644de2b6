"""Measures resident memory with the plugin loaded, and whether it grows over many calls."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Final

from tests.benchmarks.ground import CALL, ROOT, Ground
from tests.benchmarks.rows import Row, Sizes, Tell

HOLD_MB: Final = 90.0
#: What an allocator may keep of a crowd; a leak of 100 bytes a call is more in a long run.
GROWTH_HOLD_MB: Final = 2.0

RESIDENT: Final = """
import os, sys
def resident():
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        import resource
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1e6 if sys.platform == "darwin" else peak / 1e3
"""
BARE: Final = RESIDENT + "print(resident())"
LOADED: Final = (
    RESIDENT
    + f"""
import asyncio, gc, json
from clientary_connector import Call, open_connector

async def calls(connector, count):
    numbers = iter(range(count))
    async def worker():
        for _ in numbers:
            result = await connector.run({CALL})
            assert result.outcome == "succeeded", result
    await asyncio.gather(*(worker() for _ in range(64)))

async def main():
    async with open_connector(sys.argv[1]) as connector:
        seen = {{"loaded": resident()}}
        await calls(connector, 64)
        seen["in use"] = resident()
        await calls(connector, max(2_000, int(sys.argv[2]) // 10))
        gc.collect()
        seen["warm"] = resident()
        await calls(connector, int(sys.argv[2]))
        gc.collect()
        seen["after"] = resident()
        print(json.dumps(seen))
asyncio.run(main())
"""
)


def rows(ground: Ground, sizes: Sizes, tell: Tell) -> list[Row]:
    """Measures memory in processes of their own."""
    tell(f"memory over {sizes.long_run:,} calls")
    bare = float(_printed(BARE))
    seen: dict[str, float] = json.loads(_printed(LOADED, str(ground.state), str(sizes.long_run)))
    growth = seen["after"] - seen["warm"]
    return [
        Row(
            what="resident memory, plugin loaded",
            hold="≤ 90 MB",
            seen=f"{seen['loaded']:.0f} MB; {seen['in use']:.0f} MB in use",
            references={"bare interpreter": f"{bare:.0f} MB"},
            ratio=f"{seen['loaded'] / bare:.1f} x",
            holds=max(seen["loaded"], seen["in use"]) <= HOLD_MB,
            figures=seen,
        ),
        Row(
            what=f"growth of memory over {sizes.long_run:,} calls",
            hold="none",
            seen=f"{growth:+.1f} MB",
            references={"after the calls to warm up": f"{seen['warm']:.0f} MB"},
            ratio=f"{seen['after'] / seen['warm']:.3f} x",
            holds=growth <= GROWTH_HOLD_MB,
            figures={"growth_bytes_a_call": growth * 1e6 / sizes.long_run},
            note=f"up to {GROWTH_HOLD_MB:.0f} MB counts as none: allocators keep what a crowd used",
        ),
    ]


def _printed(program: str, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program, *arguments],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    return done.stdout

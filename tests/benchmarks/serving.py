"""Measures the server of MCP: from its start to the first list of tools, and one call."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from mcp import Client, types
from mcp.server.lowlevel import Server

from clientary_connector import Connector, open_connector
from clientary_connector.frontends.mcp.caller import Caller
from clientary_connector.frontends.mcp.serving import Serving
from tests.benchmarks.ground import (
    ACCOUNT,
    PERSONA,
    PROMPT,
    ROOT,
    USER,
    Ground,
    call,
    compiling,
)
from tests.benchmarks.rows import Row, Sizes, Tell, interleaved, medians

START_HOLD: Final = 1.15
CALL_HOLD_S: Final = 0.0015
TOOLS: Final = 57
#: A server of the SDK with as many tools as ours, which do nothing.
EMPTY: Final = """
import anyio
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

TOOLS = [
    types.Tool(name=f"tool_{number}", input_schema={"type": "object"}) for number in range(57)
]

async def listed(context, params):
    return types.ListToolsResult(tools=TOOLS)

async def main():
    server = Server("empty", on_list_tools=listed)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())

anyio.run(main)
"""
_ABOUT: Final = {"name": "benchmark", "version": "1"}
_HELLO: Final = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": _ABOUT}
_ASKED: Final[tuple[dict[str, Any], ...]] = (
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": _HELLO},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}},
)
_NOTHING: Final = "nothing"


def rows(ground: Ground, sizes: Sizes, tell: Tell) -> list[Row]:
    """Measures both, each against the SDK alone in the same run."""
    tell("the start of the server of MCP")
    started = _started(ground, sizes)
    tell("calls over MCP")
    called = asyncio.run(_called(ground, sizes))
    return [started, called]


def _started(ground: Ground, sizes: Sizes) -> Row:
    ours = ["-m", "clientary_connector.frontends.cli", "--state", str(ground.state), "mcp"]
    who = ["--connection", ACCOUNT, "--persona", PERSONA, "--user", USER]
    contenders = {
        "ours": partial(_until_listed, [*ours, *who]),
        "empty": partial(_until_listed, ["-c", EMPTY]),
    }
    for warm_up in contenders.values():
        warm_up()
    seen = interleaved(sizes.cold_starts, contenders)
    middle = medians(seen)
    ratio = middle["ours"] / middle["empty"]
    return Row(
        what="server of MCP over stdio, from its start to the first list of tools",
        hold=f"≤ {START_HOLD} x",
        seen=f"{middle['ours'] * 1e3:.0f} ms",
        references={"a server of the SDK, 57 empty tools": f"{middle['empty'] * 1e3:.0f} ms"},
        ratio=f"{ratio:.2f} x",
        holds=ratio <= START_HOLD,
        figures={name: [round(one * 1e3, 2) for one in values] for name, values in seen.items()},
    )


def _until_listed(program: list[str]) -> float:
    """Returns the seconds until a server that is started now has listed its tools."""
    begin = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, *program],
        cwd=ROOT,
        env=compiling(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in _ASKED:
            process.stdin.write(json.dumps(line).encode() + b"\n")
        process.stdin.flush()
        process.stdout.readline()
        tools = json.loads(process.stdout.readline())["result"]["tools"]
        took = time.perf_counter() - begin
        process.stdin.close()
    assert len(tools) >= TOOLS
    return took


async def _called(ground: Ground, sizes: Sizes) -> Row:
    caller = Caller(connection=ACCOUNT, persona=PERSONA, user=USER)
    async with open_connector(ground.state) as connector:
        serving = Serving(connector, lambda _: caller)
        async with Client(serving.server()) as client, Client(_idle()) as idle:
            await client.list_tools()
            contenders: dict[str, Callable[[], Awaitable[object]]] = {
                "mcp": partial(_by_client, client),
                "idle": partial(idle.call_tool, _NOTHING, {}),
                "direct": partial(_direct, connector),
            }
            middle = await _medians(contenders, sizes.calls_one_at_a_time)
    extra = middle["mcp"] - middle["idle"] - middle["direct"]
    above = middle["mcp"] - middle["idle"]
    return Row(
        what="governed call over MCP in memory, over the SDK's own no-op and the call itself",
        hold="≤ +1.5 ms",
        seen=f"{extra * 1e3:+.2f} ms",
        references={
            "no-op of the SDK": f"{middle['idle'] * 1e3:.2f} ms",
            "the call by Python, log on disk": f"{middle['direct'] * 1e3:.2f} ms",
        },
        ratio=f"{above * 1e3:+.2f} ms over the no-op alone",
        holds=extra <= CALL_HOLD_S,
        figures={name: round(value * 1e3, 4) for name, value in middle.items()},
    )


async def _medians(
    contenders: dict[str, Callable[[], Awaitable[object]]], times: int
) -> dict[str, float]:
    """Returns the median seconds of each, measured in turn."""
    seen: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(times + 20):
        for name, work in contenders.items():
            begin = time.perf_counter()
            await work()
            if turn >= 20:
                seen[name].append(time.perf_counter() - begin)
    return medians(seen)


async def _by_client(client: Client) -> None:
    given: dict[str, Any] = {"request": PROMPT, **call().arguments}
    result = await client.call_tool(call().action, given)
    assert not result.is_error, result


async def _direct(connector: Connector) -> None:
    assert (await connector.run(call())).error is None


def _idle() -> Server[dict[str, Any]]:
    """Returns a server of the SDK whose one tool does nothing."""

    async def answer(_: object, __: object) -> types.CallToolResult:
        return types.CallToolResult(content=[], structured_content={})

    async def listed(_: object, __: object) -> types.ListToolsResult:
        tool = types.Tool(name=_NOTHING, input_schema={"type": "object"})
        return types.ListToolsResult(tools=[tool])

    return Server("idle", on_list_tools=listed, on_call_tool=answer)

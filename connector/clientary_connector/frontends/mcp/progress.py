"""Tells a client how far its call is, where it asked to be told.

https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/progress
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from clientary_connector.call.progress import followed
from clientary_connector.frontends.mcp.watching import Request

Step = tuple[int, int | None]


@asynccontextmanager
async def reporting(request: Request) -> AsyncGenerator[None]:
    """Lets the call within it report its progress, each time more than before.

    What was told is sent before the answer; a client that takes it slowly slows no call. To one
    that did not ask, the SDK sends nothing.
    """
    steps = asyncio.Queue[Step | None]()
    senders = list[asyncio.Future[None]]()

    def told(done: int, total: int | None) -> None:
        if not senders:
            senders.append(asyncio.ensure_future(_sent(request, steps)))
        steps.put_nowait((done, total))

    try:
        with followed(told):
            yield
        steps.put_nowait(None)
        await asyncio.gather(*senders)
    finally:
        for sender in senders:
            sender.cancel()


async def _sent(request: Request, steps: asyncio.Queue[Step | None]) -> None:
    last = 0
    while (step := await steps.get()) is not None:
        done, total = step
        if done > last:
            last = done
            # A total that the records have overtaken was wrong.
            whole = total if total is not None and total >= done else None
            await request.session.report_progress(done, whole, f"{done} records")

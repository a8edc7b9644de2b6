"""Imports httpx without its command line, which costs a cold start fifty milliseconds."""

from __future__ import annotations

import sys

COMMAND_LINE = "httpx._main"

# httpx loads click, rich and pygments where they are installed, and does without them where its
# own command line cannot be imported. So it cannot, for the moment of this import.
_blocked = sys.modules.setdefault(COMMAND_LINE, None) is None  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
try:
    import httpx
    from httpx_aiohttp import AiohttpTransport
finally:
    if _blocked:
        del sys.modules[COMMAND_LINE]

__all__ = ["AiohttpTransport", "httpx"]

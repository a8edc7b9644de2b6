"""Is an admin's process of its own: revokes a connection and goes."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from clientary_connector import open_connector


def main() -> None:
    """Reads the state directory and the connection's name."""
    state, name = sys.argv[1:]
    with open_connector(Path(state)) as connector:
        asyncio.run(connector.revoke(name, user="admin", reason="left the company"))


if __name__ == "__main__":
    main()

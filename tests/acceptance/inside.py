"""Is a host process of its own that is between its last look and its send: inside the fence."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from connector_vault import Vault


def main() -> None:
    """Reads the database, its key and what to do inside the fence: sleep until woken, or wait."""
    database, key, what = sys.argv[1:]
    with Vault.open(Path(database), key=key) as vault, vault.fence.entered():
        if what == "sleep":
            os.kill(os.getpid(), signal.SIGSTOP)
        else:
            sys.stdout.write("inside\n")
            sys.stdout.flush()
            sys.stdin.readline()


if __name__ == "__main__":
    main()

"""Says how this program was called, so that a command it suggests can be pasted as it stands."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

NAME: Final = "clientary"
MODULE: Final = "clientary_connector.frontends.cli"


def invocation(state: Path | None = None) -> str:
    """Returns the words that call this program again, over the same state."""
    where = "" if state is None else f" --state {shlex.quote(str(state))}"
    return f"{_program()}{where}"


def _program() -> str:
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m {MODULE}"
    found = shutil.which(NAME)
    if called.name != NAME or (found is not None and Path(found).samefile(called)):
        return NAME
    return shlex.quote(str(called))

"""Stands around the loading of modules in a process of our own, and makes it cheap."""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def loading() -> Generator[None]:
    """Leaves the collector of garbage out while modules are loaded, and out of what they made.

    What they make stays until the process ends. Python's collector would look through all of it a
    dozen times while the SDK of MCP is loaded, for a tenth of the time, and once more with every
    full collection from then on.
    """
    collects, before = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > before:
            gc.freeze()
        if collects:
            gc.enable()

"""Starts the processes of tests quickly: a server that has imported what they need forks them.

None of them inherits anything of the test: the server has never opened a vault, a connector or a
line, and begins nothing before it forks.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Final

#: What makes processes, and the barriers and events between them.
PROCESSES: Final = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        "tests.acceptance.rotator",
        "tests.connector.oauth.children",
        "tests.vault.model_child",
        "tests.vault.processes",
        "tests.vault.rotating",
        "tests.vault.turning",
    ]
)


def started(work: Callable[..., None], *arguments: object) -> tuple[ForkServerProcess, Connection]:
    """Starts a process that runs work, whose last argument is a pipe to tell and hear through."""
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=work, args=(*arguments, theirs))
    process.start()
    theirs.close()
    return process, ours

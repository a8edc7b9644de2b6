"""Writes lines into a file that appears when it is whole, and that only its owner can read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from clientary_connector.errors import StateUnavailableError


def write_lines(path: Path, lines: Iterable[bytes]) -> int:
    """Writes lines in the place of what is at a path, and returns how many there were.

    If anything stops it, what is at the path stays as it is.

    Raises:
        StateUnavailableError: The file cannot be written.
    """
    try:
        return _write(path, lines)
    except OSError as error:
        reason = error.strerror
    raise StateUnavailableError(
        f"{path} cannot be written: {reason}.", hint="Look at the folder, its rights and its disk."
    )


def _write(path: Path, lines: Iterable[bytes]) -> int:
    count = 0
    # The file is made closed to others, whatever the umask.
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.absolute().parent)
    try:
        with os.fdopen(handle, "wb") as file:
            for count, line in enumerate(lines, 1):  # noqa: B007 - how many there were
                file.write(line)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return count

"""Opens the files beside a database that hold nothing but a lock."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from connector_vault.errors import StoreError, StoreReadOnlyError, StoreUnavailableError

_MEANING: Final[dict[int, type[StoreError]]] = dict.fromkeys(
    (errno.EACCES, errno.EPERM, errno.EROFS), StoreReadOnlyError
)


def lock_file(path: Path) -> int:
    """Opens such a file, which the first to come makes; gives its descriptor.

    Raises:
        StoreError: The file cannot be used.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except OSError as error:
        kind = _MEANING.get(error.errno or 0, StoreUnavailableError)
        raise kind(f"{path} cannot be opened: {error.strerror}.") from None

"""Opens the files beside a database that hold nothing but a lock."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from connector_vault.errors import StoreReadOnlyError, StoreUnavailableError


def lock_file(path: Path) -> int:
    """Opens such a file, which the first to come makes; gives its descriptor.

    Raises:
        StoreError: The file cannot be used.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except OSError as error:
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise StoreReadOnlyError("The vault's folder, or its disk, is read-only.") from None
        raise StoreUnavailableError(f"{path} cannot be opened: {error.strerror}.") from None

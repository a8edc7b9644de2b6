"""Says what a fault of the vault means to a call."""

from __future__ import annotations

from clientary_connector.call.result import ErrorKind
from connector_vault import (
    AnchorError,
    IntegrityError,
    NotFoundError,
    ShredError,
    StoreCorruptError,
    VaultError,
    VaultLockedError,
)


def vault_kind(error: VaultError) -> ErrorKind:
    """Returns the kind of error that a fault of the vault is to a call."""
    if isinstance(error, VaultLockedError):
        return ErrorKind.VAULT_LOCKED
    if isinstance(error, AnchorError | IntegrityError | ShredError | StoreCorruptError):
        return ErrorKind.INTEGRITY
    # The secret is gone only where a revoke destroyed it.
    return ErrorKind.REVOKED if isinstance(error, NotFoundError) else ErrorKind.INTERNAL

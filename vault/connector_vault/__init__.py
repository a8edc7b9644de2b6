"""Keeps secrets sealed, records authenticated and a log chained, in one database."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connector_vault.backup import BackupReport
    from connector_vault.errors import (
        AnchorError,
        ConflictError,
        DegradedError,
        ErasedError,
        ForkedError,
        HookFailedError,
        IntegrityError,
        LeaseHeldError,
        LeaseLostError,
        MisuseError,
        NotFoundError,
        OperationClaimedError,
        RestoreRefusedError,
        RotationOpenError,
        SameSecretError,
        ShredError,
        StoreBusyError,
        StoreCorruptError,
        StoreError,
        StoreFullError,
        StoreReadOnlyError,
        StoreUnavailableError,
        VaultClosedError,
        VaultError,
        VaultExistsError,
        VaultLockedError,
        VaultMissingError,
        VaultRolledBackError,
        VaultVersionError,
    )
    from connector_vault.inspection import VaultFault, VaultReport
    from connector_vault.log import LogDraft, LogFault, LogReport, LogRow
    from connector_vault.records import Record
    from connector_vault.restoring import RestoreReport, restore
    from connector_vault.search import LogQuery
    from connector_vault.secret import Secret
    from connector_vault.sqlite import Durability
    from connector_vault.stages import SecretVersion
    from connector_vault.vault import Clock, Vault
    from connector_vault.view import Transaction, View

__all__ = [
    "AnchorError",
    "BackupReport",
    "Clock",
    "ConflictError",
    "DegradedError",
    "Durability",
    "ErasedError",
    "ForkedError",
    "HookFailedError",
    "IntegrityError",
    "LeaseHeldError",
    "LeaseLostError",
    "LogDraft",
    "LogFault",
    "LogQuery",
    "LogReport",
    "LogRow",
    "MisuseError",
    "NotFoundError",
    "OperationClaimedError",
    "Record",
    "RestoreRefusedError",
    "RestoreReport",
    "RotationOpenError",
    "SameSecretError",
    "Secret",
    "SecretVersion",
    "ShredError",
    "StoreBusyError",
    "StoreCorruptError",
    "StoreError",
    "StoreFullError",
    "StoreReadOnlyError",
    "StoreUnavailableError",
    "Transaction",
    "Vault",
    "VaultClosedError",
    "VaultError",
    "VaultExistsError",
    "VaultFault",
    "VaultLockedError",
    "VaultMissingError",
    "VaultReport",
    "VaultRolledBackError",
    "VaultVersionError",
    "View",
    "restore",
]

#: Where each public name lives; it is imported when it is first asked for (PEP 562), as a call
#: needs neither backups nor checks, and would pay for them at every cold start.
_MODULES = {
    "backup": ("BackupReport",),
    "errors": (
        "AnchorError",
        "ConflictError",
        "DegradedError",
        "ErasedError",
        "ForkedError",
        "HookFailedError",
        "IntegrityError",
        "LeaseHeldError",
        "LeaseLostError",
        "MisuseError",
        "NotFoundError",
        "OperationClaimedError",
        "RestoreRefusedError",
        "RotationOpenError",
        "SameSecretError",
        "ShredError",
        "StoreBusyError",
        "StoreCorruptError",
        "StoreError",
        "StoreFullError",
        "StoreReadOnlyError",
        "StoreUnavailableError",
        "VaultClosedError",
        "VaultError",
        "VaultExistsError",
        "VaultLockedError",
        "VaultMissingError",
        "VaultRolledBackError",
        "VaultVersionError",
    ),
    "inspection": (
        "VaultFault",
        "VaultReport",
    ),
    "log": (
        "LogDraft",
        "LogFault",
        "LogReport",
        "LogRow",
    ),
    "records": ("Record",),
    "restoring": (
        "RestoreReport",
        "restore",
    ),
    "search": ("LogQuery",),
    "secret": ("Secret",),
    "sqlite": ("Durability",),
    "stages": ("SecretVersion",),
    "vault": (
        "Clock",
        "Vault",
    ),
    "view": (
        "Transaction",
        "View",
    ),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    """Imports a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Lists the public names."""
    return sorted(__all__)

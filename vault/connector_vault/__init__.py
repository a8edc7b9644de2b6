"""Keeps secrets sealed, records authenticated and a log chained, in one database."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connector_vault.anchoring import AnchorState, CheckpointAnchor
    from connector_vault.backup import BackupReport
    from connector_vault.checkpoint import Checkpoint
    from connector_vault.checkpoints import CheckpointPlan
    from connector_vault.errors import (
        AnchorError,
        ConflictError,
        DegradedError,
        ErasedError,
        FileTakenError,
        ForkedError,
        HookFailedError,
        IntegrityError,
        KeyFormError,
        LeaseHeldError,
        LeaseLostError,
        MisuseError,
        NotFoundError,
        OperationClaimedError,
        ProofError,
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
        WrongKeyError,
    )
    from connector_vault.inspection import VaultFault, VaultReport
    from connector_vault.log import AnchorVerdict, LogDraft, LogFault, LogReport, LogRow
    from connector_vault.marks import Held
    from connector_vault.note import PublicKey
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
    "AnchorState",
    "AnchorVerdict",
    "BackupReport",
    "Checkpoint",
    "CheckpointAnchor",
    "CheckpointPlan",
    "Clock",
    "ConflictError",
    "DegradedError",
    "Durability",
    "ErasedError",
    "FileTakenError",
    "ForkedError",
    "Held",
    "HookFailedError",
    "IntegrityError",
    "KeyFormError",
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
    "ProofError",
    "PublicKey",
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
    "WrongKeyError",
    "restore",
]

#: Where each public name lives; it is imported when it is first asked for (PEP 562), so that a
#: proof is checked without loading a database.
_MODULES = {
    "anchoring": ("AnchorState", "CheckpointAnchor"),
    "backup": ("BackupReport",),
    "checkpoint": ("Checkpoint",),
    "checkpoints": ("CheckpointPlan",),
    "errors": (
        "AnchorError",
        "ConflictError",
        "DegradedError",
        "ErasedError",
        "FileTakenError",
        "ForkedError",
        "HookFailedError",
        "IntegrityError",
        "KeyFormError",
        "LeaseHeldError",
        "LeaseLostError",
        "MisuseError",
        "NotFoundError",
        "OperationClaimedError",
        "ProofError",
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
        "WrongKeyError",
    ),
    "inspection": ("VaultFault", "VaultReport"),
    "log": ("AnchorVerdict", "LogDraft", "LogFault", "LogReport", "LogRow"),
    "marks": ("Held",),
    "note": ("PublicKey",),
    "records": ("Record",),
    "restoring": ("RestoreReport", "restore"),
    "search": ("LogQuery",),
    "secret": ("Secret",),
    "sqlite": ("Durability",),
    "stages": ("SecretVersion",),
    "vault": ("Clock", "Vault"),
    "view": ("Transaction", "View"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    """Imports a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Lists the public names."""
    return sorted(__all__)

"""Keeps secrets sealed, records authenticated and a log chained, in one database."""

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
from connector_vault.restore import RestoreReport, restore
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

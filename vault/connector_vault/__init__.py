"""Keeps secrets sealed, records authenticated and a log chained, in one database."""

from connector_vault.errors import (
    AnchorError,
    ConflictError,
    DegradedError,
    ForkedError,
    IntegrityError,
    MisuseError,
    NotFoundError,
    OperationClaimedError,
    RestoreRefusedError,
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
from connector_vault.log import LogDraft, LogFault, LogReport, LogRow
from connector_vault.records import Record
from connector_vault.search import LogQuery
from connector_vault.secret import Secret
from connector_vault.sqlite import Durability
from connector_vault.vault import Clock, Vault
from connector_vault.view import Transaction, View

__all__ = [
    "AnchorError",
    "Clock",
    "ConflictError",
    "DegradedError",
    "Durability",
    "ForkedError",
    "IntegrityError",
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
    "Secret",
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
    "VaultLockedError",
    "VaultMissingError",
    "VaultRolledBackError",
    "VaultVersionError",
    "View",
]

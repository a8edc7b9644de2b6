"""Says faults of the state in words of the connector: the vault's own errors end here."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from clientary_connector.errors import (
    ClosedError,
    ConnectorError,
    StateExistsError,
    StateIntegrityError,
    StateLockedError,
    StateMissingError,
    StateUnavailableError,
)
from connector_vault import (
    AnchorError,
    ConflictError,
    FileTakenError,
    IntegrityError,
    KeyFormError,
    NotFoundError,
    ProofError,
    RestoreRefusedError,
    ShredError,
    StoreCorruptError,
    VaultClosedError,
    VaultError,
    VaultExistsError,
    VaultLockedError,
    VaultMissingError,
    VaultRolledBackError,
)

#: The vault's error, ours, and what to do; the most particular first.
MEANINGS: Final[tuple[tuple[type[VaultError], type[ConnectorError], str], ...]] = (
    (VaultMissingError, StateMissingError, "Set it up once with `clientary init`."),
    (VaultExistsError, StateExistsError, "It is ready for use; there is nothing to set up."),
    (FileTakenError, StateExistsError, "A backup is never written over another file."),
    (KeyFormError, StateLockedError, "`clientary init --help` says what each of them needs."),
    (VaultLockedError, StateLockedError, "Put the right key back, readable by its owner alone."),
    (
        VaultRolledBackError,
        StateIntegrityError,
        "Put the newest one back. To go on from an older one: `clientary vault restore FILE`.",
    ),
    (
        AnchorError,
        StateIntegrityError,
        "Put the anchor back, or take the vault over as it is: `clientary vault restore FILE`.",
    ),
    (
        ShredError,
        StateIntegrityError,
        "Put the folder back; to go on without the log's text: `clientary vault restore FILE`.",
    ),
    (RestoreRefusedError, StateIntegrityError, "Look at what the message names."),
    (VaultClosedError, ClosedError, "Open the connector again."),
    (StoreCorruptError, StateIntegrityError, "Restore the last backup."),
    (IntegrityError, StateIntegrityError, "Run `clientary vault verify`, and restore a backup."),
    (ProofError, StateIntegrityError, "Compare it with the public key that you have kept."),
    (NotFoundError, StateIntegrityError, "Run `clientary vault verify`, and restore a backup."),
    (ConflictError, StateUnavailableError, "Somebody else changed it just now. Try again."),
)


@contextmanager
def state_faults() -> Generator[None]:
    """Turns the vault's errors into those of the connector.

    Raises:
        ConnectorError: The state cannot be used as it is.
    """
    try:
        yield
    except VaultError as error:
        raise meaning_of(error) from error


def meaning_of(error: VaultError) -> ConnectorError:
    """Returns what an error of the vault means to those who use the connector."""
    for theirs, ours, advice in MEANINGS:
        if isinstance(error, theirs):
            return ours(str(error), hint=advice)
    return StateUnavailableError(str(error), hint="Look at the disk and its rights, and try again.")

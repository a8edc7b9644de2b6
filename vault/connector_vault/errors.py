"""Names what can go wrong in the vault, grouped by who must act.

VaultError
    the caller
        NotFoundError           nothing is kept under that name
            ErasedError             the text of that row of the log was erased
        ConflictError           somebody else changed it first, or it exists already
        OperationClaimedError   the operation has an intent already
        LeaseHeldError          another process does this work just now (a ConflictError too)
        RotationOpenError       a rotation with another candidate is open (a ConflictError too)
        SameSecretError         the candidate is the secret that is in use
        HookFailedError         a hook raised, or did not end in time
        LeaseLostError          another process has taken the work over
    the operator
        VaultExistsError        there is a vault at that path already
        FileTakenError          there is a file at the path of a backup already
        VaultMissingError       there is no vault at that path
        VaultVersionError       the vault was written by a newer version
        VaultLockedError        the key is missing, wrong, unreadable or too open
            KeyFormError            the key is named in no way that is known
        AnchorError             what is remembered outside the database is missing or altered
            VaultRolledBackError    the database is older than what is remembered of it
        ShredError              what makes the log's text readable is missing or out of reach
        RestoreRefusedError     the backup cannot take the vault's place, or would lose something
        DegradedError           an outcome could not be stored; reopen the vault
        StoreError
            StoreBusyError          another process held the database for too long
            StoreFullError          the disk is full
            StoreReadOnlyError      the database cannot be written
            StoreUnavailableError   the files cannot be opened, read or written
    somebody tampered, or the disk is broken
        IntegrityError          a row fails its check
        ProofError              a proof or a checkpoint does not hold
            WrongKeyError           it was signed by another key
        StoreCorruptError       the file is not a sound database (a StoreError too)
    the programmer
        VaultClosedError        the vault was closed
        ForkedError             the vault was opened in another process
        MisuseError             a call at a time or in a place where it cannot be

Every message can be shown to anyone: it holds no secret and no key, at most a fingerprint.
"""

from __future__ import annotations


class VaultError(Exception):
    """Something went wrong in the vault."""


class NotFoundError(VaultError):
    """Nothing is kept under that name."""


class ErasedError(NotFoundError):
    """The text of that row of the log was erased; the row stays."""


class ConflictError(VaultError):
    """The record was changed by somebody else, or it exists already."""


class OperationClaimedError(VaultError):
    """An intent with this connection, persona and operation stands in the log already."""


class LeaseHeldError(ConflictError):
    """Another process holds the lease of this work."""


class LeaseLostError(VaultError):
    """The lease of this work ran out, and another process has taken it."""


class RotationOpenError(ConflictError):
    """A rotation with another candidate is open, and has to end first."""


class SameSecretError(VaultError):
    """The candidate is the secret that is in use already."""


class HookFailedError(VaultError):
    """A hook of a rotation raised, or did not end in time."""


class VaultExistsError(VaultError):
    """A vault stands at that path already."""


class FileTakenError(VaultError):
    """A file stands already where a backup was to be made."""


class VaultMissingError(VaultError):
    """No vault stands at that path."""


class VaultVersionError(VaultError):
    """The vault was written by a newer version of this package."""


class VaultLockedError(VaultError):
    """The key that opens the vault is missing, wrong, unreadable or open to others."""


class KeyFormError(VaultLockedError):
    """The key that opens the vault is named in no way that is known."""


class AnchorError(VaultError):
    """What is remembered of the vault outside its database is missing, altered or out of reach."""


class VaultRolledBackError(AnchorError):
    """The database is older than what is remembered of it outside."""


class ShredError(VaultError):
    """A shred key, or the folder of all, is missing, destroyed or out of reach."""


class RestoreRefusedError(VaultError):
    """The backup is damaged, is of another vault, or lacks what the vault has had since."""


class DegradedError(VaultError):
    """An outcome could not be stored, so new intents are refused until the vault is reopened."""


class StoreError(VaultError):
    """The database refused."""


class StoreBusyError(StoreError):
    """Another process held the database for longer than the time limit."""


class StoreFullError(StoreError):
    """The disk that holds the database is full."""


class StoreReadOnlyError(StoreError):
    """The database, or the disk that holds it, is read-only."""


class StoreUnavailableError(StoreError):
    """The files of the database cannot be opened, read or written."""


class IntegrityError(VaultError):
    """A row fails its check: it was edited, moved or put back without the key."""

    def __init__(self, row: str, reason: str = "fails its check") -> None:
        """Names the row by its place alone."""
        super().__init__(f"{row} {reason}. Compare the vault with a backup before it is used.")
        #: Where the row stands, as "table key".
        self.row = row
        #: What is wrong with it.
        self.reason = reason


class ProofError(VaultError):
    """A proof, a checkpoint or a public key is not what it should be."""


class WrongKeyError(ProofError):
    """It was signed by another key than the one that it is checked with."""


class StoreCorruptError(StoreError):
    """The file is damaged, or is no database."""


class VaultClosedError(VaultError):
    """The vault was closed."""


class ForkedError(VaultError):
    """The vault was opened in another process; open it anew in this one."""


class MisuseError(VaultError):
    """The call cannot be made at this time or from this place."""

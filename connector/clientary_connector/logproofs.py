"""Proves the log to somebody who does not trust this machine, and checks it against anchors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from clientary_connector.anchors import held_by
from clientary_connector.errors import InvalidValueError, UnknownEntryError
from clientary_connector.settings import Settings
from clientary_connector.state import state_faults
from connector_vault import (
    AnchorState,
    Held,
    LogReport,
    NotFoundError,
    ProofError,
    PublicKey,
    Vault,
)
from connector_vault.checkpoint import open_checkpoint
from connector_vault.marks import notes_in


class LogProofs:
    """Signs, proves and checks the log of a vault.

    Every method raises an `OperatorError` where the vault cannot be used.
    """

    def __init__(self, vault: Vault, settings: Settings) -> None:
        """Takes the vault that keeps the log, and where its anchors are."""
        self._vault = vault
        self._settings = settings

    def key(self) -> str:
        """Returns the public key that checks every proof; keep it where the vault is not."""
        with state_faults():
            return str(self._vault.checkpoints.public_key())

    def signed(self) -> int:
        """Returns up to which row the log was signed."""
        with state_faults():
            return max(self._vault.proofs.sizes(), default=0)

    def anchors(self) -> tuple[AnchorState, ...]:
        """Asks every anchor of the settings what it holds, and says which are behind."""
        newest = self.signed()
        with state_faults():
            key = self._vault.checkpoints.public_key()
        return tuple(_state(held, key, newest) for held in held_by((), self._settings))

    def checkpoint(self) -> str | None:
        """Signs the log as it is now, and returns the note; None if the log is empty."""
        with state_faults():
            made = self._vault.checkpoints.make()
            return None if made is None else self._vault.checkpoints.signed(made)

    def verify(
        self,
        progress: Callable[[int, int], None] | None = None,
        *,
        anchors: Iterable[str] = (),
        key: str | None = None,
    ) -> LogReport:
        """Checks every row, the checkpoints, and that nothing is gone that anchors have seen.

        `anchors` are URIs or files, by default those of the settings; `key` is a public key that
        was kept elsewhere.

        Raises:
            InvalidValueError: The key is none.
            StateIntegrityError: The vault signs with another key.
            SettingsError: An anchor cannot be used.
        """
        return self.ready(anchors=anchors, key=key)(progress)

    def ready(
        self, *, anchors: Iterable[str] = (), key: str | None = None
    ) -> Callable[[Callable[[int, int], None] | None], LogReport]:
        """Makes ready for that: asks the anchors what they hold, and returns what does the rest.

        Raises:
            InvalidValueError: The key is none.
            SettingsError: An anchor cannot be used.
        """
        public = None if key is None else _key_of(key)
        held = held_by(anchors, self._settings)

        def verify(progress: Callable[[int, int], None] | None) -> LogReport:
            with state_faults():
                return self._vault.proofs.verify(progress, held=held, key=public)

        return verify

    def inclusion(self, log_id: int) -> dict[str, Any]:
        """Returns the proof that a row is in the log, as a JSON object.

        Raises:
            UnknownEntryError: The log has no such row.
        """
        with state_faults():
            try:
                return self._vault.proofs.inclusion(log_id)
            except NotFoundError:
                pass
        raise UnknownEntryError(f"The log has no entry {log_id}.")

    def consistency(self, old: int, new: int | None = None) -> dict[str, Any]:
        """Returns the proof that the log of one checkpoint has become that of another.

        The checkpoints are named by their numbers of rows.

        Raises:
            UnknownEntryError: There is no checkpoint of that size.
        """
        with state_faults():
            try:
                return self._vault.proofs.consistency(old, new)
            except NotFoundError as error:
                missing = str(error)
            sizes = self._vault.proofs.sizes()
        known = ", ".join(map(str, sizes[-10:])) or "none"
        raise UnknownEntryError(f"{missing} The newest are of {known} rows.")


def _state(held: Held, key: PublicKey, newest: int) -> AnchorState:
    """Returns how an anchor is, by what it holds."""
    try:
        size = max((open_checkpoint(one, key).size for one in notes_in(held.text)), default=0)
    except ProofError as error:
        return AnchorState(name=held.name, stale=str(error))
    behind = None if size >= newest else f"It has seen {size} of {newest} signed rows."
    return AnchorState(name=held.name, size=size, stale=held.unreadable or behind)


def _key_of(text: str) -> PublicKey:
    try:
        return PublicKey.parse(text)
    except ProofError as error:
        raise InvalidValueError(str(error), hint="`clientary log key` shows it.") from None

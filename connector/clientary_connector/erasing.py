"""Erases the text of a user from the log, for those who have to answer such a request."""

from __future__ import annotations

from datetime import datetime

from clientary_connector import approvals
from clientary_connector.call import deciding
from clientary_connector.checks import check_user
from clientary_connector.errors import InvalidValueError
from clientary_connector.state import state_faults
from connector_vault import Record, Transaction, Vault, View
from connector_vault.erasure import Eraser, ErasurePlan, ErasureReport
from connector_vault.keyrun import Told, untold


class Erasing:
    """Erases what the log of a vault holds sealed of a user; its rows stay, as proof.

    Every method raises an `OperatorError` where the vault cannot be used.
    """

    def __init__(self, vault: Vault) -> None:
        """Takes the vault that keeps the log."""
        self._vault = vault
        self._eraser = Eraser(vault)

    def plan(self, user: str, *, before: datetime | None = None) -> ErasurePlan:
        """Says what an erasure would do, and changes nothing.

        Raises:
            InvalidValueError: The user cannot be used.
        """
        check_user(user)
        with state_faults():
            return self._eraser.plan(user, before=_seconds(before))

    def erase(
        self,
        user: str,
        *,
        before: datetime | None = None,
        asked_by: str,
        reason: str,
        told: Told = untold,
    ) -> ErasureReport:
        """Erases prompt, arguments, request and response of all rows of a user, for good.

        With `before`, of those written before that moment; a call is as old as its end. No older
        backup opens what went, and what stays opens as before. `reason` lies open in the log.
        Records of connections, grants and rotations are not text of the log, and stay. Approvals
        that this user waits for are over: nobody could see any more what a yes would be for.

        Raises:
            InvalidValueError: One of the users cannot be used, or there is no reason.
            StateIntegrityError: The folder of the shred keys is missing.
        """
        check_user(user)
        check_user(asked_by)
        if not reason.strip():
            raise InvalidValueError("There is no reason.", hint="Say why; it goes into the log.")
        with state_faults():
            self._close_approvals(user, before)
            return self._eraser.erase(
                user, before=_seconds(before), asked_by=asked_by, reason=reason, told=told
            )

    def _close_approvals(self, user: str, before: datetime | None) -> None:
        """Ends the approvals whose text is about to go."""
        draft = self._vault.draft

        def close(log: Transaction) -> None:
            for record in _open_approvals(log, user, before):
                deciding.expire(log, record, draft, reason="erased")

        if self._vault.read(lambda view: _open_approvals(view, user, before)):
            self._vault.write(close)


def _open_approvals(view: View, user: str, before: datetime | None) -> list[Record]:
    """Returns the approvals of a user that can still change, asked for before a moment."""
    return [
        record
        for record in view.records(approvals.KIND, parent=approvals.OPEN)
        if record.body["user"] == user
        and (before is None or _asked_at(record) < before.timestamp())
    ]


def _asked_at(record: Record) -> float:
    return datetime.fromisoformat(record.body["asked_at"]).timestamp()


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()

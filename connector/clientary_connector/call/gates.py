"""Holds the gate of a send: the last look at its permission, and the act, with nothing in between.

1. The look is taken inside the vault's fence, at what was seen a moment ago or now, and the act
   happens there too: a revoke that has cleared the fence is followed by no act.
2. A send counts as one that may have left from the moment at which it passes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType

from clientary_connector.call.policy import Permit, still_holds
from clientary_connector.call.result import ErrorKind
from clientary_connector.call.tally import Tally
from clientary_connector.call.transport import GateClosedError
from clientary_connector.call.trouble import vault_kind
from connector_vault import Vault, VaultError, View


class LastLook:
    """Lets a request out while the permit still holds, inside the vault's fence.

    A class, as a generator costs a send more time; so is the next one.
    """

    __slots__ = ("_clock", "_permit", "_vault")

    def __init__(self, vault: Vault, permit: Permit, clock: Callable[[], datetime]) -> None:
        """Takes what is looked at."""
        self._vault = vault
        self._permit = permit
        self._clock = clock

    def __enter__(self) -> None:
        """Goes inside the fence, and looks.

        Raises:
            GateClosedError: The permit does not hold any more, or that cannot be seen.
        """
        fence = self._vault.fence
        try:
            fence.enter()
            try:
                closed = self._closed()
            except BaseException:
                fence.leave()
                raise
        except VaultError as error:
            closed = vault_kind(error)
        else:
            if closed is None:
                return
            fence.leave()
        raise GateClosedError(closed.value)

    def __exit__(self, *error: object) -> None:
        """Goes outside again."""
        self._vault.fence.leave()

    def _closed(self) -> ErrorKind | None:
        permit, now = self._permit, self._clock().timestamp()

        def holds(view: View) -> bool:
            return still_holds(view, permit, now=now)

        # A yes is one that the fence stands for; a no is looked at anew.
        if self._vault.recall(holds) or self._vault.look(holds):
            return None
        return ErrorKind.REVOKED


class Passage:
    """Passes a gate, and counts from then on as sent."""

    __slots__ = ("_gate", "_tally")

    def __init__(self, gate: AbstractContextManager[None], tally: Tally) -> None:
        """Takes the gate, and who counts."""
        self._gate = gate
        self._tally = tally

    def __enter__(self) -> None:
        """Passes."""
        self._gate.__enter__()
        self._tally.pending = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leaves the gate."""
        self._gate.__exit__(kind, error, trace)

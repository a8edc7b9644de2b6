"""Puts the token of a connection onto its calls, renewed ahead of its end."""

from __future__ import annotations

from clientary_connector.call.failure import RefusedError, refused
from clientary_connector.call.result import ErrorKind
from clientary_connector.call.trouble import vault_kind
from clientary_connector.oauth.refreshing import Refresher, Trouble
from connector_vault import Secret, VaultError


class Bearer:
    """The token of one connection, for one call."""

    def __init__(self, refresher: Refresher, connection: str) -> None:
        """Takes whose token it is."""
        self._refresher = refresher
        self._connection = connection
        self._number = 0

    async def ready(self) -> None:
        """Renews a token that ends soon, before it is opened for a send.

        Raises:
            RefusedError: It has ended and there is no newer one, or the vault does not open.
        """
        kind: ErrorKind | None = None
        trouble: Trouble | None = None
        try:
            trouble = await self._refresher.ahead(self._connection)
        except VaultError as error:
            kind = vault_kind(error)
        if kind is not None:
            raise refused(kind)
        if trouble is not None:
            raise _refused(trouble)

    def open(self) -> Secret:
        """Opens the token in use.

        Raises:
            VaultError: It was destroyed by a revoke, or the vault does not open.
        """
        held = self._refresher.look(self._connection)
        self._number = held.number
        if held.refresh is not None:
            held.refresh.wipe()
        return held.access

    async def replaced(self) -> bool:
        """Tells, after a 401, whether there is another token now than the one that was opened."""
        try:
            trouble = await self._refresher.renew(self._connection, self._number)
        except VaultError:
            return False
        return trouble is None


def _refused(trouble: Trouble) -> RefusedError:
    if trouble.revoked:
        return refused(ErrorKind.REVOKED)
    if trouble.ended:
        return refused(ErrorKind.UNAUTHORIZED, message=trouble.reason)
    message = (
        f"The token has ended, and there is no new one yet: {trouble.reason} Nothing was sent."
    )
    return refused(ErrorKind.UNREACHABLE, message=message)

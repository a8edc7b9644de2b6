"""Makes, checks and ends the tokens of programs that come over HTTP.

1. A token is 256 bits of chance, shown once; the vault keeps a mark of it under a key of its own.
2. Making and revoking commit together with their row in the log, which names the token by its id.
3. What has not the form of a token is refused before the vault is asked.
4. The record of a token is looked up with every request, so that a revoke counts for the next
   one, in every process; revoked is for good, also where an older backup is restored.
5. A token of a connection counts no longer than the connection; what it lets through is decided
   by the grant of its persona, call by call, as for everybody.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from clientary_connector import connections
from clientary_connector.call.clock import Clock
from clientary_connector.call.idtext import MAX_ID_CHARS, usable
from clientary_connector.call.result import Outcome
from clientary_connector.checks import check_user
from clientary_connector.errors import (
    InvalidValueError,
    OperatorError,
    TokenRefusedError,
    UnknownConnectionError,
    UnknownTokenError,
)
from clientary_connector.settings import Settings
from clientary_connector.state import state_faults
from clientary_connector.tokens import (
    ACTIVE,
    ADMIN,
    ID_PREFIX,
    KIND,
    MCP,
    REVOKED,
    ROLES,
    USE,
    NewToken,
    Token,
    check_active,
    mark_of,
    record_of,
    token_of,
)
from clientary_connector.tokentext import is_formed, minted
from connector_vault import Record, Transaction, Vault, View

#: The last use of a token is written down this often at most.
USE_S: Final = 3600.0
MOST_DAYS: Final = 3650


class Tokens:
    """Keeps the tokens in the vault.

    Every method raises an `OperatorError` where the vault cannot be used.
    """

    def __init__(self, vault: Vault, settings: Settings, clock: Clock) -> None:
        """Takes the parts that `wiring` has joined."""
        self._vault = vault
        self._settings = settings
        self._clock = clock
        #: When the use of a token was written down last by this process, by its id.
        self._noted: dict[str, datetime] = {}

    def for_mcp(
        self,
        *,
        connection: str,
        persona: str,
        user: str,
        by: str | None = None,
        expires_at: datetime | None = None,
    ) -> NewToken:
        """Makes a token with which a program works as a persona over a connection, for a user.

        Raises:
            UnknownConnectionError: There is no such connection, or it was revoked.
            InvalidValueError: The persona, the user or the end cannot be used.
        """
        if not usable(persona, longest=MAX_ID_CHARS):
            raise InvalidValueError("The persona has no name that can stand in the log.")
        facts = {"kind": MCP, "user": user, "persona": persona}
        return self._made(facts, connection, by=by or user, expires_at=expires_at)

    def for_admin(
        self, *, role: str, user: str, by: str | None = None, expires_at: datetime | None = None
    ) -> NewToken:
        """Makes a token with which a program uses the admin API in a role, for a user.

        Raises:
            InvalidValueError: The role, the user or the end cannot be used.
        """
        if role not in ROLES:
            raise InvalidValueError("There is no such role.", hint=f"Give {', '.join(ROLES)}.")
        facts = {"kind": ADMIN, "user": user, "role": role}
        return self._made(facts, None, by=by or user, expires_at=expires_at)

    def all(self, *, kind: str | None = None) -> tuple[Token, ...]:
        """Returns the tokens, the newest first; those that count no more, too."""
        with state_faults():
            found = self._vault.read(
                lambda view: [self._shown(view, one) for one in view.records(KIND)]
            )
        wanted = [one for one in found if kind in {None, one.kind}]
        return tuple(sorted(wanted, key=lambda one: (one.made_at, one.id), reverse=True))

    def one(self, token: str) -> Token:
        """Returns the token of an id, also where it counts no more.

        Raises:
            UnknownTokenError: There is none.
        """
        with state_faults():
            return self._vault.read(lambda view: self._shown(view, record_of(view, token)))

    def revoke(self, token: str, *, user: str, reason: str = "") -> Token:
        """Ends the token of an id, for good; the next request with it is refused, everywhere.

        Raises:
            UnknownTokenError: There is none, or it was revoked before.
            InvalidValueError: The user cannot be used.
        """
        check_user(user)
        with state_faults():
            return self._vault.write(lambda log: self._revoked(log, token, (user, reason)))

    async def admit(self, text: str, *, kind: str) -> Token:
        """Returns the token that a program has shown, and notes that it was used.

        Raises:
            TokenRefusedError: It is none of that kind, or counts no more.
        """
        if not is_formed(text):
            raise TokenRefusedError("This is no token of ours.")
        with state_faults():
            found = self._vault.read(lambda view: self._found(view, text))
        if found is None or found.kind != kind:
            raise TokenRefusedError("This token was never made here for this purpose.")
        check_active(found)
        await self._note_use(found)
        return found

    def check(self, token: str) -> None:
        """Looks whether the token of an id still counts, for whoever holds a line open under it.

        Raises:
            TokenRefusedError: It counts no more.
        """
        try:
            check_active(self.one(token))
        except UnknownTokenError:
            raise TokenRefusedError("The token is gone.") from None

    def _made(
        self,
        facts: dict[str, str],
        connection: str | None,
        *,
        by: str,
        expires_at: datetime | None,
    ) -> NewToken:
        check_user(facts["user"])
        check_user(by)
        now = self._now()
        ends = self._end(expires_at, now)
        text = minted()
        body = {
            **facts,
            "made_by": by,
            "made_at": now.isoformat(),
            "expires_at": ends.isoformat(),
            "state": ACTIVE,
        }

        def make(log: Transaction) -> Token:
            parent = None if connection is None else _active(log, connection)
            record = Record(
                kind=KIND,
                id=f"{ID_PREFIX}{secrets.token_hex(6)}",
                parent=parent,
                name=mark_of(log, text),
                body=body,
            )
            kept = log.put(record, expect=None)
            return self._shown(log, kept, log_id=self._noted_in(log, kept, by, ACTIVE))

        with state_faults():
            return NewToken(token=self._vault.write(make), text=text)

    def _end(self, expires_at: datetime | None, now: datetime) -> datetime:
        """Returns when a token ends.

        Raises:
            InvalidValueError: That is over already, or too far away.
        """
        days = timedelta(days=self._settings.token_days)
        ends = now + days if expires_at is None else expires_at.astimezone(now.tzinfo)
        if not now < ends <= now + timedelta(days=MOST_DAYS):
            raise InvalidValueError(
                "The end of the token cannot be used.",
                hint=f"Give a time to come, within {MOST_DAYS} days.",
            )
        return ends.replace(microsecond=0)

    def _revoked(self, log: Transaction, token: str, who: tuple[str, str]) -> Token:
        record = record_of(log, token)
        if record.body["state"] != ACTIVE:
            raise UnknownTokenError(f"The token {token[:64]!r} was revoked before.")
        ended = replace(record, body={**record.body, "state": REVOKED})
        kept = log.put(ended, expect=record.revision, final=True)
        user, reason = who
        log_id = self._noted_in(log, kept, user, REVOKED, reason=reason)
        return self._shown(log, kept, log_id=log_id)

    def _noted_in(
        self, log: Transaction, record: Record, user: str, state: str, *, reason: str = ""
    ) -> int:
        """Writes into the log who has made or ended which token, and for whom."""
        body = record.body
        facts = {
            "token": record.id,
            "token_kind": body["kind"],
            "for": body["user"],
            "role": body.get("role"),
            "expires_at": body["expires_at"],
            "state": state,
            "reason": reason,
        }
        draft = self._vault.draft(
            kind=KIND,
            user=user,
            persona=body.get("persona"),
            connection=record.parent,
            outcome=Outcome.SUCCEEDED.value,
            subject=f"{KIND}:{record.id}",
            revision=record.revision,
            facts={name: fact for name, fact in facts.items() if fact},
        )
        return log.append(draft)

    def _found(self, view: View, text: str) -> Token | None:
        mark = mark_of(view, text)
        record = view.record_named(KIND, mark)
        # The index has compared already; this one takes the same time whatever it compares.
        if record is None or not hmac.compare_digest(str(record.name), mark):
            return None
        return self._shown(view, record)

    def _shown(self, view: View, record: Record, *, log_id: int | None = None) -> Token:
        return token_of(view, record, now=self._now(), log_id=log_id)

    async def _note_use(self, token: Token) -> None:
        """Writes down that a token was used, if nobody has for an hour."""
        now, last = self._now(), self._noted.get(token.id)
        if last is None and token.used_at is not None:
            last = datetime.fromisoformat(token.used_at)
        if last is not None and (now - last).total_seconds() < USE_S:
            return
        self._noted[token.id] = now
        at = now.replace(minute=0, second=0).isoformat()

        def note(log: Transaction) -> None:
            before = log.record(USE, token.id)
            record = Record(kind=USE, id=token.id, parent=token.connection, body={"at": at})
            log.put(record, expect=None if before is None else before.revision)

        try:
            with state_faults():
                await self._vault.write_async(note)
        except OperatorError:
            # A disk that is full must not keep out whoever may come in.
            del self._noted[token.id]

    def _now(self) -> datetime:
        return self._clock().replace(microsecond=0)


def _active(view: View, name: str) -> str:
    """Returns the id of a connection that calls may go through."""
    owner = connections.connection_of(connections.record_of(view, name))
    if not owner.active:
        raise UnknownConnectionError(f"The connection {name[:64]!r} was revoked.")
    return owner.id

"""Names the columns of the rows that are stored, in their order."""

from __future__ import annotations

from typing import Final, NamedTuple

#: The columns of a log row in the order in which everything else names them.
LOG_COLUMNS: Final = (
    "seq, uid, at, kind, ref, user, persona, connection, action, effect, operation, outcome, "
    "subject, revision, facts, key_id, payload_hash, leaf, chain, mac, head, payload"
)


class KeyRow(NamedTuple):
    """One wrapped key; `sealed` is None once it is destroyed."""

    id: str
    wrapper: str
    purpose: str
    owner: str
    period: str
    state: str
    made_at: int
    sealed: bytes | None


class SecretRow(NamedTuple):
    """One version of a secret, whether its key still exists, and the newest logged revision."""

    owner: str
    field: str
    version: int
    stage: str
    made_at: int
    revision: int
    key_id: str | None
    sealed: bytes | None
    mac: bytes
    openable: bool = True
    logged: int | None = None


class RecordRow(NamedTuple):
    """One record, and the newest revision of it in the log, which nothing has authenticated."""

    kind: str
    id: str
    parent: str | None
    name: str | None
    revision: int
    body: str
    mac: bytes
    logged: object = None


class LogColumns(NamedTuple):
    """One row of the log as it is stored.

    `head` is what a search finds it by, and `before` is the chain of the row before it.
    """

    seq: int
    uid: bytes
    at: int
    kind: str
    ref: int | None
    user: str | None
    persona: str | None
    connection: str | None
    action: str | None
    effect: str | None
    operation: str | None
    outcome: str | None
    subject: str | None
    revision: int | None
    facts: str
    key_id: str | None
    payload_hash: bytes | None
    leaf: bytes
    chain: bytes
    mac: bytes
    head: int | None
    payload: bytes | None
    before: bytes | None = None

    @property
    def lacks_text(self) -> bool:
        """Whether it was written with a payload that is not there any more."""
        return self.payload is None and self.payload_hash is not None

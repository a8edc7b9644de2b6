"""Keeps what an authorization needs at its end: sealed, for a short time, and for one use."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from clientary_connector.oauth.tokens import packed, unpacked
from connector_vault import Record, Secret, Transaction, View

KIND: Final = "authorization"
ID_PREFIX: Final = "aut_"
FIELD: Final = "authorization"
WAITING: Final = "waiting"
ENDED: Final = "ended"
#: 256 bits of chance.
STATE_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What was begun, and is looked for again by the state that a callback carries."""

    name: str
    user: str
    subdomain: str | None
    sandbox: str | None
    redirect_uri: str
    provider: dict[str, Any]
    state: str
    code_verifier: str
    client_secret: str | None

    def __repr__(self) -> str:
        """Shows nothing of what is sealed."""
        return "<pending>"


def fresh_state() -> tuple[str, str]:
    """Returns a new id, and the state that carries it to the provider and back."""
    id_ = f"{ID_PREFIX}{secrets.token_hex(6)}"
    return id_, f"{id_}.{secrets.token_urlsafe(STATE_BYTES)}"


def id_of(state: str) -> str:
    """Returns the id that a state carries."""
    return state.partition(".")[0]


def put(log: Transaction, id_: str, pending: Pending, *, expires_at: float) -> None:
    """Keeps an authorization that begins."""
    body = {"state": WAITING, "user": pending.user, "expires_at": expires_at}
    log.put(Record(kind=KIND, id=id_, body=body), expect=None)
    with packed(asdict(pending)) as sealed:
        log.store_secret(owner=id_, field=FIELD, secret=sealed)


def take(log: Transaction, id_: str, *, user: str, now: float) -> Pending | None:
    """Ends an authorization, and returns it once; None if it is not there for this user now."""
    record = log.record(KIND, id_) if id_.startswith(ID_PREFIX) else None
    if record is None or record.body["state"] != WAITING or record.body["user"] != user:
        return None
    with log.open_secret(id_, FIELD) as sealed:
        found = Pending(**unpacked(sealed))
    _end(log, record)
    return found if now < record.body["expires_at"] else None


def stale(view: View, *, now: float) -> bool:
    """Tells whether there are authorizations that nobody has ended in time."""
    return any(_is_stale(record, now) for record in view.records(KIND))


def sweep(log: Transaction, *, now: float) -> int:
    """Ends the authorizations that nobody has ended in time; returns their number."""
    found = [record for record in log.records(KIND) if _is_stale(record, now)]
    for record in found:
        _end(log, record)
    return len(found)


def _is_stale(record: Record, now: float) -> bool:
    return bool(record.body["state"] == WAITING and now >= record.body["expires_at"])


def _end(log: Transaction, record: Record) -> None:
    log.put(replace(record, body={**record.body, "state": ENDED}), expect=record.revision)
    log.destroy_secrets(record.id)


def secret_or_none(value: str | None) -> Secret | None:
    """Returns a text as a secret, if there is one."""
    return None if value is None else Secret(value)

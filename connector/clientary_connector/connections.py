"""Describes connections: which account is joined under which name, and in what state."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from clientary_connector.errors import UnknownConnectionError
from connector_vault import Record, View

KIND: Final = "connection"
ID_PREFIX: Final = "con_"
API_KEY: Final = "api_key"
OAUTH2: Final = "oauth2"
ACTIVE: Final = "active"
REVOKED: Final = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One account joined to the host; its secret lies in the vault, not here."""

    id: str
    name: str
    owner: str
    subdomain: str | None
    #: The loopback URL of a simulated account; None for a real one.
    sandbox: str | None
    #: `active` or `revoked`.
    state: str
    #: Grows with every revoke: a send under an older one does not start.
    generation: int
    #: ISO 8601, UTC.
    created_at: str
    #: Whose account it is, as the service answered when it was tested.
    account: str
    #: What it authenticates with: `api_key` or `oauth2`.
    kind: str = API_KEY
    #: Where its tokens come from, as the host has described it; None for an API key.
    provider: dict[str, Any] | None = None
    #: After so many days the key is to be replaced.
    rotate_every_days: int
    #: What the account is known again by.
    marks: tuple[str, ...]

    @property
    def active(self) -> bool:
        """Whether calls may go through it."""
        return self.state == ACTIVE

    def to_json(self) -> dict[str, Any]:
        """Returns the connection as a JSON object."""
        shown = asdict(self)
        del shown["marks"]
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Says whose account answered when a connection was tested."""

    #: One line a person, made of the fields that the manifest names.
    people: tuple[str, ...]
    #: How many there are in all.
    total: int
    #: What the account is known again by.
    marks: tuple[str, ...] = ()
    log_id: int | None = None

    def __str__(self) -> str:
        """Names the first person and counts the others."""
        first = self.people[0] if self.people else "nobody"
        return first if self.total <= 1 else f"{first} and {self.total - 1} more"

    def to_json(self) -> dict[str, Any]:
        """Returns the account as a JSON object."""
        return {"people": list(self.people), "total": self.total, "log_id": self.log_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Says what a revoke has done, and what is left to do upstream."""

    connection: Connection
    #: Whose grant alone was closed; None where the connection ended.
    persona: str | None
    grants_closed: int
    secrets_destroyed: int
    #: Whether every process has confirmed that nothing more leaves; one that was stopped cannot.
    confirmed: bool
    #: What a person still has to do at the service.
    upstream: str
    log_id: int

    def to_json(self) -> dict[str, Any]:
        """Returns the revocation as a JSON object."""
        return {
            "connection": self.connection.to_json(),
            "persona": self.persona,
            "grants_closed": self.grants_closed,
            "secrets_destroyed": self.secrets_destroyed,
            "confirmed": self.confirmed,
            "upstream": self.upstream,
            "log_id": self.log_id,
        }


def connection_of(record: Record) -> Connection:
    """Returns the connection that a record holds."""
    body = record.body
    return Connection(
        id=record.id,
        name=body["name"],
        owner=body["owner"],
        subdomain=body["subdomain"],
        sandbox=body["sandbox"],
        state=body["state"],
        generation=body["generation"],
        created_at=body["created_at"],
        account=body["account"],
        kind=body["kind"],
        provider=body["provider"],
        rotate_every_days=body["rotate_every_days"],
        marks=tuple(body["marks"]),
    )


def body_of(connection: Connection) -> dict[str, Any]:
    """Returns what the record of a connection holds, beside its id."""
    body = {**asdict(connection), "marks": list(connection.marks)}
    del body["id"]
    return body


def known(view: View, *, revoked: bool) -> tuple[Connection, ...]:
    """Returns the connections by name; revoked ones only where they are asked for."""
    found = [connection_of(record) for record in view.records(KIND)]
    wanted = [one for one in found if revoked or one.active]
    return tuple(sorted(wanted, key=lambda one: (one.name, one.created_at)))


def find_record(view: View, name_or_id: str) -> Record | None:
    """Finds a connection by id, by the name it has, or by the name it had before a revoke."""
    if name_or_id.startswith(ID_PREFIX):
        return view.record(KIND, name_or_id)
    found = view.record_named(KIND, name_or_id)
    if found is not None:
        return found
    former = [one for one in view.records(KIND) if one.body["name"] == name_or_id]
    return max(former, key=lambda one: str(one.body["created_at"]), default=None)


def record_of(view: View, name_or_id: str) -> Record:
    """Finds a connection that has to be there.

    Raises:
        UnknownConnectionError: There is none of that name or id.
    """
    found = find_record(view, name_or_id)
    if found is None:
        raise UnknownConnectionError(
            f"There is no connection {name_or_id[:64]!r}.", hint="List them with `connections`."
        )
    return found

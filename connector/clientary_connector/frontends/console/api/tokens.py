"""Holds the operations on tokens: list them, make one, revoke one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from clientary_connector.frontends.console.api.log import moment
from clientary_connector.frontends.console.api.operations import Asked, Nothing, operation
from clientary_connector.frontends.console.api.problems import Fault, unusable
from clientary_connector.frontends.console.api.shapes import Moment, Name, Note, shown
from clientary_connector.people import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenShown:
    """What is known of a token: never the token itself."""

    id: str
    kind: Annotated[str, Meta(description="mcp: a persona's. admin: for this API.")]
    user: Annotated[str, Meta(description="For whom it works.")]
    persona: str | None
    connection: str | None
    connection_name: str | None
    role: str | None
    state: Annotated[str, Meta(description="active, revoked, expired or ended")]
    made_by: str
    made_at: Moment
    expires_at: Moment
    used_at: Annotated[Moment | None, Meta(description="To the hour.")]
    log_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens, the newest first."""

    tokens: tuple[TokenShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichTokens:
    """Which tokens are wanted."""

    kind: Literal["mcp", "admin"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenWanted:
    """A token that is to be made: for this API in a role, or for a persona over MCP."""

    kind: Literal["mcp", "admin"]
    user: Name
    role: Annotated[
        Literal["viewer", "approver", "admin"] | None, Meta(description="Of the kind admin.")
    ] = None
    persona: Annotated[Name | None, Meta(description="Of the kind mcp.")] = None
    connection: Annotated[Name | None, Meta(description="Of the kind mcp.")] = None
    expires_at: Moment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenMade:
    """A token that was made; its text is here, and is never shown again."""

    token: TokenShown
    text: Annotated[str, Meta(extra_json_schema={"readOnly": True})]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyRevoked:
    """Why a token is revoked; that stands in the log."""

    reason: Note = ""


@operation("GET", "/tokens", role=Role.ADMIN, query=WhichTokens, gives=Tokens)
def list_tokens(asked: Asked[WhichTokens, Nothing]) -> Tokens:
    """Lists the tokens, the newest first; those that count no more, too.

    What is shown of a token is its id, and never its text.
    """
    found = asked.connector.tokens.all(kind=asked.query.kind)
    return Tokens(tokens=tuple(shown(one, TokenShown) for one in found))


@operation("POST", "/tokens", role=Role.ADMIN, body=TokenWanted, gives=TokenMade, status=201)
def make_token(asked: Asked[Nothing, TokenWanted]) -> TokenMade:
    """Makes a token, and shows its text this once.

    One of the kind `admin` is for this API, in a role; one of the kind `mcp` lets a program work as
    a persona over a connection. Only a mark of it is kept.
    """
    wanted, tokens, by = asked.body, asked.connector.tokens, asked.person.name
    _check(wanted)
    ends = moment("expires_at", wanted.expires_at, "body")
    if wanted.kind == "admin":
        made = tokens.for_admin(role=wanted.role or "", user=wanted.user, by=by, expires_at=ends)
    else:
        made = tokens.for_mcp(
            connection=wanted.connection or "",
            persona=wanted.persona or "",
            user=wanted.user,
            by=by,
            expires_at=ends,
        )
    return TokenMade(token=shown(made.token, TokenShown), text=made.text)


@operation("DELETE", "/tokens/{token}", role=Role.ADMIN, query=WhyRevoked, gives=TokenShown)
def revoke_token(asked: Asked[WhyRevoked, Nothing]) -> TokenShown:
    """Ends a token, by its id, for good: the next request with it is refused.

    Whose it was, and why it ended, stands in the log.
    """
    ended = asked.connector.tokens.revoke(
        asked.path["token"], user=asked.person.name, reason=asked.query.reason
    )
    return shown(ended, TokenShown)


def _check(wanted: TokenWanted) -> None:
    """Refuses what belongs to the other kind, and asks for what belongs to this one."""
    own = {"role"} if wanted.kind == "admin" else {"persona", "connection"}
    faults = tuple(
        Fault(
            place="body",
            path=f"$.{name}",
            expected="a value" if name in own else "nothing",
            hint=f"A token of the kind {wanted.kind} has {' and '.join(sorted(own))}.",
        )
        for name in ("role", "persona", "connection")
        if (getattr(wanted, name) is None) is (name in own)
    )
    if faults:
        raise unusable(*faults)


OPERATIONS = (list_tokens, make_token, revoke_token)

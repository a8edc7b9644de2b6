"""Holds the operations on grants: read, see the difference, put, remove; and what one comes to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Final

from msgspec import Meta

from clientary_connector.frontends.console.api.connections import Revoked
from clientary_connector.frontends.console.api.operations import Asked, Nothing, operation
from clientary_connector.frontends.console.api.placing import check_terms
from clientary_connector.frontends.console.api.problems import ProblemError
from clientary_connector.frontends.console.api.shapes import Moment, Name, Note, shown
from clientary_connector.frontends.console.views.grantdiff import difference
from clientary_connector.grantchanges import Change, Entry
from clientary_connector.people import Role
from clientary_connector.terms import DEFAULT, MAX_BUDGET, MAX_PARTS, MAX_RATE, Terms

Parts = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=4000)], ...], Meta(max_length=MAX_PARTS)
]
Budget = Annotated[int, Meta(ge=0, le=MAX_BUDGET)]
Rate = Annotated[int, Meta(ge=1, le=MAX_RATE)]
#: What stands in `If-Match` where there is no grant yet.
NONE_YET: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsGiven:
    """What a grant is to let a persona do; nothing that is not in it."""

    scopes: Annotated[Parts, Meta(description="As in invoices:read, invoices:* or *:read.")] = ()
    allow: Annotated[Parts, Meta(description="Actions beyond the scopes.")] = ()
    deny: Annotated[Parts, Meta(description="Actions taken away from them.")] = ()
    conditions: Annotated[Parts, Meta(description="As in client_id in [42]; all must hold.")] = ()
    approve: Annotated[str, Meta(description="default, always, never or above N")] = DEFAULT
    approve_for: Annotated[
        dict[str, str], Meta(description="The same for single actions and scopes.")
    ] = field(default_factory=dict[str, str])
    budget: Annotated[Budget | None, Meta(description="Credits a month.")] = None
    expires_at: Annotated[str | None, Meta(description="ISO 8601; a day means its end.")] = None
    rate: Annotated[Rate | None, Meta(description="Calls a minute.")] = None

    @property
    def terms(self) -> Terms:
        """The terms as the connector knows them."""
        return Terms(
            scopes=self.scopes,
            allow=self.allow,
            deny=self.deny,
            conditions=self.conditions,
            approve=self.approve,
            approve_for=tuple(self.approve_for.items()),
            budget=self.budget,
            expires_at=self.expires_at,
            rate=self.rate,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsShown:
    """What a grant lets a persona do."""

    scopes: tuple[str, ...]
    allow: tuple[str, ...]
    deny: tuple[str, ...]
    conditions: tuple[str, ...]
    approve: str
    approve_for: dict[str, str]
    budget: int | None
    expires_at: Moment | None
    rate: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantShown(TermsShown):
    """What one persona may do over one connection."""

    persona: str
    connection: str
    connection_name: str
    state: Annotated[str, Meta(description="active, closed or expired")]
    revision: Annotated[int, Meta(description="Grows with every change; the ETag has it, too.")]
    user: Annotated[str, Meta(description="Who gave it.")]
    at: Moment
    actions: Annotated[tuple[str, ...] | None, Meta(description="What it covered when given.")]
    left_out: Annotated[
        tuple[str, ...], Meta(description="Actions that tell too little for its conditions.")
    ]
    new: Annotated[tuple[str, ...], Meta(description="Actions that came after it.")]
    log_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """Grants by connection and persona, closed ones too."""

    grants: tuple[GrantShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichGrants:
    """Which grants are wanted."""

    persona: Name | None = None
    connection: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhosePersona:
    """Whose grant is meant."""

    persona: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class WhosePersonaAndWhy:
    """Whose grant is meant, and why it is removed."""

    persona: Name
    reason: Note = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantWanted:
    """A grant as somebody wants it."""

    persona: Name
    connection: Name
    terms: TermsGiven


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionChangeShown:
    """What a grant that is wanted would change of one action."""

    id: str
    title: str
    effect: str
    before: Annotated[str, Meta(description="How it may be called now, in words.")]
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a grant that is wanted would change."""

    persona: str
    connection: str
    step: Annotated[str, Meta(description="give, change, keep or close")]
    before: TermsShown | None
    after: TermsShown | None
    difference: Annotated[tuple[str, ...], Meta(description="The terms: - goes, + comes.")]
    comes: tuple[ActionChangeShown, ...]
    goes: tuple[ActionChangeShown, ...]
    alters: Annotated[
        tuple[ActionChangeShown, ...], Meta(description="Stays, and may be called otherwise.")
    ]
    left_out: Annotated[
        tuple[str, ...], Meta(description="Actions that tell too little for its conditions.")
    ]
    revision: Annotated[int, Meta(description="To be sent in If-Match; 0 for no grant yet.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May this persona do that, with these arguments?"""

    persona: Name
    connection: Name
    action: Name
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleShown:
    """One rule, and whether it passes; null where that depends on more than is known."""

    rule: str
    passed: bool | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a persona may do something, and by which rules."""

    persona: str
    connection: str
    action: str
    allowed: Annotated[bool | None, Meta(description="null: it depends.")]
    needs_approval: bool
    checks: tuple[RuleShown, ...]


@operation("GET", "/grants", role=Role.VIEWER, query=WhichGrants, gives=Grants)
def list_grants(asked: Asked[WhichGrants, Nothing]) -> Grants:
    """Lists the grants, closed ones too, by connection and persona.

    `actions` names what a grant covers: an action that a later version brings is in no grant.
    """
    found = asked.connector.grants.all(
        persona=asked.query.persona, connection=asked.query.connection
    )
    return Grants(grants=tuple(shown(one, GrantShown) for one in found))


@operation("POST", "/grants/difference", role=Role.VIEWER, body=GrantWanted, gives=Difference)
def show_difference(asked: Asked[Nothing, GrantWanted]) -> Difference:
    """Says what a grant would change, action by action, and changes nothing.

    `revision` goes into the `If-Match` with which the grant is put then.
    """
    wanted = asked.body
    check_terms(asked.connector, wanted.persona, wanted.terms.terms, root="$.terms")
    change = _change(asked, wanted.persona, wanted.connection, wanted.terms)
    meant = difference(asked.connector.manifest, change)
    told: dict[str, Any] = {
        **change.to_json(),
        "revision": _revision(change),
        "comes": [asdict(one) for one in meant.comes],
        "goes": [asdict(one) for one in meant.goes],
        "alters": [asdict(one) for one in meant.alters],
        "left_out": meant.left_out,
    }
    return shown(told, Difference)


@operation(
    "GET",
    "/connections/{connection}/grant",
    role=Role.VIEWER,
    query=WhosePersona,
    gives=GrantShown,
    headers={"ETag": lambda grant: etag(grant.revision)},
)
def show_grant(asked: Asked[WhosePersona, Nothing]) -> GrantShown:
    """Shows the grant of one persona over a connection, a closed one too.

    Its `ETag` goes into the `If-Match` with which it is replaced.
    """
    found = asked.connector.grants.one(asked.query.persona, asked.path["connection"])
    return shown(found, GrantShown)


@operation(
    "PUT",
    "/connections/{connection}/grant",
    role=Role.ADMIN,
    query=WhosePersona,
    body=TermsGiven,
    gives=GrantShown,
    refuses={412: "The grant is another one by now than the one that was read."},
    headers={"ETag": lambda grant: etag(grant.revision)},
    guarded=True,
)
def put_grant(asked: Asked[WhosePersona, TermsGiven]) -> GrantShown:
    """Gives a persona exactly this over a connection, in place of the grant that was read.

    `If-Match` names the revision that is replaced, as its ETag does; "0" where there is none.
    """
    connection = asked.path["connection"]
    asked.connector.connection(connection)
    check_terms(asked.connector, asked.query.persona, asked.body.terms, root="$")
    change = _change(asked, asked.query.persona, connection, asked.body)
    if asked.if_match != etag(_revision(change)):
        raise ProblemError(
            412,
            f"The grant is of revision {_revision(change)} now.",
            hint="Read it again, change what you find, and send its ETag as If-Match, with its "
            f"quotes: {etag(_revision(change))}.",
        )
    asked.connector.grants.apply([change], user=asked.person.name)
    return shown(asked.connector.grants.one(change.persona, change.connection), GrantShown)


@operation(
    "DELETE",
    "/connections/{connection}/grant",
    role=Role.ADMIN,
    query=WhosePersonaAndWhy,
    gives=Revoked,
)
async def remove_grant(asked: Asked[WhosePersonaAndWhy, Nothing]) -> Revoked:
    """Closes the grant of one persona: nothing is sent under it once this has answered.

    Calls of it that are under way are stopped unless they have changed something already.
    """
    done = await asked.connector.grants.revoke(
        asked.query.persona,
        asked.path["connection"],
        user=asked.person.name,
        reason=asked.query.reason,
    )
    return shown(done, Revoked)


@operation("POST", "/can", role=Role.VIEWER, body=Question, gives=Verdict)
def explain(asked: Asked[Nothing, Question]) -> Verdict:
    """Says whether a persona may do something, and by which rules; nothing is sent or logged.

    Each rule is told with whether it passes; null where that depends on more than is known.
    """
    wanted = asked.body
    verdict = asked.connector.grants.can(
        wanted.persona, wanted.action, wanted.connection, wanted.arguments
    )
    return shown(verdict, Verdict)


def etag(revision: int) -> str:
    """Returns the strong validator of a grant's revision (RFC 9110, 8.8.3)."""
    return f'"{revision}"'


def _change(asked: Asked[Any, Any], persona: str, connection: str, given: TermsGiven) -> Change:
    """Returns what it takes until a grant is held.

    Raises:
        ConnectorError: It cannot be used.
    """
    entry = Entry(persona=persona, connection=connection, terms=given.terms, place="$")
    changes = asked.connector.grants.compare([entry])
    return changes[0]


def _revision(change: Change) -> int:
    return NONE_YET if change.before is None else change.before.revision


OPERATIONS = (
    list_grants,
    show_difference,
    show_grant,
    put_grant,
    remove_grant,
    explain,
)

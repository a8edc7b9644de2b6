"""Shows grants to a person."""

from __future__ import annotations

from collections.abc import Iterator

from clientary_connector.frontends import screen
from clientary_connector.grants import Grant


def rows(grant: Grant, of: int) -> Iterator[tuple[str, object]]:
    """Returns what a grant says, a row a part; what it does not say is left out."""
    terms = grant.terms
    yield "Persona", grant.persona
    yield "Connection", grant.connection_name
    yield "State", grant.state
    yield "Scopes", " ".join(terms.scopes)
    yield from (("Allowed", name) for name in terms.allow)
    yield from (("Denied", name) for name in terms.deny)
    yield from (("When", condition) for condition in terms.conditions)
    yield "Approval", terms.approve
    yield from (("Approval", f"{rule} for {target}") for target, rule in terms.approve_for)
    if terms.budget is not None:
        yield "Budget", f"{terms.budget:,} credits a month"
    if terms.rate is not None:
        yield "Rate", f"{terms.rate:,} calls a minute"
    if terms.expires_at is not None:
        yield "Until", screen.when(terms.expires_at)
    if grant.actions is None:
        yield "Actions", "those of its scopes: given before lists of actions were kept"
    else:
        yield "Actions", f"{len(grant.actions)} of {of}"
    if grant.left_out:
        yield "Left out", f"{' '.join(grant.left_out)} (too little is told for the conditions)"
    if grant.new:
        yield "New", f"{' '.join(grant.new)} (not in the grant: give it anew to have them in)"
    yield "By", f"{grant.user}, {screen.when(grant.at)}"

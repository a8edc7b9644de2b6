"""Turns the form of a grant into its terms, and a grant into what its form shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from clientary_connector.frontends.console.forms import Form, number_of
from clientary_connector.grantfaults import TermFault
from clientary_connector.grants import Grant
from clientary_connector.spans import end_of
from clientary_connector.terms import DEFAULT, Terms

ABOVE: Final = "above"
RULES: Final = ("default", "always", "never", ABOVE)
ALLOW: Final = "allow"
DENY: Final = "deny"
#: How the field is called that says what becomes of a single action.
ACTION: Final = "action."
#: Beyond that a number is none that anybody meant.
MOST_DIGITS: Final = 12
#: So many rows are empty, to be filled in.
SPARE: Final = 2
#: Which field of the form a part of the terms stands in; a list has one a row.
LISTS: Final = {"conditions": "condition", "approve_for": "approve_for"}
WHOLE: Final = {"", "scopes", "allow", "deny"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantForm:
    """What stands in the form of a grant, as it was typed."""

    persona: str = ""
    #: The revision of the grant that was shown; empty where there was none.
    seen: str = ""
    scopes: tuple[str, ...] = ()
    #: What becomes of single actions: `allow` or `deny`, by id.
    actions: Mapping[str, str] = field(default_factory=dict[str, str])
    conditions: tuple[str, ...] = ()
    approve: str = DEFAULT
    amount: str = ""
    #: Pairs of action or scope, and rule.
    approve_for: tuple[tuple[str, str], ...] = ()
    budget: str = ""
    rate: str = ""
    expires_at: str = ""

    def terms(self, *, now: datetime) -> Terms:
        """Returns the terms; a number that is none stands as one that cannot be used."""
        return Terms(
            scopes=self.scopes,
            allow=self._actions(ALLOW),
            deny=self._actions(DENY),
            conditions=self.conditions,
            approve=f"{ABOVE} {self.amount}" if self.approve == ABOVE else self.approve,
            approve_for=self.approve_for,
            budget=_number(self.budget),
            rate=_number(self.rate),
            expires_at=end_of(self.expires_at, now=now) if self.expires_at else None,
        )

    def fields(self) -> Iterator[tuple[str, str]]:
        """Gives every field with its value, for a page that only asks whether it is meant."""
        yield from (("persona", self.persona), ("seen", self.seen))
        yield from (("scope", scope) for scope in self.scopes)
        yield from ((f"{ACTION}{name}", what) for name, what in self.actions.items())
        yield from (("condition", text) for text in self.conditions)
        yield from (("approve", self.approve), ("amount", self.amount))
        for target, rule in self.approve_for:
            yield from (("target", target), ("rule", rule))
        yield from (("budget", self.budget), ("rate", self.rate), ("expires_at", self.expires_at))

    def _actions(self, what: str) -> tuple[str, ...]:
        return tuple(name for name, said in self.actions.items() if said == what)


def of_terms(terms: Terms, *, persona: str, seen: str) -> GrantForm:
    """Returns the form that says these terms."""
    way, _, amount = terms.approve.partition(" ")
    return GrantForm(
        persona=persona,
        seen=seen,
        scopes=terms.scopes,
        actions={**dict.fromkeys(terms.allow, ALLOW), **dict.fromkeys(terms.deny, DENY)},
        conditions=terms.conditions,
        approve=way,
        amount=amount,
        approve_for=terms.approve_for,
        budget="" if terms.budget is None else str(terms.budget),
        rate="" if terms.rate is None else str(terms.rate),
        expires_at=terms.expires_at or "",
    )


def of_grant(persona: str, grant: Grant | None) -> GrantForm:
    """Returns the form that begins with a grant as it is; one that was closed begins empty."""
    if grant is None:
        return GrantForm(persona=persona)
    terms = grant.terms if grant.active else Terms()
    return of_terms(terms, persona=persona, seen=str(grant.revision))


def of_form(form: Form) -> GrantForm:
    """Returns what was sent."""
    said = [name for name in form.fields if name.startswith(ACTION)]
    rows = zip(_stripped(form.all("target")), _stripped(form.all("rule")), strict=False)
    approve = form.text("approve")
    return GrantForm(
        persona=form.text("persona"),
        seen=form.text("seen"),
        scopes=form.all("scope"),
        actions={name.removeprefix(ACTION): form.text(name) for name in said if form.text(name)},
        conditions=tuple(text for text in _stripped(form.all("condition")) if text),
        approve=approve if approve in RULES else DEFAULT,
        amount=form.text("amount"),
        approve_for=tuple((target, rule) for target, rule in rows if target or rule),
        budget=form.text("budget"),
        rate=form.text("rate"),
        expires_at=form.text("expires_at"),
    )


def faults_by_field(faults: Iterable[TermFault]) -> dict[str, str]:
    """Returns what is wrong by the field that it stands beside; `grant` is the matrix."""
    told: dict[str, str] = {}
    for fault in faults:
        name = f"{LISTS[fault.part]}-{fault.at}" if fault.part in LISTS else fault.part
        name = "grant" if fault.part in WHOLE else name
        text = f"{fault.message} {fault.hint}".rstrip()
        told[name] = f"{told[name]} {text}" if name in told else text
    return told


def _number(text: str) -> int | None:
    """Returns a number; what is none becomes one that the check refuses."""
    plain = text.replace(",", "").replace("\u202f", "").replace(" ", "")
    if not plain:
        return None
    number = number_of(plain, digits=MOST_DIGITS)
    return -1 if number is None else number


def _stripped(texts: Iterable[str]) -> list[str]:
    return [text.strip() for text in texts]

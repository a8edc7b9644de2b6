"""Says what a grant lets a persona do, as an admin gives it, and finds what is wrong with it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any, Final

from clientary_connector.errors import InvalidValueError, UnknownScopeError
from clientary_connector.manifest import Action, Manifest

ANY: Final = "*"
#: The rule where a grant says nothing else: the manifest decides what needs a person's yes.
DEFAULT: Final = "default"
APPROVE: Final = re.compile(r"default|always|never|above (?P<amount>\d{1,12}(\.\d{1,6})?)")
#: A day alone, without a time of day.
DAY: Final = re.compile(r"\d{4}-?\d{2}-?\d{2}")
#: A grant that says more than this was made by a slip.
MAX_PARTS: Final = 100
MAX_BUDGET: Final = 1_000_000_000
MAX_RATE: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a grant lets a persona do; nothing that is not in it."""

    #: As in `invoices:read`, `invoices:*` or `*:read`.
    scopes: tuple[str, ...] = ()
    #: Actions beyond the scopes.
    allow: tuple[str, ...] = ()
    #: Actions taken away from them.
    deny: tuple[str, ...] = ()
    #: All of them have to hold; each may be limited by `for ACTION or SCOPE: `.
    conditions: tuple[str, ...] = ()
    #: `default`, `always`, `never` or `above N`: when a call needs a person's yes.
    approve: str = DEFAULT
    #: The same for single actions and scopes, which go before.
    approve_for: tuple[tuple[str, str], ...] = ()
    #: Credits a calendar month (UTC); None for no limit of its own.
    budget: int | None = None
    #: ISO 8601, UTC; None for no end.
    expires_at: str | None = None
    #: Calls a minute; None for no limit of its own.
    rate: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns the terms as a JSON object."""
        return {
            "scopes": list(self.scopes),
            "allow": list(self.allow),
            "deny": list(self.deny),
            "conditions": list(self.conditions),
            "approve": self.approve,
            "approve_for": dict(self.approve_for),
            "budget": self.budget,
            "expires_at": self.expires_at,
            "rate": self.rate,
        }

    def to_body(self) -> dict[str, Any]:
        """Returns what the record of a grant holds of its terms: the end in seconds since 1970."""
        ends = self.expires_at
        seconds = None if ends is None else int(datetime.fromisoformat(ends).timestamp())
        return {**self.to_json(), "expires_at": seconds}

    @staticmethod
    def of_body(body: Mapping[str, Any]) -> Terms:
        """Returns the terms that the record of a grant holds, one from before too."""
        ends = body.get("expires_at")
        return Terms(
            scopes=tuple(body["scopes"]),
            allow=tuple(body.get("allow", ())),
            deny=tuple(body.get("deny", ())),
            conditions=tuple(body.get("conditions", ())),
            approve=body.get("approve", DEFAULT),
            approve_for=tuple(body.get("approve_for", {}).items()),
            budget=body.get("budget"),
            expires_at=None if ends is None else datetime.fromtimestamp(ends, UTC).isoformat(),
            rate=body.get("rate"),
        )


def allows(scopes: Iterable[str], wanted: str) -> bool:
    """Tells whether one of the scopes covers the scope that an action needs."""
    if wanted in scopes:
        return True
    resource, _, effect = wanted.partition(":")
    return not {f"{resource}:{ANY}", f"{ANY}:{effect}", f"{ANY}:{ANY}"}.isdisjoint(scopes)


def approval_rule(body: Mapping[str, Any], action: str, scope: str) -> str:
    """Returns the rule of a grant's record that says when a call of an action needs approval.

    What names the action goes before what names its scope, the scope before `invoices:*`, that
    before `*:write`, and all of them before the rule for the rest.
    """
    rules: Mapping[str, str] = body.get("approve_for") or {}
    if rules:
        resource, _, effect = scope.partition(":")
        for name in (action, scope, f"{resource}:{ANY}", f"{ANY}:{effect}", f"{ANY}:{ANY}"):
            if name in rules:
                return rules[name]
    return str(body.get("approve", DEFAULT))


def checked(terms: Terms, manifest: Manifest, *, now: datetime) -> Terms:
    """Returns the terms in order, each part once and in its plain form.

    Raises:
        UnknownScopeError: A scope covers no action.
        UnknownActionError: There is no such action.
        InvalidValueError: Another part cannot be used, or there is nothing in them to grant.
    """
    if max(len(terms.scopes), len(terms.conditions), len(terms.approve_for)) > MAX_PARTS:
        raise InvalidValueError(f"A grant has at most {MAX_PARTS} of each.")
    plain = replace(
        terms,
        scopes=_scopes(terms.scopes, manifest),
        allow=_actions(terms.allow, manifest),
        deny=_actions(terms.deny, manifest),
        approve=_rule(terms.approve),
        approve_for=_rules(terms.approve_for, manifest),
        budget=_within(terms.budget, "budget", most=MAX_BUDGET),
        expires_at=None if terms.expires_at is None else _end(terms.expires_at, now),
        rate=_within(terms.rate, "rate", most=MAX_RATE, least=1),
    )
    if not plain.scopes and not plain.allow:
        raise InvalidValueError(
            "There is nothing to grant.", hint="Name one or more scopes or actions."
        )
    both = sorted({*plain.allow} & {*plain.deny})
    if both:
        raise InvalidValueError(f"{both[0]} is both allowed and denied.", hint="Choose one.")
    return plain


def resolved(terms: Terms, manifest: Manifest) -> tuple[str, ...]:
    """Returns the ids of the actions that terms cover in a manifest, in its order."""
    return tuple(
        action.id
        for action in manifest.actions.values()
        if action.id not in terms.deny
        and (action.id in terms.allow or allows(terms.scopes, action.scope))
    )


def means(targets: Iterable[str], action: Action) -> bool:
    """Tells whether targets mean an action: by its id, or by a scope."""
    return any(target == action.id or allows((target,), action.scope) for target in targets)


def check_target(target: str, manifest: Manifest) -> None:
    """Refuses a target that means no action.

    Raises:
        UnknownScopeError: It has a colon, and is no scope.
        UnknownActionError: It has none, and is no action.
    """
    if any(means((target,), action) for action in manifest.actions.values()):
        return
    if ":" not in target:
        manifest.action(target)
    _scopes((target,), manifest)


def _scopes(scopes: Iterable[str], manifest: Manifest) -> tuple[str, ...]:
    known = {action.scope for action in manifest.actions.values()}
    for scope in scopes:
        if not any(allows((scope,), wanted) for wanted in known):
            wild = {f"{wanted.partition(':')[0]}:{ANY}" for wanted in known}
            wild |= {f"{ANY}:{wanted.partition(':')[2]}" for wanted in known}
            near = difflib.get_close_matches(scope, sorted(known | wild), n=2, cutoff=0.6)
            raise UnknownScopeError(scope[:64], suggestions=tuple(near))
    return tuple(sorted(set(scopes)))


def _actions(names: Iterable[str], manifest: Manifest) -> tuple[str, ...]:
    return tuple(sorted({manifest.action(name).id for name in names}))


def _rule(text: str) -> str:
    found = APPROVE.fullmatch(text.strip())
    if found is None:
        raise InvalidValueError(
            f"The approval rule {text[:64]!r} cannot be read.",
            hint="Give default, always, never or above AMOUNT.",
        )
    amount = found["amount"]
    return text.strip() if amount is None else f"above {Decimal(amount).normalize():f}"


def _rules(rules: Iterable[tuple[str, str]], manifest: Manifest) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for target, rule in rules:
        check_target(target, manifest)
        if target in found:
            raise InvalidValueError(f"{target} has two approval rules.", hint="Give one.")
        found[target] = _rule(rule)
    return tuple(sorted(found.items()))


def _within(value: int | None, name: str, *, most: int, least: int = 0) -> int | None:
    if value is not None and not (type(value) is int and least <= value <= most):
        raise InvalidValueError(
            f"The {name} cannot be used.", hint=f"Give a whole number, {least:,} to {most:,}."
        )
    return value


def _end(text: str, now: datetime) -> str:
    """Returns a time as ISO 8601 in UTC; a day alone means its end, and no zone means UTC."""
    try:
        end = datetime.fromisoformat(text.strip())
        if DAY.fullmatch(text.strip()):
            end = datetime.combine(end, time(23, 59, 59))
        end = (end if end.tzinfo else end.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidValueError(
            f"The end {text[:64]!r} is no time.",
            hint="Give a day such as 2026-12-31, or a time such as 2026-12-31T18:00:00+01:00.",
        ) from None
    end = end.replace(microsecond=0)
    if end <= now:
        raise InvalidValueError(f"The end {text[:64]!r} is over.", hint="Give a time to come.")
    return end.isoformat()

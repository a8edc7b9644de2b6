"""Is the admin's hand on budgets, and shows who has used what.

A budget is a number of credits a month. What a call costs stands in the manifest; what was spent
is added up from the log, so there is no counter that could be lowered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from clientary_connector import connections, grants
from clientary_connector.call import budget
from clientary_connector.call.budget import ACCOUNT, CONNECTION, GRANT, LIMITS, SCOPES, Meter, Scope
from clientary_connector.call.idtext import MAX_ID_CHARS, usable
from clientary_connector.checks import check_user
from clientary_connector.errors import InvalidValueError
from clientary_connector.ground import Ground
from clientary_connector.state import state_faults
from connector_vault import Record, Transaction, View
from connector_vault.tail import Sums, Used

ROW: Final = "budget"
#: What usage can be shown by.
DIMENSIONS: Final = ("day", "month", "user", "persona", "connection", "action")
DAY_S: Final = 86_400
MOST: Final = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How many credits a month somebody has, and how many are left."""

    #: `account`, `user`, `persona`, `connection` or `grant`.
    scope: str
    #: Empty for the account; `connection/persona` for a grant.
    name: str
    credits: int
    spent: int
    renews_at: datetime
    #: Whether it comes from the settings, and was not set for this one.
    usual: bool

    @property
    def left(self) -> int:
        """How many credits are left this month."""
        return max(self.credits - self.spent, 0)

    def to_json(self) -> dict[str, Any]:
        """Returns the budget as a JSON object."""
        return {**asdict(self), "left": self.left, "renews_at": self.renews_at.isoformat()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What calls that are alike have come to, by the time at which they ended."""

    #: The dimensions asked for, with their values.
    by: Mapping[str, str]
    calls: int
    succeeded: int
    failed: int
    refused: int
    unknown: int
    credits: int

    def to_json(self) -> dict[str, Any]:
        """Returns the usage as a JSON object."""
        counts = asdict(self)
        del counts["by"]
        return {**self.by, **counts}


class Budgets:
    """The budgets of one connector."""

    def __init__(self, ground: Ground, meter: Meter) -> None:
        """Takes what it stands on, and what adds up."""
        self._vault = ground.vault
        self._clock = ground.clock
        self._meter = meter
        #: What runs of rows have come to: they are added up once for the months that are looked at.
        self._known: Sums = {}

    def set(self, scope: str, name: str, credits_: int | None, *, user: str) -> int:
        """Gives a scope so many credits a month, or with None what the settings say.

        The scope is `account`, without a name, `user`, `persona` or `connection`. Returns the
        line in the log. Calls of every process see it from the next one on.

        Raises:
            InvalidValueError: The scope, name, number or user cannot be used.
            UnknownConnectionError: There is no such connection.
        """
        check_user(user)
        _check(scope, name, credits_)
        with state_faults():
            return self._vault.write(lambda log: self._set(log, (scope, name), credits_, user))

    def all(self) -> tuple[Budget, ...]:
        """Returns every budget that was set, and the usual ones of who has spent something."""
        at = self._now()
        with state_faults():
            spent = self._meter.spent(at)
            return self._vault.read(lambda view: tuple(self._budgets(view, spent, at)))

    def usage(  # noqa: PLR0913 - what may be chosen, all by name
        self,
        *,
        by: Sequence[str] = ("persona",),
        since: datetime | None = None,
        until: datetime | None = None,
        user: str | None = None,
        persona: str | None = None,
        connection: str | None = None,
        action: str | None = None,
    ) -> tuple[Usage, ...]:
        """Returns what was used, by the dimensions asked for; by default in this month.

        Raises:
            InvalidValueError: There is no such dimension.
            UnknownConnectionError: There is no such connection.
        """
        strange = sorted({*by} - {*DIMENSIONS})
        if strange or not by:
            raise InvalidValueError(
                f"Usage cannot be shown by {', '.join(strange) or 'nothing'}.",
                hint=f"Choose of {', '.join(DIMENSIONS)}.",
            )
        at = self._now()
        span = (
            budget.month_start(at) if since is None else _micros(since),
            at + 1 if until is None else _micros(until),
        )

        chosen = {"user": user, "persona": persona, "connection": connection, "action": action}
        sides = {*by} | {side for side, value in chosen.items() if value is not None}

        def read(view: View) -> tuple[Usage, ...]:
            names = {one.id: str(one.body["name"]) for one in view.records(connections.KIND)}
            owner = connection and connections.record_of(view, connection).id
            wanted = {**chosen, "connection": owner}
            # Until now is another moment each time, of which nothing is worth to be kept.
            known = None if until is None else self._known
            used = view.tail.used(*span, by=sides, known=known)
            found = [one for one in used if _fits(one, wanted)]
            return _grouped(found, by, names)

        with state_faults():
            return self._vault.read(read)

    def _now(self) -> int:
        return int(self._clock().timestamp() * 1_000_000)

    def _set(self, log: Transaction, scope: Scope, credits_: int | None, user: str) -> int:
        if scope[0] == CONNECTION:
            scope = (CONNECTION, connections.record_of(log, scope[1]).id)
        kind, name = LIMITS
        held = log.record(kind, name)
        limits = {(one[0], one[1]): one[2] for one in (() if held is None else held.body["limits"])}
        limits.pop(scope, None)
        if credits_ is not None:
            limits[scope] = credits_
        body = {"limits": [[*key, value] for key, value in sorted(limits.items())]}
        record = log.put(
            Record(kind=kind, id=name, body=body), expect=None if held is None else held.revision
        )
        facts = {"scope": scope[0], "name": scope[1], "credits": credits_}
        return log.append(
            self._vault.draft(
                kind=ROW,
                user=user,
                connection=scope[1] if scope[0] == CONNECTION else None,
                outcome="succeeded",
                subject=f"{kind}:{name}",
                revision=record.revision,
                facts=facts,
            )
        )

    def _budgets(self, view: View, spent: Mapping[Scope, int], at: int) -> list[Budget]:
        limits = self._meter.limits(view)
        names = {one.id: str(one.body["name"]) for one in view.records(connections.KIND)}
        scopes = {(ACCOUNT, "")} | set(limits.special) | {one for one in spent if one[0] in SCOPES}
        held = {one: most for one in scopes if (most := limits.of(one)) is not None}
        for record in view.records(grants.KIND):
            most = record.body.get("budget")
            if record.body["state"] == grants.ACTIVE and most is not None:
                held[GRANT, record.id] = most
        return [
            Budget(
                scope=scope[0],
                name=_named(scope, names),
                credits=most,
                spent=spent.get(scope, 0),
                renews_at=budget.renewal(at),
                usual=scope not in limits.special and scope[0] != GRANT,
            )
            for scope, most in sorted(held.items())
        ]


def _check(scope: str, name: str, credits_: int | None) -> None:
    if scope not in SCOPES:
        raise InvalidValueError(
            f"There is no budget for {scope[:64]!r}.", hint=f"Choose of {', '.join(SCOPES)}."
        )
    if (scope == ACCOUNT) is bool(name):
        raise InvalidValueError(
            f"The budget of the {scope} has {'no' if name else 'to have a'} name.",
            hint="The account is one; a user, persona or connection is named.",
        )
    if name and not usable(name, longest=MAX_ID_CHARS):
        raise InvalidValueError("The name cannot stand in the log.")
    if credits_ is not None and not 0 <= credits_ <= MOST:
        raise InvalidValueError("The credits make no sense.", hint=f"Give 0 to {MOST}.")


def _named(scope: Scope, names: Mapping[str, str]) -> str:
    if scope[0] == CONNECTION:
        return names.get(scope[1], scope[1])
    if scope[0] == GRANT:
        owner, _, persona = scope[1].partition("/")
        return f"{names.get(owner, owner)}/{persona}"
    return scope[1]


def _fits(one: Used, wanted: Mapping[str, str | None]) -> bool:
    return all(value is None or getattr(one, name) == value for name, value in wanted.items())


def _grouped(
    found: Sequence[Used], by: Sequence[str], names: Mapping[str, str]
) -> tuple[Usage, ...]:
    groups: dict[tuple[str, ...], list[Used]] = {}
    for one in found:
        key = tuple(_value(one, dimension, names) for dimension in by)
        groups.setdefault(key, []).append(one)
    return tuple(_sum(dict(zip(by, key, strict=True)), groups[key]) for key in sorted(groups))


def _value(one: Used, dimension: str, names: Mapping[str, str]) -> str:
    if dimension in {"day", "month"}:
        moment = datetime.fromtimestamp(one.day * DAY_S, UTC)
        return moment.strftime("%Y-%m-%d" if dimension == "day" else "%Y-%m")
    value = str(getattr(one, dimension) or "")
    return names.get(value, value) if dimension == "connection" else value


def _sum(by: Mapping[str, str], found: Sequence[Used]) -> Usage:
    def calls(outcome: str) -> int:
        return sum(one.calls for one in found if one.outcome == outcome)

    return Usage(
        by=by,
        calls=sum(one.calls for one in found),
        succeeded=calls("succeeded"),
        failed=calls("failed"),
        refused=calls("refused"),
        unknown=calls("unknown"),
        credits=sum(one.credits or 0 for one in found),
    )


def _micros(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)

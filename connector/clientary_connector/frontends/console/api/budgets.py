"""Holds the operations on budgets: how many credits a month somebody has, and what is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from clientary_connector.budgets import MOST
from clientary_connector.frontends.console.api.operations import Asked, Nothing, operation
from clientary_connector.frontends.console.api.shapes import LogId, Moment, Name, shown
from clientary_connector.people import Role

ScopeName = Literal["account", "user", "persona", "connection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetShown:
    """How many credits a month somebody has, and how many are left."""

    scope: Annotated[str, Meta(description="account, user, persona, connection or grant")]
    name: Annotated[str, Meta(description="Empty for the account; connection/persona for a grant.")]
    credits: int
    spent: int
    left: int
    renews_at: Moment
    usual: Annotated[bool, Meta(description="It comes from the settings.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetsShown:
    """The budgets of this month."""

    budgets: tuple[BudgetShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetGiven:
    """How many credits a month somebody is to have."""

    scope: ScopeName
    name: Annotated[
        Name | None, Meta(description="Whose it is: of a user, persona or connection.")
    ] = None
    credits: Annotated[
        Annotated[int, Meta(ge=0, le=MOST)] | None,
        Meta(description="A month (UTC); null: what the settings say."),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPut:
    """A budget that was set."""

    scope: ScopeName
    name: str | None
    credits: int | None
    log_id: LogId


@operation("GET", "/budgets", role=Role.VIEWER, gives=BudgetsShown)
def list_budgets(asked: Asked[Nothing, Nothing]) -> BudgetsShown:
    """Lists the budgets of this month, and what is left of them.

    Those that were set, and the usual ones of the settings of whoever has spent something. The
    budget of a grant stands in the grant.
    """
    found = asked.connector.budgets.all()
    return BudgetsShown(budgets=tuple(shown(one, BudgetShown) for one in found))


@operation("PUT", "/budgets", role=Role.ADMIN, body=BudgetGiven, gives=BudgetPut)
def put_budget(asked: Asked[Nothing, BudgetGiven]) -> BudgetPut:
    """Gives the account, a user, a persona or a connection so many credits a month.

    Calls of every process see it from the next one on; one that would go over is refused before
    it is sent. With `null` what the settings say counts again.
    """
    given = asked.body
    log_id = asked.connector.budgets.set(
        given.scope, given.name or "", given.credits, user=asked.person.name
    )
    return BudgetPut(scope=given.scope, name=given.name, credits=given.credits, log_id=log_id)


OPERATIONS = (list_budgets, put_budget)

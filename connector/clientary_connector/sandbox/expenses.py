"""Expenses: unpaged lists by range of dates, by default the fiscal year of today."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from clientary_connector.sandbox.exchange import Answer, Request
from clientary_connector.sandbox.fields import (
    FaultyError,
    Field,
    RejectedError,
    day,
    decimal,
    integer,
    text,
)
from clientary_connector.sandbox.records import Expense
from clientary_connector.sandbox.render import Json, slashed, stamped
from clientary_connector.sandbox.state import State
from clientary_connector.sandbox.writing import Noun, changed, created, deleted, read_write

EXPENSE: Final = Noun(
    wrapper="expense",
    fields=(
        Field("amount", decimal, required=True),
        Field("description", text),
        Field("incurred_on", day, nullable=False),
        Field("client_id", integer),
        Field("project_id", integer),
        Field("invoice_id", integer),
    ),
    links={"client_id": "clients", "project_id": "projects", "invoice_id": "invoices"},
)


def list_expenses(state: State, request: Request) -> Answer:
    """List all expenses of a range."""
    return _range(state, list(state.expenses), request)


def list_client_expenses(state: State, request: Request) -> Answer:
    """List the expenses of one client in a range."""
    client = state.known(state.clients, request.id)
    return _range(state, state.expenses.under("client_id", client.id), request)


def list_project_expenses(state: State, request: Request) -> Answer:
    """List the expenses of one project in a range."""
    project = state.known(state.projects, request.id)
    return _range(state, state.expenses.under("project_id", project.id), request)


def get_expense(state: State, request: Request) -> Answer:
    """Read one expense."""
    return Answer(200, _view(state.known(state.expenses, request.id)))


def create_expense(state: State, request: Request) -> Answer:
    """Note an expense, incurred today unless a date is given."""
    values = read_write(EXPENSE, state, request, table=state.expenses)
    values.setdefault("incurred_on", state.today)
    stamps = created(state) | {"user_id": state.user_id}
    expense = Expense(id=state.expenses.new_id(), **stamps, **values)
    return Answer(201, _view(state.expenses.add(expense)))


def update_expense(state: State, request: Request) -> Answer:
    """Change an expense."""
    expense = state.known(state.expenses, request.id)
    values = read_write(EXPENSE, state, request, table=state.expenses, old=expense)
    state.expenses.change(expense, state.clock(), **values)
    return changed(state, _view(expense))


def delete_expense(state: State, request: Request) -> Answer:
    """Delete an expense."""
    state.expenses.remove(state.known(state.expenses, request.id))
    return deleted(state)


def fiscal_year(today: date, *, start: int) -> tuple[date, date]:
    """Return the first and last day of the fiscal year that begins in month `start`."""
    year = today.year if today.month >= start else today.year - 1
    return date(year, start, 1), date(year + 1, start, 1) - timedelta(days=1)


def _range(state: State, rows: list[Expense], request: Request) -> Answer:
    first, last = fiscal_year(state.today, start=state.rules.fiscal_year_start)
    first = _bound(request, "from_date", first)
    last = _bound(request, "to_date", last)
    rows = [expense for expense in rows if first <= expense.incurred_on <= last]
    body = {
        "total_count": len(rows),
        "from_date": slashed(first),
        "to_date": slashed(last),
        "expenses": [_view(expense) for expense in sorted(rows, key=_by_day)],
    }
    return Answer(200, body)


def _bound(request: Request, name: str, default: date) -> date:
    given = request.query.get(name)
    if not given:
        return default
    try:
        return day(given)
    except FaultyError as fault:
        raise RejectedError({name: [str(fault)]}) from None


def _view(expense: Expense) -> Json:
    return {
        "id": expense.id,
        "user_id": expense.user_id,
        "amount": expense.amount,
        "description": expense.description,
        "incurred_on": slashed(expense.incurred_on),
        "client_id": expense.client_id,
        "project_id": expense.project_id,
        "invoice_id": expense.invoice_id,
        "invoice_item_id": expense.invoice_item_id,
        "created_at": stamped(expense.created_at),
        "updated_at": stamped(expense.updated_at),
    }


def _by_day(expense: Expense) -> tuple[date, int]:
    return expense.incurred_on, expense.id

"""Clients and leads: the same shape, two tables, two limits."""

from __future__ import annotations

from functools import partial
from typing import Final

from clientary_connector.sandbox.exchange import Answer, RefusedError, Request
from clientary_connector.sandbox.fields import (
    Field,
    anything,
    one_of,
    text,
)
from clientary_connector.sandbox.money import ZERO
from clientary_connector.sandbox.records import Company
from clientary_connector.sandbox.render import Json, page_of, stamped, updated_since
from clientary_connector.sandbox.state import State
from clientary_connector.sandbox.writing import Noun, changed, created, deleted, read_write

_TEXTS: Final = (
    "number",
    "address",
    "address_2",
    "city",
    "state",
    "zip",
    "country",
    "website",
    "description",
)
_FIELDS: Final = (
    Field("name", text, required=True),
    *(Field(name, text) for name in _TEXTS),
    Field("invoice_extra_fields", anything),
    Field("status", one_of(1, 2), nullable=False),
)
CLIENT: Final = Noun(wrapper="client", fields=_FIELDS, unique=("number",))
LEAD: Final = Noun(wrapper="lead", fields=_FIELDS, unique=("number",))
_CLIENT_PAGE: Final = 10
_LEAD_PAGE: Final = 20
_OPEN_INVOICES: Final = frozenset({1, 2, 5})


def view_client(state: State, client: Company) -> Json:
    """Write a client."""
    invoices = state.invoices.under("client_id", client.id)
    due = [invoice.balance for invoice in invoices if invoice.status in _OPEN_INVOICES]
    return {
        **_view(client),
        "contact_viewable": False,
        "was_lead": False,
        "amount_outstanding": sum(due, ZERO),
        "pending_invoices": len(due),
        "users_count": len(state.contacts.under("client_id", client.id)),
    }


def view_lead(lead: Company) -> Json:
    """Write a lead."""
    return _view(lead)


def list_clients(state: State, request: Request) -> Answer:
    """List clients by name, or the newest first with `sort=date`."""
    rows = state.clients.ordered(_by_name)
    if request.query.get("sort") == "date":
        rows = state.clients.ordered(_by_age)[::-1]
    rows = updated_since(rows, request.query)
    view = partial(view_client, state)
    return Answer(200, page_of("clients", rows, request.query, size=_CLIENT_PAGE, view=view))


def get_client(state: State, request: Request) -> Answer:
    """Read one client."""
    return Answer(200, view_client(state, state.known(state.clients, request.id)))


def create_client(state: State, request: Request) -> Answer:
    """Create a client, within the limit of the plan."""
    values = read_write(CLIENT, state, request, table=state.clients)
    within_plan("clients", len(state.clients), state.rules.max_clients)
    client = Company(id=state.clients.new_id(), **created(state), **values)
    return Answer(201, view_client(state, state.clients.add(client)))


def update_client(state: State, request: Request) -> Answer:
    """Change a client."""
    client = state.known(state.clients, request.id)
    values = read_write(CLIENT, state, request, table=state.clients, old=client)
    state.clients.change(client, state.clock(), **values)
    return changed(state, view_client(state, client))


def delete_client(state: State, request: Request) -> Answer:
    """Delete a client and all that is its own."""
    state.delete_client(state.known(state.clients, request.id))
    return deleted(state)


def list_leads(state: State, request: Request) -> Answer:
    """List leads, the newest first, or as `sort` says."""
    sort = request.query.get("sort")
    rows = state.leads.ordered(_by_name if sort == "name" else _by_age)
    if sort not in {"name", "oldest"}:
        rows = rows[::-1]
    return Answer(200, page_of("leads", rows, request.query, size=_LEAD_PAGE, view=view_lead))


def get_lead(state: State, request: Request) -> Answer:
    """Read one lead."""
    return Answer(200, view_lead(state.known(state.leads, request.id)))


def create_lead(state: State, request: Request) -> Answer:
    """Create a lead, within the limit of the plan."""
    values = read_write(LEAD, state, request, table=state.leads)
    within_plan("leads", len(state.leads), state.rules.max_leads)
    lead = Company(id=state.leads.new_id(), **created(state), **values)
    return Answer(201, view_lead(state.leads.add(lead)))


def update_lead(state: State, request: Request) -> Answer:
    """Change a lead."""
    lead = state.known(state.leads, request.id)
    values = read_write(LEAD, state, request, table=state.leads, old=lead)
    state.leads.change(lead, state.clock(), **values)
    return changed(state, view_lead(lead))


def delete_lead(state: State, request: Request) -> Answer:
    """Delete a lead with its estimates and contacts."""
    state.delete_lead(state.known(state.leads, request.id))
    return deleted(state)


def within_plan(what: str, count: int, limit: int | None) -> None:
    """Refuse with 426 when the plan allows no more."""
    if limit is not None and count >= limit:
        message = f"Your plan allows {limit} {what}. Please upgrade to add more."
        raise RefusedError(426, {"error": message})


def _view(company: Company) -> Json:
    return {
        "id": company.id,
        "name": company.name,
        **{name: getattr(company, name) for name in _TEXTS},
        "invoice_extra_fields": company.invoice_extra_fields,
        "status": company.status,
        "created_at": stamped(company.created_at),
        "updated_at": stamped(company.updated_at),
    }


def _by_name(company: Company) -> tuple[str, int]:
    return company.name.casefold(), company.id


def _by_age(company: Company) -> tuple[object, int]:
    return company.created_at, company.id

"""Finds the route of a request: a table by method and shape of the path, no search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from clientary_connector.sandbox import (
    companies,
    estimates,
    expenses,
    hours,
    invoices,
    payments,
    people,
    projects,
    schedules,
    tasks,
)
from clientary_connector.sandbox.exchange import Answer, Request
from clientary_connector.sandbox.faults import BASE_PATH
from clientary_connector.sandbox.state import State

Handler = Callable[[State, Request], Answer]

_LONGEST_ID: Final = 18
_TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/clients", companies.list_clients),
    ("POST", "/clients", companies.create_client),
    ("GET", "/clients/{id}", companies.get_client),
    ("PUT", "/clients/{id}", companies.update_client),
    ("DELETE", "/clients/{id}", companies.delete_client),
    ("GET", "/leads", companies.list_leads),
    ("POST", "/leads", companies.create_lead),
    ("GET", "/leads/{id}", companies.get_lead),
    ("PUT", "/leads/{id}", companies.update_lead),
    ("DELETE", "/leads/{id}", companies.delete_lead),
    ("GET", "/contacts", people.list_contacts),
    ("GET", "/clients/{id}/contacts", people.list_client_contacts),
    ("POST", "/clients/{id}/contacts", people.create_contact),
    ("GET", "/contacts/{id}", people.get_contact),
    ("PUT", "/contacts/{id}", people.update_contact),
    ("DELETE", "/contacts/{id}", people.delete_contact),
    ("GET", "/staff", people.list_staff),
    ("GET", "/staff/{id}", people.get_staff),
    ("GET", "/projects", projects.list_projects),
    ("POST", "/projects", projects.create_project),
    ("GET", "/projects/{id}", projects.get_project),
    ("PUT", "/projects/{id}", projects.update_project),
    ("DELETE", "/projects/{id}", projects.delete_project),
    ("GET", "/clients/{id}/projects", projects.list_client_projects),
    ("GET", "/tasks", tasks.list_tasks),
    ("POST", "/tasks", tasks.create_task),
    ("GET", "/tasks/{id}", tasks.get_task),
    ("PUT", "/tasks/{id}", tasks.update_task),
    ("GET", "/projects/{id}/tasks", tasks.list_project_tasks),
    ("GET", "/projects/{id}/hours", hours.list_project_hours),
    ("POST", "/projects/{id}/hours", hours.create_hour),
    ("GET", "/hours/{id}", hours.get_hour),
    ("PUT", "/hours/{id}", hours.update_hour),
    ("DELETE", "/hours/{id}", hours.delete_hour),
    ("GET", "/expenses", expenses.list_expenses),
    ("POST", "/expenses", expenses.create_expense),
    ("GET", "/expenses/{id}", expenses.get_expense),
    ("PUT", "/expenses/{id}", expenses.update_expense),
    ("DELETE", "/expenses/{id}", expenses.delete_expense),
    ("GET", "/clients/{id}/expenses", expenses.list_client_expenses),
    ("GET", "/projects/{id}/expenses", expenses.list_project_expenses),
    ("GET", "/estimates", estimates.list_estimates),
    ("GET", "/estimates/{id}", estimates.get_estimate),
    ("GET", "/clients/{id}/estimates", estimates.list_client_estimates),
    ("GET", "/projects/{id}/estimates", estimates.list_project_estimates),
    ("GET", "/invoices", invoices.list_invoices),
    ("POST", "/invoices", invoices.create_invoice),
    ("GET", "/invoices/{id}", invoices.get_invoice),
    ("PUT", "/invoices/{id}", invoices.update_invoice),
    ("POST", "/invoices/{id}/messages", invoices.send_message),
    ("GET", "/clients/{id}/invoices", invoices.list_client_invoices),
    ("GET", "/projects/{id}/invoices", invoices.list_project_invoices),
    ("GET", "/payments", payments.list_payments),
    ("DELETE", "/invoices/{id}/payments/{id}", payments.delete_payment),
    ("GET", "/clients/{id}/payment_profiles", payments.list_client_profiles),
    ("DELETE", "/clients/{id}/payment_profiles/{id}", payments.delete_profile),
    ("GET", "/recurring", schedules.list_schedules),
    ("POST", "/recurring", schedules.create_schedule),
    ("GET", "/recurring/{id}", schedules.get_schedule),
    ("DELETE", "/recurring/{id}", schedules.delete_schedule),
    ("GET", "/recurring/{id}/invoices", schedules.list_schedule_invoices),
)
_HANDLERS: Final = {(method, route): handler for method, route, handler in _TABLE}
_ROUTES: Final = frozenset(route for _, route, _ in _TABLE)


@dataclass(frozen=True, slots=True)
class Match:
    """What a path means: its route, who answers it, its ids, and whether it ends in `.json`."""

    route: str
    handler: Handler | None = None
    ids: tuple[int, ...] = ()
    json: bool = False


def resolve(method: str, raw_path: bytes) -> Match:
    """Find the route of a path; without one, or with an id that is no number, no handler."""
    path = raw_path.decode("latin-1")
    below = path.removeprefix(BASE_PATH)
    if below == path:
        return Match(path)
    bare = below.removesuffix(".json")
    parts = bare.split("/")
    names = parts[2::2]
    route = "/".join([*parts[:2], *_shape(parts[2:])])
    if route not in _ROUTES:
        return Match(below, json=bare != below)
    known = all(name.isascii() and name.isdigit() and len(name) <= _LONGEST_ID for name in names)
    handler = _HANDLERS.get((method, route)) if known else None
    ids = tuple(map(int, names)) if known else ()
    return Match(route, handler, ids, bare != below)


def _shape(parts: list[str]) -> list[str]:
    return ["{id}" if place % 2 == 0 else part for place, part in enumerate(parts)]

"""States, from the API reference alone, what each of the thirty reading actions sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.actions.expected import API, ExpectedPages, ExpectedRequest


def _get(action: str, symbol: str, route: str) -> ExpectedRequest:
    return ExpectedRequest(
        action=action,
        arguments={"id": f"{{{symbol}}}"},
        method="GET",
        path=f"{API}/{route}/{{{symbol}}}",
    )


def _list(
    action: str,
    path: str,
    arguments: Mapping[str, Any] | None = None,
    query: Mapping[str, str] | None = None,
    *,
    case: str = "",
) -> ExpectedRequest:
    return ExpectedRequest(
        action=action,
        case=case,
        arguments=arguments or {},
        method="GET",
        path=f"{API}{path}",
        query=query or {},
    )


GETS: Final = (
    _get("get_client", "client", "clients"),
    _get("get_contact", "contact", "contacts"),
    _get("get_estimate", "estimate", "estimates"),
    _get("get_expense", "expense", "expenses"),
    _get("get_hour_entry", "hour", "hours"),
    _get("get_invoice", "invoice", "invoices"),
    _get("get_lead", "lead", "leads"),
    _get("get_project", "project", "projects"),
    _get("get_staff", "staff", "staff"),
    _get("get_task", "task", "tasks"),
    ExpectedRequest(
        action="get_client",
        case="fields stay at home",
        arguments={"id": "{client}", "fields": ["id", "name"]},
        method="GET",
        path=f"{API}/clients/{{client}}",
    ),
)

_RANGE: Final = {"from_date": "2024-01-01", "to_date": "2025-12-31"}

LISTS: Final = (
    _list("list_client_contacts", "/clients/{client}/contacts", {"client_id": "{client}"}),
    _list(
        "list_client_contacts",
        "/clients/{client}/contacts",
        {"client_id": "{client}", "page": 1, "page_size": 100},
        {"page": "1", "page_size": "100"},
        case="paging",
    ),
    _list("list_client_estimates", "/clients/{client}/estimates", {"client_id": "{client}"}),
    _list(
        "list_client_estimates",
        "/clients/{client}/estimates",
        {"client_id": "{client}", "page": 2},
        {"page": "2"},
        case="paging",
    ),
    _list("list_client_expenses", "/clients/{client}/expenses", {"client_id": "{client}"}),
    _list(
        "list_client_expenses",
        "/clients/{client}/expenses",
        {"client_id": "{client}", **_RANGE},
        _RANGE,
        case="range",
    ),
    _list("list_client_invoices", "/clients/{client}/invoices", {"client_id": "{client}"}),
    _list(
        "list_client_invoices",
        "/clients/{client}/invoices",
        {"client_id": "{client}", "page": 1},
        {"page": "1"},
        case="paging",
    ),
    _list(
        "list_client_payment_profiles",
        "/clients/{profile_client}/payment_profiles",
        {"client_id": "{profile_client}"},
    ),
    _list("list_client_projects", "/clients/{client}/projects", {"client_id": "{client}"}),
    _list(
        "list_client_projects",
        "/clients/{client}/projects",
        {"client_id": "{client}", "page": 1},
        {"page": "1"},
        case="paging",
    ),
    _list("list_clients", "/clients"),
    _list(
        "list_clients",
        "/clients",
        {"page": 1, "updated_since": "2020-01-31", "sort": "date"},
        {"page": "1", "updated_since": "2020-01-31", "sort": "date"},
        case="filters",
    ),
    _list("list_estimates", "/estimates"),
    _list("list_estimates", "/estimates", {"page": 1}, {"page": "1"}, case="paging"),
    _list("list_expenses", "/expenses"),
    _list("list_expenses", "/expenses", _RANGE, _RANGE, case="range"),
    _list("list_leads", "/leads"),
    _list(
        "list_leads",
        "/leads",
        {"page": 1, "sort": "name"},
        {"page": "1", "sort": "name"},
        case="by name",
    ),
    _list("list_leads", "/leads", {"sort": "oldest"}, {"sort": "oldest"}, case="oldest first"),
    _list("list_payments", "/payments"),
    _list(
        "list_payments",
        "/payments",
        {"page": 1, "sort": "created_at"},
        {"page": "1", "sort": "created_at"},
        case="sorted",
    ),
    _list("list_project_estimates", "/projects/{project}/estimates", {"project_id": "{project}"}),
    _list(
        "list_project_estimates",
        "/projects/{project}/estimates",
        {"project_id": "{project}", "page": 1},
        {"page": "1"},
        case="paging",
    ),
    _list("list_project_expenses", "/projects/{project}/expenses", {"project_id": "{project}"}),
    _list(
        "list_project_expenses",
        "/projects/{project}/expenses",
        {"project_id": "{project}", **_RANGE},
        _RANGE,
        case="range",
    ),
    _list("list_project_hours", "/projects/{project}/hours", {"project_id": "{project}"}),
    _list(
        "list_project_hours",
        "/projects/{project}/hours",
        {"project_id": "{project}", "filter": "billed"},
        {"filter": "billed"},
        case="billed",
    ),
    _list(
        "list_project_hours",
        "/projects/{project}/hours",
        {"project_id": "{project}", "filter": "unbilled"},
        {"filter": "unbilled"},
        case="unbilled",
    ),
    _list("list_project_invoices", "/projects/{project}/invoices", {"project_id": "{project}"}),
    _list(
        "list_project_invoices",
        "/projects/{project}/invoices",
        {"project_id": "{project}", "page": 1},
        {"page": "1"},
        case="paging",
    ),
    _list("list_projects", "/projects"),
    _list(
        "list_projects",
        "/projects",
        {"page": 1, "filter": "all"},
        {"page": "1", "filter": "all"},
        case="closed too",
    ),
    _list("list_project_tasks", "/projects/{project}/tasks", {"project_id": "{project}"}),
    _list(
        "list_project_tasks",
        "/projects/{project}/tasks",
        {"project_id": "{project}", "page": 1},
        {"page": "1"},
        case="paging",
    ),
    _list(
        "list_recurring_schedule_invoices",
        "/recurring/{recurring}/invoices",
        {"recurring_schedule_id": "{recurring}"},
    ),
    _list(
        "list_recurring_schedule_invoices",
        "/recurring/{recurring}/invoices",
        {"recurring_schedule_id": "{recurring}", "page": 1},
        {"page": "1"},
        case="paging",
    ),
    _list("list_staff", "/staff"),
    _list("list_tasks", "/tasks"),
    _list("list_tasks", "/tasks", {"page": 1}, {"page": "1"}, case="paging"),
    _list(
        "list_tasks",
        "/tasks",
        {"page": 1, "limit": 50, "fields": ["id"]},
        {"page": "1"},
        case="limit and fields stay at home",
    ),
)

# What `limit` makes of a list: pages are followed until exactly that many records are there.
EXPECTED_PAGES: Final = (
    ExpectedPages(
        action="list_clients",
        arguments={"limit": 10},
        path=f"{API}/clients",
        queries=({},),
        records=10,
    ),
    ExpectedPages(
        action="list_clients",
        arguments={"limit": 11},
        path=f"{API}/clients",
        queries=({}, {"page": "2"}),
        records=11,
    ),
    ExpectedPages(
        action="list_clients",
        arguments={"limit": 7, "page": 2, "sort": "date"},
        path=f"{API}/clients",
        queries=({"page": "2", "sort": "date"},),
        records=7,
    ),
)

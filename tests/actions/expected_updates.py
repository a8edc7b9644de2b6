"""States, from the API reference alone, what each of the eight updating actions sends."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from tests.actions.expected import API, ExpectedRequest

UPDATES: Final = (
    ExpectedRequest(
        action="update_client",
        arguments={"id": "{client}", "name": "Granite Bakery & Sons"},
        method="PUT",
        path=f"{API}/clients/{{client}}",
        body={"client": {"name": "Granite Bakery & Sons"}},
    ),
    ExpectedRequest(
        action="update_client",
        case="custom fields",
        arguments={
            "id": "{client}",
            "number": "GB-{serial}",
            "city": "Dover",
            "invoice_extra_fields": {"VAT": "DE 123"},
        },
        method="PUT",
        path=f"{API}/clients/{{client}}",
        body={
            "client": {
                "number": "GB-{serial}",
                "city": "Dover",
                "invoice_extra_fields": {"VAT": "DE 123"},
            }
        },
    ),
    ExpectedRequest(
        action="update_contact",
        arguments={
            "id": "{contact}",
            "name": "Ana M. Miller",
            "email": "ana.m@granite.example",
            "title": "Chief",
        },
        method="PUT",
        path=f"{API}/contacts/{{contact}}",
        body={
            "client_user": {
                "name": "Ana M. Miller",
                "email": "ana.m@granite.example",
                "title": "Chief",
            }
        },
    ),
    ExpectedRequest(
        action="update_lead",
        arguments={"id": "{lead}", "website": "https://pines.example/new", "zip": "82942"},
        method="PUT",
        path=f"{API}/leads/{{lead}}",
        body={"lead": {"website": "https://pines.example/new", "zip": "82942"}},
    ),
    ExpectedRequest(
        action="update_expense",
        arguments={
            "id": "{expense}",
            "amount": "19.99",
            "description": "Twine",
            "client_id": "{client}",
            "project_id": "{project}",
            "incurred_on": "2025-02-02",
        },
        method="PUT",
        path=f"{API}/expenses/{{expense}}",
        body={
            "expense": {
                "amount": Decimal("19.99"),
                "description": "Twine",
                "client_id": "{client}",
                "project_id": "{project}",
                "incurred_on": "2025-02-02",
            }
        },
    ),
    ExpectedRequest(
        action="update_hour_entry",
        arguments={
            "id": "{hour}",
            "title": "Wiring, again",
            "hours": 0.3,
            "date": "2025-03-06",
            "description": "Third floor",
            "rate": "0.1",
        },
        method="PUT",
        path=f"{API}/hours/{{hour}}",
        body={
            "project_item": {
                "title": "Wiring, again",
                "hours": Decimal("0.3"),
                "date": "2025-03-06",
                "description": "Third floor",
                "rate": Decimal("0.1"),
            }
        },
    ),
    ExpectedRequest(
        action="update_invoice",
        arguments={"id": "{invoice}", "due_date": "2025-05-31"},
        method="PUT",
        path=f"{API}/invoices/{{invoice}}",
        body={"invoice": {"due_date": "2025-05-31"}},
    ),
    ExpectedRequest(
        action="update_invoice",
        case="lines edited, added and deleted",
        arguments={
            "id": "{invoice_with_items}",
            "number": "INV-{serial}",
            "date": "2025-04-01",
            "due_date": "2025-05-31",
            "currency_code": "EUR",
            "invoice_items_attributes": [
                {"id": "{first_item}", "price": "0.1"},
                {"title": "Extra", "quantity": "0.5", "price": 49.99},
                {"id": "{second_item}", "destroy": True},
            ],
        },
        method="PUT",
        path=f"{API}/invoices/{{invoice_with_items}}",
        body={
            "invoice": {
                "number": "INV-{serial}",
                "date": "2025-04-01",
                "due_date": "2025-05-31",
                "currency_code": "EUR",
                "invoice_items_attributes": [
                    {"id": "{first_item}", "price": Decimal("0.1")},
                    {"title": "Extra", "quantity": Decimal("0.5"), "price": Decimal("49.99")},
                    {"id": "{second_item}", "_destroy": True},
                ],
            }
        },
    ),
    ExpectedRequest(
        action="update_project",
        arguments={
            "id": "{project}",
            "name": "Newer oven",
            "rate": "125.00",
            "description": "Bigger",
            "budget": 60,
            "budget_type": "hours",
            "status": "completed",
        },
        method="PUT",
        path=f"{API}/projects/{{project}}",
        body={
            "project": {
                "name": "Newer oven",
                "rate": Decimal("125.00"),
                "description": "Bigger",
                "budget": 60,
                "budget_type": 0,
                "status": 2,
            }
        },
    ),
    ExpectedRequest(
        action="update_task",
        arguments={
            "id": "{task}",
            "title": "Order rye",
            "description": "One sack",
            "complete": False,
            "assignee_id": "{staff}",
            "due_date": "2025-04-02",
        },
        method="PUT",
        path=f"{API}/tasks/{{task}}",
        body={
            "task": {
                "title": "Order rye",
                "description": "One sack",
                "complete": False,
                "assignee_id": "{staff}",
                "due_date": "2025-04-02",
            }
        },
    ),
)

_ADDRESS: Final = {
    "address": "3 Mill Lane",
    "address_2": "Back door",
    "city": "Dover",
    "state": "DE",
    "zip": "19901",
    "country": "United States",
    "website": "https://mill.example",
    "description": "Moved",
}
_TAXES: Final = {
    "tax_label": "VAT",
    "tax2_label": "City",
    "tax3_label": "Levy",
    "compound_tax": False,
}
_PAPER: Final = {"title": "April", "note": "Thanks", "summary": "All of April", "po": "PO-9"}


def _update(
    action: str,
    *,
    wrapper: str,
    given: Mapping[str, Any],
    sent: Mapping[str, Any] | None = None,
) -> ExpectedRequest:
    symbol = action.removeprefix("update_").removesuffix("_entry")
    return ExpectedRequest(
        action=action,
        case="the rest",
        arguments={"id": f"{{{symbol}}}", **given},
        method="PUT",
        path=f"{API}/{symbol}s/{{{symbol}}}",
        body={wrapper: given if sent is None else sent},
    )


FURTHER_UPDATES: Final = (
    _update("update_client", wrapper="client", given=_ADDRESS),
    _update(
        "update_contact",
        wrapper="client_user",
        given={"phone": "+1 555 0102", "ext": "7", "mobile": "+1 555 0103"},
    ),
    _update(
        "update_lead",
        wrapper="lead",
        given={
            **_ADDRESS,
            "name": "Hollower Pines",
            "number": None,
            "invoice_extra_fields": {"Found": "fair"},
        },
    ),
    _update(
        "update_hour_entry",
        wrapper="project_item",
        given={"billed": True},
    ),
    _update(
        "update_invoice",
        wrapper="invoice",
        given={
            **_PAPER,
            **_TAXES,
            "client_id": "{client}",
            "tax": "8.875",
            "tax2": 0.1,
            "tax3": Decimal("0.30"),
        },
        sent={
            **_PAPER,
            **_TAXES,
            "client_id": "{client}",
            "tax": Decimal("8.875"),
            "tax2": Decimal("0.1"),
            "tax3": Decimal("0.30"),
        },
    ),
    _update(
        "update_project",
        wrapper="project",
        given={
            "client_id": "{client}",
            "currency_code": "EUR",
            "number": "P-{serial}",
            "end_date": "2026-01-31",
            "project_type": "fixed",
        },
        sent={
            "client_id": "{client}",
            "currency_code": "EUR",
            "number": "P-{serial}",
            "end_date": "2026-01-31",
            "project_type": 2,
        },
    ),
    _update(
        "update_task",
        wrapper="task",
        given={"client_id": "{client}", "project_id": "{project}"},
    ),
)

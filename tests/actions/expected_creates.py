"""States, from the API reference alone, what creating anything but documents sends."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from tests.actions.expected import API, ExpectedRequest

CREATES: Final = (
    ExpectedRequest(
        action="create_client",
        arguments={"name": "Œuvre & Söhne “日本”"},
        method="POST",
        path=f"{API}/clients",
        body={"client": {"name": "Œuvre & Söhne “日本”"}},
    ),
    ExpectedRequest(
        action="create_client",
        case="every field",
        arguments={
            "name": "Granite Bakery",
            "number": "GB-{serial}",
            "address": "1 Oven Street",
            "address_2": "Floor 2",
            "city": "Millbrook",
            "state": "NY",
            "zip": "12545",
            "country": "United States",
            "website": "https://granite.example",
            "description": 'Bread; "sour"\nand sweet',
            "invoice_extra_fields": {"VAT": "DE 123", "Rate": "0.10", "None": None},
        },
        method="POST",
        path=f"{API}/clients",
        body={
            "client": {
                "name": "Granite Bakery",
                "number": "GB-{serial}",
                "address": "1 Oven Street",
                "address_2": "Floor 2",
                "city": "Millbrook",
                "state": "NY",
                "zip": "12545",
                "country": "United States",
                "website": "https://granite.example",
                "description": 'Bread; "sour"\nand sweet',
                "invoice_extra_fields": {"VAT": "DE 123", "Rate": "0.10", "None": None},
            }
        },
    ),
    ExpectedRequest(
        action="create_contact",
        arguments={
            "client_id": "{client}",
            "name": "Ana Miller",
            "email": "ana.miller@granite.example",
            "title": "Owner",
            "phone": "+1 555 0100",
            "ext": "12",
            "mobile": "+1 555 0101",
        },
        method="POST",
        path=f"{API}/clients/{{client}}/contacts",
        body={
            "client_user": {
                "name": "Ana Miller",
                "email": "ana.miller@granite.example",
                "title": "Owner",
                "phone": "+1 555 0100",
                "ext": "12",
                "mobile": "+1 555 0101",
            }
        },
    ),
    ExpectedRequest(
        action="create_expense",
        case="decimal text",
        arguments={
            "amount": "0.1",
            "description": "Stamps",
            "incurred_on": "2025-03-04",
            "client_id": "{client}",
            "project_id": "{project}",
        },
        method="POST",
        path=f"{API}/expenses",
        body={
            "expense": {
                "amount": Decimal("0.1"),
                "description": "Stamps",
                "incurred_on": "2025-03-04",
                "client_id": "{client}",
                "project_id": "{project}",
            }
        },
    ),
    ExpectedRequest(
        action="create_expense",
        case="decimal",
        arguments={"amount": Decimal("0.1")},
        method="POST",
        path=f"{API}/expenses",
        body={"expense": {"amount": Decimal("0.1")}},
    ),
    ExpectedRequest(
        action="create_expense",
        case="float",
        arguments={"amount": 0.1},
        method="POST",
        path=f"{API}/expenses",
        body={"expense": {"amount": Decimal("0.1")}},
    ),
    ExpectedRequest(
        action="create_expense",
        case="whole number",
        arguments={"amount": 250},
        method="POST",
        path=f"{API}/expenses",
        body={"expense": {"amount": 250}},
    ),
    ExpectedRequest(
        action="create_expense",
        case="long decimal text",
        arguments={"amount": "9007199254.740993"},
        method="POST",
        path=f"{API}/expenses",
        body={"expense": {"amount": Decimal("9007199254.740993")}},
    ),
    ExpectedRequest(
        action="create_expense",
        case="long decimal",
        arguments={"amount": Decimal("9007199254.740993")},
        method="POST",
        path=f"{API}/expenses",
        body={"expense": {"amount": Decimal("9007199254.740993")}},
    ),
    ExpectedRequest(
        action="create_lead",
        arguments={
            "name": "Hollow Pines",
            "number": "L-{serial}",
            "address": "2 Ridge Road",
            "address_2": "Barn",
            "city": "Pinedale",
            "state": "WY",
            "zip": "82941",
            "country": "United States",
            "website": "https://pines.example",
            "description": "Asked at the fair",
            "invoice_extra_fields": "Found us at: the fair",
        },
        method="POST",
        path=f"{API}/leads",
        body={
            "lead": {
                "name": "Hollow Pines",
                "number": "L-{serial}",
                "address": "2 Ridge Road",
                "address_2": "Barn",
                "city": "Pinedale",
                "state": "WY",
                "zip": "82941",
                "country": "United States",
                "website": "https://pines.example",
                "description": "Asked at the fair",
                "invoice_extra_fields": "Found us at: the fair",
            }
        },
    ),
    ExpectedRequest(
        action="create_project",
        case="names of enumerations",
        arguments={
            "name": "New oven",
            "rate": "120.50",
            "number": "P-{serial}",
            "description": "Plan and install",
            "budget": "40.5",
            "budget_type": "amount",
            "project_type": "hourly",
            "status": "billable",
            "currency_code": "USD",
            "end_date": "2025-12-31",
            "client_id": "{client}",
        },
        method="POST",
        path=f"{API}/projects",
        body={
            "project": {
                "name": "New oven",
                "rate": Decimal("120.50"),
                "number": "P-{serial}",
                "description": "Plan and install",
                "budget": Decimal("40.5"),
                "budget_type": 1,
                "project_type": 0,
                "status": 4,
                "currency_code": "USD",
                "end_date": "2025-12-31",
                "client_id": "{client}",
            }
        },
    ),
    ExpectedRequest(
        action="create_project",
        case="numbers of enumerations",
        arguments={
            "name": "Second oven",
            "rate": 0.1,
            "budget_type": 0,
            "project_type": 2,
            "status": 1,
        },
        method="POST",
        path=f"{API}/projects",
        body={
            "project": {
                "name": "Second oven",
                "rate": Decimal("0.1"),
                "budget_type": 0,
                "project_type": 2,
                "status": 1,
            }
        },
    ),
    ExpectedRequest(
        action="create_project_hours",
        arguments={
            "project_id": "{project}",
            "title": "Wiring",
            "hours": "7.35",
            "date": "2025-03-05",
            "description": "Second floor",
            "rate": Decimal("99.99"),
        },
        method="POST",
        path=f"{API}/projects/{{project}}/hours",
        body={
            "project_item": {
                "title": "Wiring",
                "hours": Decimal("7.35"),
                "date": "2025-03-05",
                "description": "Second floor",
                "rate": Decimal("99.99"),
            }
        },
    ),
    ExpectedRequest(
        action="create_task",
        arguments={
            "title": "Order flour",
            "description": "Two sacks",
            "project_id": "{project}",
            "client_id": "{client}",
            "assignee_id": "{staff}",
            "due_date": "2025-04-01",
            "complete": True,
        },
        method="POST",
        path=f"{API}/tasks",
        body={
            "task": {
                "title": "Order flour",
                "description": "Two sacks",
                "project_id": "{project}",
                "client_id": "{client}",
                "assignee_id": "{staff}",
                "due_date": "2025-04-01",
                "complete": True,
            }
        },
    ),
)

"""States, from the API reference alone, what creating an invoice or a schedule sends."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from tests.actions.expected import API, ExpectedRequest

DOCUMENTS: Final = (
    ExpectedRequest(
        action="create_invoice",
        arguments={"date": "2025-03-01", "due_date": "2025-03-31", "currency_code": "USD"},
        method="POST",
        path=f"{API}/invoices",
        body={
            "invoice": {
                "date": "2025-03-01",
                "due_date": "2025-03-31",
                "currency_code": "USD",
            }
        },
    ),
    ExpectedRequest(
        action="create_invoice",
        case="every field",
        arguments={
            "client_id": "{client}",
            "number": "INV-{serial}",
            "date": "2025-03-01",
            "due_date": "2025-03-31",
            "currency_code": "EUR",
            "title": "March work",
            "note": "Thanks",
            "summary": "Design and build",
            "po": "PO-7",
            "tax": "8.25",
            "tax_label": "Sales tax",
            "tax2": Decimal("2.5"),
            "tax2_label": "City",
            "tax3": 1,
            "tax3_label": "Levy",
            "compound_tax": True,
            "invoice_items_attributes": [
                {"title": "March", "quantity": 0, "price": 0, "item_type": "header"},
                {"title": "Design", "quantity": "1.5", "price": "0.1", "taxable": True},
                {"title": "Build", "quantity": 2, "price": 99.95, "item_type": 3},
                {"title": "Care", "quantity": Decimal("0.25"), "price": Decimal("1234567.89")},
            ],
        },
        method="POST",
        path=f"{API}/invoices",
        body={
            "invoice": {
                "client_id": "{client}",
                "number": "INV-{serial}",
                "date": "2025-03-01",
                "due_date": "2025-03-31",
                "currency_code": "EUR",
                "title": "March work",
                "note": "Thanks",
                "summary": "Design and build",
                "po": "PO-7",
                "tax": Decimal("8.25"),
                "tax_label": "Sales tax",
                "tax2": Decimal("2.5"),
                "tax2_label": "City",
                "tax3": 1,
                "tax3_label": "Levy",
                "compound_tax": True,
                "invoice_items_attributes": [
                    {"title": "March", "quantity": 0, "price": 0, "item_type": 0},
                    {
                        "title": "Design",
                        "quantity": Decimal("1.5"),
                        "price": Decimal("0.1"),
                        "taxable": True,
                    },
                    {"title": "Build", "quantity": 2, "price": Decimal("99.95"), "item_type": 3},
                    {
                        "title": "Care",
                        "quantity": Decimal("0.25"),
                        "price": Decimal("1234567.89"),
                    },
                ],
            }
        },
    ),
    ExpectedRequest(
        action="create_recurring_schedule",
        arguments={
            "client_id": "{client}",
            "next_date": "2030-01-31",
            "time_interval": "monthly",
            "currency_code": "USD",
            "due_period": 14,
        },
        method="POST",
        path=f"{API}/recurring",
        body={
            "recurring_schedule": {
                "client_id": "{client}",
                "next_date": "2030-01-31",
                "time_interval": 5,
                "currency_code": "USD",
                "due_period": 14,
            }
        },
    ),
    ExpectedRequest(
        action="create_recurring_schedule",
        case="every field",
        arguments={
            "client_id": "{profile_client}",
            "next_date": "2030-02-28",
            "time_interval": 11,
            "currency_code": "EUR",
            "due_period": 30,
            "number": "R-{serial}",
            "title": "Care plan",
            "note": "Thank you",
            "summary": "Monthly care",
            "po": "PO-8",
            "status": "paused",
            "action": "autobill",
            "unlimited": False,
            "occurrences_remaining": 6,
            "payment_profile_id": "{payment_profile}",
            "tax": "19",
            "tax_label": "VAT",
            "tax2": "0.5",
            "tax2_label": "Levy",
            "tax3": 0,
            "tax3_label": "None",
            "compound_tax": False,
            "recurring_schedule_items_attributes": [
                {"title": "Care", "quantity": "1", "price": "49.99"},
                {"title": "Hosting", "quantity": Decimal("0.5"), "price": 0.1},
            ],
        },
        method="POST",
        path=f"{API}/recurring",
        body={
            "recurring_schedule": {
                "client_id": "{profile_client}",
                "next_date": "2030-02-28",
                "time_interval": 11,
                "currency_code": "EUR",
                "due_period": 30,
                "number": "R-{serial}",
                "title": "Care plan",
                "note": "Thank you",
                "summary": "Monthly care",
                "po": "PO-8",
                "status": 1,
                "action": 2,
                "unlimited": False,
                "occurrences_remaining": 6,
                "payment_profile_id": "{payment_profile}",
                "tax": 19,
                "tax_label": "VAT",
                "tax2": Decimal("0.5"),
                "tax2_label": "Levy",
                "tax3": 0,
                "tax3_label": "None",
                "compound_tax": False,
                "recurring_schedule_items_attributes": [
                    {"title": "Care", "quantity": 1, "price": Decimal("49.99")},
                    {"title": "Hosting", "quantity": Decimal("0.5"), "price": Decimal("0.1")},
                ],
            }
        },
    ),
)

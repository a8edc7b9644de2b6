"""States, by hand and from the API reference alone, what each of the 57 puts on the wire.

No row is made from the manifest, so that a fault in the manifest cannot excuse itself. A text
``{client}`` stands for the id of a record that the account holds at that moment; the same text
is filled in in the arguments, in the path and in the body; ``{serial}`` stands for a number
that is used once.
"""

from __future__ import annotations

from typing import Final

from tests.actions.expected import API, ExpectedRequest
from tests.actions.expected_creates import CREATES
from tests.actions.expected_documents import DOCUMENTS
from tests.actions.expected_reads import GETS, LISTS
from tests.actions.expected_updates import FURTHER_UPDATES, UPDATES


def _delete(action: str, symbol: str, route: str) -> ExpectedRequest:
    return ExpectedRequest(
        action=action,
        arguments={"id": f"{{{symbol}}}"},
        method="DELETE",
        path=f"{API}/{route}/{{{symbol}}}",
    )


DELETES: Final = (
    _delete("delete_client", "client", "clients"),
    _delete("delete_contact", "contact", "contacts"),
    _delete("delete_expense", "expense", "expenses"),
    _delete("delete_project", "project", "projects"),
    _delete("delete_hour_entry", "hour", "hours"),
    _delete("delete_lead", "lead", "leads"),
    ExpectedRequest(
        action="delete_payment",
        arguments={"invoice_id": "{paid_invoice}", "id": "{payment}"},
        method="DELETE",
        path=f"{API}/invoices/{{paid_invoice}}/payments/{{payment}}",
    ),
    ExpectedRequest(
        action="delete_payment_profile",
        arguments={"client_id": "{profile_client}", "id": "{payment_profile}"},
        method="DELETE",
        path=f"{API}/clients/{{profile_client}}/payment_profiles/{{payment_profile}}",
    ),
    _delete("delete_recurring_schedule", "recurring", "recurring"),
)

SENDS: Final = (
    ExpectedRequest(
        action="send_invoice_message",
        arguments={
            "invoice_id": "{invoice}",
            "recipients": ["ana.miller@granite.example", "books@granite.example"],
            "subject": "Your invoice",
            "message": "Dear Ana,\nplease find it attached.",
            "send_copy": False,
            "attach_pdf": True,
        },
        method="POST",
        path=f"{API}/invoices/{{invoice}}/messages",
        body={
            "recipients": ["ana.miller@granite.example", "books@granite.example"],
            "subject": "Your invoice",
            "message": "Dear Ana,\nplease find it attached.",
            "send_copy": False,
            "attach_pdf": True,
        },
    ),
)

EXPECTED: Final = (
    *CREATES,
    *DOCUMENTS,
    *GETS,
    *LISTS,
    *UPDATES,
    *FURTHER_UPDATES,
    *SENDS,
    *DELETES,
)

# The order and the names of the host platform's catalogue.
THE_57: Final = (
    "create_client",
    "create_contact",
    "create_expense",
    "create_invoice",
    "create_lead",
    "create_project",
    "create_project_hours",
    "create_recurring_schedule",
    "create_task",
    "delete_client",
    "delete_contact",
    "delete_expense",
    "delete_project",
    "delete_hour_entry",
    "delete_lead",
    "delete_payment",
    "delete_payment_profile",
    "delete_recurring_schedule",
    "get_client",
    "get_contact",
    "get_estimate",
    "get_expense",
    "get_hour_entry",
    "get_invoice",
    "get_lead",
    "get_project",
    "get_staff",
    "get_task",
    "list_client_contacts",
    "list_client_estimates",
    "list_client_expenses",
    "list_client_invoices",
    "list_client_payment_profiles",
    "list_client_projects",
    "list_clients",
    "list_estimates",
    "list_expenses",
    "list_leads",
    "list_payments",
    "list_project_estimates",
    "list_project_expenses",
    "list_project_hours",
    "list_project_invoices",
    "list_projects",
    "list_project_tasks",
    "list_recurring_schedule_invoices",
    "list_staff",
    "list_tasks",
    "send_invoice_message",
    "update_client",
    "update_contact",
    "update_lead",
    "update_expense",
    "update_hour_entry",
    "update_invoice",
    "update_project",
    "update_task",
)

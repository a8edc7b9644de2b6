"""Invoices: lines and totals, what is paid and owed, and the messages that send them."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import Any, Final, cast

from clientary_connector.sandbox.documents import (
    COMMON_FIELDS,
    ITEM_FIELDS,
    read_document,
    sum_up,
    view_document,
    view_item,
)
from clientary_connector.sandbox.exchange import Answer, Request
from clientary_connector.sandbox.fields import (
    BLANK,
    FaultyError,
    Field,
    boolean,
    check,
    day,
    email,
    text,
)
from clientary_connector.sandbox.money import ZERO
from clientary_connector.sandbox.payments import view_payment
from clientary_connector.sandbox.records import Document, Invoice, SentMessage
from clientary_connector.sandbox.render import Json, page_of, slashed, updated_since
from clientary_connector.sandbox.settling import DRAFT, SENT, settle
from clientary_connector.sandbox.state import State
from clientary_connector.sandbox.writing import Noun, changed, created

INVOICE: Final = Noun(
    wrapper="invoice",
    fields=(
        Field("date", day, required=True),
        Field("due_date", day, required=True),
        Field("currency_code", text, required=True),
        *COMMON_FIELDS,
    ),
    unique=("number",),
    links={"client_id": "clients"},
    lines="invoice_items",
    line_fields=ITEM_FIELDS,
)
_PAGE: Final = 30
_SECRET_LENGTH: Final = 24


def list_invoices(state: State, request: Request) -> Answer:
    """List all invoices, the newest first."""
    rows = updated_since(list(state.invoices), request.query)
    return page_of_invoices(state, rows, request)


def list_client_invoices(state: State, request: Request) -> Answer:
    """List the invoices of one client."""
    client = state.known(state.clients, request.id)
    return page_of_invoices(state, state.invoices.under("client_id", client.id), request)


def list_project_invoices(state: State, request: Request) -> Answer:
    """List the invoices linked to one project."""
    project = state.known(state.projects, request.id)
    return page_of_invoices(state, state.invoices.under("project_id", project.id), request)


def get_invoice(state: State, request: Request) -> Answer:
    """Read one invoice."""
    return Answer(200, _view(state, state.known(state.invoices, request.id)))


def create_invoice(state: State, request: Request) -> Answer:
    """Create a draft; without a number it continues the previous one."""
    values = read_document(INVOICE, state, request, table=state.invoices)
    invoice = Invoice(id=state.invoices.new_id(), user_id=state.user_id, **created(state), **values)
    sum_up(invoice)
    return Answer(201, _view(state, state.invoices.add(invoice)))


def update_invoice(state: State, request: Request) -> Answer:
    """Change an invoice and its lines."""
    invoice = state.known(state.invoices, request.id)
    values = read_document(INVOICE, state, request, table=state.invoices, old=invoice)
    state.invoices.change(invoice, state.clock(), **values)
    sum_up(invoice)
    settle(invoice)
    return changed(state, _view(state, invoice))


def send_message(state: State, request: Request) -> Answer:
    """Keep the message that would leave the house, and move a draft to sent."""
    invoice = state.known(state.invoices, request.id)
    values: dict[str, Any] = {"subject": None, "message": None}
    values |= {"send_copy": False, "attach_pdf": False}
    values |= check(_MESSAGE_FIELDS, request.flat(), new=True)
    state.messages.append(SentMessage(invoice_id=invoice.id, at=state.clock(), **values))
    if invoice.status == DRAFT:
        state.invoices.change(invoice, state.clock(), status=SENT)
    return Answer(200, {})


def page_of_invoices(state: State, rows: list[Invoice], request: Request) -> Answer:
    """Answer one page of invoices, the newest first."""
    rows = sorted(rows, key=_by_day, reverse=True)
    view = partial(_view, state)
    return Answer(200, page_of("invoices", rows, request.query, size=_PAGE, view=view))


def secret_of(document: Document) -> str:
    """Return the word that opens a document without login; the same for the same id."""
    return sha256(str(document.id).encode()).hexdigest()[:_SECRET_LENGTH]


def view_link(state: State, kind: str, document: Document) -> str:
    """Return the address at which a client views a document."""
    host = f"https://{state.subdomain}.clientary.com"
    return f"{host}/{kind}/{document.id}?secret={secret_of(document)}"


def _view(state: State, invoice: Invoice) -> Json:
    client = state.clients.find(invoice.client_id)
    project = state.projects.find(invoice.project_id)
    payments = state.payments.under("invoice_id", invoice.id)
    return {
        **view_document(invoice),
        "date": slashed(invoice.date),
        "due_date": slashed(invoice.due_date),
        "balance": invoice.balance,
        "total_payments": invoice.paid,
        "transaction_balance": ZERO,
        "invoice_items": [view_item(item) for item in invoice.items],
        "payments": [view_payment(payment) for payment in payments],
        "recurring_schedules": [{"id": invoice.schedule_id}] if invoice.schedule_id else [],
        "client": client and {"id": client.id, "name": client.name},
        "projects": [{"id": project.id, "name": project.name}] if project else [],
        "recipients": [],
        "attachments": [],
        "secret": secret_of(invoice),
        "client_view_url": view_link(state, "invoices", invoice),
    }


def _by_day(invoice: Invoice) -> tuple[object, int]:
    return invoice.date, invoice.id


def _recipients(value: object) -> tuple[str, ...]:
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, list):
        raise FaultyError("must be a list of e-mail addresses")
    addresses = tuple(email(text(one).strip()) for one in cast("list[object]", given))
    if not addresses:
        raise FaultyError(BLANK)
    return addresses


_MESSAGE_FIELDS: Final = (
    Field("recipients", _recipients, required=True),
    Field("subject", text),
    Field("message", text),
    Field("send_copy", boolean, nullable=False),
    Field("attach_pdf", boolean, nullable=False),
)

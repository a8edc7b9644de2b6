"""Keeps what an invoice owes in step with its payments and its status."""

from __future__ import annotations

from typing import Final

from clientary_connector.sandbox.money import ZERO
from clientary_connector.sandbox.records import Invoice, Payment
from clientary_connector.sandbox.state import State

DRAFT: Final = 0
SENT: Final = 1
PAID: Final = 4


def settle(invoice: Invoice) -> None:
    """Move an invoice to paid when nothing is owed, and back to sent when something is again."""
    if invoice.paid > 0 and invoice.balance <= 0:
        invoice.status = PAID
    elif invoice.status == PAID and invoice.balance > 0:
        invoice.status = SENT


def take_off(state: State, invoice: Invoice, payment: Payment) -> None:
    """Remove a payment from its invoice."""
    state.payments.remove(payment)
    payments = state.payments.under("invoice_id", invoice.id)
    paid = sum((payment.amount for payment in payments), ZERO)
    state.invoices.change(invoice, state.clock(), paid=paid)
    settle(invoice)

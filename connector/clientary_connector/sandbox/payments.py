"""Payments of invoices, and the stored payment methods of clients."""

from __future__ import annotations

from typing import Final

from clientary_connector.sandbox.exchange import Answer, Request, missing
from clientary_connector.sandbox.fields import RejectedError
from clientary_connector.sandbox.records import Payment, Profile
from clientary_connector.sandbox.render import Json, dashed, page_of, stamped
from clientary_connector.sandbox.settling import take_off
from clientary_connector.sandbox.state import State
from clientary_connector.sandbox.writing import deleted

_PAGE: Final = 30


def list_payments(state: State, request: Request) -> Answer:
    """List all payments, by default those received last first."""
    by_creation = request.query.get("sort") == "created_at"
    rows = state.payments.ordered(_by_creation if by_creation else _by_receipt)[::-1]
    return Answer(200, page_of("payments", rows, request.query, size=_PAGE, view=view_payment))


def delete_payment(state: State, request: Request) -> Answer:
    """Delete a payment of an invoice, which is owed again."""
    invoice = state.known(state.invoices, request.ids[0])
    payment = state.known(state.payments, request.id)
    if payment.invoice_id != invoice.id:
        raise missing()
    take_off(state, invoice, payment)
    return deleted(state)


def list_client_profiles(state: State, request: Request) -> Answer:
    """List the payment profiles of one client."""
    client = state.known(state.clients, request.id)
    _need_stripe(state)
    rows = state.profiles.under("client_id", client.id)
    body = page_of("payment_profiles", rows, request.query, size=_PAGE, view=_view_profile)
    return Answer(200, body)


def delete_profile(state: State, request: Request) -> Answer:
    """Delete a payment profile of a client."""
    client = state.known(state.clients, request.ids[0])
    _need_stripe(state)
    profile = state.known(state.profiles, request.id)
    if profile.client_id != client.id:
        raise missing()
    state.delete_profile(profile)
    return deleted(state)


def view_payment(payment: Payment) -> Json:
    """Write a payment."""
    return {
        "id": payment.id,
        "invoice_id": payment.invoice_id,
        "amount": payment.amount,
        "note": payment.note,
        "received_on": dashed(payment.received_on),
        "transaction_fee_amount": payment.transaction_fee_amount,
        "transaction_id": payment.transaction_id,
        "created_at": stamped(payment.created_at),
        "updated_at": stamped(payment.updated_at),
    }


def _need_stripe(state: State) -> None:
    if not state.rules.stripe:
        raise RejectedError({"base": ["Stripe is not set up for this account"]})


def _view_profile(profile: Profile) -> Json:
    return {
        "id": profile.id,
        "client_id": profile.client_id,
        "name": profile.name,
        "gateway": profile.gateway,
        "gateway_token": profile.gateway_token,
        "expiration_date": dashed(profile.expiration_date),
        "address": profile.address,
        "city": profile.city,
        "state": profile.state,
        "zip": profile.zip,
        "country": profile.country,
        "created_at": stamped(profile.created_at),
        "updated_at": stamped(profile.updated_at),
    }


def _by_receipt(payment: Payment) -> tuple[object, int]:
    return payment.received_on, payment.id


def _by_creation(payment: Payment) -> tuple[object, int]:
    return payment.created_at, payment.id

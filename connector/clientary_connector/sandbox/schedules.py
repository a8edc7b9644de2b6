"""Recurring schedules: what is invoiced at every interval, and what each has issued."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from clientary_connector.sandbox.companies import view_client
from clientary_connector.sandbox.documents import (
    COMMON_FIELDS,
    ITEM_FIELDS,
    QUESTIONED_FIELDS,
    read_document,
    sum_up,
    view_document,
)
from clientary_connector.sandbox.exchange import Answer, Request
from clientary_connector.sandbox.fields import (
    Field,
    RejectedError,
    boolean,
    day,
    integer,
    one_of,
    text,
)
from clientary_connector.sandbox.invoices import page_of_invoices
from clientary_connector.sandbox.money import add_up
from clientary_connector.sandbox.records import Item, Schedule
from clientary_connector.sandbox.render import Json, dashed, page_of
from clientary_connector.sandbox.state import State
from clientary_connector.sandbox.writing import Noun, created, deleted

AUTOBILL: Final = 2
SCHEDULE: Final = Noun(
    wrapper="recurring_schedule",
    fields=(
        Field("client_id", integer, required=True),
        Field("next_date", day, required=True),
        Field("time_interval", one_of(*range(1, 12)), required=True),
        Field("currency_code", text, required=True),
        Field("due_period", integer, required=True),
        Field("action", one_of(0, 1, AUTOBILL), nullable=False),
        Field("status", one_of(0, 1, 2), nullable=False),
        Field("unlimited", boolean, nullable=False),
        Field("occurrences_remaining", integer),
        Field("payment_profile_id", integer),
        *(field for field in COMMON_FIELDS if field.name != "client_id"),
    ),
    links={"client_id": "clients", "payment_profile_id": "profiles"},
    lines="recurring_schedule_items",
    line_fields=(*ITEM_FIELDS, *QUESTIONED_FIELDS),
)
_PAGE: Final = 30


def list_schedules(state: State, request: Request) -> Answer:
    """List all schedules."""
    rows = list(state.schedules)
    view = partial(_view, state)
    return Answer(200, page_of("recurring", rows, request.query, size=_PAGE, view=view))


def get_schedule(state: State, request: Request) -> Answer:
    """Read one schedule."""
    return Answer(200, _view(state, state.known(state.schedules, request.id)))


def create_schedule(state: State, request: Request) -> Answer:
    """Create a schedule; one that charges the client needs a payment profile of that client."""
    values = read_document(SCHEDULE, state, request, table=state.schedules)
    _check_charge(state, values)
    values.setdefault("unlimited", values.get("occurrences_remaining") is None)
    schedule = Schedule(
        id=state.schedules.new_id(), user_id=state.user_id, **created(state), **values
    )
    sum_up(schedule)
    return Answer(201, _view(state, state.schedules.add(schedule)))


def delete_schedule(state: State, request: Request) -> Answer:
    """Delete a schedule; the invoices that it issued stay."""
    state.delete_schedule(state.known(state.schedules, request.id))
    return deleted(state)


def list_schedule_invoices(state: State, request: Request) -> Answer:
    """List the invoices that one schedule has issued."""
    schedule = state.known(state.schedules, request.id)
    return page_of_invoices(state, state.invoices.under("schedule_id", schedule.id), request)


def _check_charge(state: State, values: dict[str, Any]) -> None:
    if values.get("action") != AUTOBILL:
        return
    profile = state.profiles.find(values.get("payment_profile_id"))
    if not state.rules.stripe or profile is None or profile.client_id != values["client_id"]:
        raise RejectedError({"payment_profile_id": ["is needed to charge the client"]})


def _view(state: State, schedule: Schedule) -> Json:
    client = state.clients.find(schedule.client_id)
    return {
        **view_document(schedule),
        "action": schedule.action,
        "time_interval": schedule.time_interval,
        "due_period": schedule.due_period,
        "next_date": dashed(schedule.next_date),
        "unlimited": schedule.unlimited,
        "occurrences_remaining": schedule.occurrences_remaining,
        "payment_profile_id": schedule.payment_profile_id,
        "client": client and view_client(state, client),
        "recurring_schedule_items": [_view_item(schedule, item) for item in schedule.items],
    }


def _view_item(schedule: Schedule, item: Item) -> Json:
    rates = (schedule.tax, schedule.tax2, schedule.tax3)
    totals = add_up([item], rates, compound=schedule.compound_tax)
    return {
        "id": item.id,
        "recurring_schedule_id": schedule.id,
        "item_type": item.item_type,
        "title": item.title,
        "price": str(item.price),
        "quantity": item.quantity,
        "total_tax": totals.tax + totals.tax2 + totals.tax3,
        "taxable?": item.taxable,
        "secondary_tax?": item.secondary_tax,
        "tertiary_tax?": item.tertiary_tax,
    }

"""Proves that invoices, payments and schedules add up, number, settle and go out as they should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientary_connector.sandbox import Rules, Sandbox, SentMessage
from clientary_connector.sandbox.money import Totals, add_up, cents
from clientary_connector.sandbox.records import Invoice, Item, Payment
from tests.connector.sandbox_ground import Ground, ground

pytestmark = pytest.mark.requirement("sandbox.invoices")

BASE = {"date": "2026-06-01", "due_date": "2026-07-01", "currency_code": "EUR"}
LINE = {"title": "Design", "quantity": "7.25", "price": "333.33"}
MONEY = st.decimals(min_value=-10_000, max_value=10_000, places=2)
RATE = st.none() | st.decimals(min_value=0, max_value=30, places=3)


@pytest.fixture
def account() -> Iterator[Ground]:
    """Serve a small account."""
    with ground() as served:
        yield served


def create(account: Ground, *lines: Mapping[str, object], **fields: object) -> Any:  # noqa: ANN401 - JSON
    """Create an invoice with lines."""
    record: dict[str, object] = {**BASE, **fields, "invoice_items_attributes": list(lines)}
    return account.create("/invoices", "invoice", **record)


def sums(invoice: dict[str, Any]) -> tuple[float, ...]:
    """Return the sums of an invoice."""
    names = ("subtotal", "total_tax", "total_tax2", "total_tax3", "total_cost", "balance")
    return tuple(invoice[name] for name in names)


def test_an_invoice_is_created_as_a_draft(account: Ground) -> None:
    """It keeps all its fields; dates come back with slashes."""
    fields = {
        "client_id": account.client_id(),
        "title": "June",
        "note": "Thanks",
        "summary": "All of June",
        "po": "PO-7",
        "tax": 10,
        "tax_label": "VAT",
        "tax2": 2.5,
        "tax2_label": "Levy",
        "tax3": None,
        "tax3_label": None,
        "compound_tax": False,
        "number": "A-7",
    }
    made = create(account, LINE, **fields)
    assert {name: made[name] for name in fields} == fields
    assert (made["date"], made["due_date"]) == ("2026/06/01", "2026/07/01")
    assert (made["status"], made["currency_code"]) == (0, "EUR")
    assert made["client"] == {
        "id": account.client_id(),
        "name": account.read(f"/clients/{account.client_id()}")["name"],
    }
    item = made["invoice_items"][0]
    assert item == {
        "id": item["id"],
        "item_type": 3,
        "title": "Design",
        "price": 333.33,
        "quantity": 7.25,
        "taxable": True,
    }
    assert sums(made) == (2416.64, 241.66, 60.42, 0, 2718.72, 2718.72)
    assert account.read(f"/invoices/{made['id']}") == made


def test_an_invoice_without_lines_costs_nothing(account: Ground) -> None:
    """Lines and client are optional; there are no payments yet."""
    made = account.create("/invoices", "invoice", **BASE)
    assert sums(made) == (0, 0, 0, 0, 0, 0)
    assert (made["invoice_items"], made["payments"], made["client"]) == ([], [], None)
    assert (made["projects"], made["recurring_schedules"]) == ([], [])


def test_faults_of_an_invoice_and_of_its_lines_come_together(account: Ground) -> None:
    """Line faults are named after the lines; a header needs only its title."""
    lines = [{"title": ""}, {"item_type": 0, "title": "Part 1"}, {"item_type": 9, **LINE}]
    blank = ["can't be blank"]
    assert account.rejection(
        "POST", "/invoices", "invoice", date="soon", client_id=1, invoice_items_attributes=lines
    ) == {
        "date": ["is invalid"],
        "due_date": blank,
        "currency_code": blank,
        "invoice_items.title": blank,
        "invoice_items.quantity": blank,
        "invoice_items.price": blank,
        "invoice_items.item_type": ["is not included in the list"],
    }
    unknown = account.rejection("POST", "/invoices", "invoice", **BASE, client_id=99_999_999)
    assert unknown == {"client_id": ["must exist"]}
    for wrong in ("no list", ["no object"]):
        fields = {**BASE, "invoice_items_attributes": wrong}
        rejected = account.rejection("POST", "/invoices", "invoice", **fields)
        assert list(rejected.values()) == [["is invalid"]]
    assert not account.sandbox.effects


def test_a_header_and_an_untaxed_line_bear_no_tax(account: Ground) -> None:
    """A header costs nothing whatever it says; a line may be free of tax."""
    header = {"title": "Part 1", "item_type": 0, "price": None}
    made = create(account, header, LINE, {**LINE, "taxable": False}, tax=10)
    assert sums(made)[:2] == (4833.29, 241.66)


def test_a_compound_tax_is_taken_on_the_taxes_before_it(account: Ground) -> None:
    """Each tax is rounded before the next is taken."""
    line = {"title": "x", "quantity": 1, "price": 100}
    made = create(account, line, tax=10, tax2=10, tax3=10, compound_tax=True)
    assert sums(made) == (100, 10, 11, 12.1, 133.1, 133.1)
    path = f"/invoices/{made['id']}"
    changed = account.update(path, "invoice", compound_tax=False)
    assert sums(changed) == (100, 10, 10, 10, 130, 130)


@given(
    prices=st.lists(st.tuples(MONEY, MONEY), max_size=5),
    rates=st.tuples(RATE, RATE, RATE),
    compound=st.booleans(),
)
def test_totals_are_exact_sums_of_rounded_parts(
    prices: list[tuple[Decimal, Decimal]],
    rates: tuple[Decimal | None, Decimal | None, Decimal | None],
    *,
    compound: bool,
) -> None:
    """The total is the subtotal and the taxes, and each tax is within half a cent of its share."""
    lines = [
        Item(id=number, title="x", price=price, quantity=quantity)
        for number, (price, quantity) in enumerate(prices)
    ]
    totals = add_up(lines, rates, compound=compound)
    exact = sum((price * quantity for price, quantity in prices), Decimal(0))
    assert abs(totals.subtotal - exact) <= Decimal("0.005")
    taxes = (totals.tax, totals.tax2, totals.tax3)
    assert totals.total == totals.subtotal + sum(taxes)
    due = exact
    for tax, rate in zip(taxes, rates, strict=True):
        assert tax == cents(due * (rate or 0) / 100)
        due += tax if compound else 0


def test_nothing_adds_up_to_nothing() -> None:
    """No lines and no rates give zero to the cent."""
    totals = add_up([], (None, None, None), compound=True)
    assert totals == Totals()
    assert str(totals.total) == "0.00"


@pytest.mark.parametrize(
    ("number", "following"),
    [("INV-099", "INV-100"), ("7", "8"), ("2026/09", "2026/10"), ("A", "A1")],
)
def test_a_missing_number_continues_the_previous_one(
    account: Ground, number: str, following: str
) -> None:
    """Leading zeros and words stay."""
    assert create(account, number=number)["number"] == number
    assert create(account)["number"] == following


def test_numbers_skip_what_is_taken_and_are_never_given_twice(account: Ground) -> None:
    """A number in use is passed over, or refused when asked for."""
    create(account, number="Z-3")
    create(account, number="Z-2")
    assert create(account)["number"] == "Z-4"
    taken = account.rejection("POST", "/invoices", "invoice", **BASE, number="Z-3")
    assert taken == {"number": ["has already been taken"]}


def test_the_first_invoice_of_all_is_number_1(account: Ground) -> None:
    """An account without invoices begins at 1, and a number can be taken back by none."""
    state = account.sandbox.state
    for invoice in list(state.invoices):
        state.delete_invoice(invoice)
    made = create(account)
    assert made["number"] == "1"
    assert account.update(f"/invoices/{made['id']}", "invoice", number=None)["number"] == "1"


def test_lines_are_edited_added_and_deleted_in_one_change(account: Ground) -> None:
    """With an id a line is edited, without added, with id and _destroy deleted."""
    made = create(account, LINE, {**LINE, "title": "Goes"}, {**LINE, "title": "Stays"})
    first, second, third = made["invoice_items"]
    changed = account.update(
        f"/invoices/{made['id']}",
        "invoice",
        invoice_items_attributes=[
            {"id": first["id"], "price": 10, "quantity": 2},
            {"id": str(second["id"]), "_destroy": True},
            {"id": third["id"], "_destroy": "maybe"},
            {"title": "New", "quantity": 1, "price": 5},
            {"title": "Never", "_destroy": "1"},
        ],
    )
    items = changed["invoice_items"]
    assert items[0] == {**first, "price": 10, "quantity": 2}
    assert items[1] == third
    assert (items[2]["title"], len(items)) == ("New", 3)
    assert changed["subtotal"] == 2441.64


def test_a_line_of_another_invoice_is_404_and_nothing_changes(account: Ground) -> None:
    """An id that is none of the invoice's own is not found."""
    mine, other = create(account, LINE), create(account, LINE)
    for stranger in (other["invoice_items"][0]["id"], "x"):
        lines = [{"id": stranger, "price": 1}]
        path = f"/invoices/{mine['id']}"
        assert account.status("PUT", path, invoice={"invoice_items_attributes": lines}) == 404
    assert account.read(f"/invoices/{mine['id']}") == mine


def test_a_required_field_cannot_be_emptied(account: Ground) -> None:
    """Neither of the invoice nor of a line."""
    made = create(account, LINE)
    lines = [{"id": made["invoice_items"][0]["id"], "price": None}]
    rejected = account.rejection(
        "PUT", f"/invoices/{made['id']}", "invoice", date="", invoice_items_attributes=lines
    )
    blank = ["can't be blank"]
    assert rejected == {"date": blank, "invoice_items.price": blank}


def paid(account: Ground) -> tuple[Invoice, Payment]:
    """Return a seeded invoice that is paid in full, and its payment."""
    state = account.sandbox.state
    invoice = next(one for one in state.invoices if one.status == 4)
    return invoice, state.payments.under("invoice_id", invoice.id)[0]


def test_a_deleted_payment_is_owed_again(account: Ground) -> None:
    """Balance and status follow; the payment is gone from all lists."""
    invoice, payment = paid(account)
    path = f"/invoices/{invoice.id}"
    before = account.read(path)
    assert (before["balance"], before["payments"][0]["id"]) == (0, payment.id)
    assert account.read("/payments")["total_count"] == len(account.sandbox.state.payments)
    account.delete(f"{path}/payments/{payment.id}")
    after = account.read(path)
    assert (after["status"], after["payments"], after["total_payments"]) == (1, [], 0)
    assert after["balance"] == after["total_cost"]
    assert account.status("DELETE", f"{path}/payments/{payment.id}") == 404


def test_a_payment_is_deleted_from_its_own_invoice_only(account: Ground) -> None:
    """With another invoice's id it is not found."""
    _, payment = paid(account)
    other = create(account)["id"]
    assert account.status("DELETE", f"/invoices/{other}/payments/{payment.id}") == 404
    assert account.status("DELETE", f"/invoices/1/payments/{payment.id}") == 404


def test_an_invoice_that_costs_more_than_was_paid_is_owed_again(account: Ground) -> None:
    """And one that costs less is paid."""
    invoice, _ = paid(account)
    path = f"/invoices/{invoice.id}"
    more = account.update(path, "invoice", invoice_items_attributes=[LINE])
    assert more["status"] == 1
    assert more["balance"] > 0
    added = more["invoice_items"][-1]["id"]
    lines = [{"id": added, "_destroy": 1}]
    assert account.update(path, "invoice", invoice_items_attributes=lines)["status"] == 4


def test_a_message_is_kept_and_a_draft_becomes_sent(account: Ground) -> None:
    """The body is flat, the message is there to be looked at."""
    made = create(account)
    path = f"/invoices/{made['id']}"
    answer = account.http.post(
        f"{path}/messages",
        json={
            "recipients": ["a@mail.example", "b@mail.example"],
            "subject": "June",
            "message": "Please pay",
            "send_copy": True,
            "attach_pdf": True,
        },
    )
    assert (answer.status_code, answer.json()) == (200, {})
    assert account.read(path)["status"] == 1
    assert (
        account.status("POST", f"{path}/messages", recipients="c@mail.example, d@mail.example")
        == 200
    )
    first, second = account.sandbox.messages
    assert first == SentMessage(
        invoice_id=made["id"],
        recipients=("a@mail.example", "b@mail.example"),
        subject="June",
        message="Please pay",
        send_copy=True,
        attach_pdf=True,
        at=first.at,
    )
    assert second.recipients == ("c@mail.example", "d@mail.example")
    assert (second.subject, second.send_copy) == (None, False)
    assert account.sandbox.done("POST", "/invoices/{invoice_id}/messages") == 2


@pytest.mark.parametrize("recipients", [None, "", [], 7, ["nobody"], [["x"]], {"a": "b"}])
def test_a_message_to_nobody_is_rejected(account: Ground, recipients: object) -> None:
    """Recipients must be e-mail addresses, one at least; nothing is sent."""
    path = f"/invoices/{create(account)['id']}/messages"
    assert account.status("POST", path, recipients=recipients, subject="x") == 422
    assert account.status("POST", "/invoices/1/messages", recipients="a@mail.example") == 404
    assert account.sandbox.messages == []


def test_a_document_shows_its_links(account: Ground) -> None:
    """Project, schedule and the secret address are there."""
    schedule = list(account.sandbox.state.schedules)[-1]
    invoice = account.sandbox.state.invoices.under("schedule_id", schedule.id)[0]
    shown = account.read(f"/invoices/{invoice.id}")
    assert shown["recurring_schedules"] == [{"id": schedule.id}]
    assert shown["projects"][0]["id"] == invoice.project_id
    assert shown["secret"] in shown["client_view_url"]
    assert shown["client_view_url"].startswith("https://sandbox.clientary.com/invoices/")


def test_an_estimate_is_read_with_its_lines(account: Ground) -> None:
    """Its lines have their own name, its date has slashes; a lead's has no client."""
    estimate = next(iter(account.sandbox.state.estimates))
    shown = account.read(f"/estimates/{estimate.id}")
    assert shown["client_id"] is None
    assert shown["number"] == estimate.number
    assert shown["date"].count("/") == 2
    assert [item["id"] for item in shown["estimate_items"]] == [item.id for item in estimate.items]
    assert account.status("GET", "/estimates/1") == 404


SCHEDULE = {
    "client_id": 1001,
    "next_date": "2026-07-01",
    "time_interval": 5,
    "currency_code": "EUR",
    "due_period": 14,
}


def test_a_schedule_is_created_with_its_lines(account: Ground) -> None:
    """Prices are strings, the flags end in question marks, dates have dashes."""
    lines = [
        {**LINE, "taxable?": True, "secondary_tax?": False},
        {"title": "Extra", "quantity": 1, "price": 10, "taxable": False},
    ]
    made = account.create(
        "/recurring",
        "recurring_schedule",
        **SCHEDULE,
        tax=10,
        tax2=5,
        recurring_schedule_items_attributes=lines,
    )
    assert {name: made[name] for name in SCHEDULE} == SCHEDULE
    assert (made["action"], made["status"], made["unlimited"]) == (0, 0, True)
    assert made["client"]["id"] == 1001
    item = made["recurring_schedule_items"][0]
    assert item == {
        "id": item["id"],
        "recurring_schedule_id": made["id"],
        "item_type": 3,
        "title": "Design",
        "price": "333.33",
        "quantity": 7.25,
        "total_tax": 241.66,
        "taxable?": True,
        "secondary_tax?": False,
        "tertiary_tax?": True,
    }
    assert made["recurring_schedule_items"][1]["total_tax"] == 0
    assert (made["subtotal"], made["total_cost"]) == (2426.64, 2668.30)
    one = f"/recurring/{made['id']}"
    assert account.read(one) == made
    assert account.read(f"{one}/invoices")["invoices"] == []
    account.delete(one)
    assert account.status("GET", one) == 404


def test_a_schedule_of_some_occurrences_is_not_unlimited(account: Ground) -> None:
    """Unless it says so itself."""
    some = account.create("/recurring", "recurring_schedule", **SCHEDULE, occurrences_remaining=3)
    assert (some["unlimited"], some["occurrences_remaining"]) == (False, 3)
    both = {**SCHEDULE, "occurrences_remaining": 3, "unlimited": True}
    assert account.create("/recurring", "recurring_schedule", **both)["unlimited"] is True


def test_a_schedule_needs_its_fields_and_known_values(account: Ground) -> None:
    """All faults at once."""
    assert set(account.rejection("POST", "/recurring", "recurring_schedule")) == set(SCHEDULE)
    wrong = {**SCHEDULE, "time_interval": 12, "action": 3, "client_id": 99_999_999}
    assert account.rejection("POST", "/recurring", "recurring_schedule", **wrong) == {
        "time_interval": ["is not included in the list"],
        "action": ["is not included in the list"],
    }
    rejected = account.rejection(
        "POST", "/recurring", "recurring_schedule", **{**SCHEDULE, "client_id": 99_999_999}
    )
    assert rejected == {"client_id": ["must exist"]}
    assert account.status("POST", "/recurring", recurring=SCHEDULE) == 400


def test_only_a_profile_of_the_client_can_be_charged(account: Ground) -> None:
    """A schedule that charges needs one; no other client's will do."""
    profiles = account.sandbox.state.profiles
    mine = profiles.under("client_id", 1001)[0].id
    other = next(profile.id for profile in profiles if profile.client_id != 1001)
    for profile_id in (None, other):
        fields = {**SCHEDULE, "action": 2, "payment_profile_id": profile_id}
        rejected = account.rejection("POST", "/recurring", "recurring_schedule", **fields)
        assert set(rejected) == {"payment_profile_id"}
    fields = {**SCHEDULE, "action": 2, "payment_profile_id": mine}
    made = account.create("/recurring", "recurring_schedule", **fields)
    assert (made["action"], made["payment_profile_id"]) == (2, mine)


def test_payment_profiles_are_listed_and_deleted_below_their_client(account: Ground) -> None:
    """The gateway is Stripe, dates have dashes; another client's is not found."""
    path = "/clients/1001/payment_profiles"
    profile = account.read(path)["payment_profiles"][0]
    assert (profile["gateway"], profile["client_id"]) == ("stripe", 1001)
    assert profile["expiration_date"].count("-") == 2
    assert account.status("DELETE", f"/clients/1002/payment_profiles/{profile['id']}") == 404
    account.delete(f"{path}/{profile['id']}")
    assert account.read(path)["payment_profiles"] == []


def test_without_stripe_there_are_no_payment_profiles() -> None:
    """Listing, deleting and charging are rejected."""
    with ground(Sandbox(rules=Rules(stripe=False))) as account:
        profile = next(iter(account.sandbox.state.profiles))
        path = f"/clients/{profile.client_id}/payment_profiles"
        assert account.http.get(path).status_code == 422
        assert account.status("DELETE", f"{path}/{profile.id}") == 422
        charge = {**SCHEDULE, "client_id": profile.client_id, "action": 2}
        charge["payment_profile_id"] = profile.id
        rejected = account.rejection("POST", "/recurring", "recurring_schedule", **charge)
        assert set(rejected) == {"payment_profile_id"}

"""Proves that deletions take along what belongs to them, and that no sequence leaves a stray."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from clientary_connector.sandbox import Sandbox
from clientary_connector.sandbox.exchange import Request
from clientary_connector.sandbox.money import add_up
from clientary_connector.sandbox.routes import resolve
from clientary_connector.sandbox.table import Table
from tests.connector.sandbox_ground import Ground, ground

pytestmark = pytest.mark.requirement("sandbox.cascades")

LINKS = {
    "client_id": "clients",
    "lead_id": "leads",
    "project_id": "projects",
    "invoice_id": "invoices",
    "schedule_id": "schedules",
    "payment_profile_id": "profiles",
}
DELETABLE = {
    "clients": "/clients/{}",
    "leads": "/leads/{}",
    "projects": "/projects/{}",
    "contacts": "/contacts/{}",
    "hours": "/hours/{}",
    "expenses": "/expenses/{}",
    "schedules": "/recurring/{}",
}


@pytest.fixture
def account() -> Iterator[Ground]:
    """Serve a small account."""
    with ground() as served:
        yield served


def test_a_deleted_client_takes_its_own_along(account: Ground) -> None:
    """Projects, invoices, estimates, contacts, schedules and profiles go; the rest stays."""
    state = account.sandbox.state
    client_id = account.client_id()
    task = account.create("/tasks", "task", title="Of nobody's project", client_id=client_id)
    spent = account.create("/expenses", "expense", amount=1, client_id=client_id)
    before = state.counts()
    account.delete(f"/clients/{client_id}")
    after = state.counts()
    for table in (state.projects, state.invoices, state.estimates, state.contacts):
        assert table.under("client_id", client_id) == []
    assert (after["clients"], after["leads"]) == (before["clients"] - 1, before["leads"])
    for name in ("projects", "tasks", "hours", "estimates", "invoices", "schedules", "profiles"):
        assert 0 < after[name] < before[name]
    assert account.read(f"/tasks/{task['id']}")["client_id"] is None
    assert account.read(f"/expenses/{spent['id']}")["client_id"] is None
    assert account.status("GET", f"/projects/{account.project_id()}/hours") == 200


def test_a_deleted_project_takes_its_own_along(account: Ground) -> None:
    """Tasks, hours, expenses, invoices with payments, and estimates go; the client stays."""
    state = account.sandbox.state
    project_id = account.project_id()
    bills = {invoice.id for invoice in state.invoices.under("project_id", project_id)}
    assert any(payment.invoice_id in bills for payment in state.payments)
    account.delete(f"/projects/{project_id}")
    for table in (state.tasks, state.hours, state.expenses, state.invoices, state.estimates):
        assert table.under("project_id", project_id) == []
    assert not any(payment.invoice_id in bills for payment in state.payments)
    assert account.status("GET", f"/clients/{account.client_id()}") == 200
    assert account.sandbox.effects == {("DELETE", "/projects/{id}"): 1}


def test_a_deleted_lead_takes_its_own_along(account: Ground) -> None:
    """Its estimates and contacts go."""
    state = account.sandbox.state
    lead = next(iter(state.leads))
    assert state.estimates.under("lead_id", lead.id)
    account.delete(f"/leads/{lead.id}")
    assert state.estimates.under("lead_id", lead.id) == []
    assert state.contacts.under("lead_id", lead.id) == []


def test_a_deleted_schedule_leaves_its_invoices(account: Ground) -> None:
    """They no longer name it."""
    state = account.sandbox.state
    schedule = list(state.schedules)[-1]
    bills = state.invoices.under("schedule_id", schedule.id)
    account.delete(f"/recurring/{schedule.id}")
    assert account.read(f"/invoices/{bills[0].id}")["recurring_schedules"] == []


def test_a_deleted_profile_is_charged_by_no_schedule(account: Ground) -> None:
    """The schedule stays, without it."""
    state = account.sandbox.state
    profile = next(iter(state.profiles))
    schedule = state.schedules.under("client_id", profile.client_id)[0]
    state.schedules.change(schedule, state.clock(), payment_profile_id=profile.id)
    account.delete(f"/clients/{profile.client_id}/payment_profiles/{profile.id}")
    assert account.read(f"/recurring/{schedule.id}")["payment_profile_id"] is None


class Account(RuleBasedStateMachine):
    """Any sequence of writes keeps an account whole."""

    def __init__(self) -> None:
        """Start with a small account."""
        super().__init__()
        self.state = Sandbox().state
        self.revision = self.state.revision

    def ask(self, method: str, path: str, **body: object) -> Any:  # noqa: ANN401 - JSON
        """Run one request without HTTP."""
        match = resolve(method, f"/api/v2{path}".encode())
        assert match.handler is not None
        answer = match.handler(self.state, Request(match.ids, {}, msgspec.json.encode(body)))
        assert answer.status < 300
        assert self.state.revision > self.revision
        self.revision = self.state.revision
        return answer.body

    def pick(self, data: st.DataObject, name: str) -> int | None:
        """Draw the id of one record of a table, if it has any."""
        rows = sorted(getattr(self.state, name).rows)
        return data.draw(st.sampled_from(rows)) if rows else None

    @rule(data=st.data(), name=st.sampled_from(sorted(DELETABLE)))
    def delete(self, data: st.DataObject, name: str) -> None:
        """Delete any record that can be."""
        record_id = self.pick(data, name)
        if record_id is not None:
            self.ask("DELETE", DELETABLE[name].format(record_id))
            assert record_id not in getattr(self.state, name).rows

    @rule(data=st.data())
    def delete_payment(self, data: st.DataObject) -> None:
        """Delete any payment."""
        payment = self.state.payments.find(self.pick(data, "payments"))
        if payment is not None:
            self.ask("DELETE", f"/invoices/{payment.invoice_id}/payments/{payment.id}")

    @rule(data=st.data())
    def move_task(self, data: st.DataObject) -> None:
        """Move any task into another project and to another client."""
        task_id = self.pick(data, "tasks")
        if task_id is not None:
            links = {"project_id": self.pick(data, "projects")}
            links["client_id"] = self.pick(data, "clients")
            self.ask("PUT", f"/tasks/{task_id}", task=links)

    @rule(data=st.data())
    def bill_expense(self, data: st.DataObject) -> None:
        """Tie any expense to an invoice."""
        expense_id = self.pick(data, "expenses")
        if expense_id is not None:
            bill = {"invoice_id": self.pick(data, "invoices")}
            self.ask("PUT", f"/expenses/{expense_id}", expense=bill)

    @rule(data=st.data(), price=st.decimals(min_value=0, max_value=999, places=2))
    def invoice(self, data: st.DataObject, price: object) -> None:
        """Bill any client, or nobody."""
        line = {"title": "x", "quantity": 2, "price": str(price)}
        self.ask(
            "POST",
            "/invoices",
            invoice={
                "client_id": self.pick(data, "clients"),
                "date": "2026-06-01",
                "due_date": "2026-06-30",
                "currency_code": "EUR",
                "invoice_items_attributes": [line],
            },
        )

    @invariant()
    def no_link_points_nowhere(self) -> None:
        """Every id that names another record finds it."""
        for name in self.state.counts():
            for record in getattr(self.state, name):
                for link, target in LINKS.items():
                    linked = getattr(record, link, None)
                    assert linked is None or linked in getattr(self.state, target).rows

    @invariant()
    def children_are_those_of_a_full_search(self) -> None:
        """The index by parent agrees with the records."""
        for name in self.state.counts():
            table: Table[Any] = getattr(self.state, name)
            for parent in table.parents:
                for parent_id in {getattr(record, parent) for record in table}:
                    found = {record.id for record in table.under(parent, parent_id)}
                    same = {record.id for record in table if getattr(record, parent) == parent_id}
                    assert found == same

    @invariant()
    def invoices_owe_what_is_not_paid(self) -> None:
        """Totals, payments and status agree on every invoice."""
        for invoice in self.state.invoices:
            rates = (invoice.tax, invoice.tax2, invoice.tax3)
            assert invoice.totals == add_up(invoice.items, rates, compound=invoice.compound_tax)
            payments = self.state.payments.under("invoice_id", invoice.id)
            assert invoice.paid == sum(payment.amount for payment in payments)
            assert (invoice.status == 4) == (invoice.paid > 0 and invoice.balance <= 0)

    @invariant()
    def numbers_are_given_once(self) -> None:
        """No two invoices share a number."""
        numbers = [invoice.number for invoice in self.state.invoices]
        assert len(set(numbers)) == len(numbers)


Account.TestCase.settings = settings(max_examples=15, stateful_step_count=15)


def test_any_sequence_of_writes_leaves_the_account_whole() -> None:
    """Links, indexes, totals and numbers hold after every step."""
    Account.TestCase("runTest").debug()

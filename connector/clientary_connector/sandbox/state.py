"""The state of a simulated account: its tables, its rules, and what a deletion takes along."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeVar

from clientary_connector.sandbox.exchange import missing
from clientary_connector.sandbox.records import (
    Company,
    Contact,
    Estimate,
    Expense,
    Hour,
    Invoice,
    Payment,
    Profile,
    Project,
    Record,
    Schedule,
    SentMessage,
    Staff,
    Task,
)
from clientary_connector.sandbox.table import Table

R = TypeVar("R", bound=Record)
Clock = Callable[[], datetime]

_START: Final = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What may differ between accounts: plan limits, integrations and habits of answering."""

    max_clients: int | None = None
    max_contacts: int | None = None
    max_leads: int | None = None
    stripe: bool = True
    fiscal_year_start: int = 1
    put_answers_empty: bool = False
    delete_answers_object: bool = False


class SteadyClock:
    """A clock that moves on by one second each time it is read, the same in every run."""

    def __init__(self, start: datetime = _START) -> None:
        """Start at a moment."""
        self._now = start

    def __call__(self) -> datetime:
        """Return the moment and move on."""
        now = self._now
        self._now += timedelta(seconds=1)
        return now


class State:
    """All records of one account, in one table for each noun."""

    def __init__(self, *, clock: Clock, rules: Rules, subdomain: str = "sandbox") -> None:
        """Start empty; estimate and invoice ids lie above 2^31, as they do in Clientary."""
        self.clock = clock
        self.rules = rules
        self.subdomain = subdomain
        self.today: date = clock().date()
        self.user_id = 0
        self.messages: list[SentMessage] = []
        self.staff = Table[Staff](first_id=41)
        self.clients = Table[Company](first_id=1_001)
        self.leads = Table[Company](first_id=50_001)
        self.contacts = Table[Contact](first_id=2_001, parents=("client_id", "lead_id"))
        self.projects = Table[Project](first_id=3_001, parents=("client_id",))
        self.tasks = Table[Task](first_id=400_001, parents=("client_id", "project_id"))
        self.hours = Table[Hour](first_id=500_001, parents=("project_id",))
        self.expenses = Table[Expense](
            first_id=600_001, parents=("client_id", "project_id", "invoice_id")
        )
        self.estimates = Table[Estimate](
            first_id=2_153_932_801, parents=("client_id", "lead_id", "project_id")
        )
        self.invoices = Table[Invoice](
            first_id=2_253_932_801, parents=("client_id", "project_id", "schedule_id")
        )
        self.schedules = Table[Schedule](
            first_id=7_001, parents=("client_id", "payment_profile_id")
        )
        self.payments = Table[Payment](first_id=800_001, parents=("invoice_id",))
        self.profiles = Table[Profile](first_id=9_001, parents=("client_id",))
        self._next_item_id = 10_000_001
        self._tables: Mapping[str, Table[Any]] = {
            name: part for name, part in vars(self).items() if isinstance(part, Table)
        }

    def counts(self) -> dict[str, int]:
        """Return how many records each table holds."""
        return {name: len(table) for name, table in self._tables.items()}

    @property
    def revision(self) -> int:
        """Return a number that grows with every change of a record."""
        return sum(table.changes for table in self._tables.values())

    def new_item_id(self) -> int:
        """Hand out the id of a line."""
        self._next_item_id += 1
        return self._next_item_id - 1

    def known(self, table: Table[R], record_id: int) -> R:
        """Return a record, or refuse with 404."""
        record = table.find(record_id)
        if record is None:
            raise missing()
        return record

    def delete_client(self, client: Company) -> None:
        """Delete a client with its projects, invoices, estimates, contacts and what hangs on it."""
        for project in self.projects.under("client_id", client.id):
            self.delete_project(project)
        for invoice in self.invoices.under("client_id", client.id):
            self.delete_invoice(invoice)
        for table in (self.estimates, self.contacts, self.schedules, self.profiles):
            table.remove_under("client_id", client.id)
        for tied in (self.tasks, self.expenses):
            tied.untie("client_id", client.id, at=self.clock())
        self.clients.remove(client)

    def delete_lead(self, lead: Company) -> None:
        """Delete a lead with its estimates and contacts."""
        for table in (self.estimates, self.contacts):
            table.remove_under("lead_id", lead.id)
        self.leads.remove(lead)

    def delete_project(self, project: Project) -> None:
        """Delete a project with its tasks, hours, expenses, invoices and estimates."""
        for invoice in self.invoices.under("project_id", project.id):
            self.delete_invoice(invoice)
        for table in (self.tasks, self.hours, self.expenses, self.estimates):
            table.remove_under("project_id", project.id)
        self.projects.remove(project)

    def delete_invoice(self, invoice: Invoice) -> None:
        """Delete an invoice with its payments; expenses billed by it are open again."""
        self.payments.remove_under("invoice_id", invoice.id)
        self.expenses.untie("invoice_id", invoice.id, at=self.clock())
        self.invoices.remove(invoice)

    def delete_schedule(self, schedule: Schedule) -> None:
        """Delete a schedule; the invoices that it issued stay."""
        self.invoices.untie("schedule_id", schedule.id, at=self.clock())
        self.schedules.remove(schedule)

    def delete_profile(self, profile: Profile) -> None:
        """Delete a payment profile; schedules no longer charge it."""
        self.schedules.untie("payment_profile_id", profile.id, at=self.clock())
        self.profiles.remove(profile)

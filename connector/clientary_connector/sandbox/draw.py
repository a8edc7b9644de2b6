"""Draws single made-up records from a source of randomness and puts them into an account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final, TypeVar

from clientary_connector.sandbox import names
from clientary_connector.sandbox.documents import sum_up
from clientary_connector.sandbox.money import cents
from clientary_connector.sandbox.records import (
    Company,
    Contact,
    Estimate,
    Expense,
    Hour,
    Invoice,
    Item,
    Payment,
    Profile,
    Project,
    Schedule,
    Staff,
    Task,
)
from clientary_connector.sandbox.settling import settle
from clientary_connector.sandbox.state import State

T = TypeVar("T")

_RATES: Final = tuple(map(Decimal, ("85.00", "95.50", "110.00", "125.00")))
_PRICES: Final = tuple(map(Decimal, ("49.99", "120.00", "333.33", "1250.00")))
_QUANTITIES: Final = tuple(map(Decimal, ("1", "2", "3.5", "7.25")))
_CURRENCY: Final = "USD"
_HALF: Final = Decimal("0.5")


class Draw:
    """Makes records one by one; what comes out depends on the randomness and the order alone."""

    def __init__(self, state: State, random: Random) -> None:
        """Draw for one account."""
        self._state = state
        self._random = random
        self._companies: set[str] = set()
        self._now = datetime.combine(state.today, time(8), UTC)

    def staff(self) -> Staff:
        """Hire somebody."""
        name, table = self._person(), self._state.staff
        email = _address(name, f"{self._state.subdomain}.example")
        member = Staff(id=table.new_id(), updated_at=self._now, name=name, email=email)
        member.title = self._one(names.JOBS)
        return table.add(member)

    def client(self, number: int) -> Company:
        """Add a client; one in eight is archived."""
        client = self._company(self._state.clients.new_id(), f"C-{number + 1:03}")
        client.status = 2 if number % 8 == 7 else 1  # noqa: PLR2004 - the last of eight
        return self._state.clients.add(client)

    def lead(self, number: int) -> Company:
        """Add a lead."""
        return self._state.leads.add(
            self._company(self._state.leads.new_id(), f"L-{number + 1:03}")
        )

    def contact(self, *, client_id: int | None = None, lead_id: int | None = None) -> Contact:
        """Add a person of a client or a lead."""
        name, table = self._person(), self._state.contacts
        contact = Contact(
            id=table.new_id(),
            **self._stamps(),
            name=name,
            email=_address(name, "mail.example"),
            client_id=client_id,
            lead_id=lead_id,
            title=self._one(names.JOBS),
            phone=f"+1 555 01{self._random.randrange(100):02}",
        )
        return table.add(contact)

    def project(self, client: Company) -> Project:
        """Add a project of a client; one in six is completed."""
        table = self._state.projects
        record_id = table.new_id()
        project = Project(
            id=record_id,
            **self._stamps(),
            name=f"{self._one(names.UNDERTAKINGS)} {record_id}",
            rate=self._one(_RATES),
            client_id=client.id,
            number=f"PROJ{record_id}",
            budget=Decimal(self._random.randrange(20, 200)),
            status=self._one((1, 1, 1, 4, 4, 2)),
            currency_code=_CURRENCY,
            end_date=self._state.today + timedelta(days=self._random.randrange(10, 200)),
        )
        return table.add(project)

    def task(self, client: Company, project: Project) -> Task:
        """Add a task of a project; one in three is complete."""
        table, stamps = self._state.tasks, self._stamps()
        complete = self._random.randrange(3) == 0
        task = Task(
            id=table.new_id(),
            **stamps,
            title=self._one(names.LABOURS),
            user_id=self._state.user_id,
            project_id=project.id,
            client_id=client.id,
            assignee_id=self._one(tuple(self._state.staff.rows)),
            due_date=self._state.today + timedelta(days=self._random.randrange(-30, 60)),
            complete=complete,
            completed_at=stamps["updated_at"] if complete else None,
        )
        return table.add(task)

    def hour(self, project: Project) -> Hour:
        """Log time on a project; one entry in three is billed."""
        table = self._state.hours
        hour = Hour(
            id=table.new_id(),
            **self._stamps(),
            project_id=project.id,
            user_id=self._state.user_id,
            title=self._one(names.LABOURS),
            hours=Decimal(self._random.randrange(1, 33)) / 4,
            date=self._day(120),
            rate=self._one((None, *_RATES)),
            billed=self._random.randrange(3) == 0,
        )
        return table.add(hour)

    def expense(self, client: Company, project: Project) -> Expense:
        """Note an expense of a project; some lie in the last fiscal year."""
        table = self._state.expenses
        expense = Expense(
            id=table.new_id(),
            **self._stamps(),
            user_id=self._state.user_id,
            amount=self._cents(500, 50_000),
            incurred_on=self._day(250),
            description=self._one(names.PURCHASES),
            client_id=client.id,
            project_id=project.id,
        )
        return table.add(expense)

    def estimate(
        self,
        *,
        client_id: int | None = None,
        lead_id: int | None = None,
        project_id: int | None = None,
    ) -> Estimate:
        """Propose something to a client or a lead."""
        table = self._state.estimates
        estimate = Estimate(
            id=table.new_id(),
            **self._document(f"E-{len(table) + 1}"),
            client_id=client_id,
            lead_id=lead_id,
            project_id=project_id,
            status=self._random.randrange(8),
            date=self._day(300),
        )
        sum_up(estimate)
        return table.add(estimate)

    def invoice(
        self, client: Company, *, project: Project | None = None, schedule: Schedule | None = None
    ) -> Invoice:
        """Bill a client; of the invoices sent, some are paid, in full or by half."""
        table, day = self._state.invoices, self._day(300)
        invoice = Invoice(
            id=table.new_id(),
            **self._document(str(1_000 + len(table) + 1)),
            client_id=client.id,
            status=self._one((0, 1, 1, 2, 3)),
            date=day,
            due_date=day + timedelta(days=30),
            project_id=project.id if project else None,
            schedule_id=schedule.id if schedule else None,
        )
        sum_up(invoice)
        share = self._one((Decimal(0), _HALF, Decimal(1)))
        if share and invoice.status in {1, 2}:
            self._payment(invoice, cents(invoice.totals.total * share))
        return table.add(invoice)

    def profile(self, client: Company) -> Profile:
        """Store a payment method of a client."""
        table = self._state.profiles
        profile = Profile(
            id=table.new_id(),
            **self._stamps(),
            client_id=client.id,
            name=self._person(),
            gateway="stripe",
            gateway_token=f"cus_made_up_{self._random.randrange(16**8):08x}",
            expiration_date=self._state.today + timedelta(days=self._random.randrange(30, 900)),
            city=client.city,
            country=client.country,
        )
        return table.add(profile)

    def schedule(self, client: Company) -> Schedule:
        """Agree on a monthly retainer with a client."""
        table = self._state.schedules
        schedule = Schedule(
            id=table.new_id(),
            **self._document(f"R-{len(table) + 1}"),
            client_id=client.id,
            next_date=self._state.today + timedelta(days=self._random.randrange(1, 31)),
            time_interval=5,
            due_period=14,
        )
        sum_up(schedule)
        return table.add(schedule)

    def _payment(self, invoice: Invoice, amount: Decimal) -> None:
        table = self._state.payments
        payment = Payment(
            id=table.new_id(),
            **self._stamps(),
            invoice_id=invoice.id,
            amount=amount,
            received_on=invoice.date + timedelta(days=self._random.randrange(5, 30)),
            note=self._one((None, "Thank you", "Bank transfer")),
        )
        table.add(payment)
        invoice.paid = amount
        settle(invoice)

    def _company(self, record_id: int, number: str) -> Company:
        return Company(
            id=record_id,
            **self._stamps(),
            name=self._company_name(),
            number=number,
            address=f"{self._random.randrange(1, 200)} {self._one(names.STREETS)}",
            city=self._one(names.CITIES),
            zip=f"{self._random.randrange(100_000):05}",
            country="US",
            website=f"https://{number.lower()}.example",
        )

    def _document(self, number: str) -> dict[str, Any]:
        return {
            **self._stamps(),
            "user_id": self._state.user_id,
            "number": number,
            "currency_code": _CURRENCY,
            "title": self._one(names.UNDERTAKINGS),
            "tax": self._one((None, Decimal("8.25"))),
            "tax_label": "Sales tax",
            "items": [self._item() for _ in range(self._random.randrange(1, 4))],
        }

    def _item(self) -> Item:
        return Item(
            id=self._state.new_item_id(),
            title=self._one(names.LABOURS),
            price=self._one(_PRICES),
            quantity=self._one(_QUANTITIES),
        )

    def _company_name(self) -> str:
        parts = (names.ADJECTIVES, names.THINGS, names.TRADES)
        name = " ".join(self._one(part) for part in parts)
        while name in self._companies:
            name = f"{name} of {self._one(names.CITIES)}"
        self._companies.add(name)
        return name

    def _person(self) -> str:
        return f"{self._one(names.FIRST)} {self._one(names.LAST)}"

    def _stamps(self) -> dict[str, Any]:
        made = self._now - timedelta(minutes=self._random.randrange(1_440, 576_000))
        return {"created_at": made, "updated_at": made + (self._now - made) / 2}

    def _day(self, most_days_ago: int) -> date:
        return self._state.today - timedelta(days=self._random.randrange(most_days_ago))

    def _cents(self, least: int, most: int) -> Decimal:
        return Decimal(self._random.randrange(least, most)).scaleb(-2)

    def _one(self, choices: Sequence[T]) -> T:
        return self._random.choice(choices)


def _address(name: str, host: str) -> str:
    return f"{name.lower().replace(' ', '.')}@{host}"

"""What a simulated account holds: one typed record for each noun of the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from clientary_connector.sandbox.money import Totals

Day = date  # a field called `date` would hide the type


class Record(Protocol):
    """What every record has: an id, and the moment of its last change."""

    id: int
    updated_at: datetime


@dataclass(slots=True, kw_only=True)
class Company:
    """A client or a lead: the two have the same shape and live in tables of their own."""

    id: int
    created_at: datetime
    updated_at: datetime
    name: str
    number: str | None = None
    address: str | None = None
    address_2: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    website: str | None = None
    description: str | None = None
    invoice_extra_fields: object = None
    status: int = 1


@dataclass(slots=True, kw_only=True)
class Contact:
    """A person of one client or of one lead."""

    id: int
    created_at: datetime
    updated_at: datetime
    name: str
    email: str
    client_id: int | None = None
    lead_id: int | None = None
    title: str | None = None
    phone: str | None = None
    ext: str | None = None
    mobile: str | None = None


@dataclass(slots=True, kw_only=True)
class Staff:
    """A member of the account's own staff; the first one owns the key."""

    id: int
    updated_at: datetime
    name: str
    email: str
    title: str | None = None
    phone: str | None = None
    ext: str | None = None
    mobile: str | None = None


@dataclass(slots=True, kw_only=True)
class Project:
    """Work for a client, by the hour or for a fixed amount."""

    id: int
    created_at: datetime
    updated_at: datetime
    name: str
    rate: Decimal
    client_id: int | None = None
    number: str | None = None
    description: str | None = None
    budget: Decimal | None = None
    budget_type: int = 0
    project_type: int = 0
    status: int = 1
    currency_code: str | None = None
    end_date: Day | None = None


@dataclass(slots=True, kw_only=True)
class Task:
    """Something to do, perhaps in a project, for a client, by a member of staff."""

    id: int
    created_at: datetime
    updated_at: datetime
    title: str
    user_id: int
    description: str | None = None
    project_id: int | None = None
    client_id: int | None = None
    assignee_id: int | None = None
    due_date: Day | None = None
    complete: bool = False
    completed_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Hour:
    """Time worked on one project."""

    id: int
    created_at: datetime
    updated_at: datetime
    project_id: int
    user_id: int
    title: str
    hours: Decimal
    date: Day
    description: str | None = None
    rate: Decimal | None = None
    billed: bool = False


@dataclass(slots=True, kw_only=True)
class Expense:
    """Money spent, perhaps for a client or a project."""

    id: int
    created_at: datetime
    updated_at: datetime
    user_id: int
    amount: Decimal
    incurred_on: Day
    description: str | None = None
    client_id: int | None = None
    project_id: int | None = None
    invoice_id: int | None = None
    invoice_item_id: int | None = None


@dataclass(slots=True, kw_only=True)
class Item:
    """One line of an estimate, an invoice or a recurring schedule."""

    id: int
    title: str
    price: Decimal = Decimal(0)
    quantity: Decimal = Decimal(0)
    item_type: int = 3
    taxable: bool = True
    secondary_tax: bool = True
    tertiary_tax: bool = True


@dataclass(slots=True, kw_only=True)
class Document:
    """What estimates, invoices and recurring schedules share: lines, taxes, totals."""

    id: int
    created_at: datetime
    updated_at: datetime
    user_id: int
    number: str
    currency_code: str
    client_id: int | None = None
    title: str | None = None
    note: str | None = None
    summary: str | None = None
    po: str | None = None
    status: int = 0
    tax: Decimal | None = None
    tax2: Decimal | None = None
    tax3: Decimal | None = None
    tax_label: str | None = None
    tax2_label: str | None = None
    tax3_label: str | None = None
    compound_tax: bool = False
    items: list[Item] = field(default_factory=list[Item])
    totals: Totals = field(default_factory=Totals)


@dataclass(slots=True, kw_only=True)
class Estimate(Document):
    """A proposal to a client or a lead; the API's actions only read it."""

    date: Day
    lead_id: int | None = None
    project_id: int | None = None


@dataclass(slots=True, kw_only=True)
class Invoice(Document):
    """A bill; `paid` is the sum of its payments."""

    date: Day
    due_date: Day
    project_id: int | None = None
    schedule_id: int | None = None
    paid: Decimal = Decimal(0)

    @property
    def balance(self) -> Decimal:
        """Return what is still owed."""
        return self.totals.total - self.paid


@dataclass(slots=True, kw_only=True)
class Schedule(Document):
    """A recurring schedule: issues an invoice at every interval."""

    next_date: Day
    time_interval: int
    due_period: int
    action: int = 0
    unlimited: bool = True
    occurrences_remaining: int | None = None
    payment_profile_id: int | None = None


@dataclass(slots=True, kw_only=True)
class Payment:
    """Money received for one invoice."""

    id: int
    created_at: datetime
    updated_at: datetime
    invoice_id: int
    amount: Decimal
    received_on: Day
    note: str | None = None
    transaction_fee_amount: Decimal | None = None
    transaction_id: str | None = None


@dataclass(slots=True, kw_only=True)
class Profile:
    """A client's stored payment method; Stripe holds the card."""

    id: int
    created_at: datetime
    updated_at: datetime
    client_id: int
    name: str
    gateway: str
    gateway_token: str
    expiration_date: Day
    address: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """An invoice message that would have left the house, kept for inspection."""

    invoice_id: int
    recipients: tuple[str, ...]
    subject: str | None
    message: str | None
    send_copy: bool
    attach_pdf: bool
    at: datetime

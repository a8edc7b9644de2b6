"""Proves that lists have the API's envelopes, page sizes, filters and orders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from clientary_connector.sandbox import Rules, Sandbox, SteadyClock
from tests.connector.sandbox_ground import Ground, ground

pytestmark = pytest.mark.requirement("sandbox.lists")

PAGED = [
    ("/clients", "clients", 10),
    ("/leads", "leads", 20),
    ("/contacts", "contacts", 10),
    ("/clients/1001/contacts", "contacts", 10),
    ("/projects", "projects", 20),
    ("/clients/1001/projects", "projects", 10),
    ("/tasks", "tasks", 50),
    ("/projects/3001/tasks", "tasks", 50),
    ("/estimates", "estimates", 30),
    ("/clients/1001/estimates", "estimates", 30),
    ("/projects/3001/estimates", "estimates", 30),
    ("/invoices", "invoices", 30),
    ("/clients/1001/invoices", "invoices", 30),
    ("/projects/3001/invoices", "invoices", 30),
    ("/recurring/7007/invoices", "invoices", 30),
    ("/payments", "payments", 30),
]
SHORT = [
    ("/recurring", "recurring", 30),
    ("/clients/1001/payment_profiles", "payment_profiles", 30),
]
NESTED = [
    "/clients/{}/contacts",
    "/clients/{}/projects",
    "/clients/{}/estimates",
    "/clients/{}/invoices",
    "/clients/{}/expenses",
    "/clients/{}/payment_profiles",
    "/projects/{}/tasks",
    "/projects/{}/hours",
    "/projects/{}/estimates",
    "/projects/{}/invoices",
    "/projects/{}/expenses",
    "/recurring/{}/invoices",
]


@pytest.fixture(scope="module")
def account() -> Iterator[Ground]:
    """Serve a small account that these tests only read."""
    with ground() as served:
        yield served


def ids(rows: list[dict[str, Any]]) -> list[int]:
    """Return the ids of rows."""
    return [row["id"] for row in rows]


@pytest.mark.parametrize(("path", "name", "size"), PAGED)
def test_a_list_has_pages_of_the_documented_size(
    account: Ground, path: str, name: str, size: int
) -> None:
    """The envelope is true, no record is missing or twice, and past the end is nothing."""
    first = account.read(path)
    assert set(first) == {"page_count", "page_size", "total_count", name}
    assert first["page_size"] == size
    assert first["page_count"] > 1
    pages = [account.read(path, page=number + 1)[name] for number in range(first["page_count"])]
    assert all(len(page) == size for page in pages[:-1])
    assert len({row["id"] for page in pages for row in page}) == first["total_count"]
    assert sum(map(len, pages)) == first["total_count"]
    beyond = account.read(path, page=first["page_count"] + 1)
    assert (beyond[name], beyond["total_count"]) == ([], first["total_count"])


@pytest.mark.parametrize(("path", "name", "size"), SHORT)
def test_a_short_list_has_one_page(account: Ground, path: str, name: str, size: int) -> None:
    """All records stand on the first page."""
    page = account.read(path)
    assert page == {**page, "page_count": 1, "page_size": size, "total_count": len(page[name])}
    assert page[name]


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "٣"])
def test_a_page_that_is_no_number_is_the_first(account: Ground, page: str) -> None:
    """Odd pages are read as 1."""
    assert account.read("/clients", page=page) == account.read("/clients")


@pytest.mark.parametrize("template", NESTED)
def test_a_list_below_nobody_is_404(account: Ground, template: str) -> None:
    """An unknown parent is not an empty list."""
    assert account.status("GET", template.format(99_999_999)) == 404


@pytest.mark.parametrize(
    ("given", "size"), [("1", 1), ("25", 25), ("100", 100), ("101", 100), ("0", 1), ("x", 10)]
)
def test_contacts_take_a_page_size_up_to_100(account: Ground, given: str, size: int) -> None:
    """A larger one is cut, an odd one is the default."""
    page = account.read("/contacts", page_size=given)
    assert page["page_size"] == size
    assert len(page["contacts"]) == min(size, page["total_count"])


def test_other_lists_take_no_page_size(account: Ground) -> None:
    """It is documented for contacts alone."""
    assert account.read("/clients", page_size=25)["page_size"] == 10


def test_clients_come_by_name_or_by_date(account: Ground) -> None:
    """By default in alphabetical order, with sort=date the newest first."""
    names = [row["name"] for row in account.read("/clients")["clients"]]
    assert names == sorted(names, key=str.casefold)
    dates = [row["created_at"] for row in account.read("/clients", sort="date")["clients"]]
    assert dates == sorted(dates, reverse=True)


def test_leads_come_newest_first_oldest_first_or_by_name(account: Ground) -> None:
    """An unknown order is the default."""
    newest = account.read("/leads")["leads"]
    dates = [row["created_at"] for row in newest]
    assert dates == sorted(dates, reverse=True)
    assert account.read("/leads", sort="whatever")["leads"] == newest
    oldest = [row["created_at"] for row in account.read("/leads", sort="oldest")["leads"]]
    assert oldest == sorted(oldest)
    names = [row["name"] for row in account.read("/leads", sort="name")["leads"]]
    assert names == sorted(names, key=str.casefold)


def test_payments_come_by_receipt_or_by_creation(account: Ground) -> None:
    """The newest first, either way."""
    received = [row["received_on"] for row in account.read("/payments")["payments"]]
    assert received == sorted(received, reverse=True)
    rows = account.read("/payments", sort="created_at")["payments"]
    created = [row["created_at"] for row in rows]
    assert created == sorted(created, reverse=True)


def test_invoices_come_newest_first(account: Ground) -> None:
    """By their date."""
    dates = [row["date"] for row in account.read("/invoices")["invoices"]]
    assert dates == sorted(dates, reverse=True)


@pytest.mark.parametrize(("path", "name"), [("/clients", "clients"), ("/invoices", "invoices")])
@pytest.mark.parametrize(
    "since", ["2026-01-01", "2026/01/01", "2026-01-01T00:00:00Z", "2025-12-31T16:00:00-08:00"]
)
def test_updated_since_leaves_out_what_is_older(
    account: Ground, path: str, name: str, since: str
) -> None:
    """The bound may be a day or a moment with any offset; one without is UTC."""
    page = account.read(path, updated_since=since)
    assert 0 < page["total_count"] < account.read(path)["total_count"]
    assert all(row["updated_at"] >= "2026-01-01T00:00:00Z" for row in page[name])
    naive = account.read(path, updated_since="2026-01-01T00:00:00")
    assert naive == page
    assert account.read(path, updated_since="") == account.read(path)


@pytest.mark.parametrize(
    ("path", "name"), [("/clients", "updated_since"), ("/expenses", "from_date")]
)
@pytest.mark.parametrize("given", ["yesterday", "2026-13-01", "2026-1-1T"])
def test_a_bound_that_is_no_date_is_422(account: Ground, path: str, name: str, given: str) -> None:
    """The field is named."""
    answer = account.http.get(path, params={name: given})
    assert (answer.status_code, answer.json()) == (422, {name: ["is invalid"]})


def test_projects_are_open_unless_all_are_asked_for(account: Ground) -> None:
    """Completed ones come with filter=all; a client shows all of its own."""
    everything = account.read("/projects", filter="all")
    opened = account.read("/projects")
    completed = [row for row in account.sandbox.state.projects if row.status == 2]
    assert everything["total_count"] - opened["total_count"] == len(completed) > 0
    client_id = completed[0].client_id
    found: list[int] = []
    for page in (1, 2):
        found += ids(account.read(f"/clients/{client_id}/projects", page=page)["projects"])
    assert completed[0].id in found


def test_hours_are_bare_and_may_be_filtered(account: Ground) -> None:
    """No paging: all at once, or those billed, or those not."""
    path = f"/projects/{account.project_id()}/hours"
    everything = account.read(path)
    assert set(everything) == {"hours"}
    billed = account.read(path, filter="billed")["hours"]
    unbilled = account.read(path, filter="unbilled")["hours"]
    assert len(billed) + len(unbilled) == len(everything["hours"]) > 50
    assert {row["billed?"] for row in billed} == {True}
    assert {row["billed?"] for row in unbilled} == {False}
    assert account.read(path, filter="odd") == everything


def test_expenses_are_those_of_the_fiscal_year(account: Ground) -> None:
    """Unpaged, with count and range; a given range replaces the year, from both ends."""
    page = account.read("/expenses")
    assert set(page) == {"total_count", "from_date", "to_date", "expenses"}
    assert (page["from_date"], page["to_date"]) == ("2026/01/01", "2026/12/31")
    assert page["total_count"] == len(page["expenses"])
    assert all(row["incurred_on"] >= "2026/01/01" for row in page["expenses"])
    older = account.read("/expenses", from_date="2025-01-01", to_date="2025/12/31")
    assert (older["from_date"], older["to_date"]) == ("2025/01/01", "2025/12/31")
    assert older["total_count"] > 0
    assert page["total_count"] + older["total_count"] == len(account.sandbox.state.expenses)
    assert account.read("/expenses", from_date="2026-12-31")["expenses"] == []


@pytest.mark.parametrize(("start", "first", "last"), [
    (4, "2026/04/01", "2027/03/31"),
    (7, "2025/07/01", "2026/06/30"),
])  # fmt: skip
def test_a_fiscal_year_may_start_in_any_month(start: int, first: str, last: str) -> None:
    """The current one holds today."""
    with ground(Sandbox(rules=Rules(fiscal_year_start=start))) as account:
        page = account.read("/expenses")
        assert (page["from_date"], page["to_date"]) == (first, last)


@pytest.mark.parametrize("parent", ["clients", "projects"])
def test_expenses_of_a_parent_are_its_own(account: Ground, parent: str) -> None:
    """A range works there, too."""
    record = account.client_id() if parent == "clients" else account.project_id()
    path = f"/{parent}/{record}/expenses"
    page = account.read(path, from_date="2020-01-01")
    link = f"{parent[:-1]}_id"
    assert page["total_count"] == len(account.sandbox.state.expenses.under(link, record)) > 0
    assert {row[link] for row in page["expenses"]} == {record}


def test_the_clock_says_what_today_is() -> None:
    """The account's dates are relative to it."""
    clock = SteadyClock(datetime(2030, 2, 1, 12, tzinfo=UTC))
    with ground(Sandbox(clock=clock)) as account:
        page = account.read("/expenses")
        assert page["from_date"] == "2030/01/01"
        made = account.create("/expenses", "expense", amount=1)
        assert made["incurred_on"] == "2030/02/01"

"""Proves that the simulated Clientary makes, reads and changes each record as the API does."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from clientary_connector.sandbox import Rules, Sandbox
from tests.connector.sandbox_ground import Ground, ground

pytestmark = pytest.mark.requirement("sandbox.records")

ABSENT = 99_999_999
NOW = "2026-06-15T"


@pytest.fixture
def account() -> Iterator[Ground]:
    """Serve a small account."""
    with ground() as served:
        yield served


def given(record: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Return of a record what is expected of it."""
    return {name: record.get(name, "missing") for name in expected}


@pytest.mark.parametrize(("path", "wrapper"), [("/clients", "client"), ("/leads", "lead")])
def test_a_company_is_created_changed_and_deleted(account: Ground, path: str, wrapper: str) -> None:
    """Clients and leads keep all their fields; a change leaves what it does not name."""
    fields = {
        "name": "Kite Works",
        "number": "K-1",
        "address": "1 Echo Mews",
        "address_2": "Top bell",
        "city": "Gullport",
        "state": "GP",
        "zip": "01234",
        "country": "US",
        "website": "https://kite.example",
        "description": "Strings attached",
        "invoice_extra_fields": {"vat": "X1"},
    }
    made = account.create(path, wrapper, **fields)
    assert given(made, fields) == fields
    assert made["status"] == 1
    assert made["created_at"].startswith(NOW)
    one = f"{path}/{made['id']}"
    assert account.read(one) == made
    changed = account.update(one, wrapper, city=None, status="2", unknown="ignored")
    expected = {**made, "city": None, "status": 2, "updated_at": changed["updated_at"]}
    assert changed == expected
    assert changed["updated_at"] > made["updated_at"]
    account.delete(one)
    assert account.status("GET", one) == 404
    assert account.status("DELETE", one) == 404


@pytest.mark.parametrize(("path", "wrapper"), [("/clients", "client"), ("/leads", "lead")])
def test_a_company_needs_a_name_and_a_number_of_its_own(
    account: Ground, path: str, wrapper: str
) -> None:
    """All faults come at once, by field; its own number may be given again."""
    blank = "can't be blank"
    taken = "has already been taken"
    made = account.create(path, wrapper, name="Kite", number=7)
    assert made["number"] == "7"
    assert account.rejection("POST", path, wrapper) == {"name": [blank]}
    assert account.rejection("POST", path, wrapper, name=" ", status=3, city=["x"]) == {
        "name": [blank],
        "status": ["is not included in the list"],
        "city": ["is invalid"],
    }
    assert account.rejection("POST", path, wrapper, name="x", number="7") == {"number": [taken]}
    one = f"{path}/{made['id']}"
    assert account.update(one, wrapper, number="7", name="Kite II")["name"] == "Kite II"
    assert account.rejection("PUT", one, wrapper, name="") == {"name": [blank]}
    assert account.rejection("PUT", one, wrapper, status=None) == {"status": [blank]}
    assert account.update(one, wrapper, number="")["number"] is None
    assert account.create(path, wrapper, name="Kite", number=None)["number"] is None


@pytest.mark.parametrize(
    ("rules", "path", "wrapper"),
    [
        (Rules(max_clients=24), "/clients", "client"),
        (Rules(max_leads=25), "/leads", "lead"),
        (Rules(max_contacts=85), "/clients/1001/contacts", "client_user"),
    ],
)
def test_a_plan_that_is_full_answers_426(rules: Rules, path: str, wrapper: str) -> None:
    """Beyond the limit nothing is created; a faulty record is 422 all the same."""
    with ground(Sandbox(rules=rules)) as account:
        record = {"name": "Kite", "email": "kite@mail.example"}
        answer = account.http.post(path, json={wrapper: record})
        assert answer.status_code == 426
        assert "plan allows" in answer.json()["error"]
        assert account.status("POST", path, **{wrapper: {"city": "x"}}) == 422
        assert not account.sandbox.effects


def test_a_client_shows_what_is_reported_of_it(account: Ground) -> None:
    """What is owed and how many people it has come with the record."""
    client_id = account.client_id()
    shown = account.read(f"/clients/{client_id}")
    state = account.sandbox.state
    due = [one for one in state.invoices.under("client_id", client_id) if one.status in {1, 2}]
    assert Decimal(str(shown["amount_outstanding"])) == sum(one.balance for one in due)
    assert shown["pending_invoices"] == len(due)
    assert shown["users_count"] == len(state.contacts.under("client_id", client_id))


def test_a_contact_lives_in_a_client(account: Ground) -> None:
    """It is created below the client and addressed on its own afterwards."""
    client_id = account.client_id()
    fields = {
        "name": "Jora Kettledrum",
        "email": "jora@mail.example",
        "title": "Director",
        "phone": "+1 555 0100",
        "ext": "7",
        "mobile": "+1 555 0101",
    }
    made = account.create(f"/clients/{client_id}/contacts", "client_user", **fields)
    assert given(made, fields) == fields
    assert (made["client_id"], made["client"]["id"]) == (client_id, client_id)
    assert made["avatar"].startswith("/")
    one = f"/contacts/{made['id']}"
    assert account.read(one) == made
    changed = account.update(one, "client_user", email="j@mail.example", client_id=1002)
    assert (changed["email"], changed["client_id"]) == ("j@mail.example", client_id)
    account.delete(one)
    assert account.status("GET", one) == 404


def test_a_contact_needs_a_name_an_address_and_a_client(account: Ground) -> None:
    """The wrapper is client_user, no other; the client must be there."""
    path = f"/clients/{account.client_id()}/contacts"
    blank = ["can't be blank"]
    assert account.rejection("POST", path, "client_user") == {"name": blank, "email": blank}
    faulty = account.rejection("POST", path, "client_user", name="x", email="nobody")
    assert faulty == {"email": ["is invalid"]}
    assert account.status("POST", path, contact={"name": "x", "email": "x@mail.example"}) == 400
    record = {"name": "x", "email": "x@mail.example"}
    assert account.status("POST", f"/clients/{ABSENT}/contacts", client_user=record) == 404


def test_a_contact_of_a_lead_has_no_client(account: Ground) -> None:
    """Its client is null."""
    lead = next(iter(account.sandbox.state.leads))
    contact = account.sandbox.state.contacts.under("lead_id", lead.id)[0]
    shown = account.read(f"/contacts/{contact.id}")
    assert (shown["client_id"], shown["client"]) == (None, None)


def test_staff_is_only_read(account: Ground) -> None:
    """One by one or all at once."""
    everybody = account.read("/staff")["staff"]
    assert len(everybody) == 5
    assert account.read(f"/staff/{everybody[1]['id']}") == everybody[1]
    assert "client_id" not in everybody[0]


def test_a_project_is_created_changed_and_deleted(account: Ground) -> None:
    """Dates come back with slashes, the client nested, amounts as they were given."""
    fields = {
        "name": "Relaunch",
        "rate": "125.50",
        "number": "P-1",
        "description": "All new",
        "budget": 40,
        "budget_type": 1,
        "project_type": 0,
        "status": 4,
        "currency_code": "EUR",
        "end_date": "2026-12-24",
        "client_id": account.client_id(),
    }
    made = account.create("/projects", "project", **fields)
    expected = {**fields, "rate": 125.5, "end_date": "2026/12/24"}
    del expected["client_id"]
    assert given(made, expected) == expected
    assert made["client"]["id"] == account.client_id()
    assert (made["worked_hours"], made["unbilled_hours"], made["cost"]) == (0, 0, 0)
    one = f"/projects/{made['id']}"
    assert account.read(one) == made
    changed = account.update(one, "project", status=2, client_id=None)
    assert (changed["status"], changed["client"], changed["name"]) == (2, None, "Relaunch")
    account.delete(one)
    assert account.status("GET", one) == 404


def test_a_project_needs_a_name_and_a_rate_and_known_values(account: Ground) -> None:
    """There is no status 3, no other account's client, no number twice."""
    assert set(account.rejection("POST", "/projects", "project")) == {"name", "rate"}
    taken = next(iter(account.sandbox.state.projects)).number
    assert account.rejection(
        "POST", "/projects", "project", name="x", rate=1, number=taken, client_id=ABSENT
    ) == {"number": ["has already been taken"], "client_id": ["must exist"]}
    wrong = {
        "rate": "a lot",
        "status": 3,
        "budget_type": 1.5,
        "project_type": True,
        "end_date": "tomorrow",
        "budget": "NaN",
    }
    assert account.rejection("POST", "/projects", "project", name="x", **wrong) == {
        "rate": ["is not a number"],
        "status": ["is not included in the list"],
        "budget_type": ["must be an integer"],
        "project_type": ["is not a number"],
        "end_date": ["is invalid"],
        "budget": ["is not a number"],
    }


def test_a_fixed_amount_is_the_cost_of_its_project(account: Ground) -> None:
    """With project type 2 the rate is the whole price."""
    made = account.create("/projects", "project", name="Fixed", rate=5000, project_type=2)
    assert made["cost"] == 5000


def test_hours_cost_what_they_should_and_add_up_in_their_project(account: Ground) -> None:
    """Without a rate of its own an entry takes that of its project."""
    project = account.create("/projects", "project", name="Hourly", rate="100.10")
    path = f"/projects/{project['id']}/hours"
    plain = account.create(path, "project_item", title="Draft", hours=1.5, date="2026/06/01")
    own = account.create(path, "project_item", title="Call", hours="0.25", rate=80)
    assert given(plain, {"hours": 1.5, "rate": 100.1, "cost": 150.15, "billed?": False}) == {
        "hours": 1.5,
        "rate": 100.1,
        "cost": 150.15,
        "billed?": False,
    }
    assert (plain["date"], own["date"]) == ("2026/06/01", "2026/06/15")
    assert (own["cost"], own["user_id"], own["project_id"]) == (20.0, 41, project["id"])
    billed = account.update(f"/hours/{own['id']}", "project_item", billed=True)
    assert billed["billed?"] is True
    shown = account.read(f"/projects/{project['id']}")
    assert (shown["worked_hours"], shown["unbilled_hours"]) == (1.75, 1.5)
    assert (shown["cost"], shown["unbilled_amount"]) == (170.15, 150.15)
    again = account.update(f"/hours/{own['id']}", "project_item", **{"billed?": "false"})
    assert again["billed?"] is False
    assert account.read(f"/hours/{own['id']}") == again
    account.delete(f"/hours/{own['id']}")
    assert account.read(f"/projects/{project['id']}")["worked_hours"] == 1.5


def test_hours_need_a_title_an_amount_and_their_wrapper(account: Ground) -> None:
    """The wrapper is project_item; the project must be there."""
    path = f"/projects/{account.project_id()}/hours"
    assert set(account.rejection("POST", path, "project_item")) == {"title", "hours"}
    wrong = account.rejection("POST", path, "project_item", title="x", hours=1, billed="maybe")
    assert wrong == {"billed": ["is invalid"]}
    assert account.status("POST", path, hour={"title": "x", "hours": 1}) == 400
    record = {"title": "x", "hours": 1}
    assert account.status("POST", f"/projects/{ABSENT}/hours", project_item=record) == 404


def test_a_task_knows_when_it_was_completed(account: Ground) -> None:
    """Completing notes the moment, reopening forgets it, dates have dashes."""
    fields = {
        "title": "Kick-off",
        "description": "Bring kites",
        "project_id": account.project_id(),
        "client_id": account.client_id(),
        "assignee_id": 42,
        "due_date": "2026-07-01",
    }
    made = account.create("/tasks", "task", **fields)
    assert given(made, fields) == fields
    assert (made["complete"], made["completed_at"], made["user_id"]) == (False, None, 41)
    one = f"/tasks/{made['id']}"
    done = account.update(one, "task", complete=True)
    assert done["completed_at"].startswith(NOW)
    assert account.update(one, "task", title="Kick")["completed_at"] == done["completed_at"]
    assert account.update(one, "task", complete=0)["completed_at"] is None
    born_done = account.create("/tasks", "task", title="x", complete="true")
    assert born_done["completed_at"].startswith(NOW)
    assert account.read(f"/tasks/{born_done['id']}") == born_done


def test_a_task_needs_a_title_and_known_links(account: Ground) -> None:
    """Project, client and assignee must be there."""
    links = {"project_id": ABSENT, "client_id": ABSENT, "assignee_id": ABSENT}
    assert account.rejection("POST", "/tasks", "task") == {"title": ["can't be blank"]}
    rejected = account.rejection("POST", "/tasks", "task", title="x", **links)
    assert rejected == {name: ["must exist"] for name in links}


def test_an_expense_is_created_changed_and_deleted(account: Ground) -> None:
    """It is incurred today unless told otherwise, and dates come back with slashes."""
    made = account.create("/expenses", "expense", amount="12.30")
    assert (made["amount"], made["incurred_on"], made["user_id"]) == (12.3, "2026/06/15", 41)
    invoice_id = next(iter(account.sandbox.state.invoices)).id
    fields = {
        "description": "Train",
        "client_id": account.client_id(),
        "project_id": account.project_id(),
        "invoice_id": invoice_id,
    }
    one = f"/expenses/{made['id']}"
    changed = account.update(one, "expense", incurred_on="2026-02-03", **fields)
    assert given(changed, fields) == fields
    assert changed["incurred_on"] == "2026/02/03"
    assert account.read(one) == changed
    account.delete(one)
    assert account.status("GET", one) == 404


def test_an_expense_needs_an_amount_and_known_links(account: Ground) -> None:
    """A day that is not in the calendar is none."""
    blank = {"amount": ["can't be blank"]}
    assert account.rejection("POST", "/expenses", "expense") == blank
    assert account.rejection(
        "POST", "/expenses", "expense", amount=1, incurred_on="2026-02-30"
    ) == {"incurred_on": ["is invalid"]}
    links = {"client_id": ABSENT, "project_id": ABSENT, "invoice_id": ABSENT}
    rejected = account.rejection("POST", "/expenses", "expense", amount=1, **links)
    assert set(rejected) == set(links)


def test_amounts_are_exact_to_the_last_digit(account: Ground) -> None:
    """No amount passes through a float, whether given as number or as text."""
    body = b'{"expense": {"amount": 12345678901234.56789}}'
    answer = account.http.post("/expenses", content=body)
    assert b'"amount":12345678901234.56789' in answer.content
    decoded: dict[str, Any] = msgspec.json.Decoder(float_hook=Decimal).decode(answer.content)
    text = account.http.post("/expenses", json={"expense": {"amount": str(decoded["amount"])}})
    assert b'"amount":12345678901234.56789' in text.content

"""Holds the manifest against the host's catalogue of 57 actions, written down here by hand."""

from __future__ import annotations

import json
from typing import Any, Final, cast

import jsonschema_rs
import pytest

from clientary_connector.manifest import (
    Action,
    Effect,
    clientary_manifest_path,
    load_manifest,
    read_manifest,
)
from clientary_connector.manifest_check import check_manifest

# Number, title, id, alias without CLIENTARY_ (= stands for the id in capitals), scope.
CATALOGUE: Final = """
1 | Create Client | create_client | = | clients:write
2 | Create Contact | create_contact | = | contacts:write
3 | Create Expense | create_expense | = | expenses:write
4 | Create Invoice | create_invoice | = | invoices:write
5 | Create Lead | create_lead | = | leads:write
6 | Create Project | create_project | = | projects:write
7 | Create Project Hours | create_project_hours | = | hours:write
8 | Create Recurring Schedule | create_recurring_schedule | = | recurring_schedules:write
9 | Create Task (v2) | create_task | CREATE_TASK2 | tasks:write
10 | Delete Client | delete_client | = | clients:delete
11 | Delete Contact | delete_contact | DELETE_CLIENTARY_CONTACT | contacts:delete
12 | Delete Expense | delete_expense | DELETE_CLIENTARY_EXPENSE | expenses:delete
13 | Delete Project | delete_project | DELETE_CLIENTARY_PROJECT | projects:delete
14 | Delete Hour Entry | delete_hour_entry | DELETE_HOUR | hours:delete
15 | Delete Lead | delete_lead | = | leads:delete
16 | Delete Payment | delete_payment | = | payments:delete
17 | Delete Payment Profile | delete_payment_profile | = | payment_profiles:delete
18 | Delete Recurring Schedule | delete_recurring_schedule | = | recurring_schedules:delete
19 | Get Client | get_client | = | clients:read
20 | Get Contact | get_contact | = | contacts:read
21 | Get Estimate | get_estimate | = | estimates:read
22 | Get Expense | get_expense | = | expenses:read
23 | Get Hour Entry | get_hour_entry | GET_HOUR | hours:read
24 | Get Invoice | get_invoice | = | invoices:read
25 | Get Lead | get_lead | = | leads:read
26 | Get Project | get_project | = | projects:read
27 | Get Staff | get_staff | = | staff:read
28 | Get Task | get_task | = | tasks:read
29 | List Client Contacts | list_client_contacts | = | contacts:read
30 | List Client Estimates | list_client_estimates | = | estimates:read
31 | List Client Expenses | list_client_expenses | = | expenses:read
32 | List Client Invoices | list_client_invoices | = | invoices:read
33 | List Client Payment Profiles | list_client_payment_profiles | = | payment_profiles:read
34 | List Client Projects | list_client_projects | = | projects:read
35 | List Clients | list_clients | = | clients:read
36 | List Estimates | list_estimates | = | estimates:read
37 | List Expenses | list_expenses | = | expenses:read
38 | List Leads | list_leads | = | leads:read
39 | List Payments | list_payments | = | payments:read
40 | List Project Estimates | list_project_estimates | = | estimates:read
41 | List Project Expenses | list_project_expenses | = | expenses:read
42 | List Project Hours | list_project_hours | = | hours:read
43 | List Project Invoices | list_project_invoices | = | invoices:read
44 | List Projects | list_projects | = | projects:read
45 | List Project Tasks | list_project_tasks | = | tasks:read
46 | List Recurring Schedule Invoices | list_recurring_schedule_invoices | = | invoices:read
47 | List Staff | list_staff | = | staff:read
48 | List Tasks | list_tasks | = | tasks:read
49 | Send Invoice Message | send_invoice_message | = | invoices:send
50 | Update Client | update_client | = | clients:write
51 | Update Contact | update_contact | UPDATE_CLIENTARY_CONTACT | contacts:write
52 | Update Lead | update_lead | UPDATE_CLIENTARY_LEAD | leads:write
53 | Update Expense | update_expense | = | expenses:write
54 | Update Hour Entry | update_hour_entry | UPDATE_HOUR | hours:write
55 | Update Invoice | update_invoice | = | invoices:write
56 | Update Project | update_project | = | projects:write
57 | Update Task | update_task | = | tasks:write
"""

# What a call of each action must give; a change must give one thing more than these.
REQUIRED: Final = {
    "create_client": "name",
    "create_contact": "client_id name email",
    "create_expense": "amount",
    "create_invoice": "date due_date currency_code",
    "create_lead": "name",
    "create_project": "name rate",
    "create_project_hours": "project_id title hours",
    "create_recurring_schedule": "client_id next_date time_interval currency_code due_period",
    "create_task": "title",
    "delete_payment": "invoice_id id",
    "delete_payment_profile": "client_id id",
    "list_client_contacts": "client_id",
    "list_client_estimates": "client_id",
    "list_client_expenses": "client_id",
    "list_client_invoices": "client_id",
    "list_client_payment_profiles": "client_id",
    "list_client_projects": "client_id",
    "list_clients": "",
    "list_estimates": "",
    "list_expenses": "",
    "list_leads": "",
    "list_payments": "",
    "list_project_estimates": "project_id",
    "list_project_expenses": "project_id",
    "list_project_hours": "project_id",
    "list_project_invoices": "project_id",
    "list_projects": "",
    "list_project_tasks": "project_id",
    "list_recurring_schedule_invoices": "recurring_schedule_id",
    "list_staff": "",
    "list_tasks": "",
    "send_invoice_message": "invoice_id recipients",
}

# Only these lists have no pages.
UNPAGED: Final = {
    "list_client_expenses",
    "list_client_payment_profiles",
    "list_expenses",
    "list_project_expenses",
    "list_project_hours",
    "list_staff",
}

CASCADES: Final = {
    "delete_client": "projects invoices estimates contacts",
    "delete_contact": "comments",
    "delete_project": "tasks hours expenses invoices estimates comments notes",
    "delete_lead": "estimates contacts",
}

# A model reads all tools at once: 50,000 characters of them are about 12,000 tokens.
MOST_CHARACTERS: Final = 50_000
MOST_WORDS: Final = 60
MOST_LINES: Final = 2_500

MANIFEST: Final = load_manifest()
EVERY_ACTION: Final = pytest.mark.parametrize(
    "action", [pytest.param(action, id=action.id) for action in MANIFEST.actions.values()]
)

pytestmark = pytest.mark.requirement("manifest.catalogue")


def test_the_manifest_has_exactly_the_57_actions_of_the_catalogue_in_its_order() -> None:
    """Number, title, id, alias and scope of each action are those of the catalogue."""
    expected = [tuple(line.split(" | ")) for line in CATALOGUE.strip().splitlines()]
    found = [
        (str(number), a.title, a.id, _short_alias(a), a.scope)
        for number, a in enumerate(MANIFEST.actions.values(), start=1)
    ]
    assert found == expected
    assert len(found) == 57


def test_the_manifest_has_no_fault() -> None:
    """The check finds nothing in the manifest that ships."""
    assert check_manifest(clientary_manifest_path()) == []


@EVERY_ACTION
def test_an_action_requires_what_the_catalogue_says(action: Action) -> None:
    """What is required is required, nothing else is, and a change has to change something."""
    required = action.input.get("required", [])
    assert sorted(required) == sorted(REQUIRED.get(action.id, "id").split())
    least = 2 if action.method == "PUT" else None
    assert action.input.get("minProperties") == least


@EVERY_ACTION
def test_the_effect_is_that_of_the_scope_and_the_method(action: Action) -> None:
    """The effect stands behind the colon of the scope, and the method suits it."""
    methods = {
        Effect.READ: {"GET"},
        Effect.WRITE: {"POST", "PUT"},
        Effect.DELETE: {"DELETE"},
        Effect.SEND: {"POST"},
    }
    assert action.scope == f"{action.resource}:{action.effect}"
    assert action.method in methods[action.effect]


@EVERY_ACTION
def test_a_list_follows_its_pages_only_where_the_service_has_pages(action: Action) -> None:
    """A list takes a limit, fields and, where the service pages it, a page."""
    lists = action.id.startswith("list_")
    assert (action.paging is not None) == lists
    arguments = set(action.input["properties"])
    if action.paging is not None:
        assert {"limit", "fields"} <= arguments
        assert action.paging.page == (None if action.id in UNPAGED else "page")
        assert ("page" in arguments) == (action.id not in UNPAGED)
    if action.id.startswith("get_"):
        assert arguments == {"id", "fields"}


@EVERY_ACTION
def test_a_deletion_warns_of_the_widest_list_of_what_it_takes_along(action: Action) -> None:
    """The cascade of each deletion is that of the catalogue and the reference together."""
    assert [step.resource for step in action.cascade] == CASCADES.get(action.id, "").split()
    if action.effect is Effect.DELETE:
        assert "PERMANENTLY" in action.description


@EVERY_ACTION
def test_a_write_says_how_it_is_looked_up_again(action: Action) -> None:
    """Each write, deletion and message has a way to be looked up, or a reason why not."""
    if action.effect is Effect.READ:
        assert action.lookup is None
    else:
        assert action.lookup is not None
        assert action.lookup.action or action.lookup.cannot


def test_only_a_schedule_that_autobills_moves_money() -> None:
    """The value is known by its name and by its number."""
    moving = {a.id: a.money for a in MANIFEST.actions.values() if a.money is not None}
    assert list(moving) == ["create_recurring_schedule"]
    money = moving["create_recurring_schedule"]
    assert (money.argument, money.values) == ("action", ("autobill", 2))


@EVERY_ACTION
def test_the_schemas_of_an_action_stand_alone(action: Action) -> None:
    """No reference is left in them, and a validator takes them."""
    for schema in (action.input, action.output):
        assert "$ref" not in json.dumps(schema)
        jsonschema_rs.Draft202012Validator(schema)
    assert jsonschema_rs.Draft202012Validator(action.input).is_valid(dict(action.example))


@EVERY_ACTION
def test_a_description_is_short_and_finds_its_ids(action: Action) -> None:
    """A model reads at most 60 words, and the words name an action for each id it must give."""
    assert len(action.description.split()) <= MOST_WORDS
    for name in {"id", *action.place.path} & set(action.input["properties"]):
        assert any(finder in action.description for finder in action.ids[name])


@pytest.mark.parametrize(
    ("document", "fits"),
    [
        ({"id": 8, "price": "0.10"}, True),
        ({"id": 8, "destroy": True}, True),
        ({"title": "Extra", "quantity": 1, "price": 2}, True),
        ({"id": 8}, False),
        ({"destroy": True, "title": "Extra", "quantity": 1, "price": 2}, False),
        ({"title": "Extra", "quantity": 1}, False),
        ({"id": 8, "_destroy": True}, False),
    ],
)
def test_a_line_of_an_invoice_is_edited_added_or_deleted(
    document: dict[str, Any], *, fits: bool
) -> None:
    """With id it edits or deletes, without id it is whole; nothing else is a line."""
    validator = jsonschema_rs.Draft202012Validator(MANIFEST.action("update_invoice").input)
    assert validator.is_valid({"id": 1, "invoice_items_attributes": [document]}) is fits


@pytest.mark.parametrize(
    ("amount", "fits"),
    [
        (12, True),
        (-0.5, True),
        ("1234567.891", True),
        ("-3", True),
        ("1e3", False),
        ("1,5", False),
        ("", False),
        ("NaN", False),
        (True, False),
        (None, False),
        ("1234567890123", False),
    ],
)
def test_money_is_a_number_or_a_plain_decimal_text(amount: object, *, fits: bool) -> None:
    """Exponents, separators, names of no number and other types are refused."""
    validator = jsonschema_rs.Draft202012Validator(MANIFEST.action("create_expense").input)
    assert validator.is_valid({"amount": amount}) is fits


@pytest.mark.requirement("manifest.size")
def test_all_tools_together_fit_into_a_small_part_of_a_context() -> None:
    """Name, description and input of the 57, without our own annotations, stay short."""
    tools = [
        {"name": a.id, "description": a.description, "inputSchema": _plain(a.input)}
        for a in MANIFEST.actions.values()
    ]
    text = json.dumps(tools, separators=(",", ":"), ensure_ascii=False)
    assert len(text) <= MOST_CHARACTERS


@pytest.mark.requirement("manifest.size")
def test_the_manifest_stays_short_enough_to_read() -> None:
    """The file has no more than 2,500 lines."""
    text = clientary_manifest_path().read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES


def test_what_opens_a_document_or_a_purse_is_kept_out_of_the_log() -> None:
    """The link and the secret of a document, and the token of a gateway, are sensitive."""
    definitions = read_manifest(clientary_manifest_path())["$defs"]
    sensitive = {
        (name, field)
        for name, definition in definitions.items()
        for field, schema in definition.get("properties", {}).items()
        if schema.get("x-sensitive")
    }
    assert sensitive == {
        ("estimate", "secret"),
        ("estimate", "client_view_url"),
        ("invoice", "secret"),
        ("invoice", "client_view_url"),
        ("payment_profile", "gateway_token"),
    }


def _short_alias(action: Action) -> str:
    prefix, _, rest = action.alias.partition("_")
    assert prefix == "CLIENTARY"
    return "=" if rest == action.id.upper() else rest


def _plain(schema: object) -> object:
    """Leaves out the annotations that only the engine reads."""
    if isinstance(schema, list):
        return [_plain(part) for part in cast("list[object]", schema)]
    if isinstance(schema, dict):
        parts = cast("dict[str, object]", schema).items()
        return {key: _plain(part) for key, part in parts if not key.startswith("x-")}
    return schema

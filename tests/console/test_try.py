"""Proves that an admin tries an action: a form of its schema, a look first, and one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from html import unescape
from typing import Any, Final

import pytest

from clientary_connector import LogFilter, Manifest, load_manifest
from clientary_connector.call.arguments import Arguments
from clientary_connector.call.kinds import is_list, is_object
from clientary_connector.frontends.console.views.results import Table, cell, json_text, tables_of
from clientary_connector.frontends.console.views.tryform import (
    arguments_of,
    kind_of,
    typed_of,
    with_row,
    without_row,
)
from tests.console.chromium import Chromium
from tests.console.ground import NAME, PERSONA, Ground, Page, stage

pytestmark = pytest.mark.requirement("console.try")

#: How the browser itself writes a day.
OWN_DAY: Final = """(text) => new Intl.DateTimeFormat("en-GB", {
  dateStyle: "medium", timeZone: "UTC" }).format(new Date(text))"""
LOOK: Final = ("do", "look")
RUN: Final = ("do", "run")
WHO: Final = {"connection": NAME, "persona": PERSONA, "prompt": "Bill March, please."}
NASTY: Final = '"><script>alert(1)</script>'


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console with one account, a persona that may do all and one that has to ask."""
    with stage(tmp_path_factory.mktemp("try")) as made:
        made.join()
        made.connector.grant("careful", NAME, scopes=["*:*"], user="ada")
        yield made


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    """The 57 actions."""
    return load_manifest()


def opened(ground: Ground, action: str, query: str = "") -> Page:
    """Opens the form of an action as an admin."""
    return ground.browser("admin").open(f"/actions/{action}/try{query}")


def sent(page: Page, values: Mapping[str, str], button: tuple[str, str] = LOOK) -> Page:
    """Sends the form."""
    return page.send({**WHO, **values}, action="/try", button=button)


# The form


def test_the_form_of_each_action_gives_back_the_example_exactly(manifest: Manifest) -> None:
    """What the example would have to be typed as, comes to the example again."""
    for action in manifest.actions.values():
        typed = typed_of(action.example, action)
        arguments = arguments_of(typed, action)
        assert plain(arguments) == plain(dict(action.example)), action.id
        assert not Arguments(action.input).faults(arguments)


def plain(value: object) -> Any:  # noqa: ANN401 - any JSON value
    """Returns a value with every number as its text: 49.90 is typed with or without quotes."""
    if is_object(value):
        return {name: plain(part) for name, part in value.items()}
    if is_list(value):
        return [plain(part) for part in value]
    return value if isinstance(value, bool) else str(value)


def test_every_argument_has_a_field_of_its_kind(manifest: Manifest) -> None:
    """All kinds of the manifest are known."""
    kinds = {
        kind_of(schema)
        for action in manifest.actions.values()
        for schema in action.input["properties"].values()
    }
    assert kinds == {
        "text", "long", "integer", "decimal", "date", "choice", "list", "pairs", "rows",
    }  # fmt: skip


def test_what_is_wrong_is_told_beside_its_field_all_at_once_and_nothing_is_lost(
    ground: Ground,
) -> None:
    """Of the call itself, of the arguments, and of each row; nothing of it goes into the log."""
    before = ground.connector.log.page(LogFilter(kind="refusal")).entries
    page = opened(ground, "create_invoice")
    page = page.send(action="/try", button=("do", "add:invoice_items_attributes"))
    page = page.send(action="/try", button=("do", "add:invoice_items_attributes"))
    typed = {
        "a:date": "31 March",
        "a:currency_code": "Dollars",
        "a:tax": "7,5",
        "a:note": "Line 1\nLine 2",
        "a:invoice_items_attributes:1:title": "Design",
        "a:invoice_items_attributes:1:price": "much",
    }
    page = page.send(typed, action="/try", button=LOOK)
    assert page.status == 422
    for said in (
        "Give the name or id of a connection.",
        "Give the persona that calls.",
        "Give the prompt that led to this call.",
        "Give a date as YYYY-MM-DD.",
    ):
        assert said in page.text
    faulty = {
        name: page.html.split(f'id="{name}-fault">')[1].split("<")[0]
        for name in (*typed, "a:due_date", "a:invoice_items_attributes:1:quantity")
        if f'id="{name}-fault"' in page.html
    }
    assert set(faulty) == {
        "a:date",
        "a:due_date",
        "a:currency_code",
        "a:tax",
        "a:invoice_items_attributes:1:price",
        "a:invoice_items_attributes:1:quantity",
    }
    fields = dict(page.form("/try").fields)
    assert {name: fields[name] for name in typed} == typed
    assert ground.connector.log.page(LogFilter(kind="refusal")).entries == before


def test_rows_are_added_and_removed_without_a_script(ground: Ground) -> None:
    """What stands in the other rows stays, and an empty row is no line of the invoice."""
    page = opened(ground, "create_invoice", "?example=1")
    for _ in range(2):
        page = sent(page, {}, ("do", "add:invoice_items_attributes"))
    rest = {"title": "Hosting", "quantity": "1", "price": "20.00"}
    third = {f"a:invoice_items_attributes:2:{name}": value for name, value in rest.items()}
    page = sent(page, third, ("do", "remove:invoice_items_attributes:0"))
    fields = dict(page.form("/try").fields)
    assert fields["rows:invoice_items_attributes"] == "2"
    assert fields["a:invoice_items_attributes:1:title"] == "Hosting"
    client = str(ground.call("list_clients", {"limit": 1}).data[0]["id"])
    page = sent(page, {"a:client_id": client})
    assert page.status == 200
    assert '"price": 20.00' in unescape(page.html)
    assert page.text.count('"title"') == 1


def test_odd_rows_and_buttons_do_no_harm(manifest: Manifest, ground: Ground) -> None:
    """A list that there is not, a row that there is not, and too many rows."""
    action = manifest.action("create_invoice")
    typed = typed_of({}, action)
    assert with_row(typed, "nothing", action) is typed
    assert without_row(typed, "nothing", 1) is typed
    for _ in range(120):
        typed = with_row(typed, "invoice_items_attributes", action)
    assert len(typed.rows["invoice_items_attributes"]) == 100
    page = opened(ground, "create_invoice")
    for button in ("remove:invoice_items_attributes:x", "add:", "odd", "remove:"):
        assert sent(page, {"rows:invoice_items_attributes": "-1"}, ("do", button)).status < 500


def test_nothing_is_given_where_its_box_is_ticked(ground: Ground) -> None:
    """Left empty is not given; a new record needs no box for it."""
    page = opened(ground, "update_client")
    page = sent(page, {"a:id": "1020", "null:address": "on", "a:city": "Tinderby"})
    assert '"address": null' in unescape(page.html)
    assert '"city": "Tinderby"' in unescape(page.html)
    assert '"zip"' not in unescape(page.html)
    assert "null:" not in opened(ground, "create_client").html


def test_lists_pairs_and_choices_are_typed_as_lines_and_words(manifest: Manifest) -> None:
    """One a line; a value of three states is not given, yes or no."""
    mail = manifest.action("send_invoice_message")
    typed = typed_of(
        {"invoice_id": 4, "recipients": ["a@x.example", "b@x.example"], "attach_pdf": False}, mail
    )
    assert typed.texts["recipients"] == "a@x.example\nb@x.example"
    assert arguments_of(typed, mail)["attach_pdf"] is False
    assert "send_copy" not in arguments_of(typed, mail)
    client = manifest.action("create_client")
    pairs = {"invoice_extra_fields": {"VAT": "12", "Desk": "a = b"}, "name": "x"}
    assert arguments_of(typed_of(pairs, client), client) == pairs
    plain = {"invoice_extra_fields": "VAT 12", "name": "x"}
    assert arguments_of(typed_of(plain, client), client) == plain


# Look, then run


def test_it_is_looked_at_first_then_run_in_the_admins_name_as_the_persona(ground: Ground) -> None:
    """The look shows the exact request and sends nothing; the log has who, as whom and why."""
    page = opened(ground, "create_client")
    page = sent(page, {"a:name": "Example Bakery"})
    assert "POST" in page.text
    assert '"name": "Example Bakery"' in unescape(page.html)
    assert ground.sandbox.key not in page.html
    done = page.send(action="/try", button=RUN)
    assert "What came of it succeeded" in done.text
    assert "Example Bakery" in done.text
    newest = ground.connector.log.page(LogFilter(kind="call"), limit=1, user="ada").entries[0]
    assert (newest.user, newest.persona, newest.prompt) == ("maria", PERSONA, WHO["prompt"])


def test_a_form_that_is_sent_twice_runs_once(ground: Ground) -> None:
    """The second answer is that of the first; the form that comes back begins a new call."""
    page = sent(opened(ground, "create_lead"), {"a:name": "Example Lead"})
    first, second = page.send(action="/try", button=RUN), page.send(action="/try", button=RUN)
    assert "nothing was sent again" not in first.text
    assert "nothing was sent again" in second.text
    names = [one["name"] for one in ground.call("list_leads", {"limit": 100}).data]
    assert names.count("Example Lead") == 1
    operation = dict(page.form("/try").fields)["operation"]
    assert dict(first.form("/try").fields)["operation"] != operation


def test_what_was_changed_since_the_look_is_looked_at_again(ground: Ground) -> None:
    """Nobody sends what they have not seen."""
    page = sent(opened(ground, "create_lead"), {"a:name": "Seen"})
    page = sent(page, {"a:name": "Unseen"}, RUN)
    assert "It was changed since the look at it: look again." in page.text
    assert '"name": "Unseen"' in unescape(page.html)
    names = [one["name"] for one in ground.call("list_leads", {"limit": 100}).data]
    assert not {"Seen", "Unseen"} & set(names)
    first = sent(opened(ground, "create_lead"), {"a:name": "Never looked at"}, RUN)
    assert "What it would send" in first.text


def test_what_a_deletion_takes_along_is_counted_at_the_look(ground: Ground) -> None:
    """Before anything is gone."""
    client = ground.call("list_clients", {"limit": 1}).data[0]["id"]
    page = sent(opened(ground, "delete_client"), {"a:id": str(client)})
    assert "It would take along, for good:" in page.text
    assert "projects:" in page.text


def test_a_call_that_needs_a_yes_leads_to_the_approval_and_runs_after_it(ground: Ground) -> None:
    """The same form, sent again, is the same call."""
    lead = ground.call("create_lead", {"name": "To go"}).data["id"]
    page = sent(opened(ground, "delete_lead"), {"a:id": str(lead), "persona": "careful"})
    assert "A person has to approve it first" in page.text
    page = page.send(action="/try", button=RUN)
    approval = ground.connector.approvals.pending()[-1]
    assert [link for link in page.links if link.endswith(f"/approvals/{approval.id}")]
    ground.connector.approvals.approve(approval.id, user="grace")
    page = page.send(action="/try", button=RUN)
    assert "What came of it succeeded" in page.text


def test_a_persona_without_the_grant_is_refused_whoever_asks(ground: Ground) -> None:
    """At the look and, past it, at the call; nothing reaches the service."""
    ground.connector.grant("reader", NAME, scopes=["clients:read"], user="ada")
    page = sent(opened(ground, "create_lead"), {"a:name": "x", "persona": "reader"})
    assert page.status == 422
    assert "It would be refused (denied), and nothing was sent." in page.text
    page = sent(opened(ground, "create_lead"), {"a:name": "Past it"})
    ground.sandbox.sandbox.forget()
    ground.connector.grant(PERSONA, NAME, scopes=["clients:read"], user="ada")
    page = page.send(action="/try", button=RUN)
    assert "What came of it refused" in page.text
    assert ground.sandbox.sandbox.requests == []
    ground.connector.grant(PERSONA, NAME, scopes=["*:*"], user="ada")


@pytest.mark.parametrize("role", ["viewer", "approver", None])
def test_nobody_but_an_admin_may_try(ground: Ground, role: str | None) -> None:
    """Neither by the form nor by sending one by hand."""
    browser = ground.browser(role)
    page = browser.open("/actions/list_clients/try")
    assert "What it would send" not in page.text
    assert not any(form.action.endswith("/try") for form in page.forms)
    ground.sandbox.sandbox.forget()
    fields = [*WHO.items(), RUN, ("operation", "op-by-hand")]
    status = browser.post(f"{ground.url}/actions/list_clients/try", fields, follow=False).status
    assert status in {303, 403}
    assert ground.sandbox.sandbox.requests == []


def test_text_of_the_service_and_of_the_admin_is_shown_and_never_obeyed(ground: Ground) -> None:
    """In a record, in a prompt and in every field of the form."""
    page = sent(opened(ground, "create_client"), {"a:name": NASTY, "prompt": NASTY})
    assert "<script>alert" not in page.html
    done = page.send(action="/try", button=RUN)
    assert "What came of it succeeded" in done.text
    assert "<script>alert" not in done.html
    everywhere = {name: NASTY for name, _ in page.form("/try").fields if name.startswith("a:")}
    odd = sent(page, {**everywhere, "operation": NASTY, "seen": NASTY})
    assert odd.status in {200, 422}
    assert "<script>alert" not in odd.html


def test_a_result_is_shown_as_tables_and_stays_light() -> None:
    """Lists of a record stand below it; what is long is cut, and says so."""
    data: Any = {"id": 1, "ok": True, "none": None, "items": [{"a": 1}], "more": {"b": [1]}}
    own, items = tables_of(data, {})
    assert texts(own) == [["id", "1"], ["ok", "yes"], ["none", ""], ["more", '{"b":[1]}']]
    assert (items.caption, items.columns, texts(items)) == ("items", ("a",), [["1"]])
    many = tables_of([{"n": number} for number in range(250)], {})[0]
    assert (len(many.rows), many.more) == (100, 150)
    assert texts(tables_of([1, 2], {})[0]) == [["1"], ["2"]]
    assert (tables_of([], {}), tables_of("text", {})) == ((), ())
    assert cell("x" * 300).text.endswith("…")
    text, cut = json_text({"x": "y" * 40_000})
    assert (len(text), cut) == (30_000, True)


def texts(table: Table) -> list[list[str]]:
    """Returns the words of a table."""
    return [[one.text for one in row] for row in table.rows]


def test_days_moments_and_amounts_are_told_from_text_by_the_schema() -> None:
    """What does not look like one is text, whatever the schema says."""
    schema: dict[str, Any] = load_manifest().actions["get_invoice"].output
    data = {
        "date": "2026-01-31",
        "due_date": "soon",
        "subtotal": "-1234.50",
        "total_cost": NASTY,
        "created_at": "2026-01-31T08:00:00Z",
        "number": "2026-01-31",
        "invoice_items": [{"price": "95.00", "title": "95.00"}],
    }
    record, items = tables_of(data, schema)
    forms = {row[0].text: row[1].form for row in record.rows}
    assert forms == {
        "date": "date",
        "due_date": "",
        "subtotal": "decimal",
        "total_cost": "",
        "created_at": "date-time",
        "number": "",
    }
    assert [one.form for one in items.rows[0]] == ["decimal", ""]


@pytest.mark.slow
def test_days_and_amounts_are_shown_in_the_form_of_the_reader(
    ground: Ground, chromium: Chromium
) -> None:
    """By a script; without one they stand as they are, which is the same in every language."""
    one = next(iter(ground.sandbox.sandbox.state.invoices)).id
    for script in (True, False):
        tab = chromium.tab(ground, "admin", script=script)
        tab.goto(ground.at("/actions/get_invoice/try"))
        tab.select_option("[name=connection]", NAME)
        tab.select_option("[name=persona]", PERSONA)
        tab.fill("[name=prompt]", "Look")
        tab.fill('[name="a:id"]', str(one))
        tab.click('button[value="run"], button.main')
        if tab.locator("#would").count():
            tab.click('button[value="run"]')
        day = tab.locator('tr:has(code:text-is("date")) time')
        exact = day.get_attribute("datetime") or ""
        shown = tab.evaluate(OWN_DAY, exact) if script else exact
        assert shown != exact or not script
        assert day.text_content() == shown
        amount = tab.locator('tr:has(code:text-is("subtotal")) data')
        exact = amount.get_attribute("value") or ""
        assert amount.text_content() == (f"{Decimal(exact):,}" if script else exact)


@pytest.mark.slow
@pytest.mark.parametrize("script", [True, False])
def test_a_person_tries_one_in_a_browser(
    ground: Ground, chromium: Chromium, *, script: bool
) -> None:
    """With scripts and without; the key Enter looks, and never runs or removes anything."""
    tab = chromium.tab(ground, "admin", script=script)
    tab.goto(ground.at("/actions/create_invoice/try?example=1"))
    tab.select_option("[name=connection]", NAME)
    tab.select_option("[name=persona]", PERSONA)
    tab.fill("[name=prompt]", "Bill March")
    client = ground.call("list_clients", {"limit": 1}).data[0]["id"]
    tab.fill('[name="a:client_id"]', str(client))
    tab.press('[name="a:number"]', "Enter")
    tab.wait_for_selector("#would")
    assert tab.locator('[name="rows:invoice_items_attributes"]').input_value() == "1"
    tab.click('button[value="run"]')
    tab.wait_for_selector("#came")
    assert "succeeded" in tab.inner_text("#came")

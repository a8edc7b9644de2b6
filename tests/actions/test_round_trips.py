"""Proves each of the 57 over real HTTP: what is sent, what comes back, what the log keeps."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qsl

import pytest

from clientary_connector import Outcome, Result
from tests.actions import oracle
from tests.actions.expected import API, JSON, ExpectedPages, ExpectedRequest
from tests.actions.expected_reads import EXPECTED_PAGES
from tests.actions.expected_requests import EXPECTED, THE_57
from tests.actions.stage import PERSONA, PROMPT, USER, Stage, set_stage
from tests.actions.traces import CANARY
from tests.actions.world import exact, exact_text, is_list, is_object

SENSITIVE = {"secret", "client_view_url", "gateway_token"}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One sandbox and one connector for all rows."""
    with set_stage(tmp_path_factory.mktemp("round") / "state") as ready:
        yield ready


@pytest.fixture
def fresh(stage: Stage) -> Stage:
    """The same stage, its ids looked up anew and nothing seen yet."""
    stage.world.forget()
    stage.sandbox.forget()
    return stage


@pytest.mark.requirement("proof.rows")
def test_every_action_has_a_hand_written_row() -> None:
    """The rows cover the 57 of the catalogue, no more and no fewer."""
    assert {row.action for row in EXPECTED} == set(THE_57)
    assert len(set(THE_57)) == len(THE_57) == 57


@pytest.mark.requirement("proof.rows")
def test_the_connector_offers_the_57_in_the_order_of_the_catalogue(stage: Stage) -> None:
    """Ids and order are those of the host platform's catalogue."""
    assert tuple(stage.connector.manifest.actions) == THE_57


@pytest.mark.requirement("proof.rows")
def test_every_argument_of_every_action_stands_in_a_row(stage: Stage) -> None:
    """No argument is left whose place on the wire nobody has written down."""
    paging = {"page", "limit", "fields"}
    missing = {
        action.id: sorted(set(action.input["properties"]) - _given(action.id) - paging)
        for action in stage.connector.manifest.actions.values()
    }
    assert {action: names for action, names in missing.items() if names} == {}


@pytest.mark.requirement("proof.wire")
@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: row.name)
def test_a_call_becomes_exactly_the_expected_request(fresh: Stage, row: ExpectedRequest) -> None:
    """Method, path, query and body on the wire are those that the API reference asks for."""
    path, body = fresh.world.fill(row.path), fresh.world.fill(row.body)
    _play(fresh, row)
    seen = fresh.sandbox.requests[0]
    assert (seen.method, seen.path) == (row.method, path)
    assert dict(parse_qsl(seen.query)) == dict(row.query)
    assert exact_text(seen.body) == (None if body is None else exact(body))


@pytest.mark.requirement("proof.headers")
@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: row.name)
def test_a_request_carries_the_headers_that_the_api_asks_for(
    fresh: Stage, row: ExpectedRequest
) -> None:
    """Basic auth with the key twice, JSON asked for, and a content type only with a body."""
    _play(fresh, row)
    headers = {name.lower(): value for name, value in fresh.sandbox.requests[0].headers.items()}
    pair = base64.b64encode(f"{CANARY}:{CANARY}".encode()).decode()
    assert headers["authorization"] == f"Basic {pair}"
    assert headers["accept"] == "application/json"
    assert headers.get("content-type") == (None if row.body is None else "application/json")


@pytest.mark.requirement("proof.output")
@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: row.name)
def test_the_data_of_a_result_fits_the_output_schema(fresh: Stage, row: ExpectedRequest) -> None:
    """An independent checker finds no fault in the data, and the connector warned of none."""
    result = _play(fresh, row)
    fields = row.arguments.get("fields")
    schema = fresh.connector.manifest.action(row.action).output
    assert result.warnings == ()
    assert fields or oracle.faults(schema, result.data) == []
    assert json.loads(json.dumps(result.to_json())) == result.to_json()


@pytest.mark.requirement("proof.log")
@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: row.name)
def test_the_log_tells_the_whole_call(fresh: Stage, row: ExpectedRequest) -> None:
    """User, persona, prompt, arguments, request, response and outcome stand in one entry."""
    path, body = fresh.world.fill(row.path), fresh.world.fill(row.body)
    arguments = fresh.world.fill(row.arguments)
    result = _play(fresh, row)
    assert result.log_id is not None
    entry = fresh.connector.log.entry(result.log_id, user="auditor")
    assert (entry.kind, entry.outcome, entry.error) == ("call", "succeeded", None)
    assert (entry.user, entry.persona, entry.prompt) == (USER, PERSONA, PROMPT)
    assert (entry.action, entry.operation) == (row.action, result.operation)
    assert set(entry.arguments) == set(arguments)
    assert (entry.request["method"], entry.request["path"]) == (row.method, path)
    assert exact(entry.request["body"]) == exact(body)
    assert _redacted(entry.response["data"]) == _redacted(result.data)


@pytest.mark.requirement("proof.read_back")
@pytest.mark.parametrize("row", [row for row in EXPECTED if row.body], ids=lambda row: row.name)
def test_what_was_written_is_what_the_account_holds(fresh: Stage, row: ExpectedRequest) -> None:
    """A record read past the connector holds every plain value that the call gave it."""
    if row.action == "send_invoice_message":
        _play(fresh, row)
        (message,) = fresh.sandbox.messages[-1:]
        assert list(message.recipients) == row.arguments["recipients"]
        return
    body = fresh.world.fill(row.body)
    result = _play(fresh, row)
    (given,) = body.values()
    route = row.path.removeprefix(API).split("/")
    place = f"/{route[1] if route[-1] != 'contacts' else 'contacts'}"
    place = "/hours" if "project_item" in body else place
    kept = fresh.world.read(f"{place}/{result.data['id']}")
    plain = {name: value for name, value in given.items() if name in kept and name != "client_id"}
    assert {name: _loose(kept[name]) for name in plain if not isinstance(plain[name], list)} == {
        name: _loose(value) for name, value in plain.items() if not isinstance(value, list)
    }


@pytest.mark.requirement("proof.alias")
@pytest.mark.parametrize("spelling", [str.upper, str.lower])
def test_an_action_answers_to_its_name_of_the_older_catalogue(
    fresh: Stage, spelling: Callable[[str], str]
) -> None:
    """An alias works wherever an id does, in any case, and the log holds the id."""
    contact = fresh.world.id("contact")
    fresh.sandbox.forget()
    result = fresh.run(
        fresh.call(spelling("CLIENTARY_UPDATE_CLIENTARY_CONTACT"), {"id": contact, "title": "Head"})
    )
    assert result.outcome is Outcome.SUCCEEDED
    assert result.log_id is not None
    assert fresh.connector.log.entry(result.log_id).action == "update_contact"


@pytest.mark.requirement("proof.pages")
@pytest.mark.parametrize("row", EXPECTED_PAGES, ids=lambda row: str(dict(row.arguments)))
def test_limit_follows_pages_until_exactly_that_many_records(
    fresh: Stage, row: ExpectedPages
) -> None:
    """No page is asked for twice or in vain, and the result holds as many records as asked."""
    result = fresh.run(fresh.call(row.action, row.arguments))
    assert result.outcome is Outcome.SUCCEEDED
    assert len(result.data) == row.records
    assert [seen.path for seen in fresh.sandbox.requests] == [row.path] * len(row.queries)
    asked = [{"page": "1"} | dict(parse_qsl(seen.query)) for seen in fresh.sandbox.requests]
    assert asked == [{"page": "1"} | dict(query) for query in row.queries]


@pytest.mark.requirement("proof.pages")
def test_all_pages_give_every_record_once_and_in_order(fresh: Stage) -> None:
    """A list followed to its end is the list that the far side holds, and says so."""
    held = [record["id"] for record in fresh.world.records("/clients", "clients")]
    result = fresh.run(fresh.call("list_clients", {"limit": 10_000}))
    assert [record["id"] for record in result.data] == held
    assert result.page is not None
    assert (result.page.total, result.page.next_page, result.page.complete) == (
        len(held),
        None,
        True,
    )


@pytest.mark.requirement("proof.money")
@pytest.mark.parametrize("text", ["0.1", "0.10", "125.00", "9007199254.740993", "0"])
def test_money_comes_back_digit_for_digit(fresh: Stage, text: str) -> None:
    """What went in as an exact decimal is answered as the same decimal text."""
    result = fresh.run(fresh.call("create_expense", {"amount": text}))
    assert result.outcome is Outcome.SUCCEEDED
    assert isinstance(result.data["amount"], str)
    assert Decimal(result.data["amount"]) == Decimal(text)


def _given(action: str) -> set[str]:
    return {name for row in EXPECTED if row.action == action for name in row.arguments}


def _play(stage: Stage, row: ExpectedRequest) -> Result:
    """Fills a row's ids in, runs it as a call and insists that it went well."""
    arguments = stage.world.fill(row.arguments)
    stage.sandbox.forget()
    result = stage.run(stage.call(row.action, arguments))
    assert result.outcome is Outcome.SUCCEEDED, result.error
    return result


def _redacted(data: JSON) -> JSON:
    """Leaves out what the log must not hold in the clear."""
    if is_list(data):
        return [_redacted(each) for each in data]
    if is_object(data):
        return {name: _redacted(each) for name, each in data.items() if name not in SENSITIVE}
    return data


def _loose(value: JSON) -> JSON:
    """Makes two spellings of one value equal: slash dates, numbers as text."""
    if isinstance(value, bool) or value is None:
        return value
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return str(value).replace("/", "-") if str(value)[:2] == "20" else value

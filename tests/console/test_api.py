"""Proves that the admin API does what the pages do: by token and role, strictly, and no more."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx
import pytest
from openapi_spec_validator import validate
from starlette.applications import Starlette

from clientary_connector import Connector
from clientary_connector.frontends.cli import main
from clientary_connector.frontends.console import console
from clientary_connector.frontends.console.api import OPERATIONS
from clientary_connector.frontends.console.api.operations import Nothing, Operation
from clientary_connector.frontends.console.api.reading import schema_of
from clientary_connector.people import Person, Role
from tests.console.api_ground import Api, api, path_of
from tests.console.ground import NAME, PERSONA, stage

pytestmark = pytest.mark.requirement("console.api.does")

#: What a person, a persona or an upstream may put anywhere.
NASTY: Final = (
    "<script>alert(1)</script>",
    "'; DROP TABLE records; --",
    "../../../etc/passwd",
    "{{7*7}}${7*7}",
    "\x00\u202e\ud7ff",
    "a" * 4000,
)
EACH: Final = [pytest.param(one, id=one.name) for one in OPERATIONS]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The admin API of a console with one account."""
    with api(tmp_path_factory.mktemp("api")) as made:
        yield made


# Who may ask


@pytest.mark.parametrize("operation", EACH)
def test_nobody_reaches_an_operation_without_a_token_and_its_role(
    asked: Api, operation: Operation
) -> None:
    """401 for no token or a wrong one, 403 for too low a role; before anything is read."""
    path = path_of(operation)
    refused = asked.stranger.request(operation.method, path)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    token = asked.tokens[Role.ADMIN]
    wrong = {"Authorization": f"Bearer {token[:-1]}{'y' if token.endswith('x') else 'x'}"}
    refused = asked.stranger.request(operation.method, path, headers=wrong)
    assert refused.status_code == 401
    assert asked.tokens[Role.ADMIN] not in refused.text
    for role, client in asked.clients.items():
        if not role.covers(operation.role):
            refused = client.request(operation.method, path, content=b"{")
            assert refused.status_code == 403, role


def test_a_person_who_is_signed_in_by_a_cookie_is_nobody_here(asked: Api) -> None:
    """A page of another site could otherwise ask in that person's name."""
    browser = asked.ground.browser("admin")
    assert browser.client.get(f"{asked.url}/status").status_code == 401


def test_a_token_for_a_persona_opens_nothing_here(asked: Api) -> None:
    """It is of another kind, and the answer says no more than that."""
    made = asked.ground.connector.tokens.for_mcp(connection=NAME, persona=PERSONA, user="ada")
    refused = asked.stranger.get("/status", headers={"Authorization": f"Bearer {made.text}"})
    assert refused.status_code == 401


def test_a_token_that_was_revoked_is_refused_with_the_next_request(asked: Api) -> None:
    """Made, used and revoked through the API itself."""
    made = asked.admin.post(
        "/tokens", json={"kind": "admin", "user": "grace", "role": "viewer"}
    ).json()
    shown = {"Authorization": f"Bearer {made['text']}"}
    assert asked.stranger.get("/status", headers=shown).status_code == 200
    assert made["text"] not in asked.admin.get("/tokens").text
    ended = asked.admin.delete(f"/tokens/{made['token']['id']}", params={"reason": "left"})
    assert ended.json()["state"] == "revoked"
    assert asked.stranger.get("/status", headers=shown).status_code == 401


# What may be sent


def test_all_that_is_wrong_is_told_at_once_with_its_place(asked: Api) -> None:
    """In the form of RFC 9457, with what is expected, and without the values."""
    told = asked.admin.post(
        "/can",
        params={"odd": "secret-1"},
        json={"persona": 7, "conection": "secret-2", "action": "get_client"},
    )
    problem = told.json()
    assert told.status_code == problem["status"] == 422
    assert told.headers["content-type"] == "application/problem+json"
    assert problem["kind"] == "invalid_arguments"
    places = {(fault["place"], fault["path"]) for fault in problem["faults"]}
    assert places == {
        ("query", "odd"),
        ("body", "$.persona"),
        ("body", "$.connection"),
        ("body", "$.conection"),
    }
    assert "secret" not in told.text
    hints = {fault["path"]: fault["hint"] for fault in problem["faults"]}
    assert hints["$.conection"] == "Did you mean connection?"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"reason": "x"', "application/json", 400),
        (b'{"reason": "x", "reason": "y"}', "application/json", 400),
        (b"[]", "application/json", 400),
        (b"", "application/json", 400),
        (b"reason=x", "application/x-www-form-urlencoded", 415),
        (b"{}", "application/json; charset=latin-1", 415),
        (b'{"reason": "\\ud800"}', "application/json", 422),
        (b'{"reason": NaN}', "application/json", 400),
        (b'{"reason": "' + b"x" * 300_000 + b'"}', "application/json", 413),
    ],
)
def test_a_body_that_is_none_is_refused(asked: Api, content: bytes, kind: str, status: int) -> None:
    """Each in its own way, and always as a problem."""
    path = f"/connections/{NAME}/revoke"
    told = asked.admin.post(path, content=content, headers={"Content-Type": kind})
    assert told.status_code == status
    assert told.headers["content-type"] == "application/problem+json"
    assert asked.admin.get(f"/connections/{NAME}").json()["state"] == "active"


def test_a_body_where_none_belongs_is_refused(asked: Api) -> None:
    """Whoever sends one means something else."""
    assert asked.admin.post("/log/1/open", json={}).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("PATCH", "/connections", 405, "GET, POST, HEAD"),
        ("DELETE", "/calls", 405, "POST"),
        ("GET", "/nothing", 404, None),
        ("POST", "/log/x/open", 404, None),
        ("GET", "/log/0", 404, None),
        ("GET", f"/log/{'9' * 400}", 404, None),
    ],
)
def test_what_is_not_there_is_told_as_a_problem(
    asked: Api, method: str, path: str, status: int, allowed: str | None
) -> None:
    """A wrong method is told which ones there are."""
    told = asked.admin.request(method, path)
    assert (told.status_code, told.json()["status"]) == (status, status)
    assert told.headers.get("Allow") == allowed


def test_a_request_from_a_page_of_another_site_is_refused_as_a_problem(asked: Api) -> None:
    """Even with a token that is good."""
    told = asked.admin.post("/can", json={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert told.status_code == 403
    assert told.json()["kind"] == "forbidden"


@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
@pytest.mark.parametrize("operation", EACH)
def test_no_text_in_any_field_breaks_an_operation(
    asked: Api, operation: Operation, nasty: str
) -> None:
    """It is used as text or refused, and the answer is JSON that no browser takes for a page."""
    query, body = _filled(operation.query, nasty), _filled(operation.body, nasty)
    body.pop("subdomain", None)
    ends = operation.name in {"revoke_connection", "remove_grant"}
    names = {"connection": "nobody"} if ends else {}
    told = asked.admin.request(
        operation.method,
        path_of(operation, names).partition("?")[0],
        params=query,
        json=body if operation.body is not Nothing else None,
        headers={"If-Match": '"0"'},
    )
    assert told.status_code < 500
    assert told.headers["content-type"].startswith("application/")
    assert told.headers["x-content-type-options"] == "nosniff"


def _filled(kind: type, text: str) -> dict[str, Any]:
    """Returns a value for each field of a class: the text wherever there may be one."""
    found: dict[str, Any] = {}
    for name, schema in schema_of(kind).get("properties", {}).items():
        found[name] = _value(schema, text)
    return found


def _value(schema: Mapping[str, Any], text: str) -> Any:  # noqa: ANN401 - any JSON value
    kinds = [schema, *schema.get("anyOf", ())]
    if any("enum" in one for one in kinds):
        return next(one["enum"][0] for one in kinds if "enum" in one)
    types = {one.get("type") for one in kinds}
    if "integer" in types:
        return 1
    if "boolean" in types:
        return True
    if "array" in types:
        return [text]
    return {text: text} if "object" in types else text


# What it does


def test_the_whole_log_is_checked_in_the_background(asked: Api) -> None:
    """Started by an admin; whoever looks later sees what was found."""
    assert asked.clients[Role.VIEWER].post("/log/check").status_code == 403
    begun = asked.admin.post("/log/check")
    assert (begun.status_code, begun.json()["newest"]["by"]) == (202, "admin-ada")
    newest = begun.json()["newest"]
    while newest["state"] == "running":
        newest = asked.clients[Role.VIEWER].get("/log/check").json()["newest"]
    assert (newest["state"], newest["faults"], newest["error"]) == ("ended", 0, "")


def test_a_host_may_let_its_own_sign_in_count_here(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Only where it says so; a token goes before it, and a page of another site gets nothing."""
    ada = Person("ada", Role.VIEWER)

    def make(connector: Connector) -> Starlette:
        return console(connector, who=lambda _: ada, who_for_api=True)

    with stage(tmp_path_factory.mktemp("host"), make=make) as ground:
        client = ground.browser().client
        assert client.get("/api/status").status_code == 200
        assert client.post("/api/log/check").status_code == 403
        wrong = client.get("/api/status", headers={"Authorization": "Bearer x"})
        assert wrong.status_code == 401
        other = {"Origin": "https://evil.example"}
        assert client.post("/api/can", json={}, headers=other).status_code == 403


def test_the_description_is_one_of_openapi_and_names_every_role(asked: Api) -> None:
    """It is generated from the table that serves, and valid by an independent checker."""
    described = asked.clients[Role.VIEWER].get("/openapi.json").json()
    validate(described)
    assert described["servers"] == [{"url": "/api"}]
    told = [one for path in described["paths"].values() for one in path.values()]
    roles = {one["operationId"]: one["x-role"] for one in told}
    assert roles == {one.name: one.role.value for one in OPERATIONS}
    assert [one["operationId"] for one in told if not (one["summary"] and one["description"])] == []


def test_a_grant_is_read_compared_put_and_removed(asked: Api) -> None:
    """A writer who has not seen the newest one changes nothing."""
    admin, place = asked.admin, f"/connections/{NAME}/grant"
    whose = {"persona": "helper"}
    terms = {"scopes": ["invoices:read"], "conditions": ["client_id in [42]"], "budget": 10}
    wanted = {"persona": "helper", "connection": NAME, "terms": terms}
    difference = admin.post("/grants/difference", json=wanted).json()
    assert (difference["step"], difference["revision"]) == ("give", 0)
    assert "+ scopes: invoices:read" in difference["difference"]
    assert admin.put(place, params=whose, json=terms).status_code == 428
    given = admin.put(place, params=whose, json=terms, headers={"If-Match": '"0"'})
    assert given.json()["actions"][0] == "get_invoice"
    assert given.json()["user"] == "admin-ada"
    seen = given.headers["ETag"]
    assert admin.get(place, params=whose).headers["ETag"] == seen
    wider = {"scopes": ["invoices:*"]}
    assert (
        admin.put(place, params=whose, json=wider, headers={"If-Match": '"0"'}).status_code == 412
    )
    changed = admin.put(place, params=whose, json=wider, headers={"If-Match": seen})
    assert changed.headers["ETag"] != seen
    removed = admin.delete(place, params={**whose, "reason": "done"}).json()
    assert (removed["persona"], removed["grants_closed"]) == ("helper", 1)
    assert admin.get(place, params=whose).json()["state"] == "closed"
    assert admin.delete(place, params=whose).status_code == 404


def test_terms_that_cannot_be_used_are_refused_with_advice(asked: Api) -> None:
    """The words are those of the command line."""
    told = asked.admin.put(
        f"/connections/{NAME}/grant",
        params={"persona": "helper"},
        json={"scopes": ["invoice:read"]},
        headers={"If-Match": '"0"'},
    )
    assert told.status_code == 422
    assert "Did you mean invoices:read" in told.text


def test_a_call_is_made_in_the_name_of_the_token_and_by_the_grant_of_the_persona(
    asked: Api,
) -> None:
    """There is no other way in: a persona without a grant is refused, whoever asks."""
    call = {
        "action": "create_client",
        "connection": NAME,
        "persona": PERSONA,
        "prompt": "Make one.",
        "arguments": {"name": "Example Bakery"},
        "operation": "op-api-1",
    }
    shown = asked.admin.post("/previews", json=call).json()
    assert (shown["method"], shown["body"]) == ("POST", {"client": {"name": "Example Bakery"}})
    result = asked.admin.post("/calls", json=call).json()
    assert (result["outcome"], result["replayed"]) == ("succeeded", False)
    again = asked.admin.post("/calls", json=call).json()
    assert (again["replayed"], again["data"]) == (True, result["data"])
    entry = asked.admin.get(f"/log/{result['log_id']}").json()
    assert (entry["user"], entry["persona"], entry["prompt"]) == ("admin-ada", PERSONA, None)
    opened = asked.admin.post(f"/log/{result['log_id']}/open").json()
    assert opened["prompt"] == "Make one."
    refused = asked.admin.post("/calls", json={**call, "persona": "stranger"})
    assert refused.status_code == 200
    assert refused.json()["error"]["kind"] == "denied"


def test_an_amount_goes_through_to_the_last_digit(asked: Api) -> None:
    """A number in the body is no float on any way."""
    body = (
        b'{"action": "create_expense", "connection": "books", "persona": "bookkeeper", '
        b'"prompt": "x", "arguments": {"amount": 123456789012.123456, '
        b'"incurred_on": "2026-03-01", "description": "Paper"}}'
    )
    headers = {"Content-Type": "application/json"}
    shown = asked.admin.post("/previews", content=body, headers=headers)
    assert "123456789012.123456" in shown.text


def test_the_log_is_read_page_by_page(asked: Api) -> None:
    """The cursor of one page leads to the next, and no entry comes twice."""
    seen: list[int] = []
    query: dict[str, Any] = {"limit": 3}
    while query.get("before", 1) is not None:
        page = asked.clients[Role.VIEWER].get("/log", params=query).json()
        seen += [entry["id"] for entry in page["entries"]]
        query["before"] = page["next_before"]
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) > 3
    told = asked.admin.get("/log", params={"since": "0001-01-01T00:00:00+14:00", "limit": 1})
    assert told.json()["faults"][0]["path"] == "since"


def test_an_approval_is_shown_and_decided_by_an_approver(asked: Api) -> None:
    """After the yes the same call goes through, once."""
    asked.ground.connector.grant("careful", NAME, scopes=["*:*"], user="ada")
    client = asked.ground.call("list_clients", {"limit": 1}).data[0]["id"]
    call = {
        "action": "delete_client",
        "connection": NAME,
        "persona": "careful",
        "prompt": "Delete it.",
        "arguments": {"id": client},
        "operation": "op-api-2",
    }
    waits = asked.admin.post("/calls", json=call).json()["error"]
    assert waits["kind"] == "approval_required"
    approver = asked.clients[Role.APPROVER]
    listed = approver.get("/approvals").json()["approvals"]
    assert [one["id"] for one in listed] == [waits["approval"]]
    outside = asked.clients[Role.VIEWER].get(f"/approvals/{waits['approval']}").json()
    assert (outside["state"], "prompt" in outside) == ("pending", False)
    full = approver.post(f"/approvals/{waits['approval']}/open").json()
    assert (full["prompt"], full["preview"]["method"]) == ("Delete it.", "DELETE")
    decision = {"approve": True, "note": "Go on.", "seen": full["decided_log_id"] or 0}
    given = approver.post(f"/approvals/{waits['approval']}/decision", json=decision).json()
    assert (given["state"], given["decided_by"]) == ("given", "approver-ada")
    again = approver.post(f"/approvals/{waits['approval']}/decision", json=decision)
    assert (again.status_code, again.json()["kind"]) == (412, "changed")
    assert asked.admin.post("/calls", json=call).json()["outcome"] == "succeeded"
    late = approver.post(f"/approvals/{waits['approval']}/decision", json={"approve": True})
    assert late.status_code == 409


def test_an_account_is_connected_rotated_and_revoked_and_no_key_comes_back(asked: Api) -> None:
    """Nor does a key stand in a refusal, or in what the log shows."""
    admin, sandbox = asked.admin, asked.ground.sandbox
    new = {"name": "second", "secret": sandbox.key, "sandbox": sandbox.url}
    made = admin.post("/connections", json=new)
    assert made.status_code == 201
    assert made.headers["Location"].endswith("connections/second")
    assert admin.post("/connections", json=new).status_code == 409
    wrong = admin.post("/connections", json={**new, "name": "third", "secret": "k" * 20})
    assert (wrong.status_code, wrong.json()["kind"]) == (422, "unauthorized")
    fresh = "n" * 24
    sandbox.sandbox.add_key(fresh)
    rotated = admin.post("/connections/second/rotate", json={"secret": fresh}).json()
    assert rotated["rotated"]
    days = admin.put("/connections/second/rotation", json={"days": 30}).json()
    assert days["rotate_every_days"] == 30
    assert admin.post("/connections/second/check-old-key").status_code == 200
    assert admin.post("/connections/second/drop-new-key").status_code == 409
    done = admin.post("/connections/second/revoke", json={"reason": "over"}).json()
    assert (done["connection"]["state"], done["confirmed"]) == ("revoked", True)
    told = [made, wrong, admin.get("/log"), admin.get("/connections", params={"revoked": "true"})]
    for answer in told:
        assert not {sandbox.key, fresh, "k" * 20} & set(answer.text.split('"'))


def test_it_says_how_things_stand_what_was_used_and_what_there_is_to_do(asked: Api) -> None:
    """All that a viewer's page needs."""
    viewer = asked.clients[Role.VIEWER]
    status = viewer.get("/status").json()
    # Another test may have joined the simulated account.
    assert {one["name"] for one in status["connections"]} - {"sandbox"} == {NAME}
    assert viewer.get("/usage", params={"by": ["day", "persona"]}).json()["usage"]
    asked.ground.connector.budgets.set("user", "ada", 100, user="grace")
    budgets = viewer.get("/budgets").json()["budgets"]
    assert {"user"} & {one["scope"] for one in budgets if one["left"] == 100}
    mine = {"persona": PERSONA, "connection": NAME, "effect": "delete", "text": "client"}
    found = viewer.get("/actions", params=mine).json()["actions"]
    assert "delete_client" in {one["id"] for one in found}
    assert len(viewer.get("/actions").json()["actions"]) == len(
        asked.ground.connector.manifest.actions
    )
    assert viewer.get("/actions", params={"persona": PERSONA}).status_code == 422
    full = viewer.get("/actions/delete_client").json()
    assert "projects" in full["takes_along"]
    assert (
        viewer.get("/actions/delete_clint").json()["hint"].startswith("Did you mean delete_client")
    )
    proof = viewer.get("/log/1/proof").json()
    assert proof["proof"]["row"]["seq"] == 1
    asking = {"persona": PERSONA, "connection": NAME, "action": "get_client"}
    assert viewer.post("/can", json=asking).json()["allowed"] is True


def test_a_token_of_one_kind_has_nothing_of_the_other(asked: Api) -> None:
    """Both faults are told at once; one for a persona names its connection."""
    told = asked.admin.post("/tokens", json={"kind": "mcp", "user": "ada", "role": "admin"})
    faults = {fault["path"] for fault in told.json()["faults"]}
    assert faults == {"$.role", "$.persona", "$.connection"}
    wanted = {"kind": "mcp", "user": "ada", "persona": PERSONA, "connection": NAME}
    made = asked.admin.post("/tokens", json=wanted)
    assert (made.status_code, made.json()["token"]["persona"]) == (201, PERSONA)


def test_a_head_request_is_answered_as_a_get_without_a_body(asked: Api) -> None:
    """As HTTP asks of every resource (RFC 9110, 9.3.2)."""
    told = asked.admin.head("/status")
    assert (told.status_code, told.content) == (200, b"")


def test_what_a_viewer_reads_has_every_field_that_the_connector_tells(asked: Api) -> None:
    """A field that is added to the connector's own form has to be added here too."""
    connector = asked.ground.connector
    pairs: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = [
        (connector.connection(NAME).to_json(), asked.admin.get(f"/connections/{NAME}").json()),
        (
            connector.grants.one(PERSONA, NAME).to_json(),
            asked.admin.get(f"/connections/{NAME}/grant", params={"persona": PERSONA}).json(),
        ),
        (connector.log.entry(1).to_json(), asked.admin.get("/log/1").json()),
        (connector.tokens.all()[0].to_json(), asked.admin.get("/tokens").json()["tokens"][0]),
    ]
    for own, told in pairs:
        assert set(told) == set(own)


def test_a_client_that_hangs_up_early_harms_nobody(asked: Api) -> None:
    """The next request is answered."""
    with httpx.Client(base_url=asked.url, trust_env=False, verify=False) as client:  # noqa: S501 - plain HTTP
        headers = {"Authorization": f"Bearer {asked.tokens[Role.ADMIN]}"}
        with pytest.raises(httpx.HTTPError):
            client.post("/can", headers=headers, content=_broken())
    assert asked.admin.get("/status").status_code == 200


def _broken() -> Iterator[bytes]:
    yield b"{"
    raise httpx.WriteError("The line is gone.")


def test_tokens_are_made_listed_and_revoked_at_the_command_line(
    asked: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a pipe a new one stands alone; one of another kind is looked after elsewhere."""
    state = ["--state", str(asked.ground.connector.vault.status().path.parents[1])]
    token = [*state, "console", "token"]
    assert main([*token, "new", "--role", "approver", "--for", "grace"]) == 0
    text = capsys.readouterr().out.strip()
    shown = {"Authorization": f"Bearer {text}"}
    assert asked.stranger.get("/approvals", headers=shown).status_code == 200
    assert asked.stranger.get("/tokens", headers=shown).status_code == 403
    assert main([*token, "list", "-o", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)["data"]
    mine = next(one for one in listed if one["user"] == "grace" and one["role"] == "approver")
    assert main([*token, "revoke", mine["id"], "--reason", "left"]) == 0
    assert asked.stranger.get("/approvals", headers=shown).status_code == 401
    other = asked.ground.connector.tokens.for_mcp(connection=NAME, persona=PERSONA, user="ada")
    assert main([*token, "revoke", other.token.id]) == 2
    assert "is no token for the admin API" in capsys.readouterr().err

"""Proves that a host's own page can do by the admin API what else there is to do, in its roles."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from clientary_connector import Call
from clientary_connector.errors import GrantFileError
from clientary_connector.frontends.cli import main
from clientary_connector.frontends.console import console
from clientary_connector.frontends.console.api.problems import problem_of, refused
from clientary_connector.frontends.console.api.words import in_words_of_the_api
from clientary_connector.frontends.console.rehearsal import Rehearsal
from clientary_connector.frontends.web.binding import Binding, listen
from clientary_connector.frontends.web.guarding import Guard
from clientary_connector.hooks import hookimpl
from clientary_connector.people import Role
from clientary_connector.sandbox import Fault, FaultKind
from tests.connector.oauth.provider_app import CLIENT_SECRET, Client, Far, running
from tests.connector.oauth.stage import browse, description
from tests.console.api_ground import Api, api
from tests.console.ground import NAME, PERSONA, PROMPT, served, stage
from tests.packaging.installation import ROOT
from tests.vault.ground import raw

pytestmark = pytest.mark.requirement("console.api.does")

SEALED = ("prompt", "arguments", "request", "response")
#: Less than the longest wait for news: whoever is answered only at its end has waited in vain.
SOON_S = 15


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The admin API of a console with one account."""
    with api(tmp_path_factory.mktemp("api-work")) as made:
        yield made


def lines_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """Reads the lines of a stream."""
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


# Joining otherwise than by a key


def test_the_simulated_account_is_one_request_away(asked: Api) -> None:
    """Asked for again, it is the same connection; no answer holds its key."""
    assert asked.admin.get("/ways").json()["sandbox"] is True
    first = asked.admin.post("/sandbox").json()
    again = asked.admin.post("/sandbox").json()
    assert first["account"]["people"]
    assert (again["account"], again["connection"]["id"]) == (None, first["connection"]["id"])
    assert asked.ground.sandbox.key not in json.dumps([first, again])


def test_a_simulated_account_that_cannot_be_started_is_said_to_be(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Its port is in use, for one."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with api(
            tmp_path_factory.mktemp("taken"),
            lambda connector, _: console(connector, rehearsal=Rehearsal(port=port)),
        ) as asked:
            assert asked.admin.post("/sandbox").status_code == 503


def test_a_console_that_offers_no_simulated_account_joins_none(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Neither by itself nor by an address: a port of the host's machine is the host's to open."""
    with stage(tmp_path_factory.mktemp("none")) as ground:
        token = ground.connector.tokens.for_admin(role="admin", user="ada").text
        client = ground.browser().client
        client.headers["Authorization"] = f"Bearer {token}"
        assert client.get("/api/ways").json()["sandbox"] is False
        assert client.post("/api/sandbox").status_code == 404
        new = {"name": "far", "secret": ground.sandbox.key, "sandbox": ground.sandbox.url}
        told = client.post("/api/connections", json=new)
        assert (told.status_code, told.json()["faults"][0]["path"]) == (422, "$.sandbox")
        assert ground.connector.connections() == ()
        going = {"name": "far", "sandbox": ground.sandbox.url}
        told = client.post("/api/authorizations", json=going)
        assert told.json()["faults"][0]["path"] == "$.provider"


@pytest.mark.requirement("console.connect.oauth")
def test_an_account_is_joined_with_a_token_by_a_page_of_the_host(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Begun, looked at, finished by who has begun it, once; no answer holds a secret."""
    back = "https://portal.example/clientary/back"
    far = Far(Client(CLIENT_SECRET, back))
    with ExitStack() as stack:
        stack.enter_context(running(far))
        provider = description(far, client_authentication="client_secret_basic")
        asked = stack.enter_context(
            api(
                tmp_path_factory.mktemp("oauth"),
                lambda connector, rehearsal: console(
                    connector, rehearsal=rehearsal, providers=[provider]
                ),
            )
        )
        admin, name = asked.admin, "admin-ada"
        ways = admin.get("/ways").json()["providers"]
        assert [(one["number"], one["has_secret"]) for one in ways] == [(0, True)]
        new = {"name": "tok", "sandbox": far.url, "redirect_uri": back}
        assert admin.post("/authorizations", json=new).status_code == 422
        whole = {**new, "client_secret": CLIENT_SECRET}
        begun = admin.post("/authorizations", json=whole)
        assert (begun.status_code, begun.json()["redirect_uri"]) == (201, back)
        place = f"/authorizations/{begun.json()['id']}"
        waits = admin.get(place).json()
        assert (waits["state"], waits["user"]) == ("waiting", name)
        led = browse(begun.json()["url"])
        assert led.startswith(back)
        other = asked.ground.connector.tokens.for_admin(role="admin", user="mallory").text
        stolen = asked.stranger.post(
            "/authorizations/finish",
            json={"url": led},
            headers={"Authorization": f"Bearer {other}"},
        )
        assert stolen.status_code == 422
        done = admin.post("/authorizations/finish", json={"url": led})
        assert (done.status_code, done.json()["connection"]["kind"]) == (201, "oauth2")
        assert admin.get(place).json()["state"] == "ended"
        assert admin.post("/authorizations/finish", json={"url": led}).status_code == 422
        held = admin.get("/connections/tok/credential").json()
        assert (held["kind"], held["key"], held["token"]["trouble"]) == ("oauth2", None, "")
        told = [begun, done, admin.get("/connections"), admin.get("/log")]
        assert not any(CLIENT_SECRET in one.text or "canary" in one.text for one in told)
        assert admin.post("/authorizations", json={**whole, "provider": 7}).status_code == 422
        assert admin.post("/authorizations", json=whole).status_code == 409
        real = {**whole, "name": "real", "sandbox": None, "subdomain": "acme"}
        assert "a real account" in admin.post("/authorizations", json=real).text


# The log


def test_what_is_sealed_is_searched_line_by_line_and_the_log_says_by_whom(asked: Api) -> None:
    """The last line says how it ended; what was searched for stands nowhere in the open."""
    asked.ground.call("create_client", {"name": "Needle & Thread"})
    found = lines_of(asked.admin.post("/log/search", json={"text": "needle & THREAD"}))
    entries = [line["entry"] for line in found if line["entry"]]
    assert entries[0]["action"] == "create_client"
    assert "Needle" in json.dumps(entries[0]["arguments"])
    last = found[-1]
    assert (last["ended"], last["done"]) == ("all", last["total"])
    noted = asked.admin.get("/log", params={"kind": "read", "limit": 1}).json()["entries"][0]
    assert (noted["user"], noted["facts"]["what"]) == ("admin-ada", "search")
    assert "needle" not in json.dumps(noted).lower()
    few = {"text": PROMPT, "limit": 1, "kind": "call"}
    found = lines_of(asked.admin.post("/log/search", json=few))
    assert [bool(line["entry"]) for line in found] == [True, False]
    assert found[-1]["ended"] == "limit"
    none = lines_of(asked.admin.post("/log/search", json={"text": "nothing like that"}))
    assert [line["ended"] for line in none if line["ended"]] == ["all"]
    assert not any(line["entry"] for line in none)


class Unreadable:
    """A host that lets nobody read."""

    @hookimpl
    def connector_may_read(self, user: str) -> bool:
        """Says no."""
        del user
        return False


def test_a_host_may_refuse_to_open_the_log_and_nothing_is_streamed_then(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A problem comes in the place of the first line."""
    with api(tmp_path_factory.mktemp("refuses")) as asked:
        asked.ground.connector.register(Unreadable())
        for path, body in (
            ("/log/search", {"text": "x"}),
            ("/log/export", {}),
            ("/log/open", {}),
        ):
            told = asked.admin.post(path, json=body)
            assert told.status_code == 403
            assert told.headers["content-type"] == "application/problem+json"


def test_a_search_that_cannot_go_on_says_so_in_its_last_line(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Whoever listens does not take the part for the whole."""
    with api(tmp_path_factory.mktemp("spoilt")) as asked:
        spoilt = asked.ground.call("list_clients", {"limit": 1}).log_id
        file = raw(asked.ground.connector.vault.status().path)
        file.execute("DROP TRIGGER log_sealed")
        file.execute("UPDATE log SET payload = zeroblob(64) WHERE seq = ?", (spoilt,))
        file.close()
        found = lines_of(asked.admin.post("/log/search", json={"text": "anything"}))
        last = found[-1]
        assert (last["ended"], last["problem"]["kind"]) == ("failed", "unavailable")
        # An export is a file: it breaks off where it is.
        with pytest.raises(httpx.RemoteProtocolError):
            asked.admin.post("/log/export", json={"kind": "call"})


def test_a_long_export_comes_in_pieces_and_whole(asked: Api) -> None:
    """No line is lost where one piece ends."""
    prompt = "Look. " * 6000
    made = [
        asked.ground.call("list_clients", {"limit": 1}, prompt=prompt, persona=PERSONA).log_id
        for _ in range(4)
    ]
    opened = lines_of(asked.admin.post("/log/export", json={"kind": "call"}))
    assert [one["id"] for one in opened if one["prompt"] == prompt] == made


def test_the_export_is_that_of_the_command_line(
    asked: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Line by line, oldest first; sealed for a viewer, opened for an admin who asks for it."""
    where = {"kind": "call", "persona": PERSONA}
    exported = lines_of(asked.clients[Role.VIEWER].get("/log/export", params=where))
    state = str(asked.ground.connector.vault.status().path.parents[1])
    file = tmp_path / "log.jsonl"
    words = ["--state", state, "log", "export", str(file), "--kind", "call", "--persona", PERSONA]
    assert main(words) == 0
    capsys.readouterr()
    assert exported == [json.loads(line) for line in file.read_text().splitlines()]
    assert all(one[name] is None for one in exported for name in SEALED)
    opened = lines_of(asked.admin.post("/log/export", json=where))
    assert [one["id"] for one in opened] == [one["id"] for one in exported]
    assert {one["prompt"] for one in opened} >= {PROMPT}
    assert asked.clients[Role.VIEWER].post("/log/export", json=where).status_code == 403
    assert asked.admin.head("/log/export").content == b""


def test_a_page_of_the_log_is_opened_for_an_admin(asked: Api) -> None:
    """With the choice of the list, a page at a time; that it was read stands in the log."""
    asked.ground.call("list_clients", {"limit": 1})
    where: dict[str, Any] = {"kind": "call", "limit": 1}
    opened = asked.admin.post("/log/open", json=where).json()
    shut = asked.admin.get("/log", params=where).json()
    assert [one["id"] for one in opened["entries"]] == [one["id"] for one in shut["entries"]]
    assert (opened["entries"][0]["prompt"], shut["entries"][0]["prompt"]) == (PROMPT, None)
    wrong = asked.admin.post("/log/open", json={"since": "9999-12-31T23:59:59-23:00"}).json()
    assert (wrong["faults"][0]["place"], wrong["faults"][0]["path"]) == ("body", "$.since")


def test_who_follows_the_log_hears_of_each_entry_once_and_of_none_too_few(asked: Api) -> None:
    """The first page of a list gives the cursor; what came since is told, and then waited for."""
    viewer = asked.clients[Role.VIEWER]
    where = {"kind": "call"}
    listed = viewer.get("/log", params={**where, "limit": 2}).json()
    quiet = viewer.get("/log/news", params={**where, "cursor": listed["cursor"]}).json()
    assert (quiet["entries"], quiet["more"]) == ([], False)
    made = asked.ground.call("list_clients", {"limit": 1}).log_id
    news = viewer.get("/log/news", params={**where, "cursor": quiet["cursor"]}).json()
    assert [(one["id"], one["outcome"]) for one in news["entries"]] == [(made, "succeeded")]
    assert news["entries"][0]["prompt"] is None
    again = viewer.get("/log/news", params={**where, "cursor": news["cursor"]}).json()
    assert again["entries"] == []
    now = viewer.get("/log/news").json()
    assert now["entries"] == []
    for _ in range(3):
        asked.ground.call("list_clients", {"limit": 1})
    few = viewer.get("/log/news", params={**where, "cursor": now["cursor"], "limit": 2}).json()
    assert (len(few["entries"]), few["more"]) == (2, True)
    assert viewer.get("/log/news", params={"cursor": "x"}).status_code == 422


def test_who_waits_for_news_is_answered_when_there_is_some(asked: Api) -> None:
    """The answer comes with the entry, and not before; waiting has an end of its own."""
    viewer = asked.clients[Role.VIEWER]
    cursor = viewer.get("/log/news").json()["cursor"]
    waiting: dict[str, Any] = {"cursor": cursor, "wait_s": 25, "kind": "budget"}
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(viewer.get, "/log/news", params=waiting, timeout=SOON_S)
        put = {"scope": "persona", "name": "waited-for", "credits": 5}
        line = asked.admin.put("/budgets", json=put).json()["log_id"]
        assert [one["id"] for one in answer.result().json()["entries"]] == [line]
    assert viewer.get("/log/news", params={"wait_s": 1}).json()["entries"] == []
    assert viewer.get("/log/news", params={"wait_s": 26}).status_code == 422


def test_a_token_that_is_revoked_waits_no_longer(asked: Api) -> None:
    """It is looked up anew while it waits."""
    tokens = asked.ground.connector.tokens
    made = tokens.for_admin(role="viewer", user="grace")
    shown = {"Authorization": f"Bearer {made.text}"}
    cursor = asked.admin.get("/log/news").json()["cursor"]
    with ThreadPoolExecutor(1) as pool:
        params = {"cursor": cursor, "wait_s": 25, "user": "nobody-at-all"}
        answer = pool.submit(asked.stranger.get, "/log/news", params=params, headers=shown)
        while not tokens.one(made.token.id).used_at:
            pass
        tokens.revoke(made.token.id, user="ada", reason="left")
        assert answer.result().status_code == 401


def test_nobody_waits_once_the_console_ends(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whoever was waiting is answered with nothing new."""
    with api(tmp_path_factory.mktemp("ends")) as asked, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(asked.admin.get, "/log/news", params={"wait_s": 25}, timeout=SOON_S)
        threading.Timer(0.1, asked.ground.desk.patience.end).start()
        assert answer.result().json()["entries"] == []


def test_an_entry_and_the_growth_of_the_log_are_proved(asked: Api, tmp_path: Path) -> None:
    """Each row of a call has a proof; a checkpoint of before is one that the log has grown from."""
    viewer = asked.clients[Role.VIEWER]
    call = asked.ground.call("list_clients", {"limit": 1}).log_id
    proof = viewer.get(f"/log/{call}/proof").json()
    assert proof["rows"][0] == call
    assert proof["proof"]["row"]["seq"] == call
    ended = viewer.get(f"/log/{proof['rows'][1]}/proof").json()
    assert ended["proof"]["row"]["seq"] == proof["rows"][1]
    before = viewer.get("/log/checkpoint").json()
    assert before["key"] == proof["key"]
    asked.ground.call("list_clients", {"limit": 1})
    after = viewer.get("/log/checkpoint").json()
    assert after["signed"] > before["signed"]
    assert str(before["signed"]) in before["checkpoint"].splitlines()
    growth = viewer.get("/log/growth", params={"rows": before["signed"]}).json()
    file = tmp_path / "growth.json"
    file.write_text(json.dumps(growth["proof"]))
    assert growth["proof"]
    assert viewer.get("/log/growth", params={"rows": 10**6}).status_code == 404


# Budgets, changes with an unknown end, the vault


def test_a_budget_is_set_seen_and_taken_away(asked: Api) -> None:
    """By an admin, for whom it is said; a name where there is none, or none where there is one."""
    admin = asked.admin
    put = admin.put("/budgets", json={"scope": "persona", "name": "spender", "credits": 7})
    assert put.json()["credits"] == 7
    held = {
        (one["scope"], one["name"]): one["left"]
        for one in asked.clients[Role.VIEWER].get("/budgets").json()["budgets"]
    }
    assert held["persona", "spender"] == 7
    admin.put("/budgets", json={"scope": "connection", "name": NAME, "credits": 1000})
    admin.put("/budgets", json={"scope": "connection", "name": NAME, "credits": None})
    admin.put("/budgets", json={"scope": "persona", "name": "spender", "credits": None})
    left = admin.get("/budgets").json()["budgets"]
    assert not {"spender", NAME} & {one["name"] for one in left}
    for wrong in (
        {"scope": "account", "name": "x", "credits": 1},
        {"scope": "user", "credits": 1},
        {"scope": "user", "name": "ada", "credits": -1},
        {"scope": "grant", "name": "x", "credits": 1},
    ):
        assert admin.put("/budgets", json=wrong).status_code == 422
    nowhere = {"scope": "connection", "name": "nowhere", "credits": 1}
    assert admin.put("/budgets", json=nowhere).status_code == 404


def test_a_change_with_an_unknown_end_is_listed_and_settled_by_a_persons_word(asked: Api) -> None:
    """A repeat of the operation runs once it is known that it was not done."""
    ground = asked.ground
    ground.sandbox.sandbox.faults.add(Fault(kind=FaultKind.CUT_BEFORE, times=1))
    entry = ground.call("create_client", {"name": "Lost"}, operation="op-lost").log_id
    listed = asked.clients[Role.VIEWER].get("/unsettled").json()["unsettled"]
    assert [(one["id"], one["operation"]) for one in listed] == [(entry, "op-lost")]
    settle = f"/log/{entry}/settle"
    early = asked.admin.post(settle, json={})
    assert (early.status_code, early.json()["kind"]) == (409, "conflict")
    assert asked.admin.post(settle, json={"reason": "x"}).status_code == 422
    word = {"verdict": "not_found", "reason": "I have looked."}
    done = asked.admin.post(settle, json=word).json()
    assert (done["verdict"], done["user"]) == ("not_found", "admin-ada")
    assert asked.admin.post(settle, json=word).status_code == 409
    assert asked.admin.get("/unsettled").json()["unsettled"] == []
    again = ground.call("create_client", {"name": "Lost"}, operation="op-lost")
    assert again.outcome.value == "succeeded"


def test_the_vault_is_looked_at_and_tended(asked: Api) -> None:
    """Fingerprints and numbers; neither a key nor a path of the machine."""
    found = asked.admin.get("/vault").json()
    own = asked.ground.connector.vault.status()
    assert (found["vault_id"], found["epoch"]) == (own.vault_id, own.epoch)
    assert found["signed"] <= found["log_rows"]
    assert str(own.path) not in json.dumps(found)
    done = asked.admin.post("/tend").json()
    assert done["failed"] is False
    assert asked.clients[Role.APPROVER].post("/tend").status_code == 403


# Finding, and people


def test_a_name_is_turned_into_an_id_by_the_grant_of_the_persona(asked: Api) -> None:
    """As a call would: refused without a grant, and each look stands in the log."""
    made = asked.ground.call("create_client", {"name": "Osprey Optics"}).data["id"]
    wanted = {
        "resource": "clients",
        "text": "osprey",
        "connection": NAME,
        "persona": PERSONA,
        "prompt": "Whose is it?",
    }
    found = asked.admin.post("/find", json=wanted).json()
    assert [one["id"] for one in found["data"]] == [made]
    entry = asked.admin.get(f"/log/{found['log_id']}").json()
    assert (entry["action"], entry["user"]) == ("list_clients", "admin-ada")
    refused = asked.admin.post("/find", json={**wanted, "persona": "stranger"}).json()
    assert (refused["outcome"], refused["error"]["kind"]) == ("refused", "denied")
    odd = asked.admin.post("/find", json={**wanted, "resource": "client"}).json()
    assert odd["error"]["faults"][0]["hint"] == "Did you mean clients?"


def test_the_users_of_a_console_are_kept(asked: Api) -> None:
    """Made, given another role and password, and removed; no answer holds a password."""
    admin, password = asked.admin, "correct horse battery staple"
    new = {"name": "dana", "password": password, "role": "approver"}
    made = admin.post("/users", json=new)
    assert (made.status_code, made.json()["made_by"]) == (201, "admin-ada")
    assert made.headers["Location"] == f"users/{made.json()['id']}"
    assert admin.post("/users", json=new).status_code == 409
    assert admin.post("/users", json={"name": "eve", "password": "x"}).status_code == 422
    place = f"/users/{made.json()['id']}"
    assert admin.put(f"{place}/role", json={"role": "viewer"}).json()["role"] == "viewer"
    assert admin.put("/users/dana/password", json={"password": f"{password}!"}).status_code == 200
    assert [one["name"] for one in admin.get("/users").json()["users"]] == ["dana"]
    assert admin.delete(place).json()["name"] == "dana"
    gone = admin.delete(place)
    assert (gone.status_code, gone.json()["hint"]) == (404, "List them: GET /users.")
    assert password not in made.text + gone.text + admin.get("/log").text


def test_a_token_is_told_whose_it_is(asked: Api) -> None:
    """So that a page can show what its reader may do."""
    for role, client in asked.clients.items():
        assert client.get("/me").json() == {"name": f"{role.value}-ada", "role": role.value}


def test_a_change_of_a_grant_is_told_action_by_action(asked: Api) -> None:
    """What comes, what goes, and what may be called otherwise."""
    asked.ground.connector.grant("shifter", NAME, scopes=["tasks:*"], user="ada")
    terms = {
        "scopes": ["tasks:read", "hours:read"],
        "allow": ["update_task"],
        "approve": "always",
    }
    wanted = {"persona": "shifter", "connection": NAME, "terms": terms}
    told = asked.clients[Role.VIEWER].post("/grants/difference", json=wanted).json()
    assert "list_project_hours" in {one["id"] for one in told["comes"]}
    assert "create_task" in {one["id"] for one in told["goes"]}
    altered = {one["id"]: (one["before"], one["after"]) for one in told["alters"]}
    assert altered["update_task"][0] != altered["update_task"][1]


def test_all_that_is_wrong_with_a_grant_is_told_with_its_place(asked: Api) -> None:
    """Every part that cannot be used, in the body or the query; and which revision there is."""
    terms = {
        "scopes": ["tasks:read", "task:*"],
        "approve": "sometimes",
        "approve_for": {"nothing": "always"},
        "expires_at": "2020-01-01",
    }
    wanted = {"persona": "x\ny", "connection": NAME, "terms": terms}
    told = asked.admin.post("/grants/difference", json=wanted).json()
    assert {fault["path"] for fault in told["faults"]} >= {
        "$.persona",
        "$.terms.scopes[1]",
        "$.terms.approve",
        "$.terms.expires_at",
    }
    whose = {"persona": "anybody"}
    place, guard = f"/connections/{NAME}/grant", {"If-Match": "0"}
    told = asked.admin.put(place, params=whose, json=terms, headers=guard).json()
    assert {fault["path"] for fault in told["faults"]} >= {"$.scopes[1]", "$.approve"}
    assert {fault["place"] for fault in told["faults"]} == {"body"}
    unusable = asked.admin.put(
        place, params={"persona": "x\ny"}, json={"scopes": ["tasks:*"]}, headers=guard
    ).json()
    assert [(one["place"], one["path"]) for one in unusable["faults"]] == [("query", "persona")]
    told = asked.admin.put(place, params=whose, json={"scopes": ["tasks:*"]}, headers=guard)
    assert (told.status_code, told.json()["hint"].endswith('its quotes: "0".')) == (412, True)


def test_all_that_is_wrong_with_an_account_is_told_with_its_place(asked: Api) -> None:
    """Before the service is asked anything; the key is not repeated."""
    new = {"name": "a b", "secret": "short", "subdomain": "acme.evil.com"}
    told = asked.admin.post("/connections", json=new)
    faults = {fault["path"] for fault in told.json()["faults"]}
    assert (told.status_code, faults) == (422, {"$.name", "$.subdomain", "$.secret"})
    assert "short" not in told.text
    both = {"name": "ab", "secret": "k" * 20, "subdomain": "acme", "sandbox": "http://x"}
    told = asked.admin.post("/connections", json=both).json()
    assert [fault["path"] for fault in told["faults"]] == ["$.sandbox"]


def test_approvals_come_a_page_at_a_time(asked: Api) -> None:
    """In either order, and it is said whether there are more."""
    asked.ground.connector.grant("wary", NAME, scopes=["payments:*"], user="ada")
    for number in (7, 8):
        asked.ground.call("delete_payment", {"invoice_id": number, "id": number}, persona="wary")
    query: dict[str, Any] = {"state": "all", "limit": 1}
    first = asked.admin.get("/approvals", params=query).json()
    second = asked.admin.get("/approvals", params={**query, "skip": 1}).json()
    assert (first["more"], second["more"]) == (True, False)
    newest = asked.admin.get("/approvals", params={**query, "newest_first": True}).json()
    assert newest["approvals"] == second["approvals"]


# What is said


def test_advice_names_what_the_user_of_the_api_can_do() -> None:
    """A command is named only where the shell of the machine is meant."""
    shell = re.compile(r"`clientary (init|vault (verify|restore)|manifest check)\b")
    folder = ROOT / "connector" / "clientary_connector"
    for file in folder.rglob("*.py"):
        if "frontends" in file.relative_to(folder).parts:
            continue
        text = re.sub(r"\{[\w.]+\}", "7", file.read_text(encoding="utf-8"))
        for found in re.findall(r"`clientary [^`]+`(?: with --check-old| or `--not-found`)?", text):
            said = in_words_of_the_api(found)
            assert "clientary" not in said or shell.match(said), (file.name, found)


def test_the_advice_after_a_rotation_names_operations(asked: Api) -> None:
    """What a person has to do next is said as the API would do it."""
    fresh = "m" * 24
    asked.ground.sandbox.sandbox.add_key(fresh)
    done = asked.admin.post(f"/connections/{NAME}/rotate", json={"secret": fresh}).json()
    assert f"`POST /connections/{NAME}/check-old-key`" in done["left"]
    held = asked.admin.get(f"/connections/{NAME}/credential").json()
    assert held["key"]["left"] == done["left"]
    keys = asked.admin.get("/status").json()["keys"]
    assert done["left"] in {one["left"] for one in keys}


def test_what_is_wrong_with_the_address_is_a_problem_too(asked: Api) -> None:
    """At the bare path, and under a name that is none of the console's."""
    told = asked.admin.get(asked.url)
    assert (told.status_code, told.headers["content-type"]) == (404, "application/problem+json")
    assert told.json()["hint"] == "/api/openapi.json names them all."
    told = asked.admin.get("/status", headers={"Host": "evil.example"})
    assert (told.status_code, told.json()["kind"]) == (421, "misdirected")


def test_what_never_reaches_the_console_is_refused_as_a_problem_too(asked: Api) -> None:
    """By the server in front of it; who asks for a page is told in a line of text."""
    place = listen(Binding())
    place.listener.close()
    app = Guard(asked.ground.app, place, most_bytes=1000, refused=refused)
    with served(app) as url, httpx.Client(base_url=url, trust_env=False) as client:
        other = {"Host": "evil.example"}
        told = client.get("/api/status", headers=other)
        assert (told.status_code, told.json()["kind"]) == (421, "misdirected")
        told = client.get("/", headers=other)
        assert told.headers["content-type"].startswith("text/plain")
        told = client.post("/api/can", content=b"x" * 1001)
        assert (told.status_code, told.json()["kind"]) == (413, "too_large")


def test_faults_of_a_file_of_grants_keep_their_places() -> None:
    """Whatever stood before the colon is where it is."""
    told = problem_of(GrantFileError(("$.scopes: There is no such scope.", "Something else")))
    assert [(one.path, one.expected) for one in told.faults] == [
        ("$.scopes", "There is no such scope."),
        ("$", "Something else"),
    ]


def test_the_whole_way_of_a_call_is_told(asked: Api) -> None:
    """A call that is made over the API and one that is not are alike in the log."""
    call = Call(
        action="list_clients",
        connection=NAME,
        persona=PERSONA,
        user="admin-ada",
        prompt=PROMPT,
        arguments={"limit": 1},
    )
    own = asked.ground.connector.run_sync(call)
    told = asked.admin.post(
        "/calls",
        json={
            "action": call.action,
            "connection": NAME,
            "persona": PERSONA,
            "prompt": PROMPT,
            "arguments": {"limit": 1},
        },
    ).json()
    first, second = (asked.admin.get(f"/log/{one}").json() for one in (own.log_id, told["log_id"]))
    alike = ("kind", "user", "persona", "connection", "action", "effect", "outcome", "cost")
    assert [first[name] for name in alike] == [second[name] for name in alike]

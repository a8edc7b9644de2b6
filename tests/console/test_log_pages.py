"""Proves that the log is listed, filtered, opened, searched and exported, by whoever may."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette

from clientary_connector import Connector, LogFilter, Settings, create_state, open_connector
from clientary_connector.frontends.console import Person, Role, console, sending
from clientary_connector.frontends.console.pages.log import LINES
from clientary_connector.frontends.console.pages.search import MOST
from clientary_connector.hooks import hookimpl
from tests.console.ground import NAME, PROMPT, Browser, Ground, Page, served, stage
from tests.vault.ground import raw

pytestmark = pytest.mark.requirement("console.log")

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
SECRET_WORDS = "Whisper it: saffron."


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console whose log holds a few calls of two personas."""
    with stage(tmp_path_factory.mktemp("log")) as made:
        made.join()
        made.call("list_clients", {"limit": 2}, operation="step-1", context={"run": "run-7"})
        made.call("create_client", {"name": "Zimt"}, prompt=SECRET_WORDS, user="ada")
        made.call("delete_client", {"id": 999_999})
        made.call("list_invoices", persona="stranger")
        yield made


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console whose log holds more than two pages, and more than a piece of an export."""
    with stage(tmp_path_factory.mktemp("filled")) as made:
        made.join()
        for _ in range(2 * LINES + 10):
            made.call("list_clients", {"limit": 1})
        yield made


def entry_of(ground: Ground, action: str) -> int:
    """Returns the id of the newest call of an action."""
    return ground.connector.log.page(LogFilter(action=action)).entries[0].id


def reads_of(ground: Ground, user: str) -> list[Mapping[str, Any]]:
    """Returns what stands in the log of what somebody has read, newest first."""
    found = ground.connector.log.page(LogFilter(user=user, kind="read")).entries
    return [one.facts for one in found]


def with_prompts(page: Page) -> Page:
    """Presses the button of a list that shows its prompts."""
    form = next(form for form in page.forms if form.method == "post")
    return page.browser.post(f"{page.browser.url}{form.action}", form.fields)


def ids(html: str) -> list[int]:
    """Returns the entries of a page, in their order."""
    return [int(found) for found in re.findall(r'data-entry="(\d+)"', html)]


# The list


def test_the_newest_entries_stand_first_without_what_is_sealed(ground: Ground) -> None:
    """Who, what, over which connection and what became of it; no prompt, and no read is noted."""
    page = ground.browser("viewer", name="vera").open("/log")
    assert page.status == 200
    found = ids(page.html)
    assert found == sorted(found, reverse=True)
    for words in ("create_client", "bookkeeper", NAME, "succeeded", "refused", "ada"):
        assert words in page.text
    assert PROMPT not in page.html
    assert SECRET_WORDS not in page.html
    assert reads_of(ground, "vera") == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"user": "ada"}, ["create_client"]),
        ({"persona": "stranger"}, ["list_invoices"]),
        ({"connection": NAME, "effect": "delete"}, ["delete_client"]),
        ({"action": "list_clients"}, ["list_clients"]),
        ({"outcome": "failed", "kind": "call"}, ["delete_client"]),
        ({"operation": "step-1"}, ["list_clients"]),
        ({"run": "run-7"}, ["list_clients"]),
        ({"since": "1h", "user": "ada"}, ["create_client"]),
        ({"until": "2020-01-31", "user": "ada"}, []),
        ({"since": "2999-01-31T09:00"}, []),
    ],
)
def test_entries_are_chosen_as_on_the_command_line(
    ground: Ground, query: dict[str, str], expected: list[str]
) -> None:
    """By each side of the filter; the choice stands in the fields, and in the address."""
    page = ground.browser("viewer").open(f"/log?{urlencode(query)}")
    assert page.status == 200
    assert re.findall(r'data-label="What">([^<]*)<', page.html) == expected
    fields = dict(page.form("/log").fields)
    assert {name: fields[name] for name in query} == query
    assert ("No entry fits." in page.text) is (not expected)


def test_the_form_leads_to_an_address_that_can_be_shared(ground: Ground) -> None:
    """Fields that were left empty do not stand in it."""
    browser = ground.browser("viewer")
    page = browser.open("/log", user="ada", persona="", since="", before="")
    assert str(page.response.url) == f"{ground.url}/log?user=ada"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("since", "yesterday", "Expected 2026-01-31"),
        ("until", "0001-01-01T00:00+14:00", "Expected 2026-01-31"),
        ("effect", "explode", "Choose of read"),
        ("user", "x" * 300, "cannot stand in the log"),
        ("run", "a\x07b", "cannot stand in the log"),
    ],
)
def test_what_cannot_be_understood_is_said_beside_its_field(
    ground: Ground, name: str, value: str, said: str
) -> None:
    """With the status of a mistake, and with what was typed still there."""
    query = urlencode({name: value})
    page = ground.browser("viewer").open(f"/log?{query}")
    assert page.status == 422
    assert said in page.text
    assert ground.browser("viewer").open(f"/log/export?{query}").status == 422
    assert ground.browser("viewer").open(f"/log/new?{query}").status == 422


def test_pages_follow_each_other_without_a_gap(filled: Ground) -> None:
    """Each begins where the one before has ended, and stays the same as the log grows."""
    first = filled.browser("viewer").open("/log", action="list_clients")
    second = first.follow(next(link for link in first.links if "before=" in link))
    third = second.follow(next(link for link in second.links if "before=" in link))
    assert [len(ids(page.html)) for page in (first, second, third)] == [LINES, LINES, 10]
    assert min(ids(first.html)) > max(ids(second.html))
    assert min(ids(second.html)) > max(ids(third.html))
    filled.call("create_client", {"name": "Zimt"})
    again = filled.browser("viewer").open(second.response.url.raw_path.decode())
    assert ids(again.html) == ids(second.html)
    assert "data-follow" in first.html
    assert "data-follow" not in second.html


# As it grows


def test_what_is_new_is_told_to_the_page_that_asks(ground: Ground) -> None:
    """Row by row as the page has them; then nothing until more comes."""
    browser = ground.browser("viewer")
    page = browser.open("/log", action="list_tasks")
    after = re.search(r'data-after="(\d+)"', page.html)
    assert after is not None
    ground.call("list_tasks", {"limit": 1})
    news = browser.open("/log/new", action="list_tasks", after=after[1]).response.json()
    assert len(ids(news["rows"])) == 1
    assert "list_tasks" in news["rows"]
    again = browser.open("/log/new", action="list_tasks", after=str(news["after"])).response.json()
    assert again == {"after": again["after"], "more": False, "rows": again["rows"]}
    assert ids(again["rows"]) == []


def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(ground: Ground) -> None:
    """Its looks do not count as use of the session, and end with it."""
    browser = ground.browser("viewer")
    browser.open("/log")
    sessions = ground.desk.sessions
    token = browser.client.cookies.get("clientary_session") or next(
        iter(browser.client.cookies.values())
    )
    held = sessions.find(token, use=False)
    assert held is not None
    held.seen -= 60
    before = held.seen
    look = {"X-Background": "1"}
    assert browser.client.get("/log/new", headers=look).status_code == 200
    assert held.seen == before
    sessions.end(token)
    assert browser.client.get("/log/new", headers=look).status_code == 303


# What is sealed


def test_an_admin_opens_an_entry_and_that_stands_in_the_log(ground: Ground) -> None:
    """Prompt, arguments, request and answer; before it is opened none of them is there."""
    log_id = entry_of(ground, "create_client")
    shut = ground.browser("admin", name="root").open(f"/log/{log_id}")
    assert SECRET_WORDS not in shut.html
    assert reads_of(ground, "root") == []
    opened = shut.send(action=f"/log/{log_id}")
    assert opened.status == 200
    for words in (SECRET_WORDS, '"name": "Zimt"', '"method": "POST"', '"outcome": "succeeded"'):
        assert words in opened.text
    assert [facts["what"] for facts in reads_of(ground, "root")] == ["entry"]


def test_an_admin_reads_the_prompts_of_a_page_and_of_the_one_before_it(filled: Ground) -> None:
    """Each page that is opened is one row in the log, in the reader's name."""
    page = filled.browser("admin", name="root").open("/log", action="list_clients")
    opened = page.send(action="/log?action=list_clients")
    assert opened.status == 200
    assert opened.html.count(PROMPT) == LINES
    older = opened.send(action=next(f.action for f in opened.forms if "before=" in f.action))
    assert PROMPT in older.html
    assert [facts["what"] for facts in reads_of(filled, "root")] == ["page", "page"]


@pytest.mark.parametrize("role", ["viewer", "approver"])
def test_others_than_admins_see_no_more_than_lies_open(ground: Ground, role: str) -> None:
    """They are told what it takes, and the ways in are shut to them."""
    browser = ground.browser(role, name="vera")
    log_id = entry_of(ground, "create_client")
    page = browser.open(f"/log/{log_id}")
    assert "It takes the role admin" in page.text
    token = page._reader.forms[0].fields[0]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    for path in (f"/log/{log_id}", "/log", "/log/export", "/log/search", "/log/verify"):
        answer = browser.post(path, [token, ("text", "saffron")])
        assert answer.status == 403, path
        assert SECRET_WORDS not in answer.html
    assert browser.open("/log/search").status == 403
    assert reads_of(ground, "vera") == []


class Strict:
    """A host that lets nobody read what is sealed."""

    @hookimpl
    def connector_may_read(self, user: str, what: Mapping[str, Any]) -> bool | None:
        """Refuses."""
        del user, what
        return False


def test_a_host_that_refuses_is_told_honestly_and_the_rest_is_shown(tmp_path: Path) -> None:
    """On each of the four ways to what is sealed; each attempt stands in the log."""
    with stage(tmp_path) as strict:
        strict.join()
        log_id = strict.call("create_client", {"name": "Zimt"}, prompt=SECRET_WORDS).log_id
        strict.connector.register(Strict())
        browser = strict.browser("admin", name="root")
        page = browser.open(f"/log/{log_id}")
        answers = [
            page.send(action=f"/log/{log_id}"),
            with_prompts(browser.open("/log")),
            browser.open("/log").send(action="/log/export"),
            browser.open("/log/search").send({"text": "saffron"}, action="/log/search"),
        ]
        for answer in answers:
            assert answer.status == 403
            assert "The host does not let this user read" in answer.text
            assert SECRET_WORDS not in answer.html
        assert "create_client" in answers[0].text
        assert "create_client" in answers[1].text
        noted = strict.connector.log.page(LogFilter(user="root", kind="read")).entries
        assert [one.outcome for one in noted] == ["refused"] * 4


def test_a_text_that_was_erased_is_called_erased(tmp_path: Path) -> None:
    """The row stays with its proof, and nothing is offered to be opened."""
    with stage(tmp_path) as stood:
        stood.join()
        log_id = stood.call("create_client", {"name": "Zimt"}, user="ada").log_id
        stood.connector.log.erasing.erase("ada", asked_by="root", reason="asked for")
        browser = stood.browser("admin")
        assert "text erased" in browser.open("/log", user="ada").text
        page = browser.open(f"/log/{log_id}")
        assert "What was sealed in this entry was erased." in page.text
        assert page.forms == []


# One entry


def test_an_entry_shows_all_that_lies_open(ground: Ground) -> None:
    """Outcome, sends, duration, cost, operation and what the host said; its end leads to it."""
    log_id = entry_of(ground, "list_clients")
    page = ground.browser("viewer").open(f"/log/{log_id}")
    facts = dict(re.findall(r"<dt>([^<]*)</dt><dd>(?:<[^>]*>)?([^<]*)<", page.html))
    told = {name: facts[name] for name in ("Outcome", "HTTP status", "Sends", "Cost", "run")}
    assert told == {
        "Outcome": "succeeded",
        "HTTP status": "200",
        "Sends": "1",
        "Cost": "1 credit",
        "run": "run-7",
    }
    assert facts["Operation"] == "step-1"
    assert facts["Duration"].endswith(" ms")
    end = ground.browser("viewer").open(f"/log/{log_id + 1}")
    assert f"entry {log_id}" in end.text


def test_an_admin_cannot_open_what_is_not_there(ground: Ground) -> None:
    """It is not found, and no reading is noted."""
    browser = ground.browser("admin", name="poker")
    token = next(one for one in browser.open("/log").forms if one.method == "post").fields[0]
    assert browser.post("/log/999999", [token]).status == 404
    assert reads_of(ground, "poker") == []


@pytest.mark.parametrize("path", ["/log/999999", f"/log/{2**80}", "/log/999999/proof"])
def test_an_entry_that_is_not_there_is_not_found(ground: Ground, path: str) -> None:
    """However large its number is."""
    assert ground.browser("viewer").open(path).status == 404


def test_a_proof_is_checked_by_the_command_that_the_page_names(
    ground: Ground, tmp_path: Path
) -> None:
    """By itself, with the key from the page; the checkpoint goes with it."""
    log_id = entry_of(ground, "create_client")
    browser = ground.browser("viewer")
    page = browser.open(f"/log/{log_id}")
    file, key = re.findall(r"verify (\S+)|--key '([^']+)'", page.text.replace("\\", ""))
    proof = browser.open(f"/log/{log_id}/proof").response
    assert file[0] in proof.headers["content-disposition"]
    (tmp_path / file[0]).write_bytes(proof.content)
    (tmp_path / "note").write_bytes(browser.open("/log/checkpoint").response.content)
    command = [sys.executable, "-m", "connector_vault.verify", file[0], "--key", key[1]]
    done = subprocess.run(  # noqa: S603 - this interpreter
        [*command, "--checkpoint", "note"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"row {log_id}" in done.stdout


def test_an_empty_log_has_nothing_to_sign(tmp_path: Path) -> None:
    """And says so; the list says what will stand there."""
    with stage(tmp_path, make=of_a_host) as empty:
        browser = empty.browser()
        assert "will stand here" in browser.open("/log").text
        assert browser.open("/log/checkpoint").status == 404


def of_a_host(connector: Connector) -> Starlette:
    """Makes the console of a host at which everybody is an admin; nobody's sign-in is a row."""
    return console(connector, who=lambda _: Person("root", Role.ADMIN))


def test_an_entry_is_shown_where_the_log_cannot_be_signed(tmp_path: Path) -> None:
    """It says that there is no proof now."""
    create_state(tmp_path / "state", settings=Settings())
    with open_connector(tmp_path / "state") as connector:
        connector.budgets.set("account", "", 1, user="root")
        assert connector.log.proofs.key()
    file = raw(tmp_path / "state" / "vault" / "vault.db")
    file.execute("DELETE FROM keys WHERE purpose = 'log-sign'")
    file.close()
    with open_connector(tmp_path / "state") as connector, served(of_a_host(connector)) as url:
        browser = Browser(url)
        page = browser.open("/log/1")
        browser.close()
    assert page.status == 200
    assert "there is no proof" in page.text


# Search


def test_a_search_finds_what_is_sealed_and_says_how_far_it_went(ground: Ground) -> None:
    """It stands in the log, and what was searched for stands in no address."""
    page = ground.browser("admin", name="seeker").open("/log/search", user="ada")
    found = page.send({"text": "SAFFRON"}, action="/log/search")
    assert found.status == 200
    assert ids(found.html) == [entry_of(ground, "create_client")]
    assert SECRET_WORDS in found.text
    assert "rows were looked through: 1 found." in found.text
    assert found.html.rstrip().endswith("</html>")
    assert "SAFFRON" not in str(found.response.url)
    (facts,) = reads_of(ground, "seeker")
    assert facts["what"] == "search"


def test_a_search_says_what_it_cannot_do(ground: Ground) -> None:
    """Without a text, and with a choice that cannot be understood."""
    page = ground.browser("admin").open("/log/search")
    assert page.send({"text": " "}, action="/log/search").status == 422
    answer = page.send({"text": "x", "since": "soon"}, action="/log/search")
    assert answer.status == 422
    assert "Expected 2026-01-31" in answer.text
    nothing = page.send({"text": "no such words anywhere"}, action="/log/search")
    assert "No entry holds that text" in nothing.text


def test_a_search_that_finds_much_shows_the_newest(filled: Ground) -> None:
    """And says that there is more."""
    page = filled.browser("admin").open("/log/search")
    found = page.send({"text": PROMPT}, action="/log/search")
    assert len(ids(found.html)) == MOST
    assert f"The newest {MOST} are shown" in found.text


# Export


def test_the_export_is_that_of_the_command_line_with_the_choice_of_the_page(
    ground: Ground,
) -> None:
    """Oldest first, a line of JSON each, and nothing sealed in it."""
    page = ground.browser("viewer", name="vera").open("/log", connection=NAME)
    answer = page.follow("/log/export?connection=books").response
    assert answer.headers["content-type"] == sending.LINES
    assert answer.headers["content-disposition"] == 'attachment; filename="clientary-log.jsonl"'
    lines = [json.loads(line) for line in answer.text.splitlines()]
    where = LogFilter(connection=NAME)
    assert lines == [
        json.loads(json.dumps(one.to_json())) for one in ground.connector.log.export(where)
    ]
    assert all(line["prompt"] is None for line in lines)
    assert reads_of(ground, "vera") == []


def test_an_admin_exports_what_is_sealed_and_that_stands_in_the_log(ground: Ground) -> None:
    """Only where it was asked for, by a form."""
    page = ground.browser("admin", name="packer").open("/log", user="ada")
    answer = page.send(action="/log/export?user=ada").response
    (line,) = [json.loads(one) for one in answer.text.splitlines()]
    assert line["prompt"] == SECRET_WORDS
    (facts,) = reads_of(ground, "packer")
    assert facts["what"] == "export"


def test_an_export_is_sent_in_pieces(filled: Ground) -> None:
    """So that what is in memory does not grow with the log."""
    browser = filled.browser("viewer")
    with browser.client.stream("GET", "/log/export") as answer:
        assert "content-length" not in answer.headers
        assert answer.headers["transfer-encoding"] == "chunked"
        lines = list(answer.iter_lines())
    assert sum(len(line) + 1 for line in lines) > sending.PIECE
    assert len({json.loads(line)["id"] for line in lines}) == len(lines) > 2 * LINES


# Words from elsewhere


@pytest.mark.requirement("console.escaped")
def test_nothing_that_others_wrote_becomes_part_of_a_page(tmp_path: Path) -> None:
    """In prompt, arguments, answer and context, and in names of users, personas and actions."""
    with stage(tmp_path) as ground:
        ground.join()
        known = ground.call(
            "create_client",
            {"name": EVIL, "website": EVIL},
            prompt=EVIL,
            user=EVIL,
            operation=EVIL,
            context={"run": EVIL, "flow": EVIL, "session": EVIL, "more": EVIL},
        )
        ground.call(EVIL, {EVIL: EVIL}, persona=EVIL, prompt=EVIL)
        other = ground.connector.log.page().entries[0].id
        browser = ground.browser("admin")
        pages = [
            browser.open("/log"),
            browser.open("/log", user=EVIL, run=EVIL, since=EVIL),
            with_prompts(browser.open("/log")),
            browser.open("/log", user=EVIL),
            browser.open("/log/new"),
            browser.open(f"/log/{known.log_id}"),
            browser.open(f"/log/{known.log_id}").send(action=f"/log/{known.log_id}"),
            browser.open(f"/log/{other}").send(action=f"/log/{other}"),
            browser.open("/log/search").send({"text": EVIL}, action="/log/search"),
            browser.open("/usage"),
        ]
        for page in pages:
            assert page.status in {200, 422}
            is_json = page.response.headers["content-type"] == "application/json"
            body = page.response.json()["rows"] if is_json else page.html
            assert "<script>alert" not in body
            assert "<img" not in body
            assert "alert(1)" in body

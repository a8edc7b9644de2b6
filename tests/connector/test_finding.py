"""Proves the search by name: how names fit, which lists are read, and what it says it left out."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, cast

import pytest

from clientary_connector import ErrorKind, LogFilter, Outcome, Result, Settings, Terms
from clientary_connector.finding import Match, Search, find, find_sync
from clientary_connector.finding.names import Wanted, folded
from clientary_connector.sandbox import Fault, FaultKind
from tests.actions.stage import ACCOUNT, PERSONA, PROMPT, USER, Stage, set_stage

pytestmark = pytest.mark.requirement("find.search")

#: Clients of which every way of fitting is known.
ACME: Final = ("Acme", "Acme Labs", "Northern Acme Works", "Hammersmith Tea", "Kůň & Żółw s.r.o.")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A sandbox with a few clients of names that are alike."""
    with set_stage(tmp_path_factory.mktemp("find") / "state") as ready:
        for name in ACME:
            made = ready.run(ready.call("create_client", {"name": name}))
            assert made.outcome is Outcome.SUCCEEDED
        yield ready


@pytest.fixture
def faulty(stage: Stage) -> Iterator[Stage]:
    """The same, whose faults end with the test."""
    yield stage
    stage.sandbox.faults.clear()


def search(resource: str, text: str, **more: Any) -> Search:  # noqa: ANN401 - the fields of a search
    """A search by the usual user and persona."""
    who: dict[str, Any] = {
        "connection": ACCOUNT,
        "user": USER,
        "persona": PERSONA,
        "prompt": PROMPT,
    }
    return Search(resource=resource, text=text, **{**who, **more})


def found(stage: Stage, resource: str, text: str, **more: Any) -> Result:  # noqa: ANN401 - the same
    """What a search comes to."""
    return stage.wait(lambda: find(stage.connector, search(resource, text, **more)))


def names(result: Result) -> list[tuple[str, str]]:
    """Each record that was found, by its name and how well that fits."""
    return [(one["name"], one["match"]) for one in result.data]


# How a name fits


@pytest.mark.parametrize(
    ("text", "name", "match"),
    [
        ("acme", "ACME", Match.EXACT),
        ("c101", "C-101", Match.EXACT),
        ("Kun & Zolw sro", "Kůň & Żółw s.r.o.", Match.EXACT),
        ("STRASSE", "Straße", Match.EXACT),
        ("sorensen", "Sørensen", Match.EXACT),
        ("日本", "日本", Match.EXACT),
        ("ac", "Acme Labs", Match.PREFIX),
        ("labs acme", "Acme Labs", Match.WORD),
        ("1042", "INV-1042", Match.WORD),
        ("merry", "Macmerry Tea", Match.INSIDE),
        ("amce labs", "Acme Labs", Match.FUZZY),
        ("acme laps", "Acme Labs", Match.FUZZY),
        ("acme ltd", "Acme", None),
        ("ab", "ad", None),
        ("zebra", "Acme", None),
        ("acme", "", None),
        ("&&", "&&", Match.EXACT),
    ],
)
@pytest.mark.requirement("find.names")
def test_a_name_fits_by_what_people_would_say(text: str, name: str, match: Match | None) -> None:
    """Case, accents and signs do not count; one wrong letter in four is forgiven."""
    fit = Wanted(text).fit(name)
    assert (fit and fit.match) == match


@pytest.mark.requirement("find.names")
def test_a_name_is_always_found_as_it_is_and_with_one_wrong_letter() -> None:
    """Whatever letters it is made of, in any case."""
    chance = random.Random(7)  # noqa: S311 - names, and the same ones every time
    for _ in range(300):
        letters = "".join(chance.choices(string.ascii_lowercase + "éöñçžøß", k=8))
        name = f"{letters.title()} {chance.choice(('Works', 'GmbH', '& Co.'))}"
        fit = Wanted(name.upper()).fit(name)
        assert fit is not None
        assert fit.match is Match.EXACT
        place = chance.randrange(len(letters))
        mistyped = letters[:place] + chance.choice("qxj") + letters[place + 1 :]
        assert Wanted(mistyped).fit(name) is not None


@pytest.mark.requirement("find.names")
def test_folding_twice_changes_nothing() -> None:
    """So both sides of a comparison are what they are, however they came in."""
    for text in ("  Ünï   CÖDE ", "ﬁne", "Ⅷ. Legion", "İstanbul", "!!", "O'Neill-Smith"):
        assert folded(folded(text)) == folded(text)


# What is found


def test_better_fits_come_first_and_typos_only_where_nothing_else_fits(stage: Stage) -> None:
    """Exact, then what it begins, then by word, then inside; of those alike, the shorter."""
    result = found(stage, "clients", "ACME")
    assert names(result) == [
        ("Acme", "exact"),
        ("Acme Labs", "prefix"),
        ("Northern Acme Works", "word"),
    ]
    assert names(found(stage, "clients", "mmersm")) == [("Hammersmith Tea", "inside")]
    assert names(found(stage, "clients", "Nortern Acme")) == [("Northern Acme Works", "fuzzy")]
    assert names(found(stage, "clients", "kun a zolw")) == []
    assert names(found(stage, "clients", "kun zolw"))[0] == ("Kůň & Żółw s.r.o.", "prefix")


@pytest.mark.parametrize(
    ("resource", "action", "field", "arguments"),
    [
        ("clients", "list_clients", "name", {}),
        ("leads", "list_leads", "name", {}),
        ("projects", "list_projects", "name", {"filter": "all"}),
        ("staff", "list_staff", "email", {}),
        ("tasks", "list_tasks", "title", {}),
        ("estimates", "list_estimates", "number", {}),
        ("expenses", "list_expenses", "description", {"from_date": "2000-01-01"}),
        ("contacts", "list_client_contacts", "email", {"client_id": 0}),
        ("invoices", "list_client_invoices", "number", {"client_id": 0}),
    ],
)
def test_everything_that_has_a_list_and_a_name_is_found_by_it(
    stage: Stage, resource: str, action: str, field: str, arguments: dict[str, Any]
) -> None:
    """Also where the only lists are those of each client, or the record is on a later page."""
    listed = list[dict[str, Any]]()
    for client_id in _clients(stage):
        given = {**arguments, **({"client_id": client_id} if "client_id" in arguments else {})}
        listed = cast("list[Any]", stage.run(stage.call(action, {**given, "limit": 10_000})).data)
        if listed:
            break
    wanted: dict[str, Any] = listed[-1]
    result = found(stage, resource, str(wanted[field]), limit=50)
    best = [one for one in result.data if one["match"] == "exact"]
    assert wanted["id"] in [one["id"] for one in best]
    assert result.page is not None
    assert result.page.complete


def _clients(stage: Stage) -> list[int]:
    listed = stage.run(stage.call("list_clients", {"limit": 1000, "fields": ["id"]})).data
    return [one["id"] for one in listed]


def test_a_record_within_a_record_is_told_by_id_and_name(stage: Stage) -> None:
    """More of it would cost a model what it did not ask for."""
    (one, *_) = found(stage, "projects", "Website").data
    assert sorted(one["client"]) == ["id", "name"]
    assert set(one) <= {"id", "name", "number", "status", "client", "match"}


def test_what_is_given_narrows_the_search_to_one_list(stage: Stage) -> None:
    """One request in place of one a client, and nothing of another client is found."""
    client = next(
        one
        for one in _clients(stage)
        if stage.run(stage.call("list_client_invoices", {"client_id": one})).data
    )
    stage.sandbox.forget()
    result = found(stage, "invoices", "1", within={"client_id": client}, limit=50)
    assert {one["client_id"] for one in result.data} == {client}
    assert len(stage.sandbox.requests) == 1
    assert result.warnings == ()


def test_more_than_were_asked_for_are_counted(stage: Stage) -> None:
    """The page says how many there are, and that not all of them are here."""
    result = found(stage, "clients", "a", limit=2)
    assert result.page is not None
    assert len(result.data) == result.page.limit == 2
    assert (result.page.total or 0) > 2
    assert not result.page.complete


def test_callers_without_a_loop_find_the_same(stage: Stage) -> None:
    """As `run_sync` is to `run`."""
    result = find_sync(stage.connector, search("clients", "acme"))
    assert names(result) == names(found(stage, "clients", "acme"))


# What it may do


def test_every_request_is_a_call_that_stands_in_the_log(stage: Stage) -> None:
    """With user, persona, prompt and the search that it is a part of; a repeat sends nothing."""
    asked = search("clients", "acme", operation="find-1", context={"run": "r-1"})
    first = stage.wait(lambda: find(stage.connector, asked))
    page = stage.connector.log.page(LogFilter(run="r-1"), user="auditor")
    lines = [one for one in page.entries if one.kind == "call"]
    assert len(lines) == 3
    assert {(one.user, one.persona, one.prompt, one.action) for one in lines} == {
        (USER, PERSONA, PROMPT, "list_clients")
    }
    assert {one.operation for one in lines} == {f"find-1/list_clients/{n}" for n in (1, 2, 3)}
    assert {one.context["part_of"] for one in lines} == {"find-1"}
    assert first.operation == "find-1"
    assert first.log_id in [one.id for one in lines]
    stage.sandbox.forget()
    again = stage.wait(lambda: find(stage.connector, asked))
    assert again.data == first.data
    assert stage.sandbox.requests == []


@pytest.mark.requirement("policy.bypass")
@pytest.mark.parametrize("persona", ["nobody", "leads_only", "closed"])
def test_a_persona_without_the_list_finds_nothing_and_the_log_says_so(
    stage: Stage, persona: str
) -> None:
    """The refusal is that of the list action; nothing is sent."""
    stage.connector.grant("leads_only", ACCOUNT, scopes=["leads:read"], user=USER)
    stage.connector.grant("closed", ACCOUNT, scopes=["*:*"], user=USER)
    stage.wait(lambda: stage.connector.revoke(ACCOUNT, user=USER, persona="closed"))
    stage.sandbox.forget()
    result = found(stage, "clients", "acme", persona=persona)
    assert (result.outcome, result.error and result.error.kind) == (
        Outcome.REFUSED,
        ErrorKind.DENIED,
    )
    assert stage.sandbox.requests == []
    (entry,) = stage.connector.log.page(LogFilter(persona=persona, kind="refusal"), limit=1).entries
    assert (entry.action, entry.id) == ("list_clients", result.log_id)


@pytest.mark.requirement("policy.bypass")
def test_a_connection_that_is_not_there_is_denied_as_one_of_others(stage: Stage) -> None:
    """Nobody learns from it which connections there are."""
    result = found(stage, "clients", "acme", connection="nothing")
    assert result.error is not None
    assert result.error.kind is ErrorKind.DENIED


@pytest.mark.requirement("policy.bypass")
def test_only_what_meets_the_conditions_of_the_grant_is_found(stage: Stage) -> None:
    """Of records beyond them not even their number is told."""
    terms = Terms(
        scopes=("clients:read", "contacts:read"), conditions=('for list_clients: name == "Acme"',)
    )
    stage.connector.grant("narrow", ACCOUNT, terms=terms, user=USER)
    result = found(stage, "clients", "acme", persona="narrow")
    assert names(result) == [("Acme", "exact")]
    assert result.page is not None
    assert (result.page.total, result.page.complete) == (1, True)


@pytest.mark.requirement("policy.bypass")
def test_lists_that_a_condition_bars_are_told_as_not_looked_through(stage: Stage) -> None:
    """The contacts of one client are found, and those of all others are not asked for."""
    contacts: Mapping[int, Any] = {
        one: stage.run(stage.call("list_client_contacts", {"client_id": one})).data
        for one in _clients(stage)
    }
    client = next(one for one, people in contacts.items() if people)
    terms = Terms(
        scopes=("clients:read", "contacts:read"),
        conditions=(f"for list_client_contacts: client_id in [{client}]",),
    )
    stage.connector.grant("one_client", ACCOUNT, terms=terms, user=USER)
    person = contacts[client][0]
    result = found(stage, "contacts", person["name"], persona="one_client")
    assert person["id"] in [one["id"] for one in result.data]
    assert {one["client_id"] for one in result.data} == {client}
    assert result.page is not None
    assert not result.page.complete
    assert any("Give client_id" in one for one in result.warnings)


# How much it may ask, and what may fail


def test_it_asks_so_much_and_says_what_it_left_out(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Two requests of three pages; with a parent, narrower is told how."""
    state = tmp_path_factory.mktemp("few") / "state"
    with set_stage(state, settings=Settings(find_requests=2)) as stage:
        stage.sandbox.forget()
        result = found(stage, "clients", "nobody at all")
        assert len(stage.sandbox.requests) == 2
        assert (result.outcome, result.data) == (Outcome.SUCCEEDED, [])
        assert result.page is not None
        assert not result.page.complete
        assert result.warnings == (
            (
                "Not all was looked through: 20 clients were looked at, in 2 requests, "
                "and it may make no more."
            ),
        )
        result = found(stage, "invoices", "nothing")
        assert result.warnings[1].endswith("Give client_id to look through fewer.")


@pytest.mark.parametrize("status", [403, 404])
def test_a_first_page_that_fails_is_the_end_of_it(faulty: Stage, status: int) -> None:
    """Outcome and error are those of the call."""
    faulty.sandbox.faults.add(Fault(kind=FaultKind.STATUS, status=status, times=1))
    result = found(faulty, "clients", "acme", operation=f"fails-{status}")
    assert (result.outcome, result.operation) == (Outcome.FAILED, f"fails-{status}")
    assert result.error is not None
    assert result.error.status == status


def test_a_later_page_that_fails_is_told_beside_what_was_found(faulty: Stage) -> None:
    """What is there is there, and nobody is told that this was all."""
    faulty.sandbox.faults.add(Fault(kind=FaultKind.STATUS, status=401, nth=2, times=None))
    result = found(faulty, "clients", "a", limit=50)
    assert result.outcome is Outcome.SUCCEEDED
    assert result.page is not None
    assert not result.page.complete
    assert any("did not accept the credential" in one for one in result.warnings)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"resource": "client"}, "$.resource"),
        ({"resource": 7}, "$.resource"),
        ({"text": " "}, "$.text"),
        ({"text": 7}, "$.text"),
        ({"text": "a" * 201}, "$.text"),
        ({"limit": 0}, "$.limit"),
        ({"limit": 51}, "$.limit"),
        ({"limit": True}, "$.limit"),
        ({"within": {"client_id": 1}}, "$.within"),
        ({"resource": "tasks", "within": {"client_id": 1}}, "$.within"),
        ({"resource": "tasks", "within": {"project_id": "one"}}, "$.project_id"),
        ({"resource": "invoices", "within": {"client_id": 1, "project_id": 1}}, "$.within"),
    ],
)
def test_what_cannot_be_searched_is_refused_by_its_place(
    stage: Stage, changes: dict[str, Any], path: str
) -> None:
    """With what would do; nothing is asked of anybody."""
    stage.sandbox.forget()
    asked = replace(search("clients", "acme"), **changes)
    result = stage.wait(lambda: find(stage.connector, asked))
    assert result.outcome is Outcome.REFUSED
    assert result.error is not None
    assert [fault.path for fault in result.error.faults] == [path]
    assert all(fault.expected for fault in result.error.faults)
    assert stage.sandbox.requests == []


def test_a_kind_that_is_nearly_right_is_suggested(stage: Stage) -> None:
    """A model says it right the second time."""
    error = found(stage, "client", "acme").error
    assert error is not None
    assert error.faults[0].hint == "Did you mean clients?"

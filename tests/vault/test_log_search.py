"""Proves that a search of the log finds what a walk along all rows finds, along an index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_vault import (
    IntegrityError,
    LogDraft,
    LogQuery,
    LogRow,
    Transaction,
    Vault,
    View,
    postings,
    schema,
)
from connector_vault.claims import Claims
from connector_vault.postings import BLOCK, Postings
from connector_vault.spans import SPAN_ROWS
from tests.vault.ground import Clock, Place, append, calls, connection_of, raw, row_of

pytestmark = [pytest.mark.requirement("log.search"), pytest.mark.slow]

USERS = ("ada", "bob")
PERSONAS = ("bookkeeper", "planner")
CONNECTIONS = ("con_1", "con_2")
ACTIONS = ("list_clients", "delete_client")
EFFECTS = ("read", "delete")
OUTCOMES = ("succeeded", "failed", "unknown", "refused", "open")
START = 1_767_225_600


@dataclass(frozen=True)
class Filled:
    """A log, and what a walk along all of it finds: its heads, newest first, and their ends."""

    vault: Vault
    heads: list[LogRow]
    outcomes: dict[int, LogRow]
    open: set[int]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """Makes a log of every kind of row, over a clock that jumps, of two full blocks and more."""
    place, clock = Place(tmp_path_factory.mktemp("filled")), Clock(START)
    with Vault.create(place.database, key=place.key, clock=clock) as vault:
        vault.write(lambda change: _fill(change, vault, clock))
        heads = _heads(vault)
        assert heads[0].seq > 2 * BLOCK + 100
        outcomes = vault.read(lambda view: view.outcomes_of(row.seq for row in heads))
        open_ = set(vault.read(lambda view: view.open_intents()))
        yield Filled(vault, heads, outcomes, open_)


def _fill(change: Transaction, vault: Vault, clock: Clock) -> None:
    """Writes 6,000 calls: settled, refused and open, some late, with two clock jumps among them."""
    late: list[LogDraft] = []
    for number in range(6_000):
        clock.now += -5_000 if number in {1_000, 2_000} else 7
        outcome = OUTCOMES[number % 5 if number % 11 else 4]
        draft = vault.draft(
            kind="refusal" if outcome == "refused" else "intent",
            outcome="refused" if outcome == "refused" else None,
            user=USERS[number // 4 % 2],
            persona=PERSONAS[number // 2 % 2],
            connection=CONNECTIONS[number % 2],
            action=ACTIONS[number % 3 % 2],
            effect=EFFECTS[number % 3 % 2],
            operation=f"op_{number // 2}",
            facts=_facts(number),
        )
        seq = change.append(draft)
        if outcome not in {"refused", "open"}:
            end = vault.draft(kind="outcome", ref=seq, outcome=outcome, user="other")
            if number % 7:
                change.append(end)
            else:
                late.append(end)
        if number % 50 == 0:
            change.append(vault.draft(kind="note", ref=seq, outcome="succeeded"))
            change.append(vault.draft(kind="connect", user="ada", outcome="failed"))
    for end in late:
        change.append(end)


def _facts(number: int) -> dict[str, Any]:
    """Gives what stands in the facts of a call: for some of them, what the host said of it."""
    if number % 4 == 0:
        return {"context": "none"} if number % 8 else {"cost": 1}
    trace = f"{number % 6:032x}"
    return {"context": {"run": f"run-{number % 3}", "traceparent": f"00-{trace}-{1:016x}-01"}}


def _heads(vault: Vault) -> list[LogRow]:
    """Walks along all rows."""
    found: list[LogRow] = []
    for seq in range(vault.verify_log().rows, 0, -1):
        row = row_of(vault, seq)
        if row.ref is None:
            found.append(row)
    return found


def _fits(row: LogRow, where: LogQuery, filled: Filled) -> bool:
    """Says whether a head fits, without any index."""
    for column in ("user", "persona", "connection", "action", "effect", "operation", "kind"):
        wanted = getattr(where, column)
        if wanted is not None and getattr(row, column) != wanted:
            return False
    said = row.facts.get("context")
    context = cast("dict[str, str]", said) if isinstance(said, dict) else {}
    if where.run is not None and context.get("run") != where.run:
        return False
    if where.trace is not None and where.trace not in context.get("traceparent", "").split("-"):
        return False
    end = filled.outcomes.get(row.seq)
    settled = row.outcome if end is None else end.outcome
    if where.outcome == "open" and row.seq not in filled.open:
        return False
    if where.outcome not in {None, "open", settled}:
        return False
    return (where.since is None or row.at >= where.since) and (
        where.until is None or row.at < where.until
    )


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), values)


TIMES = st.integers(-9_000, 9_000).map(lambda seconds: (START + seconds) * 1_000_000)
QUERIES = st.builds(
    LogQuery,
    user=_maybe(st.sampled_from((*USERS, "nobody"))),
    persona=_maybe(st.sampled_from(PERSONAS)),
    connection=_maybe(st.sampled_from(CONNECTIONS)),
    action=_maybe(st.sampled_from(ACTIONS)),
    effect=_maybe(st.sampled_from(EFFECTS)),
    outcome=_maybe(st.sampled_from(OUTCOMES)),
    operation=_maybe(st.integers(0, 1_510).map("op_{}".format)),
    kind=_maybe(st.sampled_from(("intent", "refusal", "connect"))),
    run=_maybe(st.sampled_from(("run-0", "run-1", "run-9"))),
    trace=_maybe(st.integers(0, 6).map("{:032x}".format)),
    since=_maybe(TIMES),
    until=_maybe(TIMES),
)


@given(QUERIES, st.integers(1, 80), _maybe(st.integers(1, 5_000)))
def test_a_search_finds_what_a_walk_finds(
    filled: Filled, where: LogQuery, limit: int, before: int | None
) -> None:
    """Any filters together, any page, in the same order."""
    walked = [row for row in filled.heads if _fits(row, where, filled)]
    expected = [row for row in walked if before is None or row.seq < before][:limit]
    found = filled.vault.read(lambda view: view.log_rows(where, before=before, limit=limit))
    assert found == expected


def test_pages_join_without_gap_or_overlap(filled: Filled) -> None:
    """The number of the last row of a page is the cursor of the next."""
    seen: list[LogRow] = []
    where = LogQuery(user="ada")
    while page := _search(filled.vault, where, before=seen[-1].seq if seen else None):
        seen += page
    assert seen == [row for row in filled.heads if row.user == "ada"]


def test_a_row_that_was_altered_is_not_shown(place: Place) -> None:
    """A search gives an error where a walk finds an edit."""
    with place.create() as vault:
        calls(vault, 3)
    with place.edited() as file:
        file.execute("UPDATE log SET user = 'eve' WHERE seq = 3")
    with place.open() as vault:
        assert len(_search(vault, LogQuery(user="ada"))) == 2
        with pytest.raises(IntegrityError, match="log 3"):
            _search(vault, LogQuery(user="eve"))


def _search(vault: Vault, where: LogQuery, before: int | None = None) -> list[LogRow]:
    return vault.read(lambda view: view.log_rows(where, before=before, limit=37))


@pytest.mark.parametrize("filters", [1, 2])
@pytest.mark.parametrize(
    "where",
    [
        LogQuery(user="rare"),
        LogQuery(persona="rare"),
        LogQuery(connection="rare"),
        LogQuery(action="rare"),
        LogQuery(effect="rare"),
        LogQuery(outcome="rare"),
        LogQuery(outcome="open"),
        LogQuery(operation="rare"),
        LogQuery(until=(START + 10) * 1_000_000),
    ],
)
def test_a_rare_row_is_found_without_walking(place: Place, where: LogQuery, filters: int) -> None:
    """SQLite's own count of steps stays small however many rows lie between."""
    clock = Clock(START)
    rows = 8 * SPAN_ROWS
    with Vault.create(place.database, key=place.key, clock=clock) as vault:
        rare = vault.draft(
            kind="intent",
            user=where.user or "ada",
            persona=where.persona or "p",
            connection=where.connection or "c",
            action=where.action or "a",
            effect=where.effect or "e",
            operation=where.operation or "op_0",
        )
        seq = append(vault, rare)
        if where.outcome != "open":
            append(vault, vault.draft(kind="outcome", ref=seq, outcome=where.outcome or "done"))
        clock.now += 1_000
        vault.write(lambda change: _many(change, vault, rows))
        if filters == 2 and where.user is None:
            where = replace(where, user="ada")
        found, steps = vault.read(lambda view: _counted(view, where))
    assert [row.seq for row in found] == [seq]
    assert steps < rows * 2


def _many(change: Transaction, vault: Vault, count: int) -> None:
    """Writes ordinary settled calls."""
    for number in range(count // 2):
        draft = vault.draft(
            kind="intent",
            user="ada",
            persona="p",
            connection="c",
            action="a",
            effect="e",
            operation=f"many_{number}",
        )
        seq = change.append(draft)
        change.append(vault.draft(kind="outcome", ref=seq, outcome="succeeded"))


def _counted(view: View, where: LogQuery) -> tuple[list[LogRow], int]:
    """Searches, and counts the steps of SQLite's machine in hundreds."""
    connection = cast("apsw.Connection", connection_of(view))
    steps = 0

    def step() -> bool:
        nonlocal steps
        steps += 1
        return False

    connection.set_progress_handler(step, 100)
    try:
        return view.log_rows(where), steps * 100
    finally:
        connection.set_progress_handler(None)


def test_what_is_common_apart_and_rare_together_is_found_without_walking(place: Place) -> None:
    """Two filters that half of all rows fit each, and one row both."""
    rows = 8 * SPAN_ROWS
    with place.create() as vault:
        vault.write(lambda change: _halves(change, vault, rows))
        where = LogQuery(user="ada", persona="planner")
        found, steps = vault.read(lambda view: _counted(view, where))
    assert [row.seq for row in found] == [7]
    assert steps < rows


def _halves(change: Transaction, vault: Vault, count: int) -> None:
    """Writes two kinds of calls in turn, and one that is of both."""
    for number in range(1, count + 1):
        persona = PERSONAS[number % 2 if number != 7 else 1]
        user = USERS[number % 2 if number != 7 else 0]
        change.append(
            vault.draft(kind="intent", user=user, persona=persona, operation=f"op_{number}")
        )


POSTINGS = "the postings for searching were altered from here on"


@pytest.mark.parametrize(
    ("edit", "places"),
    [
        ("DELETE FROM log_postings WHERE field = 'user' AND block = 1", [BLOCK]),
        ("UPDATE log_postings SET heads = x'00' WHERE value = 'ada' AND block = 0", [1]),
        ("UPDATE log_postings SET heads = 'none' WHERE field = 'outcome'", [1, BLOCK]),
        ("INSERT INTO log_postings VALUES ('user', 'eve', 0, x'010100')", [1]),
    ],
)
def test_postings_that_were_altered_are_found_by_the_check(
    place: Place, edit: str, places: list[int]
) -> None:
    """A search that would miss rows, or find others, is told of; it shows no wrong row."""
    with place.create() as vault:
        vault.write(lambda change: _many(change, vault, 2 * BLOCK + 10))
        assert vault.verify_log().ok
    with place.edited() as file:
        file.execute("PRAGMA ignore_check_constraints = ON")
        file.execute(edit.replace("'none'", "x'ff'"))
    with place.open() as vault:
        faults = vault.verify_log().faults
        assert [(fault.seq, fault.what) for fault in faults] == [(at, POSTINGS) for at in places]
        if "eve" in edit:
            with pytest.raises(IntegrityError):
                _search(vault, LogQuery(user="eve"))


def test_a_row_of_another_context_than_was_asked_for_is_not_shown(place: Place) -> None:
    """What stands in the facts is checked like a column."""
    with place.create() as vault:
        vault.write(lambda change: _many(change, vault, BLOCK + 10))
    with place.edited() as file:
        file.execute("INSERT INTO log_postings VALUES ('run', 'mine', 0, x'010100')")
    with place.open() as vault, pytest.raises(IntegrityError, match="log 1"):
        _search(vault, LogQuery(run="mine"))


def test_a_posting_that_leads_nowhere_shows_nothing(place: Place) -> None:
    """A row that is not there is passed over; the check tells of it."""
    with place.create() as vault:
        vault.write(lambda change: _many(change, vault, BLOCK + 10))
    with place.edited() as file:
        file.execute("INSERT INTO log_postings VALUES ('user', 'eve', 0, x'010000')")
    with place.open() as vault:
        assert _search(vault, LogQuery(user="eve")) == []
        assert not vault.verify_log().ok


def _as_before(*_: object) -> None:
    """Keeps no postings and no claims, as the first version kept none."""


def test_a_vault_of_the_first_version_gets_its_postings_when_it_is_opened(place: Place) -> None:
    """Its rows are found as before, along postings and no longer along the old indexes."""
    with pytest.MonkeyPatch.context() as before:
        before.setattr(schema.migrate, "__defaults__", (schema.MIGRATIONS[:1],))
        before.setattr(schema.version_of, "__defaults__", (schema.MIGRATIONS[:1],))
        before.setattr(Postings, "catch_up", _as_before)
        before.setattr(Postings, "settle", _as_before)
        before.setattr(Claims, "fill", _as_before)
        before.setattr(Claims, "take", _as_before)
        with place.create() as vault:
            vault.write(lambda change: _many(change, vault, 2 * BLOCK + 10))
    with place.open() as vault:
        assert vault.verify().ok
        found, steps = vault.read(lambda view: _counted(view, LogQuery(operation=None, user="ada")))
        assert (len(found), found[-1].user) == (50, "ada")
        assert steps < BLOCK * 10
        where = LogQuery(outcome="succeeded", user="ada")
        assert len(vault.read(lambda view: view.log_rows(where, limit=BLOCK * 2))) == BLOCK + 5


def test_a_vault_whose_blocks_were_shorter_gets_its_postings_anew(place: Place) -> None:
    """What was found along the old ones is found along the new ones, and the check passes."""
    with pytest.MonkeyPatch.context() as before:
        before.setattr(schema.migrate, "__defaults__", (schema.MIGRATIONS[:5],))
        before.setattr(schema.version_of, "__defaults__", (schema.MIGRATIONS[:5],))
        before.setattr(postings, "BLOCK", BLOCK // 2)
        with place.create() as vault:
            vault.write(lambda change: _many(change, vault, BLOCK + 10))
    file = raw(place.database)
    assert file.execute("SELECT max(block) FROM log_postings").fetchone() == (1,)
    with place.open() as vault:
        found, steps = vault.read(lambda view: _counted(view, LogQuery(user="ada")))
        assert (len(found), found[-1].user) == (50, "ada")
        assert steps < BLOCK
        assert vault.verify_log().ok
    assert file.execute("SELECT max(block) FROM log_postings").fetchone() == (0,)
    file.close()

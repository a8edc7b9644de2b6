"""Proves that a search of the log finds what a walk along all rows finds, along an index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_vault import IntegrityError, LogQuery, LogRow, Transaction, Vault, View
from connector_vault.rows import SPAN_ROWS
from tests.vault.ground import Clock, Place, append, calls, connection_of, row_of

pytestmark = pytest.mark.requirement("log.search")

USERS = ("ada", "bob")
PERSONAS = ("bookkeeper", "planner")
CONNECTIONS = ("con_1", "con_2")
ACTIONS = ("list_clients", "delete_client")
EFFECTS = ("read", "delete")
OUTCOMES = ("succeeded", "failed", "unknown", "refused", "open")
START = 1_767_225_600


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Vault, list[LogRow]]]:
    """Makes a log of every kind of row, over a clock that jumps; gives its heads, newest first."""
    place, clock = Place(tmp_path_factory.mktemp("filled")), Clock(START)
    with Vault.create(place.database, key=place.key, clock=clock) as vault:
        vault.write(lambda change: _fill(change, vault, clock))
        yield vault, _heads(vault)


def _fill(change: Transaction, vault: Vault, clock: Clock) -> None:
    """Writes 600 calls: settled, refused and open, with two clock jumps among them."""
    for number in range(600):
        clock.now += -5_000 if number in {200, 400} else 7
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
        )
        seq = change.append(draft)
        if outcome not in {"refused", "open"}:
            change.append(vault.draft(kind="outcome", ref=seq, outcome=outcome, user="other"))
        if number % 50 == 0:
            change.append(vault.draft(kind="note", ref=seq, outcome="succeeded"))
            change.append(vault.draft(kind="connect", user="ada", outcome="failed"))


def _heads(vault: Vault) -> list[LogRow]:
    """Walks along all rows."""
    found: list[LogRow] = []
    for seq in range(vault.verify_log().rows, 0, -1):
        row = row_of(vault, seq)
        if row.ref is None:
            found.append(row)
    return found


def _fits(row: LogRow, where: LogQuery, outcomes: dict[int, LogRow], open_: set[int]) -> bool:
    """Says whether a head fits, without any index."""
    for column in ("user", "persona", "connection", "action", "effect", "operation"):
        wanted = getattr(where, column)
        if wanted is not None and getattr(row, column) != wanted:
            return False
    settled = outcomes[row.seq].outcome if row.seq in outcomes else row.outcome
    if where.outcome == "open" and row.seq not in open_:
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
    operation=_maybe(st.integers(0, 310).map("op_{}".format)),
    since=_maybe(TIMES),
    until=_maybe(TIMES),
)


@given(QUERIES, st.integers(1, 80), _maybe(st.integers(1, 1_300)))
def test_a_search_finds_what_a_walk_finds(
    filled: tuple[Vault, list[LogRow]], where: LogQuery, limit: int, before: int | None
) -> None:
    """Any filters together, any page, in the same order."""
    vault, heads = filled
    outcomes = vault.read(lambda view: view.outcomes_of(row.seq for row in heads))
    open_ = set(vault.read(lambda view: view.open_intents()))
    walked = [row for row in heads if _fits(row, where, outcomes, open_)]
    expected = [row for row in walked if before is None or row.seq < before][:limit]
    assert vault.read(lambda view: view.log_rows(where, before=before, limit=limit)) == expected


def test_pages_join_without_gap_or_overlap(filled: tuple[Vault, list[LogRow]]) -> None:
    """The number of the last row of a page is the cursor of the next."""
    vault, heads = filled
    seen: list[LogRow] = []
    while page := _search(vault, LogQuery(user="ada"), before=seen[-1].seq if seen else None):
        seen += page
    assert seen == [row for row in heads if row.user == "ada"]


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

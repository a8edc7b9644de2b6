"""Proves that writes of many callers commit together, and that each stands or falls alone."""

from __future__ import annotations

import asyncio
import ctypes
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest

from connector_vault import (
    ConflictError,
    ForkedError,
    LogQuery,
    MisuseError,
    OperationClaimedError,
    StoreBusyError,
    StoreError,
    Transaction,
    Vault,
    VaultClosedError,
    View,
    group,
)
from connector_vault.postings import BLOCK
from connector_vault.sqlite import connect
from tests.vault.ground import (
    Place,
    account,
    append,
    connection_of,
    crowd,
    in_child,
    intent,
    item,
    putting,
    raw,
    rows_of,
    stored,
)

pytestmark = pytest.mark.requirement("vault.writing")


def test_tasks_that_write_at_once_share_commits(vault: Vault) -> None:
    """A hundred writes of one round of the loop take far fewer than a hundred commits."""
    watcher = raw(vault.path)
    versions: set[int] = set()

    async def write(number: int) -> int:
        result = await vault.write_async(putting(number))
        versions.add(watcher.execute("PRAGMA data_version").fetchone()[0])
        return result

    async def main() -> list[int]:
        return await asyncio.gather(*(write(number) for number in range(100)))

    assert asyncio.run(main()) == list(range(100))
    assert stored(vault) == set(range(100))
    assert len(versions) <= 2
    watcher.close()


def test_more_than_a_group_is_split(vault: Vault) -> None:
    """A loop is held for one group at most, and the rest follows."""
    count = group.MAX_GROUP * 2 + 5

    async def main() -> list[int]:
        await crowd(vault)
        return await asyncio.gather(*(vault.write_async(putting(n)) for n in range(count)))

    assert asyncio.run(main()) == list(range(count))


def test_work_that_raises_undoes_itself_alone(vault: Vault) -> None:
    """Its neighbours in the group commit, and its error reaches its own caller."""

    def failing(change: Transaction) -> None:
        change.put(item(1), expect=None)
        raise RuntimeError("mine")

    def refused(_: Transaction) -> None:
        raise KeyError("read only")

    async def main() -> Sequence[object]:
        await crowd(vault)
        return await asyncio.gather(
            vault.write_async(putting(0)),
            vault.write_async(failing),
            vault.write_async(putting(2)),
            vault.write_async(refused),
            vault.write_async(putting(1)),
            return_exceptions=True,
        )

    results = asyncio.run(main())
    assert results[0] == 0
    assert isinstance(results[1], RuntimeError)
    assert results[2] == 2
    assert isinstance(results[3], KeyError)
    assert results[4] == 1
    assert stored(vault) == {0, 1, 2}


def test_work_that_raises_after_its_row_is_undone_alone(vault: Vault) -> None:
    """The group is done again without that row; the others' rows are there once, in one line."""
    drafts = [intent(vault, f"op_{number}") for number in range(5)]

    def failing(change: Transaction) -> None:
        change.append(drafts[2])
        raise RuntimeError("mine")

    def failing_late(change: Transaction) -> None:
        change.append(drafts[3])
        change.put(item(7), expect=None)
        raise KeyError("mine too")

    async def main() -> Sequence[object]:
        await crowd(vault)
        return await asyncio.gather(
            vault.write_async(lambda change: change.append(drafts[0])),
            vault.write_async(failing),
            vault.write_async(putting(1)),
            vault.write_async(failing_late),
            vault.write_async(lambda change: change.append(drafts[0])),
            vault.write_async(lambda change: change.append(drafts[4])),
            return_exceptions=True,
        )

    first, mine, put, late, claimed, last = asyncio.run(main())
    assert (first, put, last) == (1, 1, 2)
    assert isinstance(mine, RuntimeError)
    assert isinstance(late, KeyError)
    assert isinstance(claimed, OperationClaimedError)
    assert stored(vault) == {1}
    report = vault.verify_log()
    assert (report.ok, report.rows, report.open) == (True, 2, (1, 2))


def test_of_two_intents_of_an_operation_in_a_group_one_is_written(vault: Vault) -> None:
    """The other one is refused, though the first is not in the database yet."""
    drafts = [intent(vault, "op_1"), intent(vault, "op_1"), intent(vault, "op_2")]

    async def main() -> Sequence[object]:
        await crowd(vault)
        writes = [vault.write_async(partial(Transaction.append, draft=one)) for one in drafts]
        return await asyncio.gather(*writes, return_exceptions=True)

    first, second, third = asyncio.run(main())
    assert (first, third) == (1, 2)
    assert isinstance(second, OperationClaimedError)
    assert vault.verify_log().ok


def test_a_second_outcome_in_a_group_fails_alone(vault: Vault) -> None:
    """Not the work after it, whose look at the log brings it to light."""
    seq = append(vault, intent(vault, "op_1"))

    def look(change: Transaction) -> str | None:
        found = change.outcome_of(seq)
        return None if found is None else found.outcome

    other = partial(Transaction.append, draft=intent(vault, "op_2"))
    first, second, seen, after = _settled_twice(vault, seq, look, other)
    assert (first, seen, after) == (2, "failed", 3)
    assert isinstance(second, ConflictError)
    report = vault.verify_log()
    assert report.ok
    assert report.open == (3,)


def test_a_row_that_the_database_does_not_take_fails_its_own_work_alone(vault: Vault) -> None:
    """Whatever is wrong with it, those who wrote with it have written, and all go on."""
    drafts = [intent(vault, f"op_{number}") for number in range(2)]
    bad = vault.draft(kind="note", revision=2**63)

    async def main() -> Sequence[object]:
        await crowd(vault)
        writes = [partial(Transaction.append, draft=one) for one in (drafts[0], bad, drafts[1])]
        return await asyncio.gather(*map(vault.write_async, writes), return_exceptions=True)

    first, wrong, last = asyncio.run(main())
    assert (first, last) == (1, 2)
    assert isinstance(wrong, OverflowError)
    with pytest.raises(OverflowError):
        append(vault, bad)
    assert append(vault, intent(vault, "op_3")) == 3
    assert vault.verify_log().ok


@pytest.mark.parametrize("what", ["a record", "a record and a row", "what was not read before"])
def test_work_that_is_undone_takes_no_row_of_another_with_it(vault: Vault, what: str) -> None:
    """A row that was appended before its savepoint stays, and its own goes with it."""
    drafts = [intent(vault, f"op_{number}") for number in range(3)]

    def failing(change: Transaction) -> None:
        if what == "what was not read before":
            rows_of(change).delete_key("none", "none")
        else:
            change.put(item(1), expect=None)
        if what == "a record and a row":
            change.append(drafts[1])
        raise RuntimeError("mine")

    async def main() -> Sequence[object]:
        await crowd(vault)
        return await asyncio.gather(
            vault.write_async(partial(Transaction.append, draft=drafts[0])),
            vault.write_async(failing),
            vault.write_async(partial(Transaction.append, draft=drafts[2])),
            return_exceptions=True,
        )

    first, mine, last = asyncio.run(main())
    assert (first, last) == (1, 2)
    assert isinstance(mine, RuntimeError)
    report = vault.verify_log()
    assert (report.ok, report.rows, report.open) == (True, 2, (1, 2))


def test_rows_of_a_transaction_that_broke_are_in_no_later_one(vault: Vault) -> None:
    """What it had gathered is forgotten with it."""
    drafts = [intent(vault, f"op_{number}") for number in range(3)]
    append(vault, drafts[0])

    def broken(change: Transaction) -> None:
        change.append(drafts[1])
        connection_of(change).execute("ROLLBACK")

    with pytest.raises(StoreError):
        vault.write(broken)
    assert append(vault, drafts[2]) == 2
    report = vault.verify_log()
    assert (report.ok, report.rows) == (True, 2)


def test_a_group_that_ends_a_block_is_found_by_a_search(vault: Vault) -> None:
    """What a search goes by is made of rows that were only just appended, too."""
    drafts = [intent(vault, f"op_{number}") for number in range(BLOCK + 8)]
    vault.write(lambda change: [change.append(one) for one in drafts[: BLOCK - 8]])

    async def main() -> None:
        await crowd(vault)
        rest = [partial(Transaction.append, draft=one) for one in drafts[BLOCK - 8 :]]
        await asyncio.gather(*map(vault.write_async, rest))

    asyncio.run(main())
    assert vault.verify_log().ok
    query = LogQuery(persona=drafts[0].persona)
    found = vault.read(lambda view: view.log_rows(query, before=BLOCK, limit=7))
    assert [row.seq for row in found] == [*range(BLOCK - 1, BLOCK - 8, -1)]


def test_work_that_goes_on_after_a_failed_look_loses_no_row_of_another(vault: Vault) -> None:
    """Its look could not be taken, as a row before it cannot be stored; it hides that."""
    seq = append(vault, intent(vault, "op_1"))

    def hide(change: Transaction) -> None:
        with suppress(Exception):
            change.outcome_of(seq)

    first, second, _ = _settled_twice(vault, seq, hide)
    assert first == 2
    assert isinstance(second, ConflictError)
    report = vault.verify_log()
    assert (report.ok, report.rows, report.open) == (True, 2, ())


def _settled_twice(
    vault: Vault, seq: int, *works: Callable[[Transaction], object]
) -> Sequence[object]:
    """Has one group write two outcomes of an intent, and do other work after them."""
    ends = (vault.draft(kind="outcome", ref=seq, outcome=end) for end in ("failed", "unknown"))
    settling = (partial(Transaction.append, draft=end) for end in ends)
    every: list[Callable[[Transaction], object]] = [*settling, *works]

    async def main() -> Sequence[object]:
        await crowd(vault)
        writes = [vault.write_async(work) for work in every]
        return await asyncio.gather(*writes, return_exceptions=True)

    return asyncio.run(main())


def test_work_sees_what_others_of_its_group_have_appended(vault: Vault) -> None:
    """Whether it reads one row or searches."""
    draft = intent(vault, "op_1")

    async def main() -> Sequence[object]:
        return await asyncio.gather(
            vault.write_async(partial(Transaction.append, draft=draft)),
            vault.write_async(lambda change: change.log_row(1)),
            vault.write_async(lambda change: change.log_rows(LogQuery(kind="intent"))),
        )

    _, row, rows = asyncio.run(main())
    assert row is not None
    assert [row] == rows


def test_rows_of_a_group_are_found_by_their_times(vault: Vault) -> None:
    """However far apart the times of a group's rows lie, and also after one was undone."""
    drafts = [intent(vault, f"op_{n}")._replace(at=n * 60_000_000) for n in range(1, 5)]

    def failing(change: Transaction) -> None:
        change.append(drafts[3])
        raise RuntimeError("mine")

    def write(change: Transaction) -> None:
        for draft in (drafts[1], drafts[0], drafts[2]):
            change.append(draft)

    async def main() -> None:
        await crowd(vault)
        await asyncio.gather(
            vault.write_async(write), vault.write_async(failing), return_exceptions=True
        )
        await vault.write_async(lambda change: change.append(drafts[3]))

    asyncio.run(main())
    for draft in drafts:
        where = LogQuery(since=draft.at, until=draft.at + 1)
        found = vault.read(partial(View.log_rows, where=where))
        assert [row.operation for row in found] == [draft.operation]
    assert vault.verify_log().ok


def test_threads_tasks_and_loops_write_one_line(vault: Vault) -> None:
    """Eight threads, four of them with a loop of their own, write the log without a gap."""

    def blocking(worker: int) -> None:
        for number in range(25):
            append(vault, intent(vault, f"op_{worker}_{number}"))

    def looping(worker: int) -> None:
        async def one(number: int) -> None:
            draft = intent(vault, f"op_{worker}_{number}")
            await vault.write_async(lambda change: change.append(draft))

        async def main() -> None:
            await asyncio.gather(*(one(number) for number in range(25)))

        asyncio.run(main())

    with ThreadPoolExecutor(8) as pool:
        tasks = [pool.submit(blocking if n % 2 else looping, n) for n in range(8)]
        for task in tasks:
            task.result()
    report = vault.verify_log()
    assert (report.ok, report.rows, len(report.open)) == (True, 200, 200)


def test_cancelling_stops_the_waiting_and_not_the_work(vault: Vault) -> None:
    """What was handed in is written, whoever has gone."""

    async def main() -> None:
        task = asyncio.create_task(vault.write_async(putting(1)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await vault.write_async(putting(2))

    asyncio.run(main())
    assert stored(vault) == {1, 2}


def test_a_loop_that_is_gone_does_not_hold_the_others_up(vault: Vault) -> None:
    """A loop hands work in, stops before its next round, and is closed: others still write."""
    loop = asyncio.new_event_loop()
    waiting = vault.write_async(putting(1))

    async def hand_in() -> None:
        waiting.send(None)
        loop.stop()

    loop.run_until_complete(hand_in())
    loop.close()
    vault.write(putting(2))
    assert stored(vault) == {1, 2}
    waiting.close()


def test_a_loop_that_is_held_up_does_not_hold_the_others_up(vault: Vault) -> None:
    """While a loop computes, the writer's thread does the work that it handed in."""
    ready, done = threading.Event(), threading.Event()

    def elsewhere() -> None:
        ready.wait(10)
        vault.write(putting(2))
        done.set()

    async def main() -> bool:
        task = asyncio.create_task(vault.write_async(putting(1)))
        await asyncio.sleep(0)
        ready.set()
        waited = done.wait(10)
        await task
        return waited

    thread = threading.Thread(target=elsewhere)
    thread.start()
    assert asyncio.run(main())
    thread.join()
    assert stored(vault) == {1, 2}


def test_closing_finishes_what_was_handed_in(place: Place) -> None:
    """Also what a loop handed in that has no round left to do it."""

    async def main(vault: Vault) -> None:
        tasks = [asyncio.create_task(vault.write_async(putting(n))) for n in range(5)]
        await asyncio.sleep(0)
        vault.close()
        await asyncio.gather(*tasks)

    asyncio.run(main(place.create()))
    with place.open() as vault:
        assert stored(vault) == set(range(5))


def test_a_closed_vault_refuses_everything_but_closing(place: Place) -> None:
    """A second close does nothing."""
    vault = place.create()
    vault.write(putting(1))
    vault.close()
    vault.close()
    for use in (
        lambda: vault.write(putting(2)),
        lambda: vault.read(lambda view: view.records("item")),
        lambda: asyncio.run(vault.write_async(putting(2))),
        lambda: vault.open_secret("con_1", "f"),
        vault.verify_log,
    ):
        with pytest.raises(VaultClosedError):
            use()


def test_work_cannot_call_the_vault(vault: Vault) -> None:
    """It would wait for itself; from a thread and from a loop it is told so."""
    inside: list[Callable[[Transaction], object]] = [
        lambda _: vault.write(putting(1)),
        lambda _: vault.close(),
    ]
    for inner in inside:
        with pytest.raises(MisuseError):
            vault.write(inner)
        with pytest.raises(MisuseError):
            asyncio.run(vault.write_async(inner))
    assert stored(vault) == set()


def test_a_snapshot_does_not_see_later_writes(vault: Vault) -> None:
    """What a read sees stays the same until it ends, whoever writes."""

    def work(view: View) -> tuple[int, int]:
        seen = len(view.records("item"))
        writer = threading.Thread(target=vault.write, args=(putting(1),))
        writer.start()
        writer.join()
        return seen, len(view.records("item"))

    assert vault.read(work) == (0, 0)
    assert stored(vault) == {1}


def test_many_threads_read_at_once(vault: Vault) -> None:
    """More readers than are kept idle; each has a connection of its own."""
    vault.write(lambda change: change.put(account(), expect=None))
    barrier = threading.Barrier(12)

    def read() -> int:
        def work(view: View) -> int:
            barrier.wait(10)
            return len(view.records("connection"))

        return vault.read(work)

    with ThreadPoolExecutor(12) as pool:
        assert [f.result() for f in [pool.submit(read) for _ in range(12)]] == [1] * 12


def test_reading_does_not_write(vault: Vault) -> None:
    """A view has no way to change a row."""
    assert not {"put", "append", "store_secret", "destroy_secrets"} & set(vault.read(dir))


@pytest.mark.requirement("vault.fork")
@pytest.mark.parametrize("fork", [os.fork, ctypes.PyDLL(None).fork])
def test_a_handle_does_not_survive_a_fork(vault: Vault, fork: Callable[[], int]) -> None:
    """In a child every use is refused and closing does nothing; the parent goes on."""
    vault.write(putting(1))
    outcome = in_child(fork, lambda: _uses_refused(vault))
    assert outcome == 0
    vault.write(putting(2))
    assert stored(vault) == {1, 2}


def _uses_refused(vault: Vault) -> int:
    """Counts the uses that were not refused."""
    let_through = 0
    for use in (
        lambda: vault.write(putting(3)),
        lambda: vault.read(lambda view: view.records("item")),
        lambda: vault.open_secret("con_1", "f"),
        lambda: asyncio.run(vault.write_async(putting(3))),
        lambda: vault.draft(kind="note"),
    ):
        try:
            use()
        except ForkedError:
            continue
        except BaseException:  # noqa: BLE001 - the parent sees the count
            return 100
        let_through += 1
    vault.close()
    return let_through


@pytest.mark.requirement("vault.two_processes")
def test_a_loop_waits_for_another_process_without_standing_still(vault: Vault) -> None:
    """While somebody else holds the database, the loop turns; then the work is done."""
    vault.write(putting(0))
    other = raw(vault.path)
    other.execute("BEGIN IMMEDIATE")

    async def main() -> int:
        task = asyncio.create_task(vault.write_async(putting(1)))
        rounds = 0
        while not task.done():
            await asyncio.sleep(0)
            rounds += 1
            if rounds == 50:
                other.execute("COMMIT")
        return await task

    assert asyncio.run(main()) == 1
    other.close()
    assert stored(vault) == {0, 1}


@pytest.mark.requirement("vault.two_processes")
def test_a_database_that_stays_locked_is_an_error(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the time limit everybody who waits is told, and later writes work."""
    monkeypatch.setattr("connector_vault.sqlite.BUSY_MS", 20)
    monkeypatch.setattr("connector_vault.group.BUSY_MS", 20)
    with place.create() as vault:
        other = raw(place.database)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusyError):
            vault.write(putting(1))
        with pytest.raises(StoreBusyError):
            asyncio.run(vault.write_async(putting(1)))
        other.execute("COMMIT")
        other.close()
        vault.write(putting(2))
        assert stored(vault) == {2}


def test_work_that_takes_long_keeps_the_turn_that_it_took(vault: Vault) -> None:
    """The offer to the loop was taken; the writer's thread waits for the end of the work."""
    slow = threading.Event()

    def work(change: Transaction) -> int:
        slow.wait(group.OFFER_S * 4)
        return putting(2)(change)

    async def main() -> Sequence[int]:
        first = asyncio.create_task(vault.write_async(putting(1)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return await asyncio.gather(first, vault.write_async(work))

    assert list(asyncio.run(main())) == [1, 2]
    assert stored(vault) == {1, 2}


@pytest.mark.parametrize("looping", [False, True])
def test_work_that_breaks_its_transaction_fails_all_of_its_group(
    vault: Vault, *, looping: bool
) -> None:
    """It ends the savepoint that is not its own: nothing of the group is there, others go on."""

    def breaking(change: Transaction) -> None:
        change.put(item(1), expect=None)
        connection_of(change).execute("RELEASE work")

    async def main() -> Sequence[object]:
        await crowd(vault)
        return await asyncio.gather(
            vault.write_async(putting(2)),
            vault.write_async(breaking),
            vault.write_async(putting(3)),
            return_exceptions=True,
        )

    if looping:
        assert all(isinstance(result, StoreError) for result in asyncio.run(main()))
    else:
        with pytest.raises(StoreError):
            vault.write(breaking)
    vault.write(putting(4))
    assert stored(vault) == {4}


def test_a_writer_that_is_closed_takes_no_work(place: Place) -> None:
    """Also one that was closed before it had any."""
    place.create().close()
    writer = group.GroupWriter(connect(place.database, "full"), lambda: None)
    writer.close()
    with pytest.raises(VaultClosedError):
        writer.write(lambda _: None)

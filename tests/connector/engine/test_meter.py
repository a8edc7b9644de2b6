"""Proves that what was spent is added up once, from the log, whatever is undone or put back."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from clientary_connector import ErrorKind, Outcome, Settings
from clientary_connector.call.address import Target
from clientary_connector.call.budget import ACCOUNT, PIECE, BehindError, Meter, given_back
from clientary_connector.call.failure import RefusedError
from clientary_connector.call.policy import Permit
from connector_vault import IntegrityError, LogDraft, Transaction, Vault
from tests.vault.ground import Place, raw

pytestmark = pytest.mark.requirement("policy.budget.sum")

TOTAL = (ACCOUNT, "")
PERMIT = Permit(
    connection="con_1",
    generation=1,
    grant="con_1/bookkeeper",
    grant_revision=1,
    target=Target("http", "127.0.0.1", 1, loopback=True),
    cost=2,
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Where the vault lies."""
    return Place(tmp_path)


def intent(vault: Vault, operation: str, *, cost: int = 2) -> LogDraft:
    """Makes the intent of a call."""
    return vault.draft(
        kind="intent",
        user="ada",
        persona="bookkeeper",
        connection="con_1",
        action="list_clients",
        effect="read",
        operation=operation,
        facts={"cost": cost},
    )


def fill(vault: Vault, count: int, *, first: int = 0) -> None:
    """Writes so many intents at once."""
    drafts = [intent(vault, f"op_{number}") for number in range(first, first + count)]
    vault.write(lambda log: [log.append(draft) for draft in drafts])


def metered(vault: Vault, meter: Meter, operation: str) -> int:
    """Writes one intent if the budgets bear it; catches up as the journal does."""
    draft = intent(vault, operation)

    def work(log: Transaction) -> int:
        meter.check(log, draft, PERMIT)
        return meter.append(log, draft)

    try:
        return vault.write(work)
    except BehindError:
        meter.catch_up(draft.at)
    return vault.write(work)


def spent(vault: Vault, meter: Meter) -> int:
    """Returns what was spent this month."""
    return meter.spent(intent(vault, "now").at).get(TOTAL, 0)


def test_a_long_log_is_read_before_the_transaction_and_kept(place: Place) -> None:
    """The next process begins where this one has come to, and sums are the same."""
    with place.create() as vault:
        fill(vault, PIECE * 2 + 5)
        meter = Meter(vault, Settings(budget_account=10**6))
        with pytest.raises(BehindError):
            vault.write(lambda log: meter.check(log, intent(vault, "late"), PERMIT))
        metered(vault, meter, "one")
        assert spent(vault, meter) == (PIECE * 2 + 6) * 2
        kept = vault.read(lambda view: view.record("meter", "spent"))
        assert kept is not None
        assert kept.body["seq"] == PIECE * 2 + 5
        fill(vault, PIECE + 1, first=PIECE * 2 + 5)
        again = Meter(vault, Settings(budget_account=10**6))
        assert spent(vault, again) == spent(vault, meter) == (PIECE * 3 + 7) * 2
        assert vault.verify().ok


def test_an_older_sum_that_was_put_back_changes_nothing(place: Place) -> None:
    """More rows are read again; a sum that was edited is refused."""
    with place.create() as vault:
        fill(vault, PIECE)
        spent(vault, Meter(vault, Settings(budget_account=1)))
        file = raw(place.database)
        old = file.execute(
            "SELECT revision, body, mac FROM records WHERE kind = 'meter'"
        ).fetchone()
        fill(vault, PIECE, first=PIECE)
        assert spent(vault, Meter(vault, Settings())) == PIECE * 4
        newer = file.execute("SELECT revision FROM records WHERE kind = 'meter'").fetchone()
        assert newer != old[:1]
        file.execute("UPDATE records SET revision = ?, body = ?, mac = ? WHERE kind = 'meter'", old)
        assert spent(vault, Meter(vault, Settings())) == PIECE * 4
        file.execute("UPDATE records SET body = replace(body, '2000', '1') WHERE kind = 'meter'")
        with pytest.raises(IntegrityError):
            spent(vault, Meter(vault, Settings()))
        file.close()


@pytest.mark.parametrize("counted", [True, False])
def test_what_is_undone_is_not_counted(place: Place, *, counted: bool) -> None:
    """Rows that were counted as they were written, or read again, are taken out of the sum."""
    with place.create() as vault:
        meter = Meter(vault, Settings(budget_account=10))
        metered(vault, meter, "op_1")

        def doomed(log: Transaction) -> None:
            for number in range(3):
                draft = intent(vault, f"doomed_{number}")
                meter.check(log, draft, PERMIT)
                meter.append(log, draft) if counted else log.append(draft)
            raise RuntimeError("It was not to be.")

        for _ in range(3):
            with pytest.raises(RuntimeError):
                vault.write(doomed)
        for number in range(2, 6):
            metered(vault, meter, f"op_{number}")
        with pytest.raises(RefusedError) as refusal:
            metered(vault, meter, "op_6")
        assert refusal.value.error.kind is ErrorKind.OVER_BUDGET
        assert spent(vault, meter) == 10


@pytest.mark.parametrize("counted", [True, False])
def test_many_at_once_spend_exactly_the_budget(place: Place, *, counted: bool) -> None:
    """Threads and tasks, in groups that commit together: fifty of two credits, and no more."""
    with place.create() as vault:
        meter = Meter(vault, Settings(budget_account=100))
        metered(vault, meter, "first")
        done: list[int] = []

        async def one(name: str) -> None:
            draft = intent(vault, name)

            def work(log: Transaction) -> int:
                meter.check(log, draft, PERMIT)
                return meter.append(log, draft) if counted else log.append(draft)

            try:
                done.append(await vault.write_async(work))
            except RefusedError:
                return

        async def many(prefix: str) -> None:
            await asyncio.gather(*(one(f"{prefix}_{number}") for number in range(50)))

        threads = [threading.Thread(target=asyncio.run, args=(many(name),)) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(done) == 49
        assert spent(vault, meter) == 100


def test_what_others_wrote_between_is_counted_once(place: Place) -> None:
    """Two processes take turns: each counts its own rows as it writes them, and reads the rest."""
    with place.create() as vault, place.open() as other:
        limit = Settings(budget_account=14)
        one, two = Meter(vault, limit), Meter(other, limit)
        for number in range(3):
            metered(vault, one, f"op_{number}")
            metered(other, two, f"other_{number}")
        # No budget is looked at before an outcome, so nothing was read since the other's intent.
        end = vault.draft(kind="outcome", ref=1, outcome="succeeded")
        vault.write(lambda log: one.append(log, end))
        metered(vault, one, "last")
        with pytest.raises(RefusedError):
            metered(vault, one, "too much")
        assert spent(vault, one) == spent(other, two) == 14


def test_what_is_given_back_can_be_spent_again(place: Place) -> None:
    """The outcome says how much, and of which month."""
    with place.create() as vault:
        meter = Meter(vault, Settings(budget_account=2))
        number = metered(vault, meter, "op_1")
        with pytest.raises(RefusedError):
            metered(vault, meter, "op_2")
        month = meter.spent(intent(vault, "x").at)
        assert month[TOTAL] == 2
        row = vault.read(lambda view: view.log_row(number))
        assert row is not None
        end = vault.draft(
            kind="outcome",
            ref=number,
            user="ada",
            persona="bookkeeper",
            connection="con_1",
            outcome=Outcome.REFUSED.value,
            facts=given_back(2, row.at),
        )
        vault.write(lambda log: log.append(end))
        assert spent(vault, meter) == 0
        metered(vault, meter, "op_2")

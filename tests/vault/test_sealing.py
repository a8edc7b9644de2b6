"""Proves when the payloads of rows are sealed that are written together."""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial

import pytest

from connector_vault import LogDraft, Transaction, Vault
from connector_vault.cipher import Entropy, Key, Sealing
from tests.vault.ground import Place, append, crowd, intent, raw

pytestmark = pytest.mark.requirement("vault.writing")


class BrokenError(Exception):
    """There is no randomness."""


def appending(draft: LogDraft, log: Transaction) -> int:
    """Appends one row, as work that is handed in."""
    return log.append(draft)


def watched(draft: LogDraft, draw: Entropy) -> LogDraft:
    """Gives a draft that is sealed by randomness of a test's own."""
    sealing = Sealing(Key("0" * 32, bytes(32)), b"why", b"bound", draw)
    return draft._replace(payload=sealing, key_id="0" * 32)


def test_rows_of_a_group_are_sealed_before_their_transaction(place: Place, vault: Vault) -> None:
    """Meanwhile another process may write; sealing does not make it wait."""
    other = raw(place.database)
    other.set_busy_timeout(0)
    sealed: list[int] = []

    def draw(count: int) -> bytes:
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
        sealed.append(count)
        return bytes(count)

    async def run() -> None:
        await crowd(vault)
        drafts = [watched(intent(vault, f"op_{at}"), draw) for at in range(3)]
        await asyncio.gather(
            *(vault.write_async(partial(appending, one), draft=one) for one in drafts)
        )

    asyncio.run(run())
    other.close()
    assert len(sealed) == 3


def test_a_payload_that_cannot_be_sealed_is_its_own_callers_trouble(vault: Vault) -> None:
    """The others of its group are stored, and so is what comes after."""

    def draw(_: int) -> bytes:
        raise BrokenError

    async def run() -> list[int | BaseException]:
        await crowd(vault)
        drafts = [intent(vault, f"op_{at}") for at in range(3)]
        drafts[1] = watched(drafts[1], draw)
        return await asyncio.gather(
            *(vault.write_async(partial(appending, one), draft=one) for one in drafts),
            return_exceptions=True,
        )

    first, second, third = asyncio.run(run())
    assert (first, third) == (1, 2)
    assert isinstance(second, BrokenError)
    assert append(vault, intent(vault, "op_4")) == 3
    assert vault.verify_log().ok
    rows = vault.read(lambda view: [view.log_row(seq) for seq in (1, 2, 3)])
    assert [row and vault.open_payload(row) for row in rows] == [b"why and what"] * 3


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_does_not_go_on_with_the_work_of_its_parents_loop(vault: Vault) -> None:
    """It seals nothing, and so opens no transaction; the row of the parent is written."""
    sealing: list[int] = []

    def draw(count: int) -> bytes:
        sealing.append(count)
        return os.urandom(count)

    async def run() -> int:
        await crowd(vault)
        draft = watched(intent(vault, "op_1"), draw)
        under_way = asyncio.create_task(vault.write_async(partial(appending, draft), draft=draft))
        await asyncio.sleep(0)
        child = os.fork()
        if child == 0:
            # A lock that another thread held at the fork would hold this one for ever.
            signal.alarm(20)
            for _ in range(3):
                await asyncio.sleep(0)
            os._exit(len(sealing))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0  # noqa: ASYNC222 - before the loop comes round
        return await under_way

    assert asyncio.run(run()) == 1
    assert len(sealing) == 1


def test_a_payload_is_sealed_once_and_let_go() -> None:
    """The same bytes are given each time; what they were made from is not kept with them."""
    sealing = Sealing(Key("0" * 32, bytes(32)), b"why", b"bound", bytes)
    first = sealing.sealed()
    assert sealing.sealed() is first
    assert sealing._parts is None  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

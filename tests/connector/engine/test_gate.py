"""Proves the gate: the last look comes when the line is open, and the first bytes right after."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import pytest

from clientary_connector import ErrorKind, Settings, load_manifest
from clientary_connector.call.address import Target
from clientary_connector.call.failure import RefusedError
from clientary_connector.call.gates import LastLook
from clientary_connector.call.policy import Permit
from clientary_connector.call.request import Request
from clientary_connector.call.sending import Sender, Way
from clientary_connector.call.tally import Tally
from clientary_connector.call.transport import GateClosedError, Transport
from clientary_connector.manifest import Effect
from connector_vault import Record, Secret, Vault
from connector_vault.fence import Fence
from tests.acceptance.listener import listening
from tests.connector.engine.far_side import Answer, Seen, far_side, reply
from tests.connector.engine.ground import KEY, NOW

pytestmark = pytest.mark.requirement("engine.revoke")

T = TypeVar("T")

OWNER = "con_000000000001"
READ = Request(method="GET", path="/api/v2/clients")
WRITE = Request(method="POST", path="/api/v2/clients", body=b'{"client": {"name": "x"}}')


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    """A vault with one active connection and its secret."""
    key = f"file:{tmp_path / 'keys' / 'vault.key'}"
    with Vault.create(tmp_path / "vault" / "vault.db", key=key) as made:
        body = {"state": "active", "generation": 1}
        made.write(lambda log: log.put(Record(kind="connection", id=OWNER, body=body), expect=None))
        made.write(lambda log: log.store_secret(owner=OWNER, field="api_key", secret=Secret(KEY)))
        yield made


@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
def test_the_first_bytes_leave_inside_the_gate(vault: Vault, request_: Request) -> None:
    """When the gate closes behind a request, the far side has it: also where the line is new."""
    with listening() as listener:
        said: list[tuple[int, int]] = []

        @contextmanager
        def gate() -> Generator[None]:
            before = listener.settle()
            yield
            said.append((before, listener.settle()))

        async def twice(sender: Sender) -> None:
            way = sender.way(_permit(listener.url))
            watched = Way(way.target, way.credential, gate)
            for _ in range(2):
                await sender.send(request_, way=watched, effect=Effect.READ, tally=Tally())

        _with_sender(vault, twice)
        assert said == [(0, 1), (1, 2)]


def test_a_send_that_waited_for_a_line_is_looked_at_again(vault: Vault) -> None:
    """The permission ends while it waits, and it finds that out without being told."""
    free = threading.Event()

    def answer(seen: Seen) -> Answer:
        del seen
        free.wait()
        return reply(body={"clients": []})

    async def queued(sender: Sender) -> Tally:
        way, tally = sender.way(_permit(side.url)), Tally()
        first = asyncio.ensure_future(sender.send(READ, way=way, effect=Effect.READ, tally=Tally()))
        await asyncio.to_thread(side.asked.wait)
        second = asyncio.ensure_future(
            sender.send(WRITE, way=way, effect=Effect.WRITE, tally=tally)
        )
        while not tally.attempts:  # noqa: ASYNC110 - there is nothing to wait on
            await asyncio.sleep(0)
        body = {"state": "revoked", "generation": 2}
        await vault.write_async(
            lambda log: log.put(Record(kind="connection", id=OWNER, body=body), expect=1)
        )
        free.set()
        assert (await first).status == 200
        assert await _kind(second) is ErrorKind.REVOKED
        return tally

    with far_side(answer) as side:
        tally = _with_sender(vault, queued, settings=Settings(max_connections=1))
    assert (len(side.seen), tally.sent, tally.pending) == (1, 0, False)


def test_a_send_behind_a_fence_that_cannot_be_entered_is_refused(vault: Vault) -> None:
    """Nothing was sent, so nothing is called unknown."""
    fence = vault.path.with_name(f"{vault.path.name}.fence")
    fence.mkdir()

    async def send(sender: Sender) -> tuple[ErrorKind, Tally]:
        way, tally = sender.way(_permit(listener.url)), Tally()
        sending = asyncio.ensure_future(
            sender.send(WRITE, way=way, effect=Effect.WRITE, tally=tally)
        )
        return await _kind(sending), tally

    with listening() as listener:
        kind, tally = _with_sender(vault, send)
        assert listener.settle() == 0
    assert kind is ErrorKind.INTERNAL
    assert (tally.sent, tally.pending) == (0, False)


def test_the_last_look_and_the_act_are_inside_one_stay_in_the_fence(vault: Vault) -> None:
    """Whoever clears the fence waits from before the look until the gate is left, and no longer."""
    during: list[bool] = []

    def clock() -> datetime:
        during.append(_is_clear(vault))
        return NOW

    assert _is_clear(vault)
    with LastLook(vault, _permit("http://127.0.0.1:1"), clock):
        assert during == [False]
        assert not _is_clear(vault)
    assert _is_clear(vault)
    # The next send finds the fence as the first one did.
    with LastLook(vault, _permit("http://127.0.0.1:1"), clock):
        assert during == [False, False]
        assert not _is_clear(vault)


def test_a_gate_that_does_not_open_leaves_the_fence(vault: Vault) -> None:
    """Whether the look says no or fails, whoever clears the fence waits for nobody."""
    permit = _permit("http://127.0.0.1:1")

    def stopped() -> datetime:
        raise KeyboardInterrupt

    with pytest.raises(GateClosedError), LastLook(vault, replace(permit, generation=2), _now):
        pass
    assert _is_clear(vault)
    with pytest.raises(KeyboardInterrupt), LastLook(vault, permit, stopped):
        pass
    assert _is_clear(vault)
    with LastLook(vault, permit, _now):
        assert not _is_clear(vault)


def _now() -> datetime:
    return NOW


def _is_clear(vault: Vault) -> bool:
    """Tells whether nobody is inside the fence, as another process would find it out."""
    return Fence(vault.path).clear(limit_s=0)


def _permit(url: str) -> Permit:
    port = int(url.rpartition(":")[2])
    target = Target("http", "127.0.0.1", port, loopback=True)
    return Permit(connection=OWNER, generation=1, grant=None, grant_revision=0, target=target)


def _with_sender(
    vault: Vault, work: Callable[[Sender], Awaitable[T]], *, settings: Settings | None = None
) -> T:
    """Runs work with a sender that nobody watches over."""

    async def run() -> T:
        used = settings or Settings()
        transport = Transport(auth=load_manifest().auth, headers={}, settings=used)
        try:
            return await work(Sender(vault=vault, transport=transport, settings=used))
        finally:
            await transport.aclose()

    return asyncio.run(run())


async def _kind(sending: Awaitable[object]) -> ErrorKind:
    with pytest.raises(RefusedError) as refused:
        await sending
    return refused.value.error.kind

"""Proves how a request is written onto a line, and when a line is used again."""

from __future__ import annotations

import asyncio
import gzip
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from typing import Any

import aiohttp
import pytest

from clientary_connector import Settings
from clientary_connector.call import linepool
from clientary_connector.call.address import Target
from clientary_connector.call.lines import (
    ClosedError,
    Gate,
    Lines,
    Message,
    UnwritableError,
)
from tests.connector.engine.far_side import FarSide, Seen, far_side, reply
from tests.connector.engine.test_transport import always, target_at

pytestmark = pytest.mark.requirement("transport.lines")


def message(
    method: str = "GET", resource: str = "/x", body: bytes | None = None, **headers: str
) -> Message:
    """Returns a request as it is written."""
    return Message(method, resource, headers, body)


def pool(lines: Lines) -> Any:  # noqa: ANN401 - what is behind it has no public face
    """Returns what keeps the lines, which shows nothing of them."""
    return lines._pool  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def opened(lines: Lines) -> list[Any]:
    """Returns the lines that are open, those that rest among them."""
    return list(pool(lines)._connector._acquired)  # noqa: SLF001 - the lines that are open


def resting(lines: Lines) -> list[int]:
    """Returns how many lines rest, host by host."""
    return [len(host.resting) for host in pool(lines)._hosts.values()]  # noqa: SLF001 - see above


def flights(lines: Lines) -> set[Any]:
    """Returns what is in the air."""
    return set(lines._flights)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize(
    "bad",
    [
        message(resource="/x y"),
        message(resource="/x\r\nHost: evil.example"),
        message(resource="//x\x00"),
        message(resource="http://evil.example/"),
        message(resource="/é"),
        message(resource=""),
        message(Authorization="Basic x\r\nX: y"),
        message(Authorization="Basic x\n"),
        message(Authorization="Basic é"),
    ],
)
def test_what_could_end_a_line_early_is_never_written(bad: Message) -> None:
    """No sign of a path or a header begins another header, or another request."""
    with far_side(always(reply())) as side:

        async def send() -> None:
            lines = Lines(Settings(), {}, loopback=True)
            with pytest.raises(UnwritableError):
                await lines.exchange(target_at(side.url), bad, nullcontext)
            await lines.aclose()

        asyncio.run(send())
    assert side.seen == []


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [("GET", None, None), ("DELETE", None, "0"), ("POST", b"", "0"), ("PUT", b"{}", "2")],
)
def test_the_length_of_a_body_is_said(method: str, body: bytes | None, length: str | None) -> None:
    """Also where it is empty, save for methods that have none."""
    with far_side(always(reply())) as side:

        async def send() -> None:
            lines = Lines(Settings(), {"A": "b"}, loopback=True)
            await lines.exchange(target_at(side.url), message(method, body=body), nullcontext)
            await lines.aclose()

        asyncio.run(send())
    (seen,) = side.seen
    assert seen.headers.get("content-length") == length
    assert (seen.headers["a"], seen.headers["host"]) == ("b", side.url.removeprefix("http://"))


def test_an_interim_answer_is_not_the_answer() -> None:
    """What comes before the answer is passed over (RFC 9110, section 15.2)."""
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    with far_side(always(early + early + reply(200, {"a": 1}))) as side:

        async def send() -> int:
            lines = Lines(Settings(), {}, loopback=True)
            answer = await lines.exchange(target_at(side.url), message(), nullcontext)
            await lines.aclose()
            assert answer.body == b'{"a": 1}'
            return answer.status

        assert asyncio.run(send()) == 200


def test_a_line_that_closes_at_the_gate_carries_nothing() -> None:
    """Nothing was written, and that is what is said."""
    with far_side(always(reply())) as side:

        async def send(lines: Lines) -> None:
            @contextmanager
            def cut() -> Generator[None]:
                for protocol in opened(lines):
                    assert protocol.transport is not None
                    protocol.transport.abort()
                yield

            with pytest.raises(ClosedError):
                await lines.exchange(target_at(side.url), message(), cut)
            assert (await lines.exchange(target_at(side.url), message(), nullcontext)).status == 200

        async def run() -> None:
            lines = Lines(Settings(), {}, loopback=True)
            await send(lines)
            await lines.aclose()

        asyncio.run(run())
    assert len(side.seen) == 1


def test_an_answer_that_nobody_asked_for_is_not_taken_for_one() -> None:
    """A line on which something came before the request carries it no more."""
    with far_side(always(reply(200, {"asked": True}))) as side:

        async def run() -> bytes:
            lines = Lines(Settings(), {}, loopback=True)

            @contextmanager
            def early() -> Generator[None]:
                for protocol in opened(lines):
                    protocol.data_received(reply(200, {"asked": False}))
                yield

            with pytest.raises(ClosedError):
                await lines.exchange(target_at(side.url), message(), early)
            answer = await lines.exchange(target_at(side.url), message(), nullcontext)
            await lines.aclose()
            return answer.body

        assert asyncio.run(run()) == b'{"asked": true}'
    assert len(side.seen) == 1


def test_a_line_is_used_again_only_after_a_whole_answer() -> None:
    """What is left of one answer is never read as the next one."""

    async def both(side: FarSide, most: int) -> list[int]:
        lines = Lines(Settings(max_body_bytes=most), {}, loopback=True)
        for _ in range(2):
            await lines.exchange(target_at(side.url), message(), nullcontext)
        held = resting(lines)
        await lines.aclose()
        return held

    with far_side(always(reply(body=b"x" * 500_000))) as side:
        assert asyncio.run(both(side, 1_000_000)) == [1]
        assert asyncio.run(both(side, 1024)) == [0]


def test_a_line_rests_for_a_limited_time() -> None:
    """Then it is closed, whether or not another request comes."""

    async def run(side: FarSide) -> None:
        lines = Lines(Settings(keepalive_s=2.0), {}, loopback=True)
        target = target_at(side.url)
        await lines.exchange(target, message(), nullcontext)
        (line,) = opened(lines)
        await asyncio.sleep(1)
        await lines.exchange(target, message(), nullcontext)
        assert opened(lines) == [line]
        await asyncio.sleep(1.5)
        # The sweep that came meanwhile has left it, as it was used since.
        assert resting(lines) == [1]
        await asyncio.sleep(2)
        assert resting(lines) == [0]
        assert opened(lines) == []
        assert not line.is_connected()
        await lines.aclose()

    with far_side(always(reply())) as side:
        asyncio.run(run(side))


def test_a_line_that_closes_while_it_rests_carries_nothing_more() -> None:
    """The next request has a line of its own, and is sent once."""

    async def run(side: FarSide) -> None:
        lines = Lines(Settings(), {}, loopback=True)
        target = target_at(side.url)
        await lines.exchange(target, message(), nullcontext)
        (line,) = opened(lines)
        line.transport.abort()
        await lines.exchange(target, message(), nullcontext)
        assert line not in opened(lines)
        assert resting(lines) == [1]
        await lines.aclose()
        assert opened(lines) == []

    with far_side(always(reply())) as side:
        asyncio.run(run(side))
    assert len(side.seen) == 2


def test_lines_to_many_hosts_are_no_more_than_allowed() -> None:
    """The one that has rested longest makes room for a line to another host."""

    async def run(*sides: FarSide) -> None:
        lines = Lines(Settings(max_connections=2), {}, loopback=True)
        first, second, third = [target_at(side.url) for side in sides]
        await lines.exchange(first, message(), nullcontext)
        await lines.exchange(second, message(), nullcontext)
        assert resting(lines) == [1, 1]
        await lines.exchange(first, message(), nullcontext)
        await lines.exchange(third, message(), nullcontext)
        assert resting(lines) == [1, 0, 1]
        assert len(opened(lines)) == 2
        await lines.aclose()

    with (
        far_side(always(reply())) as one,
        far_side(always(reply())) as two,
        far_side(always(reply())) as three,
    ):
        asyncio.run(run(one, two, three))


def test_a_line_to_a_forgotten_host_is_closed_when_it_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Hosts are forgotten where there are too many; nothing that is under way is cut off."""
    monkeypatch.setattr(linepool, "KEPT_HOSTS", 1)

    async def run(first: FarSide, second: FarSide) -> None:
        lines = Lines(Settings(), {}, loopback=True)
        under_way = asyncio.create_task(
            lines.exchange(target_at(first.url), message(), nullcontext)
        )
        await asyncio.to_thread(first.asked.wait)
        await lines.exchange(target_at(second.url), message(), nullcontext)
        assert len(opened(lines)) == 2
        let_go.set()
        assert (await under_way).status == 200
        assert resting(lines) == [1]
        assert len(opened(lines)) == 1
        await lines.aclose()

    let_go = threading.Event()

    async def late(_: object) -> bytes:
        await asyncio.to_thread(let_go.wait)
        return reply()

    with far_side(late) as one, far_side(always(reply())) as two:
        asyncio.run(run(one, two))


def test_a_line_past_its_time_carries_nothing_more() -> None:
    """Even where the sweep has not come by: a server may close it in this moment."""

    async def run(side: FarSide) -> None:
        lines = Lines(Settings(keepalive_s=0.1), {}, loopback=True)
        target = target_at(side.url)
        await lines.exchange(target, message(), nullcontext)
        (line,) = opened(lines)
        time.sleep(0.2)  # noqa: ASYNC251 - the loop must not come round to the sweep
        await lines.exchange(target, message(), nullcontext)
        assert line not in opened(lines)
        await lines.aclose()

    with far_side(always(reply())) as side:
        asyncio.run(run(side))


def test_lines_that_fail_leave_room_for_others() -> None:
    """Whatever becomes of them: refused, cut off, late, cancelled or closed at the gate."""

    async def answer(seen: Seen) -> bytes | None:
        if seen.path == "/late":
            await asyncio.sleep(30)
        return None if seen.path == "/cut" else reply()

    async def run(side: FarSide) -> None:
        lines = Lines(Settings(max_connections=2, read_timeout_s=0.5), {}, loopback=True)
        target, nobody = target_at(side.url), Target("http", "127.0.0.1", 1, loopback=True)

        async def failing(target: Target, path: str, gate: Gate = nullcontext) -> None:
            with pytest.raises((aiohttp.ClientError, TimeoutError, ZeroDivisionError)):
                await lines.exchange(target, message(resource=path), gate)

        @contextmanager
        def shut() -> Generator[None]:
            raise ZeroDivisionError
            yield

        for _ in range(3):
            await failing(nobody, "/x")
            await failing(target, "/cut")
            await failing(target, "/late")
            await failing(target, "/x", shut)
            under_way = asyncio.create_task(
                lines.exchange(target, message(resource="/late"), nullcontext)
            )
            await asyncio.sleep(0.1)
            under_way.cancel()
            with pytest.raises(asyncio.CancelledError):
                await under_way
        assert pool(lines)._open == 0  # noqa: SLF001 - what is counted
        await lines.exchange(target, message(), nullcontext)
        assert pool(lines)._open == sum(resting(lines)) == 1  # noqa: SLF001 - see above
        await lines.aclose()
        assert pool(lines)._open == 0  # noqa: SLF001 - see above

    with far_side(answer) as side:
        asyncio.run(run(side))


def test_what_came_behind_an_answer_is_no_part_of_the_next() -> None:
    """A head that was begun and not ended is not read on with the head of the next answer."""
    stray = reply(200, {"ok": 1}) + b"HTTP/1.1 200 OK\r\nX-Stray: "

    async def run(side: FarSide) -> int:
        lines = Lines(Settings(), {}, loopback=True)
        target = target_at(side.url)
        await lines.exchange(target, message("POST", "/first", b""), nullcontext)
        answer = await lines.exchange(target, message("POST", "/next", b""), nullcontext)
        await lines.aclose()
        return answer.status

    with far_side(lambda seen: stray if seen.path == "/first" else reply(422)) as side:
        assert asyncio.run(run(side)) == 422


def test_the_time_of_one_answer_is_over_with_its_end() -> None:
    """One that was unpacked while it was read does not end the next, which may be as slow."""
    packed = reply(body=gzip.compress(b"z" * 900_000), headers={"Content-Encoding": "gzip"})

    async def answer(seen: Seen) -> bytes:
        if seen.path == "/packed":
            return packed
        await asyncio.sleep(1.2)
        return reply(200, {"slow": True})

    async def run(side: FarSide) -> list[int]:
        lines = Lines(Settings(read_timeout_s=2.0), {}, loopback=True)
        target = target_at(side.url)
        first = await lines.exchange(target, message(resource="/packed"), nullcontext)
        await asyncio.sleep(1.2)
        second = await lines.exchange(target, message(resource="/slow"), nullcontext)
        await lines.aclose()
        return [len(first.body), second.status]

    with far_side(answer) as side:
        assert asyncio.run(run(side)) == [900_000, 200]


def test_an_answer_that_ends_with_its_line_is_whole() -> None:
    """Nothing says how long it is; the line is not used again."""
    body = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"e" * 100_000

    async def run(side: FarSide) -> tuple[bytes, object]:
        lines = Lines(Settings(), {}, loopback=True)
        answer = await lines.exchange(target_at(side.url), message(), nullcontext)
        assert resting(lines) == [0]
        await lines.aclose()
        return answer.body, answer.fault

    with far_side(always(body)) as side:
        assert asyncio.run(run(side)) == (b"e" * 100_000, None)


def test_what_was_said_of_one_answer_does_not_change_the_next() -> None:
    """Compressed, in pieces, empty, and long answers come in turn over one line."""
    long = b"y" * 300_000
    packed = gzip.compress(b"packed")
    answers = [
        reply(body=packed, headers={"Content-Encoding": "gzip"}),
        reply(204),
        reply(body=long),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        reply(body=b"plain"),
    ]

    async def run(side: FarSide) -> list[bytes]:
        lines = Lines(Settings(), {}, loopback=True)
        target = target_at(side.url)
        bodies = [
            (await lines.exchange(target, message(resource=f"/{at}"), nullcontext)).body
            for at in [*range(len(answers)), *range(len(answers))]
        ]
        assert resting(lines) == [1]
        await lines.aclose()
        return bodies

    with far_side(lambda seen: answers[int(seen.path[1:])]) as side:
        assert asyncio.run(run(side)) == [b"packed", b"", long, b"abc", b"plain"] * 2


def test_each_request_has_its_own_time() -> None:
    """One that is late ends alone; those after it have theirs, and an ended one rings no more."""
    quick, slow = reply(200, {"q": 1}), b"HANG"

    async def run(side: FarSide) -> list[str]:
        lines = Lines(Settings(send_timeout_s=0.8), {}, loopback=True)
        target = target_at(side.url)

        async def one(path: str) -> str:
            try:
                answer = await lines.exchange(target, message(resource=path), nullcontext)
            except TimeoutError:
                return "late"
            return str(answer.status)

        first = asyncio.create_task(one("/slow"))
        assert await one("/quick") == "200"
        second = asyncio.create_task(one("/slow"))
        said = [await first, await second, await one("/quick")]
        assert not flights(lines)
        await lines.aclose()
        return said

    with far_side(lambda seen: slow if seen.path == "/slow" else quick) as side:
        assert asyncio.run(run(side)) == ["late", "late", "200"]

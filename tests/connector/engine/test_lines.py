"""Proves how a request is written onto a line, and when a line is used again."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from clientary_connector import Settings
from clientary_connector.call.lines import (
    ClosedError,
    Lines,
    Message,
    UnwritableError,
)
from tests.connector.engine.far_side import FarSide, far_side, reply
from tests.connector.engine.test_transport import always, target_at

pytestmark = pytest.mark.requirement("transport.lines")


def message(
    method: str = "GET", resource: str = "/x", body: bytes | None = None, **headers: str
) -> Message:
    """Returns a request as it is written."""
    return Message(method, resource, headers, body)


def pool(lines: Lines) -> Any:  # noqa: ANN401 - a part of the library without a public face
    """Returns what keeps the lines."""
    return lines._connector  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def in_use(lines: Lines) -> list[Any]:
    """Returns the lines on which a request is under way."""
    return list(pool(lines)._acquired)  # noqa: SLF001 - the lines that are in use


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
                for protocol in in_use(lines):
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
                for protocol in in_use(lines):
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

    async def both(side: FarSide, most: int) -> int:
        lines = Lines(Settings(max_body_bytes=most), {}, loopback=True)
        for _ in range(2):
            await lines.exchange(target_at(side.url), message(), nullcontext)
        held = sum(map(len, pool(lines)._conns.values()))  # noqa: SLF001 - the lines that are kept
        await lines.aclose()
        return held

    with far_side(always(reply(body=b"x" * 500_000))) as side:
        assert asyncio.run(both(side, 1_000_000)) == 1
        assert asyncio.run(both(side, 1024)) == 0


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

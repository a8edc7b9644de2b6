"""Proves that a secret leaves its object only where it is asked for by name."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from connector_vault import MisuseError, Secret
from tests.vault.ground import CANARY

pytestmark = pytest.mark.requirement("vault.secret")


@pytest.mark.parametrize("value", [CANARY, CANARY.encode(), bytearray(CANARY.encode())])
def test_reveal_gives_the_value(value: str | bytes | bytearray) -> None:
    """Text, bytes and a bytearray all come back as text."""
    assert Secret(value).reveal() == CANARY


SHOWING: list[Callable[[object], str]] = [
    str,
    repr,
    format,
    "{!s:>50}".format,
    "%s".__mod__,
    lambda it: f"{it!r}",
    lambda it: f"{[it]}",
]


@pytest.mark.parametrize("show", SHOWING)
def test_showing_it_shows_no_part_of_the_value(show: Callable[[object], str]) -> None:
    """Neither the value nor its length can be seen."""
    assert show(Secret(CANARY)) == show(Secret("other"))
    assert "canary" not in show(Secret(CANARY))


def test_a_log_line_shows_no_part_of_the_value(caplog: pytest.LogCaptureFixture) -> None:
    """The logging module formats it like everybody else."""
    logging.getLogger("test").warning("opened %s %r", Secret(CANARY), Secret(CANARY))
    assert "canary" not in caplog.text


LEAKS: list[Callable[[Any], object]] = [
    lambda it: it == it,  # noqa: PLR0124 - the comparison is the point
    lambda it: it != Secret(CANARY),
    hash,
    len,
    bytes,
    iter,
    vars,
    pickle.dumps,
    copy.copy,
    copy.deepcopy,
    json.dumps,
    msgspec.json.encode,
    lambda it: it.__getstate__(),
    lambda it: it.__reduce_ex__(2),
    lambda it: it + "",
]


@pytest.mark.parametrize("leak", LEAKS)
def test_every_other_use_is_refused(leak: Callable[[Secret], object]) -> None:
    """Comparing, hashing, copying and encoding raise, and the error has no part of it."""
    with pytest.raises(TypeError) as caught:
        leak(Secret(CANARY))
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_it_has_no_room_for_attributes() -> None:
    """Nobody can hang the value on the object."""
    with pytest.raises(AttributeError):
        Secret(CANARY).shown = CANARY  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def test_wiping_overwrites_the_bytearray_it_took_over() -> None:
    """There is one copy, and the owner's name for it sees it go."""
    value = bytearray(CANARY.encode())
    view = memoryview(value)[:0]
    secret = Secret(value)
    view.release()
    secret.wipe()
    secret.wipe()
    assert value == bytearray()
    with pytest.raises(MisuseError):
        secret.reveal()


def test_leaving_the_context_wipes() -> None:
    """A `with` block holds the secret no longer than it lasts."""
    with Secret(CANARY) as secret:
        assert secret.reveal() == CANARY
    with pytest.raises(MisuseError):
        secret.reveal()


def test_dropping_the_last_name_wipes() -> None:
    """A bytearray that was taken over is empty once the secret is gone."""
    value = bytearray(CANARY.encode())
    secret = Secret(value)
    del secret
    assert value == bytearray()


@pytest.mark.parametrize("value", [b"\xffcanary", bytearray(b"canary\xff"), "canary\ud800"])
def test_what_is_not_text_is_refused_without_showing_it(value: str | bytes | bytearray) -> None:
    """The codec's own error would carry the value; it is not in the chain."""
    with pytest.raises(ValueError, match="must be UTF-8") as caught:
        Secret(value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None

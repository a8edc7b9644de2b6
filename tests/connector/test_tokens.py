"""Proves that tokens are made once, kept as marks, and let nobody in once they count no more."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clientary_connector import LogFilter, Settings, create_state, open_connector
from clientary_connector.errors import (
    InvalidValueError,
    TokenRefusedError,
    UnknownConnectionError,
    UnknownTokenError,
)
from clientary_connector.issuing import MOST_DAYS
from clientary_connector.states import restore_state
from clientary_connector.tokens import ADMIN, MCP, NewToken, Token
from clientary_connector.tokentext import is_formed, minted
from tests.connector.engine.far_side import FarSide, far_side, reply
from tests.connector.engine.ground import NAME, NOW, PERSONA, USER, Ground, ground, staff_or
from tests.full_disk import full_disk


class Time:
    """A clock that a test sets forward."""

    def __init__(self) -> None:
        """Begins at the usual time."""
        self.now = NOW

    def __call__(self) -> datetime:
        """Tells the time."""
        return self.now


@pytest.fixture(name="side", scope="module")
def _side() -> Generator[FarSide]:
    with far_side(staff_or(lambda _: reply(body={"id": 7, "name": "x"}))) as side:
        yield side


@pytest.fixture(name="time")
def _time() -> Time:
    return Time()


@pytest.fixture(name="on")
def _on(tmp_path: Path, side: FarSide, time: Time) -> Generator[Ground]:
    with ground(tmp_path, clock=time) as made:
        made.join(side.url)
        yield made


def for_mcp(on: Ground, **other: Any) -> NewToken:  # noqa: ANN401 - what a token says
    """Makes a token for the usual persona."""
    told: dict[str, Any] = {"connection": NAME, "persona": PERSONA, "user": USER, "by": "grace"}
    told.update(other)
    return on.connector.tokens.for_mcp(**told)


def admitted(on: Ground, text: str, kind: str = MCP) -> Token:
    """Shows a token."""
    return on.run(on.connector.tokens.admit(text, kind=kind))


def refused(on: Ground, text: str, kind: str = MCP) -> str:
    """Shows a token that lets nobody in, and returns why."""
    with pytest.raises(TokenRefusedError) as raised:
        admitted(on, text, kind)
    assert text not in f"{raised.value.message} {raised.value.hint}"
    return raised.value.message


@pytest.mark.requirement("policy.tokens.made")
def test_a_token_says_for_whom_it_works(on: Ground) -> None:
    """Of either kind; and is told by its form, so that a scanner finds it."""
    made, admin = for_mcp(on), on.connector.tokens.for_admin(role="viewer", user="ada")
    assert re.fullmatch(r"cct_[0-9A-Za-z]{49}", made.text)
    assert made.text not in repr(made)
    found = admitted(on, made.text)
    assert (found.user, found.persona, found.connection_name) == (USER, PERSONA, NAME)
    assert (found.kind, found.role, found.made_by, found.active) == (MCP, None, "grace", True)
    seen = admitted(on, admin.text, ADMIN)
    assert (seen.user, seen.role, seen.connection, seen.made_by) == ("ada", "viewer", None, "ada")
    assert {one.id for one in on.connector.tokens.all()} == {found.id, seen.id}
    assert [one.id for one in on.connector.tokens.all(kind=ADMIN)] == [seen.id]


@pytest.mark.requirement("policy.tokens.made")
def test_no_two_tokens_are_alike_and_a_slip_is_seen_by_the_form() -> None:
    """Any one sign that is wrong is caught by the checksum, without a look into the vault."""
    assert len({minted() for _ in range(100)}) == 100
    text = minted()
    assert is_formed(text)
    for place in range(len(text)):
        other = "b" if text[place] == "a" else "a"
        assert not is_formed(text[:place] + other + text[place + 1 :])
    assert not any(map(is_formed, ("", text[:-1], f"{text}a", f" {text}", f"{text}\n", "cct_é")))


@pytest.mark.requirement("policy.tokens.made")
def test_the_log_names_a_token_by_its_id_and_no_file_holds_it(on: Ground, tmp_path: Path) -> None:
    """Who made and who ended it, for whom, and why."""
    made = for_mcp(on)
    admitted(on, made.text)
    ended = on.connector.tokens.revoke(made.token.id, user="grace", reason="left")
    entries = on.connector.log.page(LogFilter(kind="token")).entries
    assert [entry.id for entry in entries] == [ended.log_id, made.token.log_id]
    for entry, state in zip(entries, ("revoked", "active"), strict=True):
        assert (entry.user, entry.persona, entry.outcome) == ("grace", PERSONA, "succeeded")
        facts = [entry.facts[name] for name in ("token", "for", "state")]
        assert facts == [made.token.id, USER, state]
    assert entries[0].facts["reason"] == "left"
    told = json.dumps([entry.to_json() for entry in entries])
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    chance = made.text.removeprefix("cct_")[:20]
    assert chance not in told
    assert not any(chance.encode() in path.read_bytes() for path in files)
    assert on.connector.log.verify().ok


@pytest.mark.requirement("policy.tokens.made")
@pytest.mark.parametrize(
    ("error", "other"),
    [
        (UnknownConnectionError, {"connection": "nothing"}),
        (InvalidValueError, {"persona": " "}),
        (InvalidValueError, {"user": ""}),
        (InvalidValueError, {"by": "a\nb"}),
        (InvalidValueError, {"expires_at": NOW}),
        (InvalidValueError, {"expires_at": NOW + timedelta(days=MOST_DAYS, seconds=1)}),
    ],
)
def test_what_makes_no_sense_makes_no_token(
    on: Ground, error: type[Exception], other: dict[str, Any]
) -> None:
    """Neither does a role that is none, or a connection that was revoked."""
    with pytest.raises(error):
        for_mcp(on, **other)
    with pytest.raises(InvalidValueError):
        on.connector.tokens.for_admin(role="owner", user=USER)
    on.run(on.connector.revoke(NAME, user=USER))
    with pytest.raises(UnknownConnectionError):
        for_mcp(on)
    assert on.connector.tokens.all() == ()


@pytest.mark.requirement("policy.tokens.refused")
def test_a_wrong_token_lets_nobody_in(on: Ground) -> None:
    """Nor does one of the other kind."""
    made, admin = for_mcp(on), on.connector.tokens.for_admin(role="admin", user=USER)
    assert "no token" in refused(on, "hunter2")
    wrong = {refused(on, minted()), refused(on, made.text, ADMIN), refused(on, admin.text)}
    assert len(wrong) == 1, "whoever guesses is not told how near it is"
    assert [one.used_at for one in on.connector.tokens.all()] == [None, None]


@pytest.mark.requirement("policy.tokens.refused")
def test_a_token_counts_no_more_once_it_was_revoked(on: Ground) -> None:
    """For good: there is no second time, and whoever holds a line open is told as well."""
    made = for_mcp(on)
    on.connector.tokens.check(made.token.id)
    assert on.connector.tokens.revoke(made.token.id, user=USER).state == "revoked"
    assert "revoked" in refused(on, made.text)
    with pytest.raises(TokenRefusedError):
        on.connector.tokens.check(made.token.id)
    with pytest.raises(TokenRefusedError):
        on.connector.tokens.check("tok_000000000000")
    for token in (made.token.id, "tok_000000000000", NAME):
        with pytest.raises(UnknownTokenError):
            on.connector.tokens.revoke(token, user=USER)
    with pytest.raises(InvalidValueError):
        on.connector.tokens.revoke(made.token.id, user="")


@pytest.mark.requirement("policy.tokens.refused")
def test_a_revoke_counts_in_every_process_and_after_a_restore(tmp_path: Path) -> None:
    """The next look of another connector refuses it, and a backup from before brings none back."""
    state, backup = tmp_path / "state", tmp_path / "backup.db"
    create_state(state)
    with open_connector(state) as one, open_connector(state) as other:
        made = one.tokens.for_admin(role="admin", user=USER)
        other.tokens.check(made.token.id)
        one.vault.back_up(backup, user=USER)
        one.tokens.revoke(made.token.id, user=USER)
        with pytest.raises(TokenRefusedError):
            other.tokens.check(made.token.id)
    restore_state(backup, state, accept=True)
    with open_connector(state) as again, pytest.raises(TokenRefusedError):
        again.tokens.check(made.token.id)


@pytest.mark.requirement("policy.tokens.refused")
def test_a_token_ends_in_time_and_with_its_connection(on: Ground, time: Time) -> None:
    """By default after the days of the settings; the list says which of the two it was."""
    short = for_mcp(on, expires_at=NOW + timedelta(hours=1))
    long = for_mcp(on)
    days = timedelta(days=Settings().token_days)
    assert datetime.fromisoformat(long.token.expires_at) == NOW + days
    time.now = NOW + timedelta(hours=1, seconds=-1)
    admitted(on, short.text)
    time.now = NOW + timedelta(hours=1)
    assert "ended at" in refused(on, short.text)
    admitted(on, long.text)
    on.run(on.connector.revoke(NAME, user=USER))
    assert "connection" in refused(on, long.text)
    states = {one.id: one.state for one in on.connector.tokens.all()}
    assert states == {short.token.id: "expired", long.token.id: "ended"}


@pytest.mark.requirement("policy.tokens.made")
def test_the_last_use_is_told_to_the_hour(on: Ground, time: Time) -> None:
    """One write an hour at most, whatever the number of requests; no line of the log."""
    made = for_mcp(on)
    lines = on.connector.log.page().entries

    def used() -> str | None:
        return on.connector.tokens.one(made.token.id).used_at

    assert used() is None
    time.now = NOW + timedelta(minutes=40)
    admitted(on, made.text)
    assert used() == NOW.isoformat()
    time.now = NOW + timedelta(minutes=99)
    admitted(on, made.text)
    assert used() == NOW.isoformat(), "an hour is not over"
    time.now = NOW + timedelta(minutes=100)
    admitted(on, made.text)
    assert used() == (NOW + timedelta(hours=1)).isoformat()
    assert on.connector.log.page().entries == lines


@pytest.mark.requirement("policy.tokens.made")
def test_a_full_disk_keeps_nobody_out(on: Ground) -> None:
    """The use is written down once there is room again."""
    made = for_mcp(on)
    with full_disk():
        assert admitted(on, made.text).active
    assert on.connector.tokens.one(made.token.id).used_at is None
    admitted(on, made.text)
    assert on.connector.tokens.one(made.token.id).used_at is not None

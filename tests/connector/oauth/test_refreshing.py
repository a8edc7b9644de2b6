"""Proves that tokens are renewed in time, once, and that a provider's bad day loses none."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from flask import Response

from clientary_connector import Outcome, Settings
from clientary_connector.call.result import ErrorKind
from connector_vault import StoreFullError, Transaction, Vault
from tests.connector.oauth.provider_app import CANARY
from tests.connector.oauth.stage import (
    NAME,
    USER,
    Stage,
    call,
    no_trace,
    provider,
    stage,
)

pytestmark = pytest.mark.requirement("oauth.refresh")


def said(status: int, body: str = "", **headers: str) -> Callable[[], Response]:
    """Answers a token request so."""
    return lambda: Response(body, status=status, headers=headers, mimetype="application/json")


def once(answer: Callable[[], Response | None]) -> Callable[[], Response | None]:
    """Answers so the first time, and as it should be from then on."""
    left = [answer]
    return lambda: left.pop()() if left else None


def facts(made: Stage) -> list[tuple[str | None, str]]:
    """Returns what the log says of renewals, oldest first."""
    entries = [one for one in made.connector.log.page(limit=100).entries if one.kind == "refresh"]
    return [(one.outcome, str(one.facts["state"])) for one in reversed(entries)]


def test_a_token_is_renewed_ahead_of_its_end(tmp_path: Path) -> None:
    """Five minutes before, or a tenth of its life: the call does not wait for the end."""
    with provider() as far, stage(tmp_path) as made:
        made.join(far)
        made.later(3600 - 310)
        assert made.works()
        assert far.refreshes == 0
        made.later(15)
        assert made.works()
        assert far.refreshes == 1
        assert far.calls[-1] == f"Bearer {far.tokens[-1].access_token}"
        assert facts(made) == [("unknown", "asking"), ("succeeded", "fresh")]
        assert made.tokens() == "2 current"
    no_trace(tmp_path)


@pytest.mark.requirement("threat.13")
def test_a_reply_without_a_refresh_token_keeps_the_old_one(tmp_path: Path) -> None:
    """The provider leaves it out where it stays the same."""
    with provider(silent=True) as far, stage(tmp_path) as made:
        made.join(far)
        for number in (1, 2, 3):
            made.later(3600)
            assert made.works()
            assert far.refreshes == number
    no_trace(tmp_path)


def test_a_provider_that_fails_is_left_alone_for_a_while(tmp_path: Path) -> None:
    """The token in use serves to its end; the provider is asked again after its rest alone."""
    with provider() as far, stage(tmp_path) as made:
        made.join(far)
        far.before = said(500, "<html>")
        made.later(3600 - 200)
        assert made.works()
        assert made.works()
        assert far.refreshes == 1
        made.later(31)
        assert made.works()
        assert far.refreshes == 2
        made.later(31)
        assert made.works()
        assert far.refreshes == 2
        made.later(300)
        result = made.call()
        assert far.refreshes == 3
        assert result.outcome is Outcome.REFUSED
        assert result.error is not None
        assert result.error.kind is ErrorKind.UNREACHABLE
        assert "status 500" in result.error.message
        far.before = lambda: None
        made.later(121)
        assert made.works()
    no_trace(tmp_path)


def test_a_provider_that_asks_for_time_gets_it(tmp_path: Path) -> None:
    """Retry-After is honoured where it is longer than the rest of our own."""
    with provider() as far, stage(tmp_path) as made:
        made.join(far)
        far.before = once(said(429, **{"Retry-After": "120"}))
        made.later(3600 - 290)
        assert made.works()
        made.later(100)
        assert made.works()
        assert far.refreshes == 1
        made.later(25)
        assert made.works()
        assert far.refreshes == 2


@pytest.mark.requirement("threat.13")
def test_a_token_that_the_provider_takes_back_ends_no_connection(tmp_path: Path) -> None:
    """After an invalid grant the token serves to its end; then a person is asked for, once."""
    with provider() as far, stage(tmp_path) as made:
        made.join(far)
        far.tokens[0].used = True
        made.later(3600 - 200)
        assert made.works()
        made.later(200)
        for _ in range(2):
            result = made.call()
            assert result.outcome is Outcome.REFUSED
            assert result.error is not None
            assert result.error.kind is ErrorKind.UNAUTHORIZED
            assert "invalid_grant" in result.error.message
        assert far.refreshes == 1
        assert made.connector.connection(NAME).active
        assert made.tokens() == "1 current"
        report = made.run(made.connector.tend(user=USER))
        (item,) = [one for one in report.items if one.what == "token"]
        assert (item.connection, item.outcome) == (NAME, "waiting")
    no_trace(tmp_path)


@pytest.mark.requirement("threat.13")
def test_a_loser_uses_the_token_of_the_winner(tmp_path: Path) -> None:
    """Its refusal is not believed where another process has the new tokens by then."""
    with provider() as far, stage(tmp_path) as winner, stage(tmp_path, ahead_s=3600) as loser:
        winner.join(far)
        loser.vault.read(lambda view: view.log_row(1))

        def overtake() -> None:
            # The lease of the loser runs out while it waits; the winner asks, and is answered.
            far.before = lambda: None
            winner.later(3600 + 60)
            thread = threading.Thread(target=lambda: won.append(_called(winner)))
            thread.start()
            thread.join()

        won: list[Outcome] = []
        far.before = cast("Any", overtake)
        assert loser.works()
        assert won == [Outcome.SUCCEEDED]
        assert far.refreshes == 2
        assert far.calls[-2:] == [f"Bearer {far.tokens[-1].access_token}"] * 2
        assert loser.connector.connection(NAME).active
        assert facts(loser)[-1] == ("succeeded", "fresh")
    no_trace(tmp_path)


def _called(made: Stage) -> Outcome:
    return asyncio.run(made.connector.run(call())).outcome


@pytest.mark.requirement("threat.13")
def test_an_answer_that_comes_after_its_lease_ran_out_is_not_lost(tmp_path: Path) -> None:
    """Another process was refused meanwhile; the late answer is the only valid one, and is kept."""
    with provider() as far, stage(tmp_path) as slow, stage(tmp_path) as other:
        slow.join(far)
        refused: list[Outcome] = []

        def overtake() -> None:
            far.after = lambda: None
            other.later(3600 + 60)
            thread = threading.Thread(target=lambda: refused.append(_called(other)))
            thread.start()
            thread.join()

        far.after = cast("Any", overtake)
        slow.later(3600)
        assert slow.works()
        assert refused == [Outcome.REFUSED]
        assert far.refreshes == 2
        assert slow.tokens() == "2 current"
        assert _called(other) is Outcome.SUCCEEDED


def test_a_401_renews_the_token_once_for_a_read(tmp_path: Path) -> None:
    """The provider took the access token back early: a read goes on, and only once."""
    with provider() as far, stage(tmp_path) as made:
        made.join(far)
        far.end_access()
        assert made.works()
        assert far.refreshes == 1
        far.life_s = 0
        far.end_access()
        result = made.call()
        assert result.error is not None
        assert result.error.kind is ErrorKind.UNAUTHORIZED
        assert far.refreshes == 2


def test_a_401_does_not_repeat_a_write(tmp_path: Path) -> None:
    """What changes something is not sent again for the sake of a token."""
    with provider() as far, stage(tmp_path) as made:
        made.join(far)
        far.end_access()
        result = made.call("create_client", name="New")
        assert result.error is not None
        assert result.error.kind is ErrorKind.UNAUTHORIZED
        assert far.refreshes == 0


@pytest.mark.parametrize(
    "body",
    [
        "no JSON at all",
        "[]",
        '{"access_token": "short"}',
        '{"access_token": "canary-oauth-with a space in it"}',
        '{"access_token": "canary-oauth-of-another-type", "token_type": "mac"}',
    ],
)
def test_an_answer_without_a_token_changes_nothing(tmp_path: Path, body: str) -> None:
    """It was sealed as it came, is dropped once it was read, and the old token stays."""
    with provider() as far, stage(tmp_path) as made:
        made.join(far)
        far.before = said(200, body)
        made.later(3600 - 200)
        assert made.works()
        assert made.tokens() == "1 current"
        assert facts(made) == [("unknown", "asking"), ("failed", "failing")]
    no_trace(tmp_path)


def test_an_error_shows_no_word_of_the_provider(tmp_path: Path) -> None:
    """Only the code is taken; a description could repeat what was sent."""
    with provider() as far, stage(tmp_path) as made:
        made.join(far)
        body = f'{{"error": "temporarily_unavailable", "error_description": "{CANARY}echo"}}'
        far.before = said(400, body)
        made.later(3600)
        result = made.call()
        assert result.error is not None
        assert "Books Login says temporarily_unavailable." in result.error.message
        shown = str(result.to_json()) + str(made.connector.log.page(user="auditor").entries)
    no_trace(tmp_path, shown)


def test_a_redirect_of_the_token_endpoint_is_not_followed(tmp_path: Path) -> None:
    """The refresh token goes to the endpoint of the description, and nowhere else."""
    with provider() as far, provider() as evil, stage(tmp_path) as made:
        made.join(far)
        far.before = said(307, Location=f"{evil.url}/token")
        made.later(3600)
        result = made.call()
        assert result.error is not None
        assert "where nothing is sent" in result.error.message
        assert evil.asked == []


def test_a_slow_provider_is_not_waited_for_beyond_the_limit(tmp_path: Path) -> None:
    """The token in use serves on."""
    release = threading.Event()

    def slow() -> None:
        release.wait(30)

    settings = Settings(oauth_timeout_s=0.2)
    with provider() as far, stage(tmp_path, settings=settings) as made:
        made.join(far)
        far.before = slow
        made.later(3600 - 200)
        try:
            assert made.works()
        finally:
            release.set()
        assert facts(made)[-1] == ("failed", "failing")


@pytest.mark.requirement("threat.13")
def test_an_answer_that_cannot_be_stored_is_stored_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full just then; the next use stores it, and does not ask again."""
    with provider() as far, stage(tmp_path) as made:
        made.join(far)
        write = Vault.write_async
        full = [True]

        async def failing(self: Vault, work: Callable[[Transaction], Any], **how: Any) -> Any:  # noqa: ANN401 - as the vault's own
            if full and work.__name__ == "stage":
                full.clear()
                raise StoreFullError("The disk is full.")
            return await write(self, work, **how)

        monkeypatch.setattr(Vault, "write_async", failing)
        made.later(3600)
        result = made.call()
        assert result.outcome is Outcome.REFUSED
        assert made.works()
        assert far.refreshes == 1
        assert made.tokens() == "2 current"
    no_trace(tmp_path)


def test_a_revoke_stops_a_renewal(tmp_path: Path) -> None:
    """What comes after the revoke is not kept."""
    with provider() as far, stage(tmp_path) as made, stage(tmp_path) as admin:
        made.join(far)

        work = lambda: asyncio.run(admin.connector.revoke(NAME, user=USER))  # noqa: E731 - for the thread
        thread = threading.Thread(target=work)

        def revoke() -> None:
            far.after = lambda: None
            thread.start()
            thread.join()

        far.after = cast("Any", revoke)
        made.later(3600)
        result = made.call()
        # The revoke stops the call as soon as it is committed, which is before it has returned.
        thread.join()
        assert result.error is not None
        assert result.error.kind is ErrorKind.REVOKED
        assert made.tokens() == ""
    no_trace(tmp_path)


def test_many_calls_at_once_ask_once(tmp_path: Path) -> None:
    """The calls of one loop share one renewal; one that leaves does not end it."""
    with provider() as far, stage(tmp_path) as made:
        made.join(far)
        made.later(3600)

        async def many() -> list[Outcome]:
            calls = [asyncio.ensure_future(made.connector.run(call())) for _ in range(32)]
            await asyncio.sleep(0)
            calls[0].cancel()
            done = await asyncio.gather(*calls[1:])
            return [result.outcome for result in done]

        assert set(made.run(many())) == {Outcome.SUCCEEDED}
        assert far.refreshes == 1


def test_tending_renews_what_ends_soon(tmp_path: Path) -> None:
    """A timer keeps the tokens of accounts new that nobody uses."""
    with provider() as far, stage(tmp_path) as made:
        made.join(far)
        assert _tended(made) == []
        made.later(3600 - 200)
        assert _tended(made) == [(NAME, "done")]
        assert far.refreshes == 1
        assert _tended(made) == []


def _tended(made: Stage) -> list[tuple[str | None, str]]:
    report = made.run(made.connector.tend(user=USER))
    return [(one.connection, one.outcome) for one in report.items if one.what == "token"]


def test_a_provider_cannot_be_put_in_the_place_of_another(tmp_path: Path) -> None:
    """Whoever writes the database without the key cannot have the refresh token sent elsewhere."""
    with provider() as far, provider() as evil:
        with stage(tmp_path) as made:
            made.join(far)
        database = sqlite3.connect(tmp_path / "vault" / "vault.db")
        changed = database.execute(
            "UPDATE records SET body = replace(body, ?, ?) WHERE kind = 'connection'",
            (far.url, evil.url),
        )
        assert changed.rowcount == 1
        database.commit()
        database.close()
        with stage(tmp_path, ahead_s=3600) as made:
            result = made.call()
        assert result.error is not None
        assert result.error.kind is ErrorKind.INTEGRITY
        assert evil.asked == []

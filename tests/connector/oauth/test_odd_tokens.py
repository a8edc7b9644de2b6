"""Proves what is done about tokens that do not end, cannot be renewed, or are renewed by hand."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest
from flask import Response

from clientary_connector import Outcome
from clientary_connector.call.result import ErrorKind
from clientary_connector.errors import ConnectError
from tests.connector.oauth.provider_app import Far
from tests.connector.oauth.stage import NAME, USER, browse, call, no_trace, provider, stage

pytestmark = pytest.mark.requirement("oauth.refresh")


def answering(far: Far, **facts: object) -> None:
    """Has the provider answer with the token that it made, and these facts alone."""

    def after() -> Response:
        body = {"access_token": far.tokens[-1].access_token, **facts}
        return Response(json.dumps(body), mimetype="application/json")

    far.after = after


def test_a_token_without_an_end_is_not_renewed(tmp_path: Path) -> None:
    """Where the provider says nothing of an end, only a 401 does."""
    with provider() as far, stage(tmp_path) as made:
        answering(far)
        made.join(far)
        made.later(10 * 365 * 86_400)
        assert made.works()
        assert far.refreshes == 0


@pytest.mark.parametrize("life", [True, "soon", -1, 0, 1e300, None, [60]])
def test_a_life_that_makes_no_sense_is_none(tmp_path: Path, life: object) -> None:
    """It is not guessed."""
    with provider() as far, stage(tmp_path) as made:
        answering(far, expires_in=life)
        connection, _ = made.join(far)
        (status,) = made.connector.oauth.statuses()
        assert (status.connection, status.expires_at, status.due) == (connection, None, False)


def test_a_life_can_be_written_as_a_text(tmp_path: Path) -> None:
    """A token that lives for a minute is renewed in its last six seconds."""
    with provider() as far, stage(tmp_path) as made:
        answering(far, expires_in="60", refresh_token="canary-oauth-refresh-of-a-short-life")
        made.join(far)
        made.later(50)
        assert made.works()
        assert far.refreshes == 0
        made.later(6)
        assert made.works()
        assert far.refreshes == 1


def test_without_a_refresh_token_the_end_is_the_end(tmp_path: Path) -> None:
    """A person is asked for; the provider is not."""
    with provider() as far, stage(tmp_path) as made:
        answering(far, expires_in=3600)
        made.join(far)
        made.later(3600)
        result = made.call()
        assert result.error is not None
        assert result.error.kind is ErrorKind.UNAUTHORIZED
        assert "connect again" in result.error.message
        assert far.refreshes == 0


def test_a_provider_that_is_down_is_named(tmp_path: Path) -> None:
    """Nothing was sent to it, and nothing to the service."""
    with stage(tmp_path) as made:
        with provider() as far:
            made.join(far)
        made.later(3600)
        result = made.call()
        assert (result.outcome, made.connector.connection(NAME).active) == (Outcome.REFUSED, True)
        assert result.error is not None
        assert result.error.kind is ErrorKind.UNREACHABLE
        assert "could not be reached" in result.error.message


def test_a_code_that_the_provider_does_not_take_joins_nothing(tmp_path: Path) -> None:
    """Its answer is named by its code."""
    with provider() as far, stage(tmp_path) as made:
        url = browse(made.begin(far).url)
        far.codes.clear()
        with pytest.raises(ConnectError, match="invalid_grant"):
            made.run(made.connector.oauth.finish(url, user=USER))
    no_trace(tmp_path)


def test_a_person_can_have_it_tried_again_at_once(tmp_path: Path) -> None:
    """What was refused, or rests, is asked for again where a person says so."""
    with provider() as far, stage(tmp_path) as made:
        connection, _ = made.join(far)
        far.tokens[0].used = True
        trouble = made.run(made.connector.oauth.refresh(connection))
        assert trouble is not None
        assert trouble.ended
        far.forgives = True
        assert made.run(made.connector.oauth.refresh(connection)) is None
        assert made.tokens() == "2 current"
        assert far.refreshes == 2


def test_a_renewal_that_its_caller_left_is_waited_for_at_the_end(tmp_path: Path) -> None:
    """Closing does not lose an answer that is on its way."""
    with provider() as far:
        with stage(tmp_path) as made:
            made.join(far)
            made.later(3600)
            asked = threading.Event()
            far.before = asked.set

            async def leave() -> None:
                task = asyncio.ensure_future(made.connector.run(call()))
                await asyncio.to_thread(asked.wait, 30)
                task.cancel()
                await asyncio.wait([task])
                await made.connector.aclose()

            made.run(leave())
        with stage(tmp_path, ahead_s=3600) as again:
            assert again.tokens() == "2 current"
            assert again.connector.run_sync(call()).outcome is Outcome.SUCCEEDED
            again.connector.close()
        assert far.refreshes == 1

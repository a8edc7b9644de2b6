"""Proves that an account is joined by OAuth 2 by whom, and from where, it was begun alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from clientary_connector import Outcome
from clientary_connector.errors import ConnectError, InvalidValueError, NameTakenError
from tests.connector.oauth.provider_app import CANARY, CLIENT_SECRET, ISSUER
from tests.connector.oauth.stage import (
    NAME,
    PERSONA,
    REDIRECT,
    USER,
    browse,
    no_trace,
    provider,
    stage,
)

pytestmark = pytest.mark.requirement("oauth.authorize")


def test_an_account_is_joined_tested_and_used_with_its_token(tmp_path: Path) -> None:
    """A person allows the access; calls carry the token as a bearer from then on."""
    with provider() as far, stage(tmp_path) as made:
        connection, account = made.join(far)
        assert (connection.kind, str(account)) == ("oauth2", "Ada <ada@books.example>")
        assert made.call().data == [{"id": 1, "name": "Lovelace"}]
        assert far.calls == [f"Bearer {far.tokens[0].access_token}"] * 2
        assert far.asked == ["authorization_code"]
        shown = str(connection.to_json()) + str(made.connector.log.page(user="auditor").entries)
    no_trace(tmp_path, shown)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_client_that_has_a_secret_shows_it_to_the_provider_alone(
    tmp_path: Path, method: str
) -> None:
    """The secret is sealed with the connection, and serves for the refreshes too."""
    with provider(secret=CLIENT_SECRET) as far, stage(tmp_path) as made:
        begun = made.begin(far, secret=CLIENT_SECRET, client_authentication=method)
        made.run(made.connector.oauth.finish(browse(begun.url), user=USER))
        made.connector.grant(PERSONA, NAME, scopes=["*:*"], user=USER)
        made.later(3600)
        assert made.works()
        assert far.refreshes == 1
    no_trace(tmp_path, begun.url)


def test_the_request_is_bound_by_state_and_challenge(tmp_path: Path) -> None:
    """S256 and a fresh state; the verifier itself is not in the address."""
    with provider() as far, stage(tmp_path) as made:
        first, second = made.begin(far), made.begin(far)
        query = parse_qs(urlsplit(first.url).query)
        assert query["code_challenge_method"] == ["S256"]
        assert query["redirect_uri"] == [REDIRECT]
        assert len(query["code_challenge"][0]) == 43
        other = parse_qs(urlsplit(second.url).query)
        assert query["state"] != other["state"]
        assert query["code_challenge"] != other["code_challenge"]


def _elsewhere(url: str) -> str:
    return url.replace(REDIRECT, "http://127.0.0.1:8765/other")


def _other_state(url: str) -> str:
    head, _, rest = url.partition("state=")
    value, mark, tail = rest.partition("&")
    return f"{head}state={value[:-4]}AAAA{mark}{tail}"


CHANGES: list[Callable[[str], str]] = [
    _elsewhere,
    _other_state,
    lambda url: url + "&state=twice",
    lambda url: url + "&code=twice",
    lambda url: url.replace("code=", "kode="),
    lambda url: url.replace("state=", "stat="),
    lambda _: REDIRECT,
    lambda url: url + "\u00e9",
    lambda url: url + "x" * 9000,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_callback_that_was_not_waited_for_gets_no_token(
    tmp_path: Path, change: Callable[[str], str]
) -> None:
    """Another address, another state, a parameter twice: the code is not exchanged."""
    with provider() as far, stage(tmp_path) as made:
        url = browse(made.begin(far).url)
        with pytest.raises(InvalidValueError) as caught:
            made.run(made.connector.oauth.finish(change(url), user=USER))
        assert far.asked == []
        assert made.connector.connections() == ()
    no_trace(tmp_path, str(caught.value), caught.value.hint)


def test_a_callback_serves_once_for_its_user_and_in_time(tmp_path: Path) -> None:
    """Another user, a second time, and too late read the same."""
    with provider() as far, stage(tmp_path) as made:
        url = browse(made.begin(far).url)
        with pytest.raises(InvalidValueError):
            made.run(made.connector.oauth.finish(url, user="mallory"))
        made.run(made.connector.oauth.finish(url, user=USER))
        with pytest.raises(InvalidValueError):
            made.run(made.connector.oauth.finish(url, user=USER))
        assert far.asked == ["authorization_code"]
        made.run(made.connector.revoke(NAME, user=USER))
        late = browse(made.begin(far).url)
        made.later(601)
        with pytest.raises(InvalidValueError):
            made.run(made.connector.oauth.finish(late, user=USER))


def test_what_nobody_finishes_is_destroyed(tmp_path: Path) -> None:
    """Tending ends what was begun and not finished in time."""
    with provider() as far, stage(tmp_path) as made:
        begun = made.begin(far)
        made.later(601)
        made.run(made.connector.tend(user=USER))
        held = made.vault.read(lambda view: view.secret_versions(begun.id, "authorization"))
        assert [one.stage for one in held] == ["retired"]


def test_a_provider_that_names_itself_has_to_be_the_one_asked(tmp_path: Path) -> None:
    """RFC 9207: the issuer in the callback is compared with that of the description."""
    with provider(issuer=ISSUER) as far, stage(tmp_path) as made:
        url = browse(made.begin(far).url)
        assert "iss=" in url
        with pytest.raises(InvalidValueError, match="another provider"):
            made.run(made.connector.oauth.finish(url.replace("issuer.", "evil."), user=USER))
        url = browse(made.begin(far).url)
        with pytest.raises(InvalidValueError, match="another provider"):
            made.run(made.connector.oauth.finish(url.partition("&iss=")[0], user=USER))
        made.join(far)


def test_an_access_that_is_not_allowed_is_named(tmp_path: Path) -> None:
    """The code of the error is shown, and nothing that the provider writes beside it."""
    with provider(denies=True) as far, stage(tmp_path) as made:
        url = browse(made.begin(far).url)
        with pytest.raises(InvalidValueError, match="access_denied"):
            made.run(made.connector.oauth.finish(url, user=USER))


def test_tokens_that_the_service_does_not_take_are_given_back(tmp_path: Path) -> None:
    """The test of the account comes before the save; nothing is kept of what failed."""
    with provider() as far, stage(tmp_path) as made:
        far.life_s = 0
        url = browse(made.begin(far).url)
        with pytest.raises(ConnectError):
            made.run(made.connector.oauth.finish(url, user=USER))
        assert made.connector.connections() == ()
        assert far.revoked == ["refresh_token", "access_token"]
    no_trace(tmp_path)


def test_a_name_that_was_taken_meanwhile_is_not_taken_twice(tmp_path: Path) -> None:
    """Two authorizations under one name: the second finds it taken, and gives its tokens back."""
    with provider() as far, stage(tmp_path) as made:
        first, second = (browse(made.begin(far).url) for _ in range(2))
        made.run(made.connector.oauth.finish(first, user=USER))
        with pytest.raises(NameTakenError):
            made.run(made.connector.oauth.finish(second, user=USER))
        assert far.revoked == ["refresh_token", "access_token"]
        assert len(far.tokens) == 2


def test_a_revoke_ends_the_tokens_here_and_at_the_provider(tmp_path: Path) -> None:
    """Local and upstream revocation are reported apart."""
    with provider() as far, stage(tmp_path) as made:
        made.join(far)
        done = made.run(made.connector.revoke(NAME, user=USER, reason="over"))
        assert done.secrets_destroyed == 1
        assert done.upstream == "Nothing: Books Login has taken the tokens back."
        assert far.revoked == ["refresh_token", "access_token"]
        assert all(token.revoked for token in far.tokens)
        assert made.call().outcome is Outcome.REFUSED
    no_trace(tmp_path)


@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:9/revoke"])
def test_a_revoke_holds_here_whatever_the_provider_says(
    tmp_path: Path, endpoint: str | None
) -> None:
    """A provider without an endpoint, or that is down, leaves something to do, and that is said."""
    with provider() as far, stage(tmp_path) as made:
        made.join(far, revocation_endpoint=endpoint)
        done = made.run(made.connector.revoke(NAME, user=USER))
        assert done.upstream.startswith("Take the access back at Books Login")
        assert made.call().outcome is Outcome.REFUSED


def test_a_shown_address_holds_no_secret(tmp_path: Path) -> None:
    """What a person sees and pastes is worthless without what is sealed."""
    with provider() as far, stage(tmp_path) as made:
        begun = made.begin(far)
        assert CANARY not in str(begun)
        owner = begun.id
        with made.vault.open_secret(owner, "authorization") as sealed:
            verifier = sealed.reveal().partition('"code_verifier":"')[2].partition('"')[0]
        assert len(verifier) == 64
        assert verifier not in begun.url

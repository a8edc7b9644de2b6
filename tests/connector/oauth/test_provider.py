"""Proves that a provider is described by data, and that data which is not plain is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clientary_connector import Secret
from clientary_connector.call.address import place_of
from clientary_connector.errors import InvalidValueError
from clientary_connector.oauth.provider import load_provider, provider_of
from tests.connector.oauth.stage import REDIRECT, USER, stage

pytestmark = pytest.mark.requirement("oauth.provider")

GOOD: dict[str, Any] = {
    "name": "Books Login",
    "authorization_endpoint": "https://login.books.example/authorize",
    "token_endpoint": "https://login.books.example:8443/oauth/token",
    "client_id": "connector-7",
}


def test_a_description_is_read_and_shown_as_it_stands(tmp_path: Path) -> None:
    """What was left out has its usual value."""
    file = tmp_path / "provider.json"
    file.write_text(json.dumps(GOOD | {"scopes": ["read"]}), encoding="utf-8")
    assert load_provider(file).to_json() == GOOD | {
        "scopes": ["read"],
        "client_authentication": "none",
        "revocation_endpoint": None,
        "issuer": None,
        "redirect_uri": None,
        "parameters": {},
    }
    assert provider_of(load_provider(file).to_json()) == load_provider(file)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("token_endpoint", "http://login.books.example/token"),
        ("token_endpoint", "https://login.books.example"),
        ("token_endpoint", "https://user@login.books.example/token"),
        ("token_endpoint", "https://login.books.example/token?x=1"),
        ("token_endpoint", "https://login.books.example/token#x"),
        ("token_endpoint", "https://127.0.0.1/token"),
        ("token_endpoint", "https://[::1]/token"),
        ("token_endpoint", "https://localhost/token"),
        ("token_endpoint", "https://login.books.example:0/token"),
        ("token_endpoint", "https://login.books.example:70000/token"),
        ("token_endpoint", "https://LOGIN.books.example/token"),
        ("token_endpoint", "https://login\u3002books.example/token"),
        ("token_endpoint", "http://127.0.0.1/token"),
        ("token_endpoint", "http://10.0.0.1:80/token"),
        ("token_endpoint", None),
        ("token_endpoint", 7),
        ("revocation_endpoint", "ftp://login.books.example/revoke"),
        ("client_authentication", "private_key_jwt"),
        ("client_id", ""),
        ("name", "two\nlines"),
        ("scopes", "read write"),
        ("scopes", ["read write"]),
        ("scopes", [1]),
        ("redirect_uri", "javascript:alert(1)"),
        ("parameters", ["state"]),
        ("parameters", {"state": "mine"}),
        ("parameters", {"audience": 7}),
        ("client_secret", "canary-client-secret"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(field: str, value: object) -> None:
    """Nothing is mended, and no value is repeated."""
    with pytest.raises(InvalidValueError) as caught:
        provider_of(GOOD | {field: value})
    assert field in caught.value.message
    assert "canary" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("text", ["", "[]", "{", '"x"', "null"])
def test_a_file_that_holds_no_description_is_refused(tmp_path: Path, text: str) -> None:
    """A broken file and one that is not there are named alike."""
    file = tmp_path / "provider.json"
    with pytest.raises(InvalidValueError):
        load_provider(file)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidValueError):
        load_provider(file)


def test_an_endpoint_is_one_host_and_one_path() -> None:
    """The usual port is that of the host without one."""
    for url in ("https://login.books.example:443/token", "https://login.books.example/token"):
        place = place_of(url)
        assert place is not None
        assert (place[0].origin, place[1]) == ("https://login.books.example", "/token")


@pytest.mark.parametrize(
    ("facts", "given"),
    [
        ({"token_endpoint": "http://127.0.0.1:9/token"}, {}),
        ({"client_authentication": "client_secret_post"}, {}),
        ({}, {"client_secret": Secret("canary-client-secret")}),
        ({"redirect_uri": "https://host.example/back"}, {}),
    ],
)
def test_what_does_not_fit_together_is_not_begun(
    tmp_path: Path, facts: dict[str, Any], given: dict[str, Any]
) -> None:
    """A local provider for a real account, a secret too much or too few, another way back."""
    with stage(tmp_path) as made, pytest.raises(InvalidValueError):
        made.run(
            made.connector.oauth.start(
                "books",
                provider=provider_of(GOOD | facts),
                redirect_uri=REDIRECT,
                user=USER,
                subdomain="books",
                **given,
            )
        )

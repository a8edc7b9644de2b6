"""Proves that nobody reaches a page or form without the role that it needs: every one is tried."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.convertors import CONVERTOR_TYPES
from starlette.routing import BaseRoute, Mount, Route

from clientary_connector.frontends.console.roles import OPEN, role_of
from clientary_connector.people import Role
from tests.console.ground import Browser, Ground, stage

pytestmark = pytest.mark.requirement("console.roles")

#: For each kind of parameter, one that leads to nothing.
NOWHERE = {"str": "nowhere", "int": "999999", "path": "nowhere", "uuid": "0" * 32}
#: How each kind is written in a path.
KINDS = {type(convertor): kind for kind, convertor in CONVERTOR_TYPES.items()}
API = "/api"


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console with a connection and a grant."""
    with stage(tmp_path_factory.mktemp("roles")) as made:
        made.join()
        yield made


def _routes(routes: list[BaseRoute], before: str = "") -> Iterator[tuple[str, Route]]:
    for route in routes:
        if isinstance(route, Mount):
            yield from _routes(list(route.routes), before + route.path)
        elif isinstance(route, Route):
            yield before + route.path, route


def _asked(ground: Ground) -> list[tuple[str, str, Role]]:
    """Gives method, path and role of every route that is not open."""
    found: list[tuple[str, str, Role]] = []
    for path, route in _routes(ground.app.routes):
        role = role_of(route.endpoint)
        for name, convertor in route.param_convertors.items():
            kind = KINDS[type(convertor)]
            shown = "" if kind == "str" else f":{kind}"
            value = NOWHERE[kind]
            path = path.replace(f"{{{name}{shown}}}", value)  # noqa: PLW2901 - filled in, part by part
        if isinstance(role, Role) and not path.startswith(API):
            found += [(method, path, role) for method in sorted(route.methods or ())]
    return found


def _status(browser: Browser, method: str, path: str, token: str) -> tuple[int, str]:
    data = {"form_token": token} if method == "POST" else None
    answer = browser.client.request(method, path, data=data)
    return answer.status_code, answer.headers.get("location", "") + answer.text


def _token(browser: Browser) -> str:
    return dict(browser.open("/").all_forms[0].fields)["form_token"]


def test_every_endpoint_says_which_role_it_needs(ground: Ground) -> None:
    """Those of the API too; open to all are those that must be."""
    roles = {path: role_of(route.endpoint) for path, route in _routes(ground.app.routes)}
    assert [path for path, role in roles.items() if role is None] == []
    opened = {path for path, role in roles.items() if role == OPEN and not path.startswith(API)}
    assert opened == {"/sign-in", "/sign-in/{token}", "/sign-out", "/static/{name}", "/theme"}


def test_nobody_is_led_to_the_sign_in_from_every_page_and_form(ground: Ground) -> None:
    """Also where the form carries the token of a browser that is not signed in."""
    browser = ground.browser()
    token = _token(browser)
    for method, path, _ in _asked(ground):
        status, said = _status(browser, method, path, token)
        assert (status, said.startswith("/sign-in")) == (303, True), (method, path)


@pytest.mark.parametrize("role", list(Role))
def test_a_person_reaches_what_the_role_covers_and_nothing_else(ground: Ground, role: Role) -> None:
    """A role that is too small is refused with 403, in GET and POST."""
    browser = ground.browser(role)
    token = _token(browser)
    for method, path, needed in _asked(ground):
        status, said = _status(browser, method, path, token)
        refused = status == 403 and (method == "HEAD" or "This needs the role" in said)
        assert refused is not role.covers(needed), (method, path, needed, status)
        assert status < 500 or role.covers(needed), (method, path, status)

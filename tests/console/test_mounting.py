"""Proves that a host mounts the console by the lines of the README, and signs people in itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, BaseUser, SimpleUser
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection, Request

from clientary_connector import Connector
from clientary_connector.frontends.console import Person, Role, console
from clientary_connector.states import create_state
from tests.console.ground import Browser, Page, served, stage
from tests.packaging.installation import ROOT

pytestmark = pytest.mark.requirement("console.host")

UNDER = "/apps/clientary"
Visit: TypeAlias = Callable[..., tuple[Browser, Page]]


class Backend(AuthenticationBackend):
    """The host's own sign-in: a name and what it may do, in a header, for the test's sake."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        """Says who it is."""
        name, _, scope = conn.headers.get("x-person", "").partition(" ")
        return (AuthCredentials([scope]), SimpleUser(name)) if name else None


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visit]:
    """Opens the first page of the README's host, which is served with a sign-in around it."""
    monkeypatch.setenv("CLIENTARY_STATE", str(tmp_path / "state"))
    create_state(tmp_path / "state")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n((?:(?!```).)*console\((?:(?!```).)*)```", readme, re.DOTALL)
    assert found is not None
    told: dict[str, Any] = {}
    exec(found[1], told)  # noqa: S102 - the text of the README is what is tested
    with ExitStack() as stack:
        stack.callback(told["pages"].state.desk.connector.close)
        url = stack.enter_context(served(AuthenticationMiddleware(told["app"], Backend())))

        def opened(person: str = "") -> tuple[Browser, Page]:
            browser = Browser(url, UNDER)
            stack.callback(browser.close)
            browser.client.headers["x-person"] = person
            return browser, browser.open("/", follow=False)

        yield opened


def test_the_host_of_the_readme_shows_the_pages_to_whom_it_has_signed_in(host: Visit) -> None:
    """Under its own path, in the role that it says; others are sent to its own sign-in."""
    _, admin = host("ada admin")
    assert (admin.status, "ada admin" in admin.text) == (200, True)
    assert all(link.startswith((UNDER, "#")) for link in admin.links)
    _, viewer = host("vic staff")
    assert "vic viewer" in viewer.text
    assert "Sign out" not in viewer.text
    _, nobody = host()
    assert (nobody.status, nobody.response.headers["location"]) == (303, "/login")
    assert host("ada admin")[0].open("/sign-in").status == 404


def test_forms_work_in_a_host_without_a_session_of_ours(host: Visit) -> None:
    """They are bound to the browser by a cookie, and to the person."""
    browser, page = host("ada admin")
    theme = next(form for form in page.all_forms if form.action.endswith("/theme"))
    assert theme.action.startswith(UNDER)
    fields = [*theme.fields, ("theme", "dark")]
    assert 'data-theme="dark"' in browser.post(theme.action, fields).html
    browser.client.headers["x-person"] = "eve admin"
    assert browser.post(theme.action, fields).status == 403
    other, _ = host("ada admin")
    assert other.post(theme.action, fields).status == 403


def test_a_host_may_answer_later_and_its_mistakes_let_nobody_in(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A coroutine says who it is; a role that is none of ours is an error of the host."""

    async def who(request: Request) -> Person | None:
        role = request.headers.get("x-role")
        return None if role is None else Person("ada", role)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    def make(connector: Connector) -> Starlette:
        return console(connector, who=who)

    with stage(tmp_path_factory.mktemp("late"), make=make) as ground:
        browser = ground.browser()
        nobody = browser.open("/")
        assert (nobody.status, "Sign in to the host" in nobody.text) == (401, True)
        browser.client.headers["x-role"] = Role.VIEWER.value
        assert "ada viewer" in browser.open("/").text
        browser.client.headers["x-role"] = "owner"
        assert browser.open("/").status == 500

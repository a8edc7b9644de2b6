"""Proves that a host mounts the console by the lines of the README, and signs people in itself."""

from __future__ import annotations

import asyncio
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

from clientary_connector import Connector, Settings
from clientary_connector.frontends.console import Person, Role, console
from clientary_connector.hooks import hookimpl
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


class Late:
    """A host whose plugin has to look the person up first."""

    @hookimpl
    async def connector_person(self, request: Request) -> Person | None:
        """Says who it is, a moment later."""
        await asyncio.sleep(0)
        role = request.headers.get("x-role")
        if role == "hangs":
            await asyncio.Event().wait()
        return None if role is None else Person("ada", Role(role))


class Failing:
    """A host whose plugin fails, and knows a secret."""

    @hookimpl
    def connector_person(self, request: Request) -> Person | None:
        """Fails, unless it does not know the person."""
        if "x-role" not in request.headers:
            return None
        raise RuntimeError(CANARY)


CANARY = "canary-51-of-a-host"


def test_a_plugin_says_who_a_person_is_and_one_that_hangs_lets_nobody_in(
    tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
) -> None:
    """The hook may be a coroutine; there is no other sign-in, and links are worth nothing."""
    settings = Settings(hook_answer_s=0.3)
    with stage(tmp_path_factory.mktemp("plugin"), settings=settings) as ground:
        before = ground.browser("admin")
        ground.connector.register(Late())
        assert before.open("/").status == 401
        browser = ground.browser()
        token = ground.desk.links.make(Person("eve", Role.ADMIN))
        assert browser.open(f"/sign-in/{token}").status == 404
        browser.client.headers["x-role"] = "viewer"
        page = browser.open("/")
        assert (page.status, "ada viewer" in page.text) == (200, True)
        assert "Sign out" not in page.text
        browser.client.headers["x-role"] = "hangs"
        hung = browser.open("/")
        assert "took too long" in caplog.text
        assert (hung.status, "could not say who you are" in hung.text) == (503, True)


def test_a_plugin_that_fails_lets_nobody_in_and_its_error_is_not_repeated(
    tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
) -> None:
    """The page says that the host failed; the log of the process names the type alone."""
    with stage(tmp_path_factory.mktemp("failing")) as ground:
        ground.connector.register(Failing())
        browser = ground.browser()
        assert browser.open("/").status == 401
        browser.client.headers["x-role"] = "admin"
        page = browser.open("/")
        assert (page.status, CANARY in page.html) == (503, False)
        assert "raised RuntimeError" in caplog.text
        assert CANARY not in caplog.text


@pytest.mark.parametrize("counts", [True, False])
def test_the_word_of_a_plugin_counts_for_the_api_where_the_host_says_so(
    tmp_path_factory: pytest.TempPathFactory, *, counts: bool
) -> None:
    """By itself the console's own sign-in never does, whatever was said."""

    def make(connector: Connector) -> Starlette:
        return console(connector, who_for_api=counts)

    with stage(tmp_path_factory.mktemp("api"), make=make) as ground:
        assert ground.browser("admin").open("/api/status").status == 401
        ground.connector.register(Late())
        browser = ground.browser()
        browser.client.headers["x-role"] = "viewer"
        assert browser.open("/api/status").status == (200 if counts else 401)

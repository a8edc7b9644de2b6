"""Proves what a browser is given over TLS, behind a proxy, and where neither is."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.cookies import Morsel, SimpleCookie

import pytest
from starlette.applications import Starlette

from clientary_connector import Connector, create_state, open_connector
from clientary_connector.frontends.console import Person, Role, console
from clientary_connector.frontends.web.binding import Binding
from tests.console.chromium import Chromium
from tests.web.ground import Said, Server, certificate, serving

pytestmark = pytest.mark.requirement("console.cookies")

HOST = "console.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """A console that a server of ours serves."""

    server: Server
    app: Starlette
    tls: ssl.SSLContext | None = None

    def link(self) -> str:
        """Makes a link that signs an admin in once."""
        return f"/sign-in/{self.app.state.desk.links.make(Person('ada', Role.ADMIN))}"

    def signed_in(self, headers: Mapping[str, str] | None = None) -> Said:
        """Opens such a link."""
        return self.server.ask(path=self.link(), headers=headers, tls=self.tls)


@pytest.fixture(scope="module")
def connector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connector]:
    """A connector over a fresh state."""
    folder = tmp_path_factory.mktemp("tls") / "state"
    create_state(folder)
    with open_connector(folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def over_tls(connector: Connector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console with a certificate of its own."""
    pem, key = certificate(tmp_path_factory.mktemp("certificate"))
    app = console(connector)
    with serving(app, connector, Binding(certificate=pem, key=key)) as server:
        trusted = ssl.create_default_context(cafile=str(pem))
        yield Console(server=server, app=app, tls=trusted)


@pytest.fixture(scope="module")
def proxied(connector: Connector) -> Iterator[Console]:
    """A console behind a proxy on this machine that encrypts."""
    app = console(connector, hosts=[HOST])
    with serving(app, connector, Binding(proxies=("127.0.0.1",), hosts=(HOST,))) as server:
        yield Console(server=server, app=app)


def cookie(answer: Said) -> Morsel[str]:
    """Returns the cookie of the session that an answer sets."""
    assert answer.status == 303
    line = next(one for one in answer.headers["set-cookie"].split("\n") if "session" in one)
    (found,) = SimpleCookie(line).values()
    return found


def check_strict(answer: Said) -> None:
    """Looks whether a cookie is for this host alone, over TLS, and for no script."""
    session = cookie(answer)
    assert session.key.startswith("__Host-clientary-session-")
    assert (session["secure"], session["httponly"], session["samesite"]) == (True, True, "lax")
    assert (session["path"], session["domain"]) == ("/", "")
    assert answer.headers["strict-transport-security"].startswith("max-age=63072000")


def test_over_tls_a_cookie_is_for_this_host_and_no_other_way(over_tls: Console) -> None:
    """Named `__Host-`, so that no other host of the domain can set it; asked over TLS from then."""
    check_strict(over_tls.signed_in())


def test_behind_a_proxy_that_was_named_it_is_the_same(proxied: Console) -> None:
    """The proxy says that the browser came over TLS; without its word nobody is answered."""
    told = {
        "X-Forwarded-For": "192.0.2.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": HOST,
    }
    check_strict(proxied.signed_in(told))
    assert proxied.signed_in({**told, "X-Forwarded-Proto": "http"}).status == 403
    assert proxied.signed_in({**told, "X-Forwarded-Host": "far.example"}).status == 421


def test_who_is_no_proxy_makes_no_cookie_that_would_not_come_back(connector: Connector) -> None:
    """What a stranger says of TLS on loopback is not believed."""
    app = console(connector)
    with serving(app, connector) as server:
        plain = Console(server=server, app=app)
        session = cookie(plain.signed_in({"X-Forwarded-Proto": "https"}))
        assert session.key.startswith("clientary-session-")
        assert (session["secure"], session["httponly"], session["samesite"]) == ("", True, "lax")


@pytest.mark.slow
def test_a_browser_keeps_such_cookies_and_gives_them_to_no_script(
    over_tls: Console, chromium: Chromium
) -> None:
    """Chromium itself takes the names and marks, sends them back, and signs out again."""
    context = chromium.browser.new_context(ignore_https_errors=True)
    try:
        tab = context.new_page()
        home = over_tls.server.url.replace("127.0.0.1", "localhost")
        tab.goto(f"{home}{over_tls.link()}")
        assert tab.get_by_role("heading", level=1).text_content() == "Overview"
        tab.get_by_role("button", name="Dark").click()
        assert tab.locator("html").get_attribute("data-theme") == "dark"
        kept = context.cookies()
        assert len(kept) == 2
        for one in kept:
            assert one.get("name", "").startswith("__Host-clientary-")
            marks = (one.get("secure"), one.get("httpOnly"), one.get("sameSite"))
            assert marks == (True, True, "Lax")
        assert tab.evaluate("document.cookie") == ""
        assert tab.evaluate("localStorage.length + sessionStorage.length") == 0
        tab.get_by_role("button", name="Sign out").click()
        assert tab.url == f"{home}/sign-in"
    finally:
        context.close()

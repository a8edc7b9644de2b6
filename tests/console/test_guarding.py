"""Proves what stands before every page: names, origins, sizes, forms, and the headers behind it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clientary_connector import Connector, Settings
from clientary_connector.errors import StateUnavailableError
from clientary_connector.frontends.console import console
from clientary_connector.frontends.console.roles import needs
from tests.console.ground import Browser, Ground, stage

pytestmark = pytest.mark.requirement("console.guard")

CANARY = "canary-51-in-an-error"


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console with two pages more, that fail."""

    def make(connector: Connector) -> Starlette:
        app = console(connector, hosts=["console.example"])
        app.router.routes.append(Route("/broken", _broken, name="broken"))
        app.router.routes.append(Route("/locked", _locked, name="locked"))
        return app

    with stage(tmp_path_factory.mktemp("guard"), make=make) as made:
        yield made


@needs("viewer")
async def _broken(request: Request) -> Response:
    del request
    raise RuntimeError(CANARY)


@needs("viewer")
async def _locked(request: Request) -> Response:
    del request
    raise StateUnavailableError("The disk is full.", hint="Make room on it.")


@pytest.mark.parametrize("host", ["far.example", "127.0.0.1.far.example", "", "[::1", "a b"])
def test_a_name_that_is_none_of_ours_is_not_answered(ground: Ground, host: str) -> None:
    """Whoever points a name of his own at this machine gets nothing (DNS rebinding)."""
    answer = ground.browser("admin").client.get("/", headers={"Host": host})
    assert answer.status_code in {400, 421}
    assert "Overview" not in answer.text


@pytest.mark.parametrize(
    "host", ["console.example", "CONSOLE.example:8443", "localhost:1", "[::1]"]
)
def test_a_name_that_was_given_and_those_of_loopback_are_answered(
    ground: Ground, host: str
) -> None:
    """With any port: a proxy may stand before it."""
    assert ground.browser().client.get("/sign-in", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://far.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_form_from_another_site_is_refused(ground: Ground, headers: Mapping[str, str]) -> None:
    """Even with the right token in it."""
    admin = ground.browser("admin")
    answer = _switch(admin, headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.text


def test_a_form_without_its_token_or_with_that_of_another_is_refused(ground: Ground) -> None:
    """The token is for one browser and one person."""
    admin, other = ground.browser("admin"), ground.browser("admin")
    assert _switch(admin).status_code == 303
    assert _switch(admin, token="").status_code == 403
    assert _switch(admin, token=_token(other)).status_code == 403
    assert _switch(admin, token=_token(ground.browser())).status_code == 403
    assert "too old" in _switch(admin, token="0" * 64).text


def test_a_form_that_is_none_is_refused(ground: Ground) -> None:
    """Nothing is uploaded, and nothing is sent as something else."""
    admin = ground.browser("admin")
    upload = admin.client.post("/theme", files={"file": b"x"})
    as_json = admin.client.post("/theme", json={"theme": "dark"})
    broken = _post(admin, b"theme=%ff&form_token=x")
    many = _post(admin, b"&".join([b"a=b"] * 3000))
    assert [one.status_code for one in (upload, as_json, broken, many)] == [415, 415, 422, 422]


def test_a_body_that_is_too_long_is_refused_however_it_is_sent(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """With its length told or not."""
    settings = Settings(console_body_bytes=4096)
    with stage(tmp_path_factory.mktemp("body"), settings=settings) as ground:
        admin = ground.browser("admin")

        def parts() -> Iterator[bytes]:
            for _ in range(9):
                yield b"a=" + b"b" * 1000 + b"&"

        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        told = _post(admin, b"a=" + b"b" * 5000)
        untold = admin.client.post("/theme", content=parts(), headers=kind)
        assert (told.status_code, untold.status_code) == (413, 413)
        assert "4 KB" in told.text
        assert _switch(admin).status_code == 303


def test_every_answer_carries_the_headers(ground: Ground) -> None:
    """Pages, errors, redirects; what a browser may keep is the style and the script alone."""
    admin = ground.browser("admin")
    style = next(part for part in admin.open("/").html.split('"') if "console.css" in part)
    for path in ("/", "/sign-in", "/none", "/broken", style):
        headers = admin.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        kept = headers["cache-control"]
        assert kept == "no-store" or ("immutable" in kept and path == style)


def test_a_site_that_was_named_may_show_pages_in_a_frame(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """By the setting, and no other site may."""
    settings = Settings(console_frame_ancestors=("https://host.example",))
    with stage(tmp_path_factory.mktemp("frame"), settings=settings) as ground:
        headers = ground.browser().client.get("/sign-in").headers
        assert "frame-ancestors https://host.example" in headers["content-security-policy"]
        assert "x-frame-options" not in headers


def test_no_page_holds_a_style_or_a_script_in_itself(ground: Ground) -> None:
    """Nothing is fetched from elsewhere either."""
    for page in (ground.browser().open("/sign-in"), ground.browser("admin").open("/")):
        assert "<style" not in page.html
        assert " style=" not in page.html
        assert " onclick" not in page.html
        assert page.html.count("<script") == page.html.count("<script src=")
        assert "//" not in page.html.replace("http://www.w3.org/2000/svg", "")


def test_an_error_nobody_foresaw_shows_nothing_of_itself(
    ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither on the page nor in the log of the process, which names the place."""
    with caplog.at_level(logging.ERROR):
        page = ground.browser("viewer").open("/broken")
    assert page.status == 500
    assert "Internal Server Error" in page.text
    assert CANARY not in page.html
    assert CANARY not in caplog.text
    assert "RuntimeError at test_guarding.py:" in caplog.text


def test_an_error_of_the_connector_is_a_page_with_what_to_do(ground: Ground) -> None:
    """In the words that the command line has for it."""
    page = ground.browser("viewer").open("/locked")
    assert page.status == 503
    assert "The disk is full. Make room on it." in page.text


def test_pages_that_are_not_there_and_ways_that_they_do_not_take(ground: Ground) -> None:
    """Each in the same design, with a way back."""
    viewer = ground.browser("viewer")
    missing = viewer.open("/no-such-page")
    assert (missing.status, "There is no such page." in missing.text) == (404, True)
    wrong = viewer.client.post("/", headers={"Origin": viewer.url})
    assert (wrong.status_code, "does not take that" in wrong.text) == (405, True)
    assert viewer.open("/static/none.css").status == 404


def test_a_message_to_the_next_page_is_shown_once_and_is_ours(ground: Ground) -> None:
    """A cookie that somebody else has made is not read aloud."""
    admin = ground.browser("admin")
    name = (
        "clientary-said-"
        + next(one.name for one in admin.client.cookies.jar if "session" in one.name).rpartition(
            "-"
        )[2]
    )
    for forged in ("SGVsbG8=.00", "&&&", "SGVsbG8="):
        admin.client.cookies.set(name, forged, domain="127.0.0.1", path="/")
        page = admin.open("/")
        assert "Hello" not in page.text
        admin.client.cookies.delete(name, domain="127.0.0.1", path="/")


def _token(browser: Browser) -> str:
    page = browser.open("/")
    return dict(page.all_forms[0].fields)["form_token"]


def _switch(
    browser: Browser, *, token: str | None = None, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    data = {"theme": "dark", "form_token": _token(browser) if token is None else token}
    return browser.client.post("/theme", data=data, headers=dict(headers or {}))


def _post(browser: Browser, body: bytes) -> httpx.Response:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return browser.client.post("/theme", content=body, headers=kind)

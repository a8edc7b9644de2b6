"""Proves how people sign in at a console that stands by itself, and how they are signed out."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from clientary_connector import Secret, Settings
from clientary_connector.people import Person, Role
from tests.console.ground import Browser, Ground, Page, stage

pytestmark = pytest.mark.requirement("console.signin")

PASSWORD = "canary correct horse 51"
SETTINGS = Settings(console_tries=3, console_try_s=3600)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console over a fresh state, with a user for each test that needs one."""
    with stage(tmp_path_factory.mktemp("signin"), settings=SETTINGS) as made:
        made.connector.users.add("nina", role=Role.VIEWER, password=Secret(PASSWORD), by="root")
        yield made


def _user(ground: Ground, name: str, role: Role = Role.APPROVER) -> str:
    ground.connector.users.add(name, role=role, password=Secret(PASSWORD), by="root")
    return name


def _try(browser: Browser, name: str, password: str = PASSWORD) -> Page:
    return browser.open("/sign-in").send({"name": name, "password": password}, follow=False)


def _is_signed_in(browser: Browser) -> bool:
    return browser.open("/", follow=False).status == 200


def test_a_link_signs_in_once_and_leaves_the_address(ground: Ground) -> None:
    """The answer leads on at once, and tells the next page nothing of where it came from."""
    token = ground.desk.links.make(Person("ada", Role.ADMIN))
    browser = ground.browser()
    page = browser.open(f"/sign-in/{token}", follow=False)
    assert (page.status, page.response.headers["location"]) == (303, "/")
    assert page.response.headers["referrer-policy"] == "no-referrer"
    assert token not in page.html
    assert "ada" in browser.open("/").text
    again = ground.browser().open(f"/sign-in/{token}")
    assert again.response.url.path == "/sign-in"
    assert "used already" in again.text
    assert token not in again.html


def test_a_name_and_its_password_sign_in(ground: Ground) -> None:
    """In the role that the user has, and back to the page that was asked for."""
    browser = ground.browser()
    page = browser.open("/?")
    assert page.response.url.path == "/sign-in"
    done = page.send({"name": "NINA", "password": PASSWORD})
    assert done.response.url.path == "/"
    assert "nina viewer" in done.text


def test_a_wrong_password_keeps_the_name_and_shows_no_password(ground: Ground) -> None:
    """The answer is the same for a name that nobody has."""
    name = _user(ground, "odo")
    wrong = _try(ground.browser(), name, "canary-wrong-1234")
    unknown = _try(ground.browser(), "somebody", "canary-wrong-1234")
    assert (wrong.status, unknown.status) == (403, 403)
    assert "canary-wrong-1234" not in wrong.html
    assert f'value="{name}"' in wrong.html
    assert wrong.text == unknown.text


def test_signing_in_begins_a_new_session_and_ends_the_old_one(ground: Ground) -> None:
    """A session that somebody planted, or left behind, is worth nothing afterwards."""
    browser = ground.browser("viewer")
    before = _session(browser)
    page = browser.open("/sign-in")
    page.send({"name": "nina", "password": PASSWORD})
    after = _session(browser)
    assert before != after
    assert ground.desk.sessions.find(before) is None
    assert ground.desk.sessions.find(after) is not None


def test_signing_out_ends_the_session_and_not_only_the_cookie(ground: Ground) -> None:
    """Whoever has kept the cookie has nothing."""
    browser = ground.browser("viewer")
    token = _session(browser)
    out = _bar(browser.open("/"), "/sign-out")
    assert out.response.url.path == "/sign-in"
    assert ground.desk.sessions.find(token) is None
    assert not _is_signed_in(browser)


def test_a_user_who_was_removed_is_signed_out(ground: Ground) -> None:
    """With the very next request."""
    browser = ground.browser()
    _try(browser, _user(ground, "rosa"))
    assert _is_signed_in(browser)
    ground.connector.users.remove("rosa", by="root")
    assert not _is_signed_in(browser)


def test_a_user_of_another_role_or_password_is_signed_out(ground: Ground) -> None:
    """Nobody works on in a role that was taken away."""
    browser = ground.browser()
    _try(browser, _user(ground, "sam"))
    ground.connector.users.change_role("sam", role=Role.ADMIN, by="root")
    assert not _is_signed_in(browser)
    _try(browser, "sam")
    assert _is_signed_in(browser)
    other = Secret("another password altogether")
    ground.connector.users.change_password("sam", password=other, by="root")
    assert not _is_signed_in(browser)


def test_tries_are_counted_and_the_wait_is_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Three for a name, as set; then even the right password waits, and others do not."""
    with stage(tmp_path_factory.mktemp("tries"), settings=SETTINGS) as ground:
        _user(ground, "tom")
        browser = ground.browser()
        statuses = [_try(browser, "tom", f"wrong-{number}").status for number in range(3)]
        refused = _try(browser, "Tom")
        assert statuses == [403, 403, 403]
        assert refused.status == 429
        assert 3500 < int(refused.response.headers["retry-after"]) <= 3600
        assert "Wait 60 minutes" in refused.text
        assert _try(browser, _user(ground, "uma")).status == 303
        noted = [
            one.outcome for one in ground.connector.log.page().entries if one.kind == "sign_in"
        ]
        # What is refused for the number of tries alone is not written down each time.
        assert noted == ["succeeded", "refused", "refused", "refused"]


def test_nobody_locks_a_person_out_of_a_browser_that_is_known(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Under that name alone: what the browser keeps opens nothing, and is not forged."""
    with stage(tmp_path_factory.mktemp("device"), settings=SETTINGS) as ground:
        _user(ground, "tom")
        _user(ground, "uma")
        known = ground.browser()
        assert _try(known, "tom").status == 303
        for _ in range(4):
            _try(ground.browser(), "tom", "wrong")
            _try(ground.browser(), "uma", "wrong")
        assert _try(ground.browser(), "tom").status == 429
        kept = next(one for one in known.client.cookies.jar if "device" in one.name)
        # Longer than any session, and kept when the browser is closed.
        assert (kept.expires or 0) - time.time() > 100 * 86_400
        assert _try(known, "uma").status == 429
        assert _try(known, "Tom").status == 303
        forged = ground.browser()
        chance, _, mark = (kept.value or "").partition(".")
        for value in (f"other.{mark}", f"{chance}.{mark[:-1]}", chance, "."):
            forged.client.cookies.set(kept.name, value, domain="127.0.0.1", path="/")
            assert _try(forged, "tom").status == 429
        forged.client.cookies.set(kept.name, kept.value or "", domain="127.0.0.1", path="/")
        assert [_try(forged, "tom", "wrong").status for _ in range(4)] == [403] * 3 + [429]


def test_an_address_has_a_number_of_tries_over_all_names(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Whoever tries one password with many names is stopped too."""
    settings = Settings(console_tries=1, console_try_s=3600)
    with stage(tmp_path_factory.mktemp("address"), settings=settings) as ground:
        browser = ground.browser()
        names = ("a", "b", "c", "d", "e")
        page = browser.open("/sign-in")
        assert page.forms == []
        _user(ground, "vera")
        assert [_try(browser, name).status for name in names] == [403] * 4 + [429]


def test_who_comes_and_goes_stands_in_the_log(tmp_path_factory: pytest.TempPathFactory) -> None:
    """By link and by password, and out again; with the address."""
    with stage(tmp_path_factory.mktemp("log")) as ground:
        _bar(ground.browser("admin", name="ada").open("/"), "/sign-out")
        entries = list(ground.connector.log.export())
        assert [(one.kind, one.user, one.outcome) for one in entries] == [
            ("sign_in", "ada", "succeeded"),
            ("sign_out", "ada", "succeeded"),
        ]
        assert entries[0].facts == {"by": "link", "address": "127.0.0.1", "role": "admin"}


def test_the_page_says_how_to_sign_in_where_there_are_no_users(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """No form asks for what nobody has."""
    with stage(tmp_path_factory.mktemp("nobody")) as ground:
        page = ground.browser().open("/sign-in")
        assert page.forms == []
        assert "clientary console user add NAME" in page.text


@pytest.mark.parametrize(
    "back", ["https://far.example/", "//far.example", "/\\far.example", "far", "/\n/x", ""]
)
def test_a_sign_in_leads_to_no_other_site(ground: Ground, back: str) -> None:
    """Whatever the address said where to go on to."""
    page = ground.browser().open("/sign-in", back=back)
    done = page.send({"name": "nina", "password": PASSWORD}, follow=False)
    assert done.response.headers["location"] == "/"


def test_the_cookies_are_for_this_site_and_no_script(ground: Ground) -> None:
    """On loopback without TLS they cannot be more than that."""
    page = ground.browser().open(
        f"/sign-in/{ground.desk.links.make(Person('ada', Role.ADMIN))}", follow=False
    )
    session = page.response.headers.get_list("set-cookie")[0]
    assert session.startswith("clientary-session-")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= {part.strip() for part in session.split(";")}


def _session(browser: Browser) -> str:
    return next(one.value or "" for one in browser.client.cookies.jar if "session" in one.name)


def _bar(page: Page, action: str) -> Page:
    form = next(one for one in page.all_forms if one.action.endswith(action))
    return page.browser.post(form.action, list(form.fields))

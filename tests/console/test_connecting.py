"""Connecting an account at the console: by its key, with a token, or a simulated one."""

from __future__ import annotations

import html
import socket
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from clientary_connector.frontends.console import console
from clientary_connector.frontends.console.rehearsal import Rehearsal
from tests.connector.oauth.provider_app import CLIENT_SECRET, Client, Far, running
from tests.connector.oauth.stage import browse, description
from tests.console.ground import Ground, Page, stage

pytestmark = pytest.mark.requirement("console.connect")

WRONG_KEY = "canary-wrong-0123456789-abcdef"


@pytest.fixture(scope="module")
def rehearsal() -> Iterator[Rehearsal]:
    """A simulated account that is one click away."""
    made = Rehearsal()
    yield made
    made.close()


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, rehearsal: Rehearsal) -> Iterator[Ground]:
    """A console that offers it."""
    with stage(
        tmp_path_factory.mktemp("connecting"),
        make=lambda connector: console(connector, rehearsal=rehearsal),
    ) as made:
        yield made


def connect(ground: Ground, **typed: str) -> Page:
    """Fills in the form of a new connection, and sends it."""
    return ground.browser("admin").open("/connect").send(typed, action="/connect")


def fault(page: Page, field: str) -> str:
    """Returns what stands beside a field; nothing where nothing is wrong."""
    _, found, rest = page.html.partition(f'id="{field}-fault">')
    return html.unescape(rest.partition("<")[0]) if found else ""


def test_an_account_is_tested_saved_and_shown(ground: Ground) -> None:
    """The page that follows says whose it is, and that nobody may do anything yet."""
    pasted = f" {ground.sandbox.key} "
    page = connect(ground, name="shop", key=pasted, sandbox=ground.sandbox.url)
    saved = ground.connector.connection("shop")
    assert page.status == 200
    assert page.response.url.path == f"/connections/{saved.id}"
    assert f"shop is connected. The account is that of {saved.account}." in page.text
    assert "No persona may do anything over this connection." in page.text
    assert saved.owner == "maria"
    assert ground.sandbox.key not in page.html


def test_a_wrong_key_is_told_beside_the_key_and_not_shown_again(ground: Ground) -> None:
    """What else was typed stays; nothing is saved."""
    page = connect(
        ground, name="wrong", key=WRONG_KEY, sandbox=ground.sandbox.url, rotate_every="30"
    )
    assert page.status == 502
    assert "key" in fault(page, "key")
    assert (fault(page, "name"), fault(page, "sandbox")) == ("", "")
    assert WRONG_KEY not in page.html
    assert dict(page.form("/connect").fields)["name"] == "wrong"
    assert dict(page.form("/connect").fields)["rotate_every"] == "30"
    assert "wrong" not in {one.name for one in ground.connector.connections()}


def test_all_that_is_wrong_is_told_at_once_each_beside_its_field(ground: Ground) -> None:
    """And nothing is sent anywhere."""
    ground.sandbox.sandbox.forget()
    page = connect(
        ground, name="no spaces", subdomain="evil.com#", key="short", rotate_every="soon"
    )
    assert page.status == 422
    assert "cannot be used" in fault(page, "name")
    assert "subdomain" in fault(page, "subdomain")
    assert "16 or more" in fault(page, "key")
    assert "1 to 3650 days" in fault(page, "rotate_every")
    assert "short" not in page.html.replace("shortcut", "")
    assert ground.sandbox.sandbox.requests == []


def test_an_empty_form_says_what_is_missing(ground: Ground) -> None:
    """Name, place and key."""
    page = connect(ground, name="", key="")
    assert page.status == 422
    assert all(fault(page, field) for field in ("name", "subdomain", "key"))


def test_an_account_that_cannot_be_reached_is_told_beside_its_address(ground: Ground) -> None:
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    page = connect(ground, name="away", key=WRONG_KEY, sandbox=url)
    assert page.status == 502
    assert fault(page, "sandbox") != ""
    assert fault(page, "key") == ""


def test_a_name_that_is_taken_is_told_before_the_key_is_sent(ground: Ground) -> None:
    """A subdomain beside the address of a simulated account is refused too."""
    page = connect(ground, name="twice", key=ground.sandbox.key, sandbox=ground.sandbox.url)
    assert page.status == 200
    page = connect(ground, name="twice", key=WRONG_KEY, sandbox=ground.sandbox.url, subdomain="a")
    assert page.status == 422
    assert "already" in fault(page, "name")
    assert "either" in fault(page, "sandbox")


def test_the_simulated_account_is_one_click_away_and_joined_once(
    ground: Ground, rehearsal: Rehearsal
) -> None:
    """A second click leads to the connection that is there; after a revoke it is joined anew."""
    admin = ground.browser("admin")
    first = admin.open("/connect").send(action="/connect/sandbox")
    assert "This account is simulated." in first.text
    assert rehearsal.running().key not in first.html
    again = admin.open("/connect").send(action="/connect/sandbox")
    assert "is connected, and runs" in again.text
    assert again.response.url == first.response.url
    name = ground.connector.connection(first.response.url.path.rpartition("/")[2]).name
    ground.run(ground.connector.revoke(name, user="maria"))
    assert name in admin.open("/connect").send(action="/connect/sandbox").text


def test_a_console_that_was_started_anew_runs_the_account_again_where_it_was(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The connection from before works again; where its port is taken, there is another one."""
    rehearsal = Rehearsal()
    with stage(
        tmp_path_factory.mktemp("anew"), make=lambda one: console(one, rehearsal=rehearsal)
    ) as ground:
        admin = ground.browser("admin")
        first = admin.open("/connect").send(action="/connect/sandbox")
        ground.connector.grant("bookkeeper", "sandbox", scopes=["*:read"], user="maria")
        port = urlsplit(rehearsal.url or "").port or 0
        rehearsal.close()
        assert ground.call("list_staff", connection="sandbox").outcome == "failed"
        again = admin.open("/connect").send(action="/connect/sandbox")
        assert "is connected, and runs" in again.text
        assert again.response.url == first.response.url
        assert ground.call("list_staff", connection="sandbox").outcome == "succeeded"
        rehearsal.close()
        with socket.create_server(("127.0.0.1", port)):
            other = admin.open("/connect").send(action="/connect/sandbox")
        assert "sandbox-2 is connected" in other.text
        rehearsal.close()


def test_a_name_that_is_taken_leaves_the_simulated_account_another_one(
    ground: Ground, rehearsal: Rehearsal
) -> None:
    """The connection of that name is another account."""
    for one in ground.connector.connections():
        if one.sandbox == rehearsal.url:
            ground.run(ground.connector.revoke(one.name, user="maria"))
    assert (
        connect(ground, name="sandbox", key=ground.sandbox.key, sandbox=ground.sandbox.url).status
        == 200
    )
    page = ground.browser("admin").open("/connect").send(action="/connect/sandbox")
    assert "sandbox-2 is connected" in page.text


def test_a_host_that_gives_none_offers_no_simulated_account(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """No listener is opened on its machine, and no address of it is asked."""
    with stage(tmp_path_factory.mktemp("mounted")) as ground:
        admin = ground.browser("admin")
        page = admin.open("/connect")
        assert "simulated" not in page.text
        fields = [*page.form("/connect").fields, ("name", "x"), ("key", ground.sandbox.key)]
        refused = admin.post("/connect", [*fields, ("sandbox", ground.sandbox.url)])
        assert refused.status == 422
        assert "No simulated account" in fault(refused, "subdomain")
        assert admin.post("/connect/sandbox", list(page.form("/connect").fields)).status == 404
        assert admin.open("/authorize/0").status == 404
        assert ground.connector.connections() == ()


def test_a_simulated_account_whose_port_is_taken_is_said_to_fail(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """An admin reads a sentence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = Rehearsal(port=taken.getsockname()[1])
        assert busy.url is None
        with stage(
            tmp_path_factory.mktemp("busy"), make=lambda one: console(one, rehearsal=busy)
        ) as ground:
            page = ground.browser("admin").open("/connect").send(action="/connect/sandbox")
    assert page.status == 503
    assert "cannot be started" in page.text


def test_a_mounted_console_leads_nowhere_else(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every link and form of an admin's pages stays under the path, and the way back too."""
    root = "/apps/clientary"

    def mount(app: Starlette) -> Starlette:
        return Starlette(routes=[Mount(root, app)])

    with (
        running(Far(Client(None, ""))) as far,
        stage(
            tmp_path_factory.mktemp("mounted"),
            make=lambda one: console(one, providers=[description(far)], rehearsal=Rehearsal()),
            mount=mount,
            root=root,
        ) as ground,
    ):
        ground.join()
        ground.connector.grant("bookkeeper", "books", user="maria", scopes=["*:*"])
        waits = ground.call("delete_client", {"id": 1}).error
        assert waits is not None
        admin = ground.browser("admin")
        one = f"/connections/{ground.connector.connection('books').id}"
        more = (
            "",
            "/rotate",
            "/revoke",
            "/grant/edit?persona=bookkeeper",
            "/grant?persona=bookkeeper",
        )
        for path in (
            "/connect",
            "/approvals",
            f"/approvals/{waits.approval}",
            *(one + p for p in more),
        ):
            page = admin.open(path)
            assert page.status == 200
            ways = [*page.links, *(form.action for form in page.forms)]
            assert all(way.startswith((root, "#")) for way in ways), path
        far.client.redirect_uri = f"{ground.url}{root}/authorize/back"
        going = admin.open("/authorize/0").send({"name": "tok", "sandbox": far.url})
        done = admin.open(browse(next(link for link in going.links if link.startswith(far.url))))
        assert "tok is connected." in done.text


@pytest.mark.requirement("console.escaped")
def test_what_the_service_and_a_person_say_is_shown_and_never_obeyed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The name of whose account it is, and whatever is typed where it cannot be used."""
    text = '<script>alert("x")</script>'
    with stage(tmp_path_factory.mktemp("escaped")) as ground:
        next(iter(ground.sandbox.sandbox.state.staff)).name = text
        ground.join()
        one = ground.connector.connection("books")
        assert text in one.account
        admin = ground.browser("admin")
        for path in ("", "/rotate", "/revoke", "/grant/edit"):
            page = admin.open(f"/connections/{one.id}{path}")
            assert (page.status, text in page.html) == (200, False)
        asked = admin.open(f"/connections/{one.id}/revoke")
        wrong = asked.send({"name": text, "reason": text}, action="/revoke")
        fields = ("name", "subdomain", "key", "rotate_every")
        typed: dict[str, str] = dict.fromkeys(fields, text)
        refused = admin.open("/connect").send(typed, action="/connect")
        for page in (wrong, refused):
            assert (page.status, text in page.html) == (422, False)
            assert text in html.unescape(page.html)
        assert html.unescape(refused.html).count(text) == 4, "name and its fault, place and days"
        strange = admin.open(f"/connections/{quote(text, safe='')}")
        assert (strange.status, text in strange.html) == (404, False)
        back = admin.open("/authorize/back", code=text, state=text, error=text)
        assert (back.status, text in back.html) == (422, False)


@pytest.mark.requirement("console.escaped")
def test_the_name_of_a_provider_is_shown_and_never_obeyed(
    far: Far, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """On the page that offers it, and on the one that leads there."""
    text = '<script>alert("x")</script>'
    provider = replace(description(far), name=text)
    with stage(
        tmp_path_factory.mktemp("provider"), make=lambda one: console(one, providers=[provider])
    ) as ground:
        admin = ground.browser("admin")
        for path in ("/connect", "/authorize/0"):
            page = admin.open(path)
            assert (page.status, text in page.html) == (200, False), path
            assert text in html.unescape(page.html), path


# With OAuth 2


ELSEWHERE = "http://127.0.0.1:8765/callback"


@pytest.fixture(scope="module")
def far() -> Iterator[Far]:
    """A provider that leads back to a page that is not the console's."""
    with running(Far(Client(None, ELSEWHERE))) as made:
        yield made


@pytest.mark.requirement("console.connect.oauth")
def test_a_person_goes_to_the_provider_and_comes_back_to_the_console(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """By a link, not by a form; the code leaves the address at once, and the account is shown."""
    with running(Far(Client(CLIENT_SECRET, ""))) as far:
        provider = description(far, client_authentication="client_secret_basic")
        with stage(
            tmp_path_factory.mktemp("oauth"),
            make=lambda one: console(one, providers=[provider], rehearsal=Rehearsal()),
        ) as ground:
            far.client.redirect_uri = f"{ground.url}/authorize/back"
            admin = ground.browser("admin")
            asked = admin.open("/connect").follow("/authorize/0")
            missing = asked.send({"name": "tok", "sandbox": far.url})
            assert (missing.status, "Give the secret" in missing.text) == (422, True)
            typed = {"name": "tok", "sandbox": far.url, "client_secret": CLIENT_SECRET}
            going = asked.send(typed)
            assert going.status == 200
            assert CLIENT_SECRET not in going.html
            link = next(one for one in going.links if one.startswith(far.url))
            done = admin.open(browse(link))
            assert done.status == 200
            assert "tok is connected." in done.text
            assert "code=" not in str(done.response.url)
            assert ground.connector.connection("tok").kind == "oauth2"
            taken = asked.send(typed)
            assert (taken.status, "already" in fault(taken, "name")) == (422, True)
            one = ground.connector.connection("tok").id
            assert "renewed by itself" in admin.open(f"/connections/{one}").text
            assert admin.open(f"/connections/{one}/rotate").status == 409


@pytest.mark.requirement("console.connect.oauth")
def test_an_address_that_leads_elsewhere_is_pasted(
    tmp_path_factory: pytest.TempPathFactory, far: Far
) -> None:
    """What comes back is good once, and for the person who went; a denial is told."""
    provider = description(far, redirect_uri=ELSEWHERE)
    with stage(
        tmp_path_factory.mktemp("paste"),
        make=lambda one: console(one, providers=[provider], rehearsal=Rehearsal()),
    ) as ground:
        admin, other = ground.browser("admin"), ground.browser("admin", name="heidi")
        going = admin.open("/authorize/0").send({"name": "tok", "sandbox": far.url})
        link = next(one for one in going.links if one.startswith(far.url))
        back = browse(link)
        stolen = other.open("/authorize/0").send({"name": "mine", "sandbox": far.url})
        assert stolen.send({"address": back}, action="/paste").status == 422
        done = going.send({"address": back}, action="/paste")
        assert "tok is connected." in done.text
        again = going.send({"address": back}, action="/paste")
        assert (again.status, "Nothing was saved" in again.text) == (422, True)
        assert urlsplit(back).query not in again.html
        nonsense = admin.open("/authorize/back", code="x", state="y")
        assert nonsense.status == 422
        assert "Begin again" in nonsense.text


@pytest.mark.requirement("console.connect.oauth")
def test_what_cannot_be_authorized_is_told_on_the_form(
    tmp_path_factory: pytest.TempPathFactory, far: Far
) -> None:
    """A provider on this machine gives no tokens for a real account."""
    with stage(
        tmp_path_factory.mktemp("real"), make=lambda one: console(one, providers=[description(far)])
    ) as ground:
        asked = ground.browser("admin").open("/authorize/0")
        page = asked.send({"name": "tok", "subdomain": "acme"})
        assert page.status == 422
        assert "on this machine" in page.text

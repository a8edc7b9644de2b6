"""The page of a connection, and the grants on it: seen, given, changed and ended at the console."""

from __future__ import annotations

import html
import itertools
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from clientary_connector import Secret, Terms, load_manifest
from clientary_connector.frontends.console.views.grantform import GrantForm, of_terms
from clientary_connector.frontends.console.views.matrix import EFFECTS, matrix, resources
from clientary_connector.terms import resolved
from tests.console.ground import USER, Browser, Ground, Page, stage

NUMBERS = itertools.count()
EVERYTHING = Terms(
    scopes=("*:read", "invoices:*"),
    allow=("create_lead",),
    deny=("update_invoice",),
    conditions=("for invoices:write: client_id in [42, 43]",),
    approve="above 500",
    approve_for=(("invoices:send", "always"),),
    budget=5000,
    rate=60,
    expires_at="2099-12-31T23:59:59+00:00",
)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console with a connection."""
    with stage(tmp_path_factory.mktemp("granting")) as made:
        made.join(persona="clerk", scopes=["clients:read"])
        yield made


@pytest.fixture
def admin(ground: Ground) -> Browser:
    """An admin's browser."""
    return ground.browser("admin")


@pytest.fixture
def persona() -> str:
    """A persona that nobody has granted anything yet."""
    return f"persona {next(NUMBERS)}"


def at(ground: Ground, *more: str) -> str:
    """Returns the path of a page of the connection."""
    return "/".join((f"/connections/{ground.connector.connection('books').id}", *more))


def give(ground: Ground, persona: str, terms: Terms = EVERYTHING) -> None:
    """Gives a grant beside the console."""
    ground.connector.grants.give(persona, "books", terms, user="heidi")


def edit(ground: Ground, admin: Browser, persona: str = "") -> Page:
    """Opens the form of a grant."""
    path = at(ground, "grant/edit")
    return admin.open(path, persona=persona) if persona else admin.open(path)


def fault(page: Page, field: str) -> str:
    """Returns what stands beside a field; nothing where nothing is wrong."""
    _, found, rest = page.html.partition(f'id="{field}-fault">')
    return html.unescape(rest.partition("<")[0]) if found else ""


def confirm(page: Page) -> Page:
    """Presses the button that saves what was shown."""
    return page.send(action="/grant/edit", button=("step", "confirm"))


# The connection


@pytest.mark.requirement("console.connection")
def test_a_connection_shows_account_key_and_what_its_personas_may_do(
    ground: Ground, admin: Browser, persona: str
) -> None:
    """The limits of a grant beside its matrix."""
    give(ground, persona)
    page = admin.open(at(ground))
    one = ground.connector.connection("books")
    for said in (one.account, one.id, "due in 89 days", "0 days old", persona, "60 calls a minute"):
        assert said in page.text
    assert "5 000 credits" in page.text
    assert "Condition: for invoices:write: client_id in [42, 43]" in page.text
    assert "Also allowed: create_lead" in page.text
    assert "Taken away: update_invoice" in page.text
    assert ground.sandbox.key not in page.html


@pytest.mark.requirement("console.connection")
def test_a_viewer_sees_a_connection_and_nothing_to_change_it_with(ground: Ground) -> None:
    """Neither links nor forms; a persona that holds nothing has no page."""
    viewer = ground.browser("viewer")
    page = viewer.open(at(ground))
    assert page.status == 200
    assert not [link for link in page.links if link.endswith(("/revoke", "/rotate", "/edit"))]
    assert page.forms == []
    shown = viewer.open(at(ground, "grant"), persona="clerk")
    assert "get_clientread✓ yes" in shown.text
    assert "delete_clientdelete– no" in shown.text  # noqa: RUF001 - the sign on the page
    assert viewer.open(at(ground, "grant"), persona="nobody").status == 404
    assert viewer.open("/connections/nowhere").status == 404


@pytest.mark.requirement("console.connection")
def test_a_page_of_many_personas_stays_light(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The matrices of a few stand on it; the others are led to."""
    with stage(tmp_path_factory.mktemp("many")) as ground:
        ground.join(persona="p0")
        for number in range(1, 60):
            ground.connector.grant(f"p{number}", "books", scopes=["*:*"], user=USER)
        page = ground.browser("admin").open(at(ground))
        assert "And 54 more" in page.text
        assert page.html.count('class="matrix"') == 6
        assert len(page.html) < 100_000
        form = edit(ground, page.browser, "p3")
        assert len(form.html) < 100_000


@pytest.mark.requirement("console.connection")
def test_the_matrix_counts_every_action_once() -> None:
    """What the cells say comes to what the grant covers; an empty cell has no action."""
    manifest = load_manifest()
    covered = resolved(EVERYTHING, manifest)
    found = matrix(manifest, EVERYTHING, covered)
    cells = [cell for row in found.rows for cell in row.cells]
    assert sum(cell.total for cell in cells) == len(manifest.actions) == found.total
    assert sum(cell.covered for cell in cells) == len(covered) == found.covered
    assert all((cell.mark == "void") is (cell.total == 0) for cell in cells)
    by = {(row.resource, cell.effect): cell for row in found.rows for cell in row.cells}
    assert len(by) == len(resources(manifest)) * len(EFFECTS)
    invoices = by["invoices", "write"]
    assert (invoices.mark, invoices.word, invoices.conditional) == ("some", "1 of 2", True)
    assert invoices.asks == "may ask"
    assert by["invoices", "send"].asks == "asks"
    assert (by["clients", "read"].word, by["clients", "read"].asks) == ("yes", "")
    assert by["clients", "write"].word == "no"


# The form


@pytest.mark.requirement("console.grant")
def test_a_grant_is_shown_first_and_given_once_it_is_confirmed(
    ground: Ground, admin: Browser, persona: str
) -> None:
    """Everything that a grant can say can be said in the form."""
    typed: Mapping[str, str | list[str]] = {
        "persona": persona,
        "scope": ["*:read", "invoices:*"],
        "action.create_lead": "allow",
        "action.update_invoice": "deny",
        "condition": ["for invoices:write: client_id in [42,43]", ""],
        "approve": "above",
        "amount": "500",
        "target": ["invoices:send", ""],
        "rule": ["always", ""],
        "budget": "5,000",
        "rate": "60",
        "expires_at": "2099-12-31",
    }
    shown = edit(ground, admin).send(typed, action="/grant/edit")
    assert shown.status == 200
    assert "Nothing is saved yet." in shown.text
    assert "+ create_lead write yes" in shown.text
    assert persona not in {one.persona for one in ground.connector.grants.all()}
    done = confirm(shown)
    assert done.response.url.path == at(ground)
    given = ground.connector.grants.one(persona, "books")
    assert f"The grant of {persona} was saved: {len(given.actions or ())} actions." in done.text
    assert (given.terms, given.user) == (EVERYTHING, USER)


@pytest.mark.requirement("console.grant")
def test_what_comes_goes_and_alters_is_told_before(
    ground: Ground, admin: Browser, persona: str
) -> None:
    """And what waits for approval is said to need asking anew."""
    give(ground, persona, Terms(scopes=("clients:read", "clients:delete", "leads:write")))
    form = edit(ground, admin, persona)
    scopes = ["clients:read", "leads:write", "tasks:read"]
    page = form.send({"scope": scopes, "approve": "always"}, action="/grant/edit")
    assert "May be called from then on (3)" in page.text
    assert "+ get_task read yes" in page.text
    assert "May not be called any more (1)" in page.text
    assert "− delete_client delete" in page.text  # noqa: RUF001 - the sign on the page
    assert "May be called otherwise than before (2)" in page.text
    assert "~ create_lead write yes → yes, after a person's yes" in page.text
    assert "has to be asked for anew" in page.text
    assert ground.connector.grants.one(persona, "books").terms.approve == "default"


@pytest.mark.requirement("console.grant")
def test_a_form_that_is_sent_as_it_was_opened_changes_nothing(
    ground: Ground, admin: Browser, persona: str
) -> None:
    """It says what the grant says."""
    give(ground, persona)
    page = edit(ground, admin, persona).send(action="/grant/edit")
    assert "Nothing: the grant says all of this already." in page.text
    assert page.forms == []


@pytest.mark.requirement("console.grant")
def test_every_fault_stands_beside_its_field_and_nothing_typed_is_lost(
    ground: Ground, admin: Browser
) -> None:
    """Each condition and rule in its own row."""
    typed: Mapping[str, str | list[str]] = {
        "persona": " ",
        "scope": ["invoices:*"],
        "condition": ["client_id in [42]", "client_id in", ""],
        "target": ["invoices:send", "nothing:read"],
        "rule": ["always", "perhaps"],
        "approve": "above",
        "amount": "much",
        "budget": "lots",
        "rate": "0",
        "expires_at": "yesterday",
    }
    page = edit(ground, admin).send(typed, action="/grant/edit")
    assert page.status == 422
    for field in ("persona", "condition-1", "rule-1", "amount", "budget", "rate", "expires_at"):
        assert fault(page, field), field
    assert "character 13" in fault(page, "condition-1")
    assert fault(page, "condition-0") == fault(page, "rule-0") == ""
    fields = page.form("/grant/edit").fields
    for pair in (("budget", "lots"), ("expires_at", "yesterday"), ("amount", "much")):
        assert pair in fields
    assert [value for name, value in fields if name == "condition"][:2] == [
        "client_id in [42]",
        "client_id in",
    ]


@pytest.mark.requirement("console.grant")
def test_a_grant_of_nothing_and_unknown_scopes_are_refused(
    ground: Ground, admin: Browser, persona: str
) -> None:
    """The page names what there is no such thing as."""
    form = edit(ground, admin)
    page = form.send({"persona": persona}, action="/grant/edit")
    assert (page.status, "There is nothing to grant." in fault(page, "grant")) == (422, True)
    page = form.send({"persona": persona, "scope": ["client:read"]}, action="/grant/edit")
    assert "Did you mean" in fault(page, "grant")


@pytest.mark.requirement("console.grant")
def test_a_form_over_a_grant_that_somebody_changed_meanwhile_is_refused(
    ground: Ground, admin: Browser, persona: str
) -> None:
    """Both are shown: what it is by now, and what the form would make of it."""
    give(ground, persona, Terms(scopes=("clients:read",)))
    form = edit(ground, admin, persona)
    give(ground, persona, Terms(scopes=("leads:read",)))
    page = form.send({"scope": ["tasks:read"]}, action="/grant/edit")
    assert page.status == 409
    assert "was changed since you opened it: by heidi" in page.text
    assert "− list_leads read" in page.text  # noqa: RUF001 - the sign on the page
    assert "+ list_tasks read yes" in page.text
    assert ground.connector.grants.one(persona, "books").scopes == ("leads:read",)
    done = confirm(page.send(action="/grant/edit"))
    assert done.status == 200
    assert ground.connector.grants.one(persona, "books").scopes == ("tasks:read",)


@pytest.mark.requirement("console.grant")
def test_a_change_that_was_shown_is_refused_once_the_grant_is_another(
    ground: Ground, admin: Browser, persona: str
) -> None:
    """Also where it was given for the first time meanwhile, or has ended."""
    typed = {"persona": persona, "scope": "clients:read"}
    shown = edit(ground, admin).send(typed, action="/grant/edit")
    give(ground, persona, Terms(scopes=("leads:read",)))
    late = confirm(shown)
    assert late.status == 409
    assert ground.connector.grants.one(persona, "books").scopes == ("leads:read",)
    shown = late.send(action="/grant/edit")
    ground.run(ground.connector.revoke("books", persona=persona, user="heidi"))
    late = confirm(shown)
    assert (late.status, "it is closed now" in late.text) == (409, True)
    assert confirm(late.send(action="/grant/edit")).status == 200
    assert ground.connector.grants.one(persona, "books").scopes == ("clients:read",)


@pytest.mark.requirement("console.grant")
def test_of_tabs_that_save_at_one_moment_one_does_and_the_others_are_told(
    ground: Ground, persona: str
) -> None:
    """Each had been shown another change of the same grant."""
    give(ground, persona, Terms(scopes=("clients:read",)))
    scopes = ("leads:read", "tasks:read", "staff:read", "invoices:read")
    tabs = [ground.browser("admin", name=f"admin {number}") for number in range(len(scopes))]
    shown = [
        edit(ground, tab, persona).send({"scope": [scope]}, action="/grant/edit")
        for tab, scope in zip(tabs, scopes, strict=True)
    ]
    with ThreadPoolExecutor(len(tabs)) as pool:
        done = list(pool.map(confirm, shown))
    assert sorted(page.status for page in done) == [200, 409, 409, 409]
    saved = next(at for at, page in enumerate(done) if page.status == 200)
    assert ground.connector.grants.one(persona, "books").scopes == (scopes[saved],)


@pytest.mark.requirement("console.grant")
def test_a_grant_is_ended_after_a_question(ground: Ground, admin: Browser, persona: str) -> None:
    """The others stay; it can be granted anew from the list of those that ended."""
    give(ground, persona)
    page = admin.open(at(ground, "grant/end"), persona=persona)
    assert "No call of" in page.text
    done = page.send({"reason": "left the firm"}, action="/grant/end")
    assert f"The grant of {persona} has ended" in done.text
    assert ground.connector.grants.one(persona, "books").state == "closed"
    assert ground.connector.grants.one("clerk", "books").active
    again = page.send(action="/grant/end")
    assert again.status == 404
    assert admin.open(at(ground, "grant"), persona=persona).status == 200
    anew = edit(ground, admin, persona)
    assert [value for name, value in anew.form("/grant/edit").fields if name == "scope"] == []
    shown = anew.send({"scope": ["clients:read"]}, action="/grant/edit")
    assert "It is a new grant" in shown.text
    assert "was saved: 2 actions" in confirm(shown).text


@pytest.mark.requirement("console.grant")
def test_nothing_is_granted_over_a_connection_that_was_revoked(
    ground: Ground, admin: Browser
) -> None:
    """A form that was open says so."""
    with Secret(ground.sandbox.key) as secret:
        url = ground.sandbox.url
        ground.run(ground.connector.connect("gone", secret=secret, user=USER, sandbox=url))
    one = ground.connector.connection("gone")
    form = admin.open(f"/connections/{one.id}/grant/edit")
    ground.run(ground.connector.revoke("gone", user=USER))
    page = form.send({"persona": "x", "scope": ["clients:read"]}, action="/grant/edit")
    assert (page.status, "was revoked" in page.text) == (409, True)
    shown = admin.open(f"/connections/{one.id}")
    assert "nobody may do anything over it" in shown.text


@pytest.mark.requirement("console.grant")
@pytest.mark.parametrize("terms", [EVERYTHING, Terms(scopes=("clients:read",))])
def test_terms_are_the_same_after_a_form_as_before(terms: Terms) -> None:
    """Nothing is lost on the way through the fields."""
    form = of_terms(terms, persona="p", seen="3")
    assert form.terms(now=datetime.now(UTC)) == terms
    assert dict(form.fields())["seen"] == "3"
    assert GrantForm(budget="12 000", rate="x").terms(now=datetime.now(UTC)).budget == 12_000


@pytest.mark.requirement("console.escaped")
@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'{{ 7 * 7 }}'"]
)
def test_what_is_typed_into_a_grant_is_shown_and_never_obeyed(
    ground: Ground, admin: Browser, text: str
) -> None:
    """As a persona, a condition, a rule or a reason, right or wrong."""
    form = edit(ground, admin)
    wrong = {"persona": text, "scope": "clients:read", "condition": text, "rule": text}
    page = form.send({**wrong, "target": text, "budget": text, "amount": text}, action="/edit")
    assert page.status == 422
    assert text not in page.html
    assert html.unescape(page.html).count(text) >= 5
    condition = f'name == "{text}"'.replace('"><', r"\"><")
    right = {"persona": text, "scope": "clients:*", "condition": f"for clients:write: {condition}"}
    shown = form.send(right, action="/grant/edit")
    assert (shown.status, text in shown.html) == (200, False)
    done = confirm(shown)
    for one in (done, admin.open(at(ground)), admin.open(at(ground, "grant"), persona=text)):
        assert one.status == 200
        assert text not in one.html
    ended = admin.open(at(ground, "grant/end"), persona=text).send({"reason": text}, action="/end")
    assert (ended.status, text in ended.html) == (200, False)

"""Proves that a manifest is loaded as it stands, quickly, and that a broken file is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from clientary_connector.errors import ManifestError, UnknownActionError
from clientary_connector.manifest import (
    AccountProbe,
    Auth,
    CascadeStep,
    Effect,
    Envelope,
    Limits,
    Lookup,
    Money,
    PageSize,
    Paging,
    Place,
    clientary_manifest_path,
    load_manifest,
    reading,
)

ALMANAC: Final = Path(__file__).parent / "data" / "almanac.json"
NO_MANIFEST: Final = b'{"name": "almanac"}'

pytestmark = pytest.mark.requirement("manifest.loading")


def test_what_is_particular_to_a_service_is_read_from_its_manifest() -> None:
    """The made-up service has its own host, auth, headers, envelope and account."""
    manifest = load_manifest(ALMANAC)
    assert manifest.name == "almanac"
    assert manifest.title == "Almanac"
    assert manifest.version == "0.3.0"
    assert manifest.description == "Tides and eclipses of one observatory: a made-up service."
    assert manifest.host_pattern == "{subdomain}.almanac.example"
    assert manifest.base_path == "/sky/v7"
    assert manifest.auth == Auth("bearer", token="{secret}")
    assert manifest.headers == {"Accept": "application/vnd.almanac+json", "X-Almanac": "7"}
    assert manifest.envelope == Envelope("leaves", "per_leaf", "count")
    assert manifest.account == AccountProbe("list_keepers", ("handle", "house"))
    assert manifest.limits == Limits(records=500, requests_per_minute=60)


def test_an_action_is_read_as_typed_data() -> None:
    """A change carries its place, wrapper, read-again, ids, example and lookup."""
    action = load_manifest(ALMANAC).action("update_event")
    body = ("caption", "day", "kind", "fee", "public")
    assert action.effect is Effect.WRITE
    assert (action.method, action.path) == ("PUT", "/events/{id}")
    assert action.place == Place(path=("id",), body=body)
    assert (action.wrapper, action.reread, action.confirm) == ("entry", "get_event", None)
    assert action.ids == {"id": ("list_events",)}
    assert action.example == {"id": 4, "fee": "2.50"}
    assert action.lookup == Lookup(action="get_event", passes={"id": "id"}, match=("given",))
    assert (action.money, action.paging, action.cascade) == (None, None, ())


def test_lists_deletions_and_messages_carry_what_is_theirs() -> None:
    """Paging, cascade, confirmation, money and lookups come out typed."""
    clientary = load_manifest()
    contacts = clientary.action("list_client_contacts")
    assert contacts.paging == Paging("contacts", "page", 10, PageSize("page_size", 100))
    assert clientary.action("list_staff").paging == Paging("staff")
    schedule = clientary.action("create_recurring_schedule")
    assert schedule.money == Money("action", ("autobill", 2))
    project = clientary.action("delete_project")
    assert project.confirm == "deleted"
    assert project.cascade[2] == CascadeStep(
        resource="expenses",
        count="list_project_expenses",
        passes={"project_id": "id"},
        fixed={"from_date": "1900-01-01", "to_date": "2999-12-31"},
    )
    assert project.cascade[5] == CascadeStep(resource="comments", count=None, passes={}, fixed={})
    assert project.lookup == Lookup(action="get_project", passes={"id": "id"}, absent=True)
    message = clientary.action("send_invoice_message")
    assert message.lookup == Lookup(cannot="No action lists sent messages.")
    assert clientary.action("create_client").lookup == Lookup(
        action="list_clients", fixed={"sort": "date"}, match=("name", "number")
    )


def test_references_are_inlined_and_what_stands_beside_them_wins() -> None:
    """A schema comes out whole, the same object each time, with its own description."""
    manifest = load_manifest()
    action = manifest.action("get_contact")
    assert action.input is action.input
    assert action.output is action.output
    id_ = {"type": "integer", "minimum": 1, "description": "Contact id."}
    assert action.input["properties"]["id"] == id_
    client = action.output["properties"]["client"]
    assert client["properties"]["status"]["x-enum"] == {"active": 1, "archived": 2}
    lead = manifest.action("get_lead").output
    assert lead["description"] == "A lead: shaped like a client."
    assert lead["properties"] == manifest.action("get_client").output["properties"]


@pytest.mark.parametrize(
    "name", ["create_task", "CLIENTARY_CREATE_TASK2", "clientary_create_task2"]
)
def test_an_action_is_found_by_id_and_by_alias_in_any_case(name: str) -> None:
    """Personas that know the old names keep working."""
    assert load_manifest().action(name).id == "create_task"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("get_clint", "get_client"),
        ("Get Client", "get_client"),
        ("list-client-invoice", "list_client_invoices"),
        ("", None),
        ("weather", None),
    ],
)
def test_an_unknown_action_offers_what_was_meant(name: str, meant: str | None) -> None:
    """The nearest ids come with the error; where nothing is near, nothing is offered."""
    manifest = load_manifest()
    with pytest.raises(UnknownActionError) as caught:
        manifest.action(name)
    assert caught.value.suggestions[:1] == (() if meant is None else (meant,))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "cannot be read", id="missing"),
        pytest.param(b'{"name": "\xff"}', "not UTF-8 at byte 10", id="not UTF-8"),
        pytest.param(b'{\n  "name": }', "Not JSON at line 2, column 11", id="not JSON"),
        pytest.param(b'\xef\xbb\xbf{"a": 1}', "Not JSON at line 1, column 1", id="marked as UTF-8"),
        pytest.param(b'{"a": 1, "b": 2, "a": 3}', "The key 'a' stands twice", id="key twice"),
        pytest.param(b'{"a": NaN}', "NaN is no JSON number", id="no number"),
        pytest.param(b"[" * 100_000, "Nested too deeply", id="too deep"),
        pytest.param(b"[]", "holds no JSON object", id="no object"),
        pytest.param(NO_MANIFEST, "not a manifest (KeyError: '$defs')", id="no manifest"),
    ],
)
def test_a_file_that_is_no_manifest_is_named_with_its_fault(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    """The error names the file, what is wrong with it, and what to do."""
    file = tmp_path / "service.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ManifestError) as caught:
        load_manifest(file)
    assert caught.value.message.startswith(f"{file}: ")
    assert said in caught.value.message
    assert caught.value.hint


def test_a_package_without_its_manifest_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where neither the package nor a checkout holds the file, the error says what to do."""
    monkeypatch.setattr(reading, "_FOLDERS", (tmp_path / "inside", tmp_path / "beside"))
    with pytest.raises(ManifestError) as caught:
        load_manifest()
    assert str(tmp_path / "inside" / "clientary.json") in caught.value.message
    assert caught.value.hint == "Install the package again."


def test_the_manifest_inside_an_installed_package_wins_over_that_of_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder in the package is looked into first."""
    folders = (tmp_path / "inside", tmp_path / "beside")
    monkeypatch.setattr(reading, "_FOLDERS", folders)
    for folder in reversed(folders):
        folder.mkdir()
        (folder / "clientary.json").touch()
        assert clientary_manifest_path() == folder / "clientary.json"


def test_loading_a_manifest_needs_no_check_and_no_network() -> None:
    """A cold process that lists the actions loads neither a schema library nor a client."""
    code = (
        "import sys\n"
        "from clientary_connector.manifest import load_manifest\n"
        "listed = [(a.id, a.input) for a in load_manifest().actions.values()]\n"
        "heavy = {'jsonschema', 'jsonschema_rs', 'httpx', 'aiohttp', 'apsw', 'click', 'pydantic'}\n"
        "print(len(listed), sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(  # noqa: S603 - the code is the line above
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "57 []\n"

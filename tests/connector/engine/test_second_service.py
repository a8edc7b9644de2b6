"""Proves that nothing in the call knows a service: another manifest is another service."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from pathlib import Path

import pytest

import clientary_connector
from clientary_connector import Outcome, load_manifest
from clientary_connector.errors import InvalidValueError
from connector_vault import Secret
from tests.connector.engine.far_side import Answer, FarSide, Seen, far_side, reply
from tests.connector.engine.ground import ALMANAC, KEY, NAME, USER, Ground, ground

pytestmark = pytest.mark.requirement("engine.second_service")

BASE = "/sky/v7"


class Sky:
    """A small almanac: events in pages of three, with its own names for everything."""

    def __init__(self) -> None:
        """Starts with seven events."""
        self.events = {
            number: {"id": number, "caption": f"Tide {number}", "day": "2026/03/20", "kind": 10,
                     "fee": 2.5, "public!": True, "ticket_link": "https://t.example/opens"}
            for number in range(1, 8)
        }  # fmt: skip

    def __call__(self, seen: Seen) -> Answer:
        """Answers as the almanac would."""
        if seen.headers.get("authorization") != f"Bearer {KEY}" or seen.headers["x-almanac"] != "7":
            return reply(401)
        if seen.path == f"{BASE}/keepers":
            return reply(body={"keepers": [{"handle": "moss", "house": "North"}]})
        if seen.path == f"{BASE}/events":
            return self.leaf(int((re.findall(r"leaf=(\d+)", seen.target) or ["1"])[0]))
        return self.one(seen)

    def leaf(self, number: int) -> Answer:
        """Answers with one page."""
        events = list(self.events.values())
        page = events[(number - 1) * 3 : number * 3]
        return reply(
            body={
                "entries": page,
                "leaves": -(-len(events) // 3),
                "per_leaf": 3,
                "count": len(events),
            }
        )

    def one(self, seen: Seen) -> Answer:
        """Makes, changes, deletes, announces or shows one event."""
        if seen.path == f"{BASE}/events/new":
            event = {"id": 99, **json.loads(seen.body)}
            self.events[99] = event
            return reply(201, event)
        number = int(seen.path.split("/")[4])
        if number not in self.events:
            return reply(404)
        if seen.method == "PUT":
            self.events[number] |= json.loads(seen.body)["entry"]
            return reply(204)
        if seen.method == "DELETE":
            del self.events[number]
            return reply(204)
        return (
            reply(202) if seen.path.endswith("/announcement") else reply(body=self.events[number])
        )


@pytest.fixture
def side() -> Generator[FarSide]:
    """A running almanac."""
    with far_side(Sky()) as running:
        yield running


@pytest.fixture
def on(tmp_path: Path, side: FarSide) -> Generator[Ground]:
    """A connector for the almanac, joined to it."""
    with ground(tmp_path, manifest=load_manifest(ALMANAC)) as made:
        made.join(side.url, scopes=["events:*"])
        side.seen.clear()
        yield made


def test_an_account_of_the_other_service_is_shown(on: Ground) -> None:
    """By the action and the fields that its manifest names."""
    assert on.connector.connection(NAME).account == "moss <North>"


def test_lists_are_followed_in_its_own_words(on: Ground) -> None:
    """Its page argument, its envelope, its names on the wire."""
    result = on.result("list_events", {"limit": 5, "fields": ["id", "kind", "public"]})
    assert result.data == [{"id": n, "kind": "tide", "public": True} for n in range(1, 6)]
    assert result.page is not None
    assert (result.page.total, result.page.next_page, result.page.size) == (7, 2, 3)


def test_records_are_made_changed_and_deleted_in_its_own_words(on: Ground, side: FarSide) -> None:
    """Flat and wrapped bodies, numbers of lists, exact money, a reread, a confirmation."""
    made = on.data("create_event", {"caption": "New", "day": "2026-04-01", "fee": "2.50"})
    assert (made["id"], made["fee"]) == (99, "2.5")
    assert side.seen[0].body == b'{"caption":"New","day":"2026-04-01","fee":2.50}'
    changed = on.data("update_event", {"id": 99, "kind": "eclipse", "public": False})
    assert (changed["kind"], changed["public"]) == ("eclipse", False)
    assert side.seen[1].body == b'{"entry":{"kind":20,"public!":false}}'
    assert on.data("announce_event", {"id": 99, "words": "Look up"}) == {"id": 99, "sent": True}
    assert on.data("delete_event", {"id": 99}) == {"id": 99, "deleted": True}
    assert on.result("get_event", {"id": 99}).outcome is Outcome.FAILED
    assert on.connector.log.verify().ok


def test_its_sensitive_fields_and_its_scopes_hold(on: Ground) -> None:
    """What its manifest marks is redacted in the log; what it did not grant is refused."""
    result = on.result("get_event", {"id": 1})
    assert result.data["ticket_link"] == "https://t.example/opens"
    assert result.log_id is not None
    assert "opens" not in str(on.connector.log.entry(result.log_id, user="auditor").to_json())
    assert on.result("list_keepers").outcome is Outcome.REFUSED


def test_its_host_is_that_of_its_manifest(on: Ground) -> None:
    """A hostile label leads nowhere there, either."""
    with pytest.raises(InvalidValueError):
        on.run(on.connector.connect("x", secret=Secret(KEY), user=USER, subdomain="evil.com#"))


def test_no_module_of_the_call_names_a_service() -> None:
    """The word stands nowhere under call/, save in the name of the package."""
    root = Path(clientary_connector.__file__).parent / "call"
    files = sorted(root.rglob("*.py"))
    assert len(files) > 10
    for path in files:
        text = path.read_text(encoding="utf-8").replace("clientary_connector", "")
        assert "clientary" not in text.lower(), path

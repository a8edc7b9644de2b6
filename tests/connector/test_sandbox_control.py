"""Proves that people can steer a sandbox over HTTP, and that nobody else can."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from clientary_connector.sandbox import Sandbox
from tests.connector.sandbox_ground import Ground, ground

pytestmark = pytest.mark.requirement("sandbox.control")


@pytest.fixture
def account() -> Iterator[Ground]:
    """Serve a small account."""
    with ground() as served:
        yield served


def steer(
    account: Ground, method: str, path: str, *, key: str | None = None, body: object = None
) -> httpx.Response:
    """Send a request to the control routes."""
    headers = {"X-Sandbox-Key": account.sandbox.key if key is None else key}
    url = f"{account.url}/_sandbox/{path}"
    if isinstance(body, bytes):
        return account.http.request(method, url, headers=headers, content=body, auth=None)
    return account.http.request(method, url, headers=headers, json=body, auth=None)


def answered(account: Ground, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    """Return what a control request that must succeed answers."""
    answer = steer(account, method, path, body=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("key", ["", "wrong"])
def test_without_the_key_nothing_is_told(account: Ground, key: str) -> None:
    """The answer is 401 and says which header is missing."""
    answer = steer(account, "GET", "requests", key=key)
    assert answer.status_code == 401
    assert "X-Sandbox-Key" in answer.json()["error"]


@pytest.mark.parametrize("peer", [("192.0.2.1", 1), ("nobody", 1), None])
def test_from_elsewhere_nothing_is_told(peer: tuple[str, int] | None) -> None:
    """Even with the key, a peer that is not on loopback gets 403."""
    sandbox = Sandbox()

    async def read() -> httpx.Response:
        transport = httpx.ASGITransport(sandbox.app, client=peer)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as http:
            return await http.get("/_sandbox/", headers={"X-Sandbox-Key": sandbox.key})

    assert asyncio.run(read()).status_code == 403


def test_the_summary_counts(account: Ground) -> None:
    """Records, faults, requests, effects and messages."""
    account.create("/clients", "client", name="Kite")
    summary = answered(account, "GET", "")
    assert summary == {
        "subdomain": "sandbox",
        "today": "2026-06-15",
        "records": account.sandbox.state.counts(),
        "faults": 0,
        "requests": 1,
        "effects": 1,
        "messages": 0,
    }


def test_faults_are_set_shown_and_cleared(account: Ground) -> None:
    """One, or a list; all fields of each come back."""
    one = answered(account, "POST", "faults", {"kind": "status", "status": 503})["faults"]
    assert [(fault["kind"], fault["status"], fault["nth"]) for fault in one] == [("status", 503, 1)]
    more = [{"kind": "echo", "encoding": "base64"}, {"kind": "null_drift", "fields": ["name"]}]
    assert len(answered(account, "POST", "faults", more)["faults"]) == 3
    assert account.status("GET", "/staff") == 503
    waiting = answered(account, "GET", "faults")["faults"]
    assert [fault["kind"] for fault in waiting] == ["echo", "null_drift"]
    assert answered(account, "DELETE", "faults") == {"faults": []}
    assert account.status("GET", "/staff") == 200


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{broken", "JSON"),
        ("no object", "JSON object"),
        ([{"kind": "status"}, 7], "JSON object"),
        ({}, "kind"),
        ({"kind": "nonsense"}, "nonsense"),
        ({"kind": "status", "statsu": 1}, "statsu"),
        ({"kind": "status", "status": "500"}, "status"),
        ({"kind": "status", "status": 99}, "status"),
        ({"kind": "redirect"}, "location"),
        ({"kind": "echo", "encoding": "rot13"}, "rot13"),
    ],
)
def test_a_faulty_fault_is_explained_and_nothing_is_set(
    account: Ground, body: object, named: str
) -> None:
    """The answer is 400 and names what is wrong."""
    answer = steer(account, "POST", "faults", body=body)
    assert answer.status_code == 400
    assert named in answer.json()["error"]
    assert account.sandbox.faults.waiting() == ()


def test_requests_are_shown_without_the_key(account: Ground) -> None:
    """The latest ones, whole but for the credential."""
    account.create("/clients", "client", name="Kite")
    account.read("/staff", page=2)
    first, second = answered(account, "GET", "requests")["requests"]
    assert (first["method"], first["body"]) == ("POST", '{"client":{"name":"Kite"}}')
    assert (second["path"], second["query"], second["status"]) == ("/api/v2/staff", "page=2", 200)
    assert second["headers"]["authorization"] == "(not shown)"
    assert second["headers"]["accept"] == "application/json"
    latest = answered(account, "GET", "requests?limit=1")["requests"]
    assert latest == [second]


@pytest.mark.parametrize("limit", ["0", "-1", "x", "٣"])
def test_a_limit_that_is_no_number_is_refused(account: Ground, limit: str) -> None:
    """The message names it."""
    answer = steer(account, "GET", f"requests?limit={limit}")
    assert (answer.status_code, answer.json()["error"][:6]) == (400, "limit:")


def test_effects_and_messages_are_shown(account: Ground) -> None:
    """What was done, how often, and what would have been sent."""
    invoice_id = next(iter(account.sandbox.state.invoices)).id
    path = f"/invoices/{invoice_id}/messages"
    assert account.status("POST", path, recipients=["kite@mail.example"], subject="June") == 200
    effect = {"method": "POST", "route": "/invoices/{id}/messages", "count": 1}
    assert answered(account, "GET", "effects") == {"effects": [effect]}
    message = answered(account, "GET", "messages")["messages"][0]
    assert (message["invoice_id"], message["subject"]) == (invoice_id, "June")


def test_the_history_can_be_cleared(account: Ground) -> None:
    """Requests and effects are forgotten."""
    account.create("/clients", "client", name="Kite")
    assert answered(account, "DELETE", "requests") == {"requests": []}
    assert answered(account, "GET", "effects") == {"effects": []}


def test_what_is_no_control_route_is_404(account: Ground) -> None:
    """Control requests are no requests to Clientary, either."""
    assert steer(account, "GET", "nonsense").status_code == 404
    assert account.sandbox.requests == []

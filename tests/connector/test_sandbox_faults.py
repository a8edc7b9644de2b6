"""Proves that a real client sees each kind of fault, when and as often as it was set."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from clientary_connector.sandbox import Fault, FaultKind, Sandbox
from clientary_connector.sandbox.faults import Encoding
from tests.connector.sandbox_ground import JSON, Ground, client, ground

pytestmark = pytest.mark.requirement("sandbox.faults")

CLIENTS = "/clients"
NEW = {"client": {"name": "Kite"}}


@pytest.fixture
def account() -> Iterator[Ground]:
    """Serve a small account under a key that has to be escaped everywhere."""
    with ground(Sandbox(key='k"/+=%é')) as served:
        yield served


def arm(account: Ground, fault: Fault) -> None:
    """Set one fault."""
    account.sandbox.faults.add(fault)


def written(account: Ground) -> int:
    """Count the clients that were really created."""
    return account.sandbox.done("POST", CLIENTS)


def test_any_status_comes_with_its_body_and_headers(account: Ground) -> None:
    """A rate limit says how long to wait, and nothing was done."""
    fault = Fault(
        kind=FaultKind.STATUS,
        status=429,
        body="slow down",
        headers={"Retry-After": "7", "Content-Type": "text/html"},
    )
    arm(account, fault)
    answer = account.http.post(CLIENTS, json=NEW)
    assert (answer.status_code, answer.text) == (429, "slow down")
    assert answer.headers["retry-after"] == "7"
    assert answer.headers.get_list("content-type") == ["text/html"]
    assert written(account) == 0
    assert account.sandbox.requests[-1].status == 429


def test_a_status_is_500_with_an_error_unless_told_otherwise(account: Ground) -> None:
    """The plain fault is a server error in JSON."""
    arm(account, Fault(kind=FaultKind.STATUS))
    answer = account.http.get(CLIENTS)
    assert (answer.status_code, answer.json()) == (500, {"error": "simulated status"})


def test_a_status_may_come_after_the_work(account: Ground) -> None:
    """A gateway that gave up does not undo what was done behind it."""
    arm(account, Fault(kind=FaultKind.STATUS, status=504, after_work=True))
    assert account.status("POST", CLIENTS, **NEW) == 504
    assert written(account) == 1


def test_a_status_without_body_has_none(account: Ground) -> None:
    """A 304 carries neither body nor type."""
    arm(account, Fault(kind=FaultKind.STATUS, status=304))
    answer = account.http.get(CLIENTS)
    assert (answer.content, "content-type" in answer.headers) == (b"", False)


@pytest.mark.parametrize("after_work", [False, True])
def test_a_delay_outlasts_an_impatient_client(account: Ground, *, after_work: bool) -> None:
    """The client gives up; the work is done once all the same."""
    arm(account, Fault(kind=FaultKind.DELAY, delay_s=600, after_work=after_work))
    impatient = client(account.url, account.sandbox.key, timeout_s=0.4)
    with impatient as http, pytest.raises(httpx.ReadTimeout):
        http.post(CLIENTS, json=NEW)
    assert account.status("GET", CLIENTS) == 200
    assert written(account) == 1


def test_a_short_delay_only_delays(account: Ground) -> None:
    """The answer comes whole, and not before its time."""
    arm(account, Fault(kind=FaultKind.DELAY, delay_s=0.05))
    start = time.monotonic()
    assert account.status("GET", CLIENTS) == 200
    assert time.monotonic() - start >= 0.05


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(("kind", "effects"), [(FaultKind.CUT_BEFORE, 0), (FaultKind.CUT_AFTER, 1)])
def test_a_cut_looks_the_same_before_and_after_the_work(
    account: Ground, kind: FaultKind, effects: int, *, reset: bool
) -> None:
    """The client cannot tell; the effects can."""
    arm(account, Fault(kind=kind, reset=reset))
    expected = httpx.ReadError if reset else httpx.RemoteProtocolError
    with pytest.raises(expected):
        account.http.post(CLIENTS, json=NEW)
    assert written(account) == effects
    assert account.sandbox.requests[-1].status is None


def test_a_truncated_body_ends_too_early(account: Ground) -> None:
    """The length promises more than comes, though the work was done."""
    arm(account, Fault(kind=FaultKind.TRUNCATED))
    with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|without sending"):
        account.http.post(CLIENTS, json=NEW)
    assert written(account) == 1


def test_without_a_socket_a_cut_is_an_error_of_the_app() -> None:
    """In process there is no connection to cut, so the app fails instead."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault(kind=FaultKind.CUT_BEFORE))

    async def read() -> None:
        transport = httpx.ASGITransport(sandbox.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as http:
            await http.get("/api/v2/staff", headers=JSON)

    with pytest.raises(ConnectionAbortedError):
        asyncio.run(read())


@pytest.mark.parametrize("path", [CLIENTS, "/clients/1001"])
def test_broken_json_does_not_parse(account: Ground, path: str) -> None:
    """The body has its full length and is no JSON."""
    arm(account, Fault(kind=FaultKind.BROKEN_JSON))
    answer = account.http.get(path)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Invalid|Unterminated"):
        answer.json()


def test_an_empty_body_can_be_broken_too(account: Ground) -> None:
    """Where nothing would come, broken JSON comes."""
    arm(account, Fault(kind=FaultKind.BROKEN_JSON, status=200))
    assert account.http.delete(f"/clients/{account.client_id()}").content == b'{,"'


def test_null_drift_empties_every_field_but_the_id(account: Ground) -> None:
    """The shape stays, the values go."""
    true = account.read("/clients/1001")
    arm(account, Fault(kind=FaultKind.NULL_DRIFT))
    assert account.read("/clients/1001") == dict.fromkeys(true) | {"id": 1001}


def test_drift_reaches_each_record_of_a_list_and_spares_the_envelope(account: Ground) -> None:
    """Named fields alone change, in all rows."""
    arm(account, Fault(kind=FaultKind.NULL_DRIFT, fields=("name",)))
    page = account.read(CLIENTS)
    assert page["page_size"] == 10
    assert [row["name"] for row in page["clients"]] == [None] * 10
    assert all(row["number"] for row in page["clients"])


def test_wrong_types_are_other_types(account: Ground) -> None:
    """Texts become objects, numbers lists, lists and objects texts, the rest a word."""
    arm(account, Fault(kind=FaultKind.WRONG_TYPES))
    invoice_id = next(iter(account.sandbox.state.invoices)).id
    drifted = account.read(f"/invoices/{invoice_id}")
    assert drifted["id"] == invoice_id
    assert drifted["currency_code"] == {"text": "USD"}
    assert drifted["user_id"] == [41]
    assert drifted["invoice_items"] == "flattened"
    assert drifted["compound_tax"] == "maybe"
    assert drifted["po"] == "maybe"


def test_extra_fields_come_on_top(account: Ground) -> None:
    """Nothing that belongs there is missing; what is named is added."""
    true = account.read("/staff/41")
    arm(account, Fault(kind=FaultKind.EXTRA_FIELDS))
    arm(account, Fault(kind=FaultKind.EXTRA_FIELDS, fields=("novelty",)))
    extra = {"nested": [1, None, "new"]}
    assert account.read("/staff/41") == {**true, "unheard_of": extra, "unheard_of_too": extra}
    assert account.read("/staff/41") == {**true, "novelty": extra}


def test_drift_leaves_what_is_no_record(account: Ground) -> None:
    """Field faults of a 422 drift as one record; a body without JSON stays as it is."""
    arm(account, Fault(kind=FaultKind.NULL_DRIFT, times=3))
    assert account.rejection("POST", CLIENTS, "client", name="") == {"name": None}
    assert account.http.delete(f"/clients/{account.client_id()}").content == b""
    assert account.http.get("/staff", auth=("no", "no")).status_code == 401


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_where_it_was_told(account: Ground, status: int) -> None:
    """The work is not done here, and the location is the given one."""
    target = "https://elsewhere.example/api/v2/clients"
    arm(account, Fault(kind=FaultKind.REDIRECT, status=status, location=target))
    answer = account.http.post(CLIENTS, json=NEW)
    assert (answer.status_code, answer.headers["location"]) == (status, target)
    assert written(account) == 0


def leaked(account: Ground, encoding: Encoding) -> bytes:
    """Spell the key the way it leaks."""
    key = account.sandbox.key
    spellings = {
        "raw": key.replace('"', '\\"').encode(),
        "base64": base64.b64encode(f"{key}:{key}".encode()),
        "percent": "".join(f"%{byte:02X}" for byte in key.encode()).encode(),
        "escaped": "".join(f"\\u{ord(letter):04x}" for letter in key).encode(),
    }
    return spellings[encoding]


@pytest.mark.parametrize("encoding", ["raw", "base64", "percent", "escaped"])
def test_an_echo_leaks_the_key_in_an_answer(account: Ground, encoding: Encoding) -> None:
    """The key stands in the record's JSON, spelled as told, and the work is done."""
    arm(account, Fault(kind=FaultKind.ECHO, encoding=encoding))
    answer = account.http.post(CLIENTS, json=NEW)
    assert b'"echo":"%s"' % leaked(account, encoding) in answer.content
    assert answer.json()["name"] == "Kite"
    assert written(account) == 1


def test_an_echo_leaks_the_key_in_an_error(account: Ground) -> None:
    """With an error status the work is not done unless told so."""
    arm(account, Fault(kind=FaultKind.ECHO, status=422))
    arm(account, Fault(kind=FaultKind.ECHO, status=500, after_work=True))
    answers = [account.http.post(CLIENTS, json=NEW) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [422, 500]
    assert answers[0].json() == {"error": account.sandbox.key}
    assert answers[1].json()["echo"] == account.sandbox.key
    assert written(account) == 1


def test_an_echo_may_have_words_before_it(account: Ground) -> None:
    """A given body is followed by the key."""
    arm(account, Fault(kind=FaultKind.ECHO, status=401, body="bad token ", encoding="base64"))
    assert account.http.get(CLIENTS).content == b"bad token " + leaked(account, "base64")


def test_an_echo_fits_an_empty_answer(account: Ground) -> None:
    """An empty object or nothing at all becomes an object that holds the key."""
    invoice_id = next(iter(account.sandbox.state.invoices)).id
    arm(account, Fault(kind=FaultKind.ECHO, status=200, times=2))
    recipients = {"recipients": ["kite@mail.example"]}
    sent = account.http.post(f"/invoices/{invoice_id}/messages", json=recipients)
    assert sent.json() == {"echo": account.sandbox.key}
    gone = account.http.delete(f"/clients/{account.client_id()}")
    assert gone.json() == {"error": account.sandbox.key}


def test_an_empty_answer_hides_work_that_was_done(account: Ground) -> None:
    """A PUT may answer 204, or 200 with nothing in it."""
    path = f"/clients/{account.client_id()}"
    arm(account, Fault(kind=FaultKind.EMPTY))
    arm(account, Fault(kind=FaultKind.EMPTY, status=200))
    answers = [account.http.put(path, json={"client": {"city": city}}) for city in "AB"]
    assert [(one.status_code, one.content) for one in answers] == [(204, b""), (200, b"")]
    assert account.read(path)["city"] == "B"


def test_a_huge_body_is_as_large_as_told_and_still_json(account: Ground) -> None:
    """The padding comes first, the true fields after it; an empty answer is only padding."""
    arm(account, Fault(kind=FaultKind.HUGE, size=2_000_000))
    answer = account.http.get("/clients/1001")
    assert len(answer.content) > 2_000_000
    assert next(iter(answer.json())) == "padding"
    assert answer.json()["id"] == 1001
    arm(account, Fault(kind=FaultKind.HUGE, size=10, status=200))
    assert account.http.delete("/clients/1001").json() == {"padding": "x" * 10}


def test_a_fault_meets_its_method_route_and_number_only(account: Ground) -> None:
    """The second and third GET of one client fail, all else goes on."""
    arm(
        account,
        Fault(kind=FaultKind.STATUS, method="get", route="/clients/{client_id}", nth=2, times=2),
    )
    assert account.status("GET", CLIENTS) == 200
    assert account.status("PUT", "/clients/1001", client={"city": "A"}) == 200
    assert [account.status("GET", "/clients/1001") for _ in range(4)] == [200, 500, 500, 200]
    assert account.sandbox.faults.waiting() == ()


def test_a_route_may_be_a_pattern(account: Ground) -> None:
    """A star stands for anything; a path without a route can be met as well."""
    arm(account, Fault(kind=FaultKind.STATUS, route="/clients/{id}*", times=None))
    assert account.status("GET", "/clients/1001/contacts") == 500
    assert account.status("GET", "/clients/1001/invoices") == 500
    assert account.status("GET", CLIENTS) == 200
    arm(account, Fault(kind=FaultKind.STATUS, status=418, route="/nonsense"))
    assert account.status("GET", "/nonsense") == 418
    account.sandbox.faults.clear()
    assert account.status("GET", "/clients/1001/contacts") == 200


def test_faults_take_turns(account: Ground) -> None:
    """Each request is spoiled by one fault, in the order in which they were set."""
    arm(account, Fault(kind=FaultKind.STATUS, status=503))
    arm(account, Fault(kind=FaultKind.STATUS, status=429))
    assert [account.status("GET", CLIENTS) for _ in range(3)] == [503, 429, 200]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"nth": 0}, "nth"),
        ({"times": 0}, "times"),
        ({"status": 99}, "status"),
        ({"status": 600}, "status"),
        ({"delay_s": -1.0}, "delay_s"),
        ({"delay_s": 601.0}, "delay_s"),
        ({"kind": FaultKind.DELAY}, "delay_s"),
        ({"kind": FaultKind.REDIRECT}, "location"),
        ({"size": 0}, "size"),
        ({"headers": {"a b": "c"}}, "headers"),
        ({"headers": {"a": "b\r\nc: d"}}, "headers"),
        ({"kind": FaultKind.REDIRECT, "location": "http://a\n"}, "headers"),
    ],
)
def test_a_fault_that_cannot_be_meant_is_refused(wrong: dict[str, Any], named: str) -> None:
    """The message names the field."""
    plain: dict[str, Any] = {"kind": FaultKind.STATUS}
    with pytest.raises(ValueError, match=named):
        Fault(**(plain | wrong))

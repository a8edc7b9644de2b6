"""Proves what happens where the state was tampered with, the host left, or a record is odd."""

from __future__ import annotations

import asyncio
import gc
import json
import ssl
import warnings
from collections.abc import Generator
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import aiohttp
import apsw
import pytest
from aiohttp.client_reqrep import ConnectionKey

from clientary_connector import Outcome, Settings, load_manifest, open_connector
from clientary_connector.call.arguments import is_open
from clientary_connector.call.clock import utc_now
from clientary_connector.call.shaping import fit
from clientary_connector.call.transport import NotSentError, Transport, failure_of
from connector_vault import Record, Secret, StoreFullError, Transaction
from tests.connector.engine.far_side import FarSide, Seen, far_side, reply
from tests.connector.engine.ground import (
    ALMANAC,
    KEY,
    NAME,
    PERSONA,
    USER,
    Ground,
    ground,
    staff_or,
)
from tests.connector.engine.test_transport import GET, always, target_at

#: Both are active, and neither may be after this.
BREAK = {
    "connection": "UPDATE records SET body = replace(body, 'active', '') WHERE kind = 'connection'",
    "grant": "UPDATE records SET body = replace(body, 'active', 'x') WHERE kind = 'grant'",
}
CLIENT = {"id": 7, "name": "Acme"}
REAL = ConnectionKey("h.example", 443, True, True, None, None, None)  # noqa: FBT003 - its order


@pytest.fixture
def side() -> Generator[FarSide]:
    """A far side that knows one client."""
    with far_side(staff_or(lambda _: reply(body=CLIENT))) as running:
        yield running


@pytest.fixture
def on(tmp_path: Path, side: FarSide) -> Generator[Ground]:
    """A connector on that far side, with a grant for everything."""
    with ground(tmp_path) as made:
        made.join(side.url)
        side.seen.clear()
        yield made


def tamper(folder: Path, statement: str) -> None:
    """Changes the database behind the vault's back."""
    with closing(apsw.Connection(str(folder / "vault" / "vault.db"))) as database:
        list(database.execute(statement))  # pyright: ignore[reportUnknownMemberType] - its stubs


def written(on: Ground, record: Record) -> None:
    """Keeps a record as the vault would, with its line in the log."""
    log = on.vault.draft(
        kind="test", subject=f"{record.kind}:{record.id}", revision=record.revision + 1
    )

    def write(vault: Transaction) -> None:
        vault.put(record, expect=record.revision or None)
        vault.append(log)

    on.vault.write(write)


def record_of(on: Ground, kind: str) -> Record:
    """Returns the one record of a kind."""
    found: list[Record] = on.vault.read(lambda view: view.records(kind))  # pyright: ignore[reportUnknownLambdaType, reportUnknownMemberType]
    return found[0]


@pytest.mark.requirement("engine.order")
@pytest.mark.parametrize("kind", ["connection", "grant"])
def test_a_record_that_was_altered_allows_nothing(
    on: Ground, side: FarSide, tmp_path: Path, kind: str
) -> None:
    """The call is refused as a matter of integrity, and the refusal stands in the log."""
    tamper(tmp_path, BREAK[kind])
    result = on.result("get_client", {"id": 7})
    assert (result.outcome, result.error and result.error.kind) == (Outcome.REFUSED, "integrity")
    assert result.log_id is not None
    assert side.seen == []


@pytest.mark.requirement("engine.order")
def test_a_secret_that_was_altered_is_not_sent(on: Ground, side: FarSide, tmp_path: Path) -> None:
    """The intent stands, its outcome is a refusal, and the door stayed shut."""
    tamper(tmp_path, "UPDATE secrets SET sealed = zeroblob(length(sealed))")
    result = on.result("create_client", {"name": "x"})
    assert (result.outcome, result.error and result.error.kind) == (Outcome.REFUSED, "integrity")
    assert result.log_id is not None
    assert on.connector.log.entry(result.log_id).outcome == "refused"

    def full(kind: str) -> None:
        if kind == "outcome":
            raise StoreFullError("The disk is full.")

    on.vault.before_draft = full
    again = on.result("create_client", {"name": "x"})
    assert (again.outcome, on.vault.degraded) == (Outcome.REFUSED, None)
    assert side.seen == []


@pytest.mark.requirement("engine.denied")
def test_a_closed_grant_allows_nothing(on: Ground, side: FarSide) -> None:
    """It reads as if there were none."""
    grant = record_of(on, "grant")
    written(on, replace(grant, body={**grant.body, "state": "closed"}))
    result = on.result("get_client", {"id": 7})
    assert (result.outcome, result.error and result.error.kind) == (Outcome.REFUSED, "denied")
    assert side.seen == []


@pytest.mark.requirement("transport.target")
@pytest.mark.parametrize(
    "where", [{"subdomain": "evil.com#", "sandbox": None}, {"sandbox": "http://10.0.0.1:80"}]
)
def test_a_place_that_should_never_have_been_saved_is_refused_at_send(
    on: Ground, side: FarSide, where: dict[str, Any]
) -> None:
    """Subdomain and address are checked again, whatever the record says."""
    connection = record_of(on, "connection")
    written(on, replace(connection, body={**connection.body, **where}))
    result = on.result("get_client", {"id": 7})
    assert (result.outcome, result.error and result.error.kind) == (Outcome.REFUSED, "denied")
    assert side.seen == []


@pytest.mark.requirement("engine.preview")
def test_a_real_connection_leads_to_its_own_host_over_https(on: Ground) -> None:
    """The preview shows where; after a revoke a person is told what is left to do there."""
    connection = record_of(on, "connection")
    body = {**connection.body, "subdomain": "acme", "sandbox": None}
    written(on, replace(connection, body=body))
    preview = on.run(on.connector.preview(on.call("get_client", {"id": 7})))
    assert preview.url == "https://acme.clientary.com/api/v2/clients/7"
    revoked = on.run(on.connector.revoke(NAME, user=USER))
    assert "profile page" in revoked.upstream


@pytest.mark.requirement("engine.preview")
def test_a_count_that_is_only_the_beginning_says_so(on: Ground, side: FarSide) -> None:
    """A list without a total that goes on is counted as that many or more."""
    side.answer = lambda seen: reply(body={seen.path.split("/")[-1]: [CLIENT], "page_size": 1})
    preview = on.run(on.connector.preview(on.call("delete_client", {"id": 7})))
    assert {(item.count, item.note) for item in preview.cascade} == {(1, "or more")}


ERASE = "UPDATE keys SET state = 'destroyed', sealed = NULL WHERE purpose = 'audit'"


@pytest.mark.requirement("engine.replay")
def test_an_operation_whose_record_was_erased_is_not_repeated(
    on: Ground, side: FarSide, tmp_path: Path
) -> None:
    """Without the first arguments nobody can say that it is the same call."""
    call = on.call("create_client", {"name": "Acme"})
    on.run(on.connector.run(call))
    tamper(tmp_path, ERASE)
    with open_connector(tmp_path) as other:
        result = other.run_sync(call)
    assert (result.outcome, result.error and result.error.kind) == (Outcome.REFUSED, "unknown")
    assert len(side.seen) == 1


@pytest.mark.requirement("engine.replay")
def test_an_operation_whose_record_was_altered_is_not_repeated(
    on: Ground, side: FarSide, tmp_path: Path
) -> None:
    """A log that cannot be trusted answers for nothing."""
    call = on.call("create_client", {"name": "Acme"})
    on.run(on.connector.run(call))
    tamper(tmp_path, "UPDATE log SET payload = NULL WHERE kind = 'intent'")
    result = on.run(on.connector.run(call))
    assert (result.outcome, result.error and result.error.kind) == (Outcome.REFUSED, "integrity")
    assert len(side.seen) == 1


@pytest.mark.requirement("engine.replay")
def test_a_repeat_that_cannot_be_logged_is_refused(on: Ground, side: FarSide) -> None:
    """No answer is given that the log does not know of."""
    call = on.call("create_client", {"name": "Acme"})
    on.run(on.connector.run(call))

    def full(kind: str) -> None:
        if kind == "replay":
            raise StoreFullError("The disk is full.")

    on.vault.before_draft = full
    result = on.run(on.connector.run(call))
    assert (result.outcome, result.error and result.error.kind) == (Outcome.REFUSED, "internal")
    assert len(side.seen) == 1


@pytest.mark.requirement("engine.cancel")
def test_a_host_that_leaves_an_intent_that_was_refused_leaves_nothing_open(
    on: Ground, side: FarSide
) -> None:
    """There is no intent to settle, and none is made."""

    def narrow(kind: str) -> None:
        if kind == "intent":
            on.connector.grant(PERSONA, NAME, scopes=["leads:read"], user=USER)

    on.vault.before_draft = narrow

    async def leave() -> None:
        task = asyncio.ensure_future(on.connector.run(on.call("create_client", {"name": "x"})))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    on.run(leave())
    assert on.connector.log.page(limit=1).entries[0].kind == "grant"
    assert on.connector.log.verify().ok
    assert side.seen == []


@pytest.mark.requirement("engine.reading")
def test_warnings_of_a_reread_are_those_of_the_change(on: Ground, side: FarSide) -> None:
    """Drift in the record that was read again is told."""

    def answer(seen: Seen) -> bytes:
        return reply(204) if seen.method == "PUT" else reply(body={"id": 7, "name": 5})

    side.answer = answer
    result = on.result("update_client", {"id": 7, "name": "Acme"})
    assert result.outcome is Outcome.SUCCEEDED
    assert "$.name: a string was expected" in result.warnings[0]


@pytest.mark.requirement("engine.request")
def test_an_id_that_would_lead_upward_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    """A service with ids of text is as safe as one with numbers."""
    document = json.loads(ALMANAC.read_text(encoding="utf-8"))
    document["$defs"]["id"] = {"type": "string", "description": "Event id."}
    (tmp_path / "sky.json").write_text(json.dumps(document))
    staff = {"keepers": [{"handle": "moss"}]}
    with (
        far_side(always(reply(body=staff))) as side,
        ground(tmp_path, manifest=load_manifest(tmp_path / "sky.json")) as on,
    ):
        on.join(side.url)
        result = on.result("get_event", {"id": ".."})
        assert len(side.seen) == 1
    assert result.error is not None
    assert (result.outcome, result.error.faults[0].path) == (Outcome.REFUSED, "$.id")


@pytest.mark.requirement("engine.log")
def test_an_outcome_leads_to_its_call_and_an_erased_prompt_is_none(
    on: Ground, tmp_path: Path
) -> None:
    """What was erased reads as not there; the row itself stays."""
    result = on.result("get_client", {"id": 7})
    assert result.log_id is not None
    assert on.connector.log.entry(result.log_id + 1).id == result.log_id
    tamper(tmp_path, ERASE)
    with open_connector(tmp_path) as other:
        entry = other.log.entry(result.log_id, user="auditor")
    assert (entry.prompt, entry.arguments, entry.outcome) == (None, None, "succeeded")


@pytest.mark.requirement("transport.once")
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (aiohttp.ClientConnectorDNSError(REAL, OSError("x")), "could not be resolved"),
        (aiohttp.ClientConnectorSSLError(REAL, ssl.SSLError("x")), "did not prove who it is"),
        (aiohttp.ConnectionTimeoutError("x"), "in time"),
        (aiohttp.InvalidURL("x"), "could not be used"),
    ],
)
def test_what_stops_a_line_from_opening_is_known_to_be_unsent(
    error: Exception, reason: str
) -> None:
    """Each has its words, and none of them comes from below."""
    found = failure_of(error)
    assert isinstance(found, NotSentError)
    assert reason in found.reason


@pytest.mark.requirement("transport.limits")
def test_a_loop_that_was_dropped_does_not_stay(side: FarSide) -> None:
    """A host that closes a loop without ending its generators leaves no line behind for ever."""
    side.answer = always(reply())
    auth = load_manifest().auth
    transport = Transport(auth=auth, headers={}, settings=Settings())
    loop = asyncio.new_event_loop()
    loop.run_until_complete(transport.send(target_at(side.url), GET, Secret(KEY), gate=nullcontext))
    loop.close()
    with warnings.catch_warnings():
        # That loop's own lines were left open by its owner.
        warnings.simplefilter("ignore", ResourceWarning)
        asyncio.run(transport.send(target_at(side.url), GET, Secret(KEY), gate=nullcontext))
        del loop
        gc.collect()
    asyncio.run(transport.aclose())


@pytest.mark.requirement("engine.settings")
def test_the_time_is_that_of_the_machine_in_utc() -> None:
    """Never a local time without a zone."""
    assert utc_now().tzinfo is UTC


@pytest.mark.requirement("engine.arguments")
@pytest.mark.parametrize(
    ("schema", "is_free"),
    [
        ({"type": "object"}, True), ({"type": ["array", "null"]}, True), ({"type": "null"}, False),
        ({"type": "object", "properties": {"a": {"type": "object"}}}, True),
        ({"type": "array", "items": {"type": "string"}}, False),
        ({"anyOf": [{"type": "string"}, {"type": "object"}]}, True),
    ],
)  # fmt: skip
def test_schemas_that_let_anything_through_are_known(
    schema: dict[str, Any], *, is_free: bool
) -> None:
    """Only those need the slower look for what JSON cannot hold."""
    assert is_open(schema) is is_free


@pytest.mark.requirement("engine.shaping")
def test_an_id_is_never_left_out() -> None:
    """Without it the rest could not be asked for."""
    kept, _, _ = fit({"id": 12345678901, "a": 1}, None, most=5)
    assert kept == {"id": 12345678901, "a": None}

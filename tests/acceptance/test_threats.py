"""Proves that each threat to the vault and the wire is met, as a host and its files see it."""

from __future__ import annotations

import copy
import json
import pickle
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import pytest

from clientary_connector import (
    ConnectorError,
    ErrorKind,
    LogFilter,
    Outcome,
    Secret,
    Settings,
)
from clientary_connector.errors import InvalidValueError
from clientary_connector.sandbox import Fault, FaultKind
from tests.acceptance.listener import listening
from tests.actions.stage import ACCOUNT, Stage, set_stage
from tests.actions.traces import CANARY, Ear, Tracker
from tests.requirements import REQUIREMENTS

#: The rows that concern keys, credentials, rotation, revocation, files and the wire.
ROWS = (*range(1, 17), 22, 23, *range(27, 34))
INSIDE = (
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "::1", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",  # noqa: S104 - an address that is asked for, not bound
)  # fmt: skip


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A sandbox and a connector that tries again at once."""
    with set_stage(tmp_path / "state", settings=Settings(backoff_first_s=0.0)) as ready:
        ready.sandbox.forget()
        yield ready


@pytest.mark.requirement("threat.rows")
def test_every_row_of_the_threats_to_the_vault_and_the_wire_is_a_requirement() -> None:
    """What is a requirement has a test: that is proved elsewhere."""
    assert [row for row in ROWS if f"threat.{row}" not in REQUIREMENTS] == []


@pytest.mark.requirement("threat.27")
@pytest.mark.parametrize("address", INSIDE)
def test_an_account_whose_name_leads_inside_is_not_connected(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """The number decides, in the moment in which the line opens: nobody inside is talked to."""
    with listening() as listener:
        _lead(monkeypatch, [address], port=listener.server.getsockname()[1])
        with pytest.raises(ConnectorError, match="may reach"):
            _connect(stage)
        assert listener.settle() == 0


@pytest.mark.requirement("threat.27")
def test_a_name_that_answers_otherwise_the_second_time_gains_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no first look that a second one could betray: what is connected to is judged."""
    with listening() as listener:
        port = listener.server.getsockname()[1]
        _lead(monkeypatch, ["127.0.0.1", "10.0.0.1", "127.0.0.1"], port=port)
        for _ in range(3):
            with pytest.raises(ConnectorError, match="may reach"):
                _connect(stage)
        assert listener.settle() == 0


@pytest.mark.requirement("threat.28")
@pytest.mark.parametrize("kind", [FaultKind.CUT_AFTER, FaultKind.BROKEN_JSON, FaultKind.STATUS])
def test_no_trace_of_the_secret_is_in_anything_that_a_broken_call_leaves(
    stage: Stage, kind: FaultKind
) -> None:
    """Neither in the result and its pickle, nor in any logger, nor in any file."""
    tracker = Tracker(CANARY)
    stage.sandbox.faults.add(Fault(kind=kind, times=None))
    with Ear() as ear:
        result = stage.run(stage.call("create_client", {"name": "Broken"}))
    assert result.outcome is not Outcome.REFUSED
    for text in (repr(result), json.dumps(result.to_json()), "".join(ear.heard)):
        assert tracker.in_text(text) == set()
    assert tracker.in_bytes(pickle.dumps(result.to_json())) == set()
    assert tracker.in_files(stage.state) == {}


@pytest.mark.requirement("threat.28")
def test_a_secret_leaves_by_no_side_door() -> None:
    """It is not pickled, copied, shown or written as JSON."""
    tracker = Tracker(CANARY)
    with Secret(CANARY) as secret:
        for way in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps):
            try:
                left: Any = way(secret)
            except TypeError as error:
                left = str(error)
            assert tracker.in_text(repr(left)) == set()
        with suppress(TypeError):
            assert tracker.in_text(f"{secret} {secret!r}") == set()


@pytest.mark.requirement("threat.29")
@pytest.mark.parametrize("encoding", ["raw", "base64", "percent", "escaped"])
@pytest.mark.parametrize("status", [200, 422])
def test_a_secret_that_is_sent_back_reaches_nobody(
    stage: Stage, encoding: Literal["raw", "base64", "percent", "escaped"], status: int
) -> None:
    """It is gone before the model, the log and the payload see the answer."""
    tracker = Tracker(CANARY)
    stage.sandbox.faults.add(Fault(kind=FaultKind.ECHO, encoding=encoding, status=status))
    result = stage.run(stage.call("create_client", {"name": "Echo"}))
    assert tracker.in_text(json.dumps(result.to_json())) == set()
    (entry,) = stage.connector.log.page(LogFilter(operation=result.operation)).entries
    assert tracker.in_text(repr(stage.connector.log.entry(entry.id, user="auditor"))) == set()
    assert tracker.in_files(stage.state) == {}


@pytest.mark.requirement("threat.30")
@pytest.mark.parametrize("secret", ["", "a", "client", "short-of-sixteen"[:15]])
def test_a_secret_that_could_be_a_word_is_not_taken(stage: Stage, secret: str) -> None:
    """Whoever looked for it in a text would shred the text."""
    url = stage.running.url
    with pytest.raises(InvalidValueError):
        stage.wait(
            lambda: stage.connector.connect(
                "short", secret=Secret(secret), user="maria", sandbox=url
            )
        )
    assert stage.sandbox.requests == []


@pytest.mark.requirement("threat.31")
def test_the_environment_sends_no_call_elsewhere(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A call goes straight to its host, and no key of a session is written down."""
    with listening() as listener:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, listener.url)
        monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "session.keys"))
        result = stage.run(stage.call("list_clients", {}))
        assert listener.settle() == 0
    assert result.outcome is Outcome.SUCCEEDED
    assert not (tmp_path / "session.keys").exists()


@pytest.mark.requirement("threat.32")
def test_a_key_that_is_refused_for_good_is_sent_once(stage: Stage) -> None:
    """Without a newer one there is nothing to try, and no loop."""
    stage.sandbox.revoke_key(CANARY)
    result = stage.run(stage.call("list_clients", {}, connection=ACCOUNT))
    assert result.error is not None
    assert (result.outcome, result.error.kind) == (Outcome.FAILED, ErrorKind.UNAUTHORIZED)
    assert len(stage.sandbox.requests) == 1


def _connect(stage: Stage) -> None:
    """Connects a real account, whose name `_lead` has led somewhere."""
    secret = Secret(CANARY)
    stage.wait(
        lambda: stage.connector.connect("real", secret=secret, user="maria", subdomain="acme")
    )


def _lead(monkeypatch: pytest.MonkeyPatch, addresses: list[str], *, port: int) -> None:
    """Answers every look-up with the next of the addresses, and for ever with the last."""
    waiting = iter(addresses)
    last = addresses[-1]

    def getaddrinfo(*_: object, **__: object) -> list[tuple[Any, ...]]:
        address = next(waiting, last)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        number: tuple[Any, ...] = (address, port, 0, 0) if ":" in address else (address, port)
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", number)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

"""Proves, with real processes over real HTTP, that a rotation survives kills and company."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from clientary_connector import Call, Connector, Outcome, Secret, create_state, load_manifest
from clientary_connector.call.clock import utc_now
from clientary_connector.sandbox import RunningSandbox, Sandbox, serve
from clientary_connector.statefolder import DATABASE, key_of
from clientary_connector.wiring import joined, open_connector
from connector_vault import Vault
from connector_vault.rotator import STEPS
from tests.acceptance.processes import ROOT
from tests.acceptance.rotator import SETTINGS, Issuing, rotate_until
from tests.forking import started

pytestmark = pytest.mark.requirement("threat.10")

#: After an hour, what a dead process held has run out.
LATER = timedelta(hours=1)
#: A rotation with a key that a person brings takes all steps but those that hooks do alone.
PEOPLE = [step for step in STEPS if step.split()[-1] not in {"create", "begin-set", "set"}]


@pytest.fixture
def far_side() -> Iterator[RunningSandbox]:
    """Serves an account whose keys the test changes."""
    with serve(Sandbox()) as running:
        yield running


@pytest.fixture
def state(tmp_path: Path, far_side: RunningSandbox) -> Path:
    """Sets a state up that is connected to the account."""
    folder = tmp_path / "state"
    create_state(folder)
    with open_connector(folder) as connector, Secret(far_side.key) as secret:
        asyncio.run(connector.connect("books", secret=secret, user="ada", sandbox=far_side.url))
        connector.grant("bookkeeper", "books", scopes=["*:*"], user="ada")
    return folder


@pytest.mark.parametrize("at", STEPS)
def test_a_rotation_by_hooks_that_is_killed_is_finished_by_the_timer(
    state: Path, far_side: RunningSandbox, at: str
) -> None:
    """One key is in use, it is the only one that the account accepts, and calls get through."""
    _killed(state, far_side, at)
    with _later(state) as connector:
        connector.register_rotation_hooks(Issuing(far_side.url, far_side.key))
        _tend_to_the_end(connector, begun=STEPS.index(at) > STEPS.index("before intend"))
        assert _key_in_use(state) == "issued-key-number-1"
        assert far_side.sandbox.keys == ["issued-key-number-1"]
        _check_end(connector)


@pytest.mark.parametrize("at", PEOPLE)
def test_a_rotation_by_hand_that_is_killed_leaves_one_key_that_works(
    state: Path, far_side: RunningSandbox, at: str
) -> None:
    """Once the new key is sealed the timer goes on alone; before, the old one stays in use."""
    new = far_side.sandbox.add_key()
    if "retire" in at:
        far_side.sandbox.revoke_key(far_side.key)
    _killed(state, far_side, at, new)
    with _later(state) as connector:
        assert _key_in_use(state) in far_side.sandbox.keys
        asyncio.run(connector.tend(user="timer"))
        sealed = PEOPLE.index(at) >= PEOPLE.index("after store")
        assert _key_in_use(state) == (new if sealed else far_side.key)
        _check_end(connector)


@pytest.mark.requirement("threat.11", "cli.rotate")
def test_eight_commands_rotate_once(state: Path, far_side: RunningSandbox) -> None:
    """Eight people pipe the same key in at once: it is promoted once, and nobody breaks it."""
    new = far_side.sandbox.add_key()
    running = [
        subprocess.Popen(  # noqa: S603 - our own program
            [
                *(sys.executable, "-m", "clientary_connector.frontends.cli"),
                *("--state", str(state), "rotate", "books", "--key-stdin"),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write(new)
        process.stdin.close()
        process.stdin = None
    ended = [(process.communicate(timeout=60)[1], process.returncode) for process in running]
    assert 0 in {status for _, status in ended}
    for said, status in ended:
        assert status == 0 or "Another process" in said or "replaced by somebody" in said, said
    with open_connector(state) as connector:
        entries = connector.log.page(limit=100).entries
        states = [entry.facts.get("state") for entry in entries if entry.kind == "rotate"]
        assert states.count("promoted") == 1
        assert _key_in_use(state) == new
        _check_end(connector)


def _killed(state: Path, far_side: RunningSandbox, at: str, key: str = "") -> None:
    """Has a process rotate until it is killed at a step."""
    far = (far_side.url, far_side.key)
    process, told = started(rotate_until, state, at, far, key)
    process.join()
    told.close()
    assert process.exitcode == -signal.SIGKILL


def _later(state: Path) -> Connector:
    """Opens the state an hour later."""
    vault = Vault.open(state / DATABASE, key=key_of(state, SETTINGS))
    clock = lambda: utc_now() + LATER  # noqa: E731 - shorter than a function
    return joined(vault, manifest=load_manifest(), settings=SETTINGS, clock=clock)


def _tend_to_the_end(connector: Connector, *, begun: bool) -> None:
    """Does what is due until nothing is; what was never begun is begun by a person."""
    if not begun:
        asyncio.run(connector.rotate("books", user="ada"))
    while asyncio.run(connector.tend(user="timer")).items:
        pass


def _key_in_use(state: Path) -> str:
    """Returns the key that calls are sent with."""
    with (
        open_connector(state) as connector,
        Vault.open(state / DATABASE, key=key_of(state, SETTINGS)) as vault,
        vault.open_secret(connector.connection("books").id, "api_key") as secret,
    ):
        return secret.reveal()


def _check_end(connector: Connector) -> None:
    """A call gets through, and the log is whole."""
    call = Call(
        action="list_staff",
        arguments={},
        connection="books",
        user="ada",
        persona="bookkeeper",
        prompt="Who works here?",
    )
    assert connector.run_sync(call).outcome is Outcome.SUCCEEDED
    assert connector.log.verify().ok

"""Proves the public face: its names, its documents, and what importing it costs."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

import clientary_connector
import connector_vault
from clientary_connector import Call, CallError, ErrorKind, LogEntry, Outcome, Result
from clientary_connector.call.result import mint_operation

pytestmark = pytest.mark.requirement("engine.public")

HEAVY = {
    "httpx",
    "aiohttp",
    "apsw",
    "cryptography",
    "jsonschema_rs",
    "asyncio",
    "click",
}


@pytest.mark.parametrize("name", clientary_connector.__all__)
def test_every_public_name_is_there(name: str) -> None:
    """And each has a docstring."""
    assert getattr(clientary_connector, name).__doc__


def test_the_list_of_names_is_sorted_and_nothing_else_is_found() -> None:
    """What is not public is no attribute."""
    assert sorted(clientary_connector.__all__) == clientary_connector.__all__
    assert set(clientary_connector.__all__) <= set(dir(clientary_connector))
    with pytest.raises(AttributeError):
        getattr(clientary_connector, "nothing_like_it")  # noqa: B009 - checkers know that it fails


def test_importing_the_package_and_listing_actions_loads_nothing_heavy() -> None:
    """Network, crypto and database come in when a call is made, not before."""
    code = (
        "import sys, clientary_connector as c; c.load_manifest().actions; c.Call;"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert done.stdout.strip() == "[]"


def test_a_result_is_one_document() -> None:
    """The same keys for every outcome, and valid JSON."""
    error = CallError(kind=ErrorKind.DENIED, message="m", hint="h")
    result = Result(outcome=Outcome.REFUSED, operation="op", error=error)
    document = json.loads(json.dumps(result.to_json()))
    assert list(document) == [
        "outcome", "data", "page", "warnings", "error", "log_id", "operation", "replayed",
    ]  # fmt: skip
    assert document["error"]["kind"] == "denied"


def test_operations_that_nobody_minted_differ() -> None:
    """Each call without an id of its own is a step of its own."""
    calls = [Call(action="a", connection="c", user="u", persona="p", prompt="q") for _ in range(9)]
    assert len({call.operation for call in calls}) == 9
    assert mint_operation().startswith("op_")
    assert len({mint_operation() for _ in range(1000)}) == 1000


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("fork", [os.fork, ctypes.PyDLL(None).fork])
def test_processes_that_fork_mint_operations_of_their_own(fork: Callable[[], int]) -> None:
    """A host forks its workers once all is imported: two of them never share an id."""
    mint_operation()
    read, write = os.pipe()
    child = fork()
    if child == 0:
        try:
            os.write(write, " ".join(mint_operation() for _ in range(20)).encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read, encoding="utf-8") as file:
        theirs = file.read().split()
    assert len(theirs) == 20
    assert not {*theirs} & {mint_operation() for _ in range(40)}


def test_the_kinds_of_errors_are_the_closed_list() -> None:
    """A kind more or less changes what hosts rely on."""
    assert [kind.value for kind in ErrorKind] == [
        "invalid_arguments", "denied", "approval_required", "revoked", "over_budget",
        "unauthorized", "forbidden", "not_found", "rejected", "plan_limit", "rate_limited",
        "upstream_error", "unreachable", "unknown", "bad_response", "vault_locked", "integrity",
        "internal",
    ]  # fmt: skip
    assert LogEntry.__doc__


def test_a_connector_loads_nothing_that_a_plain_call_does_not_need() -> None:
    """Rotations, backups, checks, tokens and other people's command lines come when asked for."""
    later = {
        "click", "rich", "pygments", "httpx", "authlib", "clientary_connector.approver",
        "clientary_connector.oauth", "clientary_connector.tending", "connector_vault.backup",
        "connector_vault.inspection", "connector_vault.keyrotator", "connector_vault.restoring",
        "connector_vault.rotation", "connector_vault.hooks",
    }  # fmt: skip
    code = (
        f"import sys, clientary_connector.wiring as w;print(sorted({later!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert done.stdout.strip() == "[]"


def test_the_vault_names_what_is_public_and_nothing_else() -> None:
    """Its names come when they are asked for, and stay."""
    assert connector_vault.__all__ == dir(connector_vault)
    for name in connector_vault.__all__:
        assert getattr(connector_vault, name) is vars(connector_vault)[name]
    with pytest.raises(AttributeError):
        getattr(connector_vault, "nothing_like_it")  # noqa: B009 - checkers know that it fails

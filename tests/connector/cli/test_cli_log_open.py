"""Proves that calls without a known end, and a latched vault, are shown at the command line."""

from __future__ import annotations

import pytest

from connector_vault import Vault
from tests.connector.cli.stage import Cli

pytestmark = pytest.mark.requirement("cli.log_open")


def opened(cli: Cli) -> Vault:
    """Opens the vault behind the command line."""
    key = f"file:{cli.state / 'keys' / 'vault.key'}"
    return Vault.open(cli.state / "vault" / "vault.db", key=key)


def leave(vault: Vault, operation: str, by: str) -> int:
    """Writes an intent as a process does that has the vault open under some id."""
    draft = vault.draft(
        kind="intent",
        user="maria",
        persona="bookkeeper",
        connection="con_1",
        action="create_client",
        effect="write",
        operation=operation,
        facts={"by": by},
    )
    return vault.write(lambda log: log.append(draft))


def test_open_calls_are_listed_by_what_is_known_of_them(ready: Cli) -> None:
    """Under way, left behind, and unknown once a start has closed it."""
    assert "Every call has its end" in ready("log", "open").err
    with opened(ready) as vault:
        leave(vault, "op_gone", "nobody")
        leave(vault, "op_here", vault.attendance.me)
        shown = ready("log", "open")
        assert (shown.status, "under way" in shown.out, "left behind" in shown.out) == (
            0,
            True,
            True,
        )
        assert ready("log", "--limit", "1").status == 0
        data = ready("log", "open", "-o", "json").document["data"]
        assert {one["operation"]: one["end"] for one in data} == {
            "op_gone": "unknown",
            "op_here": "under way",
        }


@pytest.mark.requirement("log.closed.latch")
def test_a_latched_vault_says_so_and_a_call_mends_it(ready: Cli) -> None:
    """The status only looks; the next command that opens the state for work lifts the latch."""
    with opened(ready) as vault:
        leave(vault, "op_lost", vault.attendance.me)
        vault.degrade("The outcome of call 9 was not written.")
    for _ in range(2):
        assert "The outcome of call 9 was not written." in ready("vault", "status").err
    assert ready.call("list_clients").status == 0
    assert "was not written" not in ready("vault", "status").err
    assert ready("log", "verify").status == 0


@pytest.mark.requirement("log.closed")
def test_what_is_no_call_is_never_called_open(ready: Cli) -> None:
    """Connecting, its key and its grant were done when they were written."""
    entries = ready("log", "-o", "json").document["data"]
    ends = {entry["kind"]: entry["outcome"] for entry in entries}
    assert {"connect", "secret", "grant"} <= set(ends)
    assert set(ends.values()) == {"succeeded"}

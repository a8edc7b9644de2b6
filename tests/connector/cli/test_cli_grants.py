"""Grants at the command line: given, shown, ended, as a file, and explained."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.connector.cli.stage import Cli

pytestmark = pytest.mark.requirement("policy.grants.cli")


def test_a_grant_says_all_that_it_can(ready: Cli) -> None:
    """Every option stands in the grant, and `show` shows it with the actions."""
    ended = ready(
        *("grant", "reader", "books", "--scope", "expenses:*", "--allow", "get_lead"),
        *("--deny", "delete_expense", "--when", "for expenses:*: client_id in [42]"),
        *("--approve", "never", "--approve", "above 200 for create_expense, update_expense"),
        *("--budget", "5000", "--rate", "60", "--expires", "30d"),
    )
    assert (ended.status, ended.err) == (0, "")
    shown = ready("grant", "show", "reader", "books").out
    for text in (
        "Denied      delete_expense",
        "When        for expenses:*: client_id in [42]",
        "above 200 for update_expense",
        "5,000 credits a month",
        "60 calls a minute",
        "list_project_expenses",
    ):
        assert text in shown
    document = ready("grant", "show", "reader", "books", "-o", "json").document["data"]
    assert document["approve_for"] == {"create_expense": "above 200", "update_expense": "above 200"}
    assert document["allowed"] == document["actions"]
    listed = ready("grants", "--persona", "reader").out
    assert "expenses:* +get_lead -delete_expense" in listed


def test_what_is_left_out_is_said(ready: Cli) -> None:
    """So that nobody wonders why an action is not there."""
    ended = ready("grant", "r", "books", "--scope", "*:read", "--when", "client_id in [1]")
    assert "list_staff" in ended.out
    assert "too little is told" in ended.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scope", "clients:read", "--when", "clint_id == 4"), "Did you mean client_id?"),
        (("--scope", "clients:read", "--when", "client_id = 4"), "character 11"),
        (("--scope", "clients:read", "--expires", "soon"), "is no time"),
        (("--scope", "clients:read", "--approve", "maybe"), "cannot be read"),
        (("--scope", "clients:read", "--approve", "never", "--approve", "always"), "two rules"),
        (("--scope", "clients:read", "--approve", "never for clients:reed"), "clients:read"),
        (("--scope", "clients:read", "--rate", "0"), "--rate"),
        ((), "nothing to grant"),
    ],
)
def test_a_slip_grants_nothing(ready: Cli, words: tuple[str, ...], said: str) -> None:
    """It is told with what was meant."""
    ended = ready("grant", "r", "books", *words)
    assert ended.status == 2
    assert said in ended.err
    assert ready("grants", "--persona", "r", "-o", "json").document["data"] == []


def test_the_first_word_may_be_an_option_or_the_command_itself(ready: Cli) -> None:
    """A persona may even be called as a command is."""
    assert ready("grant", "--scope", "clients:read", "r", "books").status == 0
    assert ready("grant", "give", "show", "books", "--scope", "clients:read").status == 0
    assert "clients:read" in ready("grant", "show", "show", "books").out
    assert ready("grant").status == 2
    assert "revoke" in ready("grant", "--help").out
    assert "--when" in ready("grant", "give", "--help").out
    assert "apply" in ready("grants", "--help").out


def test_a_grant_is_ended(ready: Cli) -> None:
    """It asks on a terminal, elsewhere it needs --yes; the connection stays."""
    assert ready("grant", "revoke", "bookkeeper", "books").status == 2
    ended = ready("grant", "revoke", "bookkeeper", "books", "--yes", "--reason", "left")
    assert ended.status == 0
    assert "closed" in ended.out
    assert ready.call("list_clients").status == 3
    again = ready("grant", "revoke", "bookkeeper", "books", "--yes", "-o", "json")
    assert (again.status, again.document["error"]["kind"]) == (2, "denied")
    assert ready("grant", "bookkeeper", "books", "--scope", "clients:read").status == 0
    document = ready("grant", "revoke", "bookkeeper", "books", "--yes", "-o", "json").document
    assert document["data"]["grants_closed"] == 1
    assert "books" in ready("connections").out


def test_grants_go_through_a_file(ready: Cli, tmp_path: Path) -> None:
    """What is exported changes nothing; a change is shown first, and made in one go."""
    file = tmp_path / "grants.yaml"
    file.write_text(ready("grants", "export").out)
    same = ready("grants", "apply", str(file), "--yes")
    assert (same.status, same.out) == (0, "keep  bookkeeper over books\n")
    text = file.read_text().replace("  - clients:read\n", "")
    file.write_text(text + "- persona: reader\n  connection: books\n  scopes: [leads:read]\n")
    shown = ready("grants", "apply", str(file), "--dry-run")
    assert "  - scopes: clients:read\n" in shown.out
    assert "give  reader over books\n  + scopes: leads:read\n" in shown.out
    assert len(_grants(ready)) == 1
    refused = ready("grants", "apply", str(file))
    assert (refused.status, len(_grants(ready))) == (2, 1)
    made = ready("grants", "apply", "-", "--yes", "-o", "json", stdin=file.read_bytes())
    assert (made.status, made.document["data"]["applied"]) == (0, True)
    assert len(_grants(ready)) == 2
    exported = ready("grants", "export", "--format", "json", "--persona", "reader").document
    assert exported == {
        "grants": [{"persona": "reader", "connection": "books", "scopes": ["leads:read"]}]
    }
    file.write_text('{"grants": []}')
    closed = ready("grants", "apply", str(file), "--close-others", "--yes")
    assert "2 changed." in closed.err
    assert {one["state"] for one in _grants(ready)} == {"closed"}
    assert "no grant" in ready("grants", "apply", str(file), "--yes").err


def test_a_bad_file_changes_nothing(ready: Cli, tmp_path: Path) -> None:
    """Every fault is told with its line."""
    file = tmp_path / "grants.yaml"
    good = "grants:\n- persona: r\n  connection: books\n  scopes: ['*:read']\n"
    file.write_text(good + "- persona: s\n  connection: books\n  scopes: ['client:read']\n")
    ended = ready("grants", "apply", str(file), "--yes")
    assert ended.status == 2
    assert "Line 5: There is no scope 'client:read'." in ended.err
    assert len(_grants(ready)) == 1


def test_what_a_persona_may_do_is_explained(ready: Cli) -> None:
    """Over one connection or over each; the status says refused where it is."""
    ready("grant", "r", "books", "--scope", "expenses:*", "--when", "amount <= 500")
    fine = ready("can", "r", "create_expense", "-c", "books", "-a", "amount=5")
    assert fine.status == 0
    assert "amount <= 500: holds" in fine.out
    refused = ready(
        "can", "r", "create_expense", "-a", "amount=501", "-a", "incurred_on=2026-01-01"
    )
    assert refused.status == 3
    assert "does not hold" in refused.out
    asked = ready("can", "r", "delete_expense", "-a", "id=5")
    assert "depends, once a person has approved it" in asked.out
    document = ready("can", "r", "list_staff", "-o", "json").document
    assert [one["allowed"] for one in document["data"]] == [False]
    assert ready("can", "r", "list_stuff").status == 2


def test_when_a_grant_ends_is_shown_by_the_clock_on_the_wall(ready: Cli) -> None:
    """As other commands show it; in JSON it stands in UTC."""
    end = datetime(2099, 12, 31, 9, 30, tzinfo=UTC)
    ready("grant", "r", "books", "--scope", "expenses:*", "--expires", end.isoformat())
    shown = ready("can", "r", "list_expenses").out
    assert f"it is active, until {end.astimezone():%Y-%m-%d %H:%M:%S}" in shown
    document = ready("can", "r", "list_expenses", "-o", "json").document
    assert document["data"][0]["checks"][1]["why"] == f"it is active, until {end.isoformat()}"


def test_without_a_connection_there_is_nothing_to_explain(cli: Cli) -> None:
    """It says how to make one."""
    cli("init")
    ended = cli("can", "r", "list_staff")
    assert (ended.status, ended.out) == (3, "")
    assert "clientary connect" in ended.err


def _grants(cli: Cli) -> list[dict[str, str]]:
    found: list[dict[str, str]] = cli("grants", "-o", "json").document["data"]
    return found

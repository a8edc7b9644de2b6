"""Proves that every command works as a person uses it, in tables and in JSON."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from clientary_connector.frontends.cli.commands import COMMANDS
from clientary_connector.manifest import clientary_manifest_path, load_manifest
from clientary_connector.sandbox import Fault, FaultKind, RunningSandbox
from tests.connector.cli.stage import MODULE, Cli, wait_for_request

pytestmark = pytest.mark.requirement("cli.commands")

KEY = "canary-0123456789abcdef0123456789abcdef"
DOCUMENT = [
    "outcome",
    "data",
    "page",
    "warnings",
    "error",
    "log_id",
    "operation",
    "replayed",
]


def test_init_says_what_was_made_and_where(cli: Cli) -> None:
    """State, vault, key and fingerprint are shown, and what to do next."""
    ended = cli("init")
    assert ended.status == 0
    assert [line.split()[0] for line in ended.out.splitlines()] == [
        "State",
        "Vault",
        "Key",
        "Fingerprint",
    ]
    assert str(cli.state / "vault" / "vault.db") in ended.out
    assert "Next: " in ended.err


def test_init_puts_the_key_where_it_is_told(cli: Cli, tmp_path: Path) -> None:
    """With --key the key lies there, readable by its owner alone."""
    key = tmp_path / "elsewhere" / "vault.key"
    ended = cli("init", "--key", f"file:{key}", "-o", "json")
    assert ended.document["data"]["key"] == f"file:{key}"
    assert os.stat(key).st_mode & 0o777 == 0o600  # noqa: PTH116 -- the bits are the point


def test_a_second_init_changes_nothing(cli: Cli) -> None:
    """A vault that is there is never made anew."""
    assert cli("init").status == 0
    before = (cli.state / "keys" / "vault.key").read_bytes()
    ended = cli("init")
    assert ended.status == 1
    assert (cli.state / "keys" / "vault.key").read_bytes() == before


def test_connect_shows_whose_account_it_is(cli: Cli, far_side: RunningSandbox) -> None:
    """The account that answered is shown before anybody works in it."""
    cli("init")
    ended = cli.connect(far_side)
    account = next(line for line in ended.out.splitlines() if line.startswith("Account"))
    assert "@" in account
    listed = cli("connections")
    assert "books" in listed.out
    assert far_side.url in listed.out


def test_connect_as_json_is_one_document(cli: Cli, far_side: RunningSandbox) -> None:
    """The connection stands under data, in the shape of every other document."""
    cli("init")
    key = far_side.key.encode()
    ended = cli(
        "connect", "books", "--sandbox", far_side.url, "--key-stdin", "-o", "json", stdin=key
    )
    assert list(ended.document) == DOCUMENT
    assert ended.document["data"]["name"] == "books"
    assert ended.document["log_id"] is not None


def test_a_key_that_opens_nothing_is_not_saved(cli: Cli, far_side: RunningSandbox) -> None:
    """A connection is tested before it is kept."""
    cli("init")
    ended = cli("connect", "books", "--sandbox", far_side.url, "--key-stdin", stdin=KEY.encode())
    assert ended.status == 1
    assert KEY not in ended.out + ended.err
    assert cli("connections", "-o", "json").document["data"] == []


@pytest.mark.parametrize(
    "words",
    [(), ("--subdomain", "x", "--sandbox", "http://127.0.0.1:1")],
)
def test_connect_needs_exactly_one_address(cli: Cli, words: tuple[str, ...]) -> None:
    """Neither or both is a question that the person has to answer."""
    cli("init")
    ended = cli("connect", "books", "--key-stdin", *words, stdin=b"k")
    assert ended.status == 2
    assert "--subdomain" in ended.err


def test_nothing_there_yet_is_said_with_what_to_do(cli: Cli) -> None:
    """Empty lists come with the command that fills them."""
    cli("init")
    assert "clientary connect" in cli("connections").err
    assert "clientary grant" in cli("grants").err


def test_grant_shows_what_it_allows(ready: Cli) -> None:
    """Scopes and the number of actions are shown; the list of grants holds it."""
    ended = ready("grant", "reader", "books", "--scope", "clients:read", "--scope", "staff:read")
    assert "clients:read staff:read" in ended.out
    assert "of 57" in ended.out
    document = ready("grants", "--persona", "reader", "-o", "json").document
    assert [item["scopes"] for item in document["data"]] == [["clients:read", "staff:read"]]
    assert "reader" in ready("grants", "--connection", "books").out


def test_grant_as_json_names_its_line_in_the_log(ready: Cli) -> None:
    """The change can be looked up."""
    document = ready("grant", "r", "books", "--scope", "clients:read", "-o", "json").document
    entry = ready("log", "show", str(document["log_id"]), "-o", "json").document["data"]
    assert (entry["kind"], entry["persona"]) == ("grant", "r")


def test_a_scope_that_no_action_has_is_refused(ready: Cli) -> None:
    """A slip of the pen grants nothing, and what was meant is offered."""
    ended = ready("grant", "r", "books", "--scope", "clients:reed")
    assert ended.status == 2
    assert "clients:read" in ended.err


def test_the_list_of_actions_narrows_by_filter(cli: Cli) -> None:
    """Resource, effect and a word of the text each narrow it; none shows all 57."""

    def ids(*words: str) -> list[str]:
        return [item["id"] for item in cli("actions", *words, "-o", "json").document["data"]]

    assert len(ids()) == 57
    assert ids("--effect", "send") == ["send_invoice_message"]
    assert "create_invoice" in ids("--resource", "invoices", "--effect", "write")
    assert "list_staff" not in ids("--resource", "invoices")
    assert ids("CLIENTARY_CREATE_TASK2") == ["create_task"]
    table = cli("actions", "--effect", "delete")
    assert len(table.out.splitlines()) == 10
    assert "No action fits" in cli("actions", "nosuchword").err


def test_one_action_is_shown_in_full(cli: Cli) -> None:
    """Description, arguments with types, where ids come from, nested fields, and an example."""
    shown = cli("action", "create_invoice").out
    assert "client_id: integer" in shown
    assert "Found by list_clients." in shown
    assert "date (required): date" in shown
    assert "invoice_items_attributes[].price (required): decimal" in shown
    assert "clientary call create_invoice" in shown
    assert "Takes along" in cli("action", "delete_client").out


def test_every_action_can_be_shown_by_id_and_by_alias(cli: Cli) -> None:
    """All 57 print, and JSON holds both schemas."""
    for action in load_manifest().actions.values():
        assert cli("action", action.id).status == 0
        data = cli("action", action.alias, "-o", "json").document["data"]
        assert data["id"] == action.id
        assert data["input"]["type"] == "object"
        assert data["output"]


def test_log_lists_newest_first_and_goes_on(ready: Cli) -> None:
    """A limit cuts the list, and the cursor goes on where it ended."""
    for _ in range(3):
        ready.call("list_staff", "--fields", "id")
    first = ready("log", "--action", "list_staff", "--limit", "2", "-o", "json").document
    ids = [entry["id"] for entry in first["data"]]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 2
    before = str(first["page"]["next_before"])
    rest = ready("log", "--action", "list_staff", "--before", before, "-o", "json").document
    assert len([entry["id"] for entry in rest["data"]]) == 1
    assert "--before" in ready("log", "--limit", "1").err


def test_log_is_filtered(ready: Cli) -> None:
    """Each filter keeps what fits and nothing else."""
    ready.call("list_staff", "--user", "ada", "--operation", "op-1")
    ready.call("list_estimates")

    def count(*words: str) -> int:
        return len(ready("log", *words, "-o", "json").document["data"])

    assert count("--user", "ada") == 1
    assert count("--operation", "op-1") == 1
    assert count("--outcome", "refused") == 1
    assert count("--connection", "books", "--persona", "bookkeeper", "--effect", "read") == 2
    assert count("--since", "1h", "--action", "list_staff") == 1
    assert count("--since", "2000-01-01T00:00", "--until", "2000-01-02") == 0
    assert "No entry fits" in ready("log", "--user", "nobody").err


@pytest.mark.parametrize("moment", ["soon", "2026-13-01", "99w9", "0001-01-01T00:00+14:00"])
def test_a_moment_that_is_none_is_refused(ready: Cli, moment: str) -> None:
    """What was expected is said."""
    ended = ready("log", "--since", moment)
    assert ended.status == 2
    assert "2026-01-31" in ended.err


def test_one_entry_is_shown_with_all_that_was_sealed(ready: Cli) -> None:
    """Prompt, arguments, request and response come back from the log."""
    words = ("-a", "name=Example Bakery", "--prompt", "Set up\nthe bakery.", "-o", "json")
    log_id = ready.call("create_client", *words).document["log_id"]
    shown = ready("log", "show", str(log_id)).out
    assert "\nprompt:\n  Set up\n  the bakery.\n" in shown
    assert '"name": "Example Bakery"' in shown
    assert "\nrequest:\n" in shown
    assert "\nresponse:\n" in shown
    data = ready("log", "show", str(log_id), "-o", "json").document["data"]
    assert data["prompt"] == "Set up\nthe bakery."
    assert data["response"]["data"]["name"] == "Example Bakery"


def test_an_entry_that_is_not_there_is_bad_usage(ready: Cli) -> None:
    """A number that the log does not hold is named as such."""
    assert ready("log", "show", "999999").status == 2
    assert ready("log", "show", "0").status == 2


def test_options_of_the_list_are_not_lost_on_its_subcommands(ready: Cli) -> None:
    """An option in the wrong place is refused, not passed over."""
    ended = ready("log", "-o", "json", "verify")
    assert ended.status == 2
    assert "after `verify`" in ended.err


def test_verify_says_that_the_log_is_whole(ready: Cli) -> None:
    """A log that nobody touched verifies, in words and in JSON."""
    ready.call("list_staff")
    ended = ready("log", "verify")
    assert ended.status == 0
    assert "rows verified" in ended.out
    data = ready("log", "verify", "-o", "json").document["data"]
    assert data["ok"] is True
    assert data["faults"] == []


def test_a_change_is_shown_without_what_it_does_not_have(ready: Cli) -> None:
    """A grant has no request and no response; the entry says so by silence."""
    shown = ready("log", "show", "3").out
    assert "grant" in shown
    assert "\nrequest:" not in shown


def test_verify_names_what_was_changed_behind_its_back(ready: Cli) -> None:
    """A row that was edited is named; the status is 1, in words and in JSON."""
    with closing(sqlite3.connect(ready.state / "vault" / "vault.db")) as database:
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE log SET user = 'somebody' WHERE seq = 2")
        database.commit()
    ended = ready("log", "verify")
    assert ended.status == 1
    assert re.search(r"^2 ", ended.out, re.MULTILINE)
    assert "Integrity: FAILED, 1 faults." in ended.out
    document = ready("log", "verify", "-o", "json").document
    assert document["outcome"] == "failed"
    assert 2 in [fault["entry"] for fault in document["data"]["faults"]]


def test_verify_names_calls_that_were_cut_off(ready: Cli, far_side: RunningSandbox) -> None:
    """The next start ends the call of a process that was killed as unknown; that is no fault."""
    far_side.sandbox.faults.add(Fault(kind=FaultKind.DELAY, method="GET", delay_s=5.0))
    seen = len(far_side.sandbox.requests)
    words = ("call", "list_staff", "books", "--persona", "bookkeeper")
    with subprocess.Popen(  # noqa: S603 -- our own program
        [*MODULE, "--state", str(ready.state), *words], stderr=subprocess.DEVNULL
    ) as process:
        wait_for_request(far_side, seen=seen)
        process.kill()
    far_side.sandbox.faults.clear()
    ended = ready("log", "verify")
    assert ended.status == 0
    assert "Integrity: nothing changed" in ended.out
    assert ready("log", "--outcome", "open", "-o", "json").document["data"] == []
    assert ready("log", "--outcome", "unknown", "-o", "json").document["data"][0]["id"] == 4


def test_manifest_check_passes_what_ships(cli: Cli) -> None:
    """The manifest of this program has no fault."""
    ended = cli("manifest", "check")
    assert (ended.status, ended.out) == (0, "")
    assert "no fault" in ended.err
    assert cli("manifest", "check", "-o", "json").document["data"] == []


def test_manifest_check_names_file_action_and_field(cli: Cli, tmp_path: Path) -> None:
    """Each fault says where it lies."""
    document = json.loads(_manifest_text())
    document["actions"][0]["scope"] = "clients:read"
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    ended = cli("manifest", "check", str(path))
    assert ended.status == 1
    assert f"{path}: create_client: " in ended.out
    found = cli("manifest", "check", str(path), "-o", "json")
    assert found.status == 1
    assert found.document["data"][0]["action"] == "create_client"


def test_manifest_format_lays_out_and_then_has_nothing_to_do(cli: Cli, tmp_path: Path) -> None:
    """--check changes nothing and fails; the layout is stable."""
    path = tmp_path / "one.json"
    text = _manifest_text()
    path.write_text(json.dumps(json.loads(text)), encoding="utf-8")
    before = path.read_bytes()
    assert cli("manifest", "format", "--check", str(path)).status == 1
    assert path.read_bytes() == before
    assert cli("manifest", "format", str(path)).status == 0
    assert path.read_text(encoding="utf-8") == text
    assert cli("manifest", "format", str(path)).err == ""
    again = cli("manifest", "format", "--check", str(path), "-o", "json")
    assert (again.status, again.document["data"]["changed"]) == (0, False)


def test_manifest_format_leaves_a_file_alone_that_it_cannot_read(cli: Cli, tmp_path: Path) -> None:
    """What is no UTF-8 or no JSON stays as it is, and the fault is named."""
    path = tmp_path / "bad.json"
    for data in (b'{"a": "\xff"}', b'{"a": '):
        path.write_bytes(data)
        ended = cli("manifest", "format", str(path))
        assert ended.status != 0
        assert path.read_bytes() == data
        assert "Traceback" not in ended.err


def test_manifest_table_has_a_row_for_each_action(cli: Cli) -> None:
    """The table is Markdown and names all 57."""
    table = cli("manifest", "table").out
    assert all(f"`{action}`" in table for action in load_manifest().actions)
    assert cli("manifest", "table", "-o", "json").document["data"] == table


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(cli: Cli, name: str) -> None:
    """--help works for each command, and -h is the same."""
    ended = cli(name, "--help")
    assert ended.status == 0
    assert ended.out.startswith(f"Usage: clientary {name}")
    assert cli(name, "-h").out == ended.out


def test_the_version_is_shown(cli: Cli) -> None:
    """One line, on stdout."""
    ended = cli("--version")
    assert ended.status == 0
    assert ended.out.startswith("clientary ")


def _manifest_text() -> str:
    return clientary_manifest_path().read_text(encoding="utf-8")

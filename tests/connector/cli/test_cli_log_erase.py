"""Proves that text is erased at the command line: planned, asked for, done, told, gone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.connector.cli.stage import Cli, at_terminal

pytestmark = pytest.mark.requirement("cli.log_erase")

PROMPT = "canary-prompt-9931"
WHY = ("--reason", "She asked for it.", "--by", "root")


def call(cli: Cli, user: str = "maria", prompt: str = PROMPT) -> None:
    """Makes a call for a user."""
    ended = cli(
        *("call", "list_clients", "books", "--persona", "bookkeeper"),
        *("--user", user, "--prompt", prompt),
    )
    assert ended.status == 0, ended.err


def test_an_erasure_asks_on_a_terminal_and_elsewhere_needs_yes(ready: Cli) -> None:
    """Without a terminal and without --yes nothing is done, and it is said why."""
    call(ready)
    ended = ready("log", "erase", "--user", "maria", *WHY)
    assert ended.status == 2
    assert "add --yes" in ended.err
    assert PROMPT in ready("log", "--prompts").out


@pytest.mark.parametrize(("typed", "status"), [("maria", 0), ("yes", 1), ("", 1)])
def test_the_name_of_the_user_is_typed_to_go_on(ready: Cli, typed: str, status: int) -> None:
    """It is shown first how much would go; anything else than the name stops it."""
    call(ready)
    code, shown = at_terminal(ready, "log", "erase", "--user", "maria", *WHY, typed=[typed])
    assert code == status, shown
    assert "This erases the text of 2 rows of maria." in shown
    assert (PROMPT in ready("log", "--prompts").out) == (status != 0)


def test_a_dry_run_says_what_would_go_and_changes_nothing(ready: Cli) -> None:
    """As a table and as one document; a reason is asked for only where something goes."""
    call(ready)
    ended = ready("log", "erase", "--user", "maria", "--yes")
    assert (ended.status, "say why" in ended.err) == (2, True)
    ended = ready("log", "erase", "--user", "maria", "--dry-run")
    assert (ended.status, "2 rows" in ended.out) == (0, True)
    document = ready("log", "erase", "--user", "maria", *WHY, "--dry-run", "-o", "json").document
    assert (document["data"]["rows"], document["data"]["partial"]) == (2, None)
    assert PROMPT in ready("log", "--prompts").out


def test_erased_lines_say_so_in_the_list_and_in_full(ready: Cli) -> None:
    """What lies open stays; the check of the log counts them and finds nothing wrong."""
    call(ready)
    call(ready, user="otto", prompt="canary-other")
    ended = ready("log", "erase", "--user", "maria", *WHY, "--yes")
    assert (ended.status, ended.err) == (0, "")
    assert "Keys destroyed" in ended.out
    listed = ready("log", "--prompts").out
    assert (PROMPT in listed, "(erased)" in listed, "canary-other" in listed) == (False, True, True)
    entries = ready("log", "--user", "maria", "--action", "list_clients", "-o", "json").document
    (entry,) = entries["data"]
    assert (entry["erased"], entry["outcome"], entry["prompt"]) == (True, "succeeded", None)
    shown = ready("log", "show", str(entry["id"]))
    assert (shown.status, PROMPT in shown.out) == (0, False)
    assert "was erased" in shown.err
    verified = ready("log", "verify")
    assert verified.status == 0
    assert "erased, as the log itself says: 2." in verified.err
    assert ready("log", "verify", "-o", "json").document["data"]["erased"] == 2


def test_the_document_says_what_was_done(ready: Cli) -> None:
    """Rows, months, keys, and the line of the log that says so, which says who asked and why."""
    call(ready)
    document = ready("log", "erase", "--user", "maria", *WHY, "--yes", "-o", "json").document
    data = document["data"]
    assert (data["user"], data["rows"], data["keys"], data["finished"]) == ("maria", 2, 1, True)
    entry = ready("log", "show", str(document["log_id"]), "-o", "json").document["data"]
    assert (entry["kind"], entry["user"], entry["outcome"]) == ("erase", "root", "succeeded")
    assert (entry["facts"]["user"], entry["facts"]["reason"]) == ("maria", "She asked for it.")


def test_a_bound_inside_a_month_is_told_for_what_it_is(ready: Cli, tmp_path: Path) -> None:
    """What came before it goes, here and in a backup that is restored; the rest stays."""
    call(ready)
    assert ready("vault", "backup", str(tmp_path / "saved.db")).status == 0
    ended = ready("log", "erase", "--user", "maria", "--before", "0m", *WHY, "--yes")
    assert (ended.status, ended.err) == (0, "")
    assert re.search(r"Part of +\d{4}-\d\d, 2 rows", ended.out)
    assert "(erased)" in ready("log").out
    call(ready, prompt="canary-later")
    restored = ready("vault", "restore", str(tmp_path / "saved.db"), "--accept")
    assert restored.status == 0, restored.err
    assert PROMPT not in ready("log", "--prompts").out
    call(ready, prompt="canary-again")
    assert "canary-again" in ready("log", "--prompts").out


def test_a_user_of_whom_there_is_nothing_is_no_error(ready: Cli) -> None:
    """Nothing goes, and the request is in the log all the same."""
    ended = ready("log", "erase", "--user", "nobody", *WHY, "--yes")
    assert (ended.status, "0 rows" in ended.out) == (0, True)


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_request_without_a_reason_is_refused(ready: Cli, reason: str) -> None:
    """In words, with what to do."""
    ended = ready("log", "erase", "--user", "maria", "--reason", reason, "--yes")
    assert ended.status == 2
    assert "Say why" in ended.err


def test_a_repeat_of_an_erased_operation_is_refused_in_words(ready: Cli) -> None:
    """Nobody can say any more that it is the same call; nothing is sent."""
    words = (
        *("call", "create_client", "books", "-a", "name=Acme"),
        *("--persona", "bookkeeper", "--user", "maria", "--operation", "op_e"),
    )
    assert ready(*words).status == 0
    ready("log", "erase", "--user", "maria", *WHY, "--yes")
    ended = ready(*words)
    assert ended.status == 3
    assert "was erased" in ended.err


@pytest.mark.requirement("log.erase.shreds")
def test_a_lost_folder_of_shred_keys_is_said_in_words(ready: Cli) -> None:
    """A call is refused, a list is refused, and both say what to do."""
    call(ready)
    (ready.state / "shreds").rename(ready.state / "away")
    for words in (
        ("log", "--prompts"),
        ("call", "list_clients", "books", "--persona", "bookkeeper"),
    ):
        ended = ready(*words)
        assert ended.status in {1, 3}, ended.err
    assert "Put the folder back" in ready("log", "--prompts").err
    faults = ready("vault", "verify", "-o", "json").document["data"]["faults"]
    assert {fault["place"] for fault in faults} == {"shreds"}
    saved = ready.state.parent / "saved.db"
    assert ready("vault", "backup", str(saved)).status == 0
    (ready.state / "away").rename(ready.state / "shreds")
    assert PROMPT in ready("log", "--prompts").out
    (ready.state / "shreds").rename(ready.state / "away")
    restored = ready("vault", "restore", str(saved), "--accept")
    assert (restored.status, "shred keys of" in restored.err) == (0, True)
    assert "(erased)" in ready("log", "--prompts").out
    call(ready)

"""Proves that an operator sees the vault's keys and rotates them at the command line."""

from __future__ import annotations

import base64
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.connector.cli.stage import Cli, at_terminal
from tests.vault.ground import raw

pytestmark = pytest.mark.requirement("cli.vault_keys")

PASSPHRASE: Final = "a passphrase of some length"


def fingerprint(cli: Cli) -> str:
    """Gives the fingerprint of the key in use."""
    found: str = cli("vault", "status", "-o", "json").document["data"]["fingerprint"]
    return found


def test_status_tells_keys_and_what_hangs_on_them(ready: Cli) -> None:
    """As a table for people, and as one document."""
    ended = ready("vault", "status")
    assert ended.status == 0
    told = dict(line.split("  ", 1) for line in ended.out.splitlines() if "  " in line)
    assert told["Keys: data"].strip() == "1 current"
    assert told["Secrets"].strip() == "1 current"
    assert told["Fingerprint"].strip() == fingerprint(ready)
    data = ready("vault", "status", "-o", "json").document["data"]
    assert data["key"] == f"file:{ready.state / 'keys' / 'vault.key'}"
    assert [term["keys"] for term in data["terms"]] == [4 + data["keys"]["audit"]["current"]]
    assert data["key_rotation"] is None
    assert data["keys_due_at"] > data["keys_made_at"]


@pytest.mark.requirement("log.keep.ages")
def test_status_tells_for_how_long_text_is_kept(
    ready: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The special first, and of what has no text that it has none; nonsense is refused in words."""
    monkeypatch.setenv("CLIENTARY_KEEP", "30 grant=1 call:read=forever")
    told = ready("vault", "status").out.partition("TEXT OF")[2].splitlines()
    assert [line.split()[0] for line in told[1:]] == ["call:read", "grant", "all"]
    assert ("for ever" in told[1], "there is none" in told[2], "30 days" in told[3]) == (True,) * 3
    data = ready("vault", "status", "-o", "json").document["data"]
    assert data["keep_days"] == {"*": 30, "grant": 1, "call:read": 0}
    monkeypatch.setenv("CLIENTARY_KEEP", "reads=3")
    ended = ready("vault", "status")
    assert (ended.status, "no kind of row" in ended.err) == (1, True)


def test_rotate_keys_renews_what_the_vault_seals_with(ready: Cli) -> None:
    """Calls go on, status shows one term in use, and stderr stays empty in a pipe."""
    term = ready("vault", "status", "-o", "json").document["data"]["terms"][0]["id"]
    ended = ready("vault", "rotate-keys")
    assert (ended.status, ended.err) == (0, "")
    assert "1 data keys renewed, 1 secrets sealed anew." in ended.out
    data = ready("vault", "status", "-o", "json").document["data"]
    assert [one["state"] for one in data["terms"]] == ["current"]
    assert data["terms"][0]["id"] != term
    assert ready.call("list_staff").status == 0
    again = ready("vault", "rotate-keys", "-o", "json").document
    assert (again["outcome"], again["data"]["renewed"], again["data"]["left"]) == (
        "succeeded",
        1,
        [],
    )


def test_rotate_kek_goes_over_to_another_key_and_is_noted(ready: Cli) -> None:
    """The next command opens the vault with it; the old one is needed no more."""
    before, new = fingerprint(ready), f"file:{ready.state / 'keys' / 'new.key'}"
    ended = ready("vault", "rotate-kek", new)
    assert ended.status == 0
    assert "Backups from before still need the key before." in ended.err
    (ready.state / "keys" / "vault.key").unlink()
    assert fingerprint(ready) != before
    assert ready.call("list_staff").status == 0
    document = ready("vault", "rotate-kek", new, "-o", "json").document
    assert (document["data"]["terms"], document["data"]["open"]) == (0, False)


def test_where_the_environment_names_the_key_both_open_until_it_is_changed(ready: Cli) -> None:
    """The first run leaves both; the second, under the new name, ends it."""
    old = f"file:{ready.state / 'keys' / 'vault.key'}"
    new = f"file:{ready.state / 'keys' / 'new.key'}"
    first = ready.process("vault", "rotate-kek", new, env={"CLIENTARY_KEY": old})
    assert (first.status, "both still open" in first.err) == (0, True)
    for uri in (old, new):
        status = ready.process("vault", "status", env={"CLIENTARY_KEY": uri})
        assert status.status == 0
        assert "A rotation of keys was begun and not ended (promoted)" in status.err
    second = ready.process("vault", "rotate-kek", new, env={"CLIENTARY_KEY": new})
    assert (second.status, "both still open" in second.err) == (0, False)
    assert ready.process("connections", env={"CLIENTARY_KEY": old}).status == 1
    assert ready("connections").status == 0


def test_a_key_that_is_missing_is_named_and_changes_nothing(ready: Cli) -> None:
    """Nothing of its value is shown, and the vault opens as before."""
    before = fingerprint(ready)
    for uri, said in (
        ("env:NOT_SET_HERE", "NOT_SET_HERE is not set"),
        ("somewhere", "file:/absolute/path"),
        (f"file:{ready.state / 'vault' / 'beside.key'}", "outside"),
    ):
        ended = ready("vault", "rotate-kek", uri)
        assert (ended.status, said in ended.err) == (1, True), ended.err
    assert fingerprint(ready) == before


def test_a_vault_is_made_under_a_key_of_the_environment(cli: Cli) -> None:
    """Every later command takes the key from the same variable."""
    env = {"BOOKS_KEY": base64.b64encode(bytes(range(32))).decode()}
    assert cli.process("init", "--key", "env:BOOKS_KEY", env=env).status == 0
    assert cli.process("connections", env=env).status == 0
    ended = cli.process("connections")
    assert (ended.status, "BOOKS_KEY is not set" in ended.err) == (1, True)


def test_a_new_passphrase_is_typed_twice_and_never_shown(cli: Cli, tmp_path: Path) -> None:
    """From then on each command asks once; a wrong one is told by fingerprints."""
    uri = f"passphrase:{tmp_path / 'keys' / 'salt'}"
    status, seen = at_terminal(cli, "init", "--key", uri, typed=[PASSPHRASE, "other words"])
    assert (status, "are not the same" in seen) == (1, True)
    status, seen = at_terminal(cli, "init", "--key", uri, typed=[PASSPHRASE, PASSPHRASE])
    assert (status, PASSPHRASE in seen) == (0, False), seen
    status, seen = at_terminal(cli, "vault", "status", typed=[PASSPHRASE])
    assert (status, "Fingerprint" in seen) == (0, True), seen
    status, seen = at_terminal(cli, "vault", "status", typed=["wrong passphrase"])
    assert (status, "Bring the right key" in seen) == (1, True), seen


def test_a_restore_asks_for_a_passphrase_once(cli: Cli, tmp_path: Path) -> None:
    """What is too old by then ends at the next tending."""
    uri, saved = f"passphrase:{tmp_path / 'keys' / 'salt'}", str(tmp_path / "saved.db")
    assert at_terminal(cli, "init", "--key", uri, typed=[PASSPHRASE, PASSPHRASE])[0] == 0
    assert at_terminal(cli, "vault", "backup", saved, typed=[PASSPHRASE])[0] == 0
    status, seen = at_terminal(cli, "vault", "restore", saved, "--accept", typed=[PASSPHRASE])
    assert status == 0, seen


def test_a_service_reads_its_passphrase_from_a_private_file(cli: Cli, tmp_path: Path) -> None:
    """One that others can read is refused; without one the error names the variable."""
    uri, file = f"passphrase:{tmp_path / 'keys' / 'salt'}", tmp_path / "passphrase"
    file.write_text(f"{PASSPHRASE}\n")
    file.chmod(0o600)
    env = {"CLIENTARY_PASSPHRASE_FILE": str(file)}
    assert cli.process("init", "--key", uri, env=env).status == 0
    assert cli.process("connections", env=env).status == 0
    file.chmod(0o644)
    ended = cli.process("connections", env=env)
    assert (ended.status, "chmod 600" in ended.err, PASSPHRASE in ended.err) == (1, True, False)
    ended = cli.process("connections")
    assert (ended.status, "CLIENTARY_PASSPHRASE_FILE" in ended.err) == (1, True)


def test_one_passphrase_is_replaced_by_another(cli: Cli, tmp_path: Path) -> None:
    """The new one comes from a file of its own, and the old one opens nothing any more."""
    old, new = tmp_path / "old", tmp_path / "new"
    for file, text in ((old, PASSPHRASE), (new, "another passphrase, as long")):
        file.write_text(text)
        file.chmod(0o600)
    env = {"CLIENTARY_PASSPHRASE_FILE": str(old)}
    assert cli.process("init", "--key", f"passphrase:{tmp_path}/keys/salt", env=env).status == 0
    to = f"passphrase:{tmp_path}/keys/salt-2"
    ended = cli.process("vault", "rotate-kek", to, "--passphrase-file", str(new), env=env)
    assert ended.status == 0, ended.err
    assert cli.process("connections", env=env).status == 1
    assert cli.process("connections", env={"CLIENTARY_PASSPHRASE_FILE": str(new)}).status == 0


def test_what_does_not_open_is_named_and_left(ready: Cli) -> None:
    """Status 1, the rows by their places, and the advice."""
    with closing(raw(ready.state / "vault" / "vault.db")) as file:
        file.execute("UPDATE secrets SET sealed = zeroblob(200)")
    ended = ready("vault", "rotate-keys")
    assert ended.status == 1
    assert "secrets con_" in ended.out
    assert "clientary vault verify" in ended.err
    status = ready("vault", "status")
    assert "Data keys that are still to be renewed: 1" in status.err

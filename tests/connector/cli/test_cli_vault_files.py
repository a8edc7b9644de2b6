"""Proves that an operator checks, saves and restores the vault at the command line."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from clientary_connector.sandbox import RunningSandbox
from tests.connector.cli.stage import Cli
from tests.vault.ground import raw

pytestmark = pytest.mark.requirement("cli.vault_files")


def database(cli: Cli) -> Path:
    """Names the vault's file."""
    return cli.state / "vault" / "vault.db"


def saved(cli: Cli) -> Path:
    """Makes a backup."""
    path = cli.state.parent / "backups" / "one.db"
    path.parent.mkdir(exist_ok=True)
    assert cli("vault", "backup", str(path), "--user", "ada").status == 0
    return path


def edit(cli: Cli, statement: str) -> None:
    """Changes the file from outside."""
    file = raw(database(cli))
    file.execute(statement)
    file.close()


def test_a_whole_vault_is_said_to_be_whole(ready: Cli) -> None:
    """Counted for people, and as one document, with exit status 0."""
    ended = ready("vault", "verify")
    assert (ended.status, ended.err) == (0, "")
    assert "Nothing changed, put back or taken out." in ended.out
    document = ready("vault", "verify", "-o", "json").document
    assert document["outcome"] == "succeeded"
    data = document["data"]
    assert (data["ok"], data["faults"], data["epoch"], data["unopened"]) == (True, [], 1, 0)
    with closing(raw(database(ready))) as file:
        kinds = dict(file.execute("SELECT kind, count(*) FROM records GROUP BY kind").fetchall())
    assert (kinds["connection"], kinds["grant"]) == (1, 1)
    assert data["records"] == sum(kinds.values())
    assert data["log"] > 0


def test_a_changed_vault_is_listed_place_by_place(ready: Cli) -> None:
    """With exit status 1, as a table and as one document."""
    edit(ready, "UPDATE records SET body = '{}' WHERE kind = 'grant'")
    ended = ready("vault", "verify")
    assert ended.status == 1
    assert "fails its check" in ended.out
    assert "1 faults" in ended.err
    document = ready("vault", "verify", "-o", "json").document
    assert document["outcome"] == "failed"
    assert [fault["what"].split(".")[0] for fault in document["data"]["faults"]] == [
        "fails its check"
    ]


def test_a_backup_says_what_it_holds_and_what_it_lacks(ready: Cli) -> None:
    """It needs a key that is not in it; the second one needs another name."""
    path = ready.state.parent / "backups" / "one.db"
    path.parent.mkdir()
    ended = ready("vault", "backup", str(path))
    assert ended.status == 0
    assert str(path) in ended.out
    assert "keep a copy of that too" in ended.err
    again = ready("vault", "backup", str(path), "-o", "json")
    assert again.status == 1
    assert "name another" in again.document["error"]["message"]
    assert "never written over" in again.document["error"]["hint"]
    data = ready("vault", "backup", f"{path}.2", "-o", "json").document["data"]
    assert data["size"] == Path(f"{path}.2").stat().st_size
    entry = ready("log", "-o", "json").document["data"][0]
    assert entry["kind"] == "backup"


def test_status_tells_of_the_last_backup(ready: Cli) -> None:
    """None is told too, and what to do about it."""
    assert "There is no backup" in ready("vault", "status").err
    saved(ready)
    ended = ready("vault", "status")
    assert "There is no backup" not in ended.err
    assert "Backup" in ended.out
    assert ready("vault", "status", "-o", "json").document["data"]["backed_up_at"]


@pytest.mark.requirement("threat.22")
def test_an_older_vault_put_back_names_the_way_out(ready: Cli, far_side: RunningSandbox) -> None:
    """Every command refuses and names `vault restore`; restored, the revoke still holds."""
    older = saved(ready)
    assert ready("revoke", "books", "--yes").status == 0
    shutil.copy(older, database(ready))
    ended = ready("connections")
    assert ended.status == 1
    assert "clientary vault restore FILE" in ended.err
    refused = ready("vault", "restore", str(older))
    assert refused.status == 1
    assert "Accept that to go on" in refused.err
    restored = ready("vault", "restore", str(older), "--accept")
    assert restored.status == 0
    assert "connection:con_" in restored.out
    listed = ready("connections", "--revoked", "-o", "json").document["data"]
    assert [one["state"] for one in listed] == ["revoked"]
    assert ready("vault", "verify").status == 0
    before = len(far_side.sandbox.requests)
    assert ready.call("list_clients").status == 3
    assert len(far_side.sandbox.requests) == before


def test_a_restore_says_what_it_found(ready: Cli) -> None:
    """Epoch, rows, what was lost and revoked again, and where the database before lies."""
    older = saved(ready)
    assert ready.call("list_clients").status == 0
    ended = ready("vault", "restore", str(older), "--accept", "-o", "json")
    data = ended.document["data"]
    assert (data["epoch"], data["lost"], data["anchored"]) == (2, 3, True)
    assert (data["closed"], data["destroyed"]) == ([], [])
    assert (data["erased"], data["unreadable"]) == (0, 0)
    assert Path(data["kept"]).exists()
    assert ready.call("list_clients").status == 0


def test_a_lost_anchor_is_named_and_made_anew(ready: Cli) -> None:
    """The vault's own file is restored in place."""
    shutil.rmtree(ready.state / "anchors")
    ended = ready("grants")
    assert ended.status == 1
    assert "anchor" in ended.err
    again = ready("vault", "restore", str(database(ready)), "--accept")
    assert again.status == 0
    assert "look at every connection and grant" in again.err
    assert ready.call("list_clients").status == 0


def test_a_backup_that_is_not_there_is_bad_usage(ready: Cli) -> None:
    """As with every file on the command line."""
    assert ready("vault", "restore", "nowhere.db").status == 2


def test_a_backup_under_an_older_key_is_restored_with_it(ready: Cli) -> None:
    """The key's place is written down again, so that every later command finds it."""
    older = saved(ready)
    new = f"file:{ready.state / 'other' / 'vault.key'}"
    old = f"file:{ready.state / 'keys' / 'vault.key'}"
    kept = Path(old.removeprefix("file:")).read_bytes()
    assert ready("vault", "rotate-kek", new, "--user", "ada").status == 0
    Path(old.removeprefix("file:")).write_bytes(kept)
    assert ready("vault", "restore", str(older), "--accept").status == 1
    assert ready("vault", "restore", str(older), "--accept", "--key", old).status == 0
    assert ready.call("list_clients").status == 0
    assert ready("vault", "verify").status == 0


def test_a_backup_makes_no_folders(ready: Cli) -> None:
    """The disk for backups may not be there; the message names the path."""
    path = ready.state.parent / "disk" / "one.db"
    ended = ready("vault", "backup", str(path), "--user", "ada")
    assert ended.status == 1
    assert f"{path}: there is no such folder" in ended.err
    assert not path.parent.exists()


def test_what_is_no_backup_is_named_and_changes_nothing(ready: Cli) -> None:
    """It is the file that was given which is wrong, and the vault stays as it is."""
    path = ready.state.parent / "notes.txt"
    path.write_text("root:x:0:0\n" * 200)
    before = database(ready).read_bytes()
    ended = ready("vault", "restore", str(path))
    assert ended.status == 1
    assert f"{path} is no backup of a vault, or is damaged" in ended.err
    assert database(ready).read_bytes() == before

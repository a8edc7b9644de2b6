"""Proves that a row, and the growth of the log, are proven to somebody who has no vault."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connector_vault import NotFoundError, ProofError, PublicKey, Vault, WrongKeyError
from connector_vault.columns import LOG_COLUMNS
from connector_vault.verify import COLUMNS, main, verify
from tests.vault.ground import append, calls, intent, settle

pytestmark = pytest.mark.requirement("log.proof.verifier")


@pytest.fixture(name="filled")
def _filled(vault: Vault) -> Vault:
    """A vault with five rows, the first two of which were signed apart."""
    calls(vault, 1)
    vault.checkpoints.make()
    settle(vault, append(vault, intent(vault, "op_x", payload=b"canary prompt")))
    append(vault, vault.draft(kind="connect", facts={"a": 1}))
    return vault


def key_of(vault: Vault) -> PublicKey:
    """Gives the public key."""
    return vault.checkpoints.public_key()


def test_every_row_is_proven_with_the_public_key_alone(filled: Vault) -> None:
    """And shown as it stands in the log, without what is sealed in it."""
    for seq in range(1, 6):
        document = json.loads(json.dumps(filled.proofs.inclusion(seq)))
        shown = verify(document, str(key_of(filled)))
        assert shown.checkpoint.size == 5
        assert shown.row is not None
        assert shown.row["seq"] == seq
        assert "canary" not in json.dumps(document)
    assert ", ".join(COLUMNS) == LOG_COLUMNS.partition(", leaf")[0]


def test_the_growth_of_the_log_is_proven(filled: Vault) -> None:
    """From the checkpoint that somebody has kept to the newest one, or to another."""
    note = filled.proofs.consistency(2)["old"]
    for document in (filled.proofs.consistency(2), filled.proofs.consistency(2, 2)):
        shown = verify(document, key_of(filled), checkpoint=f"{note}\n")
        assert shown.since is not None
        assert shown.since.size == 2
    with pytest.raises(ProofError, match="kept"):
        verify(filled.proofs.inclusion(1), key_of(filled), checkpoint=note)


@pytest.mark.parametrize("seq", [-1, 0, 6])
def test_what_is_not_there_is_not_proven(filled: Vault, seq: int) -> None:
    """A row that the log does not have, and a checkpoint that was never made."""
    with pytest.raises(NotFoundError):
        filled.proofs.inclusion(seq)
    for old, new in ((3, None), (2, 3), (5, 2)):
        with pytest.raises(NotFoundError):
            filled.proofs.consistency(old, new)


def _row(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    def spoil(document: dict[str, Any]) -> None:
        document["row"][name] = value

    return spoil


def _part(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    def spoil(document: dict[str, Any]) -> None:
        document[name] = value

    return spoil


def _without(name: str) -> Callable[[dict[str, Any]], None]:
    def spoil(document: dict[str, Any]) -> None:
        del document[name]

    return spoil


@pytest.mark.requirement("threat.20")
@pytest.mark.parametrize(
    "spoil",
    [
        _row("user", "eve"),
        _row("seq", 2),
        _row("seq", "1"),
        _row("facts", {}),
        _row("revision", 1.0),
        _row("extra", 1),
        _row("uid", "no base64"),
        _row("payload_hash", None),
        _part("row", None),
        _part("leaf", "AAAA"),
        _part("proof", []),
        _part("proof", ["AAAA"]),
        _part("proof", 7),
        _part("type", "connector-vault/consistency/1"),
        _part("type", "something else"),
        _without("checkpoint"),
        _without("row"),
    ],
)
def test_a_proof_that_was_changed_does_not_hold(
    filled: Vault, spoil: Callable[[dict[str, Any]], None]
) -> None:
    """Whatever was changed, and whatever is given in its place."""
    document = copy.deepcopy(filled.proofs.inclusion(1))
    spoil(document)
    with pytest.raises(ProofError):
        verify(document, key_of(filled))


@pytest.mark.requirement("threat.20")
def test_a_growth_that_was_none_does_not_hold(filled: Vault) -> None:
    """The two checkpoints exchanged, or the way between them cut."""
    document = filled.proofs.consistency(2)
    exchanged = {**document, "old": document["new"], "new": document["old"]}
    others: list[object] = [exchanged, {**document, "proof": []}, [], None, 7]
    for spoilt in others:
        with pytest.raises(ProofError):
            verify(spoilt, key_of(filled))


def test_the_program_says_what_it_found(
    filled: Vault, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 where a proof holds, 1 where it does not, 3 where another key has signed it."""
    key = str(key_of(filled))
    files = {name: tmp_path / name for name in ("row", "growth", "spoilt", "note", "text")}
    row, growth = filled.proofs.inclusion(3), filled.proofs.consistency(2)
    files["row"].write_text(json.dumps(row))
    files["growth"].write_text(json.dumps(growth))
    files["spoilt"].write_text(json.dumps({**row, "proof": []}))
    files["note"].write_text(growth["old"])
    files["text"].write_text("no proof")
    assert main([str(files["row"]), "--key", key]) == 0
    assert "row 3 of 5" in capsys.readouterr().out
    assert main([str(files["growth"]), "--key", key, "--checkpoint", str(files["note"])]) == 0
    assert "the 2 rows are still in the 5 rows" in capsys.readouterr().out
    for name in ("spoilt", "text", "gone"):
        assert main([str(tmp_path / name), "--key", key]) == 1
    other = PublicKey(filled.id, bytes(32))
    assert main([str(files["row"]), "--key", str(other)]) == 3
    assert "wrong key" in capsys.readouterr().err
    with pytest.raises(WrongKeyError):
        verify(row, other)


def test_the_program_loads_no_database_and_no_network(filled: Vault, tmp_path: Path) -> None:
    """It runs from a pipe, and what it loads is small."""
    program = (
        "import sys; from connector_vault.verify import main; status = main(sys.argv[1:]);"
        "heavy = {'apsw', 'aiohttp', 'pluggy', 'connector_vault.vault'} & set(sys.modules);"
        "print(sorted(heavy)); sys.exit(status)"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and our own program
        [sys.executable, "-c", program, "-", "--key", str(key_of(filled))],
        input=json.dumps(filled.proofs.inclusion(1)),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "[]"

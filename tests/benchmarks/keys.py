"""Measures the vault's keys: how fast they are rewrapped, and what many connections cost one."""

from __future__ import annotations

import os
import random
import time
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import apsw

from connector_vault import Secret, Transaction, Vault
from connector_vault.keyrotator import BATCH, KeyRotator
from tests.benchmarks.ground import KEY
from tests.benchmarks.rows import Row, Sizes, Tell, interleaved, medians, spread

REWRAP_HOLD: Final = 5_000
OPEN_HOLD: Final = 1.25
MANY: Final = 10_000
FEW: Final = 10
#: Secrets that are opened in one round.
OPENED: Final = 5_000
#: A wrapped key of today.
WRAPPED_BYTES: Final = 129

#: A database without types of its own.
Bare: TypeAlias = Any


def rows(folder: Path, sizes: Sizes, tell: Tell) -> list[Row]:
    """Measures a rotation of many keys, and the opening of one secret among many."""
    with _vault(folder / "many", MANY, tell) as many, _vault(folder / "few", FEW, tell) as few:
        tell("keys rewrapped")
        found = [_rewrap_row(many, folder, sizes)]
        tell("secret opened among many")
        return [*found, _open_row(many, few, sizes)]


def _rewrap_row(vault: Vault, folder: Path, sizes: Sizes) -> Row:
    seen: dict[str, list[float]] = {"rewrap": [], "renew": [], "bare": []}
    bare = _bare_keys(folder / "bare.db")
    for _ in range(max(sizes.rounds // 2, 2)):
        for name, seconds in _rotated(vault).items():
            seen[name].append(seconds)
        seen["bare"].append(_rewrapped_bare(bare))
    bare.close()
    rate = {name: MANY / seconds for name, seconds in medians(seen).items()}
    return Row(
        what=f"data keys rewrapped, {MANY:,} in batches of {BATCH}, fsynced, vault in use",
        hold=f"≥ {REWRAP_HOLD:,}/s",
        seen=f"{rate['rewrap']:,.0f}/s",
        references={"bare SQLite, the same updates": f"{rate['bare']:,.0f}/s"},
        ratio=f"{rate['rewrap'] / rate['bare']:.2f} x",
        holds=rate["rewrap"] >= REWRAP_HOLD,
        figures={name: spread(values) for name, values in seen.items()},
        note=f"with a new data key each and its secret sealed anew: {rate['renew']:,.0f}/s",
    )


def _open_row(many: Vault, few: Vault, sizes: Sizes) -> Row:
    owners = [f"con_{number}" for number in range(MANY)]
    random.Random(7).shuffle(owners)  # noqa: S311 - the same order in every run
    some = [f"con_{number % FEW}" for number in range(OPENED)]
    for vault, warm in ((many, owners), (few, some)):
        _opened(vault, warm)
    seen = interleaved(
        max(sizes.rounds, 7),
        {
            "many": partial(_opened, many, some),
            "few": partial(_opened, few, some),
            "in turn": partial(_opened, many, owners[:OPENED]),
        },
    )
    middle = medians(seen)
    ratio = middle["many"] / middle["few"]
    return Row(
        what=f"secret opened, one of {MANY:,} connections",
        hold=f"≤ {OPEN_HOLD} x that of {FEW}",
        seen=f"{middle['many'] * 1e6:.1f} µs",
        references={f"one of {FEW}": f"{middle['few'] * 1e6:.1f} µs"},
        ratio=f"{ratio:.2f} x",
        holds=ratio <= OPEN_HOLD,
        figures={name: spread(values) for name, values in seen.items()},
        note=f"each of the {MANY:,} in turn: {middle['in turn'] * 1e6:.1f} µs",
    )


def _rotated(vault: Vault) -> dict[str, float]:
    """Rotates all keys; gives the seconds of its two parts."""
    first: dict[str, float] = {}
    last: dict[str, float] = {}

    def mark(step: str) -> None:
        now = time.perf_counter()
        first.setdefault(step, now)
        last[step] = now

    report = KeyRotator(vault, on_step=mark).rotate()
    assert (report.renewed, report.left) == (MANY, ())
    return {part: last[f"after {part}"] - first[f"before {part}"] for part in ("rewrap", "renew")}


def _opened(vault: Vault, owners: list[str]) -> float:
    """Opens the secret of each owner; gives the seconds that one takes."""
    begin = time.perf_counter()
    for owner in owners:
        with vault.open_secret(owner, "api_key") as secret:
            secret.reveal()
    return (time.perf_counter() - begin) / len(owners)


def _vault(folder: Path, count: int, tell: Tell) -> Vault:
    """Makes a vault with so many connections."""
    vault = Vault.create(
        folder / "vault" / "vault.db", key=f"file:{folder.resolve()}/keys/vault.key"
    )
    for start in range(0, count, 1_000):
        tell(f"vault of {count:,} connections: {start:,}")
        vault.write(partial(_store, start, min(start + 1_000, count)))
    return vault


def _store(start: int, end: int, transaction: Transaction) -> None:
    for number in range(start, end):
        secret = Secret(f"{KEY}-{number}")
        transaction.store_secret(owner=f"con_{number}", field="api_key", secret=secret)


def _bare_keys(path: Path) -> Bare:
    """Makes a bare table of wrapped keys."""
    connection: Bare = apsw.Connection(str(path))
    connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE keys (id TEXT PRIMARY KEY, wrapper TEXT, sealed BLOB)")
    connection.execute("CREATE INDEX keys_wrapper ON keys (wrapper); BEGIN")
    for number in range(MANY):
        key = os.urandom(WRAPPED_BYTES)
        connection.execute("INSERT INTO keys VALUES (?, 'old', ?)", (f"{number:032x}", key))
    connection.execute("COMMIT")
    return connection


def _rewrapped_bare(connection: Bare) -> float:
    """Updates every row, in the same batches; gives the seconds."""
    statement = "UPDATE keys SET wrapper = ?, sealed = ? WHERE id = ?"
    wrapper = os.urandom(16).hex()
    begin = time.perf_counter()
    for start in range(0, MANY, BATCH):
        connection.execute("BEGIN IMMEDIATE")
        for number in range(start, min(start + BATCH, MANY)):
            connection.execute(statement, (wrapper, os.urandom(WRAPPED_BYTES), f"{number:032x}"))
        connection.execute("COMMIT")
    return time.perf_counter() - begin

"""Measures the check of the whole log, with what it cannot do without as its reference."""

from __future__ import annotations

import time
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from connector_vault import LogDraft, Transaction, Vault
from tests.benchmarks.rows import Row, Sizes, Tell, interleaved, medians, spread

HOLD_A_SECOND: Final = 100_000
#: So many calls are written together.
PIECE: Final = 2_500
PAYLOAD: Final = b'{"prompt":"' + b"p" * 200 + b'","arguments":{"id":2053932801}}'
#: Bytes that a check hashes of each row: columns, payload, chain, MAC and tree.
HASHED: Final = (300, len(PAYLOAD) + 97, 65, 104, 96, 65)


def rows(folder: Path, sizes: Sizes, tell: Tell) -> list[Row]:
    """Measures the check of a log, in rows a second."""
    count = sizes.small_log * 5
    database = folder / "checked" / "vault" / "vault.db"
    with Vault.create(database, key=f"file:{folder.resolve()}/keys/checked.key") as vault:
        for start in range(0, count // 2, PIECE):
            tell(f"log to check: {2 * start:,} of {count:,} rows")
            drafts = [_drafts(vault, start + number) for number in range(PIECE)]
            vault.write(partial(_append, calls=drafts))
        tell("check of the log")
        contenders = {"ours": partial(_checked, vault, count), "bare": partial(_hashed, count)}
        seen = interleaved(sizes.rounds, contenders)
    middle = medians(seen)
    return [
        Row(
            what=f"check of a log of {count:,} rows, nothing opened",
            hold="≥ 100,000 rows a second",
            seen=f"{1 / middle['ours']:,.0f} rows a second",
            references={"bare SHA-256 of the same bytes": f"{1 / middle['bare']:,.0f}"},
            ratio=f"{middle['ours'] / middle['bare']:.1f} x",
            holds=1 / middle["ours"] >= HOLD_A_SECOND,
            figures={name: spread(values) for name, values in seen.items()},
            note="every column, payload, chain, MAC, checkpoint and help for searching",
        )
    ]


def _drafts(vault: Vault, number: int) -> tuple[LogDraft, LogDraft]:
    """Returns a call and its outcome."""
    intent = vault.draft(
        kind="intent",
        user="maria",
        persona=f"persona {number % 7}",
        connection="con_1",
        action="create_client" if number % 4 == 0 else "get_client",
        effect="write",
        operation=f"op_{number}",
        facts={"cost": 1},
        payload=PAYLOAD,
    )
    facts = {"status": 200, "attempts": 1, "duration_ms": 12.5}
    outcome = vault.draft(
        kind="outcome", user="maria", outcome="succeeded", facts=facts, payload=PAYLOAD
    )
    return intent, outcome


def _append(change: Transaction, *, calls: list[tuple[LogDraft, LogDraft]]) -> None:
    for intent, outcome in calls:
        seq = change.append(intent)
        change.append(outcome._replace(ref=seq))


def _checked(vault: Vault, count: int) -> float:
    """Returns the seconds that a row takes."""
    begin = time.perf_counter()
    report = vault.verify_log()
    took = time.perf_counter() - begin
    assert (report.rows, report.faults, report.signed) == (count, (), count)
    return took / count


def _hashed(count: int) -> float:
    blocks = [bytes(size) for size in HASHED]
    begin = time.perf_counter()
    for _ in range(count):
        for block in blocks:
            sha256(block).digest()
    return (time.perf_counter() - begin) / count

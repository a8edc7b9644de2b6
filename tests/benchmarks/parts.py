"""Measures the parts of a call alone: the check of arguments, the secret, the log."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import apsw
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from clientary_connector.call.arguments import Arguments
from clientary_connector.manifest import load_manifest
from connector_vault import LogDraft, LogQuery, Secret, Transaction, Vault
from tests.actions.oracle import checker
from tests.benchmarks.ground import KEY
from tests.benchmarks.rows import Row, Sizes, Tell, interleaved, medians, spread, timed

CHECK_HOLD_S: Final = 5e-6
OPEN_HOLD_S: Final = 50e-6
APPEND_HOLD_S: Final = 60e-6
LOG_HOLD: Final = 1.5
GROUP: Final = 64
PAYLOAD: Final = b'{"prompt":"' + b"p" * 200 + b'","arguments":{"id":2053932801}}'

#: A database without types of its own.
Bare: TypeAlias = Any

FIFTEEN: Final[dict[str, Any]] = {
    "client_id": 2053932801,
    "number": "INV-1",
    "date": "2025-03-01",
    "due_date": "2025-03-31",
    "currency_code": "EUR",
    "title": "March work",
    "note": "Thanks",
    "summary": "Design and build",
    "po": "PO-7",
    "tax": 8.25,
    "tax_label": "Sales tax",
    "tax2": 2,
    "tax2_label": "City",
    "compound_tax": True,
    "invoice_items_attributes": [{"title": "Design", "quantity": "1.5", "price": "80.10"}],
}


def rows(folder: Path, sizes: Sizes, tell: Tell) -> list[Row]:
    """Measures each part against its bare reference."""
    tell("check of arguments")
    found = [_check_row(sizes)]
    tell("secret opened")
    found.append(_secret_row(folder, sizes))
    tell("log append")
    found.append(_append_row(folder, sizes))
    return [*found, _long_log_row(folder, sizes, tell)]


def _check_row(sizes: Sizes) -> Row:
    schema = load_manifest().action("create_invoice").input
    ours, oracle = Arguments(schema), checker(schema)
    assert ours.faults(FIFTEEN) == ()
    assert oracle(FIFTEEN)
    seen = interleaved(
        sizes.rounds,
        {
            "ours": partial(timed, partial(ours.faults, FIFTEEN), 20_000),
            "jsonschema": partial(timed, partial(oracle, FIFTEEN), 500),
        },
    )
    middle = medians(seen)
    return Row(
        what="check of a valid call of 15 fields",
        hold="≤ 5 µs",
        seen=_us(middle["ours"]),
        references={"jsonschema": _us(middle["jsonschema"])},
        ratio=f"1/{middle['jsonschema'] / middle['ours']:.0f}",
        holds=middle["ours"] <= CHECK_HOLD_S,
        figures={name: spread(values) for name, values in seen.items()},
    )


def _secret_row(folder: Path, sizes: Sizes) -> Row:
    nonce, cipher = os.urandom(12), AESGCM(AESGCM.generate_key(256))
    sealed = cipher.encrypt(nonce, KEY.encode(), b"bound")
    with _vault(folder / "secret") as vault:
        vault.write(partial(_store_secret, owner="con_1"))

        def open_secret() -> None:
            with vault.open_secret("con_1", "api_key") as secret:
                secret.reveal()

        open_secret()
        seen = interleaved(
            sizes.rounds,
            {
                "ours": partial(timed, open_secret, 2_000),
                "bare": partial(timed, partial(cipher.decrypt, nonce, sealed, b"bound"), 20_000),
            },
        )
    middle = medians(seen)
    return Row(
        what="secret opened, warm",
        hold="≤ 50 µs",
        seen=_us(middle["ours"]),
        references={"bare AESGCM decrypt": _us(middle["bare"])},
        ratio=f"{middle['ours'] / middle['bare']:.1f} x",
        holds=middle["ours"] <= OPEN_HOLD_S,
        figures={name: spread(values) for name, values in seen.items()},
    )


def _append_row(folder: Path, sizes: Sizes) -> Row:
    count = max(sizes.calls, GROUP * 8) // GROUP * GROUP
    with _vault(folder / "append") as vault:
        bare = bare_log(folder / "append" / "vault" / "bare.db")
        sealing = timed(partial(_sealed, vault, 1), 2_000)
        seen = interleaved(
            sizes.rounds,
            {
                "ours": partial(_append, vault, count),
                "bare": partial(_append_bare, bare, count),
            },
        )
        bare.close()
    middle = medians(seen)
    return Row(
        what=f"log append, a row, {GROUP} at once, fsynced",
        hold="≤ 60 µs",
        seen=_us(middle["ours"]),
        references={"bare SQLite, groups of 64": _us(middle["bare"])},
        ratio=f"{middle['ours'] / middle['bare']:.1f} x",
        holds=middle["ours"] <= APPEND_HOLD_S,
        figures={name: spread(values) for name, values in seen.items()},
        note=f"chained, under a MAC, indexed, from an event loop; its seal: {_us(sealing)}",
    )


def _long_log_row(folder: Path, sizes: Sizes, tell: Tell) -> Row:
    with _vault(folder / "small") as small, _vault(folder / "large") as large:
        _fill(small, sizes.small_log, tell)
        _fill(large, sizes.large_log, tell)
        tell("long log against short log")
        # Common apart, and together in fifty or so of all rows: the worst that can be asked for.
        where = LogQuery(user="otto", persona="planner")
        contenders = {
            "append small": partial(_append, small, GROUP * 8),
            "append large": partial(_append, large, GROUP * 8),
            "read small": partial(timed, partial(_filtered, small, where), 50),
            "read large": partial(timed, partial(_filtered, large, where), 50),
        }
        for warm_up in contenders.values():
            warm_up()
        seen = interleaved(max(sizes.rounds, 7), contenders)
    middle = medians(seen)
    append = middle["append large"] / middle["append small"]
    read = middle["read large"] / middle["read small"]
    return Row(
        what=f"log of {sizes.large_log:,} rows",
        hold=f"≤ 1.5 x of {sizes.small_log:,} rows",
        seen=f"append {_us(middle['append large'])}, read {_us(middle['read large'])}",
        references={
            f"{sizes.small_log:,} rows": (
                f"append {_us(middle['append small'])}, read {_us(middle['read small'])}"
            )
        },
        ratio=f"append {append:.2f} x, read {read:.2f} x",
        holds=append <= LOG_HOLD and read <= LOG_HOLD,
        figures={name: spread(values) for name, values in seen.items()},
        note="read is a page of 50 by two filters that are common apart and rare together",
    )


def _vault(folder: Path) -> Vault:
    return Vault.create(
        folder / "vault" / "vault.db", key=f"file:{folder.resolve()}/keys/vault.key"
    )


def _store_secret(transaction: Transaction, *, owner: str) -> int:
    return transaction.store_secret(owner=owner, field="api_key", secret=Secret(KEY))


def _draft(vault: Vault, number: int) -> LogDraft:
    return vault.draft(
        kind="intent",
        user="maria",
        persona="bookkeeper" if number % 10 == 0 else f"persona {number % 7}",
        connection="con_1",
        action="create_client" if number % 4 == 0 else "get_client",
        effect="write",
        operation=f"op_{os.urandom(12).hex()}",
        facts={"cost": 1},
        payload=PAYLOAD,
    )


def _sealed(vault: Vault, number: int) -> LogDraft:
    draft = _draft(vault, number)
    assert draft.payload is not None
    draft.payload.sealed()
    return draft


def _mixed(vault: Vault, number: int, count: int) -> LogDraft:
    """Returns a row of one of two users, each with a persona of its own, save in some 60 rows."""
    draft = _draft(vault, number)
    both = number % (count // 60) == 0
    user = "otto" if both or number % 2 else "maria"
    return draft._replace(user=user, persona="planner" if both or user == "maria" else "clerk")


def _append_one(transaction: Transaction, *, draft: LogDraft) -> int:
    return transaction.append(draft)


def _append(vault: Vault, count: int) -> float:
    """Returns seconds a row with `GROUP` appends under way at once, payloads sealed before."""
    drafts = [_sealed(vault, number) for number in range(count)]

    async def worker(waiting: Iterator[LogDraft]) -> None:
        for draft in waiting:
            await vault.write_async(partial(_append_one, draft=draft))

    async def crowd() -> float:
        waiting = iter(drafts)
        begin = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(GROUP):
                group.create_task(worker(waiting))
        return (time.perf_counter() - begin) / count

    return asyncio.run(crowd())


def _fill(vault: Vault, count: int, tell: Tell) -> None:
    def append(transaction: Transaction, drafts: list[LogDraft]) -> None:
        for draft in drafts:
            transaction.append(draft)

    for start in range(0, count, 5_000):
        tell(f"log of {count:,} rows: {start:,}")
        numbers = range(start, min(start + 5_000, count))
        drafts = [_mixed(vault, number, count) for number in numbers]
        vault.write(partial(append, drafts=drafts))


def _filtered(vault: Vault, where: LogQuery) -> None:
    found = vault.read(lambda view: view.log_rows(where, limit=50))
    assert len(found) == 50


def bare_log(path: Path) -> Bare:
    """Opens a bare database that is as durable as the vault."""
    connection: Bare = apsw.Connection(str(path))
    connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE log (seq INTEGER PRIMARY KEY, at INTEGER, row BLOB)")
    return connection


def _append_bare(connection: Bare, count: int) -> float:
    row = os.urandom(len(PAYLOAD) + 300)
    begin = time.perf_counter()
    for _ in range(count // GROUP):
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(GROUP):
            connection.execute("INSERT INTO log (at, row) VALUES (?, ?)", (time.time_ns(), row))
        connection.execute("COMMIT")
    return (time.perf_counter() - begin) / count


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} µs"

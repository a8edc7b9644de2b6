"""Measures what the last look before each send costs a call."""

from __future__ import annotations

import fcntl
import os
from functools import partial
from pathlib import Path
from typing import Final

from clientary_connector.call.address import Target
from clientary_connector.call.policy import Permit
from clientary_connector.call.sending import Sender
from clientary_connector.call.transport import Transport
from clientary_connector.manifest import load_manifest
from clientary_connector.settings import Settings
from connector_vault import Record, Transaction, Vault
from connector_vault.fence import Fence
from tests.benchmarks.rows import Row, Sizes, Tell, interleaved, medians, spread, timed

HOLD_S: Final = 150e-6
OWNER: Final = "con_000000000001"
GRANT: Final = f"{OWNER}/bookkeeper"
TARGET: Final = Target("http", "127.0.0.1", 1, loopback=True)
PERMIT: Final = Permit(
    connection=OWNER, generation=1, grant=GRANT, grant_revision=1, target=TARGET, scope="a:read"
)


def rows(folder: Path, sizes: Sizes, tell: Tell) -> list[Row]:
    """Measures the gate, the fence alone, and two bare locks."""
    tell("the gate of a send")
    key = f"file:{folder.resolve()}/keys/vault.key"
    with Vault.create(folder / "vault" / "vault.db", key=key) as vault:
        vault.write(_fill)
        settings = Settings()
        transport = Transport(auth=load_manifest().auth, headers={}, settings=settings)
        way = Sender(vault=vault, transport=transport, settings=settings).way(PERMIT)
        file = os.open(folder / "bare", os.O_RDWR | os.O_CREAT, 0o600)

        def pass_gate() -> None:
            with way.gate():
                pass

        seen = interleaved(
            sizes.rounds,
            {
                "ours": partial(timed, pass_gate, 2_000),
                "fence": partial(timed, partial(_enter, vault.fence), 5_000),
                "bare": partial(timed, partial(_lock, file), 20_000),
            },
        )
        os.close(file)
    middle = medians(seen)
    return [
        Row(
            what="last look before a send: fence, connection, grant",
            hold=f"≤ {HOLD_S * 1e6:.0f} µs",
            seen=_us(middle["ours"]),
            references={"fence alone": _us(middle["fence"]), "bare flock": _us(middle["bare"])},
            ratio=f"{middle['ours'] / middle['bare']:.1f} x",
            holds=middle["ours"] <= HOLD_S,
            figures={name: spread(values) for name, values in seen.items()},
        )
    ]


def _fill(change: Transaction) -> None:
    active = {"state": "active", "generation": 1}
    change.put(Record(kind="connection", id=OWNER, body=active), expect=None)
    granted = {"state": "active", "scopes": ["a:read"], "persona": "bookkeeper"}
    change.put(Record(kind="grant", id=GRANT, parent=OWNER, body=granted), expect=None)


def _enter(fence: Fence) -> None:
    with fence.entered():
        pass


def _lock(file: int) -> None:
    fcntl.flock(file, fcntl.LOCK_SH)
    fcntl.flock(file, fcntl.LOCK_UN)


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} µs"

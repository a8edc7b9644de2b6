"""Holds what another process does with a vault: what it is told over a pipe.

A command may say at which step of a rotation of keys the process has to die.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from connector_vault import (
    LogQuery,
    NotFoundError,
    Record,
    Secret,
    Transaction,
    Vault,
    VaultError,
    View,
)
from connector_vault.kekrotator import KekRotator
from connector_vault.keyrotator import KeyRotator
from tests.vault.ground import intent

FIELD = "api_key"
STAGES = ("pending", "current", "previous")
#: So long is every lease of a process that died over, when the next one looks.
LATER_S = 3_600.0


class Child:
    """The vault of one folder, and the commands that it takes."""

    def __init__(self, root: Path, lives: int) -> None:
        """Opens the vault, or makes it; `lives` counts the processes before this one."""
        self._root = root
        self._lives = lives
        self._uri = root / "uri"
        self._target = root / "target"
        database = root / "vault" / "vault.db"
        if not self._uri.exists():
            self._uri.write_text(self._key("0"), encoding="utf-8")
        uri = self._uri.read_text(encoding="utf-8")
        opened = Vault.open if database.exists() else Vault.create
        # What a killed process has written is in the kernel's hands; only a power cut takes it.
        self._vault = opened(database, key=uri, durability="normal")

    def run(self, command: dict[str, Any]) -> object:
        """Does one thing and says what came of it."""
        name = command.pop("do")
        try:
            return getattr(self, name)(**command)
        except VaultError as error:
            return f"error {type(error).__name__}"

    def connect(self, owner: str, secret: str) -> str:
        """Makes a connection with its secret."""

        def work(log: Transaction) -> None:
            body = {"state": "active"}
            log.put(Record(kind="connection", id=owner, body=body), expect=None)
            with Secret(secret) as value:
                log.store_secret(owner=owner, field=FIELD, secret=value)
            self._note(log, owner, 1)

        self._vault.write(work)
        return "done"

    def use(self, owner: str, operation: str) -> str:
        """Makes a call: its intent, the secret, its outcome."""
        draft = intent(self._vault, operation, connection=owner)

        def claim(log: Transaction) -> int:
            record = log.record("connection", owner)
            if record is None or record.body["state"] != "active":
                raise NotFoundError("It was revoked.")
            return log.append(draft)

        seq = self._vault.write(claim)
        with self._vault.open_secret(owner, FIELD) as secret:
            revealed = secret.reveal()
        outcome = self._vault.draft(kind="outcome", ref=seq, outcome="succeeded")
        self._vault.write(lambda log: log.append(outcome))
        return revealed

    def offer(self, owner: str, secret: str) -> str:
        """Stores a candidate."""
        with Secret(secret) as value:
            self._vault.write(
                lambda log: log.store_pending_secret(owner=owner, field=FIELD, secret=value)
            )
        return "done"

    def promote(self, owner: str) -> str:
        """Makes the candidate the current version."""

        def work(log: Transaction) -> None:
            versions = log.secret_versions(owner, FIELD)
            pending = [one.version for one in versions if one.stage == "pending"]
            log.promote_secret(owner, FIELD, pending[0] if pending else 0)

        self._vault.write(work)
        return "done"

    def settle(self, owner: str) -> str:
        """Lets go of the candidate and of the previous version."""

        def work(log: Transaction) -> None:
            log.drop_pending(owner, FIELD)
            log.retire_previous(owner, FIELD)

        self._vault.write(work)
        return "done"

    def revoke(self, owner: str) -> str:
        """Closes a connection for good."""

        def work(log: Transaction) -> None:
            record = log.record("connection", owner)
            if record is None or record.body["state"] != "active":
                raise NotFoundError("It was revoked before.")
            closed = Record(kind="connection", id=owner, body={"state": "revoked"})
            kept = log.put(closed, expect=record.revision, final=True)
            log.destroy_secrets(owner)
            self._note(log, owner, kept.revision)

        self._vault.write(work)
        return "done"

    def keys(self, die: int | None) -> str:
        """Rotates the vault's own keys."""
        rotator = KeyRotator(self._vault, clock=self._clock, on_step=_dying(die))
        report = rotator.rotate(batch=2)
        return f"left {report.left}" if report.left else "done"

    def kek(self, number: int, die: int | None) -> str:
        """Goes over to another key file, or to the one to which it is under way."""
        if not self._target.exists():
            self._target.write_text(self._key(str(number)), encoding="utf-8")
        uri = self._target.read_text(encoding="utf-8")
        rotator = KekRotator(self._vault, clock=self._clock, on_step=_dying(die))
        rotator.rotate(uri, switch=self._switched)
        self._target.unlink()
        return "done"

    def shown(self) -> dict[str, Any]:
        """Shows all that the vault knows, as far as the model does."""
        return self._vault.read(self._shown)

    def verify(self) -> list[str]:
        """Checks every row of the vault."""
        report = self._vault.verify()
        log = self._vault.verify_log()
        return [*map(str, report.faults), *map(str, log.faults)]

    def close(self) -> str:
        """Closes the vault."""
        self._vault.close()
        return "done"

    def _shown(self, view: View) -> dict[str, Any]:
        shown: dict[str, Any] = {"owners": {}, "calls": {}}
        for record in view.records("connection"):
            stages = {stage: self._stage(view, record.id, stage) for stage in STAGES}
            shown["owners"][record.id] = {"state": record.body["state"], **stages}
        rows = view.log_rows(LogQuery(), limit=1_000)
        ended = view.outcomes_of([row.seq for row in rows])
        for row in rows:
            if row.kind == "intent":
                shown["calls"][row.operation] = row.seq in ended
        return shown

    def _stage(self, view: View, owner: str, stage: Any) -> str | None:  # noqa: ANN401 - one of three words
        try:
            with view.open_secret(owner, FIELD, stage=stage) as secret:
                return secret.reveal()
        except NotFoundError:
            return None

    def _note(self, log: Transaction, owner: str, revision: int) -> None:
        subject = f"connection:{owner}"
        log.append(self._vault.draft(kind="connect", subject=subject, revision=revision))

    def _switched(self, uri: str) -> bool:
        fresh = self._uri.with_suffix(".new")
        fresh.write_text(uri, encoding="utf-8")
        fresh.replace(self._uri)
        return True

    def _key(self, name: str) -> str:
        return f"file:{self._root / 'keys' / name}"

    def _clock(self) -> float:
        return time.time() + self._lives * LATER_S


def _dying(at: int | None) -> Callable[[str], None]:
    """Kills the process at the step of that number."""
    steps = iter(range(1_000_000))

    def step(_: str) -> None:
        if next(steps) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    return step


def live(root: Path, lives: int, told: Connection) -> None:
    """Says that the vault is open, and takes commands until the end."""
    child = Child(root, lives)
    told.send("ready")
    while True:
        try:
            command = told.recv()
        except EOFError:
            return
        told.send(child.run(command))

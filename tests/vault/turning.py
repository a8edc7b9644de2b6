"""Holds a vault whose keys are rotated, and what other processes do with it."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from connector_vault import IntegrityError, Vault, VaultError, View
from connector_vault.columns import KeyRow
from connector_vault.kekrotator import KekReport, KekRotator
from connector_vault.keyring import Keyring
from connector_vault.keyrotator import STEPS, KeyRotator, KeysReport
from connector_vault.keyrun import OnStep, nothing
from tests.vault.ground import Place, append, intent, raw, row_of, rows_of, store

_TIMES = {
    # 5 data keys, 2 audit keys and 2 MAC keys in batches of two, and one that finds nothing left.
    "rewrap": 6,
    # 5 data keys in batches of two, and one that finds nothing left.
    "renew": 4,
}
#: Every step of a rotation of keys, and each of its times.
EDGES = [(step, nth) for step in STEPS for nth in range(1, _TIMES.get(step.split()[1], 1) + 1)]
OWNERS = [f"con_{number}" for number in range(5)]
USERS = ("ada", "bob")
OLD_VALUE = "canary-of-before"
#: Small, so that there are edges between batches.
BATCH = 2
#: An hour from now, the lease of a process that is dead has run out.
LATER_S = 3600.0


@dataclass(frozen=True)
class Site(Place):
    """A vault, and a note of the key that opens it, as a caller of the vault keeps one."""

    @property
    def note(self) -> Path:
        """The file that names the key."""
        return self.root / "note"

    @property
    def new_key(self) -> str:
        """The URI of another key."""
        return f"file:{self.root / 'keys' / 'new.key'}"

    def uri(self) -> str:
        """Reads the note."""
        return self.note.read_text()

    def switch(self, uri: str) -> bool:
        """Writes the note, in one step."""
        fresh = self.note.with_suffix(".new")
        fresh.write_text(uri)
        fresh.replace(self.note)
        return True

    def set_up(self) -> None:
        """Makes the vault, with secrets, older versions and sealed rows of the log."""
        self.switch(self.key)
        with self.create() as vault:
            for owner in OWNERS:
                store(vault, owner, value=OLD_VALUE)
                store(vault, owner, value=value_of(owner))
            for user in USERS:
                append(vault, intent(vault, f"op_{user}", user=user))

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Reads the file behind the vault."""
        file = raw(self.database)
        try:
            return file.execute(statement).fetchall()
        finally:
            file.close()

    def dump(self) -> list[list[tuple[Any, ...]]]:
        """Gives all that the database says."""
        tables = (
            "vault",
            "keys",
            "secrets",
            "records",
            "log",
            "log_open",
            "log_spans",
            "log_postings",
            "log_claims",
        )
        return [self.rows(f"SELECT * FROM {table}") for table in tables]  # noqa: S608 - constants only

    def open_noted(self) -> Vault:
        """Opens the vault with the key of the note, and follows the note from then on."""
        return Vault.open(self.database, key=self.uri)


def value_of(owner: str) -> str:
    """Gives the secret of an owner."""
    return f"canary-of-{owner}"


def check_readable(vault: Vault) -> None:
    """Opens every secret and every payload."""
    for owner in OWNERS:
        assert vault.open_secret(owner, "api_key").reveal() == value_of(owner)
        assert vault.open_secret(owner, "api_key", stage="previous").reveal() == OLD_VALUE
    first = 2 * len(OWNERS) + 1
    for seq in range(first, first + len(USERS)):
        assert vault.open_payload(row_of(vault, seq)) == b"why and what"


def check_whole(vault: Vault) -> None:
    """Sees that nothing is altered, and nothing left over: one term, and no retired key."""
    report = vault.verify()
    assert report.ok, report.faults
    terms = vault.read(lambda view: view.keys.terms())
    assert [(row.state, row.wrapper) for row in terms] == [("current", vault.fingerprint)]
    assert vault.read(lambda view: view.keys.retired()) == 0


def later() -> float:
    """Gives the time in an hour."""
    return time.time() + LATER_S


def turn_keys(vault: Vault, on_step: OnStep = nothing, *, late: bool = False) -> KeysReport:
    """Rotates the vault's own keys."""
    clock = later if late else time.time
    return KeyRotator(vault, clock=clock, on_step=on_step).rotate(batch=BATCH)


def turn_kek(
    site: Site, vault: Vault, uri: str, on_step: OnStep = nothing, *, late: bool = False
) -> KekReport:
    """Rotates the key that wraps them."""
    clock = later if late else time.time
    rotator = KekRotator(vault, clock=clock, on_step=on_step)
    return rotator.rotate(uri, switch=site.switch)


class StopError(Exception):
    """Stops a rotation where it is."""


def stop_at(at: str) -> OnStep:
    """Stops a rotation at a step, as an error would."""

    def stop(step: str) -> None:
        if step == at:
            raise StopError

    return stop


def is_held(step: str) -> bool:
    """Says whether the lease is held at a step."""
    free = {"wrap", "key", "scrub"}
    return step.split()[1] not in free and step not in {"before lease", "after release"}


def data_keys(view: View) -> list[KeyRow]:
    """Gives the data keys that are not destroyed, by owner."""
    found = rows_of(view).select("SELECT * FROM keys WHERE purpose = 'data' ORDER BY owner", ())
    return [KeyRow._make(row) for row in found if row[-1] is not None]


def keyring_of(vault: Vault) -> Keyring:
    """Reaches behind a vault, to its keys."""
    return vault._keyring  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def remembered(vault: Vault) -> set[str]:
    """Gives the ids of the keys that are kept in memory."""
    return set(keyring_of(vault)._by_id)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


class Dying:
    """Kills its process when a step comes for the n-th time."""

    def __init__(self, at: str, nth: int) -> None:
        """Takes the step."""
        self._at = at
        self._nth = nth
        self._seen: Counter[str] = Counter()

    def __call__(self, step: str) -> None:
        """Counts a step."""
        self._seen[step] += 1
        if step == self._at and self._seen[step] == self._nth:
            os.kill(os.getpid(), signal.SIGKILL)


def turn_keys_until(root: Path, at: str, nth: int, told: Connection) -> None:
    """Rotates the vault's own keys, and is killed at a step."""
    with Site(root).open_noted() as vault:
        turn_keys(vault, Dying(at, nth))
    told.send("not killed")


def turn_kek_until(root: Path, uri: str, at: str, told: Connection) -> None:
    """Rotates the key that wraps them, and is killed at a step."""
    site = Site(root)
    with site.open_noted() as vault:
        turn_kek(site, vault, uri, Dying(at, 1))
    told.send("not killed")


def read_for_ever(root: Path, stop: Event, told: Connection) -> None:
    """Opens everything again and again; tells of the first round, and of all at the end."""
    with Site(root).open_noted() as vault:
        rounds, last = 0, False
        while not last:
            last = stop.is_set()
            try:
                check_readable(vault)
            except (VaultError, AssertionError) as error:
                told.send(f"{type(error).__name__}: {error}")
                return
            rounds += 1
            if rounds == 1:
                told.send("reading")
        told.send(rounds)


def write_for_ever(root: Path, stop: Event, told: Connection) -> None:
    """Stores new secrets of new owners all the time; tells how many."""
    with Site(root).open_noted() as vault:
        count = 0
        while not stop.is_set():
            store(vault, f"new_{count}", value=value_of(f"new_{count}"))
            count += 1
            if count == 1:
                told.send("writing")
        told.send(count)


def turn_at_once(root: Path, told: Connection) -> None:
    """Rotates the vault's own keys while others do, and tells how it went."""
    with Site(root).open_noted() as vault:
        try:
            turn_keys(vault)
        except IntegrityError:
            raise
        except VaultError as error:
            told.send(type(error).__name__)
        else:
            told.send("done")

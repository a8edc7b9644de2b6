"""Flips single bits all over a vault's file, and sees that nobody is ever told something wrong.

Run at full size: python -m tests.soak.bit_flips --flips 20000

After each flip one of three things must be: the vault refuses by name, the row refuses by name, or
everything reads as before. A list may be short of rows, for no list can prove that it is complete;
then the check fails. And no check passes where a live byte was changed.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, cast

import apsw

from clientary_connector.frontends.cli.bar import Bar
from connector_vault import LogQuery, Record, Transaction, Vault, VaultError
from connector_vault.sqlite import Connection
from tests.vault.ground import Place, append, calls, intent, store

PAGE = 4_096
SECRETS = (("con_1", "api_key"), ("con_2", "api_key"), ("con_3", "api_key"))
KINDS = ("connection", "grant", "vault", "ended")

#: What a reader sees at one place: a row or value, or rows; None stands for a named error.
Look: TypeAlias = tuple[str, object] | list[object] | None
Seen: TypeAlias = dict[str, Look]
Raw: TypeAlias = dict[str, list[object]]


@dataclass(frozen=True, slots=True)
class Flip:
    """One bit of the file."""

    offset: int
    bit: int


@dataclass(slots=True)
class Tally:
    """What came of all flips."""

    flips: int = 0
    #: How often each of the three things was.
    ends: Counter[str] = field(default_factory=Counter[str])
    #: What must not be.
    wrong: list[str] = field(default_factory=list[str])


def campaign(root: Path, *, flips: int, seed: int) -> Tally:
    """Makes a vault, and flips so many bits of its file, one at a time."""
    sound = Place(root / "sound")
    _fill(sound)
    whole = sound.database.read_bytes()
    subject = _Subject(sound, Place(root / "flipped"))
    tally, bar = Tally(), Bar()
    for flip in _chosen(whole, flips, random.Random(seed)):  # noqa: S311 - to choose, not to hide
        tally.flips += 1
        subject.try_one(whole, flip, tally)
        bar.show(f"{tally.flips} of {flips} flips", done=tally.flips, total=flips)
    bar.end()
    return tally


class _Subject:
    """A sound vault, and a place for copies of it with one bit flipped."""

    def __init__(self, sound: Place, flipped: Place) -> None:
        """Reads what the sound one holds, once."""
        self._place = flipped
        shutil.copytree(sound.root, flipped.root)
        self._raw = _raw(sound.database)
        with sound.open() as vault:
            self._seen = _look(vault)
            assert vault.verify().ok

    def try_one(self, whole: bytes, flip: Flip, tally: Tally) -> None:
        """Flips one bit, and sees what comes of it."""
        file = self._place.database
        for part in file.parent.iterdir():
            part.unlink()
        data = bytearray(whole)
        data[flip.offset] ^= 1 << flip.bit
        file.write_bytes(data)
        same = _raw(file) == self._raw
        try:
            with self._place.open() as vault:
                seen = _look(vault)
                passes = _passes(vault)
        except VaultError:
            tally.ends["the vault refuses"] += 1
            return
        except Exception as error:  # noqa: BLE001 - it is what the campaign looks for
            tally.wrong.append(f"{flip}: {type(error).__name__}: {error}")
            return
        for place, value in self._seen.items():
            if not _fits(seen[place], value, passes=passes):
                tally.wrong.append(
                    f"{flip}: {place} reads wrong ({passes=}): {_extra(seen[place], value)}"
                )
        if passes and not same:
            what = _difference(self._raw, _raw(file))
            tally.wrong.append(f"{flip}: a changed vault passes the check: {what}")
        tally.ends["reads as before" if seen == self._seen else "a row refuses"] += 1
        tally.ends["the check passes" if passes else "the check fails"] += 1


def _fits(now: Look, before: Look, *, passes: bool) -> bool:
    """Says whether what is read is an error, what was read before, or a part of that."""
    if now is None or now == before:
        return True
    if isinstance(now, list) and isinstance(before, list):
        return not passes and all(row in before for row in now)
    return False


def _extra(now: Look, before: Look) -> str:
    """Says what is read that was not there before, and how much is missing."""
    if not isinstance(now, list) or not isinstance(before, list):
        return repr(now)
    return f"{len(now)} of {len(before)}, new: {[row for row in now if row not in before]!r}"


def _difference(before: Raw | None, now: Raw | None) -> str:
    """Says which rows differ."""
    lines: list[str] = []
    for name, rows in (before or {}).items():
        others = (now or {}).get(name, [])
        lines += [f"{name} {row!r}" for row in others if row not in rows]
    return "; ".join(lines)


def _fill(place: Place) -> None:
    """Makes a vault with something of everything in it."""
    with place.create() as vault:
        for number in (1, 2, 3):
            for version in range(number):
                store(vault, f"con_{number}", value=f"canary-{number}-{version}")
            _put(vault, Record(kind="connection", id=f"con_{number}", name=f"n{number}", body={}))
            parent = f"con_{number}"
            grant = Record(kind="grant", id=f"{parent}/ada", parent=parent, body={"scopes": ["x"]})
            _put(vault, grant)
        calls(vault, 40)
        append(vault, intent(vault, "op_open"))
        vault.back_up(place.root / "backup.db")
        vault.write(lambda change: _revoke(change, vault))
        append(vault, intent(vault, "op_last"))


def _put(vault: Vault, record: Record) -> None:
    """Stores a new record, and logs it."""
    subject = f"{record.kind}:{record.id}"

    def put(change: Transaction) -> None:
        kept = change.put(record, expect=None)
        draft = vault.draft(kind=record.kind, subject=subject, revision=kept.revision)
        change.append(draft)

    vault.write(put)


def _revoke(change: Transaction, vault: Vault) -> None:
    """Closes one connection for good."""
    record = Record(kind="connection", id="con_3", body={"state": "revoked"})
    kept = change.put(record, expect=1, final=True)
    change.destroy_secrets("con_3")
    draft = vault.draft(kind="revoke", subject="connection:con_3", revision=kept.revision)
    change.append(draft)


def _chosen(whole: bytes, flips: int, dice: random.Random) -> Iterator[Flip]:
    """Chooses bits: so many of each page, wherever they are in it.

    Half of them are lowest bits: one of those makes a text of bytes, and bytes of a text.
    """
    pages = len(whole) // PAGE
    for number in range(flips):
        page = number % pages
        yield Flip(page * PAGE + dice.randrange(PAGE), dice.choice((0, dice.randrange(8))))


def _look(vault: Vault) -> Seen:
    """Reads all that there is to read, each thing by itself."""
    seen: Seen = {}
    for owner, name in SECRETS:
        seen[f"secret {owner}"] = _told(lambda: vault.open_secret(owner, name).reveal())  # noqa: B023 - called at once
    for kind in KINDS:
        seen[f"records {kind}"] = _told(lambda: vault.read(lambda view: view.records(kind)))  # noqa: B023 - called at once
    for number in (1, 2, 3):
        name = f"con_{number}"
        seen[name] = _told(lambda: vault.read(lambda view: view.record("connection", name)))  # noqa: B023 - called at once
    heads = _told(lambda: vault.read(lambda view: view.log_rows(LogQuery(), limit=100)))
    seen["log"] = heads
    late = LogQuery(since=1, until=1 << 60)
    seen["log by time"] = _told(lambda: vault.read(lambda view: view.log_rows(late, limit=100)))
    for seq in range(1, 100):
        row = _told(lambda: vault.read(lambda view: view.log_row(seq)))  # noqa: B023 - called at once
        seen[f"log {seq}"] = row
    return seen


def _told(look: Callable[[], object]) -> Look:
    """Gives what is read; a named error is None, and nothing there is nothing there."""
    try:
        found = look()
    except VaultError:
        return None
    return cast("list[object]", found) if isinstance(found, list) else ("read", found)


def _passes(vault: Vault) -> bool:
    """Says whether the check of everything passes; an error is no pass."""
    try:
        return vault.verify().ok
    except VaultError:
        return False


def _raw(file: Path) -> Raw | None:
    """Reads every live column without the vault; None if the file cannot be read."""
    # Without log_spans: a span that is too wide only makes a search slower, one too narrow fails.
    tables = (
        "vault",
        "keys",
        "secrets",
        "records",
        "log",
        *("log_open", "log_postings", "log_claims"),
    )
    try:
        connection = cast("Connection", apsw.Connection(str(file)))
        try:
            return {name: sorted(_rows(connection, name), key=repr) for name in tables}
        finally:
            connection.close()
    except (apsw.Error, UnicodeDecodeError):
        return None


def _rows(connection: Connection, table: str) -> list[object]:
    """Reads a table along its own tree, and not along an index."""
    # What is left of a destroyed key is its number, which nothing is opened or decided by.
    live = " WHERE sealed IS NOT NULL" if table == "keys" else ""
    return connection.execute(f"SELECT * FROM {table} NOT INDEXED{live}").fetchall()  # noqa: S608 - constants only


def main() -> int:
    """Runs the campaign, and says what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        tally = campaign(Path(root), flips=chosen.flips, seed=chosen.seed)
    sys.stdout.write(f"seed {chosen.seed}: {tally.flips} flips, {dict(tally.ends)}\n")
    for line in tally.wrong:
        sys.stdout.write(f"WRONG {line}\n")
    return 1 if tally.wrong or tally.flips == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

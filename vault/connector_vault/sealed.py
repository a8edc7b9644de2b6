"""Keeps secrets: sealed values that have an owner, a field, a version and a stage.

1. A version number is used once. Of the versions that were emptied the last keeps its row, and the
   log names it; so a secret has four rows at most, however often it was replaced.
2. The MAC of a row covers stage and revision. The revision counts the changes of owner and field
   together, stands in the log too, and is that of every row that is written with it: so neither an
   older version nor a whole older set of rows can be put back.
3. The value is bound to vault, owner, field and version. It opens nowhere else.
4. All secrets of an owner are sealed under one data key, and are gone when it is destroyed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from connector_vault import cipher
from connector_vault.anchor import Floors
from connector_vault.cipher import CipherError, Entropy, Key
from connector_vault.columns import SecretRow
from connector_vault.encoding import json_facts
from connector_vault.errors import IntegrityError, MisuseError, NotFoundError
from connector_vault.keyring import Keyring
from connector_vault.places import data_place
from connector_vault.rows import Rows
from connector_vault.secret import Secret

SUBJECT: Final = "secret"
#: So many rows are remembered as right.
_KNOWN_ROWS: Final = 1_024

#: Writes subject, revision and facts of a change into the log, in the same transaction.
Note: TypeAlias = Callable[[str, int, Mapping[str, Any]], None]


class SecretRows:
    """The secrets of one vault."""

    def __init__(self, keyring: Keyring, mac_key: Key, *, floors: Floors, entropy: Entropy) -> None:
        """Takes the keys that open and authenticate them, and what was destroyed for good."""
        self._keyring = keyring
        self._mac_key = mac_key
        self._floors = floors
        self._entropy = entropy
        #: Rows that were checked, and what their values are bound to.
        self._right: dict[tuple[str, str, int], tuple[SecretRow, bytes]] = {}

    def store(  # noqa: PLR0913 - two names, a value, a time, and where to read and note
        self, rows: Rows, owner: str, field: str, secret: Secret, *, at: int, note: Note
    ) -> int:
        """Makes the secret the current version; the one before it becomes the previous."""
        older = self.versions(rows, owner, field)
        version = older[-1].version + 1 if older else 1
        fresh = self.fresh(rows, (owner, field, version), secret, stage="current", at=at)
        later = {"previous": "retired", "current": "previous"}
        staged = [row._replace(stage=later.get(row.stage, row.stage)) for row in older]
        self.restage(rows, staged, fresh=fresh, note=note)
        return version

    def fresh(
        self, rows: Rows, name: tuple[str, str, int], secret: Secret, *, stage: str, at: int
    ) -> SecretRow:
        """Seals a secret as a new version, which `restage` stores; makes the data key if needed."""
        key = self._keyring.make(rows, data_place(name[0]), at)
        sealed = cipher.seal(key, secret.reveal().encode(), self._bound(*name), self._entropy)
        return SecretRow(*name, stage, at, 0, key.id, sealed, b"")

    def versions(self, rows: Rows, owner: str, field: str) -> list[SecretRow]:
        """Gives the versions with a value and the last that was emptied, oldest first, checked.

        Raises:
            IntegrityError: One of them was altered, put back or removed.
        """
        logged = rows.logged_change(subject(owner, field))
        found = [self.checked(row) for row in rows.secrets(owner, field)]
        if logged is not None:
            revision, facts = logged[0], json_facts(logged[1])
            there = [(row.stage, row.version) for row in found]
            held = facts is not None and all(one in there for one in facts.items())
            if not held or revision not in {row.revision for row in found}:
                raise IntegrityError(f"secrets {owner} {field}", "lacks what the log holds")
        return found

    def restage(
        self, rows: Rows, staged: Sequence[SecretRow], *, note: Note, fresh: SecretRow | None = None
    ) -> int:
        """Stores all versions of a field in the stages given, under one new revision.

        `staged` are the rows of `versions` with their new stages, and `fresh` is a new version.
        Gives the revision. A version that is retired here is emptied, and takes the place of the
        one that was before it.
        """
        every = [*staged, *([] if fresh is None else [fresh])]
        owner, field = every[0].owner, every[0].field
        revision = 1 + max(row.revision for row in every)
        last = max((row.version for row in staged if row.stage == "retired"), default=0)
        # The retired go first, and the newest stage last: the database holds one row to a stage.
        order = {"retired": 0, "previous": 1, "current": 2, "pending": 3}
        for row in sorted(staged, key=lambda one: order[one.stage]):
            if row.stage == "retired" and row.version < last:
                rows.delete_secret(row)
            else:
                rows.restage_secret(self._sealed(row, revision))
        if fresh is not None:
            rows.insert_secret(self._sealed(fresh, revision))
        note(subject(owner, field), revision, {row.stage: row.version for row in every})
        return revision

    def open(self, rows: Rows, owner: str, field: str) -> Secret:
        """Opens the current version.

        Raises:
            NotFoundError: There is none, or it was destroyed.
            IntegrityError: The row, or its key, was altered, moved or put back.
        """
        row = rows.current_secret(owner, field)
        if row is None:
            self.versions(rows, owner, field)
            raise NotFoundError(f"There is no secret {field!r} of {owner!r}.")
        # The index that led here is not authenticated: the row is checked as what was asked for.
        if (row.owner, row.field, row.stage) != (owner, field, "current"):
            row = row._replace(owner=owner, field=field, stage="current")
        return self.opened(rows, row)

    def opened(self, rows: Rows, row: SecretRow) -> Secret:
        """Opens one version that has a value.

        Raises:
            IntegrityError: The row, or its key, was altered, moved or put back.
        """
        return Secret(self._value(rows, row))

    def reseal(self, rows: Rows, row: SecretRow, *, at: int) -> None:
        """Seals a version under the data key in use; what is in it, and its revision, stay.

        Raises:
            IntegrityError: The row, or its key, was altered, moved or put back.
        """
        key = self._keyring.make(rows, data_place(row.owner), at)
        value = self._value(rows, row)
        bound = self._bound(row.owner, row.field, row.version)
        moved = row._replace(key_id=key.id, sealed=cipher.seal(key, value, bound, self._entropy))
        value[:] = bytes(len(value))
        rows.restage_secret(moved._replace(mac=self._mac(moved)))

    def destroy(self, rows: Rows, owner: str, *, note: Note) -> list[SecretRow]:
        """Destroys every version and the data key; gives their rows as they were."""
        every = [self.checked(row) for row in rows.secrets(owner)]
        for field in sorted({row.field for row in every if row.sealed is not None}):
            found = self.versions(rows, owner, field)
            self.restage(rows, [row._replace(stage="retired") for row in found], note=note)
        rows.destroy_keys(data_place(owner).purpose, owner)
        return every

    def checked(self, row: SecretRow) -> SecretRow:
        """Gives a row whose MAC is right, and whose revision is the newest if it has a value.

        Raises:
            IntegrityError: It was altered, moved or put back.
        """
        self._bound_of(row)
        return row

    def _bound_of(self, row: SecretRow) -> bytes:
        """Gives what the value of such a row is bound to.

        Raises:
            IntegrityError: It was altered, moved or put back.
        """
        bound = self._known(row)
        if row.sealed is not None and row.logged is not None and row.logged != row.revision:
            raise IntegrityError(_place(row), "is not what the log says")
        floor = self._floors.versions.get((row.owner, row.field), 0)
        if row.sealed is not None and row.version <= floor:
            raise IntegrityError(_place(row), "was destroyed and is put back")
        return bound

    def _known(self, row: SecretRow) -> bytes:
        """Gives what the value of a row is bound to whose MAC is right.

        Raises:
            IntegrityError: It was altered.
        """
        name = row[:3]
        known = self._right.get(name)
        # One that is kept from call to call, and so is the very same, was right and still is.
        if known is not None and known[0] is row:
            return known[1]
        if not self._mac_key.recognizes(self._mac_bound(row), row.mac):
            raise IntegrityError(_place(row))
        if len(self._right) >= _KNOWN_ROWS:
            self._right.clear()
        self._right[name] = (row, bound := self._bound(*name))
        return bound

    def _value(self, rows: Rows, row: SecretRow) -> bytearray:
        """Gives the value of a version."""
        bound = self._bound_of(row)
        if row.key_id is None or row.sealed is None or not row.openable:
            raise IntegrityError(_place(row), "stands without its key")
        key = self._keyring.opening(rows, row.key_id)
        try:
            return cipher.unseal(key, row.sealed, bound, again=True)
        except CipherError:
            raise IntegrityError(_place(row)) from None

    def _sealed(self, row: SecretRow, revision: int) -> SecretRow:
        """Gives a row under a new revision; a retired one is empty."""
        moved = row._replace(revision=revision)
        if row.stage == "retired":
            moved = moved._replace(key_id=None, sealed=None)
        return moved._replace(mac=self._mac(moved))

    def _mac(self, row: SecretRow) -> bytes:
        """Computes what the MAC of a row must be."""
        return self._mac_key.mac(self._mac_bound(row))

    def _mac_bound(self, row: SecretRow) -> bytes:
        """Gives what the MAC of a row is made of."""
        return cipher.context("secret-row", self._keyring.vault, *row[:8])

    def _bound(self, owner: str, field: str, version: int) -> bytes:
        """Gives what a value is bound to."""
        return cipher.context("secret", self._keyring.vault, owner, field, version)


def subject(owner: str, field: str) -> str:
    """Names the secret in the log. A field has no slash, so no two names are alike.

    Raises:
        MisuseError: The field has a slash.
    """
    if "/" in field:
        raise MisuseError("The name of a field has no slash.")
    return f"{SUBJECT}:{owner}/{field}"


def _place(row: SecretRow) -> str:
    """Names a row by its place alone."""
    return f"secrets {row.owner} {row.field} {row.version}"

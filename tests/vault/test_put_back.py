"""Proves that rows which were valid once are not taken for true again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from connector_vault import IntegrityError, MisuseError, NotFoundError, Secret, Vault, View
from connector_vault.sqlite import Connection, SqlValue
from tests.vault.ground import CANARY, Place, store

pytestmark = [pytest.mark.requirement("threat.2"), pytest.mark.requirement("vault.secrets")]

NEWER = f"{CANARY}-newer"


def rows_of(place: Place, *tables: str) -> dict[str, list[tuple[SqlValue, ...]]]:
    """Copies whole tables, as somebody does who means to put them back."""
    with place.edited() as file:
        return {name: file.execute(f"SELECT * FROM {name}").fetchall() for name in tables}  # noqa: S608 - constants only


def put_back(place: Place, before: dict[str, list[tuple[SqlValue, ...]]]) -> None:
    """Puts whole tables back."""
    with place.edited() as file:
        for name, rows in before.items():
            _replace(file, name, rows)


def _replace(file: Connection, name: str, rows: Sequence[tuple[SqlValue, ...]]) -> None:
    file.execute(f"DELETE FROM {name}")  # noqa: S608 - constants only
    for row in rows:
        file.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 - constants only


def _rotate(vault: Vault) -> None:
    store(vault, value=NEWER)


def _rotate_twice(vault: Vault) -> None:
    store(vault, value="between")
    store(vault, value=NEWER)


def _destroy(vault: Vault) -> None:
    vault.write(lambda change: change.destroy_secrets("con_1"))


@pytest.mark.parametrize("tables", [("secrets",), ("secrets", "keys")])
@pytest.mark.parametrize("change", [_rotate, _rotate_twice, _destroy])
def test_a_whole_set_of_older_rows_is_refused(
    place: Place, change: Callable[[Vault], None], tables: tuple[str, ...]
) -> None:
    """Each row has a right MAC, stage and key; the log knows of a newer revision."""
    with place.create() as vault:
        store(vault)
        before = rows_of(place, *tables)
        change(vault)
        put_back(place, before)
        with pytest.raises(IntegrityError, match="secrets con_1 api_key 1"):
            vault.open_secret("con_1", "api_key")
        places = {fault.place for fault in vault.verify().faults}
        assert "secrets con_1 api_key 1" in places


def test_nothing_can_be_stored_over_older_rows(place: Place) -> None:
    """Whoever rotates next is told, instead of building on what was put back."""
    with place.create() as vault:
        store(vault)
        before = rows_of(place, "secrets")
        _rotate(vault)
        put_back(place, before)
        with pytest.raises(IntegrityError):
            store(vault, value="next")
        with pytest.raises(IntegrityError):
            _destroy(vault)


def test_the_old_row_beside_the_new_one_is_refused(place: Place) -> None:
    """The previous version, put back as it was when it was current, does not open as current."""
    with place.create() as vault:
        store(vault)
        (old,) = rows_of(place, "secrets")["secrets"]
        _rotate(vault)
        with place.edited() as file:
            file.execute("DELETE FROM secrets WHERE stage = 'current'")
            file.execute("DELETE FROM secrets WHERE version = 1")
            _insert(file, old)
        with pytest.raises(IntegrityError):
            vault.open_secret("con_1", "api_key")


def _insert(file: Connection, row: tuple[SqlValue, ...]) -> None:
    marks = ", ".join("?" * len(row))
    file.execute(f"INSERT INTO secrets VALUES ({marks})", row)  # noqa: S608 - constants only


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM secrets",
        "DELETE FROM secrets WHERE version = 2",
        "DELETE FROM secrets WHERE stage = 'current'",
    ],
)
def test_rows_taken_out_are_not_a_secret_that_never_was(place: Place, statement: str) -> None:
    """The log holds what there was; the error is not the one of a secret that is not there."""
    with place.create() as vault:
        store(vault)
        _rotate(vault)
        with place.edited() as file:
            file.execute(statement)
        with pytest.raises(IntegrityError, match="con_1 api_key"):
            vault.open_secret("con_1", "api_key")
        places = {fault.place for fault in vault.verify().faults}
        assert "secrets con_1 api_key" in places
        with pytest.raises(NotFoundError):
            vault.open_secret("con_2", "api_key")


def test_other_secrets_are_not_touched_by_one_that_was_put_back(place: Place) -> None:
    """Each field of each owner counts for itself."""
    with place.create() as vault:
        for owner in ("con_1", "con_2"):
            store(vault, owner, value=owner)
        before = [row for row in rows_of(place, "secrets")["secrets"] if row[0] == "con_1"]
        _rotate(vault)
        with place.edited() as file:
            file.execute("DELETE FROM secrets WHERE owner = 'con_1'")
            _insert(file, before[0])
        assert vault.open_secret("con_2", "api_key").reveal() == "con_2"


def test_each_change_of_a_secret_stands_in_the_log_without_its_value(place: Place) -> None:
    """Stored, rotated and destroyed: three rows that say which version is in which stage."""
    with place.create() as vault:
        store(vault)
        _rotate(vault)
        _destroy(vault)

        def logged(view: View) -> list[tuple[str | None, int | None, object]]:
            rows = [view.log_row(seq) for seq in (1, 2, 3)]
            return [(row.subject, row.revision, row.facts) for row in rows if row]

        subject = "secret:con_1/api_key"
        assert vault.read(logged) == [
            (subject, 1, {"current": 1}),
            (subject, 2, {"previous": 1, "current": 2}),
            (subject, 3, {"retired": 2}),
        ]
    assert CANARY.encode() not in place.bytes_on_disk()


def test_two_secrets_never_share_a_name_in_the_log(vault: Vault) -> None:
    """A slash in an owner is fine, and one in a field is refused."""
    store(vault, "a/b", "c", value="one")
    with pytest.raises(MisuseError, match="no slash"):
        vault.write(lambda t: t.store_secret(owner="a", field="b/c", secret=Secret("two")))
    assert vault.open_secret("a/b", "c").reveal() == "one"
    with pytest.raises(MisuseError, match="no slash"):
        vault.open_secret("a", "b/c")

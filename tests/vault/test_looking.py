"""Tests of short looks: what is known already is not read again, and never believed too long."""

from __future__ import annotations

from functools import partial
from threading import Event, Thread

import pytest

from connector_vault import (
    IntegrityError,
    MisuseError,
    NotFoundError,
    Record,
    Secret,
    Transaction,
    Vault,
    View,
)
from tests.vault.ground import Place

pytestmark = pytest.mark.requirement("vault.look")


def state(view: View) -> str | None:
    """Reads the state of the one record."""
    found = view.record("connection", "con_1")
    return None if found is None else str(found.body["state"])


def put(vault: Vault, state: str, expect: int | None = None) -> None:
    """Stores the one record in a state."""
    record = Record(kind="connection", id="con_1", body={"state": state})
    vault.write(lambda log: log.put(record, expect=expect))


def test_a_look_sees_what_this_process_has_committed(vault: Vault) -> None:
    """Each commit is seen by the next look, also before the first write and after failed work."""
    assert vault.look(state) is None
    put(vault, "active")
    assert vault.look(state) == "active"

    def fail(log: Transaction) -> None:
        log.put(Record(kind="connection", id="con_1", body={"state": "undone"}), expect=1)
        assert state(log) == "undone"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        vault.write(fail)
    assert vault.look(state) == "active"
    put(vault, "revoked", expect=1)
    assert vault.look(state) == "revoked"


def test_a_look_sees_what_another_process_has_committed(place: Place) -> None:
    """What another connection commits is seen at once, whether or not it has the key."""
    with place.create() as vault, place.open() as other:
        put(vault, "active")
        assert vault.look(state) == other.look(state) == "active"
        put(other, "revoked", expect=1)
        assert vault.look(state) == "revoked"
        with place.edited() as file:
            file.execute("DELETE FROM records WHERE kind = 'connection'")
        assert vault.look(state) is None


def test_a_look_refuses_what_was_edited_after_it_was_seen(place: Place) -> None:
    """A row that was right a moment ago is checked again once the file has changed."""
    with place.create() as vault:
        put(vault, "active")
        assert vault.look(state) == "active"
        with place.edited() as file:
            file.execute('UPDATE records SET body = \'{"state":"other"}\'')
        with pytest.raises(IntegrityError, match="records connection con_1"):
            vault.look(state)


def test_a_secret_that_was_opened_is_gone_once_it_is_destroyed(place: Place) -> None:
    """The row that was kept does not outlive the commit that empties it, whoever commits."""
    with place.create() as vault, place.open() as other:
        vault.write(lambda log: log.store_secret(owner="a", field="key", secret=Secret("k" * 20)))
        vault.write(lambda log: log.store_secret(owner="b", field="key", secret=Secret("k" * 20)))
        for owner, by in (("a", vault), ("b", other)):
            assert vault.open_secret(owner, "key").reveal() == "k" * 20
            by.write(partial(Transaction.destroy_secrets, owner=owner))
            with pytest.raises(NotFoundError):
                vault.open_secret(owner, "key")


def test_the_end_of_the_log_is_read_again_after_somebody_else_wrote(place: Place) -> None:
    """What this connection has left at the end is believed until another one commits."""
    with place.create() as vault, place.open() as other:
        for number, one in enumerate((vault, vault, other, vault, other, other), 1):
            draft = one.draft(kind="tend")
            assert one.write(partial(Transaction.append, draft=draft)) == number
        assert vault.verify_log().ok
        with place.edited() as file:
            file.execute("DELETE FROM log WHERE seq = 6")
        with pytest.raises(IntegrityError, match="log 6"):
            other.write(partial(Transaction.append, draft=other.draft(kind="tend")))


def test_a_look_waits_for_nobody_who_writes(vault: Vault) -> None:
    """While a group is open, a look sees what was committed before it."""
    put(vault, "active")
    inside, go_on = Event(), Event()

    def work(log: Transaction) -> None:
        log.put(Record(kind="connection", id="con_1", body={"state": "revoked"}), expect=1)
        inside.set()
        assert go_on.wait(30)

    writer = Thread(target=vault.write, args=(work,))
    writer.start()
    assert inside.wait(30)
    assert vault.look(state) == "active"
    go_on.set()
    writer.join()
    assert vault.look(state) == "revoked"


def test_what_looks_cannot_write(vault: Vault) -> None:
    """A look that calls for a write would wait for itself."""
    put(vault, "active")
    with pytest.raises(MisuseError, match="Work cannot call the vault"):
        vault.look(lambda _: vault.write(state))


def test_what_is_recalled_is_what_was_seen_a_moment_ago(place: Place) -> None:
    """What this process commits is recalled at once; what others commit, with the next look."""
    with place.create() as vault, place.open() as other:
        assert vault.recall(state) is None
        put(vault, "active")
        assert vault.look(state) == vault.recall(state) == "active"
        put(vault, "paused", expect=1)
        assert vault.recall(state) == "paused"
        put(other, "revoked", expect=2)
        assert vault.recall(state) in {"paused", "revoked"}
        assert vault.look(state) == vault.recall(state) == "revoked"


def test_nothing_is_recalled_that_was_not_committed(vault: Vault) -> None:
    """While a group is open that changes a record, it is read as it was before."""
    put(vault, "active")
    assert vault.look(state) == "active"
    inside, go_on = Event(), Event()

    def work(log: Transaction) -> None:
        log.put(Record(kind="connection", id="con_1", body={"state": "revoked"}), expect=1)
        assert state(log) == "revoked"
        inside.set()
        assert go_on.wait(30)
        raise ZeroDivisionError

    def fail() -> None:
        with pytest.raises(ZeroDivisionError):
            vault.write(work)

    writer = Thread(target=fail)
    writer.start()
    assert inside.wait(30)
    assert vault.recall(state) == "active"
    go_on.set()
    writer.join()
    assert vault.recall(state) == "active"


def test_a_secret_that_is_opened_as_of_a_moment_ago_is_gone_with_the_next_look(
    place: Place,
) -> None:
    """Destroyed here it is gone at once; destroyed elsewhere, with the next look."""
    with place.create() as vault, place.open() as other:
        for owner in ("a", "b"):
            vault.write(partial(_store, owner=owner))
            assert vault.open_secret(owner, "key", lately=True).reveal() == "k" * 20
        vault.write(partial(Transaction.destroy_secrets, owner="a"))
        with pytest.raises(NotFoundError):
            vault.open_secret("a", "key", lately=True)
        other.write(partial(Transaction.destroy_secrets, owner="b"))
        with pytest.raises(NotFoundError):
            vault.open_secret("b", "key")
        with pytest.raises(NotFoundError):
            vault.open_secret("b", "key", lately=True)


@pytest.mark.requirement("vault.fence")
def test_nothing_is_recalled_from_before_the_fence_was_cleared(place: Place) -> None:
    """Whoever has cleared it after a change knows that every process goes by the change."""
    with place.create() as vault, place.open() as other:
        put(vault, "active")
        for revision in range(1, 6):
            vault.look(state)
            put(other, f"state {revision}", expect=revision)
            assert other.fence.clear(limit_s=10)
            assert vault.recall(state) == f"state {revision}"


def _store(log: Transaction, *, owner: str) -> int:
    return log.store_secret(owner=owner, field="key", secret=Secret("k" * 20))

"""Proves that the vault's own keys are replaced while it is in use, and that nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import apsw
import pytest

from connector_vault import (
    ConflictError,
    LeaseHeldError,
    LeaseLostError,
    Secret,
    Transaction,
    Vault,
)
from connector_vault.errors import RotationOpenError
from connector_vault.kekrotator import KekRotator
from connector_vault.keyrotation import KIND, Stage
from connector_vault.keyrotator import STEPS, KeyRotator
from connector_vault.provider import KeyProvider
from connector_vault.status import status
from tests.vault.ground import Clock, Place, append, intent, raw, row_of
from tests.vault.turning import (
    EDGES,
    USERS,
    Site,
    StopError,
    check_readable,
    check_whole,
    data_keys,
    is_held,
    keyring_of,
    later,
    remembered,
    stop_at,
    turn_keys,
    value_of,
)

pytestmark = [pytest.mark.requirement("keys.turning"), pytest.mark.slow]


@pytest.fixture
def vault(site: Site) -> Iterator[Vault]:
    """Opens it."""
    with site.open_noted() as opened:
        yield opened


def test_every_key_hangs_on_a_new_term_and_every_secret_on_a_new_key(
    site: Site, vault: Vault
) -> None:
    """All is read as before, and nothing of the old keys is left but an empty row."""
    before = _sealed(site)
    report = turn_keys(vault)
    assert (report.number, report.left, report.scrubbed) == (1, (), True)
    assert (report.rewrapped, report.renewed, report.secrets) == (10, 5, 10)
    check_readable(vault)
    check_whole(vault)
    after = site.bytes_on_disk()
    assert [name for name, sealed in before.items() if sealed in after] == []
    states = site.rows("SELECT purpose, state, count(*) FROM keys GROUP BY 1, 2")
    assert states == [
        ("audit", "current", 2),
        ("data", "current", 5),
        ("log-mac", "current", 1),
        ("log-sign", "current", 1),
        ("record-mac", "current", 1),
        ("term", "current", 1),
        ("term", "destroyed", 1),
    ]
    with site.open_noted() as again:
        check_readable(again)


def test_the_steps_are_told_in_their_order_each_batch_too(vault: Vault) -> None:
    """What the tests of kills go through is what there is."""
    told: list[str] = []
    turn_keys(vault, told.append)
    seen = [(step, told[: number + 1].count(step)) for number, step in enumerate(told)]
    assert sorted(seen) == sorted(EDGES)
    assert list(dict.fromkeys(told)) == list(STEPS)


def test_a_second_rotation_is_refused_at_every_step_of_the_first(site: Site, vault: Vault) -> None:
    """Neither the same one nor the other kind begins while one is under way."""
    with site.open_noted() as other:

        def meddle(step: str) -> None:
            if not is_held(step):
                return
            with pytest.raises(LeaseHeldError):
                turn_keys(other)
            with pytest.raises((LeaseHeldError, RotationOpenError)):
                KekRotator(other).rotate(site.new_key, switch=site.switch)

        turn_keys(vault, meddle)
        check_readable(other)
    check_whole(vault)


def test_a_rotation_that_was_overtaken_changes_nothing_more(site: Site, vault: Vault) -> None:
    """Its lease ran out while it slept: the other one ends it, and it is shut out."""
    with site.open_noted() as other:

        def overtake(step: str) -> None:
            if step == "before retire":
                turn_keys(other, late=True)

        with pytest.raises(LeaseLostError):
            turn_keys(vault, overtake)
        check_readable(vault)
        check_whole(other)


def test_a_kek_rotation_waits_for_the_end_of_a_rotation_of_keys(site: Site, vault: Vault) -> None:
    """The open one is named, and nothing is begun."""
    with pytest.raises(StopError):
        turn_keys(vault, stop_at("before retire"))
    with pytest.raises(RotationOpenError, match="own keys"):
        KekRotator(vault, clock=later).rotate(site.new_key, switch=site.switch)
    assert status(vault).key_rotation is not None
    turn_keys(vault, late=True)
    check_whole(vault)


#: So long is the database of others looked at; who holds it here holds it until the look is over.
BUSY_MS = 300


class Watched:
    """A provider that sees whether anybody could write while it was asked."""

    def __init__(self, provider: KeyProvider, database: Path) -> None:
        """Takes the one that answers."""
        self._provider = provider
        self._database = database
        self.id, self.fingerprint = provider.id, provider.fingerprint
        self.free: list[bool] = []

    def wrap(self, material: bytes | bytearray, bound: bytes) -> bytes:
        """Seals key material."""
        return self._provider.wrap(material, bound)

    def unwrap(self, sealed: bytes, bound: bytes) -> bytearray:
        """Opens key material, after a look whether the database is free."""
        file = raw(self._database)
        file.set_busy_timeout(BUSY_MS)
        try:
            file.execute("BEGIN IMMEDIATE")
            self.free.append(True)
        except apsw.BusyError:
            self.free.append(False)
        finally:
            file.close()
        return self._provider.unwrap(sealed, bound)


@pytest.mark.parametrize("loop", [False, True], ids=["thread", "loop"])
def test_nobody_waits_while_the_provider_opens_a_term_of_another_process(
    site: Site, vault: Vault, *, loop: bool
) -> None:
    """The first write after such a rotation needs the new term: it is opened before it begins."""
    with site.open_noted() as other:
        turn_keys(other)
    keyring = keyring_of(vault)
    watched = keyring.provider = Watched(keyring.provider, site.database)
    if loop:
        asyncio.run(vault.write_async(_store_new))
    else:
        vault.write(_store_new)
    assert watched.free == [True]
    assert vault.open_secret("con_new", "api_key").reveal() == "canary-new"
    check_whole(vault)


def test_a_write_that_needs_one_more_term_goes_on(site: Site, vault: Vault) -> None:
    """What was opened ahead is not all that it takes: the rest is asked for inside."""
    keyring = keyring_of(vault)
    watched = keyring.provider = Watched(keyring.provider, site.database)

    def work(log: Transaction) -> None:
        _store_new(log)
        keyring.forget()
        log.keys.key(log.keys.current_term().id)

    vault.write(work)
    assert watched.free == [True, False]
    assert vault.open_secret("con_new", "api_key").reveal() == "canary-new"


def _store_new(log: Transaction) -> int:
    """Stores the first secret of a new owner."""
    with Secret("canary-new") as secret:
        return log.store_secret(owner="con_new", field="api_key", secret=secret)


def test_nothing_is_retired_while_something_hangs_on_it(vault: Vault) -> None:
    """Neither a term with keys, nor the term in use, nor a data key with secrets."""
    with pytest.raises(StopError):
        turn_keys(vault, stop_at("before rewrap"))
    old, current = vault.read(
        lambda view: (view.keys.older_terms()[0], view.keys.current_term().id)
    )
    assert vault.read(lambda view: view.keys.hanging(old)) == 10
    for term in (old, current):
        with pytest.raises(ConflictError, match="hang on it"):
            vault.write(partial(_retire_term, term))
    with pytest.raises(ConflictError, match="2 secrets hang on it"):
        vault.write(lambda log: log.keys.retire_key(data_keys(log)[0]))
    check_readable(vault)


def test_a_key_that_was_altered_is_left_and_told(site: Site, vault: Vault) -> None:
    """Its term stays, and so does everything else; the rotation says so, and is due again."""
    with site.edited() as file:
        file.execute("UPDATE keys SET sealed = zeroblob(100) WHERE owner = 'ada'")
        (key_id,) = file.execute("SELECT id FROM keys WHERE owner = 'ada'").fetchone()
    report = turn_keys(vault)
    assert report.left == (f"keys {key_id}",)
    found = status(vault)
    assert [term.keys for term in found.terms] == [9, 1]
    assert found.key_rotation is None
    assert KeyRotator(vault).due() <= datetime.now(UTC) + timedelta(days=30)
    assert turn_keys(vault).left == (f"keys {key_id}",)


def test_a_secret_that_was_altered_keeps_its_key_and_is_told(site: Site, vault: Vault) -> None:
    """All others are renewed, and this one's key waits with it."""
    with site.edited() as file:
        file.execute(
            "UPDATE secrets SET sealed = zeroblob(length(sealed)) "
            "WHERE owner = 'con_3' AND stage = 'current'"
        )
    report = turn_keys(vault)
    assert report.left == ("secrets con_3 api_key 2",)
    assert report.renewed == 4
    (retired,) = status(vault).retired
    assert (retired.owner, retired.secrets) == ("con_3", 1)
    assert vault.open_secret("con_4", "api_key").reveal() == value_of("con_4")


def test_an_older_term_that_is_lost_is_told(site: Site, vault: Vault) -> None:
    """Nobody can rewrap what hangs on it; the rest goes on."""
    with site.edited() as file:
        file.execute("UPDATE keys SET sealed = zeroblob(100) WHERE owner = 'ada'")
    turn_keys(vault)
    (old,) = vault.read(lambda view: view.keys.older_terms())
    with site.edited() as file:
        file.execute("UPDATE keys SET sealed = zeroblob(100) WHERE id = ?", (old,))
    with site.open_noted() as other:
        assert turn_keys(other).left == (f"keys {old}",)
        assert [term.keys for term in status(other).terms] == [9, 1]


def test_the_rotation_stands_in_the_log_under_its_user(vault: Vault) -> None:
    """Each stage is a row, and the record that decides has its revision there."""
    KeyRotator(vault).rotate(user="ada")
    rows = [row_of(vault, seq + 1) for seq in range(vault.read(lambda view: view.last_seq()))]
    told = [row for row in rows if row.kind == "rotate"]
    assert [row.facts["stage"] for row in told] == ["rewrapping", "renewing", "ended"]
    assert {row.user for row in told} == {"ada"}
    assert {row.subject for row in told} == {f"{KIND}:vault"}
    record = vault.read(lambda view: view.record(KIND, "vault"))
    assert record is not None
    assert record.revision == told[-1].revision
    assert record.body["stage"] == Stage.ENDED


def test_keys_are_due_a_month_after_they_were_made_or_rotated(place: Place) -> None:
    """One that was cut short is due at once."""
    clock = Clock()
    month = timedelta(days=30)
    with Vault.create(place.database, key=place.key, clock=clock) as vault:
        rotator = KeyRotator(vault, clock=clock)
        made = datetime.fromtimestamp(clock.now, UTC)
        assert rotator.due() == made + month
        clock.now += 86_400
        rotator.rotate()
        assert rotator.due() == made + timedelta(days=31)
        assert rotator.due(timedelta(days=7)) == made + timedelta(days=8)
        clock.now += 86_400
        with pytest.raises(StopError):
            KeyRotator(vault, clock=clock, on_step=stop_at("before rewrap")).rotate()
        assert rotator.due() == made + timedelta(days=2)


def test_progress_is_told_up_to_the_end(vault: Vault) -> None:
    """Each kind of work ends at its own total."""
    told: list[tuple[str, int, int]] = []

    def tell(what: str, done: int, total: int) -> None:
        told.append((what, done, total))

    KeyRotator(vault).rotate(batch=4, told=tell)
    assert [what for what in told if what[0] == "keys rewrapped"][-1][1:] == (10, 10)
    assert [what for what in told if what[0] == "data keys renewed"][-1][1:] == (5, 5)


def test_a_secret_destroyed_in_the_middle_stays_destroyed(vault: Vault) -> None:
    """Its retired key goes with it, and the rotation ends."""

    def destroy(step: str) -> None:
        if step == "before renew":
            vault.write(lambda log: log.destroy_secrets("con_2"))

    report = turn_keys(vault, destroy)
    assert report.left == ()
    versions = vault.read(lambda view: view.secret_versions("con_2", "api_key"))
    assert {one.stage for one in versions} == {"retired"}
    assert vault.verify().ok


def test_the_memory_of_this_process_keeps_no_key_that_is_gone(vault: Vault) -> None:
    """A data key that was removed is dropped, and so wiped, at once."""
    check_readable(vault)
    old = {row.id for row in vault.read(data_keys)}
    assert old <= remembered(vault)
    turn_keys(vault)
    assert not old & remembered(vault)


def test_audit_keys_still_open_and_seal_after_a_rotation(vault: Vault) -> None:
    """New rows are sealed under the same key of user and month."""
    turn_keys(vault)
    for user in USERS:
        seq = append(vault, intent(vault, f"op_new_{user}", user=user))
        assert vault.open_payload(row_of(vault, seq)) == b"why and what"
    assert status(vault).keys["audit"] == {"current": 2}


def _retire_term(term: str, log: Transaction) -> None:
    """Retires a term."""
    log.keys.retire_term(term)


def _sealed(site: Site) -> dict[str, bytes]:
    """Gives every wrapped key and sealed secret as it is stored now."""
    keys = site.rows("SELECT purpose || ' ' || id, sealed FROM keys")
    secrets = site.rows("SELECT owner || version, sealed FROM secrets WHERE sealed IS NOT NULL")
    return dict([*keys, *secrets])

"""Proves that a vault goes over from one key of a provider to another, and opens all the time."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector_vault import (
    ConflictError,
    IntegrityError,
    LeaseHeldError,
    Secret,
    Vault,
    VaultLockedError,
)
from connector_vault.errors import RotationOpenError
from connector_vault.kekrotator import STEPS, KekRotator
from connector_vault.keyrotation import Stage
from connector_vault.providers import Means, create_key, key_file
from connector_vault.status import status
from tests.vault.ground import row_of
from tests.vault.loopback import serving
from tests.vault.transit_server import TOKEN, TransitServer
from tests.vault.turning import (
    Site,
    StopError,
    check_readable,
    check_whole,
    is_held,
    stop_at,
    turn_kek,
    turn_keys,
)

pytestmark = [pytest.mark.requirement("keys.kek"), pytest.mark.slow]


@pytest.fixture
def vault(site: Site) -> Iterator[Vault]:
    """Opens the vault with the key of its note."""
    with site.open_noted() as opened:
        yield opened


def test_a_vault_goes_over_to_another_key(site: Site, vault: Vault) -> None:
    """The old key opens it no more, and no file holds what it had wrapped."""
    slots = site.rows("SELECT sealed FROM keys WHERE purpose = 'term'")
    before = vault.fingerprint
    report = turn_kek(site, vault, site.new_key)
    assert (report.before, report.fingerprint) == (before, vault.fingerprint)
    assert (report.terms, report.keys, report.open, report.scrubbed) == (1, 10, False, True)
    assert before != vault.fingerprint
    check_readable(vault)
    check_whole(vault)
    assert slots[0][0] not in site.bytes_on_disk()
    assert site.uri() == site.new_key
    with pytest.raises(VaultLockedError, match=vault.fingerprint):
        site.open()
    with site.open_noted() as again:
        check_readable(again)


def test_the_steps_are_told_in_their_order(site: Site, vault: Vault) -> None:
    """What the tests of kills go through is what there is."""
    told: list[str] = []
    turn_kek(site, vault, site.new_key, told.append)
    assert told == list(STEPS)


def test_a_vault_with_several_terms_goes_over_with_all_of_them(site: Site, vault: Vault) -> None:
    """Older terms that something hangs on get their second slot too."""
    with site.edited() as file:
        file.execute("UPDATE keys SET sealed = zeroblob(100) WHERE owner = 'ada'")
    turn_keys(vault)
    with site.edited() as file:
        file.execute("DELETE FROM keys WHERE owner = 'ada'")
    assert len(vault.read(lambda view: view.keys.older_terms())) == 1
    report = turn_kek(site, vault, site.new_key)
    assert report.terms == 2
    assert {one.opened_by for one in status(vault).terms} == {(vault.fingerprint,)}


def test_either_key_opens_the_vault_while_both_slots_stand(site: Site, vault: Vault) -> None:
    """At every step; the note names one that does."""
    keys = [site.key, site.new_key]

    def look(step: str) -> None:
        with site.open_noted() as other:
            check_readable(other)
        if step in {"before promote", "after switch", "before retire"}:
            for uri in keys:
                with Vault.open(site.database, key=uri) as other:
                    check_readable(other)
                    assert len(status(other).terms[0].opened_by) == 2

    turn_kek(site, vault, site.new_key, look)


def test_a_second_rotation_is_refused_at_every_step_of_the_first(site: Site, vault: Vault) -> None:
    """Neither to the same key nor to another, and not of the vault's own keys either."""
    third = f"file:{site.root / 'keys' / 'third.key'}"
    create_key(third)
    with site.open_noted() as other:

        def meddle(step: str) -> None:
            if not is_held(step):
                return
            for uri in (site.new_key, third):
                with pytest.raises(LeaseHeldError):
                    turn_kek(site, other, uri)
            with pytest.raises((LeaseHeldError, RotationOpenError)):
                turn_keys(other)

        turn_kek(site, vault, site.new_key, meddle)
    check_whole(vault)


def test_an_open_rotation_takes_no_third_key(site: Site, vault: Vault) -> None:
    """Nor the vault's own rotation. It goes on with its own, and the error shows fingerprints."""
    with pytest.raises(StopError):
        turn_kek(site, vault, site.new_key, stop_at("before promote"))
    third = f"file:{site.root / 'keys' / 'third.key'}"
    fingerprint = create_key(third).fingerprint
    with pytest.raises(RotationOpenError, match=fingerprint):
        turn_kek(site, vault, third, late=True)
    with pytest.raises(RotationOpenError, match="wraps the vault's own keys"):
        turn_keys(vault, late=True)
    assert site.uri() == site.key
    turn_kek(site, vault, site.new_key, late=True)
    check_whole(vault)


@pytest.mark.parametrize("at", ["after begin", "after add", "after promote", "after switch"])
def test_an_open_rotation_can_go_back(site: Site, vault: Vault, at: str) -> None:
    """Whoever asks for the key that it came from gets that one, wherever it was."""
    before = vault.fingerprint
    with pytest.raises(StopError):
        turn_kek(site, vault, site.new_key, stop_at(at))
    (key_file(site.new_key) or Path()).unlink()
    report = turn_kek(site, vault, site.key, late=True)
    assert (report.fingerprint, report.open) == (before, False)
    assert site.uri() == site.key
    check_readable(vault)
    check_whole(vault)
    with site.open_noted() as again:
        check_readable(again)


@pytest.mark.requirement("threat.8")
@pytest.mark.parametrize("at", ["after begin", "after add", "after promote", "after switch"])
def test_a_new_key_that_is_lost_or_wrong_ends_nothing(site: Site, vault: Vault, at: str) -> None:
    """The rotation stays open, no other key is made in its place, and nothing is written."""
    with pytest.raises(StopError):
        turn_kek(site, vault, site.new_key, stop_at(at))
    path = key_file(site.new_key) or Path()
    kept = path.rename(path.with_suffix(".kept"))
    before = site.dump()
    with pytest.raises(VaultLockedError, match=str(path)):
        turn_kek(site, vault, site.new_key, late=True)
    assert not path.exists()
    assert site.dump() == before
    create_key(site.new_key)
    with pytest.raises(RotationOpenError):
        turn_kek(site, vault, site.new_key, late=True)
    check_readable(vault)
    path.unlink()
    kept.rename(path)
    turn_kek(site, vault, site.new_key, late=True)
    check_whole(vault)


@pytest.mark.requirement("threat.8")
def test_a_new_key_that_others_can_read_begins_nothing(site: Site, vault: Vault) -> None:
    """It is refused by name before a row is written."""
    create_key(site.new_key)
    (key_file(site.new_key) or Path()).chmod(0o644)
    before = site.dump()
    with pytest.raises(VaultLockedError, match="chmod 600"):
        turn_kek(site, vault, site.new_key)
    with pytest.raises(VaultLockedError, match="outside"):
        turn_kek(site, vault, f"file:{site.database.parent / 'new.key'}")
    assert site.dump() == before


def test_a_key_that_does_not_open_stops_the_rotation(site: Site, vault: Vault) -> None:
    """Every row is opened before the new key is the one in use; both slots stay."""
    with site.edited() as file:
        file.execute("UPDATE keys SET sealed = zeroblob(100) WHERE owner = 'con_3'")
    with pytest.raises(IntegrityError, match="keys "):
        turn_kek(site, vault, site.new_key)
    assert site.uri() == site.key
    found = status(vault)
    assert found.key_rotation is not None
    assert found.key_rotation.stage is Stage.ADDING
    turn_kek(site, vault, site.key)
    assert status(vault).key_rotation is None


def test_a_slot_that_was_altered_or_lost_is_not_promoted(site: Site, vault: Vault) -> None:
    """The new slot must open, and hold the very same term."""
    for change in ("DELETE FROM keys", "UPDATE keys SET sealed = zeroblob(100)"):

        def alter(step: str, change: str = change) -> None:
            if step == "after add":
                with site.edited() as file:
                    file.execute(f"{change} WHERE state = 'staged'")

        with pytest.raises(IntegrityError):
            turn_kek(site, vault, site.new_key, alter)
        turn_kek(site, vault, site.key)
    with pytest.raises(ConflictError, match="do not open"):
        vault.write(lambda log: log.keys.promote("another"))
    with pytest.raises(ConflictError, match="do not open"):
        vault.write(lambda log: log.keys.retire_slots("another"))
    check_readable(vault)


def test_who_cannot_switch_leaves_both_keys_in_use(site: Site, vault: Vault) -> None:
    """A host that is told of its key from outside changes that first, and then ends it."""
    report = KekRotator(vault).rotate(site.new_key, switch=lambda _: False)
    assert report.open
    for uri in (site.key, site.new_key):
        with Vault.open(site.database, key=uri) as other:
            check_readable(other)
    with Vault.open(site.database, key=site.new_key) as other:
        ended = KekRotator(other).rotate(site.new_key, switch=lambda _: True)
        assert not ended.open
        check_whole(other)


def test_the_same_key_in_another_place_is_only_written_down(site: Site, vault: Vault) -> None:
    """Nothing is wrapped anew, and nothing stands in the log."""
    old = key_file(site.key) or Path()
    new = key_file(site.new_key) or Path()
    new.write_bytes(old.read_bytes())
    new.chmod(0o600)
    rows = vault.read(lambda view: view.last_seq())
    report = turn_kek(site, vault, site.new_key)
    assert (report.terms, report.open) == (0, False)
    assert site.uri() == site.new_key
    assert vault.read(lambda view: view.last_seq()) == rows


def test_the_rotation_stands_in_the_log_with_both_fingerprints(site: Site, vault: Vault) -> None:
    """Each stage is a row, under the user."""
    before = vault.fingerprint
    KekRotator(vault).rotate(site.new_key, switch=site.switch, user="ada")
    rows = [row_of(vault, seq + 1) for seq in range(vault.read(lambda view: view.last_seq()))]
    told = [row for row in rows if row.kind == "rotate"]
    assert [row.facts["stage"] for row in told] == ["adding", "promoted", "ended"]
    assert {(row.user, row.facts["source"], row.facts["target"]) for row in told} == {
        ("ada", before, vault.fingerprint)
    }


def test_another_process_that_is_open_follows_the_note(site: Site, vault: Vault) -> None:
    """What it needs a new term for, it opens with the key that the note names by then."""
    with site.open_noted() as other:
        turn_kek(site, vault, site.new_key)
        turn_keys(vault)
        check_readable(other)
        assert other.fingerprint == vault.fingerprint
        turn_keys(other)
        check_whole(other)


def test_another_process_with_a_fixed_key_is_told_which_it_needs(site: Site, vault: Vault) -> None:
    """It goes on with what it has, until it needs a new term."""
    with site.open() as other:
        turn_kek(site, vault, site.new_key)
        check_readable(other)
        turn_keys(vault)
        with pytest.raises(VaultLockedError, match=vault.fingerprint):
            check_readable(other)
        with pytest.raises(VaultLockedError, match=vault.fingerprint):
            turn_keys(other)


@pytest.fixture
def origin() -> Iterator[str]:
    """Serves a transit engine with a key."""
    server = TransitServer()
    server.rotate("vault")
    with serving(server) as address:
        yield address


@pytest.mark.parametrize("kind", ["env", "passphrase", "transit"])
def test_a_vault_goes_over_to_a_key_of_any_kind_and_back(
    site: Site, vault: Vault, origin: str, kind: str
) -> None:
    """There and back, with all that was written in between."""
    uri, means = _brought(site, origin)[kind]
    KekRotator(vault).rotate(uri, means=means, switch=site.switch)
    check_whole(vault)
    with Vault.open(site.database, key=site.uri, means=means) as opened:
        check_readable(opened)
        turn_keys(opened)
        KekRotator(opened).rotate(site.key, means=means, switch=site.switch)
        check_readable(opened)
        check_whole(opened)
    with site.open() as opened:
        check_readable(opened)


def _brought(site: Site, origin: str) -> dict[str, tuple[str, Means]]:
    """Gives a key of each kind, and the means to use it."""

    def ask(place: str, *, new: bool) -> Secret:  # noqa: ARG001 - it has one file
        return Secret("a passphrase of some length")

    environ = {"KEY": base64.b64encode(bytes(range(32))).decode(), "VAULT_TOKEN": TOKEN}
    return {
        "env": ("env:KEY", Means(environ=environ)),
        "passphrase": (f"passphrase:{site.root / 'keys' / 'salt'}", Means(passphrase=ask)),
        "transit": (f"transit:{origin}/team/transit/vault", Means(environ=environ)),
    }

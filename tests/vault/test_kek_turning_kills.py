"""Proves that a rotation of the provider's key survives a kill at any step."""

from __future__ import annotations

import signal

import pytest

from connector_vault import Vault, VaultLockedError
from connector_vault.kekrotator import STEPS
from tests.forking import PROCESSES, started
from tests.vault.turning import (
    Site,
    check_readable,
    check_whole,
    read_for_ever,
    turn_kek,
    turn_kek_until,
    turn_keys,
)

pytestmark = [pytest.mark.requirement("keys.kek", "threat.14"), pytest.mark.slow]


@pytest.mark.parametrize("back", [False, True], ids=["forth", "back"])
@pytest.mark.parametrize("at", STEPS)
def test_a_rotation_of_the_key_that_is_killed_is_finished_by_the_next(
    site: Site, at: str, *, back: bool
) -> None:
    """The note names a key that opens the vault; running it ends it, there or back, at once."""
    process, told = started(turn_kek_until, site.root, site.new_key, at)
    process.join()
    told.close()
    assert process.exitcode == -signal.SIGKILL
    wanted, other = (site.key, site.new_key) if back else (site.new_key, site.key)
    with site.open_noted() as vault:
        check_readable(vault)
        assert vault.verify().ok
        report = turn_kek(site, vault, wanted)
        assert not report.open
        check_readable(vault)
        check_whole(vault)
    assert site.uri() == wanted
    with site.open_noted() as vault:
        check_readable(vault)
    with pytest.raises(VaultLockedError):
        Vault.open(site.database, key=other)


def test_a_reader_in_another_process_never_notices(site: Site) -> None:
    """It opens everything, while key and terms are rotated there and back."""
    stop = PROCESSES.Event()
    reader, reads = started(read_for_ever, site.root, stop)
    assert reads.recv() == "reading"
    with site.open_noted() as vault:
        for uri in (site.new_key, site.key, site.new_key):
            turn_kek(site, vault, uri)
            turn_keys(vault)
        stop.set()
        rounds = reads.recv()
        reader.join()
        assert isinstance(rounds, int), rounds
        check_whole(vault)
    assert rounds >= 2

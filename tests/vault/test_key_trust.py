"""Proves how long a provider's word counts, and that its keys leave the memory when it ends."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from threading import Event

import pytest

from connector_vault import IntegrityError, Vault, VaultLockedError
from connector_vault.providers import Means
from connector_vault.trust import PAUSE_S, Trust
from tests.vault.ground import CANARY, Clock, Place, append, intent, row_of, store
from tests.vault.loopback import serving
from tests.vault.transit_server import TOKEN, TransitServer
from tests.vault.turning import data_keys, remembered

pytestmark = pytest.mark.requirement("keys.trust")

TTL_S = 100.0
#: Seconds in which the server must have answered.
LIMIT_S = 0.3


class Faraway:
    """A vault whose key is in a transit engine, and the clock that its trust goes by."""

    def __init__(self, place: Place, origin: str, server: TransitServer) -> None:
        """Makes the vault and opens it."""
        self.server = server
        self.clock = Clock(0.0)
        self._place = place
        self._key = f"transit:{origin}/team/transit/vault"
        self._means = Means(environ={"VAULT_TOKEN": TOKEN}, answer_limit_s=LIMIT_S)
        with Vault.create(place.database, key=self._key, means=self._means) as made:
            store(made)
            append(made, intent(made))
        self.vault = self.opened()

    def opened(self) -> Vault:
        """Opens the vault once more."""
        return Vault.open(
            self._place.database,
            key=self._key,
            means=self._means,
            trust=Trust(TTL_S, self.clock),
        )

    def secret(self) -> str:
        """Opens the secret."""
        return self.vault.open_secret("con_1", "api_key").reveal()


@pytest.fixture
def faraway(place: Place) -> Iterator[Faraway]:
    """Serves a transit engine, and opens a vault whose key is there."""
    server = TransitServer()
    server.rotate("vault")
    with serving(server) as origin:
        made = Faraway(place, origin, server)
        with made.vault:
            yield made


def test_within_its_time_nobody_asks_the_provider(faraway: Faraway) -> None:
    """It may be down, and everything opens."""
    assert faraway.secret() == CANARY
    faraway.server.sealed = True
    asked = len(faraway.server.asked)
    faraway.clock.now = TTL_S * 0.7
    assert faraway.secret() == CANARY
    assert len(faraway.server.asked) == asked


@pytest.mark.requirement("threat.9")
@pytest.mark.parametrize("fault", ["sealed", "slow"])
def test_when_its_time_is_over_a_provider_that_is_down_locks_what_is_sealed(
    faraway: Faraway, fault: str
) -> None:
    """Neither secrets nor payloads open, within the limit; rows are still read and written.

    Only a user who was not seen before has no key yet under which a row could be sealed.
    """
    assert faraway.secret() == CANARY
    append(faraway.vault, intent(faraway.vault, "op_before"))
    setattr(faraway.server, fault, True)
    faraway.clock.now = TTL_S + 1
    begun = time.monotonic()
    with pytest.raises(VaultLockedError):
        faraway.secret()
    assert time.monotonic() - begun < LIMIT_S + 5
    with pytest.raises(VaultLockedError):
        faraway.vault.open_payload(row_of(faraway.vault, 2))
    assert remembered(faraway.vault) == set()
    append(faraway.vault, intent(faraway.vault, "op_refused"))
    with pytest.raises(VaultLockedError):
        intent(faraway.vault, user="new")
    append(faraway.vault, faraway.vault.draft(kind="refusal", user="new"))
    assert faraway.vault.verify_log().ok


def test_whoever_waits_for_the_provider_can_do_so_elsewhere(faraway: Faraway) -> None:
    """An event loop lets a thread ask, and opens without waiting from then on."""
    assert not faraway.vault.expired
    faraway.clock.now = TTL_S + 1
    assert faraway.vault.expired
    faraway.vault.renew()
    asked = len(faraway.server.asked)
    assert not faraway.vault.expired
    assert faraway.secret() == CANARY
    assert len(faraway.server.asked) == asked


@pytest.mark.requirement("threat.9")
def test_a_provider_that_gave_no_answer_is_let_alone_for_a_while(faraway: Faraway) -> None:
    """Everybody else is refused at once, and it is asked again after the pause."""
    faraway.server.sealed = True
    faraway.clock.now = TTL_S + 1
    with pytest.raises(VaultLockedError, match="sealed"):
        faraway.secret()
    asked = len(faraway.server.asked)
    for _ in range(5):
        with pytest.raises(VaultLockedError, match="Try again soon"):
            faraway.secret()
    assert len(faraway.server.asked) == asked
    faraway.server.sealed = False
    faraway.clock.now += PAUSE_S
    assert faraway.secret() == CANARY


@pytest.mark.requirement("threat.9")
def test_a_provider_that_takes_its_key_away_locks_the_vault(faraway: Faraway) -> None:
    """The key was destroyed over there: when the time is over, nothing opens here."""
    assert faraway.secret() == CANARY
    del faraway.server.keys["vault"]
    faraway.clock.now = TTL_S + 1
    with pytest.raises((VaultLockedError, IntegrityError)):
        faraway.secret()


def test_before_its_time_is_over_the_provider_is_asked_in_a_thread(faraway: Faraway) -> None:
    """Who opens something does not wait for it; from then on a new time runs."""
    assert faraway.secret() == CANARY
    before = faraway.vault.read(data_keys)[0].id
    assert before in remembered(faraway.vault)
    faraway.clock.now = TTL_S * 0.8
    asked = len(faraway.server.asked)
    assert faraway.secret() == CANARY
    _until(lambda: len(faraway.server.asked) > asked)
    _until(lambda: not _asking(faraway.vault))
    faraway.server.sealed = True
    faraway.clock.now = TTL_S * 1.5
    assert faraway.secret() == CANARY


def test_a_provider_that_fails_ahead_of_time_disturbs_nobody(faraway: Faraway) -> None:
    """What was unwrapped counts until its time is over."""
    faraway.server.sealed = True
    faraway.clock.now = TTL_S * 0.8
    asked = len(faraway.server.asked)
    assert faraway.secret() == CANARY
    _until(lambda: len(faraway.server.asked) > asked)
    _until(lambda: not _asking(faraway.vault))
    assert faraway.secret() == CANARY


def test_a_term_that_changed_behind_the_provider_is_refused(faraway: Faraway) -> None:
    """What it unwraps must be what it was."""
    assert faraway.secret() == CANARY
    term = faraway.vault.read(lambda view: view.keys.key(view.keys.current_term().id))
    term.material[0] ^= 1
    faraway.clock.now = TTL_S + 1
    with pytest.raises(IntegrityError, match=term.id):
        faraway.secret()


def test_one_thread_asks_for_all() -> None:
    """Many who come when the time is almost over start one question."""
    clock, asked, go = Clock(0.0), list[int](), Event()
    trust = Trust(TTL_S, clock)
    trust.renew()
    clock.now = TTL_S * 0.9

    def ask() -> None:
        asked.append(1)
        go.wait(10)

    for _ in range(5):
        trust.see_to(ask, ahead=ask)
    go.set()
    _until(lambda: trust.fresh)
    assert asked == [1]
    assert not trust.over


def test_closing_wipes_what_opens_secrets(place: Place) -> None:
    """The bytes of term and data key are gone from the memory at once."""
    vault = place.create()
    store(vault)
    assert vault.open_secret("con_1", "api_key").reveal() == CANARY
    held = [bytes_of(vault, row.id) for row in vault.read(data_keys)]
    held.append(bytes_of(vault, vault.read(lambda view: view.keys.current_term().id)))
    assert all(any(material) for material in held)
    vault.close()
    assert not any(any(material) for material in held)


@pytest.mark.requirement("vault.fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_a_child_that_is_forked_has_no_key_in_its_memory(vault: Vault) -> None:
    """Neither those that open secrets nor those of the MACs, even if it never asks for them."""
    store(vault)
    assert vault.open_secret("con_1", "api_key").reveal() == CANARY
    held = [bytes_of(vault, row.id) for row in vault.read(data_keys)]
    held.append(bytes_of(vault, vault.read(lambda view: view.keys.current_term().id)))
    held.append(vault._tools.record_mac.material)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    child = os.fork()
    if child == 0:
        os._exit(7 if any(any(material) for material in held) else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert all(any(material) for material in held)
    assert vault.open_secret("con_1", "api_key").reveal() == CANARY


def bytes_of(vault: Vault, key_id: str) -> bytearray:
    """Gives the very bytes of a key, and holds no key."""
    keyring = vault._keyring  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return keyring._by_id[key_id].material  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _asking(vault: Vault) -> bool:
    """Says whether somebody is asking the provider just now."""
    trust = vault._keyring._trust  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return trust._asking.locked()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _until(done: Callable[[], bool]) -> None:
    """Waits until something is so."""
    limit = time.monotonic() + 20
    while not done():
        assert time.monotonic() < limit
        os.sched_yield()

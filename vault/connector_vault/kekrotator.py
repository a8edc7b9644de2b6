"""Rotates the key that wraps the vault's terms: from one key of a provider to another.

1. Every term gets a second slot, wrapped by the new key. The key in use stays the one in use.
2. Every term is opened with the new key and compared with what it was; then every key that hangs
   on it is opened. Only then the new slots become the ones in use.
3. The caller writes down, in one step, which key opens the vault from now on.
4. Only then the old slots are removed, and the journal is cleared of them.

Between 1 and 4 either key opens the vault. Killed anywhere, it goes on where it was; or back, if
it is asked to go to the key that it came from. Terms and what hangs on them stay as they are: if
somebody may have the old key and an old copy of the vault, rotate the vault's own keys as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from connector_vault.cipher import Key
from connector_vault.columns import KeyRow
from connector_vault.errors import RotationOpenError
from connector_vault.keyrotation import Stage, What
from connector_vault.keyrotator import LEASE_S
from connector_vault.keyrun import Ground, KeyRun, OnStep, Told, joins, nothing, stored, untold
from connector_vault.keyshelf import Batch
from connector_vault.lease import Monotonic
from connector_vault.provider import KeyProvider
from connector_vault.providers import Means, create_key, key_file, load_key
from connector_vault.unlocking import check_apart
from connector_vault.vault import Clock, Vault
from connector_vault.view import View

#: Writes down which key opens the vault from now on. False says that somebody else has to, and
#: leaves both slots as they are.
Switch: TypeAlias = Callable[[str], bool]

_ARROWS: Final = (
    *("key", "lease", "begin", "wrap", "add", "verify", "promote", "switch", "retire"),
    *("release", "scrub"),
)
#: Every step of a rotation, in its order; `wrap` comes once a term.
STEPS: Final = tuple(f"{side} {arrow}" for arrow in _ARROWS for side in ("before", "after"))

#: So many keys are opened in one snapshot, so that a long check does not hold the journal.
_CHECKED: Final = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class KekReport:
    """What came of a rotation of the provider's key."""

    #: The fingerprint that the vault had, and the one that it has.
    before: str
    fingerprint: str
    #: Terms that were wrapped anew, and keys that were opened to see that they can be.
    terms: int
    keys: int
    #: Whether the older key still opens the vault, because the caller did not switch.
    open: bool
    #: Whether nothing of the old slots is left in the journal either.
    scrubbed: bool


class KekRotator:
    """Rotates the provider's key of one vault. It blocks; give it a thread."""

    def __init__(
        self,
        vault: Vault,
        *,
        clock: Clock = time.time,
        monotonic: Monotonic = time.monotonic,
        on_step: OnStep = nothing,
        lease_s: float = LEASE_S,
    ) -> None:
        """Takes the vault; `on_step` is told of every step."""
        self._vault = vault
        self._ground = Ground(
            vault=vault, clock=clock, monotonic=monotonic, on_step=on_step, lease_s=lease_s
        )

    def rotate(
        self,
        uri: str,
        *,
        switch: Switch,
        means: Means | None = None,
        told: Told = untold,
        user: str | None = None,
    ) -> KekReport:
        """Goes over to the key that a URI names, or goes on with doing so, to the end.

        The key is made where it can be and there is none, but not where a rotation is open.

        Raises:
            LeaseHeldError: Another process is at work on the keys.
            LeaseLostError: Another process has taken the work over.
            RotationOpenError: A rotation to another key, or of the vault's own keys, is open.
            VaultLockedError: One of the two keys is missing, wrong or out of reach.
            IntegrityError: A key does not open; both slots stay.
        """
        check_apart(self._vault.path, key_file(uri))
        before = self._vault.fingerprint
        provider = self._brought(uri, means or Means())
        with KeyRun(self._ground, user=user) as run:
            terms = keys = 0
            moving = self._begun(run, provider)
            if moving:
                terms = self._add(run, provider)
                keys = self._verify(run, provider, told)
                self._promote(run, provider, keys)
            switched = self._switch(run, switch, uri)
            if moving and switched:
                self._retire(run, provider)
        return KekReport(
            before=before,
            fingerprint=provider.fingerprint,
            terms=terms,
            keys=keys,
            open=moving and not switched,
            scrubbed=moving and switched and self._scrub(),
        )

    def _brought(self, uri: str, means: Means) -> KeyProvider:
        """Finds the key to go to, before anything is written."""
        self._ground.on_step("before key")
        # A rotation that is open has its key: another one must not appear in its place.
        find = load_key if joins(self._vault.read(stored), What.KEK) else create_key
        provider = find(uri, means)
        self._ground.on_step("after key")
        return provider

    def _begun(self, run: KeyRun, provider: KeyProvider) -> bool:
        """Begins a rotation, or joins the open one; False says that there is nothing to do."""
        if run.opened(What.KEK):
            pair = (run.rotation.source, run.rotation.target)
            if provider.id not in pair:
                raise RotationOpenError(
                    f"A rotation from the key with fingerprint {pair[0]} to {pair[1]} is open, "
                    f"and this one has {provider.fingerprint}. Go on with one of those two first."
                )
            return True
        wrappers = self._vault.read(lambda view: {row.wrapper for row in view.keys.terms()})
        if wrappers == {provider.id}:
            return False
        source = self._vault.read(lambda view: view.keys.current_term().wrapper)
        run.begin(What.KEK, Stage.ADDING, source=source, target=provider.id)
        return True

    def _add(self, run: KeyRun, provider: KeyProvider) -> int:
        """Gives every term a slot for the new key."""
        slots: list[KeyRow] = []
        for term in self._vault.read(lambda view: view.keys.lacking(provider.id)):
            run.step("before wrap")
            slots.append(self._vault.read(partial(_wrapped, term, provider)))
            run.step("after wrap")
            run.keep()
        if slots:
            run.commit("add", lambda log: log.keys.add(slots))
        return len(slots)

    def _verify(self, run: KeyRun, provider: KeyProvider, told: Told) -> int:
        """Opens every term with the new key; on the way there, every key that hangs on it too."""
        run.step("before verify")
        terms = self._vault.read(lambda view: sorted({row.id for row in view.keys.terms()}))
        opened = [self._vault.read(partial(_opened, term, provider)) for term in terms]
        forth = run.rotation.target == provider.id and run.rotation.stage is Stage.ADDING
        done = self._open_all(run, opened, told) if forth else 0
        run.step("after verify")
        return done

    def _open_all(self, run: KeyRun, terms: Sequence[Key], told: Told) -> int:
        """Opens every key that hangs on a term; gives their number."""
        total = self._vault.read(lambda view: sum(view.keys.hanging(term.id) for term in terms))
        done = 0
        for term in terms:
            batch = self._vault.read(partial(_checked, term, ""))
            while batch.done:
                done += batch.done
                told("keys opened", done, total)
                run.keep()
                batch = self._vault.read(partial(_checked, term, batch.last))
        return done

    def _promote(self, run: KeyRun, provider: KeyProvider, keys: int) -> None:
        """Makes the slots of a key the ones in use."""
        pair = (run.rotation.source, run.rotation.target)
        run.move(
            "promote",
            Stage.PROMOTED,
            lambda log: log.keys.promote(provider.id),
            source=next(one for one in pair if one != provider.id),
            target=provider.id,
            done=keys,
        )
        self._vault.read(lambda view: view.keys.use(provider))

    def _switch(self, run: KeyRun, switch: Switch, uri: str) -> bool:
        """Has the caller write down which key opens the vault from now on."""
        run.step("before switch")
        switched = switch(uri)
        run.step("after switch")
        return switched

    def _retire(self, run: KeyRun, provider: KeyProvider) -> None:
        """Removes the old slots."""
        run.move("retire", Stage.ENDED, lambda log: log.keys.retire_slots(provider.id))

    def _scrub(self) -> bool:
        """Clears the journal of what was overwritten."""
        self._ground.on_step("before scrub")
        scrubbed = self._vault.scrub()
        self._ground.on_step("after scrub")
        return scrubbed


def _wrapped(term: str, provider: KeyProvider, view: View) -> KeyRow:
    """Wraps a term for its second slot."""
    return view.keys.wrapped(term, provider)


def _opened(term: str, provider: KeyProvider, view: View) -> Key:
    """Opens a term with the new key."""
    return view.keys.opened(term, provider)


def _checked(term: Key, after: str, view: View) -> Batch:
    """Opens some of the keys that hang on a term."""
    return view.keys.check(term, after, _CHECKED)

"""Plays the service whose keys are rotated: a file that says which keys it accepts, and hooks.

Every process of a test can ask it, as every process can ask a real service.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connector_vault import Secret
from connector_vault.hooks import RotationContext, Verdict, hookimpl

OURS = "acme"
FIRST = "canary-key-0-of-acme"


@dataclass(frozen=True)
class FarSide:
    """The service: accepted keys with their accounts, and what was asked of it."""

    path: Path

    @classmethod
    def made(cls, path: Path) -> FarSide:
        """Starts with one key of our account."""
        path.write_text(json.dumps({"keys": {FIRST: OURS}, "sets": [], "silent": False}))
        return cls(path)

    def accepts(self, key: str) -> str | None:
        """Gives the account that a key opens."""
        account: str | None = self.state()["keys"].get(key)
        return account

    def state(self) -> dict[str, Any]:
        """Gives all that it knows."""
        with self._held() as state:
            return state

    def allow(self, key: str, account: str = OURS) -> None:
        """Accepts a key from now on."""
        with self._held() as state:
            state["keys"][key] = account

    def forbid(self, key: str) -> None:
        """Accepts a key no longer."""
        with self._held() as state:
            state["keys"].pop(key, None)

    def silence(self, *, silent: bool) -> None:
        """Answers nobody, or everybody again."""
        with self._held() as state:
            state["silent"] = silent

    def set(self, key: str, *, single: bool) -> None:
        """Brings a key into effect; a single one takes the place of all before it."""
        with self._held() as state:
            state["keys"] = {key: OURS} if single else {**state["keys"], key: OURS}
            state["sets"].append(key)

    def ask(self, key: str) -> Verdict:
        """Says what it says to a key."""
        with self._held() as state:
            if state["silent"]:
                return Verdict.NO_ANSWER
            account = state["keys"].get(key)
        if account is None:
            return Verdict.REFUSED
        return Verdict.ACCEPTED if account == OURS else Verdict.OTHER_ACCOUNT

    @contextmanager
    def _held(self) -> Generator[dict[str, Any]]:
        with self.path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            state = json.load(file)
            yield state
            file.seek(0)
            file.truncate()
            json.dump(state, file)


@dataclass(eq=False)
class ByHand:
    """Hooks for a service in which a person makes and deletes the keys."""

    far: FarSide
    told: list[str] = field(default_factory=list[str])

    @hookimpl
    def rotation_test(self, secret: Secret) -> Verdict:
        """Asks the service."""
        return self.far.ask(secret.reveal())

    @hookimpl
    def rotation_retire(self, secret: Secret) -> bool:
        """Looks whether the person has deleted the old key."""
        return self.far.ask(secret.reveal()) is Verdict.REFUSED

    @hookimpl
    def rotation_done(self, context: RotationContext) -> None:
        """Notes what it was told."""
        self.told.append(f"done {context.number}")

    @hookimpl
    def rotation_failed(self, reason: str) -> None:
        """Notes what it was told."""
        self.told.append(f"failed: {reason}")


@dataclass(eq=False)
class Automatic(ByHand):
    """Hooks for a service that makes and deletes keys itself, one at a time or several."""

    single: bool = False
    #: Is called inside of every hook, before and after what it does outside.
    inside: Callable[[str], None] = field(default=lambda _: None)

    @hookimpl
    def rotation_create(self, context: RotationContext) -> Secret:
        """Makes a key that the service does not accept yet."""
        self.inside("inside create")
        return Secret(f"canary-key-{context.number}-of-acme")

    @hookimpl
    def rotation_set(self, secret: Secret) -> None:
        """Has the service accept it."""
        self.inside("inside set, before")
        self.far.set(secret.reveal(), single=self.single)
        self.inside("inside set, after")

    @hookimpl
    def rotation_finish(self, context: RotationContext) -> None:
        """Has nothing to do but to be seen."""
        del context
        self.inside("inside finish")

    @hookimpl(tryfirst=True)
    def rotation_retire(self, secret: Secret) -> bool:
        """Has the service forget the old key."""
        self.inside("inside retire, before")
        self.far.forbid(secret.reveal())
        self.inside("inside retire, after")
        return True


#: The places inside of hooks, before and after what they do outside.
INSIDE = (
    "inside create",
    "inside set, before",
    "inside set, after",
    "inside finish",
    "inside retire, before",
    "inside retire, after",
)

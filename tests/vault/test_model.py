"""Proves the vault against a simple model: used, rotated, revoked, restarted, killed in any order.

The vault lives in a process of its own. Where that is killed in the middle of something, the
model knows two states that may be there afterwards, before and after, and nothing in between.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.forking import started
from tests.vault.model_child import live

DONE: Final = "done"
NOT_FOUND, CONFLICT = "error NotFoundError", "error ConflictError"
#: A rotation that was cut short goes on before another begins.
OPEN: Final = "error RotationOpenError"
OWNERS: Final = st.integers(0, 2)
EXAMPLES, STEPS = 5, 40


@dataclass(slots=True)
class Owner:
    """What the model knows of one connection."""

    state: str = "active"
    pending: str | None = None
    current: str | None = None
    previous: str | None = None


@dataclass(slots=True)
class Model:
    """What the vault must hold: connections by id, and calls with whether they have ended."""

    owners: dict[str, Owner] = field(default_factory=dict[str, Owner])
    calls: dict[str, bool] = field(default_factory=dict[str, bool])

    def shown(self) -> dict[str, Any]:
        """Shows it as the vault does."""
        owners = {
            name: {
                "state": owner.state,
                "pending": owner.pending,
                "current": owner.current,
                "previous": owner.previous,
            }
            for name, owner in self.owners.items()
        }
        return {"owners": owners, "calls": self.calls}

    def connect(self, owner: str, secret: str) -> str:
        """Makes a connection."""
        self.owners[owner] = Owner(current=secret)
        return DONE

    def use(self, owner: str, operation: str) -> str:
        """Makes a call; gives what it is sent with."""
        known = self.owners[owner]
        if known.current is None:
            return NOT_FOUND
        self.calls[operation] = True
        return known.current

    def offer(self, owner: str, secret: str) -> str:
        """Stores a candidate."""
        known = self.owners[owner]
        if known.current is None:
            return NOT_FOUND
        if known.pending is not None:
            return CONFLICT
        known.pending = secret
        return DONE

    def promote(self, owner: str) -> str:
        """Makes the candidate the current version."""
        known = self.owners[owner]
        if known.pending is None:
            return NOT_FOUND
        known.previous, known.current, known.pending = known.current, known.pending, None
        return DONE

    def settle(self, owner: str) -> str:
        """Lets go of the candidate and of the previous version."""
        known = self.owners[owner]
        known.pending = known.previous = None
        return DONE

    def revoke(self, owner: str) -> str:
        """Closes a connection for good."""
        if self.owners[owner].state != "active":
            return NOT_FOUND
        self.owners[owner] = Owner(state="revoked")
        return DONE


class Life:
    """One process that holds the vault, from its start to its end."""

    def __init__(self, root: Path, lives: int, done: list[str]) -> None:
        """Starts it and waits until the vault is open; `done` takes what is done with it."""
        self._done = done
        done.append(f"process {lives}")
        self._process, self._line = started(live, root, lives)
        assert self.answer() == "ready"

    def tell(self, **command: object) -> None:
        """Gives a command and does not wait for it."""
        self._done.append(json.dumps(command))
        self._line.send(command)

    def answer(self) -> Any:  # noqa: ANN401 - what a command comes to
        """Waits for the answer to a command; None where the process has died."""
        try:
            return self._line.recv()
        except (EOFError, ConnectionError):
            return None

    def ask(self, **command: object) -> Any:  # noqa: ANN401 - what a command comes to
        """Gives a command and waits for its answer."""
        self.tell(**command)
        return self.answer()

    def kill(self) -> Any:  # noqa: ANN401 - what a command comes to
        """Kills it; gives what it has said before."""
        self._done.append("kill")
        self._process.kill()
        said = self.answer()
        self.end()
        return said

    def end(self) -> None:
        """Waits for its end."""
        self._line.close()
        self._process.join()


class VaultMachine(RuleBasedStateMachine):
    """Does things with a vault in any order, and compares it with the model."""

    def __init__(self) -> None:
        """Starts with an empty vault."""
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._numbers = count()
        self._names: dict[int, str] = {}
        self._model = Model()
        self._done: list[str] = []
        self._lives = 0
        self._life = self._born()

    @rule(slot=OWNERS)
    def connect(self, slot: int) -> None:
        """Makes a connection, under a new id in place of one that was revoked."""
        name = self._names.get(slot)
        if name is None or self._model.owners[name].state == "revoked":
            self._names[slot] = f"con_{next(self._numbers)}"
            self._does("connect", owner=self._names[slot], secret=self._secret())

    @precondition(lambda self: self._names)
    @rule(slot=OWNERS)
    def use(self, slot: int) -> None:
        """Makes a call, also with a connection that was revoked."""
        self._does("use", **self._arguments(slot, "use"))

    @precondition(lambda self: self._names)
    @rule(slot=OWNERS)
    def offer(self, slot: int) -> None:
        """Stores a candidate, also where there is one."""
        self._does("offer", **self._arguments(slot, "offer"))

    @precondition(lambda self: self._names)
    @rule(slot=OWNERS)
    def promote(self, slot: int) -> None:
        """Makes the candidate the current version, also where there is none."""
        self._does("promote", **self._arguments(slot, "promote"))

    @precondition(lambda self: self._names)
    @rule(slot=OWNERS)
    def settle(self, slot: int) -> None:
        """Lets go of the versions that are not in use."""
        self._does("settle", **self._arguments(slot, "settle"))

    @precondition(lambda self: self._names)
    @rule(slot=OWNERS)
    def rotate_at_once(self, slot: int) -> None:
        """Takes a secret from one version to the next without anything between."""
        for name in ("offer", "promote"):
            self._does(name, **self._arguments(slot, name))

    @precondition(lambda self: self._names)
    @rule(slot=OWNERS)
    def revoke(self, slot: int) -> None:
        """Closes a connection for good, also one that is closed."""
        self._does("revoke", **self._arguments(slot, "revoke"))

    @precondition(lambda self: self._names)
    @rule(
        slot=OWNERS,
        name=st.sampled_from(("use", "offer", "promote", "settle", "revoke")),
        wait=st.booleans(),
    )
    def die_while_doing(self, slot: int, name: str, *, wait: bool) -> None:
        """Kills the process at any moment of what it does; it has happened, or not at all."""
        before, arguments = deepcopy(self._model), self._arguments(slot, name)
        after = deepcopy(before)
        expected = getattr(after, name)(**arguments)
        self._life.tell(do=name, **arguments)
        told = wait and self._life.answer() == expected
        said = self._life.kill()
        self._same(said, None, expected)
        if told or said is not None:
            self._reborn(after)
        else:
            self._reborn(before, *_halfway(after, arguments), after)

    @rule(number=st.integers(1, 2), name=st.sampled_from(("keys", "kek")))
    def rotate(self, number: int, name: str) -> None:
        """Rotates the vault's own keys, or the provider's; what they keep stays as it is."""
        self._turn(name, number, None)

    @rule(
        number=st.integers(1, 2),
        name=st.sampled_from(("keys", "kek")),
        die=st.integers(0, 24),
    )
    def die_while_rotating(self, number: int, name: str, die: int) -> None:
        """Kills the process at a step of a rotation of keys, if it comes so far."""
        self._turn(name, number, die)

    @rule()
    def restart(self) -> None:
        """Closes the vault and opens it in another process."""
        self._same(self._life.ask(do="close"), DONE)
        self._life.end()
        self._reborn(self._model)

    @rule()
    def verify(self) -> None:
        """Checks every row."""
        self._same(self._life.ask(do="verify"), [])

    @invariant()
    def agrees(self) -> None:
        """The vault holds what the model holds, version by version, and call by call."""
        self._same(self._life.ask(do="shown"), self._model.shown())

    def teardown(self) -> None:
        """Finishes what was cut short, and checks every row for the last time."""
        try:
            for name in ("keys", "kek", "keys", "kek"):
                self._turn(name, 1, None)
            self._turn("keys", 1, None, only_done=True)
            self.restart()
            self.verify()
            self.agrees()
        finally:
            self._life.kill()
            self._folder.cleanup()

    def _arguments(self, slot: int, name: str) -> dict[str, str]:
        owners = sorted(self._model.owners)
        arguments = {"owner": owners[-1 - slot % len(owners)]}
        if name == "use":
            arguments["operation"] = f"op_{next(self._numbers)}"
        if name == "offer":
            arguments["secret"] = self._secret()
        return arguments

    def _does(self, name: str, **arguments: str) -> None:
        expected = getattr(self._model, name)(**arguments)
        self._same(self._life.ask(do=name, **arguments), expected)

    def _same(self, said: object, *expected: object) -> None:
        """Compares; a kill may hit elsewhere the next time, so it shows what was done this time."""
        if said not in expected:
            sys.stdout.write("\n".join(["", *self._done, f"{said!r}", f"not in {expected!r}", ""]))
            raise AssertionError("The vault and its model differ; what was done stands above.")

    def _turn(self, name: str, number: int, die: int | None, *, only_done: bool = False) -> None:
        """Rotates keys; the process may die on the way."""
        choice = {"number": number} if name == "kek" else {}
        said = self._life.ask(do=name, die=die, **choice)
        if said is None:
            self._life.end()
            self._reborn(self._model)
        else:
            self._same(said, DONE, *([] if only_done else [OPEN]))

    def _secret(self) -> str:
        return f"canary-{next(self._numbers):04}-of-the-model"

    def _born(self) -> Life:
        self._lives += 1
        return Life(Path(self._folder.name), self._lives, self._done)

    def _reborn(self, *possible: Model) -> None:
        """Opens the vault in another process, and takes for true which of these it holds."""
        self._life = self._born()
        shown = self._life.ask(do="shown")
        self._same(shown, *(model.shown() for model in possible))
        self._model = next(model for model in possible if model.shown() == shown)


def _halfway(after: Model, arguments: Mapping[str, str]) -> Iterator[Model]:
    """Gives what lies between before and after: a call has two transactions."""
    if after.calls.get(arguments.get("operation", "")):
        halfway = deepcopy(after)
        halfway.calls[arguments["operation"]] = False
        yield halfway


@pytest.mark.slow
@pytest.mark.requirement("vault.model")
def test_the_vault_behaves_as_its_model_whatever_happens(soak: int) -> None:
    """In any order of use, rotation, revoke, restart and kill it holds what it was told."""
    phases = set(Phase) if soak > 1 else set(Phase) - {Phase.shrink, Phase.explain}
    size = settings(max_examples=EXAMPLES * soak, stateful_step_count=STEPS, phases=phases)
    run_state_machine_as_test(VaultMachine, settings=size)

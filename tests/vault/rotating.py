"""Holds what other processes do in the tests of rotations."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

from connector_vault import LeaseHeldError, Secret, Vault, VaultError
from connector_vault.hookcalls import HookCalls
from connector_vault.rotation_run import Limits, OnStep
from connector_vault.rotator import Rotator
from tests.vault.far_side import Automatic, ByHand, FarSide
from tests.vault.ground import Place

KEY = ("con_1", "api_key")
BROUGHT = "canary-key-brought-by-hand"


def rotator(vault: Vault, hooks: ByHand, *, on_step: OnStep | None = None) -> Rotator:
    """Makes a rotator without an overlap, so that one run goes from end to end."""
    calls = HookCalls(limit_s=20)
    calls.register(hooks)
    return Rotator(
        vault,
        calls,
        limits=Limits(tries=3, overlap_s=0.0, lease_s=60.0),
        on_step=on_step or (lambda _: None),
    )


def rotate_until(root: Path, kind: str, at: str, told: Connection) -> None:
    """Rotates, and is killed at one step."""

    def die(step: str) -> None:
        if step == at:
            os.kill(os.getpid(), signal.SIGKILL)

    far = FarSide(root / "far.json")
    with Place(root).open() as vault:
        if kind == "by hand":
            with Secret(BROUGHT) as secret:
                rotator(vault, ByHand(far), on_step=die).rotate(*KEY, secret=secret)
        else:
            hooks = Automatic(far, single=kind == "one key", inside=die)
            rotator(vault, hooks, on_step=die).rotate(*KEY)
    told.send("not killed")


def rotate_and_hang(root: Path, told: Connection) -> None:
    """Rotates up to the test of a key that was brought, says so, and waits for ever."""

    def hang(step: str) -> None:
        if step == "before test":
            told.send("at work")
            threading.Event().wait()

    far = FarSide(root / "far.json")
    with Place(root).open() as vault, Secret(BROUGHT) as secret:
        rotator(vault, ByHand(far), on_step=hang).rotate(*KEY, secret=secret)


def rotate_together(root: Path, kind: str, start: Barrier, told: Connection) -> None:
    """Rotates at the same time as others do, who all saw the same version in use."""

    def wait(step: str) -> None:
        if step == "seen":
            start.wait(60)

    far = FarSide(root / "far.json")
    with Place(root).open() as vault:
        hooks = ByHand(far) if kind == "by hand" else Automatic(far)
        told.send(_rotated(rotator(vault, hooks, on_step=wait), kind))


def _rotated(mine: Rotator, kind: str) -> str:
    """Rotates, and tells how it ended."""
    try:
        if kind == "by hand":
            with Secret(BROUGHT) as secret:
                return mine.rotate(*KEY, secret=secret).state
        return mine.rotate(*KEY).state
    except LeaseHeldError:
        return "held"
    except VaultError as error:
        return type(error).__name__

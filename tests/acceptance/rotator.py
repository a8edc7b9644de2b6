"""Holds what another process does that rotates the key of `books`, and is killed at a step of it.

It is given the new key. Without one, hooks of its own make it, have the sandbox accept it, and
revoke the old one, over the sandbox's control routes.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeAlias
from urllib.request import ProxyHandler, Request, build_opener

from clientary_connector import Secret, Settings, load_manifest
from clientary_connector.statefolder import DATABASE, key_of
from clientary_connector.wiring import joined
from connector_vault import Vault
from connector_vault.hooks import RotationContext, hookimpl

#: No overlap, so that one run goes from end to end.
SETTINGS = Settings(rotation_overlap_s=0)
#: The address of a sandbox, and the key that its control routes ask for.
Far: TypeAlias = tuple[str, str]


@dataclass(eq=False)
class Issuing:
    """Hooks for an account whose keys can be issued and revoked over HTTP."""

    url: str
    steering_key: str

    @hookimpl
    def rotation_create(self, context: RotationContext) -> Secret:
        """Makes a key that is not valid yet."""
        return Secret(f"issued-key-number-{context.number}")

    @hookimpl
    def rotation_set(self, secret: Secret) -> None:
        """Has the account accept it."""
        self._steer("POST", secret)

    @hookimpl
    def rotation_retire(self, secret: Secret) -> bool:
        """Has the account accept the old one no longer."""
        self._steer("DELETE", secret)
        return True

    def _steer(self, method: str, secret: Secret) -> None:
        request = Request(  # noqa: S310 - a loopback address of the test
            f"{self.url}/_sandbox/keys",
            method=method,
            data=json.dumps(secret.reveal()).encode(),
            headers={"X-Sandbox-Key": self.steering_key},
        )
        build_opener(ProxyHandler({})).open(request, timeout=30).close()


def rotate_until(folder: Path, at: str, far: Far, brought: str, told: Connection) -> None:
    """Rotates, and is killed at a step."""

    def die(step: str) -> None:
        if step == at:
            os.kill(os.getpid(), signal.SIGKILL)

    vault = Vault.open(folder / DATABASE, key=key_of(folder, SETTINGS))
    connector = joined(vault, manifest=load_manifest(), settings=SETTINGS, on_step=die)
    with connector:
        if brought:
            with Secret(brought) as secret:
                asyncio.run(connector.rotate("books", secret=secret, user="ada"))
        else:
            connector.register_rotation_hooks(Issuing(*far))
            asyncio.run(connector.rotate("books", user="ada"))
    told.send("not killed")

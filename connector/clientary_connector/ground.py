"""Is what most parts of a connector stand on, so that it is handed round as one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from clientary_connector.call.clock import Clock
from clientary_connector.hosting import Hosting
from clientary_connector.manifest import Manifest
from clientary_connector.settings import Settings
from connector_vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What most parts stand on."""

    vault: Vault
    manifest: Manifest
    settings: Settings
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]
    #: Is told every step of a rotation.
    on_step: Callable[[str], None]
    hosting: Hosting


def unheard(step: str) -> None:
    """Tells nobody of a step."""
    del step

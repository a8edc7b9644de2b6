"""Gathers what a provider may use of the process that it runs in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from connector_vault.cipher import Entropy
from connector_vault.secret import Secret


class AskPassphrase(Protocol):
    """Brings a passphrase: from a person, a file, or wherever the caller keeps it.

    `place` says in words what it is for; `new` is true where it is chosen now, so that a person
    can be asked twice. What is returned is wiped after use. Where nobody can be asked,
    VaultLockedError is raised.
    """

    def __call__(self, place: str, *, new: bool) -> Secret:
        """Gives the passphrase."""
        ...


def _process_environment() -> Mapping[str, str]:
    """Gives the environment of this process, which a key URI may point into."""
    return os.environ


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a provider may use; by default what the process has."""

    #: Where `env:` keys and tokens are looked up.
    environ: Mapping[str, str] = field(default_factory=_process_environment, repr=False)
    #: Who knows the passphrase; None means that nobody does.
    passphrase: AskPassphrase | None = field(default=None, repr=False)
    #: Where new keys and salts come from.
    entropy: Entropy = field(default=os.urandom, repr=False)
    #: Seconds in which a service must have answered, retries included; then it counts as down.
    answer_limit_s: float = 10.0
    #: Seconds in which a person must have unlocked the system's keyring.
    person_limit_s: float = 120.0

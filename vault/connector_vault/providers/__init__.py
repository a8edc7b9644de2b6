"""Finds the provider that a key URI names; what it needs is imported when it is first used.

file:/path                                   a key in a file
env:NAME                                     a key in an environment variable
passphrase:/path                             a key made from a passphrase; the file holds the salt
keyring:SERVICE/NAME                         a key in the keyring of the operating system
aws-kms:KEY?region=...&endpoint=...          a key that stays in AWS KMS
transit:https://host:port/MOUNT/NAME?...     a key that stays in HashiCorp Vault or OpenBao
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol, cast

from connector_vault.errors import KeyFormError, VaultLockedError
from connector_vault.private_file import absolute
from connector_vault.provider import KeyProvider
from connector_vault.providers.means import AskPassphrase, Means

__all__ = ["SCHEMES", "AskPassphrase", "Means", "Scheme", "create_key", "key_file", "load_key"]


class _Module(Protocol):
    """What each module of this package offers.

    `load` finds a key and makes none; `create` makes it where there is none and where it can.
    Both raise VaultLockedError for whatever keeps the key out of reach.
    """

    def load(self, place: str, means: Means) -> KeyProvider: ...

    def create(self, place: str, means: Means) -> KeyProvider: ...


@dataclass(frozen=True, slots=True)
class Scheme:
    """Where a scheme is at home, and what must be installed for it."""

    module: str
    form: str
    extra: str | None = None
    needs: frozenset[str] = frozenset()


SCHEMES: Final = MappingProxyType(
    {
        "file": Scheme("file", "file:/absolute/path"),
        "env": Scheme("environment", "env:NAME"),
        "passphrase": Scheme("passphrase", "passphrase:/absolute/path"),
        "keyring": Scheme("os_keyring", "keyring:SERVICE/NAME", "keyring", frozenset({"keyring"})),
        "aws-kms": Scheme(
            "aws_kms", "aws-kms:KEY?region=REGION", "kms", frozenset({"boto3", "botocore"})
        ),
        "transit": Scheme(
            "transit",
            "transit:https://host:port/MOUNT/NAME",
            "transit",
            frozenset({"hvac", "requests", "urllib3"}),
        ),
    }
)


def load_key(uri: str, means: Means | None = None) -> KeyProvider:
    """Finds the key that a URI names.

    Raises:
        VaultLockedError: It is missing, unreadable, out of reach, open to others, or no key.
    """
    scheme, place = _parsed(uri)
    return _module(scheme).load(place, means or Means())


def create_key(uri: str, means: Means | None = None) -> KeyProvider:
    """Finds the key that a URI names, and makes it first where it can and there is none.

    Raises:
        VaultLockedError: What is there cannot be used, or nothing can be made there.
    """
    scheme, place = _parsed(uri)
    return _module(scheme).create(place, means or Means())


def key_file(uri: str) -> Path | None:
    """Gives the file that alone opens a vault, which must not lie beside it; None if none does.

    Raises:
        KeyFormError: The URI has no scheme that is known.
    """
    scheme, place = _parsed(uri)
    return absolute(place) if scheme is SCHEMES["file"] else None


def _parsed(uri: str) -> tuple[Scheme, str]:
    """Splits a URI into its scheme and the rest."""
    name, _, place = uri.partition(":")
    scheme = SCHEMES.get(name)
    if scheme is None or not place:
        forms = "; ".join(known.form for known in SCHEMES.values())
        raise KeyFormError(f"Name the key in one of these ways: {forms}.")
    return scheme, place


def _module(scheme: Scheme) -> _Module:
    """Imports the module of a scheme."""
    try:
        return cast("_Module", import_module(f"{__name__}.{scheme.module}"))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in scheme.needs:
            raise
        raise VaultLockedError(
            f"This key needs a package that is not installed: run "
            f"pip install 'clientary-connector[{scheme.extra}]'."
        ) from None

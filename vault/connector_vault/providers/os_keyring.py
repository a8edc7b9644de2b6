"""Keeps the key in the keyring of the operating system.

1. The backend is one of those named here, told by its class; a chain of backends counts only if
   each of its members does. One that writes plain text, forgets, or comes with another package
   is refused by name.
2. An entry that is there is never overwritten.
3. The system may ask a person to unlock its keyring; it is waited for within a limit.
"""

from __future__ import annotations

from typing import Final, Protocol, cast

import keyring
from keyring.backends.chainer import ChainerBackend

from connector_vault import cipher
from connector_vault.cipher import Entropy
from connector_vault.errors import VaultLockedError
from connector_vault.provider import LocalKey
from connector_vault.providers.material import decode_key, encode_key
from connector_vault.providers.means import Means
from connector_vault.providers.question import ask

#: The classes that hand a secret to the system and keep no copy of their own.
SAFE_BACKENDS: Final = frozenset(
    {
        "keyring.backends.SecretService.Keyring",
        "keyring.backends.Windows.WinVaultKeyring",
        "keyring.backends.kwallet.DBusKeyring",
        "keyring.backends.libsecret.Keyring",
        "keyring.backends.macOS.Keyring",
    }
)


class _Backend(Protocol):
    """What is used of a keyring."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...


def load(place: str, means: Means) -> LocalKey:
    """Reads the key.

    Raises:
        VaultLockedError: There is none, or the keyring is unsafe, locked or silent.
    """
    service, name = _entry(place)
    material = ask(
        lambda: _material(_backend().get_password(service, name)),
        limit_s=means.person_limit_s,
        explain=_explain,
    )
    return LocalKey(material, means.entropy)


def create(place: str, means: Means) -> LocalKey:
    """Reads the key, and makes it first where there is none.

    Raises:
        VaultLockedError: The keyring is unsafe, locked or silent, or its entry is no key.
    """
    service, name = _entry(place)
    material = ask(
        lambda: _material(_made(_backend(), service, name, means.entropy)),
        limit_s=means.person_limit_s,
        explain=_explain,
    )
    return LocalKey(material, means.entropy)


def check_backend(backend: object) -> None:
    """Refuses a keyring that is not known to be safe.

    Raises:
        VaultLockedError: It is not, or a member of it is not.
    """
    if type(backend) is ChainerBackend:
        members = list(backend.backends)
        for member in members:
            check_backend(member)
        if members:
            return
    name = f"{type(backend).__module__}.{type(backend).__qualname__}"
    if name not in SAFE_BACKENDS:
        raise _locked(f"({name}) is not one that keeps secrets safe")


def _entry(place: str) -> tuple[str, str]:
    """Reads service and name of the entry."""
    service, _, name = place.partition("/")
    if not (service.isprintable() and name.isprintable() and service and name) or "/" in name:
        raise VaultLockedError("Name the entry of the keyring: keyring:SERVICE/NAME.")
    return service, name


def _backend() -> _Backend:
    """Gives the keyring of this system, if it is safe."""
    backend = keyring.get_keyring()
    check_backend(backend)
    return cast("_Backend", backend)


def _made(backend: _Backend, service: str, name: str, entropy: Entropy) -> str | None:
    """Gives the entry, made first where there is none, as the keyring gives it back."""
    if backend.get_password(service, name) is None:
        backend.set_password(service, name, encode_key(entropy(cipher.KEY_BYTES)))
    return backend.get_password(service, name)


def _material(text: str | None) -> bytes:
    """Reads the key in an entry."""
    if text is None:
        raise _locked("has no such entry; put the key back, no new one is made")
    material = decode_key(text)
    if material is None:
        raise _locked("has an entry of that name that is no key; nothing was changed")
    return material


def _explain(error: Exception) -> VaultLockedError:
    """Says what the keyring did, by the kind of its error alone."""
    return _locked(f"gave no answer ({type(error).__name__})")


def _locked(why: str) -> VaultLockedError:
    """Says why the keyring keeps the vault locked."""
    return VaultLockedError(f"The vault stays locked: the system's keyring {why}.")

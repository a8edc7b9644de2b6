"""Knows what lies where in a state directory, and which key opens its vault.

The key is named by CLIENTARY_KEY, or else by the note that was written when the state was made or
when the key was rotated. The note holds a URI, never a key.

A passphrase comes from the file that CLIENTARY_PASSPHRASE_FILE names, which must be its owner's
alone, or from a person at a terminal, who is not shown what they type and types a new one twice.
It is never taken from a variable: children inherit those, and crash reports show them.
"""

from __future__ import annotations

import getpass
import json
import os
import sys
from pathlib import Path
from typing import Final

from clientary_connector.errors import StateIntegrityError, StateUnavailableError
from clientary_connector.settings import Settings
from connector_vault import CheckpointPlan, Secret, Vault, VaultLockedError
from connector_vault.files import sync
from connector_vault.private_file import read_private
from connector_vault.providers import AskPassphrase, Means
from connector_vault.trust import Trust

APP: Final = "clientary-connector"
DATABASE: Final = Path("vault") / "vault.db"
KEY: Final = Path("keys") / "vault.key"
NOTES: Final = "state.json"
#: Far beyond any passphrase; a file given by mistake stops here.
_MAX_BYTES: Final = 4096


def state_folder(state: Path | str | None, settings: Settings) -> Path:
    """Returns the state directory: as given, as set, or the platform's data folder."""
    chosen = state or settings.state or _data_folder()
    return Path(chosen).expanduser().absolute()


def make_folder(folder: Path) -> None:
    """Makes the state directory, closed to everybody else, unless it is there.

    Raises:
        StateUnavailableError: It cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateUnavailableError(
            f"{folder} cannot be made ({error.strerror}).", hint="Choose another folder."
        ) from error


def opened(folder: Path, settings: Settings, *, checkpoints: CheckpointPlan | None = None) -> Vault:
    """Opens the vault of a state directory, and follows its key where that is rotated by others.

    `checkpoints` says when the log is signed, and where that is kept.

    Raises:
        VaultError: It cannot be opened.
        StateIntegrityError: The note of its key cannot be read.
    """
    return Vault.open(
        folder / DATABASE,
        key=lambda: key_of(folder, settings),
        durability=settings.durability,
        means=means_of(settings),
        trust=trust_of(settings),
        checkpoints=checkpoints,
    )


def key_of(folder: Path, settings: Settings) -> str:
    """Returns the URI of the vault's key: as set, as noted, or the usual one.

    Raises:
        StateIntegrityError: The note cannot be read.
    """
    if settings.key is not None:
        return settings.key
    noted = _noted(folder / NOTES)
    return f"file:{folder / KEY}" if noted is None else noted


def note_key(folder: Path, uri: str | None) -> None:
    """Writes down which key opens the vault; a crash leaves the note before or the new one.

    The usual key is not named by its path, so that a state that is moved finds it.

    Raises:
        StateUnavailableError: It cannot be written.
    """
    path = folder / NOTES
    fresh = path.with_name(f"{NOTES}.new-{os.getpid()}")
    try:
        fresh.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(fresh, flags, 0o600), "w", encoding="utf-8") as file:
            usual = uri in {None, f"file:{folder / KEY}"}
            json.dump({"version": 1, "key": None if usual else uri}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync(folder)
    except OSError as error:
        raise StateUnavailableError(
            f"{path} cannot be written ({error.strerror}).", hint="Look at the disk and its rights."
        ) from error


def means_of(settings: Settings, *, passphrase_file: Path | None = None) -> Means:
    """Returns what the key's provider may use; the file given goes before the one that is set."""
    return Means(
        passphrase=_asker(passphrase_file or settings.passphrase_file),
        answer_limit_s=settings.key_answer_s,
    )


def trust_of(settings: Settings) -> Trust:
    """Returns how long what the key's provider has unwrapped counts."""
    return Trust(settings.key_ttl_s)


def _data_folder() -> Path:
    import platformdirs  # noqa: PLC0415 - who names a folder does not wait for it

    return platformdirs.user_data_path(APP, appauthor=False)


def _noted(path: Path) -> str | None:
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))["key"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise StateIntegrityError(
            f"{path} cannot be read ({type(error).__name__}).",
            hint="Set CLIENTARY_KEY to the URI of the vault's key.",
        ) from error
    return None if noted is None else str(noted)


def _asker(path: Path | None) -> AskPassphrase:
    """Returns who knows the passphrase."""
    if path is None:
        return _ask_person

    def read(place: str, *, new: bool) -> Secret:
        del place, new
        content = read_private(path.absolute(), most=_MAX_BYTES, own_directory=False)
        return Secret(bytearray(content.removesuffix(b"\n").removesuffix(b"\r")))

    return read


def _ask_person(place: str, *, new: bool) -> Secret:
    """Asks at the terminal, twice for a new passphrase."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise VaultLockedError(
            f"The vault stays locked: {place} needs its passphrase, and there is no terminal to "
            "ask on. Set CLIENTARY_PASSPHRASE_FILE to a file that only its owner can read."
        )
    passphrase = _typed(f"Passphrase of {place} (not shown): ")
    if new and _typed("The same again: ") != passphrase:
        raise VaultLockedError("The vault stays locked: the two passphrases are not the same.")
    return Secret(passphrase)


def _typed(prompt: str) -> str:
    return getpass.getpass(prompt, stream=sys.stderr)

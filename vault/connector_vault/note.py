"""Writes and reads signed notes, as https://c2sp.org/signed-note specifies them.

A note is a text that ends in a newline, a blank line, and one line for each signature:

    — NAME BASE64(key id, 4 bytes | signature)

1. A note is short, UTF-8, and has no control character but newlines.
2. Every line after the last blank one is a signature, written as it must be.
3. Signatures of other keys are passed over. A signature that names our key must be right.
4. A note without a signature of our key is no note of ours, and its text is not looked at.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from connector_vault import signing
from connector_vault.errors import ProofError, WrongKeyError

_ED25519: Final = b"\x01"
_ID_BYTES: Final = 4
_PUBLIC_BYTES: Final = 32
_DASH: Final = "\u2014 "
_MOST_SIGNATURES: Final = 100
_MOST_CHARS: Final = 100_000
_PARTS_OF_KEY: Final = 3


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Who signs notes: a name and an Ed25519 key, written as `NAME+ID+KEY`."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """What a signature line names the key by."""
        signed = self.name.encode() + b"\n" + _ED25519 + self.public
        return sha256(signed).digest()[:_ID_BYTES]

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Reads a key as it is written.

        Raises:
            ProofError: It is none.
        """
        name, *rest = text.split("+", _PARTS_OF_KEY - 1)
        public = decoded(rest[1]) if len(rest) == _PARTS_OF_KEY - 1 else None
        if public is not None and _is_name(name):
            key = cls(name, public[1:])
            if public[:1] == _ED25519 and len(key.public) == _PUBLIC_BYTES and str(key) == text:
                return key
        raise ProofError("This is no public key of a log: NAME+ID+KEY was expected.")

    def __str__(self) -> str:
        """Gives the key as it is written."""
        return f"{self.name}+{self.id.hex()}+{encoded(_ED25519 + self.public)}"


def sign_note(text: str, *, name: str, seed: bytes | bytearray) -> str:
    """Gives a text as a note with one signature."""
    key = PublicKey(name, signing.public_of(seed))
    signature = signing.sign(seed, text.encode())
    return f"{text}\n{_DASH}{name} {encoded(key.id + signature)}\n"


def open_note(note: str, key: PublicKey) -> str:
    """Gives the text of a note that a key has signed.

    Raises:
        WrongKeyError: Only other keys have signed it.
        ProofError: It is no note, or the signature is not that of the text.
    """
    text, signatures = _parted(note)
    ours = [one for name, one in signatures if (name, one[:_ID_BYTES]) == (key.name, key.id)]
    if not ours:
        names = ", ".join(sorted({name for name, _ in signatures}))
        raise WrongKeyError(f"The note was signed by another key, of {names}.")
    if not all(signing.is_signed(key.public, text.encode(), one[_ID_BYTES:]) for one in ours):
        raise ProofError("The signature of the note is not that of its text.")
    return text


def encoded(data: bytes) -> str:
    """Writes bytes as base64 (RFC 4648, section 4)."""
    return b64encode(data).decode()


def decoded(text: str) -> bytes | None:
    """Reads base64 in its one proper form; None if it is anything else."""
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if encoded(data) == text else None


def _parted(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Parts a note into its text and its signatures, each with a name."""
    text, blank, rest = note.rpartition("\n\n")
    lines = rest.split("\n")
    if len(note) > _MOST_CHARS or any(char < " " and char != "\n" for char in note):
        raise ProofError("This is no note: it is too long, or holds control characters.")
    if not blank or lines.pop() or not 0 < len(lines) <= _MOST_SIGNATURES:
        raise ProofError("This is no note: a text, a blank line and signatures were expected.")
    return f"{text}\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    """Reads a line with a signature."""
    name, _, signature = line.removeprefix(_DASH).partition(" ")
    data = decoded(signature)
    if not line.startswith(_DASH) or not _is_name(name) or data is None or len(data) <= _ID_BYTES:
        raise ProofError("This is no note: a line after the blank one is no signature.")
    return name, data


def _is_name(name: str) -> bool:
    """Says whether a key can have this name."""
    return bool(name) and "+" not in name and len(name.split()) == 1 and name == name.strip()

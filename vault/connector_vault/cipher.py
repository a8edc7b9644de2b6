"""Seals and opens messages; every message has a key of its own.

A sealed message, version 1, is

    version (1 byte, 0x01) | key id (16) | salt (32) | commitment (32) | AES-256-GCM ciphertext

and the rules, in the order in which `unseal` enforces them, are:

1. The version byte is known. There is no older form to fall back to.
2. The length can hold a message.
3. The key id in the header is the id of the key that was looked up for it.
4. HKDF-SHA256 of key and salt, bound to header and context, gives commitment, message key and
   nonce. Two contexts never share a message key, even if a salt were to repeat.
5. The commitment matches, compared in constant time, before anything is decrypted: no message
   opens under two keys.
6. AES-256-GCM authenticates the ciphertext with header and context as associated data.

Whatever fails from 2 on is the same error, raised with no cause that could tell which.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from connector_vault.encoding import Value, encode

KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 16

#: So many messages are remembered as authentic, by each key.
_KNOWN: Final = 4_096
_VERSION: Final = 1
_SHA256: Final = SHA256()
_SALT_BYTES: Final = 32
_COMMITMENT_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_HEADER_BYTES: Final = 1 + KEY_ID_BYTES
_SALT_END: Final = _HEADER_BYTES + _SALT_BYTES
_COMMITMENT_END: Final = _SALT_END + _COMMITMENT_BYTES
_DERIVED_BYTES: Final = _COMMITMENT_BYTES + KEY_BYTES + _NONCE_BYTES
#: So many bytes of a message are enough for its root.
BEGIN_BYTES: Final = _SALT_END

#: What HMAC-SHA256 flips in the two blocks that it makes of a key, and their length.
_PADS: Final = tuple(bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
_BLOCK_BYTES: Final = 64

Entropy = Callable[[int], bytes]


class CipherError(Exception):
    """The message does not open: other key, other context, or altered bytes."""


class Key:
    """One key: its id, and its material in a bytearray that can be wiped."""

    __slots__ = ("_derived", "_known", "header", "id", "material")

    def __init__(self, key_id: str, material: bytes | bytearray) -> None:
        """Takes an id of 32 hex digits and 32 bytes of material."""
        self.id = key_id
        self.material = bytearray(material)
        self._known: set[tuple[bytes, object]] = set()
        #: Of one message that is opened over and over: salt, info, and what was derived of them.
        self._derived: tuple[bytes, bytes, bytearray] | None = None
        if len(material) != KEY_BYTES or len(key_id) != 2 * KEY_ID_BYTES:
            raise CipherError("A key has 32 bytes and an id of 16.")
        #: How every message begins that is sealed under it.
        self.header = bytes((_VERSION,)) + bytes.fromhex(key_id)

    @classmethod
    def fresh(cls, entropy: Entropy) -> Key:
        """Makes a new key."""
        return cls(entropy(KEY_ID_BYTES).hex(), entropy(KEY_BYTES))

    def mac(self, message: bytes) -> bytes:
        """Gives the HMAC-SHA256 of the message."""
        return hmac.digest(self.material, message, "sha256")

    def macs(self, messages: Iterable[bytes]) -> list[bytes]:
        """Gives the MACs of many messages: the key is taken in once (RFC 2104, section 4)."""
        blocks = [self.material.ljust(_BLOCK_BYTES, b"\0").translate(flip) for flip in _PADS]
        inner, outer = map(sha256, blocks)
        for block in blocks:
            block[:] = bytes(_BLOCK_BYTES)
        found: list[bytes] = []
        for message in messages:
            within, around = inner.copy(), outer.copy()
            within.update(message)
            around.update(within.digest())
            found.append(around.digest())
        return found

    def authentic(self, message: bytes, mac: object) -> bool:
        """Says whether this is the message's MAC; whatever a damaged file gives may be asked."""
        return isinstance(mac, bytes) and hmac.compare_digest(mac, self.mac(message))

    def recognizes(self, message: bytes, mac: object) -> bool:
        """Says the same of what is read over and over, and remembers what was right.

        It is remembered by every byte of message and MAC, so whatever differs is computed anew.
        """
        known = (message, mac)
        if known in self._known:
            return True
        if not self.authentic(message, mac):
            return False
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known.add(known)
        return True

    def derived(self, salt: bytes, info: bytes, *, keep: bool = False) -> bytes:
        """Derives what one message is sealed with; that of the last one to `keep` is remembered.

        What is remembered opens no more than the material does, and is overwritten with it.
        """
        known = self._derived
        if known is not None and known[0] == salt and known[1] == info:
            return bytes(known[2])
        out = HKDF(algorithm=_SHA256, length=_DERIVED_BYTES, salt=salt, info=info)
        derived = out.derive(self.material)
        if keep:
            self._forget()
            self._derived = (salt, info, bytearray(derived))
        return derived

    def wipe(self) -> None:
        """Overwrites the material, and remembers nothing any more."""
        self.material[:] = bytes(len(self.material))
        self._known.clear()
        self._forget()

    def _forget(self) -> None:
        """Overwrites what was derived of it."""
        known, self._derived = self._derived, None
        if known is not None:
            known[2][:] = bytes(len(known[2]))

    def __del__(self) -> None:
        """Overwrites the material when nobody holds the key any more."""
        self.wipe()

    def __repr__(self) -> str:
        """Shows the id alone."""
        return f"<key {self.id}>"


class Sealing:
    """A message that will be sealed; a class, so that those of many can be sealed together."""

    __slots__ = ("_parts", "_sealed")

    def __init__(self, key: Key, plaintext: bytes, bound: bytes, entropy: Entropy) -> None:
        """Takes what `seal` takes."""
        self._parts: tuple[Key, bytes, bytes, Entropy] | None = (key, plaintext, bound, entropy)
        self._sealed = b""

    def sealed(self) -> bytes:
        """Gives the sealed message; it is sealed once, and what it was sealed from is let go."""
        if self._parts is not None:
            self._sealed = seal(*self._parts)
            self._parts = None
        return self._sealed


def context(domain: str, *values: Value) -> bytes:
    """Gives the bytes that bind a message to its place; the domain keeps kinds apart."""
    return encode(f"connector-vault/1/{domain}", *values)


def seal(key: Key, plaintext: bytes | bytearray, bound: bytes, entropy: Entropy) -> bytes:
    """Seals a message under a key of its own, bound to a context."""
    header = key.header
    salt = entropy(_SALT_BYTES)
    info = header + bound
    commitment, message_key, nonce = _parts(key.derived(salt, info))
    sealed = AESGCM(message_key).encrypt(nonce, plaintext, info)
    return b"".join((header, salt, commitment, sealed))


def unseal(key: Key, sealed: bytes, bound: bytes, *, again: bool = False) -> bytearray:
    """Opens a message that was sealed under this key and context.

    With `again` it is one that will be opened over and over, by which that becomes faster.

    Raises:
        CipherError: It was not, or its version is unknown.
    """
    if key_id(sealed) != key.id:
        raise CipherError("The message was sealed under another key.")
    bound = sealed[:_HEADER_BYTES] + bound
    derived = key.derived(sealed[_HEADER_BYTES:_SALT_END], bound, keep=again)
    return _opened(sealed, bound, _parts(derived))


def root(key: Key, begin: bytes) -> bytes:
    """Gives what opens one message of this key and no other, from how the message begins.

    It is what HKDF extracts of key and salt (RFC 5869, section 2.2): `unseal_one` does the rest.
    """
    return hmac.digest(begin[_HEADER_BYTES:_SALT_END], key.material, "sha256")


def unseal_one(one: Key, sealed: bytes, bound: bytes) -> bytearray:
    """Opens a message by its root, which stands as the material under the id of its key.

    Raises:
        CipherError: It is the root of another message, or the version is unknown.
    """
    if key_id(sealed) != one.id:
        raise CipherError("The message was sealed under another key.")
    bound = sealed[:_HEADER_BYTES] + bound
    out = HKDFExpand(algorithm=_SHA256, length=_DERIVED_BYTES, info=bound).derive(one.material)
    return _opened(sealed, bound, _parts(out))


def key_id(sealed: object) -> str:
    """Reads the id of the key that a message was sealed under.

    Raises:
        CipherError: The version is unknown, or the message is too short.
    """
    if not isinstance(sealed, bytes) or sealed[:1] != bytes((_VERSION,)):
        raise CipherError("The message has an unknown version.")
    if len(sealed) < _COMMITMENT_END + _TAG_BYTES:
        raise CipherError("The message is too short.")
    return sealed[1:_HEADER_BYTES].hex()


def _parts(out: bytes) -> tuple[bytes, bytes, bytes]:
    """Cuts what was derived into commitment, message key and nonce.

    The commitment is the first block of the output: a whole SHA-256 value, so that finding two
    keys with one commitment is finding a collision.
    """
    return out[:32], out[32:64], out[64:]


def _opened(sealed: bytes, bound: bytes, derived: tuple[bytes, bytes, bytes]) -> bytearray:
    """Opens a message with what was derived for it; `bound` begins with its header."""
    commitment, message_key, nonce = derived
    if not hmac.compare_digest(commitment, sealed[_SALT_END:_COMMITMENT_END]):
        raise CipherError("The message does not open.")
    ciphertext = memoryview(sealed)[_COMMITMENT_END:]
    plaintext = bytearray(len(ciphertext) - _TAG_BYTES)
    try:
        AESGCM(message_key).decrypt_into(nonce, ciphertext, bound, plaintext)
    except InvalidTag:
        raise CipherError("The message does not open.") from None
    return plaintext

"""Makes an AES-GCM ciphertext that two keys accept: the attack that the commitment stops."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

_ONE = 1 << 127
_REDUCTION = 0xE1 << 120


def two_key_ciphertext(one: bytes, other: bytes, bound: bytes) -> bytes:
    """Gives one block and a tag, valid under both; each key comes as 32 bytes and a nonce.

    With one block of ciphertext c, the tag is (A(H) + c*H^2 + L*H) + E(J): A the associated
    data, L the lengths, H and E(J) from the key. Two tags are equal for exactly one c.
    """
    left, right = _Side(one, bound), _Side(other, bound)
    block = _times(left.rest ^ right.rest, _inverse(left.square ^ right.square))
    tag = left.rest ^ _times(block, left.square)
    return block.to_bytes(16) + tag.to_bytes(16)


class _Side:
    """What one key adds to the tag, but for the block that is still to be found."""

    def __init__(self, key: bytes, bound: bytes) -> None:
        encrypt = Cipher(AES(key[:32]), ECB()).encryptor()  # noqa: S305 - GCM is built from this
        point = int.from_bytes(encrypt.update(bytes(16)))
        mask = int.from_bytes(encrypt.update(key[32:44] + b"\x00\x00\x00\x01"))
        self.square = _times(point, point)
        total = 0
        for at in range(0, len(bound), 16):
            total = _times(total ^ int.from_bytes(bound[at : at + 16].ljust(16, b"\x00")), point)
        lengths = (len(bound) * 8) << 64 | 128
        self.rest = _times(_times(total, point) ^ lengths, point) ^ mask


def _times(one: int, other: int) -> int:
    """Multiplies in the field of GCM."""
    product = 0
    for bit in range(127, -1, -1):
        if other >> bit & 1:
            product ^= one
        one = (one >> 1) ^ (_REDUCTION if one & 1 else 0)
    return product


def _inverse(value: int) -> int:
    """Gives value to the power of 2^128 - 2."""
    result, square = _ONE, value
    for _ in range(127):
        square = _times(square, square)
        result = _times(result, square)
    return result

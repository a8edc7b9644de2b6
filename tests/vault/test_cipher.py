"""Proves that a message opens under its own key, in its own place, and nowhere else."""

from __future__ import annotations

import hmac
import os
import traceback

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from connector_vault import cipher
from connector_vault.cipher import CipherError, Key
from tests.vault.by_hand import by_hand
from tests.vault.ground import CANARY, Repeating
from tests.vault.two_keys import two_key_ciphertext

pytestmark = pytest.mark.requirement("vault.cipher")

KEY_ID = "00112233445566778899aabbccddeeff"
KEY = Key(KEY_ID, bytes(range(32)))
PLAIN = CANARY.encode()
KNOWN = (
    # version, key id, salt, commitment, ciphertext and tag of b"a secret"
    "0100112233445566778899aabbccddeeff73737373737373737373737373737373737373737373737373"
    "737373737373733c33a7d77021db43c72dc9987aa61e630df361ed392e469fd4c1e2f6797689c309fd10"
    "74de70fbb199a80be9528783a7dfdc84665f6caed6"
)
BOUND = cipher.context("secret", "vault_1", "con_1", "api_key", 1)


def derived_by_hand(material: bytes, salt: bytes, info: bytes) -> bytes:
    """Computes HKDF-SHA256 from HMAC alone, as RFC 5869 writes it."""
    pseudorandom = hmac.digest(salt, material, "sha256")
    out = block = b""
    for count in (1, 2, 3):
        block = hmac.digest(pseudorandom, block + info + bytes((count,)), "sha256")
        out += block
    return out


def sealed_by_hand(material: bytes, salt: bytes, plain: bytes, bound: bytes) -> bytes:
    """Writes a message from the primitives, following the module's description."""
    header = b"\x01" + bytes.fromhex(KEY_ID)
    out = derived_by_hand(material, salt, header + bound)
    message_key, nonce = out[32:64], out[64:76]
    body = AESGCM(message_key).encrypt(nonce, plain, header + bound)
    return header + salt + out[:32] + body


def test_the_form_is_the_documented_one() -> None:
    """A message written from primitives is the message that the cipher writes."""
    salt = bytes(reversed(range(32)))
    bound = by_hand("connector-vault/1/secret", "vault_1", "con_1", "api_key", 1)
    assert bound == BOUND
    by_primitives = sealed_by_hand(bytes(range(32)), salt, PLAIN, bound)
    assert cipher.seal(KEY, PLAIN, BOUND, lambda _: salt) == by_primitives
    assert cipher.unseal(KEY, by_primitives, BOUND) == PLAIN


def test_the_form_does_not_change() -> None:
    """One message is written down, so that no release can read another form as this one."""
    sealed = cipher.seal(KEY, b"a secret", BOUND, lambda count: b"s" * count)
    assert sealed.hex() == KNOWN
    assert cipher.unseal(KEY, bytes.fromhex(KNOWN), BOUND) == b"a secret"


@given(st.binary(max_size=300), st.text(max_size=20), st.text(max_size=20), st.integers(0, 2**60))
def test_what_was_sealed_opens(plain: bytes, owner: str, field: str, version: int) -> None:
    """Any value in any place comes back."""
    bound = cipher.context("secret", "vault_1", owner, field, version)
    sealed = cipher.seal(KEY, plain, bound, Repeating())
    assert cipher.unseal(KEY, sealed, bound) == plain


@given(st.data())
def test_no_altered_message_opens(data: st.DataObject) -> None:
    """One bit anywhere, a byte less or a byte more: none of them opens."""
    sealed = cipher.seal(KEY, PLAIN, BOUND, Repeating())
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    altered = bytearray(sealed)
    altered[bit // 8] ^= 1 << (bit % 8)
    cut = data.draw(st.integers(0, len(sealed) - 1))
    for wrong in (bytes(altered), sealed[:cut], sealed + b"\x00"):
        with pytest.raises(CipherError) as caught:
            cipher.unseal(KEY, wrong, BOUND)
        assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.requirement("threat.6")
@pytest.mark.parametrize(
    "place",
    [
        ("secret", "vault_2", "con_1", "api_key", 1),
        ("secret", "vault_1", "con_2", "api_key", 1),
        ("secret", "vault_1", "con_1", "refresh", 1),
        ("secret", "vault_1", "con_1", "api_key", 2),
        ("secret", "vault_1", "con_1api", "_key", 1),
        ("secret", "vault_1con_1", "", "api_key", 1),
        ("secret", "vault_1", "c\u043en_1", "api_key", 1),
        ("secret", "vault_1", "con_1", "api_key", "1"),
        ("secret", "vault_1", "con_1", "api_key", 1, None),
        ("key", "vault_1", "con_1", "api_key", 1),
    ],
)
def test_a_message_opens_in_its_own_place_only(place: tuple[str, str | int | None]) -> None:
    """Another vault, owner, field, version, split or kind is another place."""
    sealed = cipher.seal(KEY, PLAIN, BOUND, Repeating())
    domain, *values = place
    with pytest.raises(CipherError):
        cipher.unseal(KEY, sealed, cipher.context(domain, *values))


def test_another_key_with_the_same_id_opens_nothing() -> None:
    """The id only names the key."""
    sealed = cipher.seal(KEY, PLAIN, BOUND, Repeating())
    with pytest.raises(CipherError):
        cipher.unseal(Key(KEY_ID, bytes(32)), sealed, BOUND)


def test_another_id_is_refused() -> None:
    """A message names its key, and no other is tried on it."""
    sealed = cipher.seal(KEY, PLAIN, BOUND, Repeating())
    with pytest.raises(CipherError):
        cipher.unseal(Key("ff" * 16, bytes(range(32))), sealed, BOUND)


@pytest.mark.requirement("threat.5")
@pytest.mark.parametrize("version", [0, 2, 255])
def test_an_unknown_version_is_refused(version: int) -> None:
    """There is no older form to fall back to, and none to skip ahead to."""
    sealed = cipher.seal(KEY, PLAIN, BOUND, Repeating())
    with pytest.raises(CipherError, match="unknown version"):
        cipher.unseal(KEY, bytes((version,)) + sealed[1:], BOUND)


@pytest.mark.requirement("threat.5")
def test_a_message_valid_under_two_keys_is_refused_under_the_second() -> None:
    """A salamander: one ciphertext whose tag two keys accept. The commitment tells them apart.

    The attacker knows both keys and every message key, and may choose any ciphertext. What the
    attacker cannot choose is a commitment that both keys derive.
    """
    other = Key(KEY_ID, bytes(32))
    salt = bytes(32)
    header = b"\x01" + bytes.fromhex(KEY_ID)
    first = derived_by_hand(bytes(KEY.material), salt, header + BOUND)
    second = derived_by_hand(bytes(other.material), salt, header + BOUND)
    body = two_key_ciphertext(first[32:76], second[32:76], header + BOUND)
    for out in (first, second):
        assert AESGCM(out[32:64]).decrypt(out[64:76], body, header + BOUND)
    message = header + salt + first[:32] + body
    assert cipher.unseal(KEY, message, BOUND)
    with pytest.raises(CipherError):
        cipher.unseal(other, message, BOUND)


@pytest.mark.requirement("threat.5")
def test_a_message_without_its_commitment_is_refused() -> None:
    """Cutting the commitment out, or emptying it, leaves nothing that opens."""
    sealed = cipher.seal(KEY, PLAIN, BOUND, Repeating())
    for stripped in (sealed[:49] + sealed[81:], sealed[:49] + bytes(32) + sealed[81:]):
        with pytest.raises(CipherError):
            cipher.unseal(KEY, stripped, BOUND)


def test_places_do_not_share_a_message_key_even_if_salts_repeat() -> None:
    """With a source of randomness that repeats, equal values in two places look unrelated."""
    one = cipher.seal(KEY, PLAIN, BOUND, Repeating())
    two = cipher.seal(
        KEY, PLAIN, cipher.context("secret", "vault_1", "con_1", "api_key", 2), Repeating()
    )
    assert one[:49] == two[:49]
    assert not any(a == b for a, b in zip(_blocks(one[49:]), _blocks(two[49:]), strict=True))


def test_a_key_shows_its_id_only() -> None:
    """Neither its text nor an error has a part of the key."""
    assert repr(KEY) == f"<key {KEY_ID}>"
    with pytest.raises(CipherError) as caught:
        Key("short", PLAIN)
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_what_was_recognized_is_remembered_by_every_byte() -> None:
    """Another message or MAC is computed anew, and after a wipe nothing is right any more."""
    key = Key(KEY_ID, bytes(range(32)))
    mac = key.mac(BOUND)
    assert key.recognizes(BOUND, mac)
    assert key.recognizes(BOUND, mac)
    for at in range(len(mac)):
        other = mac[:at] + bytes((mac[at] ^ 1,)) + mac[at + 1 :]
        assert not key.recognizes(BOUND, other)
    assert not key.recognizes(BOUND + b"\0", mac)
    assert not key.recognizes(BOUND, None)
    for number in range(5_000):
        message = number.to_bytes(4)
        assert key.recognizes(message, key.mac(message))
    assert key.recognizes(BOUND, mac)
    key.wipe()
    assert not key.recognizes(BOUND, mac)


def test_a_message_that_is_opened_again_is_checked_as_the_first_time() -> None:
    """What was derived for it opens no altered message, and none of another place."""
    key = Key(KEY_ID, bytes(range(32)))
    sealed = cipher.seal(key, PLAIN, BOUND, os.urandom)
    for _ in range(3):
        assert cipher.unseal(key, sealed, BOUND, again=True) == PLAIN
    for at in range(len(sealed)):
        altered = sealed[:at] + bytes((sealed[at] ^ 1,)) + sealed[at + 1 :]
        with pytest.raises(CipherError):
            cipher.unseal(key, altered, BOUND, again=True)
    with pytest.raises(CipherError):
        cipher.unseal(key, sealed, BOUND + b"\0", again=True)
    assert cipher.unseal(key, sealed, BOUND, again=True) == PLAIN


def test_what_was_derived_of_a_key_is_overwritten_with_it() -> None:
    """Also when it makes room for what was derived for the next message."""
    key = Key(KEY_ID, bytes(range(32)))
    kept: list[bytearray] = []
    for salt in (b"1" * 32, b"2" * 32):
        derived = key.derived(salt, BOUND, keep=True)
        assert key.derived(salt, BOUND) == derived
        assert key._derived is not None  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        kept.append(key._derived[2])  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        assert kept[-1] == derived
    key.wipe()
    assert [*map(any, kept)] == [False, False]
    assert key.derived(b"2" * 32, BOUND) != derived


def test_a_key_that_nobody_holds_is_overwritten() -> None:
    """The bytearray is zero once the key is gone."""
    key = Key(KEY_ID, bytes(range(32)))
    material = key.material
    del key
    assert material == bytes(32)


def _blocks(message: bytes) -> list[bytes]:
    return [message[at : at + 16] for at in range(0, len(message) - 15, 16)]


def test_many_macs_are_the_macs_one_by_one() -> None:
    """The key is taken in once, and the block that was made of it is not what is hashed next."""
    key = KEY
    messages = [bytes(size) for size in (0, 1, 63, 64, 65, 200)]
    wanted = [hmac.digest(bytes(key.material), message, "sha256") for message in messages]
    assert key.macs(messages) == wanted == [key.mac(message) for message in messages]

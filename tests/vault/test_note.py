"""Proves that notes are those of the C2SP, to the byte, and that nothing else is taken for one."""

from __future__ import annotations

from base64 import b64decode

import pytest

from connector_vault import ProofError, PublicKey, WrongKeyError
from connector_vault.checkpoint import Checkpoint, open_checkpoint
from connector_vault.merkle import EMPTY_ROOT
from connector_vault.note import open_note, sign_note

pytestmark = pytest.mark.requirement("log.checkpoint.note")

# Published by the Go project, in golang.org/x/mod/sumdb/note, which the C2SP took over.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETER_LINE = (
    "\u2014 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "\u2014 EnochRoot "
    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
KEY = PublicKey.parse(PETER)
#: A key of our own, for texts of our own.
OWN = bytes(range(32))


def test_a_note_is_signed_as_published() -> None:
    """The same seed and text give the same note, to the byte."""
    assert sign_note(TEXT, name="PeterNeumann", seed=SEED) == f"{TEXT}\n{PETER_LINE}"


@pytest.mark.parametrize("lines", [PETER_LINE, PETER_LINE + ENOCH_LINE, ENOCH_LINE + PETER_LINE])
def test_a_note_opens_for_each_key_that_signed_it(lines: str) -> None:
    """Signatures of others are passed over, wherever they stand."""
    assert open_note(f"{TEXT}\n{lines}", KEY) == TEXT
    if ENOCH_LINE in lines:
        assert open_note(f"{TEXT}\n{lines}", PublicKey.parse(ENOCH)) == TEXT


@pytest.mark.requirement("threat.18")
def test_a_note_of_another_key_is_another_error() -> None:
    """It says whose key it was; a signature that is wrong is told apart from it."""
    with pytest.raises(WrongKeyError, match="EnochRoot"):
        open_note(f"{TEXT}\n{ENOCH_LINE}", KEY)
    spoilt = PETER_LINE[:60] + "ABCD" + PETER_LINE[60:]
    for note in (f"{TEXT}\n{spoilt}", f"Not so.\n\n{PETER_LINE}", f"{TEXT}\n{PETER_LINE}{spoilt}"):
        with pytest.raises(ProofError, match="signature") as caught:
            open_note(note, KEY)
        assert not isinstance(caught.value, WrongKeyError)


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        f"{TEXT}\n",
        f"{TEXT}\n{PETER_LINE[:-1]}",
        f"\x01{TEXT}\n{PETER_LINE}",
        f"{TEXT}\n{PETER_LINE.replace('PeterNeumann', 'Bad Name')}",
        f"{TEXT}\n{PETER_LINE.replace('PeterNeumann', 'a+b')}",
        f"{TEXT}\n{PETER_LINE}Unexpected line.\n",
        f"{TEXT}\n{PETER_LINE * 101}",
        f"{'x' * 100_000}\n\n{PETER_LINE}",
        f"{TEXT}\n{PETER_LINE.replace('=', '')}",
        f"{TEXT}\n\u2014 PeterNeumann x08g\n",
        f"{TEXT}\n--{PETER_LINE[1:]}",
    ],
)
def test_what_is_no_note_is_refused(note: str) -> None:
    """The malformed notes that were published, and others."""
    with pytest.raises(ProofError, match="no note"):
        open_note(note, KEY)


def test_a_key_is_written_as_published() -> None:
    """What is cut, changed or of another kind is no key."""
    assert str(KEY) == PETER
    texts = [PETER[start:end] for start in range(8) for end in range(40, len(PETER) + 1)]
    texts += [PETER[:at] + chr(ord(PETER[at]) + 1) + PETER[at + 1 :] for at in range(len(PETER))]
    texts += [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ]
    texts.remove(PETER)
    for text in texts:
        with pytest.raises(ProofError, match="public key"):
            PublicKey.parse(text)


def test_a_checkpoint_is_what_was_signed() -> None:
    """Origin, size and root, a line each, and the same after it was read."""
    made = Checkpoint(vault="vault_1", epoch=2, size=20852163, root=EMPTY_ROOT)
    note = made.signed(OWN)
    assert note.split("\n")[:3] == [
        "vault_1/2",
        "20852163",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    ]
    key = PublicKey("vault_1", bytes.fromhex(OWN_PUBLIC))
    assert open_checkpoint(note, key) == made
    extended = sign_note(f"{made.text}more of it\n", name="vault_1", seed=OWN)
    assert open_checkpoint(extended, key) == made


#: Computed from the seed by RFC 8032, as any implementation does.
OWN_PUBLIC = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"


@pytest.mark.parametrize(
    "text",
    [
        "vault_1/2\n5\n",
        "vault_1\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "vault_1/0\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "vault_1/2\n05\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "vault_1/2\n-5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "vault_1/2\n\u0665\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "vault_1/2\n5\n47DEQpj8HBSa\n",
        "vault_1/2\n5\nno base64\n",
        "vault_1/2\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\nmore\n",
    ],
)
def test_a_note_that_is_no_checkpoint_is_refused(text: str) -> None:
    """A signature alone says nothing of a log."""
    key = PublicKey("vault_1", bytes.fromhex(OWN_PUBLIC))
    with pytest.raises(ProofError, match="no checkpoint"):
        open_checkpoint(sign_note(text, name="vault_1", seed=OWN), key)

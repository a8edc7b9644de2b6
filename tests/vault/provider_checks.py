"""States what every key provider must do, and looks for secrets in what an error shows."""

from __future__ import annotations

import traceback

import pytest

from connector_vault.cipher import CipherError
from connector_vault.provider import KeyProvider

MATERIAL = bytes(range(32))
BOUND = b"the term of a vault"


def check_contract(key: KeyProvider) -> None:
    """Wraps and unwraps, and lets neither another context nor other bytes pass."""
    sealed = key.wrap(MATERIAL, BOUND)
    assert MATERIAL not in sealed
    assert key.unwrap(sealed, BOUND) == bytearray(MATERIAL)
    assert key.wrap(bytearray(MATERIAL), BOUND) != sealed
    for altered, bound in (
        (sealed, BOUND + b"!"),
        (sealed, b""),
        (b"", BOUND),
        (sealed[: len(sealed) // 2], BOUND),
        (sealed[:-3] + bytes((sealed[-3] ^ 1,)) + sealed[-2:], BOUND),
    ):
        with pytest.raises(CipherError):
            key.unwrap(altered, bound)


def check_id(key: KeyProvider) -> None:
    """An id fits where the vault keeps it, and the fingerprint tells no more than it does."""
    assert len(bytes.fromhex(key.id)) == 16
    assert key.fingerprint == key.id


def shown_by_us(error: BaseException) -> str:
    """Gives all that a log could show of an error: causes, contexts and locals.

    The frames of the tests are left out: they hold the secret that they look for.
    """
    parts: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        parts.append(repr((seen, seen.args, vars(seen))))
        trace = traceback.StackSummary.extract(
            traceback.walk_tb(seen.__traceback__), capture_locals=True
        )
        parts.extend(str(frame.locals) for frame in trace if "/tests/" not in frame.filename)
        seen = seen.__cause__ or seen.__context__
    return "\n".join(parts)

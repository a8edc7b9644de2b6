"""Holds one secret value so that it leaves only where it is asked for by name.

1. The value lies in one bytearray that `wipe` overwrites.
2. Printing, formatting and logging show a fixed text, whatever the value.
3. Comparing, hashing, copying and pickling raise TypeError; JSON encoders refuse it.
4. Only `reveal` gives the value, as a text that the caller must not keep.

How far wiping goes: the bytearray is overwritten, but Python may have copied the text that
`reveal` returned, and nothing here can reach such a copy.
"""

from __future__ import annotations

from types import TracebackType
from typing import Final, NoReturn, Self, SupportsIndex, final

from connector_vault.errors import MisuseError

_SHOWN: Final = "<secret>"


@final
class Secret:
    """A value that cannot be printed, compared, copied, pickled or dumped."""

    __slots__ = ("_value", "_wiped")

    def __init__(self, value: str | bytes | bytearray) -> None:
        """Takes the value; a bytearray is taken over, not copied.

        Raises:
            ValueError: The value is not UTF-8 text.
        """
        owned = _owned(value)
        self._wiped = owned is None
        self._value = owned or bytearray()
        # Raised outside the handler in `_owned`: the codec's own error would carry the value.
        if owned is None:
            raise ValueError("A secret must be UTF-8 text.")

    def reveal(self) -> str:
        """Gives the value.

        Raises:
            MisuseError: The secret was wiped.
        """
        if self._wiped:
            raise MisuseError("This secret was wiped.")
        return self._value.decode()

    def wipe(self) -> None:
        """Overwrites the value; a second time does nothing."""
        self._value[:] = bytes(len(self._value))
        self._value.clear()
        self._wiped = True

    def __enter__(self) -> Self:
        """Gives the secret itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wipes the secret."""
        self.wipe()

    def __del__(self) -> None:
        """Wipes what nobody holds any more."""
        if not self._wiped:
            self.wipe()

    def __repr__(self) -> str:
        """Shows a fixed text."""
        return _SHOWN

    def __format__(self, spec: str) -> str:
        """Shows a fixed text, whatever the format."""
        return _SHOWN

    def __eq__(self, other: object) -> NoReturn:
        """Refuses: a comparison would leak the value, by its answer and by its time."""
        raise TypeError("A secret cannot be compared.")

    def __hash__(self) -> NoReturn:
        """Refuses: a hash of a secret is a fingerprint of it."""
        raise TypeError("A secret cannot be hashed.")

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Refuses to be pickled or copied."""
        raise TypeError("A secret cannot be copied or pickled.")

    def __getstate__(self) -> NoReturn:
        """Refuses to give its slots away."""
        raise TypeError("A secret cannot be copied or pickled.")

    def __copy__(self) -> NoReturn:
        """Refuses to be copied."""
        raise TypeError("A secret cannot be copied or pickled.")

    def __deepcopy__(self, memo: object) -> NoReturn:
        """Refuses to be copied."""
        raise TypeError("A secret cannot be copied or pickled.")


def _owned(value: str | bytes | bytearray) -> bytearray | None:
    """Gives the value as the one bytearray that will be wiped, or None if it is not UTF-8."""
    try:
        if isinstance(value, str):
            return bytearray(value, "utf-8")
        value.decode()
    except UnicodeError:
        return None
    return value if isinstance(value, bytearray) else bytearray(value)

"""Says what went wrong as a page does: a hint never sends a reader to a terminal they have not.

Errors have one hint for all who meet them, and some of it names commands. What can be done on a
page is said by the page; what cannot is said to be for whoever runs the console.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from clientary_connector.errors import ConnectorError, RotationError

#: How a hint names a command.
COMMAND: Final = "`clientary "
#: What takes the place of commands that a page can do.
HERE: Final[Mapping[type[object], str]] = {
    RotationError: "Look on the page of the connection how far its rotation is: go on with it "
    "there, or drop its new key.",
}
ELSEWHERE: Final = "That is for whoever runs this console, at its terminal:"


class Hinted(Protocol):
    """Is what carries a hint: an error of the connector, of a call, or of a verification."""

    @property
    def hint(self) -> str:
        """What to do."""
        ...


def hint_of(one: Hinted) -> str:
    """Returns what to do, as somebody before a page can do it."""
    if COMMAND not in one.hint:
        return one.hint
    return HERE.get(type(one)) or f"{ELSEWHERE} {one.hint}"


def told(error: ConnectorError) -> str:
    """Returns what happened and what to do, in one line."""
    return f"{error.message} {hint_of(error)}".rstrip()

"""Names tools so that every provider takes the name, and it means one action for good."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from clientary_connector.errors import InvalidValueError
from clientary_connector.manifest import Action

#: The strictest of the providers: a letter or underscore, then letters, digits, `_` and `-`.
_USABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


def named(actions: Iterable[Action], prefix: str = "") -> dict[str, Action]:
    """Returns the actions by the names of their tools: the id, behind a prefix if there is one.

    Raises:
        InvalidValueError: A name is longer than 64 characters, or holds others than it may.
    """
    found = {f"{prefix}{action.id}": action for action in actions}
    strange = next((name for name in found if not _USABLE.fullmatch(name)), None)
    if strange is not None:
        raise InvalidValueError(
            f"With this prefix, {found[strange].id} has no usable name.",
            hint="Give a shorter prefix of letters, digits, _ and -, a letter or _ first.",
        )
    return found

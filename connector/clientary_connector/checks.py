"""Refuses what a person gave and nobody can use, before anything is done with it."""

from __future__ import annotations

from typing import Final

from clientary_connector.call.idtext import MAX_ID_CHARS, usable
from clientary_connector.errors import InvalidValueError

#: Ten years between two rotations are none.
MOST_DAYS: Final = 3650


def check_user(user: str) -> None:
    """Refuses a user that cannot stand in the log.

    Raises:
        InvalidValueError: The user is empty, too long, or holds signs that cannot be shown.
    """
    if not usable(user, longest=MAX_ID_CHARS):
        raise InvalidValueError("There is no user.", hint="Say for whom this is done.")


def check_interval(days: int) -> None:
    """Refuses an interval between rotations that makes no sense.

    Raises:
        InvalidValueError: It is out of range.
    """
    if not 1 <= days <= MOST_DAYS:
        raise InvalidValueError(
            "The interval between rotations cannot be used.", hint=f"Give 1 to {MOST_DAYS} days."
        )

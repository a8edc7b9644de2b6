"""Reads for how long the text of each kind of row of the log is kept, from one line of words.

`365 call:read=90 approval=730` keeps reads for 90 days, approvals for 730 and all else for 365. A
word for a kind and effect is for those rows, one for a kind for its other rows, and the bare one
for all the rest. What no word says has its default, unless a bare word or one for its kind does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clientary_connector.errors import SettingsError

#: The age of all rows that no word is for, as the vault calls it.
ANY: Final = "*"
#: Kinds of rows in which something is sealed; of a call its intent and its outcome.
WITH_TEXT: Final = ("call", "refusal", "replay", "approval", "found", "connect", "read")
#: Kinds whose rows say all that they hold openly; an age of theirs has nothing to end.
NO_TEXT: Final = (
    *("settle", "grant", "budget", "rotate", "refresh", "revoke", "token"),
    *("console_user", "sign_in", "sign_out", "settings", "tend", "erase", "verify"),
    *("secret", "backup", "restore"),
)
KINDS: Final = (*WITH_TEXT, *NO_TEXT)
#: Kinds whose rows have the effect of an action.
WITH_EFFECT: Final = ("call", "refusal", "replay", "approval", "found")
EFFECTS: Final = ("read", "write", "delete", "send")
FOR_EVER: Final = "forever"
MOST_DAYS: Final = 36_500
#: Books are closed within a year; what a read has shown lies at the service.
DEFAULT: Final[Mapping[str, int]] = {ANY: 365, "call:read": 90}
_FORM: Final = "such as: 365 call:read=90 approval=730 connect=forever"


def ages_of(text: str) -> dict[str, int]:
    """Returns how many days each name of an age stands for; 0 is for ever.

    Raises:
        SettingsError: A word makes no sense.
    """
    given: dict[str, int] = {}
    for word in text.split():
        name, equals, days = word.rpartition("=")
        _check(name, word if equals else "")
        if (name or ANY) in given:
            raise _error(f"says twice how long {name or 'all other rows'} is kept.", "Say it once.")
        given[name or ANY] = _days(days, word)
    return {**{name: days for name, days in DEFAULT.items() if not _is_said(name, given)}, **given}


def age_in_words(days: int) -> str:
    """Returns an age as a person reads it."""
    return "for ever" if not days else f"{days:,} days" if days > 1 else "1 day"


def _is_said(name: str, given: Mapping[str, int]) -> bool:
    """Says whether something that was given takes the place of a default."""
    return bool({name, name.partition(":")[0], ANY} & given.keys())


def _check(name: str, word: str) -> None:
    """Refuses a name that no row has; a bare word has none."""
    kind, colon, effect = name.partition(":")
    kinds = WITH_EFFECT if colon else KINDS
    if word and kind not in kinds:
        what = "has no effects" if kind in KINDS else "is no kind of row"
        raise _error(f"has {word!r}, and {kind!r} {what}.", f"Kinds: {', '.join(kinds)}.")
    if colon and effect not in EFFECTS:
        raise _error(f"has {word!r}, and {effect!r} is no effect.", f"Give {', '.join(EFFECTS)}.")


def _days(text: str, word: str) -> int:
    """Reads a number of days."""
    if text == FOR_EVER:
        return 0
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= MOST_DAYS):
        raise _error(
            f"has {word!r}, which is no age.",
            f"Give days, 1 to {MOST_DAYS:,}, or {FOR_EVER}, {_FORM}.",
        )
    return int(text)


def _error(what: str, hint: str) -> SettingsError:
    return SettingsError(f"The setting keep {what}", hint=hint)

"""Compares what somebody calls a record with the names it has; case and accents do not count."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final

#: Letters that Unicode takes for letters of their own, and people type without their mark.
_PLAIN: Final = str.maketrans(
    {
        **dict(zip("øłđðħ\u0131", "olddhi", strict=True)),
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
    }
)
#: Of four letters three: one that is wrong, missing or in the wrong place is forgiven.
_CLOSE: Final = 0.75
#: A word of fewer letters is too short to be mistyped and known all the same.
_SHORTEST: Final = 3


class Match(StrEnum):
    """Says how a name fits, best first."""

    EXACT = "exact"
    #: The name begins with it.
    PREFIX = "prefix"
    #: Every word of it begins a word of the name.
    WORD = "word"
    #: The name holds it somewhere.
    INSIDE = "inside"
    #: Every word of it is nearly a word of the name.
    FUZZY = "fuzzy"


RANKS: Final = {match: rank for rank, match in enumerate(Match)}


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a name fits: by its rank first, and then by how close it is."""

    match: Match
    #: 1 is the same; less only where it is fuzzy.
    closeness: float = 1.0

    @property
    def order(self) -> tuple[int, float]:
        """What sorts better fits before worse ones."""
        return RANKS[self.match], -self.closeness


class Wanted:
    """What somebody calls a record, ready to be compared with many names."""

    def __init__(self, text: str) -> None:
        """Takes the text as it was given."""
        self._text = folded(text)
        self._squeezed = self._text.replace(" ", "")
        self._words = self._text.split()
        self._matchers = [_matcher(word) for word in self._words]

    def best(self, names: Iterable[str]) -> Fit | None:
        """Returns how well the best of the names of one record fits; None where none does."""
        fits = [fit for name in names if (fit := self.fit(name)) is not None]
        return min(fits, key=lambda fit: fit.order, default=None)

    def fit(self, name: str) -> Fit | None:
        """Returns how well a name fits; None where it does not."""
        text = folded(name)
        squeezed = text.replace(" ", "")
        if squeezed == self._squeezed:
            return Fit(Match.EXACT)
        if text.startswith(self._text):
            return Fit(Match.PREFIX)
        words = text.split()
        if all(any(one.startswith(word) for one in words) for word in self._words):
            return Fit(Match.WORD)
        if self._squeezed in squeezed:
            return Fit(Match.INSIDE)
        return self._nearly(words)

    def _nearly(self, words: list[str]) -> Fit | None:
        found = [self._nearest(index, words) for index in range(len(self._words))]
        closeness = min(found)
        return Fit(Match.FUZZY, sum(found) / len(found)) if closeness >= _CLOSE else None

    def _nearest(self, index: int, words: list[str]) -> float:
        """Returns how close the closest word of a name is to one of ours."""
        word, matcher = self._words[index], self._matchers[index]
        if any(one.startswith(word) for one in words):
            return 1.0
        if len(word) < _SHORTEST:
            return 0.0
        return max((_closeness(matcher, one) for one in words), default=0.0)


def folded(text: str) -> str:
    """Returns a text without case, accents and signs; one that is nothing but signs stays."""
    apart = unicodedata.normalize("NFKD", text).casefold().translate(_PLAIN)
    bare = "".join(sign for sign in apart if not unicodedata.combining(sign))
    plain = " ".join("".join(sign if sign.isalnum() else " " for sign in bare).split())
    return plain or " ".join(text.split())


def _matcher(word: str) -> SequenceMatcher[str]:
    # What the matcher works out of its second text it keeps for every first one.
    return SequenceMatcher(a="", b=word, autojunk=False)


def _closeness(matcher: SequenceMatcher[str], word: str) -> float:
    """Returns how alike two words are; those that cannot be alike enough cost next to nothing."""
    matcher.set_seq1(word)
    if matcher.real_quick_ratio() < _CLOSE or matcher.quick_ratio() < _CLOSE:
        return 0.0
    return matcher.ratio()

"""Looks for a text in what was sealed in an entry of the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from clientary_connector.call.kinds import is_list, is_object
from clientary_connector.errors import InvalidValueError
from clientary_connector.logentry import LogEntry


class Needle:
    """A text to look for; upper and lower case are the same."""

    def __init__(self, text: str) -> None:
        """Takes the text.

        Raises:
            InvalidValueError: There is none.
        """
        if not text.strip():
            raise InvalidValueError("There is no text to look for.")
        self._text = text.casefold()

    def is_in(self, entry: LogEntry) -> bool:
        """Tells whether the text is in a sealed value of an entry; names of fields do not count."""
        sealed = (entry.prompt, entry.arguments, entry.request, entry.response)
        return any(self._text in text.casefold() for value in sealed for text in _texts(value))


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Gives the texts and numbers in a value."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        elif is_object(part):
            waiting += part.values()
        elif is_list(part):
            waiting += part
        elif part is not None and not isinstance(part, bool):
            yield str(part)

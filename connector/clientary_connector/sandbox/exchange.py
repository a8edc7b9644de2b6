"""What goes in and out of a route: a request, an answer, and the ways to refuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

import msgspec

from clientary_connector.sandbox.fields import decode


class RefusedError(Exception):
    """The simulated Clientary says no, with a status and perhaps a JSON body."""

    def __init__(self, status: int, body: object) -> None:
        """Keep what is to be answered."""
        super().__init__(f"refused with {status}")
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a route: ids of the path, query and body."""

    ids: tuple[int, ...]
    query: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> int:
        """Return the last id of the path."""
        return self.ids[-1]

    def flat(self) -> dict[str, object]:
        """Return the body as an object, or refuse with 400."""
        try:
            body = decode(self.body)
        except msgspec.DecodeError:
            raise RefusedError(400, {"error": "The body is not valid JSON."}) from None
        if not isinstance(body, dict):
            raise RefusedError(400, {"error": "The body must be a JSON object."})
        return cast("dict[str, object]", body)

    def wrapped(self, wrapper: str) -> dict[str, object]:
        """Return what the body holds under its wrapper key, or refuse with 400."""
        record = self.flat().get(wrapper)
        if not isinstance(record, dict):
            message = f"param is missing or the value is empty: {wrapper}"
            raise RefusedError(400, {"error": message})
        return cast("dict[str, object]", record)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and what to write as JSON; None writes an empty body."""

    status: int
    body: object = None


MISSING: Final = Answer(404, {"error": "Not found"})


def missing() -> RefusedError:
    """Return the refusal for an id that nobody knows."""
    return RefusedError(MISSING.status, MISSING.body)

"""Says how far a rotation of the vault's keys is: one record, and so one rotation at a time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from connector_vault.records import Record

KIND: Final = "key-rotation"
#: The one record of its kind.
ID: Final = "vault"


class What(StrEnum):
    """What is rotated."""

    #: The provider's key, which wraps the terms.
    KEK = "kek"
    #: The current term, and the data keys that hang on it.
    KEYS = "keys"


class Stage(StrEnum):
    """How far it is."""

    #: A second slot is added to every term; the key that was in use is still the one in use.
    ADDING = "adding"
    #: The new key is the one in use, and the other opens too.
    PROMOTED = "promoted"
    #: New keys hang on the new term, and the others follow.
    REWRAPPING = "rewrapping"
    #: The older terms are destroyed, and data keys are renewed.
    RENEWING = "renewing"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRotation:
    """The latest rotation of keys; times are in seconds since 1970."""

    #: Counts them.
    number: int
    what: What
    stage: Stage
    #: Of the provider's key: in use when it began, and the one that takes its place.
    source: str | None = None
    target: str | None = None
    #: The new term.
    term: str | None = None
    user: str | None = None
    began_at: float
    changed_at: float
    #: When terms and data keys were rotated last; a rotation that left something does not count.
    keys_rotated_at: float | None = None
    #: How many keys have been moved or renewed, and how many were left as they were.
    done: int = 0
    left: int = 0
    #: How often the record was changed.
    revision: int = 0

    @property
    def open(self) -> bool:
        """Whether something is left to do."""
        return self.stage is not Stage.ENDED

    def facts(self) -> dict[str, Any]:
        """Returns what the log says of it."""
        named = ("number", "what", "stage", "source", "target", "term", "done", "left")
        return {name: getattr(self, name) for name in named}


def record_of(rotation: KeyRotation) -> Record:
    """Returns the record that keeps a rotation."""
    body = asdict(rotation)
    del body["revision"]
    return Record(kind=KIND, id=ID, revision=rotation.revision, body=body)


def rotation_of(record: Record) -> KeyRotation:
    """Returns the rotation that a record keeps."""
    body: dict[str, Any] = {
        **record.body,
        "what": What(record.body["what"]),
        "stage": Stage(record.body["stage"]),
    }
    return KeyRotation(revision=record.revision, **body)

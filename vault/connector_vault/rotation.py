r"""Says how far the rotation of a secret is: its states, and the record that keeps them.

    intended -> pending -> set -> tested -> promoted -> overlapping -> finished
        |           \      ^ \       |
     waiting         uncertain     dropped

- intended: it was begun, and no candidate is stored.
- waiting: a person has to bring a candidate.
- pending: the candidate is stored beside the current secret.
- uncertain: nobody knows whether the candidate is in effect at the service. The state is
  taken before that is tried, so that a crash in the middle is found in it.
- set: the candidate should be in effect at the service.
- tested: it answered, as the same account.
- promoted: it is the current secret, and what is left to do has not been done.
- overlapping: the previous secret is kept until it is shown to be out of effect.
- finished: the previous secret is gone.
- dropped: the candidate is gone, and the secret before it never left its place.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from connector_vault.hooks import RotationContext
from connector_vault.records import Record

KIND: Final = "rotation"


class State(StrEnum):
    """How far a rotation is."""

    INTENDED = "intended"
    WAITING = "waiting"
    PENDING = "pending"
    UNCERTAIN = "uncertain"
    SET = "set"
    TESTED = "tested"
    PROMOTED = "promoted"
    OVERLAPPING = "overlapping"
    FINISHED = "finished"
    DROPPED = "dropped"


#: Nothing is left to do.
ENDED: Final = frozenset({State.FINISHED, State.DROPPED})
#: No candidate is stored yet.
EMPTY: Final = frozenset({State.INTENDED, State.WAITING})
#: A candidate is stored, and the old secret is the current one.
CANDIDATE: Final = frozenset({State.PENDING, State.UNCERTAIN, State.SET, State.TESTED})
#: The candidate has become the current secret, and the one before it is kept.
PROMOTED: Final = frozenset({State.PROMOTED, State.OVERLAPPING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """The latest rotation of one secret; times are in seconds since 1970."""

    owner: str
    field: str
    #: Counts the rotations of this secret.
    number: int
    state: State
    #: The version in use when it began.
    old: int
    #: The version of the candidate, once it is stored.
    new: int | None = None
    #: So often has the candidate failed.
    tries: int = 0
    #: What the service said last to the candidate, or to the previous secret.
    verdict: str | None = None
    #: Why it goes no further, in words that can be shown.
    reason: str = ""
    user: str | None = None
    began_at: float
    changed_at: float
    #: From then on the previous secret may be taken out of effect.
    retire_at: float | None = None
    #: How often the record was changed.
    revision: int = 0

    @property
    def open(self) -> bool:
        """Whether something is left to do."""
        return self.state not in ENDED

    @property
    def context(self) -> RotationContext:
        """What its hooks are told."""
        return RotationContext(
            owner=self.owner,
            field=self.field,
            number=self.number,
            old=self.old,
            new=self.new,
            tries=self.tries,
            user=self.user,
        )

    def facts(self) -> dict[str, Any]:
        """Returns what the log says of it."""
        named = ("number", "state", "old", "new", "tries", "verdict", "reason")
        return {name: getattr(self, name) for name in named}


def rotation_id(owner: str, field: str) -> str:
    """Names the rotation of a secret. A field has no slash, so no two names are alike."""
    return f"{owner}/{field}"


def record_of(rotation: Rotation) -> Record:
    """Returns the record that keeps a rotation."""
    body = asdict(rotation)
    del body["revision"]
    return Record(
        kind=KIND,
        id=rotation_id(rotation.owner, rotation.field),
        parent=rotation.owner,
        revision=rotation.revision,
        body=body,
    )


def rotation_of(record: Record) -> Rotation:
    """Returns the rotation that a record keeps."""
    body: dict[str, Any] = {**record.body, "state": State(record.body["state"])}
    return Rotation(revision=record.revision, **body)

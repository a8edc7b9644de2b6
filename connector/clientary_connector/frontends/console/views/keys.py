"""Says in words how old a key is, how far its rotation, and what a person has to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from clientary_connector.rotations import STATES, Due, KeyStatus

#: The way that a rotation goes, as a person sees it: what each station is, and its states.
STATIONS: Final = (
    ("The new key is sealed in the vault", frozenset({"intended", "pending"})),
    ("The new key answers, as the same account", frozenset({"uncertain", "set", "tested"})),
    ("The new key is in use", frozenset({"promoted"})),
    ("The old key no longer works, and is gone", frozenset({"overlapping"})),
)
#: What a person does while a rotation is in a state; {title} is the service.
TO_DO: Final = {
    "waiting": "Make a new API key in {title}, and bring it below.",
    "pending": "Try the new key again, or bring another one.",
    "uncertain": "Look whether the new key exists in {title}. Try it again, or bring another one.",
    "set": "Look whether the new key exists in {title}. Try it again, or bring another one.",
    "overlapping": "Delete the old API key in {title}, on the profile page of the user whose key "
    "it is. Then let it be checked here that it no longer works.",
}
OVERLAPPING: Final = "overlapping"
#: States in which there is a new key that can be dropped.
CANDIDATE: Final = frozenset({"pending", "uncertain", "set", "tested"})
#: States in which it goes on without another key.
RESUMABLE: Final = CANDIDATE | {"intended", "promoted"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """One station of a rotation."""

    text: str
    #: `done`, `now` or `later`.
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """The key of a connection, as a person is shown it."""

    status: KeyStatus
    #: When it is due, in words.
    due: str
    tone: str
    #: How far an open rotation is; empty where none is open.
    said: str
    stations: tuple[Station, ...]
    to_do: str
    overlapping: bool
    droppable: bool
    resumable: bool


def key_view(status: KeyStatus, *, title: str) -> KeyView:
    """Returns what is shown of a key."""
    state = status.rotation or ""
    due, tone = _due(status)
    return KeyView(
        status=status,
        due=due,
        tone=tone,
        said=STATES.get(state, state),
        stations=stations(state) if state else (),
        to_do=TO_DO.get(state, "").format(title=title),
        overlapping=state == OVERLAPPING,
        droppable=state in CANDIDATE,
        resumable=state in RESUMABLE,
    )


def stations(state: str) -> tuple[Station, ...]:
    """Returns the stations of a rotation in a state; all are done where it is finished."""
    at = next((at for at, (_, states) in enumerate(STATIONS) if state in states), None)
    if at is None:
        mark = "done" if state == "finished" else "later"
        return tuple(Station(text=text, mark=mark) for text, _ in STATIONS)
    marks = ("done",) * at + ("now",) + ("later",) * (len(STATIONS) - at - 1)
    return tuple(
        Station(text=text, mark=mark) for (text, _), mark in zip(STATIONS, marks, strict=True)
    )


def _due(status: KeyStatus) -> tuple[str, str]:
    days = abs(status.days_left)
    said = "1 day" if days == 1 else f"{days} days"
    match status.due:
        case Due.OVERDUE:
            return f"overdue by {said}", "bad"
        case Due.DUE:
            return f"due in {said}", "warn"
        case Due.FRESH:
            return f"due in {said}", "good"

"""Says what shall go wrong on purpose, at which request, and how often."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from threading import Lock
from typing import Final, Literal

BASE_PATH: Final = "/api/v2"

_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LONGEST_DELAY_S: Final = 600.0
_LARGEST_BODY: Final = 1 << 30


class FaultKind(StrEnum):
    """What can go wrong."""

    STATUS = "status"
    DELAY = "delay"
    CUT_BEFORE = "cut_before"
    CUT_AFTER = "cut_after"
    TRUNCATED = "truncated"
    BROKEN_JSON = "broken_json"
    NULL_DRIFT = "null_drift"
    WRONG_TYPES = "wrong_types"
    EXTRA_FIELDS = "extra_fields"
    REDIRECT = "redirect"
    ECHO = "echo"
    EMPTY = "empty"
    HUGE = "huge"


Encoding = Literal["raw", "base64", "percent", "escaped"]

_DEFAULT_STATUS: Final[Mapping[FaultKind, int]] = {
    FaultKind.STATUS: 500,
    FaultKind.REDIRECT: 302,
    FaultKind.EMPTY: 204,
}
_FAILURE: Final = 400


def route_of(path: str) -> str:
    """Spell a route the way the sandbox does: below the base path, every placeholder `{id}`."""
    return _PLACEHOLDER.sub("{id}", path.removeprefix(BASE_PATH))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: its kind, which requests it meets, and what it does to them.

    `method` and `route` of None meet every request; `route` is a path template
    (`/clients/{id}`, any placeholder name) or a pattern with `*`. Of the requests that it meets
    and that no earlier fault took, it spoils those from number `nth` on, `times` of them (None:
    all). `status`, `redirect` and an `echo` with an error status come instead of the work;
    `after_work` lets the work be done first. `delay_s` may go with any kind.
    """

    kind: FaultKind
    method: str | None = None
    route: str | None = None
    nth: int = 1
    times: int | None = 1
    status: int | None = None
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    delay_s: float = 0.0
    after_work: bool = False
    location: str | None = None
    encoding: Encoding = "raw"
    fields: tuple[str, ...] = ()
    size: int = 8_000_000
    reset: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ValueError: With a sentence that names the field.
        """
        for wrong, message in _objections(self):
            if wrong:
                raise ValueError(message)

    @property
    def answer_status(self) -> int | None:
        """Return the status to answer with; None keeps that of the work."""
        return self.status or _DEFAULT_STATUS.get(self.kind)

    @property
    def works(self) -> bool:
        """Tell whether the request's work is done all the same."""
        if self.kind is FaultKind.CUT_BEFORE:
            return False
        if self.kind in {FaultKind.STATUS, FaultKind.REDIRECT}:
            return self.after_work
        if self.kind is FaultKind.ECHO:
            return self.after_work or (self.status or 0) < _FAILURE
        return True

    def meets(self, method: str, route: str) -> bool:
        """Tell whether a request is one of those that the fault is for."""
        if self.method is not None and self.method.upper() != method:
            return False
        return self.route is None or fnmatchcase(route, route_of(self.route))


def _objections(fault: Fault) -> Iterator[tuple[bool, str]]:
    yield fault.nth < 1, "nth: counts from 1."
    yield fault.times is not None and fault.times < 1, "times: at least 1, or null for always."
    status = fault.status
    yield status is not None and not 200 <= status <= 599, "status: must lie within 200 and 599."  # noqa: PLR2004 - the range of final statuses in HTTP
    in_range = 0 <= fault.delay_s <= _LONGEST_DELAY_S
    yield not in_range, f"delay_s: must lie within 0 and {_LONGEST_DELAY_S:.0f} seconds."
    yield fault.kind is FaultKind.DELAY and fault.delay_s == 0, "delay_s: a delay needs a length."
    redirect = fault.kind is FaultKind.REDIRECT
    yield redirect and not fault.location, "location: a redirect needs a target."
    yield (
        not 1 <= fault.size <= _LARGEST_BODY,
        f"size: must lie within 1 and {_LARGEST_BODY} bytes.",
    )
    given = {**fault.headers, "location": fault.location or ""}
    for name, value in given.items():
        fits = _TOKEN.fullmatch(name) and value.isascii() and value.isprintable()
        yield not fits, f"headers: {name!r} cannot be sent as an HTTP header."


@dataclass(slots=True)
class _Armed:
    fault: Fault
    met: int = 0

    def fires(self) -> bool:
        self.met += 1
        return self.met >= self.fault.nth

    def spent(self) -> bool:
        times = self.fault.times
        return times is not None and self.met >= self.fault.nth + times - 1


class Faults:
    """The faults that wait for their requests; may be set from any thread."""

    def __init__(self) -> None:
        """Start with none."""
        self._armed: list[_Armed] = []
        self._lock = Lock()

    def add(self, *faults: Fault) -> None:
        """Arm faults, behind those that are armed already."""
        with self._lock:
            self._armed.extend(_Armed(fault) for fault in faults)

    def clear(self) -> None:
        """Disarm all."""
        with self._lock:
            self._armed.clear()

    def waiting(self) -> tuple[Fault, ...]:
        """Return the faults that are still armed."""
        with self._lock:
            return tuple(armed.fault for armed in self._armed)

    def take(self, method: str, route: str) -> Fault | None:
        """Return the fault for this request, if there is one, and count it."""
        if not self._armed:
            return None
        with self._lock:
            for armed in self._armed:
                if armed.fault.meets(method, route) and armed.fires():
                    if armed.spent():
                        self._armed.remove(armed)
                    return armed.fault
        return None

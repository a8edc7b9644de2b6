"""Lets one process out of many do a piece of work, and shuts out one that woke up too late.

1. A lease has a fencing number that only grows. Every transaction of the work compares it, so a
   holder that was overtaken changes nothing any more.
2. The holder measures its own term with a clock that nobody sets.
3. Others go by the clock on the wall. If that was set back, the lease is free; if it was set
   forward, the lease is free too early. Both cost a holder its work and never let two go on.
4. Where a lease says who holds it, nobody waits for the dead: it is free once the kernel has
   dropped the lock of its holder. A holder that was only stopped keeps it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from connector_vault.attendance import Attendance
from connector_vault.errors import LeaseHeldError, LeaseLostError
from connector_vault.records import Record
from connector_vault.view import Transaction, View

KIND: Final = "lease"

#: Gives seconds since some moment; unlike the time, nobody sets it.
Monotonic: TypeAlias = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to go on with a piece of work, for a time."""

    name: str
    fence: int
    term_s: float


def take(
    log: Transaction,
    name: str,
    *,
    now: float,
    term_s: float,
    attendance: Attendance | None = None,
) -> Lease:
    """Takes a lease that nobody holds.

    With `attendance` it says who holds it. Without, others wait for its end also after a death:
    for work whose last request may still be on its way to somebody who must not get another.

    Raises:
        LeaseHeldError: Somebody does.
        StoreError: Whether its holder is still there cannot be found out.
    """
    found = log.record(KIND, name)
    if found is not None and _holds(found, now) and not _is_dead(found, attendance):
        until = datetime.fromtimestamp(found.body["until"], UTC).isoformat(timespec="seconds")
        raise LeaseHeldError(f"Another process is at work on {name}, until {until} at most.")
    fence = 1 if found is None else found.body["fence"] + 1
    record = found or Record(kind=KIND, id=name, body={})
    by = None if attendance is None else attendance.me
    body = {"fence": fence, "taken": now, "until": now + term_s, "by": by}
    log.put(replace(record, body=body), expect=None if found is None else found.revision)
    return Lease(name=name, fence=fence, term_s=term_s)


def renew(log: Transaction, lease: Lease, *, now: float) -> None:
    """Starts the term of a lease anew; every transaction of the work does this first.

    Raises:
        LeaseLostError: Another process has taken it.
    """
    found = _own(log, lease)
    body = {**found.body, "taken": now, "until": now + lease.term_s}
    log.put(replace(found, body=body), expect=found.revision)


def give_back(log: Transaction, lease: Lease) -> None:
    """Frees a lease for the next; one that was lost is left alone."""
    try:
        found = _own(log, lease)
    except LeaseLostError:
        return
    log.put(replace(found, body=_free(found)), expect=found.revision)


def expire(log: Transaction, *, now: float) -> int:
    """Frees the leases whose holders are gone; gives their number."""
    ended = [one for one in log.records(KIND) if one.body["until"] and not _holds(one, now)]
    for one in ended:
        log.put(replace(one, body=_free(one)), expect=one.revision)
    return len(ended)


def expired(view: View, *, now: float) -> bool:
    """Says whether there is a lease to free."""
    return any(one.body["until"] and not _holds(one, now) for one in view.records(KIND))


def _own(view: View, lease: Lease) -> Record:
    """Gives the record of a lease that is still the caller's."""
    found = view.record(KIND, lease.name)
    if found is None or found.body["fence"] != lease.fence:
        raise LeaseLostError(f"Another process has taken over the work on {lease.name}.")
    return found


def _holds(record: Record, now: float) -> bool:
    """Says whether somebody holds a lease at a time."""
    return bool(record.body["taken"] <= now < record.body["until"])


def _is_dead(record: Record, attendance: Attendance | None) -> bool:
    """Says whether the holder named is gone; a lease of an older version names none."""
    by: str | None = record.body.get("by")
    return by is not None and attendance is not None and not attendance.is_present(by)


def _free(record: Record) -> dict[str, Any]:
    """Gives the body of a lease that nobody holds."""
    return {**record.body, "until": 0}

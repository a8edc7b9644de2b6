"""Tells from what the service holds now whether a change with an unknown end has happened.

1. Only a record that agrees with every field that the call gave, of those that the manifest's
   rule names, counts as made by it; and only one that was made since the call began.
2. An older record that agrees may be another's: nobody can tell then.
3. A list that was not read to its end shows that a record is there, never that it is not.
4. A deletion has happened where the record is gone; an update where every field that was given
   stands in the record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from clientary_connector.call.kinds import is_list, is_object
from clientary_connector.call.result import ErrorKind, Outcome, Result
from clientary_connector.call.settling import Verdict
from clientary_connector.manifest import Action, Lookup

GIVEN: Final = "given"
LIMIT: Final = "limit"
MADE_AT: Final = "created_at"
#: Two clocks that are set by themselves are seldom further apart.
SKEW: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a look-up has shown."""

    verdict: Verdict
    reason: str
    #: The record that was found; for a deletion, what its result would have said.
    record: Any = None


def arguments_of(
    lookup: Lookup, listing: Action, given: Mapping[str, Any], *, most: int
) -> dict[str, Any] | None:
    """Returns the arguments of the read that looks a change up; None where one is missing."""
    passed = {to: given[name] for to, name in lookup.passes.items() if name in given}
    if not set(listing.place.path) <= passed.keys() | lookup.fixed.keys():
        return None
    limit = {LIMIT: most} if LIMIT in listing.place.engine else {}
    return {**limit, **lookup.fixed, **passed}


def judge(
    action: Action, given: Mapping[str, Any], result: Result, *, since: datetime
) -> Finding | None:
    """Returns what the read of a look-up has shown; None where it has shown nothing."""
    lookup = action.lookup or Lookup()
    gone = result.error is not None and result.error.kind is ErrorKind.NOT_FOUND
    if result.outcome is not Outcome.SUCCEEDED and not gone:
        return None
    if lookup.absent:
        return _deletion(action, given, result, gone=gone)
    if lookup.match == (GIVEN,):
        return _update(action, given, None if gone else result.data)
    return _creation(action, given, result, since=since)


def _deletion(action: Action, given: Mapping[str, Any], result: Result, *, gone: bool) -> Finding:
    records = _records(result.data)
    if any(_equal(record.get("id"), given["id"]) for record in records):
        return Finding(verdict=Verdict.NOT_FOUND, reason="The record is there still.")
    if not gone and is_list(result.data) and not _whole(result):
        return Finding(verdict=Verdict.CANNOT_TELL, reason="The list is too long to be read whole.")
    said = {name: given[name] for name in action.place.path} | {str(action.confirm): True}
    return Finding(verdict=Verdict.FOUND, reason="The record is gone.", record=said)


def _update(action: Action, given: Mapping[str, Any], record: object) -> Finding:
    if not is_object(record):
        return Finding(verdict=Verdict.NOT_FOUND, reason="The record is gone.")
    asked = {name: value for name, value in given.items() if name not in action.place.path}
    seen = {name: _equal(record[name], value) for name, value in asked.items() if name in record}
    if not all(seen.values()):
        return Finding(verdict=Verdict.NOT_FOUND, reason="The record does not hold what was given.")
    if len(seen) < len(asked):
        hidden = ", ".join(sorted(asked.keys() - seen.keys()))
        return Finding(verdict=Verdict.CANNOT_TELL, reason=f"The record does not show {hidden}.")
    return Finding(verdict=Verdict.FOUND, reason="The record holds what was given.", record=record)


def _creation(
    action: Action, given: Mapping[str, Any], result: Result, *, since: datetime
) -> Finding:
    lookup = action.lookup or Lookup()
    asked = {name: given[name] for name in lookup.match if given.get(name) is not None}
    alike = [one for one in _records(result.data) if _agrees(one, asked)] if asked else []
    fresh = [one for one in alike if _made_since(one, since - SKEW)]
    if len(fresh) == 1:
        return Finding(
            verdict=Verdict.FOUND, reason="There is such a record, made since.", record=fresh[0]
        )
    if not asked:
        reason = "The call gave no field by which a record is known."
    elif len(fresh) > 1:
        reason = "There are several such records, made since."
    elif alike:
        reason = "There is such a record, and it may be an older one."
    elif not _whole(result):
        reason = "The list is too long to be read whole."
    else:
        return Finding(verdict=Verdict.NOT_FOUND, reason="There is no such record.")
    return Finding(verdict=Verdict.CANNOT_TELL, reason=reason)


def _agrees(record: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    return all(_equal(record.get(name), value) for name, value in asked.items())


def _made_since(record: Mapping[str, Any], since: datetime) -> bool:
    try:
        made = datetime.fromisoformat(str(record.get(MADE_AT)))
    except ValueError:
        return False
    return made.tzinfo is not None and made >= since


def _equal(seen: object, given: object) -> bool:
    """Compares what the service holds with what was sent; money by its value, not its digits."""
    if seen == given:
        return True
    try:
        return Decimal(str(seen)) == Decimal(str(given))
    except InvalidOperation:
        return False


def _whole(result: Result) -> bool:
    return result.page is None or result.page.complete


def _records(data: object) -> Sequence[dict[str, Any]]:
    if is_object(data):
        return [data]
    return [one for one in data if is_object(one)] if is_list(data) else []

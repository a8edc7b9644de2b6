"""Reads an account with a secret, to see that it answers and whose account it is.

An account is known again by its people: each gives marks, hashes of id and one further field. A
key that shows one mark of those that were seen before opens the same account, also after people
came, left or changed their name.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from clientary_connector.call.address import Target
from clientary_connector.call.ending import Ending
from clientary_connector.call.executor import Executor
from clientary_connector.call.kinds import is_object
from clientary_connector.call.sending import Way
from clientary_connector.connections import Account
from clientary_connector.manifest import Auth, Manifest
from connector_vault import Secret

#: So many marks are kept; an account of a thousand people is known by its first.
MOST_MARKS: Final = 200
_MARK_CHARS: Final = 16


class Probe:
    """Reads accounts in the way that the manifest names."""

    def __init__(self, *, manifest: Manifest, executor: Executor) -> None:
        """Takes the parts that `wiring` has joined."""
        self._account = manifest.account
        self._executor = executor

    async def ask(self, target: Target, secret: Secret, *, auth: Auth | None = None) -> Ending:
        """Reads the account behind a secret, be it the one in use or not."""
        tool = self._executor.tools.find(self._account.action)
        way = Way(target, lambda: contextlib.nullcontext(secret), contextlib.nullcontext, auth=auth)
        return await self._executor.exchange(tool, way).run({})

    def account(self, ending: Ending) -> Account:
        """Returns whose account has answered."""
        records = _records(ending)
        lines = (_line(one, self._account.show) for one in records)
        total = None if ending.page is None else ending.page.total
        return Account(
            people=tuple(line for line in lines if line),
            total=total or len(records),
            marks=marks_of(records, self._account.show),
        )


def marks_of(records: Iterable[Mapping[str, Any]], show: Sequence[str]) -> tuple[str, ...]:
    """Returns what an account is known again by, in an order that is always the same."""
    texts = {
        f"{record.get('id')}\0{name}\0{str(record[name]).casefold()}"
        for record in records
        for name in show
        if record.get(name)
    }
    hashes = (hashlib.sha256(text.encode()).hexdigest()[:_MARK_CHARS] for text in texts)
    return tuple(sorted(hashes)[:MOST_MARKS])


def is_same(known: Iterable[str], seen: Iterable[str]) -> bool:
    """Tells whether an account that is seen now is one that was seen before."""
    known, seen = set(known), set(seen)
    return not known.isdisjoint(seen) or known == seen


def _records(ending: Ending) -> list[dict[str, Any]]:
    return [one for one in ending.data or () if is_object(one)]


def _line(record: Mapping[str, Any], show: Sequence[str]) -> str:
    first, *others = [str(record[name]) for name in show if record.get(name)] or [""]
    return first + "".join(f" <{other}>" for other in others)

"""Keeps records of one kind by id and by parent, so that lists and cascades need no scan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Generic, TypeVar

from clientary_connector.sandbox.records import Record

R = TypeVar("R", bound=Record)


class Table(Generic[R]):
    """Records by id, with an index for each attribute that names a parent."""

    def __init__(self, *, first_id: int, parents: tuple[str, ...] = ()) -> None:
        """Number the records from `first_id` upwards."""
        self.rows: dict[int, R] = {}
        self.changes = 0
        self._next_id = first_id
        self.parents = parents
        self._children: dict[str, dict[int | None, dict[int, R]]] = {name: {} for name in parents}
        self._orders: dict[Callable[[R], Any], tuple[int, list[R]]] = {}

    def __iter__(self) -> Iterator[R]:
        """Walk over the records in the order in which they were made."""
        return iter(self.rows.values())

    def __len__(self) -> int:
        """Count the records."""
        return len(self.rows)

    def find(self, record_id: int | None) -> R | None:
        """Return the record of that id, if there is one."""
        return None if record_id is None else self.rows.get(record_id)

    def new_id(self) -> int:
        """Hand out an id that was never used before."""
        self._next_id += 1
        return self._next_id - 1

    def add(self, record: R) -> R:
        """Keep a new record."""
        self.rows[record.id] = record
        for parent in self._children:
            self._enter(parent, record)
        self.changes += 1
        return record

    def change(self, record: R, at: datetime, **values: object) -> None:
        """Set attributes of a record and the moment of its change."""
        for name, value in values.items():
            moved = name in self._children
            if moved:
                self._leave(name, record)
            setattr(record, name, value)
            if moved:
                self._enter(name, record)
        record.updated_at = at
        self.changes += 1

    def remove(self, record: R) -> None:
        """Forget a record."""
        del self.rows[record.id]
        for parent in self._children:
            self._leave(parent, record)
        self.changes += 1

    def remove_under(self, parent: str, parent_id: int) -> None:
        """Forget all records of one parent."""
        for record in self.under(parent, parent_id):
            self.remove(record)

    def untie(self, parent: str, parent_id: int, *, at: datetime) -> None:
        """Keep the records of one parent, without it."""
        for record in self.under(parent, parent_id):
            self.change(record, at, **{parent: None})

    def under(self, parent: str, parent_id: int | None) -> list[R]:
        """Return the records whose attribute `parent` is that id, oldest first."""
        return list(self._children[parent].get(parent_id, {}).values())

    def ordered(self, key: Callable[[R], Any]) -> list[R]:
        """Return all records sorted by a key function; sorted anew only after a change."""
        changes, rows = self._orders.get(key, (-1, []))
        if changes != self.changes:
            rows = sorted(self.rows.values(), key=key)
            self._orders[key] = (self.changes, rows)
        return rows

    def _enter(self, parent: str, record: R) -> None:
        children = self._children[parent].setdefault(getattr(record, parent), {})
        children[record.id] = record

    def _leave(self, parent: str, record: R) -> None:
        del self._children[parent][getattr(record, parent)][record.id]

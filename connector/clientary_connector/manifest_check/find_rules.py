"""States the rules for lists by which records are found: what they show, and what they need."""

from __future__ import annotations

from collections.abc import Iterator

from clientary_connector.manifest import Schema
from clientary_connector.manifest_check.fitting import misfits
from clientary_connector.manifest_check.subject import Finding, Subject


def find_faults(subject: Subject) -> Iterator[Finding]:
    """Only a list has names to find by; it shows them, and an id is enough to ask for it."""
    find = subject.raw.get("find")
    if find is None:
        return
    if "paging" not in subject.raw:
        yield "find", "Only a list is looked through: remove it."
    for key in ("by", "show"):
        for name in find.get(key, ()):
            if name not in subject.fields:
                yield f"find.{key}", f"Its records have no field {name!r}: correct it."
    if "id" not in subject.fields:
        yield "find", "Its records have no field 'id', so nothing would be found: remove it."
    yield from _argument_faults(subject, find.get("with", {}))


def _argument_faults(subject: Subject, fixed: Schema) -> Iterator[Finding]:
    path: list[str] = subject.raw["place"].get("path", [])
    if len(path) > 1:
        yield "find", "Its path takes more than one id: remove it."
    for name, value in fixed.items():
        if name not in subject.arguments or name in path:
            yield "find.with", f"{name!r} is no argument beside its path: correct it."
        for misfit in misfits(value, subject.arguments.get(name, {})):
            yield f"find.with.{name}", misfit.message
    for name in subject.required:
        if name not in fixed and name not in path:
            yield "find.with", f"Every call requires {name!r}: give it."

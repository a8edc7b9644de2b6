"""States the rules for one action that points at another: where ids come from, how to look."""

from __future__ import annotations

from collections.abc import Iterator

from clientary_connector.manifest import Schema, nearest
from clientary_connector.manifest_check.fitting import misfits
from clientary_connector.manifest_check.subject import Finding, Subject


def id_faults(subject: Subject) -> Iterator[Finding]:
    """For each argument that is an id, some action finds it."""
    ids: dict[str, list[str]] = subject.raw.get("ids", {})
    for name in subject.arguments:
        if (name == "id" or name.endswith("_id")) and name not in ids:
            yield "ids", f"Says of no action that it finds {name!r}: name one."
    for name, finders in ids.items():
        if name not in subject.arguments:
            yield f"ids.{name}", "Is no argument: remove it, or correct its name."
        for finder in finders:
            yield from _unknown(subject, f"ids.{name}", finder)


def lookup_faults(subject: Subject) -> Iterator[Finding]:
    """What writes says how to look the write up again; what reads has no need to."""
    lookup = subject.raw.get("lookup")
    if subject.reads and lookup is not None:
        yield "lookup", "A read needs none: remove it."
    if not subject.reads and lookup is None:
        yield "lookup", "Is missing: say how the write is looked up again, or why it cannot be."
    if not subject.reads and lookup is not None and "action" in lookup:
        yield from _link_faults(subject, "lookup", lookup["action"], lookup)
        yield from _gap_faults(subject, lookup)
        yield from _match_faults(subject, lookup)


def cascade_faults(subject: Subject) -> Iterator[Finding]:
    """Only a deletion takes anything along, and lists count what it takes."""
    steps: list[Schema] = subject.raw.get("cascade", [])
    if steps and subject.raw["effect"] != "delete":
        yield "cascade", "Only a deletion takes records along: remove it."
    for index, step in enumerate(steps):
        if "count" in step:
            field = f"cascade[{index}]"
            yield from _link_faults(subject, field, step["count"], step, key="count")
            counter = subject.peers.get(step["count"])
            if counter is not None and "paging" not in counter.raw:
                yield f"{field}.count", f"{counter.id} is no list: name one."


def reread_faults(subject: Subject) -> Iterator[Finding]:
    """The read after a change needs nothing but the arguments of the path."""
    reread = subject.raw.get("reread")
    if reread is None:
        return
    path: list[str] = subject.raw["place"].get("path", [])
    same = {"pass": {name: name for name in path}}
    yield from _link_faults(subject, "reread", reread, same, key="")


def _link_faults(
    subject: Subject, field: str, name: str, link: Schema, *, key: str = "action"
) -> Iterator[Finding]:
    """A link leads to a read and gives it arguments that it has, and all that it requires."""
    named = f"{field}.{key}" if key else field
    yield from _unknown(subject, named, name)
    peer = subject.peers.get(name)
    if peer is None:
        return
    if not peer.reads:
        yield named, f"{name} does not read: name an action that does."
    passed: dict[str, str] = link.get("pass", {})
    fixed: Schema = link.get("with", {})
    given = {**passed, **fixed}
    for theirs in (name for name in given if name not in peer.arguments):
        yield field, f"{name} has no argument {theirs!r}: correct it."
    for ours in (name for name in passed.values() if name not in subject.arguments):
        yield field, f"{ours!r} is no argument of this action: correct it."
    for theirs in (name for name in peer.required if name not in given):
        yield field, f"{name} requires {theirs!r}: give it in `pass`."
    for theirs, value in fixed.items():
        for misfit in misfits(value, peer.arguments.get(theirs, {})):
            yield f"{field}.with.{theirs}", misfit.message


def _gap_faults(subject: Subject, lookup: Schema) -> Iterator[Finding]:
    """A call that may leave out what the other action requires cannot always be looked up."""
    peer = subject.peers.get(lookup["action"])
    if peer is None or "cannot" in lookup:
        return
    for theirs, ours in lookup.get("pass", {}).items():
        if theirs in peer.required and ours not in subject.required:
            yield "lookup.cannot", f"A call may lack {ours!r}: say what that means."


def _match_faults(subject: Subject, lookup: Schema) -> Iterator[Finding]:
    """A record is known again by fields that the other action shows."""
    match: str | list[str] = lookup.get("match", [])
    peer = subject.peers.get(lookup["action"])
    if isinstance(match, str):
        if subject.raw["method"] != "PUT":
            yield "lookup.match", "Only a change is known by what was given: list the fields."
    elif peer is not None:
        for field in match:
            if field not in peer.fields:
                yield "lookup.match", f"{peer.id} shows no field {field!r}: correct it."


def _unknown(subject: Subject, field: str, name: str) -> Iterator[Finding]:
    if name not in subject.known:
        near = nearest(name, sorted(subject.known))
        hint = f": did you mean {near[0]!r}?" if near else ": correct its name."
        yield field, f"There is no action {name!r}{hint}"

"""States the rules that hold within one action: its route, its arguments and its example."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from clientary_connector.manifest_check.fitting import misfits, written
from clientary_connector.manifest_check.subject import Finding, Subject

METHODS: Final = {
    "read": frozenset({"GET"}),
    "write": frozenset({"POST", "PUT"}),
    "delete": frozenset({"DELETE"}),
    "send": frozenset({"POST"}),
}
BODILESS: Final = frozenset({"GET", "DELETE"})
CONFIRMED: Final = {"delete": "deleted", "send": "sent"}


def route_faults(subject: Subject) -> Iterator[Finding]:
    """Each placeholder of the path is a required argument that is placed there, and no other."""
    placeholders: list[str] = re.findall(r"\{(\w+)\}", subject.raw["path"])
    placed: list[str] = subject.raw["place"].get("path", [])
    for name, times in Counter(placeholders).items():
        if times > 1:
            yield "path", f"{{{name}}} stands in it twice: give each placeholder its own argument."
        if name not in subject.arguments:
            yield "path", f"{{{name}}} has no argument: add {name!r} to `input.properties`."
        elif name not in subject.required:
            yield "input.required", f"{name!r} stands in the path: add it."
        if name not in placed:
            yield "place.path", f"{{{name}}} stands in the path: add {name!r}."
    for name in placed:
        if name not in placeholders:
            yield "place.path", f"{name!r} is not in the path: write {{{name}}} there, or move it."


def place_faults(subject: Subject) -> Iterator[Finding]:
    """Each argument has one place, and each place holds arguments."""
    places: dict[str, list[str]] = subject.raw["place"]
    times = Counter(name for names in places.values() for name in names)
    for name in subject.arguments:
        if times[name] == 0:
            yield "place", f"{name!r} has no place: add it to path, query, body or engine."
        if times[name] > 1:
            yield "place", f"{name!r} has {times[name]} places: keep one of them."
    for where, names in places.items():
        for name in names:
            if name not in subject.arguments:
                yield f"place.{where}", f"{name!r} is no argument: add it to `input`, or remove it."


def body_faults(subject: Subject) -> Iterator[Finding]:
    """Only POST and PUT carry a body, and only a body has a wrapper."""
    has_body = "body" in subject.raw["place"]
    if has_body and subject.raw["method"] in BODILESS:
        yield "place.body", f"A {subject.raw['method']} carries no body: move these to query."
    if "wrapper" in subject.raw and not has_body:
        yield "wrapper", "There is no body to wrap: remove it, or place arguments in body."


def effect_faults(subject: Subject) -> Iterator[Finding]:
    """Effect, method, scope and confirmation tell the same story."""
    effect: str = subject.raw["effect"]
    method: str = subject.raw["method"]
    if method not in METHODS[effect]:
        fitting = " or ".join(sorted(METHODS[effect]))
        yield "method", f"{method} contradicts the effect {effect!r}: use {fitting}, or correct it."
    scope = f"{subject.raw['resource']}:{effect}"
    if subject.raw["scope"] != scope:
        yield "scope", f"Contradicts resource and effect: write {scope!r}, or correct those."
    confirm = CONFIRMED.get(effect)
    if subject.raw.get("confirm") != confirm:
        advice = f"write {confirm!r}" if confirm else "remove it"
        yield "confirm", f"Does not suit the effect {effect!r}: {advice}."
    elif confirm and confirm not in subject.fields:
        yield "output", f"Lacks the field {confirm!r} that `confirm` promises: add it."


def update_faults(subject: Subject) -> Iterator[Finding]:
    """A change gives something to change, and names the read for when its answer is empty."""
    if subject.raw["method"] != "PUT":
        if "reread" in subject.raw:
            yield "reread", "Only a PUT is read again: remove it."
        return
    if "reread" not in subject.raw:
        yield "reread", "A PUT may be answered with nothing: name the read that gets the record."
    least = len(subject.required) + 1
    if subject.input.get("minProperties", 0) < least:
        yield "input.minProperties", f"A change must change something: write {least}."


def paging_faults(subject: Subject) -> Iterator[Finding]:
    """What lists says where its list lies, and its paging arguments go into the query."""
    lists = subject.output.get("type") == "array"
    paging = subject.raw.get("paging")
    if paging is None:
        if lists:
            yield "paging", "The output is a list: say under which key it lies."
        return
    if not lists:
        yield "output", "An action with `paging` answers with a list: make it an array."
    query: list[str] = subject.raw["place"].get("query", [])
    named = {"page": paging.get("page"), "page_size": paging.get("page_size", {}).get("argument")}
    for key, name in named.items():
        if name is not None and name not in query:
            yield f"paging.{key}", f"{name!r} is no argument of the query: place it there."


def money_faults(subject: Subject) -> Iterator[Finding]:
    """The values that move money are values of an argument, each by its name and its number."""
    money = subject.raw.get("money")
    if money is None:
        return
    argument = subject.arguments.get(money["argument"], {})
    names: dict[str, int] = argument.get("x-enum", {})
    if not names:
        yield "money.argument", f"{money['argument']!r} is no argument with a set of values."
    for value in money["values"]:
        if names and value not in names and value not in names.values():
            yield "money.values", f"{value!r} is no value of {money['argument']!r}: correct it."
    for name, number in names.items():
        if (name in money["values"]) != (number in money["values"]):
            yield "money.values", f"{name!r} and {number} are one value: give both."


def example_faults(subject: Subject) -> Iterator[Finding]:
    """The example is a call that would pass."""
    for misfit in misfits(subject.raw["example"], subject.input):
        yield written(("example", *misfit.path)), misfit.message

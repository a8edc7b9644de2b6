"""Proves that each fault of a manifest is found: which file, action and field, what to do."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest

from clientary_connector.errors import ManifestError
from clientary_connector.manifest import Schema, read_manifest, reading
from clientary_connector.manifest_check import Fault, check_manifest, load_meta_schema

ALMANAC: Final = read_manifest(Path(__file__).parent / "data" / "almanac.json")

pytestmark = pytest.mark.requirement("manifest.check")


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A sound manifest with one thing spoiled, and the faults that it must have."""

    what: str
    spoil: Callable[[Schema], object]
    faults: tuple[tuple[str | None, str | None, str], ...]


def spoiled(
    what: str, spoil: Callable[[Schema], object], *faults: tuple[str | None, str | None, str]
) -> Any:  # noqa: ANN401 - what pytest.param gives has no public name
    """Names a case after what is wrong in it."""
    return pytest.param(Spoiled(what, spoil, faults), id=what)


def action(document: Schema, name: str) -> Schema:
    """Finds an action of a document."""
    return next(part for part in document["actions"] if part["id"] == name)


def edit(name: str, **changes: object) -> Callable[[Schema], object]:
    """Replaces keys of an action."""
    return lambda document: action(document, name).update(changes)


def drop(name: str, key: str) -> Callable[[Schema], object]:
    """Removes a key of an action."""
    return lambda document: action(document, name).pop(key)


def define(**definitions: object) -> Callable[[Schema], object]:
    """Replaces shared definitions."""
    return lambda document: document["$defs"].update(definitions)


def top(**changes: object) -> Callable[[Schema], object]:
    """Replaces keys of the manifest itself."""
    return lambda document: document.update(changes)


def argument(name: str, argument_: str, schema: object) -> Callable[[Schema], object]:
    """Adds or replaces an argument of an action, or takes it away."""

    def spoil(document: Schema) -> None:
        properties = action(document, name)["input"]["properties"]
        properties[argument_] = schema
        if schema is None:
            del properties[argument_]

    return spoil


def both(*spoils: Callable[[Schema], object]) -> Callable[[Schema], object]:
    """Spoils several things."""
    return lambda document: [spoil(document) for spoil in spoils]


def test_a_sound_manifest_has_no_fault(tmp_path: Path) -> None:
    """The made-up service passes."""
    assert _check(tmp_path, ALMANAC) == []


def test_the_meta_schema_is_sound_and_explains_itself() -> None:
    """It is valid itself, and each key that it allows has a description."""
    meta = load_meta_schema()
    assert jsonschema_rs.meta.is_valid(meta)
    for owner in (meta, *meta["$defs"].values()):
        for name, schema in owner.get("properties", {}).items():
            target = meta["$defs"].get(schema.get("$ref", "").removeprefix("#/$defs/"), {})
            assert schema.get("description") or target.get("description"), name


SHAPES: Final = [
    spoiled(
        "a key is missing",
        drop("get_event", "scope"),
        ("get_event", "scope", "'scope' is a required property. Add it."),
    ),
    spoiled(
        "a key of the manifest is missing",
        lambda document: document.pop("account"),
        (None, "account", "'account' is a required property. Add it."),
    ),
    spoiled(
        "a key is unknown",
        edit("get_event", verb="GET"),
        ("get_event", "verb", "Remove it, or correct its name."),
    ),
    spoiled(
        "a method is none of the four",
        edit("get_event", method="PATCH"),
        ("get_event", "method", "'PATCH' is not one of"),
    ),
    spoiled(
        "a name is too long",
        edit("announce_event", id="a" * 65),
        ("a" * 65, "id", "is too long. Small letters, digits"),
    ),
    spoiled(
        "a name has letters that no tool takes",
        edit("announce_event", id="announce-Event"),
        ("announce-Event", "id", "does not match"),
    ),
    spoiled(
        "an action has no name",
        drop("announce_event", "id"),
        ("action 6", "id", "'id' is a required property"),
    ),
    spoiled(
        "an action is no object",
        lambda document: document["actions"].append("get_tide"),
        ("action 8", None, "'get_tide' is not of type 'object'"),
    ),
    spoiled(
        "there are no actions",
        top(actions=[]),
        (None, "actions", "[] should be non-empty"),
    ),
    spoiled(
        "an input is open",
        lambda document: action(document, "get_event")["input"].pop("additionalProperties"),
        ("get_event", "input.additionalProperties", "'additionalProperties' is a required"),
    ),
    spoiled(
        "a reference has bounds beside it",
        argument("get_event", "id", {"$ref": "#/$defs/id", "minimum": 5}),
        ("get_event", "input.properties.id.minimum", "Remove it"),
    ),
    spoiled(
        "a definition has a word that manifests do not use",
        define(id={"type": "integer", "multipleOf": 2, "description": "Id."}),
        (None, "$defs.id.multipleOf", "Remove it"),
    ),
    spoiled(
        "a pattern is no expression",
        define(caption={"type": "string", "pattern": "(", "description": "What happens."}),
        (None, "$defs.caption.pattern", "is not a 'regex'. A regular expression."),
    ),
    spoiled(
        "a user name for a bearer",
        top(auth={"scheme": "bearer", "token": "{secret}", "username": "x"}),
        (None, "auth.username", "Remove it"),
    ),
    spoiled(
        "a lookup with an action and nothing to know the record by",
        edit("delete_event", lookup={"action": "get_event", "pass": {"id": "id"}}),
        ("delete_event", "lookup.match", "'match' is a required property"),
    ),
    spoiled(
        "a cascade that passes arguments to no list",
        edit("delete_event", cascade=[{"resource": "tickets", "pass": {"id": "id"}}]),
        ("delete_event", "cascade[0]", "'count' is a dependency of 'pass'. Add it."),
    ),
]

ROUTES: Final = [
    spoiled(
        "a placeholder has no argument",
        edit("list_keepers", path="/keepers/{house}"),
        ("list_keepers", "path", "{house} has no argument"),
        ("list_keepers", "place.path", "{house} stands in the path: add 'house'."),
    ),
    spoiled(
        "a placeholder stands twice",
        edit("get_event", path="/events/{id}/{id}"),
        ("get_event", "path", "{id} stands in it twice"),
    ),
    spoiled(
        "an argument of the path is not in the path",
        edit("get_event", path="/events"),
        ("get_event", "place.path", "'id' is not in the path: write {id} there"),
    ),
    spoiled(
        "an argument of the path may be left out",
        lambda document: action(document, "get_event")["input"].pop("required"),
        ("get_event", "input.required", "'id' stands in the path: add it."),
    ),
    spoiled(
        "an argument has no place",
        edit("list_events", place={"query": ["leaf"], "engine": ["limit", "fields"]}),
        ("list_events", "place", "'kind' has no place"),
    ),
    spoiled(
        "an argument has two places",
        edit("announce_event", place={"path": ["id"], "query": ["words"], "body": ["words"]}),
        ("announce_event", "place", "'words' has 2 places"),
    ),
    spoiled(
        "a place holds what is no argument",
        edit("list_keepers", place={"query": ["house"], "engine": ["limit", "fields"]}),
        ("list_keepers", "place.query", "'house' is no argument"),
    ),
    spoiled(
        "a GET with a body",
        edit("list_events", place={"body": ["kind", "leaf"], "engine": ["limit", "fields"]}),
        ("list_events", "place.body", "A GET carries no body"),
        ("list_events", "paging.page", "'leaf' is no argument of the query"),
    ),
    spoiled(
        "a DELETE with a body",
        both(
            argument("delete_event", "public", {"$ref": "#/$defs/public"}),
            edit("delete_event", place={"path": ["id"], "body": ["public"]}),
        ),
        ("delete_event", "place.body", "A DELETE carries no body"),
    ),
    spoiled(
        "a wrapper around nothing",
        edit("get_event", wrapper="entry"),
        ("get_event", "wrapper", "There is no body to wrap"),
    ),
    spoiled(
        "a read that is a POST",
        edit("get_event", method="POST"),
        ("get_event", "method", "POST contradicts the effect 'read': use GET"),
    ),
    spoiled(
        "a deletion that only asks for write",
        edit("delete_event", scope="events:write"),
        ("delete_event", "scope", "write 'events:delete'"),
    ),
    spoiled(
        "a scope of another resource",
        edit("get_event", scope="keepers:read"),
        ("get_event", "scope", "write 'events:read'"),
    ),
    spoiled(
        "a deletion that confirms nothing",
        drop("delete_event", "confirm"),
        ("delete_event", "confirm", "write 'deleted'"),
    ),
    spoiled(
        "a read that confirms",
        edit("get_event", confirm="sent"),
        ("get_event", "confirm", "remove it"),
    ),
    spoiled(
        "an output without the mark of its confirmation",
        edit("announce_event", output={"$ref": "#/$defs/event"}),
        ("announce_event", "output", "Lacks the field 'sent'"),
    ),
    spoiled(
        "an update without a read after it",
        drop("update_event", "reread"),
        ("update_event", "reread", "A PUT may be answered with nothing"),
    ),
    spoiled(
        "a read after what is no update",
        edit("create_event", reread="list_events"),
        ("create_event", "reread", "Only a PUT is read again"),
    ),
    spoiled(
        "an update that may change nothing",
        lambda document: action(document, "update_event")["input"].pop("minProperties"),
        ("update_event", "input.minProperties", "A change must change something: write 2."),
    ),
    spoiled(
        "a list that says not where it lies",
        drop("list_keepers", "paging"),
        ("list_keepers", "paging", "say under which key it lies"),
    ),
    spoiled(
        "a record with pages",
        edit("get_event", paging={"items": "entries"}),
        ("get_event", "output", "make it an array"),
    ),
    spoiled(
        "a length of a page that is no argument",
        edit(
            "list_keepers",
            paging={"items": "keepers", "page": "page", "page_size": {"argument": "n", "max": 9}},
        ),
        ("list_keepers", "paging.page", "'page' is no argument of the query"),
        ("list_keepers", "paging.page_size", "'n' is no argument of the query"),
    ),
    spoiled(
        "an example that would not pass",
        edit("create_event", example={"caption": "", "day": "soon", "colour": "red"}),
        ("create_event", "example.caption", "'' should be non-empty"),
        ("create_event", "example.colour", "Remove it"),
        ("create_event", "example.day", "'soon' is not a 'date'. When it happens."),
    ),
]

MONEY: Final = [
    spoiled(
        "a search through what is no list",
        edit("get_event", find={"by": ["caption"]}),
        ("get_event", "find", "Only a list is looked through"),
    ),
    spoiled(
        "a search by fields that are not there",
        edit("list_keepers", find={"by": ["surname"], "show": ["age"]}),
        ("list_keepers", "find.by", "no field 'surname'"),
        ("list_keepers", "find.show", "no field 'age'"),
        ("list_keepers", "find", "no field 'id'"),
    ),
    spoiled(
        "a search with arguments that are none",
        edit("list_events", find={"by": ["caption"], "with": {"era": 3, "leaf": "one"}}),
        ("list_events", "find.with", "'era' is no argument beside its path"),
        ("list_events", "find.with.leaf", "is not of type"),
    ),
    spoiled(
        "money in an argument without a set of values",
        edit("create_event", money={"argument": "fee", "values": [9]}),
        ("create_event", "money.argument", "'fee' is no argument with a set of values"),
    ),
    spoiled(
        "money in what is no value",
        edit("create_event", money={"argument": "kind", "values": ["tide", 10, "gold"]}),
        ("create_event", "money.values", "'gold' is no value of 'kind'"),
    ),
    spoiled(
        "money by name only",
        edit("create_event", money={"argument": "kind", "values": ["tide"]}),
        ("create_event", "money.values", "'tide' and 10 are one value: give both."),
    ),
]

LINKS: Final = [
    spoiled(
        "an id that nothing finds",
        drop("get_event", "ids"),
        ("get_event", "ids", "Says of no action that it finds 'id'"),
    ),
    spoiled(
        "ids of what is no argument, found by no action",
        edit("get_event", ids={"id": ["list_event"], "house_id": ["list_moons_and_stars"]}),
        ("get_event", "ids.id", "no action 'list_event': did you mean 'list_events'?"),
        ("get_event", "ids.house_id", "Is no argument"),
        ("get_event", "ids.house_id", "no action 'list_moons_and_stars': correct its name."),
    ),
    spoiled(
        "a write that says not how it is looked up",
        drop("create_event", "lookup"),
        ("create_event", "lookup", "Is missing"),
    ),
    spoiled(
        "a read that is looked up",
        edit("get_event", lookup={"cannot": "It reads."}),
        ("get_event", "lookup", "A read needs none: remove it."),
    ),
    spoiled(
        "a lookup by no action",
        edit("delete_event", lookup={"action": "see_event", "match": ["id"], "absent": True}),
        ("delete_event", "lookup.action", "There is no action 'see_event'"),
    ),
    spoiled(
        "a lookup that writes",
        edit("announce_event", lookup={"action": "create_event", "match": ["caption"]}),
        ("announce_event", "lookup.action", "create_event does not read"),
        ("announce_event", "lookup", "create_event requires 'caption'"),
        ("announce_event", "lookup", "create_event requires 'day'"),
    ),
    spoiled(
        "a lookup with arguments that are none",
        edit(
            "create_event",
            lookup={
                "action": "list_events",
                "pass": {"sort": "kind", "kind": "colour"},
                "with": {"leaf": 0},
                "match": ["caption", "colour"],
            },
        ),
        ("create_event", "lookup", "list_events has no argument 'sort'"),
        ("create_event", "lookup", "'colour' is no argument of this action"),
        ("create_event", "lookup.with.leaf", "0 is less than the minimum of 1"),
        ("create_event", "lookup.match", "list_events shows no field 'colour'"),
    ),
    spoiled(
        "a lookup by what a call may lack",
        both(
            argument("create_event", "near_id", {"$ref": "#/$defs/id"}),
            edit(
                "create_event",
                place={"body": ["caption", "day", "kind", "fee", "public", "near_id"]},
                ids={"near_id": ["list_events"]},
                lookup={"action": "get_event", "pass": {"id": "near_id"}, "match": ["day"]},
            ),
        ),
        ("create_event", "lookup.cannot", "A call may lack 'near_id'"),
    ),
    spoiled(
        "what was given tells nothing of a new record",
        edit("create_event", lookup={"action": "list_events", "match": "given"}),
        ("create_event", "lookup.match", "Only a change is known by what was given"),
    ),
    spoiled(
        "a cascade of what is no deletion",
        edit("get_event", cascade=[{"resource": "tickets"}]),
        ("get_event", "cascade", "Only a deletion takes records along"),
    ),
    spoiled(
        "a cascade that a record counts",
        edit(
            "delete_event",
            cascade=[{"resource": "tickets", "count": "get_event", "pass": {"id": "id"}}],
        ),
        ("delete_event", "cascade[0].count", "get_event is no list: name one."),
    ),
    spoiled(
        "a cascade that nothing counts",
        edit(
            "delete_event",
            cascade=[{"resource": "tickets", "count": "list_tickets", "pass": {"id": "id"}}],
        ),
        ("delete_event", "cascade[0].count", "There is no action 'list_tickets'"),
    ),
    spoiled(
        "a read after a change that is a list",
        edit("update_event", reread="list_events"),
        ("update_event", "reread", "list_events has no argument 'id'"),
    ),
    spoiled(
        "an account that no action shows",
        top(account={"action": "list_moons", "show": ["name"]}),
        (None, "account.action", "There is no action 'list_moons'"),
    ),
    spoiled(
        "an account that needs arguments",
        top(account={"action": "get_event", "show": ["caption", "house"]}),
        (None, "account.action", "get_event is no read without required arguments"),
        (None, "account.show", "get_event shows no 'house'"),
    ),
]

SCHEMAS: Final = [
    spoiled(
        "a reference that dangles",
        argument("get_event", "fields", {"$ref": "#/$defs/field"}),
        ("get_event", "input.properties.fields.$ref", "no definition 'field': did you mean"),
    ),
    spoiled(
        "a reference that dangles in a definition",
        define(leaf={"$ref": "#/$defs/xylophone"}),
        (None, "$defs.leaf.$ref", "no definition 'xylophone': add it to `$defs`"),
    ),
    spoiled(
        "a reference in a circle",
        define(leaf={"$ref": "#/$defs/limit"}, limit={"$ref": "#/$defs/leaf"}),
        (None, "$defs.leaf", "Leads back to itself"),
        (None, "$defs.limit", "Leads back to itself"),
    ),
    spoiled(
        "definitions that only use each other",
        define(first={"$ref": "#/$defs/second"}, second={"type": "boolean"}),
        (None, "$defs.first", "Is never used"),
        (None, "$defs.second", "Is never used"),
    ),
    spoiled(
        "a required field that is none",
        lambda document: document["$defs"]["event"].update(required=["id", "name"]),
        (None, "$defs.event.required", "'name' is none of `properties`"),
    ),
    spoiled(
        "required fields that are none, deeper down",
        argument(
            "announce_event",
            "words",
            {
                "type": "object",
                "additionalProperties": False,
                "description": "What to say.",
                "properties": {"text": {"type": "boolean", "description": "Say it."}},
                "dependentRequired": {"text": ["tune"]},
                "anyOf": [{"required": ["text"]}, {"required": ["song"]}],
            },
        ),
        ("announce_event", "input.properties.words.anyOf[1].required", "'song' is none of"),
        (
            "announce_event",
            "input.properties.words.dependentRequired.text",
            "'tune' is none of `properties`",
        ),
        ("announce_event", "example.words", "'Mind the tide' is not of type 'object'"),
    ),
    spoiled(
        "values that are not those of the names",
        define(
            kind={
                "enum": ["tide", "eclipse", 10, 30],
                "x-enum": {"tide": 10, "eclipse": 20},
                "description": "Sort.",
            }
        ),
        (None, "$defs.kind.enum", "Does not agree with `x-enum`"),
    ),
    spoiled(
        "two names with one number",
        define(
            kind={
                "enum": ["tide", "eclipse", 10, 10.0],
                "x-enum": {"tide": 10, "eclipse": 10},
                "description": "Sort.",
            }
        ),
        (None, "$defs.kind.enum", "has non-unique elements. Keep one of the two."),
    ),
    spoiled(
        "two names with one number in an answer",
        lambda document: document["$defs"]["event"]["properties"]["kind"].update(
            {"x-enum": {"tide": 10, "eclipse": 10}}
        ),
        (None, "$defs.event.properties.kind.x-enum", "Two names share a number"),
    ),
    spoiled(
        "names in an answer that are others",
        lambda document: document["$defs"]["event"]["properties"]["kind"].update(
            {"x-enum": {"tide": 10, "comet": 20}}
        ),
        (None, "$defs.event.properties.kind.anyOf", "Does not agree with `x-enum`"),
    ),
    spoiled(
        "names without values",
        define(kind={"x-enum": {"tide": 10}, "description": "Sort."}),
        (None, "$defs.kind.enum", "Is missing beside `x-enum`"),
    ),
    spoiled(
        "an argument without description",
        define(public={"type": "boolean"}),
        ("create_event", "input.properties.public.description", "Is missing"),
        ("update_event", "input.properties.public.description", "Is missing"),
    ),
    spoiled(
        "arguments without bounds",
        both(
            argument("announce_event", "words", {"type": "string", "description": "What."}),
            define(leaf={"type": ["integer", "null"], "description": "Page."}),
            argument(
                "list_keepers",
                "fields",
                {"type": "array", "items": {"type": "boolean"}, "description": "Fields."},
            ),
        ),
        ("list_events", "input.properties.leaf", "Nothing bounds the integer"),
        ("announce_event", "input.properties.words", "Nothing bounds the string"),
        ("list_keepers", "input.properties.fields", "Nothing bounds the array"),
    ),
    spoiled(
        "an object that is open in an argument and closed in an answer",
        both(
            argument("list_keepers", "fields", {"type": "object", "description": "Fields."}),
            lambda document: document["$defs"]["keeper"].update(additionalProperties=False),
        ),
        ("list_keepers", "input.properties.fields", "Nothing bounds the object"),
        ("list_keepers", "output.items.additionalProperties", "Outputs are open: remove it."),
    ),
]

NAMES: Final = [
    spoiled(
        "two actions with one id",
        edit("announce_event", id="create_event"),
        ("create_event", "id", "'create_event' is taken twice"),
        ("create_event", "id", "'create_event' is taken twice"),
    ),
    spoiled(
        "two actions with one alias and title",
        edit("announce_event", alias="ALMANAC_GET_EVENT", title="get event"),
        ("get_event", "alias", "taken twice"),
        ("announce_event", "alias", "taken twice"),
        ("get_event", "title", "taken twice"),
        ("announce_event", "title", "taken twice"),
    ),
    spoiled(
        "a header that the engine sets",
        top(headers={"authorization": "Bearer x", "HOST": "elsewhere.example"}),
        (None, "headers.authorization", "The engine sets this header"),
        (None, "headers.HOST", "The engine sets this header"),
    ),
    spoiled(
        "characters that are not seen",
        both(
            top(title="Alma\u200bnac"),
            edit("get_event", description="Reads one event.\nIgnore all others."),
        ),
        (None, "title", "Holds a character that is not seen"),
        ("get_event", "description", "Holds a character that is not seen"),
    ),
    spoiled(
        "a name that ends a line",
        define(**{"id\n": {"type": "boolean"}}),
        (None, "$defs", "Holds a character that is not seen"),
        (None, "$defs.id\n", "Is never used"),
    ),
]


@pytest.mark.parametrize("case", [*SHAPES, *ROUTES, *MONEY, *LINKS, *SCHEMAS, *NAMES])
def test_a_fault_is_named_with_its_action_and_field(case: Spoiled, tmp_path: Path) -> None:
    """What was spoiled is found, where it was spoiled, with what to do; and nothing else is."""
    document = copy.deepcopy(ALMANAC)
    case.spoil(document)
    faults = _check(tmp_path, document)
    found = [(fault.action, fault.field) for fault in faults]
    assert sorted(found, key=str) == sorted(((a, f) for a, f, _ in case.faults), key=str)
    for name, field, said in case.faults:
        assert any(
            said in fault.message and (fault.action, fault.field) == (name, field)
            for fault in faults
        ), [str(fault) for fault in faults]
    assert {fault.file for fault in faults} == {str(tmp_path / "service.json")}


def test_all_faults_are_found_at_once(tmp_path: Path) -> None:
    """Faults of shape and broken rules come together; a misshapen action is not judged twice."""
    document = copy.deepcopy(ALMANAC)
    action(document, "get_event")["method"] = "LOOK"
    action(document, "get_event")["scope"] = "events:write"
    action(document, "delete_event")["scope"] = "events:read"
    del document["account"]
    found = [(fault.action, fault.field) for fault in _check(tmp_path, document)]
    assert found == [(None, "account"), ("get_event", "method"), ("delete_event", "scope")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read (No such file or directory). Check the path and its rights."),
        (b"\xff", "not UTF-8 at byte 0. Save the file as UTF-8."),
        (b'{"a": 1,\n "b" 2}', "Not JSON at line 2, column 6"),
        (b'{"a": 1, "a": 2}', "The key 'a' stands twice in one object. Keep one."),
        (b'"a"', "holds no JSON object. Put the manifest in braces."),
    ],
    ids=["missing", "not UTF-8", "not JSON", "key twice", "no object"],
)
def test_a_file_that_cannot_be_read_is_one_fault(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    """The fault names the file, and the place in it, and says what to do."""
    file = tmp_path / "service.json"
    if content is not None:
        file.write_bytes(content)
    (fault,) = check_manifest(file)
    assert (fault.file, fault.action, fault.field) == (str(file), None, None)
    assert said in fault.message
    assert not fault.message.startswith(str(file))


def test_a_fault_is_one_line() -> None:
    """File, action, field and message stand in this order, and what is not known is left out."""
    assert str(Fault("a.json", "get_event", "path", "Bad.")) == "a.json: get_event: path: Bad."
    assert str(Fault("a.json", None, None, "Bad.")) == "a.json: Bad."


def test_a_fault_shows_little_of_a_long_value(tmp_path: Path) -> None:
    """A value of a million characters does not fill the screen."""
    document = copy.deepcopy(ALMANAC)
    document["title"] = "x" * 1_000_000
    (fault,) = _check(tmp_path, document)
    assert fault.field == "title"
    assert len(fault.message) < 300


def test_a_package_without_the_meta_schema_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is called sound by a check that could not be made."""
    (tmp_path / "clientary.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr(reading, "_FOLDERS", (tmp_path,))
    with pytest.raises(ManifestError, match=r"manifest\.schema\.json: cannot be read"):
        check_manifest(tmp_path / "clientary.json")


def _check(folder: Path, document: Schema) -> list[Fault]:
    file = folder / "service.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return check_manifest(file)

"""Makes JSON Schemas of the data classes that go in and out of the admin API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from clientary_connector.call.idtext import MAX_ID_CHARS
from clientary_connector.call.kinds import is_list, is_object

T = TypeVar("T")
Schema: TypeAlias = dict[str, Any]

COMPONENTS: Final = "#/components/schemas/"
#: What a log of this kind can count.
MOST: Final = 2**63 - 1

#: A moment, ISO 8601 with its zone.
Moment: TypeAlias = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
#: The name of somebody or something, as it can stand in the log.
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARS)]
Note: TypeAlias = Annotated[str, Meta(max_length=4000)]
#: A line of the log.
LogId: TypeAlias = Annotated[int, Meta(ge=1, le=MOST)]


def shown(source: object, kind: type[T]) -> T:
    """Returns what a part of the connector says of itself as the data class that is served."""
    told: Any = source if isinstance(source, Mapping) else source.to_json()  # type: ignore[attr-defined] # all have it
    return msgspec.convert(told, type=kind)


def moment_of(seconds: float) -> str:
    """Returns a moment that is kept in seconds since 1970."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()


def closed(kind: type) -> Schema:
    """Returns the schema of what comes in: whole, and with no field beside its own."""
    made = msgspec.json.schema(kind)
    definitions: Mapping[str, Schema] = made.get("$defs", {})
    found: Schema = _closed(made, definitions)
    return found


def components(incoming: Iterable[type], outgoing: Iterable[type]) -> dict[str, Schema]:
    """Returns the schemas of all classes by name; what comes in has no field beside its own."""
    into, out = (_named(kinds) for kinds in (incoming, outgoing))
    return out | {name: _shut(schema) for name, schema in into.items()}


def ref(kind: type) -> Schema:
    """Returns what points to the schema of a class."""
    return {"$ref": f"{COMPONENTS}{kind.__name__}"}


def _named(kinds: Iterable[type]) -> dict[str, Schema]:
    _, named = msgspec.json.schema_components(
        sorted(set(kinds), key=lambda kind: kind.__name__), ref_template=f"{COMPONENTS}{{name}}"
    )
    return named


def _closed(schema: Any, definitions: Mapping[str, Schema]) -> Any:  # noqa: ANN401 - any part of a schema
    if is_list(schema):
        return [_closed(part, definitions) for part in schema]
    if not is_object(schema):
        return schema
    if "$ref" in schema:
        return _closed(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    inner = {name: part for name, part in schema.items() if name != "$defs"}
    return _shut({name: _closed(part, definitions) for name, part in inner.items()})


def _shut(schema: Schema) -> Schema:
    return {**schema, "additionalProperties": False} if "properties" in schema else schema

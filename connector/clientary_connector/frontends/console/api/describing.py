"""Describes the admin API as OpenAPI 3.1, from the table that serves it.

https://spec.openapis.org/oas/v3.1.1.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from clientary_connector.frontends.console.api.operations import IF_MATCH, Nothing, Operation
from clientary_connector.frontends.console.api.problems import MEDIA_TYPE, Problem
from clientary_connector.frontends.console.api.reading import JSON, schema_of
from clientary_connector.frontends.console.api.shapes import Schema, components, ref

#: One answer for all that is refused.
REFUSED: Final = "#/components/responses/Refused"
SCHEME: Final = "token"
ROLES: Final = "x-role"
_NAME: Final = re.compile(r"\{(\w+)\}")
_ABOUT: Final = (
    "What the console's pages do, for a host that builds its own. Each operation takes a token of "
    "the kind `admin` whose role is at least the one that it names; everything is done, and "
    "stands in the log, in the name of the token's user. An error is a Problem Detail (RFC 9457) "
    "with `kind`, `hint` and every fault."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """An OpenAPI document: what this is itself an example of."""

    openapi: str
    info: dict[str, str]
    servers: tuple[dict[str, str], ...]
    security: tuple[dict[str, tuple[str, ...]], ...]
    paths: dict[str, Any]
    components: dict[str, Any]


def document(operations: Sequence[Operation], *, version: str, root: str) -> Description:
    """Returns the document; `root` is where the console was mounted."""
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    incoming = [one.body for one in operations if one.body is not Nothing]
    outgoing = [one.gives for one in operations]
    return Description(
        openapi="3.1.0",
        info={"title": "Admin API of the connector", "version": version, "description": _ABOUT},
        servers=({"url": root},),
        security=({SCHEME: ()},),
        paths=paths,
        components={
            "securitySchemes": {SCHEME: {"type": "http", "scheme": "bearer"}},
            "responses": {REFUSED.rpartition("/")[2]: _refused()},
            "schemas": components(incoming, [*outgoing, Problem]),
        },
    )


def _operation(one: Operation) -> Schema:
    made: Schema = {
        "operationId": one.name,
        "summary": one.title,
        "tags": [one.path.split("/")[1]],
        ROLES: one.role,
        "responses": _responses(one),
    }
    if one.about:
        made["description"] = one.about
    if parameters := [*_in_path(one.path), *_in_query(one.query), *_guard(one)]:
        made["parameters"] = parameters
    if one.body is not Nothing:
        made["requestBody"] = {"required": True, "content": {JSON: {"schema": ref(one.body)}}}
    return made


def _in_path(path: str) -> Iterable[Schema]:
    for name in _NAME.findall(path):
        schema = {"type": "integer", "minimum": 1} if name == "entry" else {"type": "string"}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(kind: type) -> Iterable[Schema]:
    schema = schema_of(kind)
    for name, part in schema.get("properties", {}).items():
        plain = _without_null(part)
        made = {"name": name, "in": "query", "schema": plain}
        if "description" in plain:
            made["description"] = plain.pop("description")
        if name in schema.get("required", ()):
            made["required"] = True
        yield made


def _without_null(schema: Mapping[str, Any]) -> Schema:
    """Returns the schema of a parameter: what is null is left out of an address."""
    kept = {name: part for name, part in schema.items() if name not in {"anyOf", "default"}}
    if schema.get("default") is not None:
        kept["default"] = schema["default"]
    if "enum" in kept:
        kept["enum"] = [value for value in kept["enum"] if value is not None]
    others = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    return {**kept, **(others[0] if others else {})}


def _guard(one: Operation) -> Iterable[Schema]:
    if one.guarded:
        about = 'The ETag of what is replaced; "0" where there is none yet.'
        yield {
            "name": IF_MATCH,
            "in": "header",
            "required": True,
            "description": about,
            "schema": {"type": "string"},
        }


def _responses(one: Operation) -> Schema:
    done: Schema = {"description": "It was done.", "content": {JSON: {"schema": ref(one.gives)}}}
    if one.headers:
        done["headers"] = {name: {"schema": {"type": "string"}} for name in one.headers}
    refused = {str(status): {"$ref": REFUSED} for status in sorted(_refusals(one))}
    return {str(one.status): done, **refused}


def _refused() -> Schema:
    content = {MEDIA_TYPE: {"schema": ref(Problem)}}
    return {"description": "Nothing was done; the body says why.", "content": content}


def _refusals(one: Operation) -> set[int]:
    """Returns the statuses with which an operation can be refused."""
    found = {400, 401, 403, 405, 413, 422, 500, 503, *one.refuses}
    if one.body is not Nothing:
        found.add(415)
    return found | ({404} if "{" in one.path or one.query is not Nothing else set())

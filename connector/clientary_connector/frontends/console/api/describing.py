"""Describes the admin API as OpenAPI 3.1, from the table that serves it.

Examples are what a console has answered: `make docs` plays a day in the life of an admin, against
a simulated account, and keeps what was said.

https://spec.openapis.org/oas/v3.1.1.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from clientary_connector.frontends.console.api.examples import Example, examples
from clientary_connector.frontends.console.api.operations import IF_MATCH, Nothing, Operation
from clientary_connector.frontends.console.api.problems import KINDS, MEDIA_TYPE, Problem, problem
from clientary_connector.frontends.console.api.reading import JSON, schema_of
from clientary_connector.frontends.console.api.refusals import USUAL
from clientary_connector.frontends.console.api.shapes import Schema, components, ref
from clientary_connector.frontends.console.sending import LINES

RESPONSES: Final = "#/components/responses/"
SCHEME: Final = "token"
ROLES: Final = "x-role"
_NAME: Final = re.compile(r"\{(\w+)\}")
_ABOUT: Final = (
    "What the console's pages do, for a host that builds its own. Each operation takes a token of "
    "the kind `admin` whose role is at least the one that it names; everything is done, and "
    "stands in the log, in the name of the token's user. An error is a Problem Detail (RFC 9457) "
    "with `kind`, `hint` and every fault. What is sealed (prompts, arguments, requests, answers) "
    "is opened by POST alone, and who opened it stands in the log first. What an operation is said "
    "to do as `clientary ...` at the shell of the machine has no operation here."
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
        shown = examples().get(one.name, Example())
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, shown)
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
            "responses": {_called(status): _refusal(*said) for status, said in USUAL.items()},
            "schemas": components(incoming, [*outgoing, Problem]),
        },
    )


def _operation(one: Operation, shown: Example) -> Schema:
    made: Schema = {
        "operationId": one.name,
        "summary": one.title,
        "description": one.about,
        "tags": [one.path.split("/")[1]],
        ROLES: one.role,
        "responses": _responses(one, shown),
    }
    if parameters := [*_in_path(one.path), *_in_query(one.query), *_guard(one)]:
        made["parameters"] = [_with_example(part, shown) for part in parameters]
    if one.body is not Nothing:
        content: Schema = {"schema": ref(one.body)}
        if shown.request is not None:
            content["example"] = shown.request
        made["requestBody"] = {"required": True, "content": {JSON: content}}
    return made


def _with_example(parameter: Schema, shown: Example) -> Schema:
    found = {**shown.path, **shown.query, **shown.headers}.get(parameter["name"])
    return parameter if found is None else {**parameter, "example": found}


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


def _responses(one: Operation, shown: Example) -> Schema:
    if one.streams:
        told = (
            f"Each line is a JSON object: {one.gives.__name__}. The last one ends with a newline."
        )
        schema: Schema = {"type": "string", "description": told, "x-line": ref(one.gives)}
    else:
        schema = ref(one.gives)
    content: Schema = {"schema": schema}
    if shown.response is not None:
        content["example"] = shown.response
    kind = LINES if one.streams else JSON
    done: Schema = {"description": "It was done.", "content": {kind: content}}
    if one.headers:
        done["headers"] = {name: {"schema": {"type": "string"}} for name in one.headers}
    usual = {str(status): {"$ref": f"{RESPONSES}{_called(status)}"} for status in _usually(one)}
    own = {str(status): _refusal(why, problem(status, why)) for status, why in one.refuses.items()}
    return {str(one.status): done, **dict(sorted({**usual, **own}.items()))}


def _refusal(why: str, told: Problem) -> Schema:
    """Returns when an operation is refused, and what that looks like."""
    content: Schema = {MEDIA_TYPE: {"schema": ref(Problem), "example": told}}
    return {"description": f"{why} Nothing was done.", "content": content}


def _called(status: int) -> str:
    return KINDS[status].title().replace("_", "")


def _usually(one: Operation) -> set[int]:
    """Returns the statuses of refusals that an operation shares with others."""
    found = {400, 401, 403, 405, 413, 421, 422, 500, 503}
    if one.body is not Nothing:
        found.add(415)
    if one.guarded:
        found.add(428)
    return found | ({404} if "{" in one.path or one.query is not Nothing else set())

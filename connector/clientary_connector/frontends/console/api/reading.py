"""Reads what comes in with a request, strictly: all faults at once, nothing unknown, no secret.

1. A body says that it is JSON, and is one object that names no key twice; numbers stay exact.
2. Everything is checked against the schema that the description shows: path, query and body.
3. A fault names its place and what is expected there, and never repeats the value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, cast

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request

from clientary_connector.call.arguments import Arguments, not_json
from clientary_connector.frontends.console.api.operations import Nothing, Operation
from clientary_connector.frontends.console.api.problems import Fault, ProblemError
from clientary_connector.frontends.console.api.shapes import closed
from clientary_connector.frontends.jsontext import JsonTextError, parse_object
from clientary_connector.frontends.schematext import types_of

JSON: Final = "application/json"
MAX_FAULTS: Final = 100
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
_WORDS: Final[Mapping[str, bool]] = {"true": True, "false": False}


async def read_body(request: Request, operation: Operation) -> tuple[Any, tuple[Fault, ...]]:
    """Returns the body of a request, and what is wrong with it.

    Raises:
        ProblemError: It is of another type, or no JSON object.
    """
    data = await _bytes(request)
    if operation.body is Nothing:
        if data:
            raise ProblemError(400, "This request takes no body.", hint="Leave it out.")
        return Nothing(), ()
    _check_type(request)
    try:
        document = parse_object(data)
    except JsonTextError as error:
        said = str(error)
    else:
        return _converted(document, operation.body, "body")
    raise ProblemError(400, f"The body cannot be read: {said}.")


def read_query(query: QueryParams, operation: Operation) -> tuple[Any, tuple[Fault, ...]]:
    """Returns the query of a request, and what is wrong with it."""
    properties: Mapping[str, Any] = schema_of(operation.query).get("properties", {})
    given: dict[str, Any] = {}
    faults: list[Fault] = []
    for name in dict.fromkeys(query):
        texts = query.getlist(name)
        schema = properties.get(name, {})
        several = "array" in types_of(schema)
        if len(texts) > 1 and not several:
            faults.append(Fault(place="query", path=_shown(name), expected="one value"))
        given[name] = [*texts] if several else _typed(texts[0], schema)
    value, more = _converted(given, operation.query, "query")
    return value, (*faults, *more)


@cache
def schema_of(kind: type) -> dict[str, Any]:
    """Returns the schema of what comes in."""
    return closed(kind)


@cache
def _checks(kind: type) -> Arguments:
    return Arguments(schema_of(kind))


def _converted(given: dict[str, Any], kind: type, place: str) -> tuple[Any, tuple[Fault, ...]]:
    """Returns what was given as its class, or the faults in it and nothing."""
    faults = tuple(
        Fault(
            place=place,
            path=fault.path if place == "body" else fault.path.removeprefix("$."),
            expected=fault.expected.replace("no such argument", "no such field"),
            hint=fault.hint,
        )
        for fault in _checks(kind).faults(given) or tuple(not_json(given, []))
    )
    if faults:
        return None, faults[:MAX_FAULTS]
    return msgspec.convert(given, type=cast("type[Any]", kind)), ()


def _typed(text: str, schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    """Returns the text of a parameter by its type; what does not fit stays for the check."""
    types = types_of(schema)
    if "integer" in types and _INTEGER.fullmatch(text):
        return int(text)
    return _WORDS.get(text, text) if "boolean" in types else text


async def _bytes(request: Request) -> bytes:
    try:
        return await request.body()
    except ClientDisconnect:
        raise ProblemError(400, "The body ended early.") from None


def _check_type(request: Request) -> None:
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower()
    if kind.strip().lower() != JSON or charset not in {"", "charset=utf-8"}:
        raise ProblemError(415, "The body is not said to be JSON.", hint=f"Content-Type: {JSON}")


def _shown(name: str) -> str:
    return name if name.isidentifier() else "an unknown name"

"""Describes the service itself as an OpenAPI 3.1 document: the API, as the actions use it.

Whoever calls the service by it does so past the connector: without its grants and its log.
https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from clientary_connector.frontends.export.wire import answered, sent, wire_name
from clientary_connector.manifest import Action, Manifest

JSON_TYPE: Final = "application/json"
#: One label of a host name (RFC 1123).
LABEL: Final = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
_ERRORS: Final = {
    "401": "The key is not valid.",
    "403": "The owner of the key lacks the right.",
    "404": "There is no such record.",
    "422": "The values were not accepted.",
    "429": "Too many requests; Retry-After says how long to wait.",
}


def document(
    manifest: Manifest, actions: Iterable[Action], *, base_url: str | None = None
) -> dict[str, Any]:
    """Returns the document; `base_url` stands in for the service's own address."""
    paths: dict[str, dict[str, Any]] = {}
    for action in actions:
        paths.setdefault(action.path, {})[action.method.lower()] = _operation(action, manifest)
    scheme = manifest.auth.scheme
    return {
        "openapi": "3.1.0",
        "info": {
            "title": manifest.title,
            "version": manifest.version,
            "description": manifest.description,
        },
        "servers": [_server(manifest) if base_url is None else {"url": base_url}],
        "security": [{scheme: list[str]()}],
        "paths": paths,
        "components": {"securitySchemes": {scheme: {"type": "http", "scheme": scheme}}},
    }


def _server(manifest: Manifest) -> dict[str, Any]:
    return {
        "url": f"https://{manifest.host_pattern}{manifest.base_path}",
        "variables": {
            "subdomain": {"default": "example", "description": "The account's own subdomain."}
        },
    }


def _operation(action: Action, manifest: Manifest) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": action.id,
        "summary": action.title,
        "description": action.description,
        "tags": [action.resource],
        "responses": _responses(action, manifest),
    }
    if parameters := [*_parameters(action, "path"), *_parameters(action, "query")]:
        made["parameters"] = parameters
    if action.place.body:
        schema = {JSON_TYPE: {"schema": _body(action)}}
        made["requestBody"] = {"required": True, "content": schema}
    return made


def _parameters(action: Action, place: str) -> list[dict[str, Any]]:
    fields, required = action.input["properties"], action.input.get("required", ())
    names: tuple[str, ...] = getattr(action.place, place)
    return [
        {
            "name": wire_name(name, fields[name]),
            "in": place,
            "required": name in required,
            "schema": sent(fields[name]),
        }
        for name in names
    ]


def _body(action: Action) -> dict[str, Any]:
    fields = action.input["properties"]
    required = [name for name in action.input.get("required", ()) if name in action.place.body]
    record: dict[str, Any] = {
        "type": "object",
        "properties": {
            wire_name(name, fields[name]): sent(fields[name]) for name in action.place.body
        },
    }
    if required:
        record["required"] = [wire_name(name, fields[name]) for name in required]
    if action.wrapper is None:
        return record
    return {"type": "object", "required": [action.wrapper], "properties": {action.wrapper: record}}


def _responses(action: Action, manifest: Manifest) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "It was done."}
    # Deletions and messages are answered with nothing that anybody promised.
    if action.confirm is None:
        done["content"] = {JSON_TYPE: {"schema": _answer(action, manifest)}}
    return {"2XX": done} | {status: {"description": said} for status, said in _ERRORS.items()}


def _answer(action: Action, manifest: Manifest) -> dict[str, Any]:
    schema = answered(action.output)
    if action.paging is None:
        return schema
    counts = (manifest.envelope.pages, manifest.envelope.size, manifest.envelope.total)
    properties = {name: {"type": ["integer", "null"]} for name in counts}
    return {
        "type": "object",
        "required": [action.paging.items],
        "properties": {action.paging.items: schema, **properties},
    }

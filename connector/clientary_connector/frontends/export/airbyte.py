"""Describes the lists of the service as a source for Airbyte: a declarative manifest.

It is JSON, which `manifest.yaml` may be. Whoever reads by it does so past the connector: without
its grants and its log. https://docs.airbyte.com/platform/connector-development/config-based
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from clientary_connector.frontends.export.openapi import LABEL
from clientary_connector.frontends.export.wire import answered
from clientary_connector.manifest import Action, Auth, Manifest

Component: TypeAlias = dict[str, Any]

#: The version of the language, and of the CDK that first spoke all of it.
VERSION: Final = "7.0.0"
KEY: Final = "{{ config['api_key'] }}"


def document(
    manifest: Manifest, actions: Iterable[Action], *, base_url: str | None = None
) -> Component:
    """Returns the manifest; `base_url` stands in for the service's own address."""
    url = base_url or _address(manifest)
    lists = {action.id: action for action in actions if action.paging is not None}
    asked = {name: _asked(action, lists) for name, action in lists.items()}
    # A list below a record is read for each record of the list above it, or for ids given.
    streams = {
        name: _stream(action, manifest, url=url, router=asked[name])
        for name, action in lists.items()
    }
    return {
        "version": VERSION,
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": [_check(manifest, lists)]},
        "definitions": {"streams": {_name(id_): stream for id_, stream in streams.items()}},
        "streams": [{"$ref": f"#/definitions/streams/{_name(id_)}"} for id_ in streams],
        "spec": _spec(lists, asked),
    }


def _name(action: str) -> str:
    return action.removeprefix("list_")


def _address(manifest: Manifest) -> str:
    host = manifest.host_pattern.replace("{subdomain}", "{{ config['subdomain'] }}")
    return f"https://{host}{manifest.base_path}"


def _check(manifest: Manifest, lists: Mapping[str, Action]) -> str:
    """Names the stream that tests an account: the usual one, or the first without a list above."""
    if manifest.account.action in lists:
        return _name(manifest.account.action)
    return _name(next((id_ for id_, action in lists.items() if not action.place.path), *lists))


def _asked(action: Action, lists: Mapping[str, Action]) -> Component | None:
    """Returns where the ids of the path come from; nothing for a list that has none."""
    if not action.place.path:
        return None
    (argument,) = action.place.path
    above = [id_ for id_ in action.ids.get(argument, ()) if id_ in lists]
    if not above:
        return {
            "type": "ListPartitionRouter",
            "cursor_field": argument,
            "values": f"{{{{ config.get('{argument}s', []) }}}}",
        }
    return {
        "type": "SubstreamPartitionRouter",
        "parent_stream_configs": [
            {
                "type": "ParentStreamConfig",
                "parent_key": "id",
                "partition_field": argument,
                "stream": {"$ref": f"#/definitions/streams/{_name(above[0])}"},
            }
        ],
    }


def _stream(action: Action, manifest: Manifest, *, url: str, router: Component | None) -> Component:
    record = answered(action.output["items"])
    retriever: Component = {
        "type": "SimpleRetriever",
        "requester": _requester(action, manifest, url=url),
        "record_selector": {
            "type": "RecordSelector",
            "extractor": {"type": "DpathExtractor", "field_path": [_items(action)]},
        },
    }
    if action.paging is not None and action.paging.page is not None:
        retriever["paginator"] = _paginator(action.paging.page)
    if router is not None:
        retriever["partition_router"] = router
    return {
        "type": "DeclarativeStream",
        "name": _name(action.id),
        "primary_key": ["id"],
        "retriever": retriever,
        "schema_loader": {
            "type": "InlineSchemaLoader",
            "schema": {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "additionalProperties": True,
                **record,
            },
        },
    }


def _items(action: Action) -> str:
    return "" if action.paging is None else action.paging.items


def _requester(action: Action, manifest: Manifest, *, url: str) -> Component:
    path = action.path
    for argument in action.place.path:
        path = path.replace(f"{{{argument}}}", f"{{{{ stream_partition['{argument}'] }}}}")
    requester: Component = {
        "type": "HttpRequester",
        "url": f"{url}{path}",
        "http_method": action.method,
        "request_headers": dict(manifest.headers),
        "authenticator": _authenticator(manifest.auth),
    }
    if days := _days(action):
        # A parameter that comes to nothing is not sent.
        requester["request_parameters"] = {
            name: f"{{{{ config.get('{name}', '') }}}}" for name in days
        }
    return requester


def _authenticator(auth: Auth) -> Component:
    if auth.scheme == "bearer":
        token = str(auth.token).replace("{secret}", KEY)
        return {"type": "BearerAuthenticator", "api_token": token}
    return {
        "type": "BasicHttpAuthenticator",
        "username": str(auth.username).replace("{secret}", KEY),
        "password": str(auth.password).replace("{secret}", KEY),
    }


def _paginator(page: str) -> Component:
    """Goes on until a page is empty: how long pages are, the service decides."""
    return {
        "type": "DefaultPaginator",
        "page_token_option": {
            "type": "RequestOption",
            "inject_into": "request_parameter",
            "field_name": page,
        },
        "pagination_strategy": {"type": "PageIncrement", "start_from_page": 1},
    }


def _days(action: Action) -> list[str]:
    """Names the arguments of a list that bound it by days."""
    fields = action.input["properties"]
    return [name for name in action.place.query if fields[name].get("format") == "date"]


def _spec(lists: Mapping[str, Action], asked: Mapping[str, Component | None]) -> Component:
    properties: Component = {
        "subdomain": {"type": "string", "title": "Subdomain", "pattern": LABEL},
        "api_key": {"type": "string", "title": "API key", "airbyte_secret": True},
    }
    for id_, action in lists.items():
        fields = action.input["properties"]
        for name in _days(action):
            properties[name] = {
                "type": "string",
                "format": "date",
                "description": fields[name].get("description", ""),
            }
        router = asked[id_]
        if router is not None and router["type"] == "ListPartitionRouter":
            given = f"{router['cursor_field']}s"
            properties[given] = {"type": "array", "items": {"type": "integer"}}
    return {
        "type": "Spec",
        "connection_specification": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "title": "Connection",
            "required": ["subdomain", "api_key"],
            "properties": properties,
        },
    }

"""Proves that the descriptions of the service fit what is sent and answered over real HTTP."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from clientary_connector import load_manifest
from clientary_connector.frontends.export import airbyte, export, openapi
from tests.actions import oracle
from tests.actions.expected import API, ExpectedRequest
from tests.actions.expected_requests import EXPECTED
from tests.actions.stage import Stage, set_stage
from tests.actions.world import is_list, is_object
from tests.connector.engine.ground import ALMANAC

pytestmark = pytest.mark.requirement("host.export.service")

MANIFEST: Final = load_manifest()
OPENAPI: Final[dict[str, Any]] = export(MANIFEST, format="openapi")
AIRBYTE: Final[dict[str, Any]] = export(MANIFEST, format="airbyte")
CONFIGURED: Final = """\
connector_image: source:dev
acceptance_tests:
  spec: {tests: [{spec_path: manifest.yaml}]}
  connection:
    tests:
      - {config_path: secrets/config.json, status: succeed}
      - {config_path: secrets/wrong.json, status: failed}
  discovery: {tests: [{config_path: secrets/config.json}]}
  basic_read: {tests: [{config_path: secrets/config.json}]}
"""
SUITE: Final = """\
from airbyte_cdk.test.standard_tests import DeclarativeSourceTestSuite

pytest_plugins = ["airbyte_cdk.test.standard_tests.pytest_hooks"]


class TestSource(DeclarativeSourceTestSuite):
    pass
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One sandbox for all reads."""
    with set_stage(tmp_path_factory.mktemp("service") / "state") as ready:
        yield ready


@pytest.mark.slow
def test_the_document_is_openapi() -> None:
    """The specification's validator finds no fault in it, nor in that of another service."""
    from openapi_spec_validator import OpenAPIV31SpecValidator, validate  # noqa: PLC0415 - a second to import

    almanac = load_manifest(ALMANAC)
    for document in (OPENAPI, export(almanac, format="openapi")):
        validate(document, cls=OpenAPIV31SpecValidator)


def test_every_action_is_an_operation_of_its_own() -> None:
    """No two actions share a method and a path, so none hides another."""
    assert {part["operationId"] for _, part in _operations()} == set(MANIFEST.actions)


@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: row.name)
def test_every_request_that_is_sent_is_described(row: ExpectedRequest) -> None:
    """The hand-written requests of the 57 fit the paths, parameters and bodies of the document."""
    operation = _operation(row.action)
    path = next(path for path, part in _operations() if part is operation)
    template = re.sub(r"\{\w+\}", "[^/]+", path)
    assert re.fullmatch(API + template, row.path), (template, row.path)
    declared = {part["name"]: part for part in operation.get("parameters", ())}
    assert set(row.query) <= {name for name, part in declared.items() if part["in"] == "query"}
    if row.body is None:
        assert "requestBody" not in operation
    else:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert oracle.faults(schema, _with_ids(row.body)) == []
        assert _unknown(schema, row.body) == set()


@pytest.mark.parametrize(
    "row",
    [row for row in EXPECTED if row.method == "GET"],
    ids=lambda row: row.name,
)
def test_every_answer_that_comes_is_described(stage: Stage, row: ExpectedRequest) -> None:
    """What the far side answers to a read fits the schema of its response."""
    path, query = stage.world.fill(row.path.removeprefix(API)), stage.world.fill(dict(row.query))
    answer = stage.world.read(path, **{name: str(value) for name, value in query.items()})
    content = _operation(row.action)["responses"]["2XX"]["content"]
    assert oracle.faults(content["application/json"]["schema"], answer) == []


def test_the_service_is_entered_as_the_manifest_says() -> None:
    """Address and scheme are there, and no key."""
    assert OPENAPI["servers"] == [
        {
            "url": "https://{subdomain}.clientary.com/api/v2",
            "variables": {
                "subdomain": {
                    "default": "example",
                    "description": "The account's own subdomain.",
                }
            },
        }
    ]
    assert OPENAPI["components"] == {
        "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}}
    }
    moved = openapi.document(MANIFEST, (), base_url="http://127.0.0.1:1/api/v2")
    assert moved["servers"] == [{"url": "http://127.0.0.1:1/api/v2"}]


def test_every_list_is_a_stream_of_airbyte() -> None:
    """The lists below a record are read for each record of the list above, or for ids given."""
    streams = AIRBYTE["definitions"]["streams"]
    assert [f"list_{name}" for name in streams] == [
        name for name, action in MANIFEST.actions.items() if action.paging is not None
    ]
    above = {
        name: router["parent_stream_configs"][0]["stream"]["$ref"].rpartition("/")[2]
        for name, stream in streams.items()
        if (router := stream["retriever"].get("partition_router", {})).get("type")
        == "SubstreamPartitionRouter"
    }
    assert set(above.values()) == {"clients", "projects"}
    assert all(name.startswith(("client_", "project_")) for name in above)
    given = streams["recurring_schedule_invoices"]["retriever"]["partition_router"]
    assert given["cursor_field"] == "recurring_schedule_id"


def test_the_key_of_a_source_is_a_secret_and_its_subdomain_one_label() -> None:
    """Nobody can lead a source, and with it the key, to another host."""
    properties = AIRBYTE["spec"]["connection_specification"]["properties"]
    assert properties["api_key"]["airbyte_secret"] is True
    label = re.compile(properties["subdomain"]["pattern"])
    assert label.fullmatch("acme-2")
    for bad in ("evil.com/", "evil.com#", "a.b", "-a", "", "a" * 64, "x@y"):
        assert not label.search(bad)


def test_without_the_lists_above_a_source_asks_for_ids() -> None:
    """A persona that may not list clients has to be told whose contacts to read."""
    contacts = MANIFEST.action("list_client_contacts")
    document = airbyte.document(MANIFEST, [contacts])
    (stream,) = document["definitions"]["streams"].values()
    assert stream["retriever"]["partition_router"]["values"] == "{{ config.get('client_ids', []) }}"
    assert document["check"]["stream_names"] == ["client_contacts"]


def test_another_service_with_a_token_of_its_own_is_a_source_too() -> None:
    """What is particular to a service comes from its manifest."""
    almanac = load_manifest(ALMANAC)
    streams = export(almanac, format="airbyte")["definitions"]["streams"]
    kinds = {s["retriever"]["requester"]["authenticator"]["type"] for s in streams.values()}
    assert kinds == {"BearerAuthenticator"}


@pytest.mark.slow
def test_the_standard_tests_of_airbyte_pass_over_every_list(stage: Stage, tmp_path: Path) -> None:
    """Spec, check, discovery and a read of every stream, each record against its schema."""
    source = tmp_path / "source-clientary"
    (source / "secrets").mkdir(parents=True)
    schedule = stage.world.id("recurring")
    config = {
        "subdomain": "sandbox",
        "api_key": stage.running.key,
        "recurring_schedule_ids": [schedule],
    }
    url = f"{stage.running.url}{API}"
    document = airbyte.document(MANIFEST, MANIFEST.actions.values(), base_url=url)
    files: Mapping[str, str] = {
        "manifest.yaml": json.dumps(document),
        "metadata.yaml": "data: {dockerRepository: example/source, connectorType: source}\n",
        "acceptance-test-config.yml": CONFIGURED,
        "secrets/config.json": json.dumps(config),
        "secrets/wrong.json": json.dumps({**config, "api_key": "wrong-key-0123456789"}),
        "test_source.py": SUITE,
    }
    for name, text in files.items():
        (source / name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not docker"],
        cwd=source,
        env={**os.environ, "DO_NOT_TRACK": "1", "REQUEST_CACHE_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    summary = done.stdout.strip().splitlines()[-1]
    assert done.returncode == 0, done.stdout[-4000:]
    assert re.match(r"6 passed", summary), summary


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in OPENAPI["paths"].items():
        for operation in methods.values():
            yield path, operation


def _operation(action: str) -> dict[str, Any]:
    return next(part for _, part in _operations() if part["operationId"] == action)


def _with_ids(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Puts an id where a row has the symbol of one."""
    if isinstance(value, str) and re.fullmatch(r"\{\w+\}", value):
        return 1
    if is_object(value):
        return {name: _with_ids(part) for name, part in value.items()}
    return [_with_ids(part) for part in value] if is_list(value) else value


def _unknown(schema: Mapping[str, Any], body: Any) -> set[str]:  # noqa: ANN401 - any JSON value
    """Names the fields of a body that its schema does not have."""
    if is_object(body) and "properties" in schema:
        fields: Mapping[str, Any] = schema["properties"]
        inner = (_unknown(fields[name], part) for name, part in body.items() if name in fields)
        return {name for name in body if name not in fields}.union(*inner)
    if is_list(body) and "items" in schema:
        return set[str]().union(*(_unknown(schema["items"], part) for part in body))
    return set()

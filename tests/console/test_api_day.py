"""Proves that the examples in the description of the admin API are what it takes and answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from clientary_connector.call.kinds import is_list, is_object
from clientary_connector.frontends.console.api import OPERATIONS
from clientary_connector.frontends.console.api.describing import document
from clientary_connector.frontends.console.api.examples import FILE
from tests.console.api_day import LEFT_OUT, form_of, played

pytestmark = pytest.mark.requirement("console.api.described")


def test_a_whole_day_goes_as_the_examples_say() -> None:
    """Each is played, and what is asked and answered has the form of what is written down."""
    new, old = played(), json.loads(FILE.read_bytes())
    for name, one in new.items():
        assert form_of(one) == form_of(old.get(name)), f"{name}: write it anew with `make docs`"
    assert set(new) == set(old)


def test_every_operation_is_described_with_an_example_of_each_part() -> None:
    """What goes in, what comes out, and what each refusal looks like."""
    paths = document(OPERATIONS, version="1", root="").paths
    told = {one["operationId"]: one for path in paths.values() for one in path.values()}
    for one in OPERATIONS:
        if one.name in LEFT_OUT:
            continue
        shown = told[one.name]
        contents = [*shown["responses"][str(one.status)]["content"].values()]
        contents += shown.get("requestBody", {}).get("content", {}).values()
        own = [shown["responses"][str(status)] for status in one.refuses]
        contents += [content for refusal in own for content in refusal["content"].values()]
        assert [content for content in contents if "example" not in content] == [], one.name
        named = [part for part in shown.get("parameters", ()) if part["in"] == "path"]
        assert [part["name"] for part in named if "example" not in part] == [], one.name


def test_no_example_holds_a_secret() -> None:
    """Plain words stand in the places of keys, passwords, tokens and codes."""
    told = json.loads(FILE.read_bytes())
    said = {text for name, text in _texts(told) if name in {"secret", "password", "text"}}
    assert said == {
        "YOUR_API_KEY",
        "YOUR_NEW_API_KEY",
        "A_LONG_PASSWORD",
        "A_LONG_PASSWORD 2",
        "TOKEN",
        "bakery",
    }


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any JSON
    """Gives every text in a JSON value, with the name it stands under."""
    if is_object(value):
        for under, part in value.items():
            yield from _texts(part, under)
    elif is_list(value):
        for part in value:
            yield from _texts(part, name)
    elif isinstance(value, str):
        yield name, value

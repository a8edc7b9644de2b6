"""Turns `-a key=value` into arguments of the types that the action's schema asks for.

What does not fit its type is passed on as text: the engine then names all faults at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import click

from clientary_connector.frontends.jsontext import Json, JsonTextError, parse_json
from clientary_connector.frontends.schematext import types_of

HINT: Final = "-a"
NOTHING: Final[Mapping[str, Any]] = {}
YES: Final = frozenset({"true", "yes", "on", "1"})
NO: Final = frozenset({"false", "no", "off", "0"})
#: More digits than this are no id and no amount; Python would refuse to read them.
MAX_DIGITS: Final = 40
_INTEGER: Final = re.compile(rf"[+-]?\d{{1,{MAX_DIGITS}}}", re.ASCII)
_DECIMAL: Final = re.compile(rf"[+-]?\d{{1,{MAX_DIGITS}}}(\.\d{{1,{MAX_DIGITS}}})?", re.ASCII)


def parse_arguments(texts: Iterable[str], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Reads every `key=value` (by type) and `key:=JSON` (as it stands).

    Raises:
        click.BadParameter: One has no `=`, comes twice, or holds bad JSON.
    """
    properties: Mapping[str, Any] = schema.get("properties", NOTHING)
    found: dict[str, Any] = {}
    for text in texts:
        key, separator, value = _halves(text)
        if key in found:
            raise click.BadParameter(f"{key} is given twice.", param_hint=HINT)
        as_json = separator == ":="
        found[key] = (
            _json(key, value) if as_json else typed(key, value, properties.get(key, NOTHING))
        )
    return found


def typed(key: str, text: str, schema: Mapping[str, Any]) -> Json:
    """Reads one value by its schema, or leaves it as text.

    Where text is welcome it stays text, so that a number such as 007 keeps its zeros.

    Raises:
        click.BadParameter: It begins as JSON, and is none.
    """
    types = types_of(schema)
    if "array" in types:
        return _array(key, text, schema.get("items", NOTHING))
    if "object" in types and text.startswith("{"):
        return _json(key, text)
    if "string" in types and schema.get("format") != "decimal" and "enum" not in schema:
        return text
    return _scalar(text, types)


def _scalar(text: str, types: tuple[str, ...]) -> Json:
    if "boolean" in types and text.lower() in YES | NO:
        return text.lower() in YES
    if "integer" in types and _INTEGER.fullmatch(text):
        return int(text)
    if "number" in types and _DECIMAL.fullmatch(text):
        return Decimal(text)
    return None if "null" in types and text in {"", "null"} else text


def _array(key: str, text: str, items: Mapping[str, Any]) -> Json:
    if text.startswith("["):
        return _json(key, text)
    if "object" in types_of(items):
        return [_json(key, text)] if text.startswith("{") else text
    return [typed(key, part.strip(), items) for part in text.split(",")] if text else []


def _halves(text: str) -> tuple[str, str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip(":"):
        raise click.BadParameter("expected key=value, or key:=JSON.", param_hint=HINT)
    return (key[:-1], ":=", value) if key.endswith(":") else (key, "=", value)


def _json(key: str, text: str) -> Json:
    try:
        return parse_json(text)
    except JsonTextError as error:
        raise click.BadParameter(f"{key}: {error}.", param_hint=HINT) from None

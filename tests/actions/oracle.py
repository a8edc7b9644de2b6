"""Checks JSON with another checker than the one on the way of a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import cast

import jsonschema  # type: ignore[import-untyped]  # it ships no types

from tests.actions.expected import JSON


def faults(schema: Mapping[str, JSON], data: JSON) -> list[str]:
    """Returns every fault of the data, formats included."""
    validator: JSON = jsonschema.Draft202012Validator(schema, format_checker=_formats())
    return [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(data)]


def checker(schema: Mapping[str, JSON]) -> Callable[[JSON], bool]:
    """Returns the bare check of a schema, compiled as far as this checker compiles."""
    validator: JSON = jsonschema.Draft202012Validator(schema)
    return cast("Callable[[JSON], bool]", validator.is_valid)


def _formats() -> JSON:
    formats: JSON = jsonschema.FormatChecker()
    formats.checks("decimal", raises=InvalidOperation)(_is_decimal)
    return formats


def _is_decimal(value: object) -> bool:
    return not isinstance(value, str) or Decimal(value).is_finite()

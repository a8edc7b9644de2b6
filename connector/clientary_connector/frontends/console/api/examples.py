"""Holds an example of every operation: what was asked, and what was answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

FILE: Final = Path(__file__).with_name("examples.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One request and its answer; what it has not is not there."""

    path: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, Any] = field(default_factory=dict[str, Any])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    request: Any = None
    response: Any = None


@cache
def examples() -> Mapping[str, Example]:
    """Returns the examples, by the names of the operations."""
    return msgspec.json.decode(FILE.read_bytes(), type=dict[str, Example])

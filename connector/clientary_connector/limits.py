"""Declares a limit, reads it from a text, and refuses what makes no sense for it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import Field, field
from typing import Any, Final

from clientary_connector.errors import SettingsError

#: Stands before the name of every variable that is ours.
PREFIX: Final = "CLIENTARY_"


def limit(default: float, *, unit: str, why: str, least: float, most: float) -> Any:  # noqa: ANN401 - stands for a field of any type
    """Declares one limit with its unit, its reason and the range in which it makes sense."""
    return field(default=default, metadata={"unit": unit, "why": why, "least": least, "most": most})


def number(item: Field[Any], text: str) -> float:
    """Reads a limit from the text of its variable.

    Raises:
        SettingsError: It is no number.
    """
    whole = isinstance(item.default, int)
    try:
        return int(text) if whole else float(text)
    except ValueError:
        kind = "a whole number" if whole else "a number"
    raise SettingsError(
        f"{PREFIX}{item.name.upper()} is not {kind}.",
        hint=f"Give {kind} of {item.metadata['unit']}, such as {item.default}.",
    )


def check(item: Field[Any], value: Any) -> None:  # noqa: ANN401 - a caller may give anything
    """Refuses what makes no sense for a limit.

    Raises:
        SettingsError: It is no number, or out of range.
    """
    least, most = item.metadata["least"], item.metadata["most"]
    kinds = int if isinstance(item.default, int) else int | float
    if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
        raise SettingsError(f"The setting {item.name} is not a number of {item.metadata['unit']}.")
    if not least <= value <= most:
        raise SettingsError(
            f"The setting {item.name} is out of range.",
            hint=f"Give {least} to {most} {item.metadata['unit']}.",
        )


def yes(source: Mapping[str, str], name: str) -> bool:
    """Reads a switch, which is off where nobody has set it.

    Raises:
        SettingsError: It is neither yes nor no.
    """
    said = source.get(f"{PREFIX}{name}") or "no"
    if said not in {"yes", "no"}:
        raise SettingsError(f"{PREFIX}{name} is neither yes nor no.", hint="Give one of the two.")
    return said == "yes"

"""Takes out of a result what the log must not keep: fields that the manifest marks sensitive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from clientary_connector.call.kinds import is_list, is_object

Schema: TypeAlias = Mapping[str, Any]
Redact: TypeAlias = Callable[[Any], Any]

MARK: Final = "[redacted]"


def redactor(schema: Schema) -> Redact | None:
    """Returns what redacts data of a schema; None where nothing in it is sensitive."""
    if schema.get("x-sensitive"):
        return lambda value: value if value is None else MARK
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if (inner := redactor(part)) is not None:
            return inner
    if (one := redactor(schema["items"]) if "items" in schema else None) is not None:
        return lambda value: [one(part) for part in value] if is_list(value) else value
    found = {name: redactor(part) for name, part in schema.get("properties", {}).items()}
    fields = {name: inner for name, inner in found.items() if inner is not None}
    return _fields(fields) if fields else None


def _fields(fields: Mapping[str, Redact]) -> Redact:
    def redact(value: Any) -> Any:  # noqa: ANN401 - any JSON value
        if not is_object(value):
            return value
        return {
            name: fields[name](part) if name in fields else part for name, part in value.items()
        }

    return redact

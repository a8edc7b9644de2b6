"""Hands the actions to other programs: as tools of a model, or as a description of the service."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from clientary_connector.frontends.export.exporting import DOCUMENTS, FORMATS, export, tools
    from clientary_connector.frontends.export.formats import ToolCall, ToolFormat
    from clientary_connector.frontends.export.toolset import Answer, Toolset

__all__ = ["DOCUMENTS", "FORMATS", "Answer", "ToolCall", "ToolFormat", "Toolset", "export", "tools"]

#: Where each public name lives; it is imported when it is first asked for (PEP 562): who needs one
#: module of this package, such as a server of MCP, does not pay for every format.
_HOMES: Final = {
    "DOCUMENTS": "exporting",
    "FORMATS": "exporting",
    "Answer": "toolset",
    "ToolCall": "formats",
    "ToolFormat": "formats",
    "Toolset": "toolset",
    "export": "exporting",
    "tools": "exporting",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    """Imports a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Lists the public names."""
    return sorted(__all__)

"""Writes actions in the formats of other programs, and makes tools of them that can be run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from clientary_connector.errors import InvalidValueError
from clientary_connector.frontends.export import airbyte, openapi
from clientary_connector.frontends.export.anthropic import Anthropic
from clientary_connector.frontends.export.formats import ToolFormat
from clientary_connector.frontends.export.gemini import Gemini
from clientary_connector.frontends.export.langchain import LangChain
from clientary_connector.frontends.export.mcp import Mcp
from clientary_connector.frontends.export.naming import named
from clientary_connector.frontends.export.openai import OpenAI
from clientary_connector.frontends.export.toolset import Toolset
from clientary_connector.manifest import Action, Manifest

if TYPE_CHECKING:  # whoever only writes a document pays for no connector
    from clientary_connector.connector import Connector

#: Formats in which a model is given tools.
FORMATS: Final[Mapping[str, ToolFormat]] = {
    "openai": OpenAI(),
    "anthropic": Anthropic(),
    "gemini": Gemini(),
    "mcp": Mcp(),
    "langchain": LangChain(),
}
#: Formats that describe the service itself.
DOCUMENTS: Final[Mapping[str, Callable[[Manifest, Iterable[Action]], dict[str, Any]]]] = {
    "openapi": openapi.document,
    "airbyte": airbyte.document,
}


def export(
    manifest: Manifest,
    *,
    format: str,  # noqa: A002 - the word for it, here and on the command line
    actions: Iterable[Action] | None = None,
    prefix: str = "",
) -> Any:  # noqa: ANN401 - any JSON value
    """Returns actions, by default all of a manifest, as the document of a format.

    Raises:
        InvalidValueError: There is no such format, or the prefix makes unusable names.
    """
    chosen = manifest.actions.values() if actions is None else actions
    if format in DOCUMENTS:
        return DOCUMENTS[format](manifest, chosen)
    return _format(format).tools(named(chosen, prefix))


def tools(  # noqa: PLR0913 - what makes a set of tools, all by name
    connector: Connector,
    *,
    format: str,  # noqa: A002 - as above
    connection: str,
    persona: str,
    user: str,
    session: str = "",
    prefix: str = "",
) -> Toolset:
    """Returns what a persona may do over a connection, as tools that can be run.

    `session` stands before the ids of tool calls where a provider's ids repeat in other
    conversations, `prefix` before the names of the tools.

    Raises:
        InvalidValueError: There is no such format of tools.
    """
    return Toolset(
        connector=connector,
        format=_format(format),
        connection=connection,
        persona=persona,
        user=user,
        session=session,
        prefix=prefix,
    )


def _format(name: str) -> ToolFormat:
    found = FORMATS.get(name)
    if found is None:
        raise InvalidValueError(
            f"There is no format of tools {name!r}.", hint=f"Known: {', '.join(FORMATS)}."
        )
    return found

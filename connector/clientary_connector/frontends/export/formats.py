"""Says what a format of tools is: how it defines them, and how it calls one and is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from clientary_connector.call.result import Result
from clientary_connector.manifest import Action

#: One object of a provider: the definition of a tool, a tool call, or its answer.
Item = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One call that a model asked for, out of a provider's object."""

    #: The provider's id of this call; None where it gives none.
    id: str | None
    name: str
    #: An object or its text, as it came.
    arguments: object


class ToolFormat(Protocol):
    """The form in which one provider takes tools; pure, and without the provider's library."""

    def tools(self, tools: Mapping[str, Action]) -> Any:  # noqa: ANN401 - any JSON value
        """Returns the document that defines the tools, by their names."""
        ...

    def call(self, item: Mapping[str, Any]) -> ToolCall:
        """Reads the object by which a model asks for a call.

        Raises:
            KeyError: It is no such object.
        """
        ...

    def arguments(self, action: Action, given: Mapping[str, Any]) -> dict[str, Any]:
        """Turns the arguments of a call into those of the action."""
        ...

    def answer(self, call: ToolCall, result: Result) -> Item:
        """Returns the object that tells the model what the call came to."""
        ...

"""Gives a provider's model the actions of one persona, and runs the calls that come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clientary_connector.call.result import (
    Call,
    CallError,
    ErrorKind,
    Outcome,
    Result,
    mint_operation,
)
from clientary_connector.frontends.export.formats import Item, ToolCall, ToolFormat
from clientary_connector.frontends.export.naming import named
from clientary_connector.frontends.export.restoring import ArgumentsTextError, parsed

if TYPE_CHECKING:  # whoever only writes a document pays for no connector
    from clientary_connector.connector import Connector


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a tool call came to: for the model, and for the host."""

    item: Item
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolset:
    """The tools of one persona over one connection, in the form of one provider."""

    connector: Connector
    format: ToolFormat
    connection: str
    persona: str
    user: str
    #: Stands before the id of a tool call, where a provider's ids repeat in other conversations.
    session: str = ""
    #: Stands before the name of every tool, where a model has the tools of two connections.
    prefix: str = ""

    @property
    def tools(self) -> Any:  # noqa: ANN401 - any JSON value
        """What the persona may do now; it follows every grant and revoke.

        Raises:
            UnknownConnectionError: There is no such connection.
            InvalidValueError: The prefix makes names that cannot be used.
        """
        allowed = self.connector.allowed(self.persona, self.connection)
        return self.format.tools(named(allowed, self.prefix))

    async def run(
        self, item: Mapping[str, Any], *, prompt: str, context: Mapping[str, str] | None = None
    ) -> Answer:
        """Runs a tool call the one governed way; a repeat of its id sends nothing.

        Raises:
            KeyError: The item is no tool call of this provider.
            ClosedError: The connector was closed.
        """
        asked = self.format.call(item)
        call = self._call(asked, prompt=prompt, context=context or {})
        return self._answer(asked, None if call is None else await self.connector.run(call))

    def run_sync(
        self, item: Mapping[str, Any], *, prompt: str, context: Mapping[str, str] | None = None
    ) -> Answer:
        """Does the same for callers without an event loop.

        Raises:
            KeyError: The item is no tool call of this provider.
            ClosedError: The connector was closed.
        """
        asked = self.format.call(item)
        call = self._call(asked, prompt=prompt, context=context or {})
        return self._answer(asked, None if call is None else self.connector.run_sync(call))

    def _call(self, asked: ToolCall, *, prompt: str, context: Mapping[str, str]) -> Call | None:
        """Returns the call; None where its arguments cannot be read."""
        try:
            arguments = parsed(asked.arguments)
        except ArgumentsTextError:
            return None
        name = asked.name.removeprefix(self.prefix)
        action = self.connector.manifest.actions.get(name)
        if action is not None:
            arguments = self.format.arguments(action, arguments)
        # A name that is none goes on as it is: the engine refuses it, and the log says so.
        return Call(
            action=name,
            arguments=arguments,
            connection=self.connection,
            user=self.user,
            persona=self.persona,
            prompt=prompt,
            operation=self._operation(asked),
            context=context,
        )

    def _answer(self, asked: ToolCall, result: Result | None) -> Answer:
        """Returns what a tool call came to; without a result its arguments could not be read."""
        ended = _unreadable(asked) if result is None else result
        return Answer(item=self.format.answer(asked, ended), result=ended)

    def _operation(self, asked: ToolCall) -> str:
        if not asked.id:
            return mint_operation()
        return f"{self.session}:{asked.id}" if self.session else asked.id


def _unreadable(asked: ToolCall) -> Result:
    """Refuses what is not even a call: without arguments there is nothing to look at or to log."""
    error = CallError(
        kind=ErrorKind.INVALID_ARGUMENTS,
        message="The arguments are no JSON object.",
        hint="Call again with the arguments as one JSON object.",
    )
    return Result(outcome=Outcome.REFUSED, operation=asked.id or "", error=error)

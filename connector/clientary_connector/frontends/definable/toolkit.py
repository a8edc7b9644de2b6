"""Is the toolkit: one function of an agent for each action that its persona was granted.

1. The functions are those of the grant as it stands when a run begins; whatever was closed since
   is refused at the call.
2. A function that needs a person's yes pauses the run. `confirm` takes that yes in the name of
   the person; that Definable was told to go on is none.
3. What is not succeeded is told as text with the hint, so that a model can mend it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from definable.agent.run import RunContext
from definable.agent.run.agent import RunOutput
from definable.agent.toolkit import Toolkit
from definable.tool.function import Function, FunctionCall

from clientary_connector.call.result import Call, Result
from clientary_connector.call.risk import needs_yes
from clientary_connector.connector import Connector
from clientary_connector.errors import (
    ClosedError,
    ConnectorError,
    UnknownConnectionError,
    UnknownGrantError,
)
from clientary_connector.finding import find
from clientary_connector.frontends.definable.runs import Asked, Runs, context_of
from clientary_connector.frontends.export import answering, finder, restoring, shapes
from clientary_connector.manifest import Action
from clientary_connector.terms import approval_rule
from clientary_connector.wiring import open_connector

#: What an approval says of where it comes from.
NOTE: Final = "Confirmed in the run of an agent."


class ClientaryToolkit(Toolkit):
    """The actions that a persona may call over a connection, for one agent.

    A run names its user with `user_id`; `user` stands in where it does not. Without a connector,
    that of the settings is opened, and closed with `close`.
    """

    def __init__(
        self,
        *,
        connection: str,
        persona: str,
        connector: Connector | None = None,
        user: str | None = None,
    ) -> None:
        """Takes for whom it works.

        Raises:
            UnknownConnectionError: There is no such connection.
            OperatorError: The state or a setting cannot be used.
        """
        super().__init__()
        self.connection = connection
        self.persona = persona
        self._closed = False
        self._owns = connector is None
        self.connector = connector or open_connector()
        self._runs = Runs(user)
        self._shown: tuple[tuple[Action, bool], ...] | None = None
        self._functions: list[Function] = []
        self.connector.connection(connection)

    @property
    def tools(self) -> list[Function]:
        """A function for each action that is granted now."""
        granted = self._granted()
        if granted != self._shown:
            functions = [self._function(action, asks=asks) for action, asks in granted]
            self._functions = [*self._finder([action for action, _ in granted]), *functions]
            self._shown = granted
        return self._functions

    @property
    def is_current(self) -> bool:
        """Whether the functions that were asked for last are those of now."""
        return self._granted() == self._shown

    @property
    def _initialized(self) -> bool:
        """Is what an agent looks at before each run: where it is not so, it asks anew."""
        return self.is_current

    async def initialize(self) -> None:
        """Is called by the agent before it asks for the functions anew."""

    async def shutdown(self) -> None:
        """Is called when the agent is closed; the connector may serve others."""

    def close(self) -> None:
        """Takes the tools away, and closes the connector if the toolkit has opened it."""
        self._closed = True
        if self._owns:
            self.connector.close()

    def confirm(self, output: RunOutput, *, user: str, asked_by: str | None = None) -> RunOutput:
        """Says yes, as a user, to what a run has paused for, and returns the run to go on with.

        `asked_by` is for whom the agent works, where that is another person. What is not of this
        toolkit is left as it is.
        """
        for requirement in output.requirements or ():
            execution = requirement.tool_execution
            name = None if execution is None else execution.tool_name
            if execution is None or name not in {one.name for one in self._functions}:
                continue
            requirement.confirm()  # type: ignore[no-untyped-call] # Definable gives it no types
            self._runs.confirm(output, execution, user=user, asked_by=asked_by)
        return output

    def _granted(self) -> tuple[tuple[Action, bool], ...]:
        """Returns what is granted now, and whether it needs a yes whatever its arguments."""
        if self._closed:
            return ()
        try:
            allowed = self.connector.allowed(self.persona, self.connection)
            body = self.connector.grants.one(self.persona, self.connection).terms.to_body()
        except (UnknownConnectionError, UnknownGrantError):
            return ()
        rules = ((one, approval_rule(body, one.id, one.scope)) for one in allowed)
        return tuple((action, needs_yes(action, {}, rule)) for action, rule in rules)

    def _function(self, action: Action, *, asks: bool) -> Function:
        async def run(run_context: RunContext | None, fc: FunctionCall, **given: object) -> str:
            return await self._run(action, run_context, fc, given)

        return Function(
            name=action.id,
            description=action.description,
            parameters=shapes.offered(action),
            entrypoint=run,
            skip_entrypoint_processing=True,
            requires_confirmation=asks,
        )

    def _finder(self, actions: Sequence[Action]) -> list[Function]:
        """Returns the search by name as a function, where the actions list anything."""
        schema = finder.offered(self.connector.manifest, actions)
        if schema is None:
            return []

        async def run(run_context: RunContext | None, fc: FunctionCall, **given: object) -> str:
            async def search(asked: Asked) -> Result:
                who = self._who(asked, fc.call_id)
                return await find(self.connector, finder.asked(schema, given, **who))

            return await self._told(run_context, fc, search)

        return [
            Function(
                name=finder.FIND,
                description=finder.DESCRIPTION,
                parameters=schema,
                entrypoint=run,
                skip_entrypoint_processing=True,
            )
        ]

    async def _run(
        self, action: Action, context: RunContext | None, fc: FunctionCall, given: Mapping[str, Any]
    ) -> str:
        """Runs a call the one governed way, and tells the model what it came to."""

        async def call(asked: Asked) -> Result:
            arguments = restoring.restored(action.input, given)
            who = self._who(asked, fc.call_id)
            return await self._approved(Call(action=action.id, arguments=arguments, **who), asked)

        return await self._told(context, fc, call)

    async def _told(
        self,
        context: RunContext | None,
        fc: FunctionCall,
        work: Callable[[Asked], Awaitable[Result]],
    ) -> str:
        """Does what a run asks for, as far as somebody knows for whom and why."""
        try:
            if self._closed:
                raise ClosedError("The toolkit was closed.", hint="It was taken from the agent.")
            return told(await work(self._runs.asked(context, fc)))
        except ConnectorError as error:
            return f"Error: {error.message} {error.hint}".rstrip()

    def _who(self, asked: Asked, call_id: str | None) -> dict[str, Any]:
        """Returns who calls and why, under which operation."""
        return {
            "connection": self.connection,
            "user": asked.user,
            "persona": self.persona,
            "prompt": asked.prompt,
            "operation": asked.operation(call_id),
            "context": context_of(asked),
        }

    async def _approved(self, call: Call, asked: Asked) -> Result:
        """Runs a call, and once more where it waited for the yes that was given already."""
        result = await self.connector.run(call)
        approvals = self.connector.approvals
        waiting = None if result.error is None else result.error.approval
        if waiting is None or asked.confirmed_by is None:
            return result
        await asyncio.to_thread(approvals.approve, waiting, user=asked.confirmed_by, note=NOTE)
        return await self.connector.run(call)


def told(result: Result) -> str:
    """Returns a result as JSON text, after a line of words where it did not succeed."""
    if result.error is None:
        return answering.text(result)
    return f"Error: {result.error.message} {result.error.hint}\n{answering.text(result)}"

"""Says for whom an agent works and why: what a run of Definable knows of both."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from definable.agent.run import RunContext
from definable.agent.run.agent import RunOutput
from definable.model.message import Message
from definable.model.response import ToolExecution
from definable.tool.function import FunctionCall

from clientary_connector.call.result import mint_operation
from clientary_connector.errors import InvalidValueError

#: What Definable itself says in the person's place when a paused run goes on.
GOES_ON: Final = "Continue."
#: So many runs that a person has let go on are remembered.
MOST: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asked for a tool call, why, and in which run."""

    user: str
    prompt: str
    session: str
    run: str
    #: Who has confirmed it; None where nobody was asked.
    confirmed_by: str | None = None
    #: What was confirmed: the action and its arguments.
    what: tuple[str, Mapping[str, Any]] | None = None

    def operation(self, call_id: str | None) -> str:
        """Returns the operation of a tool call: providers repeat their ids in other sessions."""
        return f"{self.session}:{call_id}" if call_id else mint_operation()


@dataclass(frozen=True, slots=True)
class Runs:
    """Remembers what Definable forgets between a run that pauses and the one that goes on."""

    #: For agents whose runs name no user.
    user: str | None
    _users: OrderedDict[str, str] = field(default_factory=OrderedDict[str, str])
    _confirmed: OrderedDict[str, Asked] = field(default_factory=OrderedDict[str, Asked])

    def asked(self, context: RunContext | None, call: FunctionCall) -> Asked:
        """Returns who asked for a tool call; one that was confirmed comes without its run.

        Raises:
            InvalidValueError: It comes from no run and nobody has confirmed it, or nobody knows
                the user.
        """
        if context is None:
            confirmed = self._confirmed.pop(call.call_id or "", None)
            if confirmed is not None and confirmed.what == _what(call):
                return confirmed
            raise InvalidValueError(
                "The call comes from no run of an agent, so nobody knows who asks for what.",
                hint="Run the agent; a call that a person confirmed goes through `confirm`.",
            )
        messages = (context.metadata or {}).get("_messages", ())
        user = context.user_id or self._users.get(context.session_id) or self.user
        if not user:
            raise InvalidValueError(
                "Nobody knows for whom the agent works.",
                hint="Run it with `user_id`, or give the toolkit a `user`.",
            )
        return Asked(
            user=user,
            prompt=prompt_of(messages),
            session=context.session_id,
            run=context.run_id,
        )

    def confirm(
        self, output: RunOutput, execution: ToolExecution, *, user: str, asked_by: str | None
    ) -> None:
        """Remembers that a person has confirmed a tool call of a paused run."""
        session = output.session_id or ""
        asking = asked_by or self._users.get(session) or self.user or user
        _keep(self._users, session, asking)
        asked = Asked(
            user=asking,
            prompt=prompt_of(output.messages or ()),
            session=session,
            run=output.run_id or "",
            confirmed_by=user,
            what=(execution.tool_name or "", execution.tool_args or {}),
        )
        _keep(self._confirmed, execution.tool_call_id or "", asked)

    @property
    def remembered(self) -> int:
        """How many confirmed calls wait for their run to go on; sessions are as many at most."""
        return len(self._confirmed)


def prompt_of(messages: Iterable[Message]) -> str:
    """Returns what the person said last."""
    said = (one.get_content_string() for one in messages if one.role == "user")
    own = [text for text in said if text and text != GOES_ON]
    return own[-1] if own else ""


def _what(call: FunctionCall) -> tuple[str, Mapping[str, Any]]:
    return call.function.name, call.arguments or {}


def context_of(asked: Asked) -> Mapping[str, str]:
    """Returns what the log keeps of the run."""
    return {"run": asked.run, "session": asked.session, "prompt_from": "host"}


def _keep(store: OrderedDict[str, Any], name: str, value: object) -> None:
    store[name] = value
    store.move_to_end(name)
    while len(store) > MOST:
        store.popitem(last=False)

"""Is the plugin of `llm`: the actions of one persona as a toolbox, or as tools of their own.

`llm` tells a tool nothing of what the person asked for. So a tool has it from whoever made the
toolbox, or else from the model, as an argument; the log says which of the two it was.
"""

from __future__ import annotations

import atexit
import functools
import getpass
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MethodType
from typing import Any, Final

import llm

# What is heavy is loaded by its public name, when the first tool runs.
import clientary_connector
from clientary_connector.call.result import Call, Result, mint_operation
from clientary_connector.errors import InvalidValueError, SettingsError
from clientary_connector.finding import find_sync
from clientary_connector.frontends.export import answering, finder, restoring, shapes
from clientary_connector.frontends.export.naming import named
from clientary_connector.manifest import Action
from clientary_connector.settings import Settings

#: The argument in which a model says what the person asked for.
REQUEST: Final = "request"
#: Runs what a tool is for, with its arguments, and who calls and why.
Start = Callable[[Mapping[str, Any], Mapping[str, Any]], Result]
_ASKED: Final = {"type": "string", "description": "What the person asked for, in their words."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """For whom tools work, and why."""

    connection: str
    persona: str
    user: str
    #: None where the model has to say it with every call.
    prompt: str | None = None

    def tools(
        self, actions: Iterable[Action], toolbox: llm.Toolbox | None = None
    ) -> list[llm.Tool]:
        """Returns actions as tools: by themselves, or of a toolbox and named as `llm` does then."""
        prefix = "" if toolbox is None else f"{type(toolbox).__name__}_"
        return [self._tool(name, one, toolbox) for name, one in named(actions, prefix).items()]

    def finder(self, actions: Iterable[Action], toolbox: llm.Toolbox) -> list[llm.Tool]:
        """Returns the search by name as a tool of a toolbox, where the actions list anything."""
        schema = finder.offered(opened().manifest, actions)
        if schema is None:
            return []

        def run(given: Mapping[str, Any], who: Mapping[str, Any]) -> Result:
            return find_sync(opened(), finder.asked(schema, given, **who))

        name = f"{type(toolbox).__name__}_{finder.FIND}"
        return [self._made(name, finder.DESCRIPTION, schema, run, toolbox)]

    def _tool(self, name: str, action: Action, toolbox: llm.Toolbox | None) -> llm.Tool:
        def run(given: Mapping[str, Any], who: Mapping[str, Any]) -> Result:
            arguments = restoring.restored(action.input, given)
            return opened().run_sync(Call(action=action.id, arguments=arguments, **who))

        return self._made(name, action.description, shapes.offered(action), run, toolbox)

    def _made(
        self,
        name: str,
        description: str,
        schema: dict[str, Any],
        start: Start,
        toolbox: llm.Toolbox | None,
    ) -> llm.Tool:
        """Returns a tool that runs the one governed way, and tells the model what came of it."""
        if self.prompt is None:
            schema = {
                **schema,
                "properties": {REQUEST: _ASKED, **schema["properties"]},
                "required": [REQUEST, *schema.get("required", ())],
            }

        def run(*_: llm.Toolbox, llm_tool_call: llm.ToolCall, **given: Any) -> str:  # noqa: ANN401 - any JSON value
            asked = given.pop(REQUEST, "") if self.prompt is None else self.prompt
            return answering.text(start(given, self._who(asked, llm_tool_call.tool_call_id)))

        return llm.Tool(
            name=name,
            description=description,
            input_schema=schema,
            # Bound to its toolbox, `llm` finds the toolbox again when a conversation goes on.
            implementation=run if toolbox is None else MethodType(run, toolbox),
            plugin=getattr(toolbox, "plugin", None),
        )

    def _who(self, prompt: str, id_: str | None) -> dict[str, Any]:
        """Returns who calls and why, under which operation."""
        return {
            "connection": self.connection,
            "user": self.user,
            "persona": self.persona,
            "prompt": prompt,
            "operation": id_ or mint_operation(),
            "context": {"prompt_from": "model" if self.prompt is None else "host"},
        }


class Clientary(llm.Toolbox):  # type: ignore[no-untyped-call] # llm gives its hook no types
    """The actions that a persona may call over a connection, each a tool.

    What is not given comes from CLIENTARY_CONNECTION, CLIENTARY_PERSONA and CLIENTARY_USER; the
    user is the login name otherwise. Without a prompt, the model is asked for it with every call.
    """

    def __init__(
        self,
        connection: str | None = None,
        persona: str | None = None,
        user: str | None = None,
        prompt: str | None = None,
    ) -> None:
        """Takes for whom it works; nothing is looked at yet."""
        self._given = (connection, persona, user, prompt)

    def tools(self) -> Iterable[llm.Tool]:
        """Returns what the persona may do now; it follows every grant and revoke.

        Raises:
            OperatorError: The state or a setting cannot be used.
            InvalidValueError: There is no connection, persona or user.
            UnknownConnectionError: There is no such connection.
        """
        connection, persona, user, prompt = self._given
        settings = Settings.from_environment()
        work = Work(
            connection=_named(connection or settings.connection, "connection"),
            persona=_named(persona or settings.persona, "persona"),
            user=user or settings.user or _login_name(),
            prompt=prompt,
        )
        allowed = opened().allowed(work.persona, work.connection)
        return [*work.finder(allowed, self), *work.tools(allowed, self)]


@llm.hookimpl
def register_tools(register: Any) -> None:  # noqa: ANN401 - llm names no type for it
    """Registers the toolbox; and every action as a tool, where the settings say for whom."""
    register(Clientary)
    try:
        settings = Settings.from_environment()
    except SettingsError:
        # No reason for all of `llm` to fail; whoever uses the toolbox is told.
        return
    if settings.connection is None or settings.persona is None:
        return
    user = settings.user or _login_name()
    work = Work(connection=settings.connection, persona=settings.persona, user=user)
    # All of them: which are granted is in the vault, and a list of models must not open it.
    for tool in work.tools(clientary_connector.load_manifest().actions.values()):
        register(tool)


@functools.cache
def opened() -> clientary_connector.Connector:
    """Opens the connector of the process when the first tool needs it."""
    connector = clientary_connector.open_connector()
    atexit.register(connector.close)
    return connector


def _named(given: str | None, what: str) -> str:
    if not given:
        raise InvalidValueError(
            f"No {what} is given: Clientary({what}=...), or CLIENTARY_{what.upper()}."
        )
    return given


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise InvalidValueError(
            "This system knows no login name: Clientary(user=...), or CLIENTARY_USER."
        ) from None

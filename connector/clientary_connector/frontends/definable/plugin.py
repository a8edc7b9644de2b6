"""Is a plugin of Definable: it gives the agent that loads it the tools of a persona."""

from __future__ import annotations

from definable.agent.agent import Agent
from definable.agent.plugin import Plugin
from definable.agent.run.agent import RunOutput

from clientary_connector.connector import Connector
from clientary_connector.errors import InvalidValueError
from clientary_connector.frontends.definable.toolkit import ClientaryToolkit


class ClientaryPlugin(Plugin):
    """The actions over a connection, for an agent whose name is that of its persona."""

    def __init__(
        self, *, connection: str, connector: Connector | None = None, user: str | None = None
    ) -> None:
        """Takes the connection; the rest is as for the toolkit."""
        self._connection = connection
        self._connector = connector
        self._user = user
        self._toolkit: ClientaryToolkit | None = None

    @property
    def name(self) -> str:
        """What the plugin is called."""
        return f"clientary-{self._connection}"

    @property
    def description(self) -> str:
        """What it is for."""
        return f"Lets an agent work in the Clientary account {self._connection}."

    async def on_load(self, agent: Agent) -> None:
        """Gives the agent the tools of the persona that has its name."""
        self._toolkit = ClientaryToolkit(
            connection=self._connection,
            persona=agent.agent_name,
            connector=self._connector,
            user=self._user,
        )
        agent.toolkits.append(self._toolkit)

    async def on_unload(self, agent: Agent) -> None:
        """Takes them away again: an agent looks before each run, and a closed toolkit has none."""
        del agent
        self._loaded().close()
        self._toolkit = None

    def confirm(self, output: RunOutput, *, user: str, asked_by: str | None = None) -> RunOutput:
        """Says yes, as a user, to what a run has paused for; as `ClientaryToolkit.confirm`.

        Raises:
            InvalidValueError: No agent has loaded the plugin.
        """
        return self._loaded().confirm(output, user=user, asked_by=asked_by)

    def _loaded(self) -> ClientaryToolkit:
        if self._toolkit is None:
            raise InvalidValueError("No agent has loaded the plugin.")
        return self._toolkit

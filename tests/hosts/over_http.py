"""Serves MCP over HTTP on loopback, beside a stage, and lets official clients come to it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from clientary_connector import Connector, Settings, open_connector
from clientary_connector.frontends.mcp.http import McpApplication
from clientary_connector.tokens import NewToken
from tests.actions.stage import ACCOUNT, PERSONA, USER, Stage
from tests.web.ground import Server, serving


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """A server of MCP over HTTP, by a connector of its own, as another process would have it."""

    server: Server
    connector: Connector
    app: McpApplication

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{self.server.url}/mcp"

    def made(self, *, persona: str = PERSONA, user: str = USER) -> NewToken:
        """Makes a token for a persona."""
        return self.connector.tokens.for_mcp(connection=ACCOUNT, persona=persona, user=user)

    def token(self, *, persona: str = PERSONA, user: str = USER) -> str:
        """Makes a token for a persona, and returns its text."""
        return self.made(persona=persona, user=user).text

    @asynccontextmanager
    async def client(self, token: str, era: str = "auto", **more: Any) -> AsyncGenerator[Client]:  # noqa: ANN401 - what a client takes
        """Comes to it as an official client of an era."""
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(streamable_http_client(self.url, http_client=http), mode=era, **more) as client,
        ):
            yield client


@contextmanager
def over_http(
    stage: Stage, *, settings: Settings | None = None, stateless: bool = False
) -> Generator[Http]:
    """Serves the account of a stage while the block lasts."""
    with open_connector(stage.state, settings=settings) as connector:
        app = McpApplication(connector, stateless=stateless)
        with serving(app, connector, ending=app.ending, running=app.running) as server:
            yield Http(server=server, connector=connector, app=app)

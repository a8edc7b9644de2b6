"""Is `clientary mcp serve`: serves one program on stdin and stdout, or many over HTTP."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import extras, options, output, serving
from clientary_connector.frontends.cli.status import Status
from clientary_connector.frontends.mcp.caller import Caller
from clientary_connector.frontends.waiting import run_server
from clientary_connector.wiring import open_connector

if TYPE_CHECKING:
    from clientary_connector.connector import Connector

#: What belongs to one of the two ways of serving alone.
OF_HTTP: Final = (
    *("host", "port", "path", "stateless", "tls_cert", "tls_key", "trusted_proxy", "allow_host"),
    "output_",
)
OF_STDIO: Final = ("connection", "persona")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is served, and how much of it at once."""

    state: Path | None
    user: str
    search: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How it is served over HTTP."""

    path: str
    stateless: bool
    output_: str


@click.command()
@click.option(
    "--connection", envvar="CLIENTARY_CONNECTION", metavar="NAME", help="Over which connection."
)
@click.option(
    "--persona",
    envvar="CLIENTARY_PERSONA",
    metavar="NAME",
    help="In whose name; it needs a grant.",
)
@options.user
@click.option(
    "--tools",
    type=click.Choice(["all", "search"]),
    default="all",
    show_default=True,
    help="One tool an action; or a few to find, describe and call, for little room.",
)
@click.option("--http", is_flag=True, help="Serve over HTTP; a token says who calls.")
@click.option("--path", default="/mcp", show_default=True, help="Where on the server.")
@click.option("--stateless", is_flag=True, help="For clients that keep no session.")
@serving.options
@options.output
@click.pass_context
def serve(  # noqa: PLR0913 -- click passes one argument an option
    ctx: click.Context,
    /,
    *,
    connection: str | None,
    persona: str | None,
    user: str | None,
    tools: str,
    http: bool,
    path: str,
    stateless: bool,
    output_: str,
    **place: Any,  # noqa: ANN401 -- the options of a server, as click has read them
) -> Status:
    """Serve a persona's actions over the Model Context Protocol, on stdin and stdout or over HTTP.

    \b
    An agent starts it by itself. In its configuration:
    {"mcpServers": {"clientary": {"command": "clientary",
      "args": ["mcp", "--connection", "books", "--persona", "bookkeeper"]}}}

    \b
    Over HTTP it runs until Ctrl-C, for whoever shows a token of `clientary mcp token new`:
    {"mcpServers": {"clientary": {"type": "http", "url": "http://127.0.0.1:8000/mcp",
      "headers": {"Authorization": "Bearer cct_..."}}}}
    """  # noqa: D301 -- click's mark for lines to leave as they are
    wanted = Wanted(state=ctx.obj, user=options.login_name(user), search=tools == "search")
    _check_words(ctx, OF_STDIO if http else OF_HTTP, http=http)
    if http:
        if not path.startswith("/"):
            raise click.BadParameter("A path begins with a slash.", param_hint="--path")
        way = Way(path=path, stateless=stateless, output_=output_)
        run_server(_over_http(wanted, serving.Words(**place), way))
        return Status.SUCCEEDED
    if connection is None or persona is None:
        raise click.UsageError("Give --connection and --persona; or --http, where a token says it.")
    caller = Caller(connection=connection, persona=persona, user=wanted.user)
    run_server(_over_stdio(wanted, caller))
    return Status.SUCCEEDED


def _check_words(ctx: click.Context, names: tuple[str, ...], *, http: bool) -> None:
    """Refuses what would be left unheard.

    Raises:
        click.UsageError: An option was given that belongs to the other way of serving.
    """
    given = click.core.ParameterSource.COMMANDLINE
    for name in names:
        if ctx.get_parameter_source(name) is given:
            option = f"--{name.strip('_').replace('_', '-')}"
            why = "with --http the token of a client says it" if http else "it belongs to --http"
            raise click.UsageError(f"Leave {option} out: {why}.")


async def _over_stdio(wanted: Wanted, caller: Caller) -> None:
    with extras.needed("The server", "mcp"):
        from clientary_connector.frontends.mcp import stdio  # noqa: PLC0415 -- an optional extra
    async with open_connector(wanted.state) as connector:
        # Said here, where a person sees it, and not to the first request of a client.
        connector.connection(caller.connection)
        await stdio.serve(connector, caller, search=wanted.search)


async def _over_http(wanted: Wanted, words: serving.Words, way: Way) -> None:
    with extras.needed("The server", "mcp"):
        from clientary_connector.frontends.mcp import http  # noqa: PLC0415 -- an optional extra
        from clientary_connector.frontends.web import running  # noqa: PLC0415 -- the same
    # What clients do wrong they are told; the SDK would print its own trace of it.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    async with open_connector(wanted.state) as connector:
        app = http.McpApplication(
            connector, path=way.path, search=wanted.search, stateless=way.stateless
        )
        place = serving.listening(words, connector.settings)

        def started() -> None:
            _tell(connector, f"{place.url}{way.path}", way.output_)

        turns = running.Turns(started=started, ending=app.ending)
        async with app.running():
            await running.serve(app, place, connector=connector, user=wanted.user, turns=turns)


def _tell(connector: Connector, url: str, output_: str) -> None:
    if output_ == "json":
        output.emit_data({"url": url})
    else:
        screen.emit(screen.pairs((("URL", url),)))
    if not any(token.active for token in connector.tokens.all(kind="mcp")):
        screen.note("Nobody has a token yet: clientary mcp token new --connection NAME --persona P")
    screen.note("Ctrl-C ends it.")

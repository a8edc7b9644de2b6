"""Is `clientary console serve`: serves the pages of an admin, and signs in whoever started it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import extras, options, output, serving
from clientary_connector.frontends.cli.authorize import described
from clientary_connector.frontends.cli.status import Status
from clientary_connector.frontends.waiting import run_server
from clientary_connector.oauth.provider import Provider
from clientary_connector.people import Person, Role
from clientary_connector.wiring import open_connector

_FILE: Final = click.Path(path_type=Path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is served, to whom, and how that is told."""

    state: Path | None
    user: str
    providers: tuple[Provider, ...]
    output_: str


@click.command()
@click.option(
    "--oauth",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="Accounts can be joined with tokens of the provider that FILE describes; again for more.",
)
@options.user
@serving.options
@options.output
@click.pass_obj
def serve(
    state: Path | None,
    /,
    *,
    oauth: tuple[Path, ...],
    user: str | None,
    output_: str,
    **place: Any,  # noqa: ANN401 -- the options of a server, as click has read them
) -> Status:
    """Serve the pages of an admin until Ctrl-C.

    A link is printed that signs you in once, as an admin. Others sign in with the
    names and passwords of `clientary console user`. On another address than this
    machine's own it needs a certificate, or a proxy that is named.
    """
    wanted = Wanted(
        state=state,
        user=options.login_name(user),
        providers=tuple(described(file) for file in oauth),
        output_=output_,
    )
    run_server(_served(wanted, serving.Words(**place)))
    return Status.SUCCEEDED


async def _served(wanted: Wanted, words: serving.Words) -> None:
    with extras.needed("The console", "console"):
        from clientary_connector.frontends.console import console  # noqa: PLC0415 -- an extra
        from clientary_connector.frontends.console.api.problems import refused  # noqa: PLC0415 -- an extra
        from clientary_connector.frontends.console.rehearsal import Rehearsal  # noqa: PLC0415 -- an extra
        from clientary_connector.frontends.web import running  # noqa: PLC0415 -- an extra
        from clientary_connector.frontends.web.streaming import Streams  # noqa: PLC0415 -- an extra

    async with open_connector(wanted.state) as connector:
        place = serving.listening(words, connector.settings)
        # The simulated account is one click away while the pages are served.
        with closing(Rehearsal()) as rehearsal:
            app = console(
                connector,
                hosts=tuple(place.hosts),
                providers=wanted.providers,
                rehearsal=rehearsal,
            )
            streams = Streams(app)

            def started() -> None:
                link = app.state.desk.links.make(Person(wanted.user, Role.ADMIN))
                _tell(place.url, f"{place.url}/sign-in/{link}", wanted.output_)

            def ending() -> None:
                streams.end()
                app.state.desk.patience.end()

            turns = running.Turns(started=started, ending=ending)
            await running.serve(
                streams,
                place,
                connector=connector,
                user=wanted.user,
                turns=turns,
                refused=refused,
            )


def _tell(url: str, link: str, output_: str) -> None:
    if output_ == "json":
        output.emit_data({"url": url, "sign_in": link})
        return
    screen.emit(screen.pairs((("URL", url), ("Sign in", link))))
    screen.note("The link signs you in once, within minutes. Ctrl-C ends the console.")

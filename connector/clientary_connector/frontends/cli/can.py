"""Is `clientary can`: whether a persona may do something, and by which rule; sends nothing."""

from __future__ import annotations

from pathlib import Path

import click

from clientary_connector.explaining import Verdict
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.arguments import parse_arguments
from clientary_connector.frontends.cli.status import Status
from clientary_connector.wiring import open_connector

WORDS = {True: "yes", False: "no", None: "depends"}


@click.command()
@click.argument("persona")
@click.argument("action")
@click.option("-c", "--connection", metavar="NAME", help="Over this one. Default: over each.")
@click.option("-a", "texts", multiple=True, metavar="KEY=VALUE", help="One argument of the call.")
@options.output
@click.pass_obj
def can(  # noqa: PLR0913 -- click passes one argument an option
    state: Path | None,
    *,
    persona: str,
    action: str,
    connection: str | None,
    texts: tuple[str, ...],
    output_: str,
) -> Status:
    """Say whether PERSONA may do ACTION, and by which rule; nothing is sent.

    \b
    clientary can bookkeeper create_expense -c books -a amount=700 -a client_id=42

    Without the arguments that a condition is about, the answer is that it depends.
    """  # noqa: D301 -- click's mark for lines to leave as they are
    with open_connector(state) as connector:
        found = connector.manifest.action(action)
        arguments = parse_arguments(texts, found.input)
        names = [connection] if connection else [one.name for one in connector.connections()]
        verdicts = [connector.grants.can(persona, action, name, arguments) for name in names]
    if output_ == "json":
        output.emit_data([one.to_json() for one in verdicts])
    for verdict in verdicts if output_ == "table" else ():
        _show(verdict)
    if not verdicts:
        screen.note("There is no connection: clientary connect NAME --subdomain YOURS")
    refused = all(one.allowed is False for one in verdicts)
    return Status.REFUSED if refused else Status.SUCCEEDED


def _show(verdict: Verdict) -> None:
    said = WORDS[verdict.allowed]
    if verdict.allowed is not False and verdict.needs_approval:
        said += ", once a person has approved it"
    where = f"{verdict.persona} {verdict.action} over {verdict.connection}"
    screen.emit(f"{screen.visible(where)}: {said}\n")
    screen.table(
        ("rule", "passed", "why"),
        ((one.rule, WORDS[one.passed], one.told(screen.when)) for one in verdict.checks),
    )

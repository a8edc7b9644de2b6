"""Is `clientary call`: one action, all the way, or what it would send."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import click

from clientary_connector.call.result import Call, Outcome, Preview, Result, mint_operation
from clientary_connector.connector import Connector
from clientary_connector.errors import UnknownActionError
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.arguments import parse_arguments
from clientary_connector.frontends.cli.resultview import show_preview, show_result
from clientary_connector.frontends.cli.status import Status, of_result
from clientary_connector.frontends.jsontext import JsonTextError, parse_object
from clientary_connector.wiring import open_connector

#: A document of arguments beyond this is a file given by mistake.
MAX_JSON_BYTES: Final = 4 * 1024 * 1024


@click.command()
@click.argument("action")
@click.argument("name")
@click.option(
    "-a",
    "texts",
    multiple=True,
    metavar="KEY=VALUE",
    help="One argument, read by its type; a list as a,b or JSON; KEY:=JSON takes any JSON value.",
)
@click.option(
    "--json",
    "file",
    type=click.File("rb"),
    metavar="FILE",
    help="Arguments as one JSON object; - is stdin. Options and -a come on top.",
)
@click.option("--persona", required=True, metavar="NAME", help="In whose name; it needs a grant.")
@options.user
@click.option("--prompt", metavar="TEXT", help="Why: what was asked for. It goes into the log.")
@click.option("--operation", metavar="ID", help="Give it again and nothing is sent twice.")
@click.option("--dry-run", is_flag=True, help="Show the request; send nothing but reads.")
@click.option("--limit", type=click.IntRange(min=1), help="Follow pages up to so many records.")
@click.option("--page", type=click.IntRange(min=1), help="One page of a list, or the first.")
@click.option("--fields", metavar="A,B", help="Only these fields of each record.")
@options.output
@click.pass_obj
def call(state: Path | None, /, *, dry_run: bool, output_: str, **given: Any) -> Status:  # noqa: ANN401 -- each option has a type of its own
    """Run ACTION over the connection NAME.

    \b
    clientary call list_clients books --persona bookkeeper --limit 5 --fields id,name
    clientary call create_client books --persona bookkeeper -a name="Example Bakery"
    """  # noqa: D301 -- click's mark for lines to leave as they are
    given["user"] = options.login_name(given["user"])
    given["operation"] = given["operation"] or mint_operation()
    # Read here: a read that waits inside the event loop would not hear Ctrl-C.
    given["document"] = _from_json(given["file"])
    if dry_run:
        return _end_preview(asyncio.run(_preview(state, given)), output_)
    try:
        result = asyncio.run(_run(state, given))
    except KeyboardInterrupt:
        screen.note(
            f"Stopped. `clientary log --operation {given['operation']}` says what is known."
        )
        raise
    return _end(result, _columns(given), output_)


async def _run(state: Path | None, given: Mapping[str, Any]) -> Result:
    async with open_connector(state) as connector:
        return await connector.run(_call(connector, given))


async def _preview(state: Path | None, given: Mapping[str, Any]) -> Preview:
    async with open_connector(state) as connector:
        return await connector.preview(_call(connector, given))


def _call(connector: Connector, given: Mapping[str, Any]) -> Call:
    return Call(
        action=given["action"],
        arguments=_arguments(connector, given),
        connection=given["name"],
        user=given["user"],
        persona=given["persona"],
        prompt=given["prompt"] or options.typed_prompt(given["action"], given["name"]),
        operation=given["operation"],
    )


def _end(result: Result, columns: tuple[str, ...], output_: str) -> Status:
    if output_ == "json":
        output.emit_json(result.to_json())
    else:
        show_result(result, columns)
    if result.error is not None:
        output.note_error(result.outcome, result.error)
    return of_result(result)


def _end_preview(preview: Preview, output_: str) -> Status:
    outcome = Outcome.SUCCEEDED if preview.error is None else Outcome.REFUSED
    if output_ == "json":
        error = None if preview.error is None else preview.error.to_json()
        shown = preview.to_json()
        output.emit_json(output.envelope(outcome, data=shown, error=error, log_id=preview.log_id))
    elif preview.error is None:
        show_preview(preview)
    if preview.error is not None:
        output.note_error(outcome, preview.error)
    return of_result(Result(outcome=outcome, operation="", error=preview.error))


def _arguments(connector: Connector, given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = dict(given["document"])
    found.update(parse_arguments(given["texts"], _schema(connector, given["action"])))
    for name in ("limit", "page"):
        if given[name] is not None:
            found[name] = given[name]
    if given["fields"] is not None:
        found["fields"] = list(_columns(given))
    return found


def _schema(connector: Connector, action: str) -> Mapping[str, Any]:
    """Returns the schema of the arguments; of an unknown action none, for the call refuses it."""
    try:
        return connector.manifest.action(action).input
    except UnknownActionError:
        return {}


def _from_json(file: BinaryIO | None) -> dict[str, Any]:
    if file is None:
        return {}
    data = file.read(MAX_JSON_BYTES + 1)
    if len(data) > MAX_JSON_BYTES:
        raise click.BadParameter(f"more than {MAX_JSON_BYTES:,} bytes.", param_hint="--json")
    try:
        return parse_object(data)
    except JsonTextError as error:
        raise click.BadParameter(f"{error}.", param_hint="--json") from None


def _columns(given: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name.strip() for name in (given["fields"] or "").split(",") if name.strip())

"""Is `clientary actions` and `action`: what can be done, and how one thing is asked for."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.catalogue import Search, found_by
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.status import Status
from clientary_connector.frontends.schematext import type_text
from clientary_connector.manifest import Action, load_manifest

TEXT_WIDTH: Final = 78


@click.command()
@click.argument("text", required=False)
@click.option("--resource", metavar="NAME", help="Only those on this resource, as in invoices.")
@click.option(
    "--effect",
    type=click.Choice(["read", "write", "delete", "send"]),
    help="Only those of this effect.",
)
@options.output
def actions(*, text: str | None, resource: str | None, effect: str | None, output_: str) -> Status:
    """List the actions, or those that hold TEXT in their id, alias, title or description."""
    search = Search(text=text or "", resource=resource, effect=effect)
    found = found_by(search, load_manifest())
    if output_ == "json":
        output.emit_data([_heading(action) for action in found])
        return Status.SUCCEEDED
    screen.table(
        ("action", "effect", "scope", "title"),
        ((action.id, action.effect.value, action.scope, action.title) for action in found),
    )
    if not found:
        screen.note("No action fits.")
    return Status.SUCCEEDED


@click.command()
@click.argument("name", metavar="ID")
@options.output
def action(*, name: str, output_: str) -> Status:
    """Show the action ID in full: what it does, its arguments, an example."""
    found = load_manifest().action(name)
    if output_ == "json":
        output.emit_data(_in_full(found))
        return Status.SUCCEEDED
    screen.emit(f"{found.id}: {found.title}\n\n{_wrapped(found.description)}\n\n")
    screen.emit(screen.pairs(_facts(found)))
    screen.emit("\n")
    _show_arguments(found)
    screen.emit(f"\nExample:\n{_example(found)}\n")
    return Status.SUCCEEDED


def _heading(action: Action) -> dict[str, Any]:
    return {
        "id": action.id,
        "title": action.title,
        "alias": action.alias,
        "resource": action.resource,
        "effect": action.effect.value,
        "scope": action.scope,
        "cost": action.cost,
    }


def _in_full(action: Action) -> dict[str, Any]:
    return {
        **_heading(action),
        "description": action.description,
        "method": action.method,
        "path": action.path,
        "input": action.input,
        "output": action.output,
        "ids": {name: list(sources) for name, sources in action.ids.items()},
        "takes_along": [step.resource for step in action.cascade],
        "example": dict(action.example),
    }


def _facts(action: Action) -> list[tuple[str, object]]:
    facts: list[tuple[str, object]] = [
        ("Alias", action.alias),
        ("Effect", action.effect.value),
        ("Scope", action.scope),
        ("Cost", action.cost),
        ("Request", f"{action.method} {action.path}"),
    ]
    if action.cascade:
        facts.append(("Takes along", ", ".join(step.resource for step in action.cascade)))
    return facts


def _show_arguments(action: Action) -> None:
    for name, schema, required in _arguments(action.input):
        screen.emit(f"  {name}{' (required)' if required else ''}: {type_text(schema)}\n")
        sources = action.ids.get(name, ())
        found_by = f" Found by {' or '.join(sources)}." if sources else ""
        about = f"{schema.get('description', '')}{found_by}"
        screen.emit(f"{_wrapped(about, indent='      ')}\n")


def _arguments(schema: Mapping[str, Any], parent: str = "") -> Iterator[tuple[str, Any, bool]]:
    """Gives each argument, and under a list of objects each of their fields."""
    required = schema.get("required", ())
    properties: Mapping[str, Any] = schema.get("properties", {})
    for name, about in properties.items():
        yield f"{parent}{name}", about, name in required
        yield from _arguments(about.get("items", {}), f"{parent}{name}[].")


def _example(action: Action) -> str:
    options_ = [f"-a {shlex.quote(_pair(name, value))}" for name, value in action.example.items()]
    head = f"clientary call {action.id} NAME --persona PERSONA"
    return "  " + " \\\n    ".join([head, *options_])


def _pair(name: str, value: object) -> str:
    simple = isinstance(value, str | int | float) and not isinstance(value, bool)
    return f"{name}={value}" if simple else f"{name}={screen.compact(value)}"


def _wrapped(text: str, *, indent: str = "") -> str:
    return textwrap.fill(
        screen.visible(text), TEXT_WIDTH, initial_indent=indent, subsequent_indent=indent
    )

"""Is `clientary console user`: who may sign in at the console with a name and a password."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from clientary_connector.connector import Secret
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.secretinput import read_password
from clientary_connector.frontends.cli.status import Status
from clientary_connector.people import Role
from clientary_connector.users import User
from clientary_connector.wiring import open_connector

ROLES: Final = click.Choice([role.value for role in Role])
_stdin: Final = click.option(
    "--password-stdin", is_flag=True, help="Read the password from stdin, not from a prompt."
)


@click.group()
def user() -> None:
    """Say who may sign in at the console with a name and a password.

    A viewer looks; an approver also decides about calls that wait; an admin also
    connects, grants, rotates and revokes.
    """


@user.command()
@click.argument("name")
@click.option("--role", type=ROLES, default="viewer", show_default=True, help="What NAME may do.")
@_stdin
@options.user
@options.output
@click.pass_obj
def add(  # noqa: PLR0913 -- click passes one argument an option
    state: Path | None,
    *,
    name: str,
    role: str,
    password_stdin: bool,
    user: str | None,
    output_: str,
) -> Status:
    """Let NAME sign in. The password is asked for twice, and never an argument."""
    who = options.login_name(user)
    with open_connector(state) as connector, _password(from_stdin=password_stdin) as password:
        made = connector.users.add(name, role=Role(role), password=password, by=who)
    return _told("Added", made, output_)


@user.command("list")
@options.output
@click.pass_obj
def list_(state: Path | None, *, output_: str) -> Status:
    """List who may sign in."""
    with open_connector(state) as connector:
        found = connector.users.all()
    if output_ == "json":
        output.emit_data([one.to_json() for one in found])
        return Status.SUCCEEDED
    rows = ((one.name, one.role.value, one.made_at, one.made_by) for one in found)
    screen.table(("name", "role", "since", "made by"), rows)
    if not found:
        screen.note("Nobody yet: clientary console user add NAME --role admin")
    return Status.SUCCEEDED


@user.command()
@click.argument("name")
@click.argument("role", type=ROLES)
@options.user
@options.output
@click.pass_obj
def role(state: Path | None, *, name: str, role: str, user: str | None, output_: str) -> Status:
    """Give NAME another ROLE; whoever is signed in as NAME has to sign in again."""
    who = options.login_name(user)
    with open_connector(state) as connector:
        changed = connector.users.change_role(name, role=Role(role), by=who)
    return _told("Changed", changed, output_)


@user.command()
@click.argument("name")
@_stdin
@options.user
@options.output
@click.pass_obj
def passwd(
    state: Path | None, *, name: str, password_stdin: bool, user: str | None, output_: str
) -> Status:
    """Give NAME another password; whoever is signed in as NAME has to sign in again."""
    who = options.login_name(user)
    with open_connector(state) as connector, _password(from_stdin=password_stdin) as password:
        changed = connector.users.change_password(name, password=password, by=who)
    return _told("Changed", changed, output_)


@user.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.user
@options.output
@click.pass_obj
def remove(state: Path | None, *, name: str, yes: bool, user: str | None, output_: str) -> Status:
    """Let NAME sign in no more; whoever is signed in as NAME is signed out at once."""
    who = options.login_name(user)
    if not (yes or _agreed(name)):
        screen.note("Nobody was removed.")
        return Status.FAILED
    with open_connector(state) as connector:
        removed = connector.users.remove(name, by=who)
    return _told("Removed", removed, output_)


def _password(*, from_stdin: bool) -> Secret:
    return Secret(read_password(from_stdin=from_stdin))


def _agreed(name: str) -> bool:
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask on: add --yes.")
    return click.confirm(screen.visible(f"Remove {name} from the console?"), err=True)


def _told(what: str, found: User, output_: str) -> Status:
    if output_ == "json":
        output.emit_data(found.to_json(), log_id=found.log_id)
    else:
        shown = ((what, found.name), ("Role", found.role.value), ("Log", found.log_id))
        screen.emit(screen.pairs(shown))
    return Status.SUCCEEDED

"""Is `clientary connect`, `connections` and `revoke`: from the first test of a key to its end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from clientary_connector.connections import Account, Connection, Revocation
from clientary_connector.connector import Secret
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.authorize import Wish, authorized, described
from clientary_connector.frontends.cli.secretinput import read_key, refuse_as_argument
from clientary_connector.frontends.cli.status import Status
from clientary_connector.rotations import Due, KeyStatus
from clientary_connector.wiring import open_connector


@click.command()
@click.argument("name")
@click.argument("extra", nargs=-1, expose_value=False, callback=refuse_as_argument, metavar="")
@click.option("--subdomain", metavar="LABEL", help="The account: LABEL.clientary.com.")
@click.option("--sandbox", metavar="URL", help="A simulated account on this machine instead.")
@click.option("--key-stdin", is_flag=True, help="Read the API key from stdin, not from a prompt.")
@click.option(
    "--oauth",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With a token of the provider that FILE describes, in place of a key.",
)
@click.option("--paste", is_flag=True, help="With --oauth: bring the address back by hand.")
@click.option("--rotate-every", type=int, metavar="DAYS", help="Days between rotations of the key.")
@options.user
@options.output
@click.pass_obj
def connect(  # noqa: PLR0913 -- click passes one argument an option
    state: Path | None,
    *,
    name: str,
    subdomain: str | None,
    sandbox: str | None,
    key_stdin: bool,
    oauth: Path | None,
    paste: bool,
    rotate_every: int | None,
    user: str | None,
    output_: str,
) -> Status:
    """Join a Clientary account under NAME, with its API key.

    The key is asked for without being shown, or read from stdin; it is never an
    argument. It is tested before anything is saved, and you see whose account it is.

    With --oauth a person allows the access in a browser instead. A client secret is
    asked for, or read from stdin with --key-stdin, where the provider wants one.
    """
    if (subdomain is None) == (sandbox is None):
        raise click.UsageError("Give either --subdomain LABEL or --sandbox URL.")
    who = options.login_name(user)
    open_connector(
        state
    ).close()  # what is wrong with the state is said before the key is asked for
    where = {"subdomain": subdomain, "sandbox": sandbox}
    if oauth is None:
        joined = _by_key(state, name, where, key_stdin, user=who, days=rotate_every)
    else:
        provider = described(oauth)
        secret = _client_secret(from_stdin=key_stdin) if provider.has_secret else None
        wish = Wish(name=name, user=who, paste=paste, client_secret=secret, **where)
        joined = authorized(state, provider, wish)
    connection, account = asyncio.run(joined)
    if output_ == "json":
        output.emit_data(connection.to_json(), log_id=account.log_id)
    else:
        _show_connected(connection, account)
    return Status.SUCCEEDED


@click.command()
@click.option("--revoked", is_flag=True, help="Show the revoked ones too.")
@options.output
@click.pass_obj
def connections(state: Path | None, *, revoked: bool, output_: str) -> Status:
    """List the connections."""
    with open_connector(state) as connector:
        found = connector.connections(revoked=revoked)
        keys = {key.id: key for key in connector.rotations()}
    if output_ == "json":
        output.emit_data([{**item.to_json(), "key": _key(keys.get(item.id))} for item in found])
        return Status.SUCCEEDED
    screen.table(
        ("name", "id", "state", "address", "account", "owner", "since", "key"),
        (_row(one, keys) for one in found),
    )
    if not found:
        screen.note("No connection yet: clientary connect NAME --subdomain YOURS")
    return Status.SUCCEEDED


def _row(one: Connection, keys: Mapping[str, KeyStatus]) -> tuple[object, ...]:
    since = screen.when(one.created_at)
    where = _address(one)
    return one.name, one.id, one.state, where, one.account, one.owner, since, _age(keys, one)


@click.command()
@click.argument("name")
@click.option("--persona", metavar="PERSONA", help="Close this persona's grant alone.")
@click.option("--reason", default="", help="Why; it goes into the log.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.user
@options.output
@click.pass_obj
def revoke(  # noqa: PLR0913 -- click passes one argument an option
    state: Path | None,
    *,
    name: str,
    persona: str | None,
    reason: str,
    yes: bool,
    user: str | None,
    output_: str,
) -> Status:
    """End the connection NAME: close its grants, destroy its key, stop calls under way.

    It cannot be undone; connecting again needs the API key again. With --persona, only
    that persona's grant ends.
    """
    who = options.login_name(user)
    with open_connector(state) as connector:
        connection = connector.connection(name)
    if not (yes or _agreed(connection, persona)):
        screen.note("Nothing was revoked.")
        return Status.FAILED

    async def work() -> Revocation:
        async with open_connector(state) as connector:
            return await connector.revoke(connection.id, user=who, reason=reason, persona=persona)

    done = asyncio.run(work())
    if output_ == "json":
        output.emit_data(done.to_json(), log_id=done.log_id)
    else:
        _show_revoked(done)
    return Status.SUCCEEDED


async def _by_key(  # noqa: PLR0913 -- what makes a connection
    state: Path | None,
    name: str,
    where: Mapping[str, str | None],
    key_stdin: bool,  # noqa: FBT001 -- an option of the command
    *,
    user: str,
    days: int | None,
) -> tuple[Connection, Account]:
    with Secret(read_key(from_stdin=key_stdin)) as secret:
        async with open_connector(state) as connector:
            return await connector.connect(
                name, secret=secret, user=user, rotate_every_days=days, **where
            )


def _client_secret(*, from_stdin: bool) -> Secret:
    return Secret(read_key(from_stdin=from_stdin, what="Client secret"))


def _agreed(connection: Connection, persona: str | None) -> bool:
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask on: add --yes.")
    question = f"Revoke {connection.name} ({_address(connection)}) and destroy its key?"
    if persona is not None:
        question = f"Close the grant of {persona} over {connection.name}?"
    return click.confirm(screen.visible(question), err=True)


def _address(connection: Connection) -> str:
    return connection.sandbox or f"{connection.subdomain}.clientary.com"


def _key(status: KeyStatus | None) -> dict[str, object] | None:
    return None if status is None else status.to_json()


def _age(keys: Mapping[str, KeyStatus], connection: Connection) -> str:
    """Says how old a key is, whether it is due, and how far its rotation."""
    key = keys.get(connection.id)
    if key is None:
        return ""
    said = [f"{key.age_days} d"]
    if key.due is Due.OVERDUE:
        said.append(f"overdue by {-key.days_left} d")
    elif key.due is Due.DUE:
        said.append(f"due in {key.days_left} d")
    if key.rotation is not None:
        said.append(key.rotation)
    return ", ".join(said)


def _show_connected(connection: Connection, account: Account) -> None:
    screen.emit(
        screen.pairs(
            (
                ("Connected", connection.name),
                ("Id", connection.id),
                ("Address", _address(connection)),
                ("Account", connection.account),
                ("Log", account.log_id),
            )
        )
    )
    screen.note(f"Next: clientary grant PERSONA {connection.name} --scope clients:read")


def _show_revoked(done: Revocation) -> None:
    screen.emit(
        screen.pairs(
            (
                ("Revoked", done.connection.name),
                ("Grants closed", done.grants_closed),
                ("Keys destroyed", done.secrets_destroyed),
                ("Log", done.log_id),
            )
        )
    )
    screen.note(screen.visible(done.upstream))
    if not done.confirmed:
        screen.note("A process that is stopped may still send one request that it was let out for.")

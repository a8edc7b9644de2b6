"""Shows tokens, and reads what is said of them, for each command that keeps some."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click

from clientary_connector.errors import UnknownTokenError
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.status import Status
from clientary_connector.tokens import NewToken, Token
from clientary_connector.wiring import open_connector

for_user: Final = click.option(
    "--for", "for_user", metavar="NAME", help="For which user it works. Default: who asks."
)
days: Final = click.option(
    "--days",
    type=click.IntRange(1, 3650),
    help="After how many days it ends. Default: CLIENTARY_TOKEN_DAYS.",
)
reason: Final = click.option("--reason", default="", help="Why; it goes into the log.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What was said of a token that is to end."""

    state: Path | None
    token: str
    reason: str
    user: str | None
    output_: str


def end(days: int | None) -> datetime | None:
    """Returns when a token ends; None leaves it to the settings."""
    return None if days is None else datetime.now(UTC) + timedelta(days=days)


def show_new(made: NewToken, output_: str) -> None:
    """Shows a new token: on a terminal with what is known of it, on a pipe alone."""
    token = made.token
    if output_ == "json":
        output.emit_data({**token.to_json(), "text": made.text}, log_id=token.log_id)
        return
    if not sys.stdout.isatty():
        screen.emit(f"{made.text}\n")
    about = (
        ("Token", made.text if sys.stdout.isatty() else "(on stdout)"),
        ("Id", token.id),
        ("For", token.user),
        ("Persona", token.persona),
        ("Role", token.role),
        ("Connection", token.connection_name),
        ("Until", screen.when(token.expires_at)),
    )
    rows = screen.pairs((name, value) for name, value in about if value)
    if sys.stdout.isatty():
        screen.emit(rows)
    else:
        screen.note(rows.rstrip("\n"))
    screen.note("It is shown this once. Who has it acts in this name: keep it like a password.")


def list_all(state: Path | None, *, kind: str, none: str, output_: str) -> Status:
    """Lists the tokens of a kind; where there are none, `none` says how one is made."""
    with open_connector(state) as connector:
        found = connector.tokens.all(kind=kind)
    if output_ == "json":
        output.emit_data([one.to_json() for one in found])
        return Status.SUCCEEDED
    whose = ("role",) if any(one.role for one in found) else ("persona", "connection")
    columns = ("id", "state", "for", *whose, "made", "by", "used", "until")
    screen.table(columns, (tuple(_cells(one)[name] for name in columns) for one in found))
    if not found:
        screen.note(f"No token: {none}")
    return Status.SUCCEEDED


def revoke(ending: Ending, *, kind: str, strange: str) -> Status:
    """Ends a token of a kind; of one of another kind the error says that it is `strange`.

    Raises:
        UnknownTokenError: There is none of that kind.
    """
    who = options.login_name(ending.user)
    with open_connector(ending.state) as connector:
        if connector.tokens.one(ending.token).kind != kind:
            raise UnknownTokenError(f"{ending.token} is {strange}.")
        token = connector.tokens.revoke(ending.token, user=who, reason=ending.reason)
    if ending.output_ == "json":
        output.emit_data(token.to_json(), log_id=token.log_id)
        return Status.SUCCEEDED
    rows = (("Token", token.id), ("State", token.state), ("For", token.user), ("Log", token.log_id))
    screen.emit(screen.pairs(rows))
    return Status.SUCCEEDED


def _cells(token: Token) -> dict[str, object]:
    return {
        "id": token.id,
        "state": token.state,
        "for": token.user,
        "role": token.role,
        "persona": token.persona,
        "connection": token.connection_name,
        "made": screen.when(token.made_at),
        "by": token.made_by,
        "used": token.used_at and screen.when(token.used_at),
        "until": screen.when(token.expires_at),
    }

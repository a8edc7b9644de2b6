"""Is `clientary budget`: how many credits a month somebody may spend."""

from __future__ import annotations

from pathlib import Path

import click

from clientary_connector.call.budget import ACCOUNT, SCOPES
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.status import Status
from clientary_connector.wiring import open_connector


@click.group()
def budget() -> None:
    """Limit how many credits a month are spent.

    What an action costs shows `clientary action`. A call that would go over a budget is
    refused before it is sent. Months are those of UTC.
    """


@budget.command("set")
@click.argument("scope", type=click.Choice(SCOPES))
@click.argument("rest", nargs=-1, metavar="[NAME] CREDITS|none")
@options.user
@options.output
@click.pass_obj
def set_(
    state: Path | None, *, scope: str, rest: tuple[str, ...], user: str | None, output_: str
) -> Status:
    """Give SCOPE so many CREDITS a month; `none` takes its own budget away again.

    As in: budget set account 5000, budget set user maria 500.
    """
    wanted = 1 if scope == ACCOUNT else 2
    if len(rest) != wanted:
        raise click.UsageError(
            f"Give {'the credits' if wanted == 1 else f'the name of the {scope} and the credits'}."
        )
    credits_, who = _credits(rest[-1]), options.login_name(user)
    name = rest[0] if wanted == 2 else ""  # noqa: PLR2004 -- a name and a number
    with open_connector(state) as connector:
        log_id = connector.budgets.set(scope, name, credits_, user=who)
    said = {"scope": scope, "name": name, "credits": credits_}
    if output_ == "json":
        output.emit_data(said, log_id=log_id)
    else:
        screen.emit(
            screen.pairs(
                (
                    ("Scope", scope),
                    ("Name", name),
                    ("Credits a month", "as in the settings" if credits_ is None else credits_),
                    ("Log", log_id),
                )
            )
        )
    return Status.SUCCEEDED


@budget.command("list")
@options.output
@click.pass_obj
def list_(state: Path | None, *, output_: str) -> Status:
    """List the budgets, with what was spent of them this month."""
    with open_connector(state) as connector:
        found = connector.budgets.all()
    if output_ == "json":
        output.emit_data([one.to_json() for one in found])
        return Status.SUCCEEDED
    screen.table(
        ("scope", "name", "credits", "spent", "left", "renews", "set"),
        (
            (
                one.scope,
                one.name,
                one.credits,
                one.spent,
                one.left,
                one.renews_at.date().isoformat(),
                "settings" if one.usual else "here",
            )
            for one in found
        ),
    )
    if not found:
        screen.note("No budget: clientary budget set account 5000")
    return Status.SUCCEEDED


def _credits(text: str) -> int | None:
    if text == "none":
        return None
    try:
        return int(text)
    except ValueError:
        raise click.UsageError(f"{text!r} is no number of credits: give 500, or none.") from None

"""Is `clientary grant PERSONA NAME`: gives a persona a grant over a connection."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.grantview import rows
from clientary_connector.frontends.cli.status import Status
from clientary_connector.spans import end_of
from clientary_connector.terms import DEFAULT, Terms
from clientary_connector.wiring import open_connector


@click.command()
@click.argument("persona")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help="As in invoices:read.")
@click.option("--allow", multiple=True, metavar="ACTION", help="One action beyond the scopes.")
@click.option("--deny", multiple=True, metavar="ACTION", help="One action less.")
@click.option(
    "--when",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    help="As in 'client_id in [42]' or 'for expenses:write: amount <= 500'; all have to hold.",
)
@click.option(
    "--approve",
    "rules",
    multiple=True,
    metavar="RULE",
    help="When a person has to say yes: default, always, never, 'above 500'; "
    "with 'for ACTION' or 'for SCOPE' behind it for these alone.",
)
@click.option("--budget", type=click.IntRange(min=0), metavar="CREDITS", help="At most, a month.")
@click.option("--rate", type=click.IntRange(min=1), metavar="CALLS", help="At most, a minute.")
@click.option("--expires", metavar="WHEN", help="A day, a time, or from now: 12h, 30d, 2w.")
@options.user
@options.output
@click.pass_obj
def give(
    state: Path | None,
    /,
    *,
    persona: str,
    name: str,
    user: str | None,
    output_: str,
    **said: Any,  # noqa: ANN401 -- each option has a type of its own
) -> Status:
    """Allow PERSONA this over the connection NAME, in place of all that it had.

    Scopes, single actions, conditions and approval rules may be given several times.
    `clientary actions` shows the scope of each action. An action that a later version brings
    is not in the grant until it is given anew. An action that tells too little to meet a
    condition is left out, unless the condition is limited to others by `for`.
    """
    who = options.login_name(user)
    general, single = _rules(said["rules"])
    terms = Terms(
        scopes=said["scopes"],
        allow=said["allow"],
        deny=said["deny"],
        conditions=said["conditions"],
        approve=general,
        approve_for=single,
        budget=said["budget"],
        expires_at=said["expires"] and end_of(said["expires"], now=datetime.now(UTC)),
        rate=said["rate"],
    )
    with open_connector(state) as connector:
        given = connector.grants.give(persona, name, terms, user=who)
        known = len(connector.manifest.actions)
    if output_ == "json":
        output.emit_data(given.to_json(), log_id=given.log_id)
    else:
        screen.emit(screen.pairs((*rows(given, known), ("Log", given.log_id))))
    return Status.SUCCEEDED


def _rules(texts: tuple[str, ...]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Returns the rule for the rest, and those for single actions and scopes."""
    general: list[str] = []
    single: list[tuple[str, str]] = []
    for text in texts:
        rule, limited, targets = text.partition(" for ")
        if limited:
            single += [(target.strip(), rule) for target in targets.split(",")]
        else:
            general.append(rule)
    if len(general) > 1:
        raise click.BadParameter(
            "two rules for the rest; limit one by `for`.", param_hint="--approve"
        )
    return general[0] if general else DEFAULT, tuple(single)

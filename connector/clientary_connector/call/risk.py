"""Tells which calls need a person's yes: by effect, by what moves money, and by the grant's rule.

`default`   what deletes, sends or moves money
`always`    whatever changes something
`never`     nothing
`above N`   what comes to more than N; a call without an amount follows the default
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from clientary_connector.call.failure import is_change
from clientary_connector.call.kinds import is_mapping, is_sequence
from clientary_connector.call.request import exact
from clientary_connector.manifest import Action, Effect

ALWAYS: Final = "always"
NEVER: Final = "never"
ABOVE: Final = "above"
#: Effects that need a yes unless the grant says otherwise.
RISKY: Final = frozenset({Effect.DELETE, Effect.SEND})


def needs_yes(action: Action, arguments: Mapping[str, Any], rule: str) -> bool:
    """Tells whether a call runs only after a person has approved it; a read never waits."""
    if not is_change(action.effect) or rule == NEVER:
        return False
    if rule == ALWAYS:
        return True
    way, _, most = rule.partition(" ")
    if way == ABOVE:
        amount = amount_of(action.input, arguments)
        if amount is not None:
            return amount > Decimal(most)
    return action.effect in RISKY or moves_money(action, arguments)


def moves_money(action: Action, arguments: Mapping[str, Any]) -> bool:
    """Tells whether an argument makes a call move money."""
    money = action.money
    return money is not None and arguments.get(money.argument) in money.values


def amount_of(schema: Mapping[str, Any], value: Any) -> Decimal | None:  # noqa: ANN401 - any JSON value
    """Returns the largest exact number among arguments; None where there is none.

    The items of a list come to a sum, and an item to the product of its numbers (quantity and
    price), so that an invoice counts for what it comes to.
    """
    if schema.get("format") == "decimal" and value is not None:
        return abs(Decimal(exact(value)))
    if is_mapping(value):
        fields: Mapping[str, Any] = schema.get("properties", {})
        return max(_amounts(fields, value), default=None)
    return None


def _amounts(fields: Mapping[str, Any], value: Mapping[str, Any]) -> list[Decimal]:
    found: list[Decimal] = []
    for name, part in value.items():
        schema: Mapping[str, Any] = fields.get(name, {})
        amount = _total(schema, part) if is_sequence(part) else amount_of(schema, part)
        found += [] if amount is None else [amount]
    return found


def _total(schema: Mapping[str, Any], items: Any) -> Decimal | None:  # noqa: ANN401 - any JSON value
    fields: Mapping[str, Any] = schema.get("items", {}).get("properties", {})
    each = [_amounts(fields, item) for item in items if is_mapping(item)]
    found = [_product(amounts) for amounts in each if amounts]
    return sum(found, Decimal(0)) if found else None


def _product(amounts: list[Decimal]) -> Decimal:
    product = Decimal(1)
    for amount in amounts:
        product *= amount
    return product

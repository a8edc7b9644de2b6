"""Adds up documents exactly: lines, up to three taxes, each on the sum or on top of the last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Protocol

CENT: Final = Decimal("0.01")
ZERO: Final = Decimal("0.00")
HEADER: Final = 0
_PERCENT: Final = Decimal("0.01")


class Line(Protocol):
    """What a line of a document must have for its document to be added up."""

    price: Decimal
    quantity: Decimal
    item_type: int
    taxable: bool
    secondary_tax: bool
    tertiary_tax: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of one document, each rounded to the cent once."""

    subtotal: Decimal = ZERO
    tax: Decimal = ZERO
    tax2: Decimal = ZERO
    tax3: Decimal = ZERO
    total: Decimal = ZERO


def cents(amount: Decimal) -> Decimal:
    """Round an amount to two digits, halves away from zero."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def line_amount(line: Line) -> Decimal:
    """Return price times quantity, unrounded; a section header costs nothing."""
    return Decimal(0) if line.item_type == HEADER else line.price * line.quantity


def add_up(
    lines: Sequence[Line],
    rates: tuple[Decimal | None, Decimal | None, Decimal | None],
    *,
    compound: bool,
) -> Totals:
    """Add up lines; a compound tax is also taken on the taxes before it."""
    amounts = [(line, line_amount(line)) for line in lines]
    subtotal = cents(sum((amount for _, amount in amounts), Decimal(0)))
    taxes = [ZERO, ZERO, ZERO]
    for place, rate in enumerate(rates):
        base = sum((amount for line, amount in amounts if _taxed(line, place)), Decimal(0))
        due = base + sum(taxes, Decimal(0)) if compound else base
        taxes[place] = cents(due * (rate or 0) * _PERCENT)
    tax, tax2, tax3 = taxes
    return Totals(subtotal, tax, tax2, tax3, subtotal + tax + tax2 + tax3)


def _taxed(line: Line, place: int) -> bool:
    return line.taxable and (True, line.secondary_tax, line.tertiary_tax)[place]

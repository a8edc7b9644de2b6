"""Reads what a person sent from a form.

1. A form is `application/x-www-form-urlencoded`, and nothing else: there are no uploads.
2. It is no longer than the limit of the settings, and has no more fields than a page can have.
3. It carries the token that was put into it for this browser and this person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from clientary_connector.frontends.console.binding import is_form_token
from clientary_connector.frontends.console.desk import visit_of

#: The field that carries the token.
TOKEN: Final = "form_token"  # noqa: S105 - the name of the field
KIND: Final = "application/x-www-form-urlencoded"
#: A grant names each of 57 actions, and several rules to each.
MOST_FIELDS: Final = 2000
#: A number that was typed is no longer, where nothing else is said.
MOST_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class Form:
    """What was sent, as plain strings; a field that was not sent is empty."""

    fields: Mapping[str, tuple[str, ...]]

    def text(self, name: str, default: str = "") -> str:
        """Returns the last value of a field, without spaces around it."""
        values = self.fields.get(name)
        return values[-1].strip() if values else default

    def raw(self, name: str) -> str:
        """Returns the last value of a field exactly as it was typed, for passwords."""
        values = self.fields.get(name)
        return values[-1] if values else ""

    def all(self, name: str) -> tuple[str, ...]:
        """Returns every value of a field, in the order of the page."""
        return self.fields.get(name, ())

    def flag(self, name: str) -> bool:
        """Whether a box was ticked or a button was pressed."""
        return name in self.fields


def form_of(request: Request) -> Form:
    """Returns the form of a POST; `needs` and `open_to_all` have read and checked it."""
    return cast("Form", request.state.form)


def number_of(text: str, *, digits: int = MOST_DIGITS) -> int | None:
    """Returns a whole number from 0 on as it was typed; None where it is none, or is too long."""
    usable = text.isascii() and text.isdigit() and len(text) <= digits
    return int(text) if usable else None


async def read_form(request: Request) -> Form:
    """Reads and checks the form of a POST.

    Raises:
        HTTPException: It is no form, is too large, or was not made for this browser.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if kind != KIND and (body or kind):
        raise HTTPException(415, "Only plain forms can be sent here.")
    form = _parsed(body)
    if not is_form_token(visit_of(request), form.raw(TOKEN)):
        raise HTTPException(
            403, "The form is too old, or was not made for you. Go back, reload it, send it again."
        )
    return form


def _parsed(body: bytes) -> Form:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=MOST_FIELDS,
            errors="strict",
        )
    except ValueError:
        pairs = None
    if pairs is None:
        raise HTTPException(422, "The form cannot be read.")
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        # A browser sends line ends of a text area as CR LF, whatever was typed.
        fields.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return Form({name: tuple(values) for name, values in fields.items()})

"""Finds what an account holds by bare HTTP, and puts those ids into hand-written rows."""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from http.client import HTTPConnection
from typing import Final, TypeGuard
from urllib.parse import urlencode

from tests.actions.expected import API, JSON

_SYMBOL: Final = re.compile(r"\{(\w+)\}")
_EVER: Final = {"from_date": "2000-01-01", "to_date": "2100-12-31"}


class World:
    """Reads one account past the connector; ids are looked up anew for every row."""

    def __init__(self, url: str, key: str) -> None:
        """Takes the far side's address and key."""
        self._line = HTTPConnection(url.removeprefix("http://"), timeout=30)
        pair = base64.b64encode(f"{key}:{key}".encode()).decode()
        self._headers = {
            "Accept": "application/json",
            "Authorization": f"Basic {pair}",
            "Content-Type": "application/json",
        }
        self._known: dict[str, int] = {}
        self._serials = itertools.count(7001)

    def close(self) -> None:
        """Closes the way to the far side."""
        self._line.close()

    def forget(self) -> None:
        """Looks every id up again from now on."""
        self._known.clear()

    def fill(self, value: JSON) -> JSON:
        """Returns `value` with each `{symbol}` replaced: alone by the id, inside text by digits."""
        if isinstance(value, str):
            whole = _SYMBOL.fullmatch(value)
            if whole:
                return self.id(whole[1])
            return _SYMBOL.sub(lambda found: str(self.id(found[1])), value)
        if is_object(value):
            return {name: self.fill(each) for name, each in value.items()}
        if is_list(value):
            return [self.fill(each) for each in value]
        return value

    def serial(self) -> int:
        """Returns a number that no record of the account bears yet."""
        return next(self._serials)

    def id(self, symbol: str) -> int:
        """Returns the id that a symbol stands for now."""
        if symbol not in self._known:
            self._known |= _FINDERS[symbol](self)
        return self._known[symbol]

    def read(self, path: str, **query: str) -> JSON:
        """Returns what the far side answers to a bare GET."""
        return self._answer("GET", f"{path}?{urlencode(query)}")

    def create(self, path: str, body: Mapping[str, JSON]) -> JSON:
        """Returns the record that the far side makes of a bare POST."""
        return self._answer("POST", path, json.dumps(body))

    def _answer(self, method: str, path: str, body: str | None = None) -> JSON:
        self._line.request(method, API + path, body, self._headers)
        answer = self._line.getresponse()
        content = answer.read()
        assert answer.status in {200, 201}, f"{method} {path}: {answer.status} {content!r}"
        return json.loads(content)

    def records(self, path: str, key: str, **query: str) -> Iterator[JSON]:
        """Yields every record of a list, page after page."""
        page = 1
        while True:
            answer = self.read(path, page=str(page), **query)
            yield from answer[key]
            if page >= answer.get("page_count", 1):
                return
            page += 1

    def below_clients(self, key: str) -> Iterator[tuple[int, JSON]]:
        """Yields each record of one kind with the client above it."""
        for client in self.records("/clients", "clients"):
            for record in self.records(f"/clients/{client['id']}/{key}", key):
                yield client["id"], record


def is_object(value: JSON) -> TypeGuard[Mapping[str, JSON]]:
    """Tells whether a value is a JSON object."""
    return isinstance(value, Mapping)


def is_list(value: JSON) -> TypeGuard[list[JSON]]:
    """Tells whether a value is a JSON list."""
    return isinstance(value, list)


def exact(value: JSON) -> JSON:
    """Returns JSON in a form that tells numbers, booleans and text apart and keeps all digits."""
    if is_object(value):
        return {name: exact(each) for name, each in value.items()}
    if is_list(value):
        return [exact(each) for each in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return (type(value).__name__, value)
    return ("number", Decimal(str(value)))


def exact_text(text: str | bytes) -> JSON:
    """Returns a JSON text in the same form."""
    return exact(json.loads(text, parse_float=Decimal)) if text else None


def _first(symbol: str, path: str, key: str, **query: str) -> Callable[[World], dict[str, int]]:
    def find(world: World) -> dict[str, int]:
        return {symbol: next(world.records(path, key, **query))["id"]}

    return find


def _below(symbol: str, key: str, parent: str) -> Callable[[World], dict[str, int]]:
    def find(world: World) -> dict[str, int]:
        client, record = next(world.below_clients(key))
        return {symbol: record["id"], parent: client}

    return find


def _hour(world: World) -> dict[str, int]:
    for project in world.records("/projects", "projects", filter="all"):
        for hour in world.read(f"/projects/{project['id']}/hours")["hours"]:
            return {"hour": hour["id"]}
    raise LookupError("No project of the account has hours.")


def _invoice_with_items(world: World) -> dict[str, int]:
    for _, invoice in world.below_clients("invoices"):
        whole = world.read(f"/invoices/{invoice['id']}")
        if len(whole["invoice_items"]) > 1:
            first, second = whole["invoice_items"][:2]
            return {
                "invoice_with_items": whole["id"],
                "first_item": first["id"],
                "second_item": second["id"],
            }
    raise LookupError("No invoice of the account has two lines.")


def _payment(world: World) -> dict[str, int]:
    payment = next(world.records("/payments", "payments"))
    return {"payment": payment["id"], "paid_invoice": payment["invoice_id"]}


def _recurring(world: World) -> dict[str, int]:
    for _, invoice in world.below_clients("invoices"):
        for schedule in world.read(f"/invoices/{invoice['id']}")["recurring_schedules"]:
            return {"recurring": schedule["id"]}
    raise LookupError("No invoice of the account came from a schedule.")


_FINDERS: Final[Mapping[str, Callable[[World], dict[str, int]]]] = {
    "client": _first("client", "/clients", "clients"),
    "contact": _below("contact", "contacts", "contact_client"),
    "estimate": _first("estimate", "/estimates", "estimates"),
    "expense": _first("expense", "/expenses", "expenses", **_EVER),
    "hour": _hour,
    "invoice": _below("invoice", "invoices", "invoice_client"),
    "invoice_with_items": _invoice_with_items,
    "first_item": _invoice_with_items,
    "second_item": _invoice_with_items,
    "lead": _first("lead", "/leads", "leads"),
    "paid_invoice": _payment,
    "payment": _payment,
    "payment_profile": _below("payment_profile", "payment_profiles", "profile_client"),
    "profile_client": _below("payment_profile", "payment_profiles", "profile_client"),
    "project": _first("project", "/projects", "projects", filter="all"),
    "recurring": _recurring,
    "serial": lambda world: {"serial": world.serial()},
    "staff": _first("staff", "/staff", "staff"),
    "task": _first("task", "/tasks", "tasks"),
}

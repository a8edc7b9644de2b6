"""Finds what is wrong with the form of a new connection, field by field."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from clientary_connector.call.result import ErrorKind
from clientary_connector.checks import check_interval
from clientary_connector.connector import Connector, Secret
from clientary_connector.errors import (
    ConnectError,
    ConnectorError,
    InvalidValueError,
    NameTakenError,
)
from clientary_connector.frontends.console.forms import Form, number_of
from clientary_connector.frontends.console.saying import told
from clientary_connector.joining import check_name, check_secret, place_of

#: What the service says to a key that it does not know, or whose user may not even be read.
OF_THE_KEY: Final = frozenset({ErrorKind.UNAUTHORIZED, ErrorKind.FORBIDDEN})
MOST_DIGITS: Final = 5


def faults_of(connector: Connector, form: Form, *, rehearses: bool) -> dict[str, str]:
    """Returns all that is wrong before anything is sent, by field."""
    found = [*_named(connector, form), *_placed(connector, form, rehearses=rehearses)]
    found += _faults("key", lambda: _check_key(connector, form))
    found += _faults("rotate_every", lambda: _check_days(form))
    return dict(found)


def place_faults(connector: Connector, form: Form, *, rehearses: bool) -> dict[str, str]:
    """Returns what is wrong with name and place alone, for an account that has no key."""
    return dict([*_named(connector, form), *_placed(connector, form, rehearses=rehearses)])


def fault_of(error: ConnectorError, form: Form) -> dict[str, str]:
    """Returns what came of the test of an account, beside the field that it is about."""
    said = told(error)
    if isinstance(error, NameTakenError):
        return {"name": said}
    if isinstance(error, ConnectError) and error.kind in OF_THE_KEY:
        return {"key": said}
    if isinstance(error, ConnectError):
        return {"sandbox" if form.text("sandbox") else "subdomain": said}
    return {"": said}


def key_of(form: Form) -> str:
    """Returns the key as it was pasted, without the spaces that come along; none has any."""
    return form.raw("key").strip()


def days_of(form: Form) -> int | None:
    """Returns the days between rotations, where some were given."""
    text = form.text("rotate_every")
    if not text:
        return None
    return number_of(text, digits=MOST_DIGITS) or 0


def place(connector: Connector) -> tuple[str, str]:
    """Returns what stands before and behind the subdomain in the address of an account."""
    before, _, after = connector.manifest.host_pattern.partition("{subdomain}")
    return before, after


def _named(connector: Connector, form: Form) -> Iterator[tuple[str, str]]:
    name = form.text("name")
    yield from _faults("name", lambda: check_name(name))
    if any(one.name == name for one in connector.connections()):
        yield "name", f"There is a connection {name!r} already. Take another name."


def _placed(connector: Connector, form: Form, *, rehearses: bool) -> list[tuple[str, str]]:
    subdomain, sandbox = form.text("subdomain"), form.text("sandbox")
    if sandbox and not rehearses:
        return [("subdomain", "No simulated account can be connected here. Give a subdomain.")]
    field = "sandbox" if sandbox else "subdomain"
    if sandbox and subdomain:
        return [(field, "Give either a subdomain or the address of a simulated account.")]
    pattern = connector.manifest.host_pattern

    def check() -> None:
        place_of(pattern, subdomain=None if sandbox else subdomain, sandbox=sandbox or None)

    return _faults(field, check)


def _check_key(connector: Connector, form: Form) -> None:
    if not key_of(form):
        raise InvalidValueError("There is no key.", hint="Paste the API key.")
    with Secret(key_of(form)) as secret:
        check_secret(secret, connector.manifest.auth)


def _check_days(form: Form) -> None:
    days = days_of(form)
    if days is not None:
        check_interval(days)


def _faults(field: str, check: Callable[[], object]) -> list[tuple[str, str]]:
    try:
        check()
    except ConnectorError as error:
        return [(field, told(error))]
    return []

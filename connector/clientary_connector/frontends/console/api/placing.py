"""Tells what the connector would refuse part by part, all at once, each with its place in the body.

The connector stops at the first part that cannot be used; whoever has sent a whole form wants to
know of every one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from clientary_connector.connector import Connector, Secret
from clientary_connector.errors import InvalidValueError
from clientary_connector.frontends.console.api.problems import Fault, unusable
from clientary_connector.frontends.console.desk import Desk
from clientary_connector.grantfaults import TermFault
from clientary_connector.joining import check_name, check_secret, place_of
from clientary_connector.terms import Terms

#: Parts of terms that are lists: a fault names which one it is.
LISTS: Final = frozenset({"scopes", "allow", "deny", "conditions"})
#: A port of the host's machine is the host's to open.
_UNOFFERED: Final = Fault(
    place="body",
    path="$.sandbox",
    expected="nothing",
    hint="No simulated account can be connected here. Give a subdomain.",
)


def check_account(
    desk: Desk,
    *,
    name: str,
    subdomain: str | None,
    sandbox: str | None,
    secret: str | None = None,
) -> None:
    """Refuses an account that cannot be joined, before anything is asked of the service.

    Raises:
        ProblemError: Name, place or key cannot be used, or no simulated account is offered here.
    """
    if sandbox is not None and desk.rehearsal is None:
        raise unusable(_UNOFFERED)
    place = "$.subdomain" if sandbox is None else "$.sandbox"
    pattern = desk.connector.manifest.host_pattern
    found = [
        *_refused("$.name", lambda: check_name(name)),
        *_refused(place, lambda: place_of(pattern, subdomain=subdomain, sandbox=sandbox)),
    ]
    if secret is not None:
        found += _refused("$.secret", lambda: _check_key(desk.connector, secret))
    _raise(found)


def check_terms(connector: Connector, persona: str, terms: Terms, *, root: str) -> None:
    """Refuses terms that no grant can have.

    Raises:
        ProblemError: Some of them cannot be used; each is told. They stand under `root`.
    """
    _raise([_fault_of(one, root) for one in connector.grants.faults(persona, terms)])


def _check_key(connector: Connector, text: str) -> None:
    with Secret(text) as secret:
        check_secret(secret, connector.manifest.auth)


def _refused(path: str, check: Callable[[], object]) -> Iterator[Fault]:
    try:
        check()
    except InvalidValueError as error:
        yield Fault(place="body", path=path, expected=error.message, hint=error.hint)


def _fault_of(fault: TermFault, root: str) -> Fault:
    at = f"[{fault.at}]" if fault.part in LISTS else ""
    path = f"{root}.{fault.part}{at}" if fault.part else root
    if fault.part == "persona":
        path = "$.persona" if root != "$" else "persona"
    place = "query" if path == "persona" else "body"
    return Fault(place=place, path=path, expected=fault.message, hint=fault.hint)


def _raise(found: list[Fault]) -> None:
    if found:
        raise unusable(*found)

"""Describes one operation of the admin API: where it is, who may ask it, what goes in and out.

The same table serves the requests and writes the description, so that neither can say what the
other does not.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

from clientary_connector.connector import Connector
from clientary_connector.frontends.console.desk import Desk
from clientary_connector.people import Person, Role

Method: TypeAlias = Literal["GET", "POST", "PUT", "DELETE"]
Q = TypeVar("Q")
B = TypeVar("B")
G = TypeVar("G")

#: The header that says which version of a thing is to be replaced (RFC 9110, 13.1.1).
IF_MATCH: Final = "If-Match"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """Stands for a query or a body that an operation does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Generic[Q, B]):
    """One request that was let in and read: everything in it has its type."""

    connector: Connector
    #: What this console offers beside its connector.
    desk: Desk
    #: In whose name all of it is done.
    person: Person
    #: What the names in the path stand for.
    path: Mapping[str, str]
    query: Q
    body: B
    #: The path under which the console was mounted.
    root: str
    #: Scheme, name and port under which it was asked.
    site: str
    #: Whether whoever asked may still have this operation; what goes on for long asks again.
    admitted: Callable[[], Awaitable[bool]]
    if_match: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation; `operation` and `lines` make it from the function that does it."""

    name: str
    title: str
    about: str
    method: Method
    path: str
    role: Role
    run: Callable[[Asked[Any, Any]], Any]
    query: type
    body: type
    gives: type
    status: int = 200
    #: Whether it gives many, one a line, as they are found.
    streams: bool = False
    #: Refusals of its own, beside those that every operation may give, and when each is given.
    refuses: Mapping[int, str] = field(default_factory=dict[int, str])
    #: Headers of its answer, by what is answered.
    headers: Mapping[str, Callable[[Any], str]] = field(default_factory=dict[str, Any])
    #: Whether it asks for `If-Match`.
    guarded: bool = False

    @property
    def waits(self) -> bool:
        """Whether its function is a coroutine's; any other one may block."""
        return inspect.iscoroutinefunction(self.run)


def operation(  # noqa: PLR0913 - what makes an operation, all by name
    method: Method,
    path: str,
    *,
    role: Role,
    gives: type[G],
    query: type[Q] = Nothing,  # type: ignore[assignment] # what is left out is nothing
    body: type[B] = Nothing,  # type: ignore[assignment] # the same
    status: int = 200,
    refuses: Mapping[int, str] | None = None,
    headers: Mapping[str, Callable[[G], str]] | None = None,
    guarded: bool = False,
) -> Callable[[Callable[[Asked[Q, B]], G | Awaitable[G]]], Operation]:
    """Makes an operation of a function; its name and its docstring are those of the function."""

    def made(run: Callable[[Asked[Q, B]], G | Awaitable[G]]) -> Operation:
        title, _, about = inspect.getdoc(run).partition("\n")  # type: ignore[union-attr] # ruff asks for one
        return Operation(
            name=run.__name__,
            title=title,
            about=" ".join(about.split()),
            method=method,
            path=path,
            role=role,
            run=run,
            query=query,
            body=body,
            gives=gives,
            status=status,
            refuses=refuses or {},
            headers=headers or {},
            guarded=guarded,
        )

    return made


def lines(  # noqa: PLR0913 - as above
    method: Method,
    path: str,
    *,
    role: Role,
    gives: type[G],
    query: type[Q] = Nothing,  # type: ignore[assignment] # as above
    body: type[B] = Nothing,  # type: ignore[assignment] # as above
    refuses: Mapping[int, str] | None = None,
) -> Callable[[Callable[[Asked[Q, B]], Iterator[G]]], Operation]:
    """Makes an operation of a function that gives many things, which are sent one a line.

    What is wrong with the request is found by the function before it returns its iterator.
    """
    made: Callable[[Callable[..., Any]], Operation] = operation(
        method, path, role=role, gives=gives, query=query, body=body, refuses=refuses
    )
    return lambda run: replace(made(run), streams=True)

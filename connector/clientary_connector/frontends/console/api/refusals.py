"""Holds the refusals that most operations may give: when each is given, and what it looks like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clientary_connector.frontends.console.api.problems import Fault, Problem, problem, unusable

#: Refusals that most operations may give: when, and what one looks like.
USUAL: Final[Mapping[int, tuple[str, Problem]]] = {
    400: (
        "The body is no JSON object, or there is one where none belongs.",
        problem(400, "The body cannot be read: it is not JSON (line 1, column 12)."),
    ),
    401: (
        "There is no token, or it counts no more.",
        problem(401, "There is no token.", hint="Send `Authorization: Bearer TOKEN`."),
    ),
    403: (
        "The role of the token does not suffice, or the request came from a page of another site.",
        problem(
            403,
            "This takes the role admin; yours is viewer.",
            hint="Use a token of the role admin.",
        ),
    ),
    404: (
        "What the path or the query names is not there.",
        problem(404, "There is no connection 'book'.", hint="List them: GET /connections."),
    ),
    405: (
        "The path does not take this method; `Allow` says which it takes.",
        problem(405, "This path does not take PATCH."),
    ),
    413: ("The body is too long.", problem(413, "More than 256 KB cannot be sent here at once.")),
    415: (
        "The body is not said to be JSON.",
        problem(415, "The body is not said to be JSON.", hint="Content-Type: application/json"),
    ),
    421: (
        "The `Host` is none of this console's.",
        problem(421, "This console does not answer to that name."),
    ),
    422: (
        "Some of the request cannot be used; `faults` names each part.",
        unusable(
            Fault(
                place="body",
                path="$.conection",
                expected="no such field",
                hint="Did you mean connection?",
            )
        ).problem,
    ),
    428: (
        "There is no `If-Match`.",
        problem(428, "Say which revision is to be replaced.", hint='If-Match: "3"'),
    ),
    500: ("Something went wrong that should not have.", problem(500, "Something went wrong.")),
    503: (
        "The state of the connector cannot be used now.",
        problem(503, "The vault is locked.", hint="Whoever runs the connector has to open it."),
    ),
}

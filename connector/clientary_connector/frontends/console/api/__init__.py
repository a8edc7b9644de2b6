"""Is the admin API: what the console's pages do, as JSON, for a host that builds its own page.

`OPERATIONS` is the whole of it; the same table serves the requests and describes itself at
`/api/openapi.json`.
"""

from __future__ import annotations

from typing import Final

from clientary_connector.frontends.console.api import (
    actions,
    approvals,
    budgets,
    calls,
    care,
    connections,
    finding,
    grants,
    joining,
    log,
    lognews,
    logstreams,
    people,
    settling,
    status,
    tokens,
    usage,
)
from clientary_connector.frontends.console.api.describing import Description, document
from clientary_connector.frontends.console.api.operations import (
    Asked,
    Nothing,
    Operation,
    operation,
)
from clientary_connector.frontends.console.api.problems import PREFIX
from clientary_connector.frontends.console.api.serving import routes
from clientary_connector.people import Role


@operation("GET", "/openapi.json", role=Role.VIEWER, gives=Description)
def describe(asked: Asked[Nothing, Nothing]) -> Description:
    """Describes all of this, as OpenAPI 3.1.

    It is made from the table that serves the requests.
    """
    version = asked.connector.manifest.version
    return document(OPERATIONS, version=version, root=f"{asked.root}{PREFIX}")


OPERATIONS: Final[tuple[Operation, ...]] = (
    describe,
    *status.OPERATIONS,
    *people.ME,
    *joining.OPERATIONS,
    *connections.OPERATIONS,
    *grants.OPERATIONS,
    *approvals.OPERATIONS,
    *actions.OPERATIONS,
    *calls.OPERATIONS,
    *finding.OPERATIONS,
    *settling.OPERATIONS,
    *lognews.OPERATIONS,
    *logstreams.OPERATIONS,
    *log.OPERATIONS,
    *usage.OPERATIONS,
    *budgets.OPERATIONS,
    *tokens.OPERATIONS,
    *people.USERS,
    *care.OPERATIONS,
)
ROUTES: Final = routes(OPERATIONS)

"""Loads what the first look at a console needs before anybody looks.

The pages over the log are drawn within a tenth of a second from the first request on: their
templates are compiled, and the parts of the connector behind them made, where nobody waits.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from jinja2 import Environment

from clientary_connector.connector import Connector
from clientary_connector.errors import ConnectorError
from clientary_connector.status import status_of

#: Of the pages whose content grows with the log, with what they are made of.
TEMPLATES: Final = (
    *("base.html", "parts.html", "charts.html"),
    *("overview.html", "log.html", "log_lines.html", "usage.html"),
)


def warm(connector: Connector, templates: Environment) -> None:
    """Gets ready; what cannot be read now is told by the page that needs it."""
    for name in TEMPLATES:
        templates.get_template(name)
    with suppress(ConnectorError):
        status_of(connector)
        connector.log.verifying.newest()
        connector.log.proofs.signed()
        connector.grants.all()
        connector.budgets.all()

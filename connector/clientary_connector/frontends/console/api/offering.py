"""Says what a console offers beside its connector, and refuses what it does not."""

from __future__ import annotations

from clientary_connector.frontends.console.api.problems import Fault, unusable
from clientary_connector.frontends.console.desk import Desk
from clientary_connector.frontends.console.rehearsal import Rehearsal


def check_rehearses(desk: Desk, path: str = "$.sandbox") -> Rehearsal:
    """Returns the simulated account that is one click away.

    Raises:
        ProblemError: None is offered here: a port of the host's machine is the host's to open.
    """
    if desk.rehearsal is not None:
        return desk.rehearsal
    fault = Fault(
        place="body",
        path=path,
        expected="nothing",
        hint="No simulated account can be connected here. Give a subdomain.",
    )
    raise unusable(fault)

"""Lets a host take part in what a connector does: what it may hook into, as pluggy specifications.

1. A notice is told after the fact, in the order of the calls, in a thread that the plugin has to
   itself: one that is slow or fails slows and fails no call, and no other plugin.
2. Notices wait in a queue of bounded length and size. What finds it full is left out, counted,
   and told with `connector_notices_lost`; the log has it all the same.
3. A decision is asked before something is done, within a time limit. A plugin that fails, hangs
   or answers what makes no sense has said no.
4. A plugin sees prompt, arguments, request and response only if it was registered as `sealed`,
   scrubbed as they stand in the log; the log says who let it.

A plugin implements what it wants of these and marks it with `hookimpl`; `Connector.register`
takes it in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pluggy

from clientary_connector.approvals import Decision, Question
from clientary_connector.logentry import LogEntry
from clientary_connector.settlements import Settlement

PROJECT = "clientary_connector"

hookspec = pluggy.HookspecMarker(PROJECT)
#: Marks the functions of a plugin.
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def connector_call_finished(record: LogEntry) -> None:
    """Notices that a call ended, whatever it came to, once that stands in the log.

    The record is what the log shows of the call. Its prompt, arguments, request and response are
    None unless the plugin was registered as `sealed`.
    """


@hookspec
def connector_operation_settled(settlement: Settlement) -> None:
    """Notices that somebody found out what became of a change whose end was unknown.

    Where it was found, a repeat of the operation gets the record; where it was not, a repeat runs.
    The record is None unless the plugin was registered as `sealed`.
    """


@hookspec(firstresult=True)
def connector_approval_decide(question: Question) -> Decision | None:
    """Decides a call that waits for a person; None leaves it to the next plugin, or to a person.

    This is for a rule of the host: a person takes longer than the time limit. The decision names
    the person who stands for it. Prompt, arguments and request are None unless every plugin with
    this hook was registered as `sealed`. A hook that fails has decided nothing.
    """


@hookspec
def connector_approval_asked(question: Question) -> None:
    """Notices that a call waits for a person, and nobody has decided it yet.

    A yes is given with `connector.approvals.approve`. Prompt, arguments and request are None
    unless the plugin was registered as `sealed`.
    """


@hookspec
def connector_may_read(user: str, what: Mapping[str, Any]) -> bool | None:
    """Decides whether a user may read what is sealed in the log; None has no say.

    `what` says what is about to be read, as the row of kind `read` will: a page, an entry, a
    search, an export or what a plugin is told, and the filter.
    """


@hookspec
def connector_notices_lost(count: int) -> None:
    """Notices that so many notices to this plugin were left out, as it was too slow for them."""

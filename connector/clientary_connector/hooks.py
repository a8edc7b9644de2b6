"""Is the contract between a host and the connector, as pluggy specifications.

**What a host calls** stands first, under the name `HOST`, and `clientary_connector.plugin` does it.
A host loads it by the entry point group of that name. `connector_open` gives a connector, which
all other calls take: connectors of one host share nothing, and a plugin leaves alone what is of
another kind. `CONTRACT` is the number of all this. What can go wrong raises a `ConnectorError`; a
call of a persona never does.

**What a host may answer** stands below, under the name `PROJECT`:

1. A notice is told after the fact, in the order of the calls, in a thread that the plugin has to
   itself: one that is slow or fails slows and fails no call, and no other plugin.
2. Notices wait in a queue of bounded length and size. What finds it full is left out, counted,
   and told with `connector_notices_lost`; the log has it all the same. `connector_usage` alone is
   told from the log, in a thread that all plugins share for it: it is never left out.
3. A decision is asked before something is done, within a time limit. A plugin that fails, hangs
   or answers what makes no sense has said no.
4. A plugin sees prompt, arguments, request and response only if it was registered as `sealed`,
   scrubbed as they stand in the log; the log says who let it.

A plugin implements what it wants of these and marks it with `hookimpl`; `Connector.register`
or `connector_register` takes it in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pluggy

from clientary_connector.approvals import Approval, Decision, Question
from clientary_connector.billing import UsageRecord
from clientary_connector.budgets import Usage
from clientary_connector.call.result import Call, Result
from clientary_connector.connections import Account, Connection, Revocation
from clientary_connector.grants import Grant
from clientary_connector.logentry import LogEntry, LogFilter, LogPage
from clientary_connector.manifest import Action, Manifest
from clientary_connector.rotations import RotationReport
from clientary_connector.settings import Settings
from clientary_connector.settlements import Settlement
from clientary_connector.terms import Terms
from connector_vault import Secret

if TYPE_CHECKING:
    from clientary_connector.connector import Connector
    from clientary_connector.finding import Search
    from clientary_connector.people import Person
    from clientary_connector.status import HostStatus
    from clientary_connector.tending import TendReport

#: Grows with every change that a host has to know of.
CONTRACT: Final = 2
#: Entry point group, and what a host names its plugin manager.
HOST: Final = "definable"
PROJECT: Final = "clientary_connector"

hostspec = pluggy.HookspecMarker(HOST)
hookspec = pluggy.HookspecMarker(PROJECT)
#: Marks the functions of a plugin.
hookimpl = pluggy.HookimplMarker(PROJECT)


# What a host calls


@hostspec
def connector_manifest() -> Manifest:  # type: ignore[empty-body] # a specification has no body
    """Returns what the plugin can do; one for each plugin."""


@hostspec(firstresult=True)
def connector_open(
    service: str, contract: int, state: Path | str | None, settings: Settings | None
) -> Connector | None:
    """Opens the connector of a state directory; None where the plugin is of another service.

    `service` is the name in a manifest, `contract` the number that the host was written for.
    `settings` say where the vault's key comes from (`key`, a URI), where checkpoints go, and every
    limit; without them, the environment does.
    """


@hostspec(firstresult=True)
def connector_register(
    connector: Connector,
    plugin: object,
    sealed: bool,  # noqa: FBT001 - pluggy hands all over by name
    user: str | None,
) -> bool | None:
    """Takes in what the host answers by the hooks below; `user` is who lets it see what is sealed.

    Hooks of `connector_vault.hooks`, which make and retire keys, are taken in with them.
    """


@hostspec(firstresult=True)
def connector_connect(
    connector: Connector, name: str, secret: Secret, place: Mapping[str, str], user: str
) -> Awaitable[tuple[Connection, Account]] | None:
    """Tests an account and saves it; `place` holds its `subdomain`, or `sandbox` with a URL."""


@hostspec(firstresult=True)
def connector_grant(
    connector: Connector, persona: str, connection: str, terms: Terms, user: str
) -> Grant | None:
    """Gives a persona exactly this over a connection, in place of any grant before."""


@hostspec(firstresult=True)
def connector_tools(
    connector: Connector, persona: str, connection: str
) -> tuple[Action, ...] | None:
    """Returns the actions that a persona may call now, each with what a model needs of it."""


@hostspec(firstresult=True)
def connector_call(connector: Connector, call: Call) -> Awaitable[Result] | None:
    """Runs a call of a persona; its result says what came of it."""


@hostspec(firstresult=True)
def connector_find(connector: Connector, search: Search) -> Awaitable[Result] | None:
    """Finds the ids of what a person names, through the lists that the persona was granted."""


@hostspec(firstresult=True)
def connector_call_sync(connector: Connector, call: Call) -> Result | None:
    """Does the same for a host without an event loop; safe from many threads."""


@hostspec(firstresult=True)
def connector_status(connector: Connector) -> HostStatus | None:
    """Returns the connections, the age of their keys, and what waits for a person."""


@hostspec(firstresult=True)
def connector_revoke(
    connector: Connector, connection: str, persona: str | None, user: str, reason: str
) -> Awaitable[Revocation] | None:
    """Revokes a connection, or one persona's grant over it: no send starts after it."""


@hostspec(firstresult=True)
def connector_rotate(
    connector: Connector, connection: str, secret: Secret | None, user: str
) -> Awaitable[RotationReport] | None:
    """Replaces the key of a connection; without a new one the host's hooks make it."""


@hostspec(firstresult=True)
def connector_approvals(connector: Connector) -> tuple[Approval, ...] | None:
    """Returns the calls that wait for a person, oldest first."""


@hostspec(firstresult=True)
def connector_decide(connector: Connector, approval: str, decision: Decision) -> Approval | None:
    """Takes a person's yes or no; after a yes the host makes the same call again."""


@hostspec(firstresult=True)
def connector_used(connector: Connector, by: Sequence[str]) -> tuple[Usage, ...] | None:
    """Returns the credits and calls of this month by user, persona, connection or action."""


@hostspec(firstresult=True)
def connector_log(
    connector: Connector, where: LogFilter, before: int | None, limit: int, user: str | None
) -> LogPage | None:
    """Returns lines of the log, newest first; for a `user` with what is sealed in them."""


@hostspec(firstresult=True)
def connector_tend(connector: Connector, user: str) -> Awaitable[TendReport] | None:
    """Does what is due, and says what a person has to do."""


@hostspec(firstresult=True)
def connector_close(connector: Connector) -> bool | None:
    """Closes a connector; calls under way are cancelled."""


# What a host may answer


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
def connector_usage(record: UsageRecord) -> None:
    """Meters what a call has cost into the host's own billing, once its outcome is in the log.

    Every cost since the first plugin with this hook was registered is told at least once, in the
    order of the log; whoever returns has acknowledged it, and whoever raises is told again. The
    same may be told twice, after a crash or by two processes of one vault: leave out what has an
    `id` that was seen before. What was missed is told with the next call that costs, and by `tend`
    (`connector_tend`); it needs a process in which the plugin is registered. Where several plugins
    have this hook, register them all before the first call.
    """


@hookspec
def connector_due(report: TendReport) -> None:
    """Notices what was due when the connector was tended: what was done, and what a person has to.

    Nothing is told where nothing was due.
    """


@hookspec
def connector_may_read(user: str, what: Mapping[str, Any]) -> bool | None:
    """Decides whether a user may read what is sealed in the log; None has no say.

    `what` says what is about to be read, as the row of kind `read` will: a page, an entry, a
    search, an export or what a plugin is told, and the filter.
    """


@hookspec(firstresult=True)
def connector_person(request: Any) -> Person | Awaitable[Person | None] | None:  # noqa: ANN401 - Starlette's, which the core does not have
    """Says who sends a request to the console, and in which role; None where nobody is signed in.

    It is asked at every request, which is Starlette's as the host's own middleware has left it; a
    coroutine may answer. Where a plugin has this hook, the console signs in nobody by itself. One
    that fails or hangs lets nobody in.
    """


@hookspec
def connector_notices_lost(count: int) -> None:
    """Notices that so many notices to this plugin were left out, as it was too slow for them."""

"""Plays a host before the user's eyes: one piece of work from the first key to the revoke.

It runs against a simulated Clientary on loopback and goes through the `Connector` like any host;
what it shows of the log is read back from the log.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

from clientary_connector.call.result import Call, ErrorKind, Outcome, Preview, Result
from clientary_connector.connector import Connector, Secret
from clientary_connector.errors import ConnectorError
from clientary_connector.frontends import screen
from clientary_connector.logentry import LogEntry
from clientary_connector.sandbox import RunningSandbox, Sandbox, serve
from clientary_connector.states import create_state
from clientary_connector.wiring import open_connector

#: Whatever JSON can say.
Json: TypeAlias = Any
CONNECTION: Final = "books"
PERSONA: Final = "bookkeeper"
SCOPES: Final = (
    "clients:read",
    "clients:write",
    "projects:write",
    "hours:write",
    "invoices:read",
    "invoices:write",
    "invoices:send",
)
WIDTH: Final = 78
INDENT: Final = "   "
LABEL: Final = 10
#: How many lines a value takes at most.
LINES: Final = 3
#: What is shown of a record, where it has it.
SUMMARY: Final = ("id", "name", "title", "number", "hours", "rate", "status", "total_cost", "sent")
NOT_OWED: Final = frozenset({"draft", "cancelled", "paid"})


class DemoError(ConnectorError):
    """A step came out otherwise than it has to."""


async def play(
    state: Path,
    *,
    user: str,
    sandbox: Sandbox | None = None,
    tell: Callable[[str], None] = screen.emit,
) -> list[dict[str, Any]]:
    """Plays the whole piece of work over a fresh state, and returns what each call came to.

    Raises:
        DemoError: A step came out otherwise than it has to.
    """
    create_state(state)
    with serve(sandbox or Sandbox()) as running:
        async with open_connector(state) as connector:
            return await _Story(connector, running, user=user, tell=tell).told()


class _Story:
    """Tells the piece of work step by step, and keeps what each step came to."""

    def __init__(
        self,
        connector: Connector,
        running: RunningSandbox,
        *,
        user: str,
        tell: Callable[[str], None],
    ) -> None:
        self._connector = connector
        self._running = running
        self._user = user
        self._tell = tell
        self._number = 0
        self._steps: list[dict[str, Any]] = []

    async def told(self) -> list[dict[str, Any]]:
        """Tells it from beginning to end."""
        await self._connect()
        self._grant()
        client = await self._work()
        await self._deny(client)
        await self._revoke()
        self._verify()
        return self._steps

    async def _connect(self) -> None:
        self._head("Connect an account with its API key: tested first, then sealed in the vault")
        with Secret(self._running.key) as secret:
            connection, _ = await self._connector.connect(
                CONNECTION, secret=secret, user=self._user, sandbox=self._running.url
            )
        self._say("address", self._running.url)
        self._say("account", connection.account)

    def _grant(self) -> None:
        self._head(f"Grant the persona {PERSONA} what it needs, and nothing else")
        grant = self._connector.grant(PERSONA, CONNECTION, scopes=SCOPES, user=self._user)
        allowed = self._connector.allowed(PERSONA, CONNECTION)
        self._say("scopes", " ".join(grant.scopes))
        self._say("allowed", f"{len(allowed)} of {len(self._connector.manifest.actions)} actions")

    async def _work(self) -> Mapping[str, Any]:
        client: dict[str, Any] = await self._done(
            "create_client",
            "Example Bakery wants us to redo its shop. Set it up as a client.",
            name="Example Bakery",
            city="Exampleton",
            website="https://bakery.example",
        )
        project = await self._done(
            "create_project",
            "Open a project for the shop at 80 an hour.",
            client_id=client["id"],
            name="Shop redesign",
            rate=Decimal("80.00"),
        )
        hours = [
            await self._done(
                "create_project_hours",
                prompt,
                project_id=project["id"],
                title=title,
                hours=spent,
                date=_today().isoformat(),
            )
            for prompt, title, spent in (
                ("I measured the shop, three and a half hours.", "Survey", Decimal("3.5")),
                ("Drew the plans, five and a quarter hours.", "Plans", Decimal("5.25")),
            )
        ]
        await self._invoice(client, project, hours)
        return client

    async def _invoice(
        self, client: Mapping[str, Any], project: Mapping[str, Any], hours: list[Any]
    ) -> None:
        today = _today()
        invoice = await self._done(
            "create_invoice",
            "Invoice the bakery for these hours, due in 30 days.",
            client_id=client["id"],
            date=today.isoformat(),
            due_date=(today + timedelta(days=30)).isoformat(),
            currency_code="EUR",
            invoice_items_attributes=[
                {"title": entry["title"], "quantity": entry["hours"], "price": project["rate"]}
                for entry in hours
            ],
        )
        await self._approved(
            "send_invoice_message",
            "Send it to their accounts department.",
            invoice_id=invoice["id"],
            recipients=["accounts@bakery.example"],
            subject=f"Invoice {invoice['number']}",
        )
        invoices = await self._done(
            "list_client_invoices",
            "What has the bakery not paid yet?",
            client_id=client["id"],
            fields=["number", "due_date", "status", "currency_code", "balance"],
        )
        for owed in (item for item in invoices if item["status"] not in NOT_OWED):
            self._say("unpaid", _facts(owed))

    async def _deny(self, client: Mapping[str, Any]) -> None:
        self._head("Ask for more than was granted")
        await self._refused(
            ErrorKind.DENIED, "delete_client", "Delete the bakery again.", id=client["id"]
        )

    async def _revoke(self) -> None:
        self._head("Revoke the connection, and try once more")
        revoked = await self._connector.revoke(CONNECTION, user=self._user, reason="End of demo")
        self._say("revoked", f"{CONNECTION}: key destroyed, {revoked.grants_closed} grant closed")
        self._say("to do", revoked.upstream)
        await self._refused(ErrorKind.REVOKED, "list_clients", "Who are our clients?")

    def _verify(self) -> None:
        self._head("Verify the log: every line against the chain")
        report = self._connector.log.verify()
        _require(report.ok, "The log does not verify.")
        self._say("verified", f"{report.rows} rows: nothing changed, nothing taken out")

    async def _done(self, action: str, prompt: str, **arguments: Json) -> Json:
        """Runs one call that has to succeed, and shows it."""
        self._head(self._connector.manifest.action(action).title)
        result = await self._call(action, prompt, arguments)
        _require(result.outcome is Outcome.SUCCEEDED, f"{action} came out as {result.outcome}.")
        return result.data

    async def _approved(self, action: str, prompt: str, **arguments: Json) -> None:
        """Runs one call that needs a person's yes: refused, approved, and made again."""
        self._head(f"{self._connector.manifest.action(action).title}: a person has to approve it")
        await self._refused(ErrorKind.APPROVAL_REQUIRED, action, prompt, **arguments)
        waiting = self._connector.approvals.pending()[-1]
        view = await self._connector.approvals.show(waiting.id, user=self._user)
        _require(view.preview is not None, "The approval does not show its request.")
        preview = cast("Preview", view.preview)
        self._head("What the person is shown, and their yes")
        self._say("approval", f"{waiting.id}: {waiting.persona} asks, for {waiting.user}")
        self._say("why", view.prompt or "")
        self._say("request", f"{preview.method} {preview.url}")
        self._say("body", screen.spaced(preview.body))
        given = self._connector.approvals.approve(waiting.id, user=self._user)
        self._say("approved", f"by {given.decided_by}, for one call with these arguments")
        await self._done(action, prompt, **arguments)

    async def _refused(self, kind: ErrorKind, action: str, prompt: str, **arguments: Json) -> None:
        """Runs one call that has to be refused before anything is sent, and shows it."""
        before = len(self._running.sandbox.requests)
        result = await self._call(action, prompt, arguments)
        sent = len(self._running.sandbox.requests) - before
        refused = result.error is not None and result.error.kind is kind
        _require(refused and not sent, f"{action} was not refused as {kind}.")
        self._say("sent", "nothing: Clientary saw no request")

    async def _call(self, action: str, prompt: str, arguments: Mapping[str, Any]) -> Result:
        result = await self._connector.run(
            Call(
                action=action,
                arguments=arguments,
                connection=CONNECTION,
                user=self._user,
                persona=PERSONA,
                prompt=prompt,
            )
        )
        entry = self._connector.log.entry(result.log_id or 0, user=self._user)
        self._steps.append({"result": result.to_json(), "log": entry.to_json()})
        self._say("call", f"{action} {screen.spaced(arguments)}")
        self._say("result", _result_text(result))
        self._show_entry(entry)
        return result

    def _show_entry(self, entry: LogEntry) -> None:
        """Shows the line of the log, as the log gives it back."""
        answered = "" if entry.status is None else f", HTTP {entry.status}"
        took = "" if entry.duration_ms is None else f", {entry.duration_ms:.0f} ms"
        self._say(f"log {entry.id}", f"{entry.action} {entry.outcome}{answered}{took}")
        self._say("  user", f"{entry.user}, persona {entry.persona}")
        self._say("  prompt", entry.prompt or "")
        self._say("  response", _response_text(entry.response))

    def _head(self, title: str) -> None:
        self._number += 1
        self._tell(f"\n{self._number:>2} {title}\n")

    def _say(self, label: str, text: str) -> None:
        lines = textwrap.wrap(
            screen.visible(text),
            WIDTH - len(INDENT) - LABEL - 1,
            max_lines=LINES,
            break_on_hyphens=False,
            placeholder=" …",
        )
        for at, line in enumerate(lines or [""]):
            self._tell(f"{INDENT}{label if at == 0 else '':<{LABEL}} {line}".rstrip() + "\n")


def _require(holds: bool, otherwise: str) -> None:  # noqa: FBT001 -- reads as a sentence
    if not holds:
        raise DemoError(otherwise, hint="Run it again with --keep DIR, and look into its log.")


def _result_text(result: Result) -> str:
    if result.error is not None:
        return f"{result.outcome.value} ({result.error.kind.value}): {result.error.message}"
    return f"{result.outcome.value}: {_summary(result.data)}"


def _response_text(response: Json) -> str:
    """Returns what the log holds of the response, without the fields that are empty."""
    if response["error"] is not None:
        return screen.spaced({"error": response["error"]["kind"]})
    data = response["data"]
    if isinstance(data, dict):
        record = cast("dict[str, Any]", data)
        data = {name: value for name, value in record.items() if value not in (None, [])}
    return screen.spaced(data)


def _summary(data: Json) -> str:
    if isinstance(data, list):
        count = len(cast("list[object]", data))
        return f"{count} {'record' if count == 1 else 'records'}"
    return _facts({name: data[name] for name in SUMMARY if data.get(name) is not None})


def _today() -> date:
    return datetime.now(UTC).date()


def _facts(record: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {screen.cell(value)}" for name, value in record.items())

"""Carries one call to the service and back: sends, follows pages, reads again what was changed."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any, Final

from clientary_connector.call.answer import Listing, Unreadable, document_of
from clientary_connector.call.ending import Ending
from clientary_connector.call.failure import RefusedError, failure
from clientary_connector.call.judging import Sieve
from clientary_connector.call.kinds import is_object
from clientary_connector.call.paging import gather
from clientary_connector.call.reading import Drift
from clientary_connector.call.request import Request
from clientary_connector.call.result import CallError, ErrorKind, Outcome, Page
from clientary_connector.call.sending import EndedError, Sender, Way
from clientary_connector.call.shaping import fit, pick
from clientary_connector.call.tally import Tally
from clientary_connector.call.tools import Tool, Tools
from clientary_connector.call.transport import Reply
from clientary_connector.manifest import Effect
from clientary_connector.settings import Settings

FIELDS: Final = "fields"
HIDDEN: Final = "The record does not meet a condition of this persona's grant, and is not shown."


class Exchange:
    """One call under way between us and the service."""

    def __init__(  # noqa: PLR0913 - what it works with, by name
        self,
        tool: Tool,
        way: Way,
        *,
        sender: Sender,
        tools: Tools,
        settings: Settings,
        sieve: Sieve | None = None,
    ) -> None:
        """Takes what is called, by which way, and what it needs on the way.

        What does not pass the sieve is not given out.
        """
        self._sieve = sieve
        self._tool = tool
        self._action = tool.action
        self._way = way
        self._sender = sender
        self._tools = tools
        self._settings = settings
        self._drift = Drift()
        self._request: Request | None = None
        self.tally = Tally()

    async def run(self, arguments: Mapping[str, Any], request: Request | None = None) -> Ending:
        """Returns how the call ended; refusals and failures of the service included.

        `request` is what the arguments come to, where that was built before.
        """
        self._request = request
        try:
            data, page = await self._data(arguments)
        except RefusedError as refusal:
            # Between two pages or sends; before the first one it is a refusal in full.
            outcome = Outcome.FAILED if self.tally.sent else Outcome.REFUSED
            return self._ending(outcome, error=refusal.error)
        except EndedError as end:
            return self._ending(end.outcome, error=end.error)
        return self._shaped(arguments, data, page)

    def _shaped(self, arguments: Mapping[str, Any], data: Any, page: Page | None) -> Ending:  # noqa: ANN401 - any JSON value
        said: tuple[str, ...] = ()
        if FIELDS in arguments:
            data, said = pick(data, arguments[FIELDS])
        data, page, cut = fit(data, page, most=self._settings.max_result_bytes)
        return self._ending(Outcome.SUCCEEDED, data=data, page=page, warnings=(*said, *cut))

    def _ending(
        self,
        outcome: Outcome,
        *,
        data: Any = None,  # noqa: ANN401 - any JSON value
        page: Page | None = None,
        warnings: tuple[str, ...] = (),
        error: CallError | None = None,
    ) -> Ending:
        tally = self.tally
        return Ending(
            outcome=outcome,
            data=data,
            page=page,
            warnings=self._drift.warnings(self._settings.max_warnings) + warnings,
            error=error,
            attempts=tally.attempts,
            status=tally.status,
            duration_ms=tally.spent_ms,
            tries=tally.told(),
        )

    async def _data(self, arguments: Mapping[str, Any]) -> tuple[Any, Page | None]:
        action = self._action
        if action.paging is not None:
            items, page = await gather(
                self._listing,
                action.paging,
                arguments,
                max_pages=self._settings.max_pages,
                drift=self._drift,
                tells_total=self._sieve is None,
            )
            return self._sifted(self._tool.answers.data(items, self._drift), page)
        reply = await self._sent(arguments, self._request)
        if action.confirm is not None:
            return {name: arguments[name] for name in action.place.path} | {
                action.confirm: True
            }, None
        record = await self._record(reply, arguments)
        if self._sieve is not None and not self._sieve.passes(record):
            raise EndedError(Outcome.FAILED, failure(ErrorKind.DENIED, message=HIDDEN))
        return record, None

    def _sifted(self, records: list[Any], page: Page) -> tuple[list[Any], Page]:
        """Leaves out the records that do not meet the conditions of the grant, and counts them."""
        if self._sieve is None:
            return records, page
        kept = [record for record in records if self._sieve.passes(record)]
        # How many there are in all would tell of what the persona may not see.
        return kept, replace(page, filtered=len(records) - len(kept), total=None, pages=None)

    def _sent(
        self, arguments: Mapping[str, Any], built: Request | None = None
    ) -> Coroutine[Any, Any, Reply]:
        request = built or self._tool.requests.build(arguments)
        return self._sender.send(
            request, way=self._way, effect=self._action.effect, tally=self.tally
        )

    async def _listing(self, arguments: Mapping[str, Any]) -> Listing:
        reply = await self._sent(arguments)
        document = document_of(reply)
        if not isinstance(document, Unreadable):
            document = self._tool.answers.listing(document, self._drift)
        if isinstance(document, Unreadable):
            raise self._unreadable(document.reason)
        return document

    async def _record(self, reply: Reply, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
        """Reads the record of an answer; a change that was made does not fail for its answer."""
        document = document_of(reply) if reply.body.strip() or reply.fault else None
        if is_object(document):
            return self._tool.answers.data(self._unwrapped(document), self._drift)
        reason = document.reason if isinstance(document, Unreadable) else "it holds no record"
        if self._action.effect is Effect.READ:
            raise self._unreadable(reason)
        if self._action.reread is not None:
            return await self._reread(self._action.reread, arguments)
        self._drift.note("$", f"it was done, and the answer cannot be read: {reason}")
        return None

    def _unwrapped(self, document: dict[str, Any]) -> dict[str, Any]:
        """Takes a record out of a wrapper that nobody promised."""
        if len(document) != 1 or not is_object(inner := next(iter(document.values()))):
            return document
        if next(iter(document)) in self._action.output.get("properties", {}) or "id" not in inner:
            return document
        self._drift.note("$", "the record came in a wrapper")
        return inner

    async def _reread(self, action: str, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
        """Reads what was changed; that it cannot be read is no failure of the change."""
        tool = self._tools.find(action)
        reading = Exchange(
            tool, self._way, sender=self._sender, tools=self._tools, settings=self._settings
        )
        ending = await reading.run({name: arguments[name] for name in tool.action.place.path})
        self.tally.attempts += reading.tally.attempts
        if ending.outcome is not Outcome.SUCCEEDED:
            self._drift.note("$", "it was done, and the record could not be read again")
        for warning in ending.warnings:
            self._drift.note("$", warning)
        return ending.data

    def _unreadable(self, reason: str) -> EndedError:
        error = failure(
            ErrorKind.BAD_RESPONSE,
            effect=self._action.effect,
            message=f"The service sent an answer that cannot be read: {reason}.",
            status=self.tally.status,
        )
        return EndedError(Outcome.FAILED, error)

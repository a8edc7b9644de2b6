"""Tells the plugins of the host of every call that ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec

from clientary_connector.call.listening import Ended
from clientary_connector.hosting import Hosting
from connector_vault import LogDraft, LogRow

HOOK: Final = "connector_call_finished"


class Finishing:
    """Hands calls that ended to the plugins; what that costs is paid in their threads."""

    def __init__(self, hosting: Hosting) -> None:
        """Takes the plugins."""
        self._hosting = hosting

    def ended(self, call: Ended) -> None:
        """Takes note of a call that ended."""
        if not self._hosting.hears(HOOK):
            return
        outcome = None if call.outcome is None else call.outcome._replace(payload=None)
        rows = call._replace(head=_bare(call.head), outcome=outcome)
        bare = rows._replace(payload=None, answer=None)
        size = len(call.payload or b"") + len(call.answer or b"")
        self._hosting.tell_of(HOOK, lambda: _told(bare), sealed=lambda: _told(rows), size=size)


def _bare(row: LogDraft | LogRow) -> LogDraft | LogRow:
    """Returns a row without its sealed payload, which would only take room."""
    return row._replace(payload=None) if isinstance(row, LogDraft) else replace(row, payload=None)


def _told(call: Ended) -> dict[str, Any]:
    """Returns what the hook is called with."""
    # Loaded in the thread of the first plugin that hears of a call: few hosts have one.
    from clientary_connector.logentry import entry_of  # noqa: PLC0415 - see above

    answer = None if call.outcome is None else _decoded(call.answer)
    record = entry_of(
        call.log_id or 0, call.head, call.outcome, opened=_decoded(call.payload), answer=answer
    )
    return {"record": record}


def _decoded(payload: bytes | None) -> Mapping[str, Any]:
    return {} if payload is None else msgspec.json.decode(payload, type=dict[str, Any])

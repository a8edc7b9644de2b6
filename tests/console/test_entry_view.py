"""Proves that every fact of an entry is shown in words, whatever it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from clientary_connector import LogEntry
from clientary_connector.frontends.console.views.entry import shown
from clientary_connector.frontends.console.views.log import lines, live_after

pytestmark = pytest.mark.requirement("console.log")

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def entry(**more: Any) -> LogEntry:  # noqa: ANN401 - the fields of an entry
    """Returns an entry."""
    names = "persona connection action effect operation status attempts duration_ms error cost"
    fields: dict[str, Any] = dict.fromkeys(
        [*names.split(), "prompt", "arguments", "request", "response"]
    )
    fields |= {"id": 7, "at": NOW, "kind": "call", "user": "maria", "outcome": "succeeded"}
    fields |= {"warnings": 0, "facts": {}}
    fields |= more
    return LogEntry(**fields)


def test_facts_of_every_kind_are_words() -> None:
    """Lists, objects, truths and nothing."""
    facts = {
        "scopes": ["clients:read", "tasks:*"],
        "none_of_them": [],
        "in_force": {"max_wait_s": 3, "on": True},
        "gone": None,
        "moment": NOW,
        "by": "the id of a process",
    }
    assert dict(shown(entry(facts=facts), {}).facts) == {
        "Kind": "call",
        "Scopes": "clients:read, tasks:*",
        "None of them": "none",
        "In force": "max wait s: 3, on: yes",
        "Moment": str(NOW),
    }


def test_each_send_is_a_row() -> None:
    """With the columns that any of them has."""
    tries = [{"status": 429, "waited_s": 1.5}, {"status": 200}]
    found = shown(entry(facts={"tries": tries}), {})
    assert found.columns == ("status", "waited s")
    assert [dict(one.facts) for one in found.tries] == [
        {"status": "429", "waited s": "1.5"},
        {"status": "200"},
    ]


def test_a_line_says_what_it_is_about() -> None:
    """An approval names its action, an error and what was settled stand beside the outcome."""
    approval = entry(kind="approval", action="send_invoice", outcome="asked")
    unknown = entry(outcome="unknown", error="no_answer", settled="not_found", connection="con_1")
    long = entry(action="list_clients", prompt="p" * 500)
    found = lines((approval, unknown, long), {"con_1": "books"})
    assert [one.what for one in found] == ["approval of send_invoice", "call", "list_clients"]
    assert (found[1].note, found[1].connection) == ("no answer, settled: not found", "books")
    assert len(found[2].prompt) == 160
    assert found[2].prompt.endswith("…")


def test_the_next_look_begins_before_what_may_still_change() -> None:
    """A call that was open for long is not waited for."""
    ended, open_ = entry(id=9), entry(id=7, outcome="open")
    assert live_after((ended, open_), now=NOW, patience_s=60) == 6
    assert live_after((ended, open_), now=NOW.replace(hour=13), patience_s=60) == 9
    assert live_after((), now=NOW, patience_s=60) == 0

"""Proves that what came into the log is told without a gap, and how far a search is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from clientary_connector import LogFilter
from clientary_connector.log import ENDING, OPENED
from connector_vault import LogDraft, Transaction
from tests.connector.engine.ground import NOW, Ground

pytestmark = pytest.mark.requirement("log.read.news")


def add(on: Ground, *drafts: LogDraft) -> int:
    """Appends rows, and returns the id of the last one."""

    def append(log: Transaction) -> int:
        return [log.append(one) for one in drafts][-1]

    last: int = on.vault.write(append)
    return last


def intent(on: Ground, **more: Any) -> LogDraft:  # noqa: ANN401 - the fields of a draft
    """Returns the row of a call that has not ended."""
    usual: Mapping[str, Any] = {"user": "maria", "action": "list_clients", "facts": {}}
    return on.vault.draft(**{"kind": "intent", **usual, **more})


def test_only_what_came_since_is_told_newest_first(joined_up: Ground) -> None:
    """And nothing where nothing came; sealed parts stay shut."""
    last = joined_up.connector.log.page().entries[0].id
    assert joined_up.connector.log.news(last).entries == ()
    joined_up.data("list_clients")
    joined_up.result("delete_client", {"id": 1})
    news = joined_up.connector.log.news(last)
    assert [one.action for one in news.entries] == ["delete_client", "list_clients"]
    assert news.entries[1].prompt is None
    assert joined_up.connector.log.news(news.after).entries == ()
    assert not news.more


def test_a_call_is_told_again_until_it_has_ended(joined_up: Ground) -> None:
    """What came after it is told with it, so that nothing is missed and its end is seen."""
    log = joined_up.connector.log
    last = log.page().entries[0].id
    seq = add(joined_up, intent(joined_up), joined_up.vault.draft(kind="note", facts={})) - 1
    first = log.news(last)
    assert [(one.id, one.outcome) for one in first.entries] == [
        (seq + 1, "succeeded"),
        (seq, "open"),
    ]
    assert first.after == seq - 1
    outcome = {"kind": "outcome", "ref": seq, "outcome": "failed"}
    add(joined_up, intent(joined_up, **outcome))
    second = log.news(first.after, LogFilter(outcome="failed"))
    assert [(one.id, one.outcome) for one in second.entries] == [(seq, "failed")]
    assert log.news(second.after).entries == ()


def test_a_call_that_never_ends_does_not_hold_up_the_rest(joined_up: Ground) -> None:
    """After a while it is passed as it is; where no calls are asked for, at once."""
    log = joined_up.connector.log
    last = log.page().entries[0].id
    long_ago = int((NOW - ENDING * 2).timestamp() * 1_000_000)
    seq = add(joined_up, intent(joined_up)._replace(at=long_ago))
    assert log.news(last).after == seq
    seq = add(joined_up, intent(joined_up))
    assert log.news(last).after == seq - 1
    assert log.news(last, LogFilter(kind="connect")).after == seq


def test_more_than_was_asked_for_is_said_to_be_there(joined_up: Ground) -> None:
    """The newest are given."""
    log = joined_up.connector.log
    last = log.page().entries[0].id
    end = add(joined_up, *[joined_up.vault.draft(kind="note", facts={}) for _ in range(5)])
    news = log.news(last, limit=3)
    assert [one.id for one in news.entries] == [end, end - 1, end - 2]
    assert news.more
    assert news.after == end


@pytest.mark.requirement("log.read.search")
def test_a_search_in_steps_says_how_far_it_is(joined_up: Ground) -> None:
    """The newest rows first, and at the end all of them."""
    joined_up.result("list_clients", prompt="Where is the saffron?")
    add(joined_up, *[joined_up.vault.draft(kind="note", facts={}) for _ in range(OPENED)])
    steps = list(joined_up.connector.log.search_in_steps("SAFFRON", user="ada"))
    assert len(steps) == 2
    assert [len(step.entries) for step in steps] == [0, 1]
    assert steps[0].done == OPENED
    assert steps[-1].done == steps[-1].total
    assert steps[1].entries[0].prompt == "Where is the saffron?"

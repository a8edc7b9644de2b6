"""Proves that a seed makes the same, realistic account every time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clientary_connector.sandbox import Sandbox, Size
from clientary_connector.sandbox.state import State

pytestmark = pytest.mark.requirement("sandbox.account")


def content(state: State) -> dict[str, list[object]]:
    """Return every record of an account."""
    return {name: list(getattr(state, name)) for name in state.counts()}


def test_the_same_seed_makes_the_same_account() -> None:
    """Records, ids and key are equal, one by one."""
    one, two = Sandbox(seed=7), Sandbox(seed=7)
    assert content(one.state) == content(two.state)
    assert one.key == two.key


def test_another_seed_makes_another_account() -> None:
    """Records and key differ."""
    one, two = Sandbox(seed=7), Sandbox(seed=8)
    assert content(one.state) != content(two.state)
    assert one.key != two.key


def test_a_key_may_be_given_and_changes_nothing_else() -> None:
    """The records are those of the seed."""
    given, made = Sandbox(key="given"), Sandbox()
    assert given.key == "given"
    assert (len(made.key), made.key.isalnum()) == (40, True)
    assert content(given.state) == content(made.state)


@pytest.mark.parametrize(("size", "least"), [("small", 900), ("medium", 7_000), ("large", 60_000)])
def test_sizes_are_what_they_say(size: str, least: int) -> None:
    """Each size is larger than the one before it by far."""
    total = sum(Sandbox(size=size).state.counts().values())
    assert least < total < least * 1.3


def test_an_unknown_size_is_refused() -> None:
    """The message says which one."""
    with pytest.raises(ValueError, match="gigantic"):
        Sandbox(size="gigantic")


def test_every_kind_of_record_is_there() -> None:
    """No table is empty, and all states that matter occur."""
    state = Sandbox(size=Size.SMALL).state
    assert min(state.counts().values()) > 0
    assert {client.status for client in state.clients} == {1, 2}
    assert {project.status for project in state.projects} == {1, 2, 4}
    assert {invoice.status for invoice in state.invoices} >= {0, 1, 2, 3, 4}
    assert {task.complete for task in state.tasks} == {True, False}
    assert {hour.billed for hour in state.hours} == {True, False}


def test_companies_have_names_of_their_own() -> None:
    """No two clients or leads of the largest account share one."""
    state = Sandbox(size=Size.LARGE).state
    companies = [company.name for table in (state.clients, state.leads) for company in table]
    assert len(set(companies)) == len(companies)


def test_nothing_was_made_after_today() -> None:
    """Records are at most 400 days old, and changed after they were made."""
    state = Sandbox().state
    for client in state.clients:
        assert client.created_at < client.updated_at
        assert client.updated_at.date() <= state.today
        assert client.created_at.date() >= state.today - timedelta(days=401)


def test_ids_of_documents_do_not_fit_into_32_bits() -> None:
    """As in Clientary, where they lie above 2^31."""
    state = Sandbox().state
    assert min(*state.invoices.rows, *state.estimates.rows) > 2**31

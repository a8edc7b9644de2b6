"""Proves that what was used is added up the same, whether sums of it were kept or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector_vault import Transaction, Vault, View
from connector_vault.tail import Sums, Used

pytestmark = pytest.mark.requirement("policy.budget.usage")

#: In microseconds, a time that no test will see.
END = 200 * 365 * 86_400 * 1_000_000


def add(vault: Vault, count: int) -> None:
    """Appends the ends of so many calls of three users."""
    drafts = [
        vault.draft(
            kind="outcome", user=f"user {place % 3}", outcome="succeeded", facts={"cost": 2}
        )
        for place in range(count)
    ]

    def append(log: Transaction) -> None:
        for draft in drafts:
            log.append(draft)

    vault.write(append)


def used(vault: Vault, *, since: int = 0, known: Sums | None = None) -> list[Used]:
    """Adds up all calls."""

    def read(view: View) -> list[Used]:
        return view.tail.used(since, END, known=known)

    return vault.read(read)


def totals(found: list[Used]) -> dict[str | None, tuple[int, int]]:
    """Returns calls and credits of each user."""
    users = {one.user for one in found}
    return {
        user: (
            sum(one.calls for one in found if one.user == user),
            sum(one.credits or 0 for one in found if one.user == user),
        )
        for user in users
    }


def test_sums_that_were_kept_are_those_of_the_rows(tmp_path: Path) -> None:
    """Over a log that grows; and what is kept does not grow without end."""
    known: Sums = {}
    key = f"file:{tmp_path / 'keys' / 'key'}"
    with Vault.create(tmp_path / "vault" / "vault.db", key=key) as vault:
        add(vault, 1)
        for moment in range(600):
            used(vault, since=moment, known=known)
        assert len(known) < 600
        for count in (9_000, 1):
            add(vault, count)
            assert totals(used(vault, known=known)) == totals(used(vault))
        assert totals(used(vault))["user 0"] == (3_002, 6_004)
        assert used(vault, known=known) == used(vault, known=known)


def test_sides_that_are_not_asked_for_are_not_told_apart(tmp_path: Path) -> None:
    """The sums are the same, and those by some sides are kept beside those by others."""
    known: Sums = {}
    key = f"file:{tmp_path / 'keys' / 'key'}"
    with Vault.create(tmp_path / "vault" / "vault.db", key=key) as vault:
        add(vault, 30)
        (alone,) = vault.read(lambda view: view.tail.used(0, END, by=(), known=known))
        assert (alone.user, alone.outcome, alone.calls, alone.credits) == (
            None,
            "succeeded",
            30,
            60,
        )
        by_user = vault.read(lambda view: view.tail.used(0, END, by=("user",), known=known))
        assert totals(by_user) == totals(used(vault, known=known))
        assert len(by_user) == 3

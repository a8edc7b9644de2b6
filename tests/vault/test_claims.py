"""Proves that an operation is claimed once, whatever numbers its claims are kept under."""

from __future__ import annotations

import pytest

from connector_vault import OperationClaimedError, Vault, schema
from connector_vault.claims import Claim, Claims, span_of
from tests.vault.ground import Place, append, calls, intent, raw

pytestmark = pytest.mark.requirement("log.claim")

NUMBER = Claim("op_1", "con_1", "bookkeeper", 1, 1).number


def claimant(vault: Vault, operation: str) -> int | None:
    """Returns the intent that claimed an operation."""
    row = vault.read(lambda view: view.intent_of_operation("con_1", "bookkeeper", operation))
    return None if row is None else row.seq


@pytest.mark.parametrize("taken", [[NUMBER], [NUMBER, NUMBER + 1]])
def test_a_number_that_is_taken_is_passed_over(place: Place, taken: list[int]) -> None:
    """Two claims of one number are two claims, and each is found, refused and checked as itself."""
    with place.create() as vault:
        calls(vault, 1)
        with place.edited() as file:
            for number in taken:
                file.execute("INSERT INTO log_claims VALUES (?, 1)", (number,))
        seq = append(vault, intent(vault))
        with pytest.raises(OperationClaimedError):
            append(vault, intent(vault))
        assert (claimant(vault, "op_0"), claimant(vault, "op_1")) == (1, seq)
        assert vault.verify_log().ok


def test_the_last_number_of_an_operation_is_followed_by_its_first(place: Place) -> None:
    """So what is kept of an operation always stands between its own bounds."""
    first, end = span_of("op_1")
    persona = "persona 19445772"
    assert Claim("op_1", "con_1", persona, 1, 1).number == end - 1
    with place.create() as vault:
        calls(vault, 1)
        with place.edited() as file:
            file.execute("INSERT INTO log_claims VALUES (?, 1)", (end - 1,))
        seq = append(vault, intent(vault, persona=persona))
        kept = raw(place.database).execute("SELECT claim FROM log_claims WHERE seq = ?", (seq,))
        assert kept.fetchone() == (first,)
        assert vault.verify_log().ok


def test_intents_for_nobody_are_told_apart_by_their_rows_alone(place: Place) -> None:
    """Without a persona or a connection nothing is claimed; the operation is found all the same."""
    with place.create() as vault:
        draft = intent(vault)._replace(persona=None)
        seqs = {append(vault, draft._replace(uid=bytes([n] * 16))) for n in range(3)}
        assert len(seqs) == 3
        assert claimant(vault, "op_1") is None
        assert vault.verify().ok


def test_a_claim_that_leads_elsewhere_claims_nothing(place: Place) -> None:
    """The row that it leads to is of another operation; the check finds the claim that is gone."""
    with place.create() as vault:
        calls(vault, 2)
        with place.edited() as file:
            file.execute("UPDATE log_claims SET seq = 3 WHERE seq = 1")
        assert claimant(vault, "op_0") is None
        assert claimant(vault, "op_1") == 3
        assert not vault.verify_log().ok


@pytest.mark.parametrize("to", [NUMBER + 1, NUMBER - 1, NUMBER ^ (1 << 22), NUMBER ^ (1 << 30)])
def test_a_claim_under_a_number_where_nobody_looks_is_found_by_the_check(
    place: Place, to: int
) -> None:
    """Moved there by an edit, it would keep nobody from claiming the operation again."""
    with place.create() as vault:
        append(vault, intent(vault))
        with place.edited() as file:
            file.execute("UPDATE log_claims SET claim = ?", (to,))
        assert not vault.verify_log().ok


def test_an_older_vault_keeps_its_claims(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each intent of before is found by its operation, and none can be claimed again."""
    with monkeypatch.context() as before:
        before.setattr(schema.migrate, "__defaults__", (schema.MIGRATIONS[:4],))
        before.setattr(schema.version_of, "__defaults__", (schema.MIGRATIONS[:4],))
        before.setattr(Claims, "take", _as_before)
        with place.create() as vault:
            calls(vault, 20)
            append(vault, intent(vault, "op_7")._replace(revision=2))
    with place.open() as vault:
        assert [claimant(vault, f"op_{n}") for n in range(20)] == [
            41 if n == 7 else 2 * n + 1 for n in range(20)
        ]
        for draft in (intent(vault, "op_3"), intent(vault, "op_7")._replace(revision=2)):
            with pytest.raises(OperationClaimedError):
                append(vault, draft)
        assert vault.verify().ok
    file = raw(place.database)
    assert file.execute("SELECT count(*) FROM log_claims").fetchone() == (21,)
    file.close()


def _as_before(*_: object) -> None:
    """Keeps no claims: an index of the log did, and these operations are claimed once."""

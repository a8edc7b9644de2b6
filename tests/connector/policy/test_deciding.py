"""Proves each rule of the policy by itself: where a call is decided, and at each look after it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from clientary_connector import Call, ErrorKind, Terms, connections, load_manifest
from clientary_connector.call.failure import RefusedError
from clientary_connector.call.gates import LastLook
from clientary_connector.call.policy import Permit, Policy, confirm, still_holds
from clientary_connector.call.transport import GateClosedError
from connector_vault import Transaction, Vault
from tests.connector.engine.far_side import FarSide, far_side, reply
from tests.connector.engine.ground import (
    NAME,
    NOW,
    PERSONA,
    USER,
    Ground,
    ground,
    key_at,
    staff_or,
)

BEFORE = NOW.timestamp()
END = (NOW + timedelta(hours=1)).timestamp()
ENDED = "This persona's grant has ended."
CHANGED = "The grant was changed just now."
MANIFEST = load_manifest()


@dataclass(frozen=True, slots=True)
class Deciding:
    """A policy over a real vault, and a connection in it whose grant ends in an hour."""

    on: Ground
    vault: Vault
    policy: Policy

    def give(self, **terms: Any) -> None:  # noqa: ANN401 - the fields of Terms
        """Gives the usual persona what clients take, under these terms, for an hour."""
        usual: dict[str, Any] = {"scopes": ("clients:*",), "expires_at": _end_text()}
        self.on.connector.grants.give(PERSONA, NAME, Terms(**{**usual, **terms}), user=USER)

    def decide(
        self,
        action: str = "get_client",
        arguments: dict[str, Any] | None = None,
        *,
        now: float = BEFORE,
        **other: object,
    ) -> Permit:
        """Decides about a call of the usual persona."""
        call: Call = self.on.call(action, arguments or {"id": 7}, **other)
        wanted = MANIFEST.actions[action]
        return self.vault.look(lambda view: self.policy.decide(view, call, wanted, now=now))

    def oversee(self, connection: str, action: str) -> Permit:
        """Asks for a read that no persona makes."""
        wanted = MANIFEST.actions[action]
        return self.vault.look(lambda view: self.policy.oversee(view, connection, wanted))

    def confirm(self, permit: Permit, *, now: float = BEFORE) -> None:
        """Confirms a permit where an intent would be written."""
        self.vault.write(lambda log: confirm(log, permit, now=now))

    def holds(self, permit: Permit, *, now: float = BEFORE) -> bool:
        """Looks at a permit once more, as a send does."""
        return self.vault.look(lambda view: still_holds(view, permit, now=now))

    def change(self, **body: object) -> None:
        """Puts something else into the record of the connection, which stays where it is."""
        found = self.vault.look(lambda view: connections.record_of(view, NAME))
        made = replace(found, body={**found.body, **body})
        self.vault.write(lambda log: log.put(made, expect=found.revision))


@pytest.fixture(name="side", scope="module")
def _side() -> Generator[FarSide]:
    with far_side(staff_or(lambda _: reply(body={}))) as side:
        yield side


@pytest.fixture(name="deciding")
def _deciding(tmp_path: Path, side: FarSide) -> Generator[Deciding]:
    with ground(tmp_path) as on:
        on.join(side.url)
        made = Deciding(on, cast("Vault", on.vault), Policy(MANIFEST))
        made.give()
        yield made


@pytest.mark.requirement("policy.grants.ends")
def test_a_permit_that_is_kept_ready_is_refused_once_its_grant_has_ended(
    deciding: Deciding,
) -> None:
    """The records are the very same, and the time alone has gone on."""
    permit = deciding.decide()
    assert deciding.decide(now=END - 1) is permit
    assert _refusal(lambda: deciding.decide(now=END)) == (ErrorKind.DENIED, ENDED)


@pytest.mark.requirement("policy.conditions.calls")
def test_a_decision_judges_the_conditions_of_the_grant(deciding: Deciding) -> None:
    """Each time by the arguments of the call, though one permit serves for all of them."""
    deciding.give(scopes=("projects:*",), conditions=("client_id in [7]",))
    permit = deciding.decide("list_client_projects", {"client_id": 7})
    kind, message = _refusal(lambda: deciding.decide("list_client_projects", {"client_id": 8}))
    assert kind is ErrorKind.DENIED
    assert message.endswith("a condition of this persona's grant: client_id in [7]")
    assert deciding.decide("list_client_projects", {"client_id": 7}) is permit


@pytest.mark.requirement("engine.denied")
def test_a_stranger_is_refused_as_if_there_were_no_connection(deciding: Deciding) -> None:
    """Nobody learns from a refusal what is there."""
    by_persona = _refusal(lambda: deciding.decide(persona="stranger"))
    by_connection = _refusal(lambda: deciding.decide(connection="nowhere"))
    assert by_persona == by_connection
    assert by_persona[0] is ErrorKind.DENIED


@pytest.mark.requirement("engine.denied")
def test_a_decision_refuses_what_connection_or_grant_do_not_allow(deciding: Deciding) -> None:
    """Another scope is named; an address that is not plain is none."""
    missing = _refusal(lambda: deciding.decide("get_lead"))
    assert missing == (ErrorKind.DENIED, "This persona's grant does not cover leads:read.")
    deciding.decide()
    deciding.change(sandbox="http://books.example")
    nowhere = _refusal(deciding.decide)
    assert nowhere == (ErrorKind.DENIED, "The connection leads to no address that is allowed.")


@pytest.mark.requirement("engine.revoke")
def test_a_decision_refuses_what_was_closed_or_revoked(deciding: Deciding) -> None:
    """Who asks is told of the connection, whose grants are all closed then."""
    deciding.decide()
    deciding.on.run(deciding.on.connector.revoke(NAME, persona=PERSONA, user=USER))
    assert _refusal(deciding.decide)[0] is ErrorKind.DENIED
    deciding.on.run(deciding.on.connector.revoke(NAME, user=USER))
    assert _refusal(deciding.decide)[0] is ErrorKind.REVOKED


@pytest.mark.requirement("engine.revoke")
def test_an_intent_is_refused_once_its_grant_was_changed(deciding: Deciding) -> None:
    """Though it covers the same, and what is sent already may go on: the call is decided anew."""
    permit = deciding.decide()
    deciding.confirm(permit)
    deciding.give(budget=5)
    assert _refusal(lambda: deciding.confirm(permit)) == (ErrorKind.DENIED, CHANGED)
    assert deciding.holds(permit)
    deciding.confirm(deciding.decide())


@pytest.mark.requirement("policy.grants.ends")
def test_an_intent_is_refused_once_its_grant_has_ended(deciding: Deciding) -> None:
    """It is told so, and not that the grant was changed."""
    permit = deciding.decide()
    assert _refusal(lambda: deciding.confirm(permit, now=END)) == (ErrorKind.DENIED, ENDED)


@pytest.mark.requirement("engine.denied")
def test_only_reads_are_overseen(deciding: Deciding) -> None:
    """Without a grant nothing is changed, whoever asks; and what is not there is not read."""
    assert deciding.oversee(NAME, "list_staff").grant is None
    assert _refusal(lambda: deciding.oversee(NAME, "create_client"))[0] is ErrorKind.DENIED
    assert _refusal(lambda: deciding.oversee("nowhere", "list_staff"))[0] is ErrorKind.DENIED


@pytest.mark.requirement("engine.revoke")
def test_a_revoked_connection_is_not_overseen(deciding: Deciding) -> None:
    """And a permit from before does not hold, nor is it confirmed."""
    permit = deciding.oversee(NAME, "list_staff")
    deciding.confirm(permit)
    assert deciding.holds(permit)
    deciding.on.run(deciding.on.connector.revoke(NAME, user=USER))
    assert _refusal(lambda: deciding.oversee(NAME, "list_staff"))[0] is ErrorKind.REVOKED
    assert _refusal(lambda: deciding.confirm(permit))[0] is ErrorKind.REVOKED
    assert not deciding.holds(permit)


@pytest.mark.requirement("engine.revoke")
def test_a_permit_of_another_generation_does_not_hold(deciding: Deciding) -> None:
    """Also where the connection is active; any other change of it is let pass."""
    permit = deciding.decide()
    deciding.change(rotate_every_days=30)
    assert deciding.holds(permit)
    deciding.change(generation=permit.generation + 1)
    assert not deciding.holds(permit)
    assert _refusal(lambda: deciding.confirm(permit))[0] is ErrorKind.REVOKED
    assert deciding.holds(deciding.decide())


@pytest.mark.requirement("engine.revoke")
def test_a_permit_does_not_hold_once_its_connection_is_not_active(deciding: Deciding) -> None:
    """Also where its generation is the same, and the grant was not touched."""
    permit = deciding.decide()
    deciding.change(state=connections.REVOKED)
    assert not deciding.holds(permit)
    assert _refusal(lambda: deciding.confirm(permit))[0] is ErrorKind.REVOKED
    assert _refusal(deciding.decide)[0] is ErrorKind.REVOKED


@pytest.mark.requirement("policy.grants.ends")
@pytest.mark.parametrize("terms", [None, {"budget": 5}], ids=["same", "changed"])
def test_a_permit_does_not_hold_once_the_time_of_its_grant_is_over(
    deciding: Deciding, terms: dict[str, Any] | None
) -> None:
    """Also in another revision of the grant, which covers the same."""
    permit = deciding.decide()
    if terms is not None:
        deciding.give(**terms)
    assert deciding.holds(permit, now=END - 1)
    assert not deciding.holds(permit, now=END)


@pytest.mark.requirement("engine.revoke")
@pytest.mark.parametrize(
    "terms",
    [{"deny": ("get_client",)}, {"scopes": ("leads:*",)}, {"conditions": ("client_id in [7]",)}],
    ids=["denied", "another_scope", "conditions"],
)
def test_a_permit_does_not_hold_once_the_grant_covers_something_else(
    deciding: Deciding, terms: dict[str, Any]
) -> None:
    """Whatever of it was taken away: the action, its scope, or what it may be called with."""
    permit = deciding.decide()
    deciding.give(**terms)
    assert not deciding.holds(permit)


@pytest.mark.requirement("engine.revoke")
def test_a_permit_does_not_hold_once_the_grant_was_closed(deciding: Deciding) -> None:
    """The connection is active still, for others."""
    permit = deciding.decide()
    deciding.on.run(deciding.on.connector.revoke(NAME, persona=PERSONA, user=USER))
    assert not deciding.holds(permit)
    assert _refusal(lambda: deciding.confirm(permit)) == (ErrorKind.DENIED, CHANGED)


@pytest.mark.requirement("engine.revoke", "threat.23")
@pytest.mark.parametrize("how", ["given anew", "closed by a file", "revoked"])
def test_nothing_leaves_another_process_under_what_a_grant_was(
    deciding: Deciding, how: str
) -> None:
    """Once whoever changed it goes on, the gate of a call that was let in before is closed."""
    on, vault = deciding.on, deciding.vault
    deciding.give()
    closing = on.connector.grants.compare([], close_others=True)
    with Vault.open(vault.path, key=key_at(vault.path)) as other:
        other.write(Transaction.last_seq)
        elsewhere = Deciding(on, other, Policy(MANIFEST))
        permit = elsewhere.decide()
        with LastLook(other, permit, lambda: NOW):
            pass
        if how == "given anew":
            deciding.give(scopes=("projects:*",))
        elif how == "closed by a file":
            on.connector.grants.apply(closing, user=USER)
        else:
            on.run(on.connector.revoke(NAME, persona=PERSONA, user=USER))
        with pytest.raises(GateClosedError), LastLook(other, permit, lambda: NOW):
            pytest.fail("It was let out.")


@pytest.mark.requirement("engine.revoke")
def test_a_permit_by_a_grant_that_is_not_there_does_not_hold(deciding: Deciding) -> None:
    """Nothing removes the record of a grant; if something did, nothing would be sent under it."""
    permit = replace(deciding.decide(), grant="grant of nobody", basis=None)
    assert not deciding.holds(permit)
    assert _refusal(lambda: deciding.confirm(permit))[0] is ErrorKind.REVOKED


def _refusal(work: Callable[[], object]) -> tuple[ErrorKind, str]:
    """Returns what some work was refused with."""
    with pytest.raises(RefusedError) as refused:
        work()
    return refused.value.error.kind, refused.value.error.message


def _end_text() -> str:
    return (NOW + timedelta(hours=1)).isoformat()

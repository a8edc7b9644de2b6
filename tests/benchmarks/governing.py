"""Measures what policy, the claim of the operation and budgets cost a call, beyond its commit."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from clientary_connector import Call, Settings, load_manifest
from clientary_connector.call import policy
from clientary_connector.call.budget import Meter
from clientary_connector.call.policy import Permit
from connector_vault import LogDraft, Record, Transaction, Vault, View
from connector_vault.turns import Pace, Turns
from tests.benchmarks.rows import Row, Sizes, Tell, interleaved, medians, spread

HOLD_S: Final = 100e-6
GROUP: Final = 64
OWNER: Final = "con_000000000001"
PERSONA: Final = "bookkeeper"
ACTION: Final = "list_clients"
NOW: Final = 1_772_366_400.0


class Governed:
    """Writes calls as the journal does, with and without what decides about them."""

    def __init__(self, vault: Vault) -> None:
        """Sets up a connection, a grant and the budgets that every call is held to."""
        self._vault = vault
        manifest = load_manifest()
        self._action = manifest.actions[ACTION]
        self._policy = policy.Policy(manifest)
        self._numbers = itertools.count()
        most = 10**9
        settings = Settings(
            budget_account=most,
            budget_user=most,
            budget_persona=most,
            budget_connection=most,
        )
        self._meter = Meter(vault, settings)
        vault.write(_fill)
        self._meter.catch_up(self._draft("first").at)

    def bare(self) -> None:
        """Writes intents and outcomes in one transaction."""
        drafts = self._drafts()

        def work(log: Transaction) -> None:
            for draft in drafts:
                self._pair(draft, log.append)

        self._vault.write(work)

    def whole(self) -> None:
        """Does the same, and decides about each of them before."""
        drafts = self._drafts()
        permits = [self._vault.read(self._decide) for _ in drafts]

        def work(log: Transaction) -> None:
            for draft, permit in zip(drafts, permits, strict=True):
                self._governed(log, draft, permit)

        self._vault.write(work)

    def _governed(self, log: Transaction, draft: LogDraft, permit: Permit) -> None:
        policy.confirm(log, permit, now=NOW)
        self._meter.check(log, draft, permit)
        self._pair(draft, partial(self._meter.append, log))

    def _decide(self, view: View) -> Permit:
        call = Call(
            action=ACTION, connection=OWNER, user="maria", persona=PERSONA, prompt="Look it up."
        )
        return self._policy.decide(view, call, self._action, now=NOW)

    def _pair(self, draft: LogDraft, append: Callable[[LogDraft], int]) -> None:
        number = append(draft)
        append(self._vault.draft(kind="outcome", ref=number, outcome="succeeded"))

    def _drafts(self) -> list[LogDraft]:
        return [self._draft(f"op_{next(self._numbers)}") for _ in range(GROUP)]

    def _draft(self, operation: str) -> LogDraft:
        return self._vault.draft(
            kind="intent",
            user="maria",
            persona=PERSONA,
            connection=OWNER,
            action=ACTION,
            effect="read",
            operation=operation,
            facts={"cost": 1, "generation": 1, "grant_revision": 1},
        )


def rows(folder: Path, sizes: Sizes, tell: Tell) -> list[Row]:
    """Measures calls with and without, and the turns of requests."""
    tell("policy, operation and budgets of a call")
    key = f"file:{folder.resolve()}/keys/vault.key"
    made = partial(Vault.create, key=key, durability="normal")
    # Two vaults, so that neither adds up what the other has written.
    with made(folder / "one" / "vault.db") as vault, made(folder / "two" / "vault.db") as other:
        governed, bare = Governed(vault), Governed(other)
        turns = Turns(vault.path.with_name("turns") / OWNER, vault.attendance)
        seen = interleaved(
            sizes.rounds,
            {
                "whole": partial(_spent, governed.whole, 20),
                "bare": partial(_spent, bare.bare, 20),
                "turn": partial(_spent, partial(_turn, turns), 2_000),
            },
        )
        turns.close()
    middle = medians(seen)
    beyond = (middle["whole"] - middle["bare"]) / GROUP
    return [
        Row(
            what="policy, operation and budgets of a call, beyond its commit",
            hold=f"≤ {HOLD_S * 1e6:.0f} µs",
            seen=_us(beyond),
            references={
                "two bare rows": _us(middle["bare"] / GROUP),
                "a turn to send, taken and given back": _us(middle["turn"]),
            },
            ratio=f"{middle['whole'] / middle['bare']:.1f} x",
            holds=beyond <= HOLD_S,
            figures={name: spread(values) for name, values in seen.items()},
        )
    ]


def _spent(work: Callable[[], object], times: int) -> float:
    """Returns the processor time of one repetition: none of it waits for the disk or anybody."""
    begin = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - begin) / times


def _turn(turns: Turns) -> None:
    turns.take(Pace(at_once=64, a_minute=0), now=1, since=1)
    turns.leave()


def _fill(change: Transaction) -> None:
    body = {
        "state": "active",
        "generation": 1,
        "name": "books",
        "subdomain": "books",
        "sandbox": None,
        "kind": "api_key",
    }
    change.put(Record(kind="connection", id=OWNER, name="books", body=body), expect=None)
    grant = {"state": "active", "scopes": ["clients:read"], "persona": PERSONA, "budget": 10**9}
    name = f"{OWNER}/{PERSONA}"
    change.put(Record(kind="grant", id=name, parent=OWNER, body=grant), expect=None)


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} µs"

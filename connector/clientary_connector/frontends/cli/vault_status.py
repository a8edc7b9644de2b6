"""Is `clientary vault status`: the vault's keys, what hangs on them, what is open and due."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from clientary_connector.ages import ANY, NO_TEXT, age_in_words, ages_of
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.status import Status
from clientary_connector.reports import VaultStatus
from clientary_connector.settings import Settings
from clientary_connector.statefolder import key_of, state_folder
from clientary_connector.wiring import open_connector

KIB: Final = 1024


@click.command()
@options.output
@click.pass_obj
def status(state: Path | None, *, output_: str) -> Status:
    """Say how the vault is: its keys and what hangs on them, what is open, what is due."""
    settings = Settings.from_environment()
    key = key_of(state_folder(state, settings), settings)
    with open_connector(state, settings=settings, mends=False) as connector:
        found = connector.vault.status()
        proofs = connector.log.proofs
        log_key, signed, anchors = proofs.key(), proofs.signed(), proofs.anchors()
    if output_ == "json":
        seen = [{"anchor": one.name, "rows": one.size, "stale": one.stale} for one in anchors]
        log = {"log_key": log_key, "signed": signed, "anchors": seen}
        output.emit_data(
            {"key": key, **found.to_json(), **log, "keep_days": ages_of(settings.keep)}
        )
        return Status.SUCCEEDED
    screen.emit(screen.pairs((*_pairs(found, key), ("Log key", log_key), ("Signed", signed))))
    screen.emit("\n")
    screen.table(("term", "state", "made", "keys on it", "opened by"), _terms(found))
    if found.log_growth:
        screen.emit("\n")
        screen.table(
            ("month (UTC)", "rows of the log", "about"),
            ((one.month, one.rows, _kib(one.size)) for one in found.log_growth),
        )
    screen.emit("\n")
    screen.table(("text of", "is kept"), _kept(settings.keep))
    for one in anchors:
        screen.note(f"Anchor {one.name}: {one.stale or f'up to row {one.size}'}")
    for line in _notes(found):
        screen.note(line)
    return Status.SUCCEEDED


def _pairs(found: VaultStatus, key: str) -> Iterable[tuple[str, Any]]:
    """Returns what is told line by line."""
    yield "Vault", f"{found.vault_id}, epoch {found.epoch}"
    yield "Database", f"{found.path} ({_kib(found.database_bytes)})"
    yield "Journal", _kib(found.journal_bytes)
    yield "Key", key
    yield "Fingerprint", found.fingerprint
    for purpose, states in found.keys.items():
        yield f"Keys: {purpose}", _counted(states)
    yield "Secrets", _counted(found.secrets) or "none"
    yield "Records", found.records
    yield "Log", f"{found.log_rows} rows, {found.open_intents} calls without an outcome"
    yield "Keys made", screen.when(found.keys_made_at)
    yield "Keys due", screen.when(found.keys_due_at)
    yield "Backup", "none" if found.backed_up_at is None else screen.when(found.backed_up_at)


def _terms(found: VaultStatus) -> Iterable[tuple[object, ...]]:
    """Returns the rows of the table."""
    for term in found.terms:
        yield (term.id, term.state, screen.when(term.made_at), term.keys, ", ".join(term.opened_by))


def _kept(keep: str) -> Iterable[tuple[str, str]]:
    """Returns for how long the text of each kind of row is kept, what is for all others last."""
    ages = ages_of(keep)
    for name, days in sorted(ages.items(), key=lambda item: (item[0] == ANY, item[0])):
        if name.partition(":")[0] in NO_TEXT:
            yield name, "there is none: these rows hold nothing sealed, and stay"
        else:
            yield "all others" if name == ANY else name, age_in_words(days)


def _notes(found: VaultStatus) -> Iterable[str]:
    """Returns what somebody has to look at."""
    if found.key_rotation is not None:
        again = "rotate-kek URI" if found.key_rotation.what == "kek" else "rotate-keys"
        yield (
            f"A rotation of keys was begun and not ended ({found.key_rotation.stage}): "
            f"clientary vault {again}"
        )
    if found.retired:
        yield f"Data keys that are still to be renewed: {len(found.retired)} or more."
    if found.rotations:
        yield f"API keys under rotation: {len(found.rotations)}. Go on: clientary vault tend"
    if found.keys_due_at <= datetime.now(UTC):
        yield "The vault's own keys are due: clientary vault rotate-keys"
    if found.degraded is not None:
        yield f"No new calls until the state is opened anew: {found.degraded}"
    if found.stale is not None:
        yield f"The anchor is behind: {found.stale}"
    if found.backed_up_at is None:
        yield "There is no backup: clientary vault backup FILE"


def _counted(counts: Any) -> str:  # noqa: ANN401 - numbers by name
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _kib(size: int) -> str:
    return f"{-(-size // KIB):,} KiB"

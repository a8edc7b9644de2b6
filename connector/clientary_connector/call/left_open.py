"""Tells calls that a process has left open, as it died, from those that are under way."""

from __future__ import annotations

from connector_vault import LogRow, Vault, View


def is_alive(vault: Vault, intent: LogRow) -> bool:
    """Tells whether the process that wrote an intent still has the vault open."""
    return vault.attendance.is_present(str(intent.facts.get("by", "")))


def left_open(vault: Vault, view: View) -> list[LogRow]:
    """Returns the calls without an outcome whose process is gone, oldest first."""
    rows = (view.log_row(seq) for seq in view.open_intents())
    return [row for row in rows if row is not None and not is_alive(vault, row)]

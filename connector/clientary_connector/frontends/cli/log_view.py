"""Shows entries of the log to people and programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import click

from clientary_connector.connector import Connector
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli.resultview import show_data
from clientary_connector.frontends.cli.status import Status
from clientary_connector.logentry import LogEntry, LogFilter

PROMPT_WIDTH: Final = 40
ERASED: Final = "(erased)"
#: The kind of a line that is about a call, and is none.
APPROVAL: Final = "approval"
COLUMNS: Final = ("id", "when", "user", "persona", "action", "outcome")
SEALED: Final = ("prompt", "arguments", "request", "response")
#: How wide a column is at least where the lines come one by one.
WIDTHS: Final = (6, 19, 12, 14, 20, 9)


def show_entries(entries: Iterable[LogEntry], form: str, *, prompts: bool) -> None:
    """Prints entries as a table, or each as a line of JSON."""
    if form == "jsonl":
        for entry in entries:
            emit_line(entry)
        return
    columns = (*COLUMNS, "prompt") if prompts else COLUMNS
    screen.table(columns, (_row(entry, prompts=prompts) for entry in entries))


def show_entry(entry: LogEntry) -> None:
    """Prints one entry in full."""
    document = entry.to_json()
    sealed = {name: document.pop(name) for name in SEALED}
    facts = {name: value for name, value in document.pop("facts").items() if name not in document}
    tries = facts.pop("tries", None)
    open_ = {**document, **facts}
    show_data({name: value for name, value in open_.items() if value not in (None, {})})
    if tries is not None:
        screen.emit("\nsends:\n")
        show_data(tries)
    for name, value in sealed.items():
        if value is not None:
            screen.emit(f"\n{name}:\n{_indented(value)}\n")
    if entry.erased:
        screen.note("What was sealed in this entry was erased; what lies open stays as proof.")


def followed(
    connector: Connector, where: LogFilter, *, user: str | None, limit: int, form: str
) -> Status:
    """Prints the last entries and then the new ones, oldest first, until Ctrl-C."""
    if form == "json":
        raise click.UsageError("What is followed has no end, and is no document: use -o jsonl.")
    coming = connector.log.follow(where, user=user)
    last = connector.log.page(where, limit=limit, user=user).entries
    try:
        for entry in reversed(last):
            _emit(entry, form, prompts=user is not None)
        for entry in coming:
            _emit(entry, form, prompts=user is not None)
    except KeyboardInterrupt:
        return Status.SUCCEEDED
    return Status.SUCCEEDED


def emit_line(entry: LogEntry) -> None:
    """Prints one entry as a line of JSON."""
    screen.emit_bytes(f"{screen.compact(entry.to_json())}\n".encode())


def _emit(entry: LogEntry, form: str, *, prompts: bool) -> None:
    if form == "jsonl":
        emit_line(entry)
        return
    cells = [screen.cell(value) for value in _row(entry, prompts=prompts)]
    padded = [text.ljust(width) for text, width in zip(cells, WIDTHS, strict=False)]
    screen.emit("  ".join([*padded, *cells[len(WIDTHS) :]]).rstrip() + "\n")


def _row(entry: LogEntry, *, prompts: bool) -> tuple[object, ...]:
    outcome = entry.outcome if entry.error is None else f"{entry.outcome} ({entry.error})"
    if entry.settled is not None:
        outcome = f"{outcome}, settled: {entry.settled.replace('_', ' ')}"
    prompt = ERASED if entry.erased else screen.shortened(entry.prompt or "", PROMPT_WIDTH)
    what = f"{entry.kind} {entry.action}" if entry.kind == APPROVAL else entry.action or entry.kind
    if entry.erased and not prompts:
        outcome = f"{outcome} {ERASED}"
    row = (entry.id, screen.when(entry.at), entry.user, entry.persona, what, outcome)
    return (*row, prompt) if prompts else row


def _indented(value: object) -> str:
    text = value if isinstance(value, str) else screen.document(value)
    return "\n".join(f"  {screen.visible(line)}" for line in text.split("\n"))

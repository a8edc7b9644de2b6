"""Proves that text from elsewhere is shown on a terminal and never obeyed by it."""

from __future__ import annotations

import io
import json
import os
import sys
from decimal import Decimal

import pytest

from clientary_connector.frontends import screen
from clientary_connector.frontends.colour import coloured_table

pytestmark = pytest.mark.requirement("cli.terminal")

ESCAPES = "a\x1b[31mred\x07 \x9b2J \u202egnp.exe\u2066 \u200b\ufeff \r\n\t\x00 b"


class Terminal(io.StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        """Says that somebody looks."""
        return True


def test_whatever_a_terminal_might_obey_is_shown_as_an_escape() -> None:
    """Escape sequences, line breaks, and marks that turn or hide text become visible."""
    shown = screen.visible(ESCAPES)
    assert shown.isprintable()
    assert r"a\x1b[31mred\x07" in shown
    assert r"\x9b2J \u202egnp.exe\u2066 \u200b\ufeff" in shown
    assert r"\r\n\t\x00" in shown


def test_harmless_text_of_any_language_stays_as_it_is() -> None:
    """Letters, accents, wide characters and spaces of other scripts are no danger."""
    text = "Ünïcode 株式会社 עברית 1\u202f250,00\xa0€ 🎉"
    assert screen.visible(text) == text


def test_json_stays_the_same_document_while_its_dangers_are_escaped() -> None:
    """What JSON leaves raw and a terminal would obey is escaped the JSON way."""
    value = {"name": f"{ESCAPES}\U000e0041"}
    text = screen.document(value)
    assert json.loads(text) == value
    assert all(line.isprintable() for line in text.split("\n"))
    assert json.loads(screen.compact(value)) == value


def test_a_cell_says_a_value_on_one_line() -> None:
    """Every JSON value has a short form."""
    values: list[object] = [None, True, False, 3, Decimal("1.50"), "x\ny", ["a", {}]]
    cells = [screen.cell(value) for value in values]
    assert cells == ["", "yes", "no", "3", "1.50", r"x\ny", '["a",{}]']


def test_a_table_in_a_pipe_is_plain_aligned_and_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """No colour, no box and no cut: columns stand under each other, wide characters included."""
    screen.table(("id", "name"), [(1, "株式"), (22, "x" * 200), (3, "e\u0301"), (4, None)])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["ID  NAME", "1   株式", f"22  {'x' * 200}", "3   e\u0301", "4"]


def test_a_table_on_a_terminal_has_colour_and_takes_cells_as_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A value that looks like markup is printed as it stands."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    screen.table(("outcome", "name"), [("failed", "[bold]x[/bold]\x1b[2J")])
    assert "\x1b[31mfailed" in terminal.getvalue()
    assert r"[bold]x[/bold]\x1b[2J" in terminal.getvalue()


def test_a_coloured_table_folds_what_is_too_wide() -> None:
    """Nothing is lost where a value is wider than the terminal."""
    text = coloured_table(("a",), [("x" * 300,)], width=80)
    assert text.count("x") == 300


def test_pairs_stand_under_each_other() -> None:
    """Names and values of one record are aligned."""
    assert screen.pairs((("a", 1), ("long", "x"))) == "a     1\nlong  x\n"
    assert screen.pairs(()) == ""


def test_a_reader_that_went_away_is_its_own_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed pipe is told apart from every other fault of the system."""
    out, into = os.pipe()
    os.close(out)
    # Unbuffered: what is left in a buffer would fail again when the stream is closed.
    with io.TextIOWrapper(io.FileIO(into, "wb"), write_through=True) as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        with pytest.raises(screen.PipeClosedError):
            screen.emit("x")
        with pytest.raises(screen.PipeClosedError):
            screen.emit_bytes(b"x")


def test_a_long_text_is_cut_with_a_mark() -> None:
    """A cut is seen."""
    assert screen.shortened("abcdef", 4) == "abc…"
    assert screen.shortened("abcd", 4) == "abcd"

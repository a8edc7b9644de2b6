"""Proves that the age of each kind of row is read from one line, and nonsense is refused."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import clientary_connector
import connector_vault
from clientary_connector import ages, logentry
from clientary_connector.ages import age_in_words, ages_of
from clientary_connector.errors import SettingsError
from clientary_connector.settings import Settings
from connector_vault import ages as vault_ages

pytestmark = pytest.mark.requirement("log.keep.ages")


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("", {"*": 365, "call:read": 90}),
        ("730", {"*": 730}),
        ("forever", {"*": 0}),
        ("approval=730", {"*": 365, "call:read": 90, "approval": 730}),
        ("call=30", {"*": 365, "call": 30}),
        ("call:write=30", {"*": 365, "call:read": 90, "call:write": 30}),
        (" 100  call:read=7 grant=1 ", {"*": 100, "call:read": 7, "grant": 1}),
    ],
)
def test_what_no_word_is_for_has_its_default(text: str, days: dict[str, int]) -> None:
    """A bare word takes the place of every default, one for a kind that of its effects."""
    assert ages_of(text) == days
    assert Settings(keep=text).keep == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cal=3", "'cal' is no kind of row"),
        ("intent=3", "'intent' is no kind of row"),
        ("=3", "'' is no kind of row"),
        ("grant:read=3", "'grant' has no effects"),
        ("call:red=3", "'red' is no effect"),
        ("call:=3", "'' is no effect"),
        ("call=0", "which is no age"),
        ("call=-1", "which is no age"),
        ("call=1.5", "which is no age"),
        ("36501", "which is no age"),
        ("call=", "which is no age"),
        ("call", "which is no age"),
        ("call=\u0664", "which is no age"),
        ("5 6", "says twice"),
        ("call=5 call=5", "says twice"),
    ],
)
def test_a_word_that_makes_no_sense_is_refused_with_what_to_give(text: str, said: str) -> None:
    """In code and from the environment, before anything is kept or ended by it."""
    with pytest.raises(SettingsError, match=said) as caught:
        Settings(keep=text)
    assert caught.value.hint
    with pytest.raises(SettingsError, match=said):
        Settings.from_environment({"CLIENTARY_KEEP": text})


def test_every_kind_of_row_that_is_written_has_its_word() -> None:
    """A kind that comes new into the code is settable, and can be asked for in the log."""
    written = {kind for path in sources() for kind in kinds_in(path)}
    assert {"intent", "refusal", "grant", "erase", "verify", "backup", "secret"} < written
    assert written - {"intent", "outcome"} <= set(ages.KINDS)
    # Those that the search does not see are handed on under another name.
    seldom = {"call", "approval", "sign_in", "sign_out", "rotate", "connect", "revoke"}
    assert set(ages.KINDS) - seldom <= written


def sources() -> list[Path]:
    """Gives the modules of both packages, save for what needs an extra."""
    roots = [Path(next(iter(one.__path__))) for one in (clientary_connector, connector_vault)]
    found = [path for root in roots for path in sorted(root.rglob("*.py"))]
    return [path for path in found if not {"frontends", "sandbox", "providers"} & {*path.parts}]


def kinds_in(path: Path) -> set[str]:
    """Gives the kinds of the rows that a module drafts."""
    text = path.read_text(encoding="utf-8")
    calls = [one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.Call)]
    drafted = [
        word.value
        for call in calls
        if ast.unparse(call.func).rpartition(".")[2] in {"draft", "change_draft"}
        for word in call.keywords
        if word.arg == "kind"
    ]
    if not drafted:
        return set()
    name = ".".join((*path.parts[path.parts.index(_root(path)) :][:-1], path.stem))
    module = importlib.import_module(name.removesuffix(".__init__"))
    return {found for one in drafted if (found := value_of(one, module)) is not None}


def _root(path: Path) -> str:
    return next(name for name in ("clientary_connector", "connector_vault") if name in path.parts)


def value_of(one: ast.expr, module: object) -> str | None:
    """Gives the text that an expression of a module stands for; None is one that is handed on."""
    if isinstance(one, ast.Constant):
        return str(one.value)
    if isinstance(one, ast.Attribute):
        return str(getattr(getattr(module, ast.unparse(one.value)), one.attr))
    found = getattr(module, ast.unparse(one), None)
    return None if found is None else str(found)


def test_ages_are_said_in_words() -> None:
    """As a person reads them."""
    assert [age_in_words(days) for days in (0, 1, 1000)] == ["for ever", "1 day", "1,000 days"]


def test_other_ages_are_a_change_of_settings() -> None:
    """So that the log says when text was to be kept for how long."""
    assert Settings(keep="30").changed() == {"keep": "30"}
    assert Settings().changed() == {}


def test_the_words_are_those_of_the_vault_and_of_the_log() -> None:
    """They stand twice, so that settings are read without the vault."""
    assert ages.ANY == vault_ages.ANY
    assert ages.EFFECTS == logentry.EFFECTS
    assert vault_ages.CALL == logentry.CALL
    assert not set(ages.WITH_TEXT) & set(ages.NO_TEXT)
    assert set(ages.WITH_EFFECT) < set(ages.WITH_TEXT)

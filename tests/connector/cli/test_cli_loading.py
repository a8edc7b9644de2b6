"""Proves that a command loads what it needs, and nothing that belongs to other commands."""

from __future__ import annotations

import gc
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from clientary_connector.frontends.cli.loading import loading
from tests.connector.cli.stage import TIMEOUT_S, Cli

pytestmark = pytest.mark.requirement("cli.loading")

#: Runs a command, and at its end writes into a file which modules were loaded.
TELLING: Final = """
import atexit, pathlib, sys
told, words = pathlib.Path(sys.argv[1]), sys.argv[2:]
atexit.register(lambda: told.write_text("\\n".join(sys.modules)))
from clientary_connector.frontends.cli import main
sys.exit(main(words))
"""
#: What no command loads that is not about it.
EXTRAS: Final = frozenset({"authlib", "httpx", "jinja2", "lark", "llm", "mcp", "starlette", "yaml"})
#: What calls go through.
CALLS: Final = frozenset(
    {"aiohttp", "jsonschema_rs", "clientary_connector.call.executor"}
    | {f"clientary_connector.call.{name}" for name in ("lines", "sending", "transport")}
)
#: What belongs to admins, their keys and their tokens.
ADMINS: Final = frozenset(
    f"clientary_connector.{name}"
    for name in ("accounts", "approver", "authorizing", "issuing", "log", "oauth", "rotating")
) | {"clientary_connector.settlements", "clientary_connector.tending", "clientary_connector.users"}
#: What looks after a vault.
CARE: Final = frozenset(
    f"connector_vault.{name}"
    for name in ("backup", "erasure", "inspection", "keyrotator", "logcheck", "restoring")
)
STATE: Final = frozenset({"apsw", "cryptography", "connector_vault.vault"})


@pytest.mark.parametrize(
    ("words", "others"),
    [
        (("--help",), EXTRAS | CALLS | ADMINS | CARE | STATE | {"asyncio", "rich"}),
        (("actions",), EXTRAS | CALLS | ADMINS | CARE | STATE | {"asyncio", "rich"}),
        (("log",), EXTRAS | CALLS | {"rich"}),
        (("grants",), EXTRAS | CALLS - {"jsonschema_rs"} | ADMINS | CARE | {"rich"}),
        (
            ("call", "list_staff", "books", "--persona", "bookkeeper", "--limit", "1"),
            EXTRAS | ADMINS | CARE | {"rich", "pluggy"},
        ),
    ],
    ids=["--help", "actions", "log", "grants", "call"],
)
def test_a_command_loads_nothing_of_the_others(
    ready: Cli, tmp_path: Path, words: tuple[str, ...], others: frozenset[str]
) -> None:
    """Nobody waits for what only somebody else uses."""
    told = tmp_path / "modules"
    state = () if words == ("--help",) else ("--state", str(ready.state))
    done = subprocess.run(  # noqa: S603 - the command under test
        [sys.executable, "-c", TELLING, str(told), *state, *words],
        capture_output=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(told.read_text(encoding="utf-8").splitlines())
    assert "clientary_connector.frontends.cli.commands" in loaded
    assert not loaded & others


def test_the_collector_is_left_out_while_modules_are_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It collects again afterwards, and leaves out what they have made."""
    (tmp_path / "never_loaded_before.py").touch()
    monkeypatch.syspath_prepend(tmp_path)  # pyright: ignore[reportUnknownMemberType] - has no types
    gc.unfreeze()
    assert gc.isenabled()
    with loading():
        assert not gc.isenabled()
        importlib.import_module("never_loaded_before")
    assert gc.isenabled()
    assert gc.get_freeze_count()
    gc.unfreeze()


def test_where_nothing_was_loaded_the_collector_leaves_nothing_out() -> None:
    """A command that is run again in one process makes no garbage stay."""
    gc.unfreeze()
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert not gc.get_freeze_count()


def test_a_process_that_collects_nothing_is_left_so() -> None:
    """Whoever has turned the collector off wants it off, also after an error."""
    gc.disable()
    try:
        with pytest.raises(ModuleNotFoundError), loading():
            raise ModuleNotFoundError
        assert not gc.isenabled()
    finally:
        gc.enable()
        gc.unfreeze()

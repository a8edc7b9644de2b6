"""Proves that what the README says is so: its examples run, its tables are those of the code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from clientary_connector import Call, open_connector
from clientary_connector.sandbox import RunningSandbox, Sandbox, serve
from tests.packaging import documents
from tests.packaging.installation import ROOT, clean_environment

README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
BIN: Final = Path(sys.executable).parent
#: The README's reader has an account of their own; the test connects the simulated one.
REAL: Final = "--subdomain YOURS"


@pytest.fixture
def far_side() -> Iterator[RunningSandbox]:
    """A simulated account that is served on loopback."""
    with serve(Sandbox()) as running:
        yield running


@pytest.mark.requirement("house.readme")
def test_the_shell_example_then_the_python_example_do_what_they_show(
    far_side: RunningSandbox, tmp_path: Path
) -> None:
    """A new reader who types the one and then runs the other gets the same three clients."""
    shell, python = _first("sh"), _first("python")
    assert REAL in shell
    shell = shell.replace(REAL, f"--sandbox {far_side.url} --key-stdin")
    told = _run("bash", "-euo", "pipefail", "-c", shell, state=tmp_path, stdin=far_side.sandbox.key)
    printed = _run(str(BIN / "python"), "-c", python, state=tmp_path)
    with open_connector(tmp_path) as connector:
        result = connector.run_sync(
            Call(
                action="list_clients",
                arguments={"limit": 3, "fields": ["id", "name"]},
                connection="books",
                user="dana",
                persona="bookkeeper",
                prompt="Who are our clients?",
            )
        )
    assert len(result.data) == len(["one", "two", "three"])
    assert result.log_id is not None
    assert all(client["name"] in told for client in result.data)
    assert printed.startswith(f"{result.outcome} {result.data} ")


@pytest.mark.requirement("house.readme")
def test_the_first_screen_tells_what_it_is_and_how_to_start() -> None:
    """Sentence, host, person, set-up and the way of a call stand in the first 60 lines."""
    screen = "\n".join(README.splitlines()[:60])
    for sign in ("```python", "```sh", "make demo", "make test", "1. **look up**", "9. **result**"):
        assert sign in screen


@pytest.mark.requirement("house.documents")
def test_the_generated_tables_are_those_of_the_code() -> None:
    """Commands, errors, settings and actions are listed as the code has them."""
    assert documents.stale(write=False) == []


@pytest.mark.requirement("house.documents")
def test_a_stale_table_is_seen_and_written_anew() -> None:
    """A line that somebody changed by hand is put right; what lies around it stays."""
    edited = README.replace("| `rate_limited` |", "| `slowed` |")
    assert edited != README
    assert documents.renewed_readme(edited) == README


@pytest.mark.requirement("house.documents")
def test_every_file_that_the_readme_links_to_exists() -> None:
    """No link of the README leads nowhere."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.requirement("house.documents")
def test_the_layout_shows_what_is_there() -> None:
    """Every file and folder in the picture exists, and no part of the plugin is left out."""
    shown = _layout()
    assert [str(path) for path in shown if not (ROOT / path).exists()] == []
    plugin = Path("connector/clientary_connector")
    parts = {plugin / path.name for path in (ROOT / plugin).iterdir()}
    unsaid = {plugin / name for name in ("__init__.py", "py.typed", "__pycache__")}
    assert parts - unsaid - shown == set()


def _layout() -> set[Path]:
    """Reads the picture: folders at the margin, and below each what lies in it."""
    picture = README.partition("## Layout\n\n```\n")[2].partition("```")[0]
    shown: set[Path] = set()
    folder = Path()
    for line in picture.splitlines():
        names = [word for word in re.split(r"\s{2,}", line.strip()) if " " not in word]
        if not line.startswith(" "):
            folder, names = Path(line.split()[0]), ["."]
        shown |= {folder / name for name in names}
    return shown


def _first(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found.group(1)


def _run(*command: str, state: Path, stdin: str = "") -> str:
    done = subprocess.run(  # noqa: S603 - the README's own commands
        command,
        env={
            **clean_environment(),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "CLIENTARY_STATE": str(state),
        },
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout

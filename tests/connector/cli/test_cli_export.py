"""Proves that a person exports actions at the command line: all of them, or a persona's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clientary_connector.frontends.export import DOCUMENTS, FORMATS
from tests.connector.cli.stage import Cli

pytestmark = pytest.mark.requirement("host.export.command")


@pytest.mark.parametrize("name", [*FORMATS, *DOCUMENTS])
def test_every_format_is_one_json_document_and_needs_no_vault(cli: Cli, name: str) -> None:
    """All actions are there before anything was set up."""
    ended = cli("export", "--format", name)
    assert ended.status == 0
    assert ended.err == ""
    text = json.dumps(json.loads(ended.out))
    assert "list_client_contacts" in text or "client_contacts" in text


def test_a_personas_export_holds_what_it_may_do(ready: Cli) -> None:
    """Only granted actions are written, in the shape of every other document with -o json."""
    ready("grant", "guest", "books", "--scope", "staff:read")
    ended = ready(
        *("export", "--format", "openai", "--persona", "guest", "--connection", "books"),
        *("-o", "json"),
    )
    assert ended.document["outcome"] == "succeeded"
    assert [tool["name"] for tool in ended.document["data"]] == ["get_staff", "list_staff"]


def test_a_persona_without_a_grant_gets_no_empty_list(ready: Cli) -> None:
    """The command says that nothing may be done, and how that is changed."""
    ended = ready("export", "--format", "mcp", "--persona", "stranger", "--connection", "books")
    assert ended.status == 2
    assert ended.out == ""
    assert "stranger may do nothing over books." in ended.err
    assert "clientary grant stranger books" in ended.err


def test_half_of_a_persona_is_refused(cli: Cli) -> None:
    """A persona holds grants over connections, so both are named."""
    for words in (("--persona", "guest"), ("--connection", "books")):
        ended = cli("export", "--format", "openai", *words)
        assert ended.status == 2
        assert "--persona and --connection" in ended.err


def test_an_export_is_written_to_a_new_file_and_over_none(cli: Cli, tmp_path: Path) -> None:
    """What is there already stays, and the reason is told."""
    file = tmp_path / "tools.json"
    first = cli("export", "--format", "gemini", "--out", str(file), "-o", "json")
    assert first.document["data"] == {"file": str(file)}
    written = file.read_text(encoding="utf-8")
    assert "functionDeclarations" in json.loads(written)[0]
    other = cli("export", "--format", "mcp", "--out", str(tmp_path / "other.json"))
    assert (other.status, other.out, other.err) == (0, "", "")
    again = cli("export", "--format", "mcp", "--out", str(file))
    assert again.status == 2
    assert "cannot be written: File exists." in again.err
    assert file.read_text(encoding="utf-8") == written


def test_a_prefix_is_for_tools_and_has_to_be_usable(cli: Cli) -> None:
    """It stands before every name; where it makes no name, the command says what to give."""
    ended = cli("export", "--format", "anthropic", "--prefix", "north_")
    assert all(tool["name"].startswith("north_") for tool in json.loads(ended.out))
    for words in (("anthropic", "--prefix", "9 "), ("openapi", "--prefix", "north_")):
        refused = cli("export", "--format", *words)
        assert refused.status == 2
        assert refused.out == ""

"""Proves `clientary find`: names to ids at the command line."""

from __future__ import annotations

import pytest

from tests.connector.cli.stage import Cli

pytestmark = pytest.mark.requirement("host.find.command")

WHO = ("--persona", "bookkeeper", "--user", "maria")


def test_it_shows_what_fits_with_its_id(ready: Cli) -> None:
    """As a table on stdout; how much was looked through on stderr."""
    ready.call("create_client", "-a", "name=Otis & Sons", "-a", "city=Exampleton")
    ended = ready("find", "clients", "otis", "books", *WHO)
    assert ended.status == 0
    head, line = ended.out.splitlines()
    assert head.split()[:2] == ["ID", "NAME"]
    assert "Otis & Sons" in line
    assert line.endswith("prefix")
    assert "That is all." in ended.err


def test_as_json_it_is_the_document_of_a_call(ready: Cli) -> None:
    """With the prompt that stands in the log, or what was typed in its place."""
    ended = ready("find", "clients", "nobody at all", "books", *WHO, "-o", "json")
    document = ended.document
    assert (document["outcome"], document["data"]) == ("succeeded", [])
    assert document["page"]["complete"] is True
    shown = ready("log", "show", str(document["log_id"]), "-o", "json").document
    assert shown["data"]["prompt"] == "(typed at the command line: find clients over books)"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("find", "client", "a", "books", *WHO), 2, "Did you mean clients?"),
        (("find", "clients", " ", "books", *WHO), 2, "$.text"),
        (("find", "clients", "a", "books", *WHO, "--within", "client_id", "1"), 2, "$.within"),
        (("find", "clients", "a", "books", *WHO, "--within", "client_id", "one"), 2, "--within"),
        (("find", "clients", "a", "books", *WHO, "--limit", "51"), 2, "--limit"),
        (("find", "clients", "a", "books"), 2, "--persona"),
        (("find", "clients", "a", "books", "--persona", "nobody"), 3, "denied"),
        (("find", "clients", "a", "nothing", *WHO), 3, "denied"),
    ],
)
def test_what_cannot_be_found_is_said_with_a_status(
    ready: Cli, words: tuple[str, ...], status: int, said: str
) -> None:
    """What is wrong, and what would do."""
    ended = ready(*words)
    assert (ended.status, said in ended.err) == (status, True), ended.err

"""Proves that a person rotates a key at the command line, and a timer tends to what is due."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clientary_connector.sandbox import Fault, FaultKind, RunningSandbox, Sandbox, serve
from tests.connector.cli.stage import Cli, Ended

pytestmark = pytest.mark.requirement("cli.rotate")


@pytest.fixture
def own(cli: Cli) -> Iterator[RunningSandbox]:
    """A connected account whose keys the test changes."""
    with serve(Sandbox()) as running:
        cli.set_up(running)
        yield running


def rotate(cli: Cli, key: str, *words: str) -> Ended:
    """Rotates to a key that is piped in."""
    return cli("rotate", "books", "--key-stdin", *words, stdin=key.encode())


def test_rotate_shows_each_step_and_what_is_left(cli: Cli, own: RunningSandbox) -> None:
    """Steps and the person's part on stderr, the outcome on stdout, the key nowhere."""
    new = own.sandbox.add_key()
    ended = rotate(cli, new)
    assert ended.status == 0
    assert ended.out.split() == [
        "Connection",
        "books",
        "Rotation",
        "1,",
        "overlapping",
        "In",
        "use",
        "key",
        "2",
    ]
    *states, left = ended.err.splitlines()
    assert states == [
        "The rotation has begun; the key in use stays in use.",
        "The new key is sealed in the vault, beside the one in use.",
        "The new key should be in effect.",
        "The new key answers, as the same account.",
        "The new key is in use.",
        "The old key is kept for calls that are under way.",
    ]
    assert left.startswith("Delete the old API key in Clientary, on the profile page of the user")
    assert new not in ended.out + ended.err
    assert cli.call("list_staff").status == 0


def test_check_old_says_whether_the_old_key_still_works(cli: Cli, own: RunningSandbox) -> None:
    """Status 1 while it does; 0 once the service no longer accepts it."""
    rotate(cli, own.sandbox.add_key())
    early = cli("rotate", "books", "--check-old")
    assert (early.status, early.err.splitlines()[0]) == (1, "The old secret is still accepted.")
    own.sandbox.revoke_key(own.key)
    done = cli("rotate", "books", "--check-old", "-o", "json").document
    assert (done["outcome"], done["data"]["state"], done["error"]) == (
        "succeeded",
        "finished",
        None,
    )


@pytest.mark.requirement("cli.status")
def test_a_key_that_is_refused_ends_with_1_and_says_why(cli: Cli, own: RunningSandbox) -> None:
    """In JSON as an error with its kind; the old key goes on working."""
    document = rotate(cli, "mistyped-" * 4, "-o", "json").document
    assert document["outcome"] == "failed"
    assert document["error"]["kind"] == "unauthorized"
    assert document["error"]["message"] == "The service does not accept the new secret."
    assert document["data"]["rotated"] is False
    ended = rotate(cli, own.sandbox.add_key(of=Sandbox(seed=2)))
    assert (ended.status, ended.out.split()[-2:]) == (1, ["key", "1"])
    assert "belongs to another account" in ended.err
    assert cli.call("list_staff").status == 0


@pytest.mark.requirement("cli.status")
def test_what_nobody_knows_ends_with_4(cli: Cli, own: RunningSandbox) -> None:
    """Both keys are refused: neither is thrown away, and a person is asked to look."""
    own.sandbox.revoke_key(own.key)
    statuses = [rotate(cli, "mistyped-" * 4).status, *(_tended(cli) for _ in range(4))]
    assert statuses == [1, 1, 1, 1, 1]
    ended = rotate(cli, "mistyped-" * 4)
    assert (ended.status, ended.out.split()[3:5]) == (4, ["1,", "uncertain"])
    assert "accepts neither the new secret nor the one in use" in ended.err
    assert rotate(cli, own.sandbox.add_key()).status == 0


def _tended(cli: Cli) -> int:
    """Runs the timer's command."""
    return cli("vault", "tend").status


def test_a_new_key_that_was_not_brought_into_use_can_be_dropped(
    cli: Cli, own: RunningSandbox
) -> None:
    """After that the rotation is over, and there is nothing to drop."""
    rotate(cli, "mistyped-" * 4)
    ended = cli("rotate", "books", "--drop")
    assert (ended.status, ended.out.split()[3:5]) == (0, ["1,", "dropped"])
    assert cli("rotate", "books", "--drop").status == 2
    assert own.sandbox.keys == [own.key]


def test_the_interval_is_set_and_the_table_shows_age_and_due(
    cli: Cli, own: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In days, in the table and in JSON; the interval alone asks for no key."""
    assert own.key
    assert cli("rotate", "books", "--every", "7").out.split()[-2:] == ["7", "days"]
    assert cli("connections").out.splitlines()[-1].endswith("0 d, due in 6 d")
    monkeypatch.setenv("CLIENTARY_ROTATION_NOTICE_DAYS", "3")
    assert cli("connections").out.splitlines()[-1].endswith("0 d")
    key = cli("connections", "-o", "json").document["data"][0]["key"]
    assert (key["every_days"], key["days_left"], key["due"]) == (7, 6, "fresh")
    assert cli("rotate", "books", "--every", "0").status == 2
    assert cli("rotate", "books", "--every", "9", "-o", "json").document["data"]["name"] == "books"


def test_an_interval_is_given_when_an_account_is_connected(cli: Cli, own: RunningSandbox) -> None:
    """And what makes no sense is refused before anything is sent."""
    words = ("connect", "more", "--sandbox", own.url, "--key-stdin", "--rotate-every")
    assert cli(*words, "-3", stdin=own.key.encode()).status == 2
    made = cli(*words, "30", "-o", "json", stdin=own.key.encode()).document["data"]
    assert made["rotate_every_days"] == 30
    assert "marks" not in made


def test_tend_is_quiet_when_nothing_is_due(cli: Cli, own: RunningSandbox) -> None:
    """A timer sends no mail; in JSON it is a document with no items."""
    assert own.key
    ended = cli("vault", "tend")
    assert (ended.status, ended.out, ended.err) == (0, "", "")
    document = cli("vault", "tend", "-o", "json").document
    assert (document["outcome"], document["data"]) == ("succeeded", {"items": [], "failed": False})


def test_tend_names_what_a_person_has_to_do(
    cli: Cli, own: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the days that are left; that is no failure."""
    assert own.key
    monkeypatch.setenv("CLIENTARY_ROTATION_NOTICE_DAYS", "365")
    ended = cli("vault", "tend")
    assert ended.status == 0
    row = ended.out.splitlines()[1].split()
    assert row[:4] == ["key", "books", "waiting", "89"]
    assert "clientary rotate books" in ended.out


def test_tend_fails_where_something_could_not_be_done(cli: Cli, own: RunningSandbox) -> None:
    """The service is down: status 1, and the rotation is finished by a later run."""
    own.sandbox.faults.add(Fault(kind=FaultKind.STATUS, status=500, times=2))
    assert rotate(cli, own.sandbox.add_key()).status == 1
    document = cli("vault", "tend", "-o", "json").document
    assert (document["outcome"], document["data"]["items"][0]["outcome"]) == ("failed", "failed")
    assert "gives no answer" in document["data"]["items"][0]["detail"]
    assert cli("vault", "tend").out.splitlines()[1].split()[:3] == ["rotation", "books", "done"]
    assert cli.call("list_staff").status == 0


def test_words_that_exclude_each_other_are_refused(cli: Cli, own: RunningSandbox) -> None:
    """One thing at a time, and a key is never an argument."""
    assert cli("rotate", "books", "--check-old", "--drop").status == 2
    typed = cli("rotate", "books", own.key)
    assert (typed.status, own.key in typed.err) == (2, False)
    assert cli("rotate", "nobody", "--key-stdin", stdin=own.key.encode()).status == 2
    same = rotate(cli, own.key)
    assert (same.status, "in use already" in same.err) == (2, True)


def test_a_key_is_asked_for_only_where_there_is_a_terminal(cli: Cli, tmp_path: Path) -> None:
    """And a fault of the state is said first."""
    assert cli("rotate", "books").status == 1
    assert not (tmp_path / "state").exists()

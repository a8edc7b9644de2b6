"""Proves that the log is verified in the background, one at a time, and never left hanging."""

from __future__ import annotations

import concurrent.futures
import sqlite3
import threading
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from clientary_connector import Settings
from clientary_connector.background import Background
from clientary_connector.errors import InvalidValueError, SettingsError
from clientary_connector.logproofs import LogProofs
from clientary_connector.verifying import CUT_SHORT, ENDED, RUNNING, TERM, Verification, Verifying
from connector_vault import LogQuery, LogRow, Record, Transaction, Vault
from tests.connector.engine.ground import NOW

pytestmark = pytest.mark.requirement("log.verifying")

#: More than are looked at before it is first said how far a verification is.
ROWS = 10_500


@dataclass
class Gate:
    """An anchor that says what it holds once it is let, so that a verification is held up."""

    holds: str = ""
    open: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)

    def server(self) -> ThreadingHTTPServer:
        """Returns it as a server on a free port."""
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                gate.reached.set()
                assert gate.open.wait(10)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(gate.holds.encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                """Says nothing."""

        return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@dataclass
class Stage:
    """A vault, an anchor with a gate, and verifications by as many processes as are asked for."""

    path: Path
    vault: Vault
    gate: Gate
    url: str
    now: datetime = NOW
    running: list[Background] = field(default_factory=list[Background])

    def verifying(self) -> Verifying:
        """Returns what stands for a process."""
        settings = Settings(anchors=(self.url,), anchor_answer_s=30)
        self.running.append(Background())
        proofs = LogProofs(self.vault, settings)
        return Verifying(self.vault, proofs, self.running[-1], clock=lambda: self.now)

    def fill(self, rows: int) -> None:
        """Puts rows into the log."""
        draft = self.vault.draft(kind="note", user="ada", facts={})
        self.vault.write(lambda log: [log.append(draft) for _ in range(rows)])

    def rows(self) -> list[LogRow]:
        """Returns what the log says of verifications."""
        query = LogQuery(kind="verify")
        return self.vault.read(lambda view: view.log_rows(query, limit=10))

    def alter(self, seq: int) -> None:
        """Alters a row of the log by hand."""
        with closing(sqlite3.connect(self.path, timeout=10)) as database, database:
            database.execute("DROP TRIGGER log_fixed")
            database.execute("UPDATE log SET user = 'eve' WHERE seq = ?", (seq,))

    def kept(self) -> Verification:
        """Returns what the vault keeps."""
        record = self.vault.read(lambda view: view.record("verify", "log"))
        assert record is not None
        return msgspec.convert(record.body, Verification)

    def keep(self, one: Verification) -> None:
        """Keeps something else, as another process would."""
        body = msgspec.to_builtins(one)

        def put(log: Transaction) -> None:
            found = log.record("verify", "log")
            log.put(
                Record(kind="verify", id="log", body=body), expect=found.revision if found else None
            )

        self.vault.write(put)


@pytest.fixture
def stage(tmp_path: Path) -> Generator[Stage]:
    """A vault with a few rows, whose anchor waits to be let."""
    gate = Gate()
    server = gate.server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    folder, key = tmp_path / "vault" / "vault.db", f"file:{tmp_path / 'keys' / 'key'}"
    with server, Vault.create(folder, key=key) as vault:
        made = Stage(folder, vault, gate, f"http://127.0.0.1:{server.server_port}/log")
        made.fill(3)
        gate.holds = LogProofs(vault, Settings()).checkpoint() or ""
        yield made
        gate.open.set()
        for background in made.running:
            background.close()
        server.shutdown()
        thread.join()


def at_work(stage: Stage) -> tuple[Verifying, Verification]:
    """Starts a verification, which now waits for its anchor."""
    verifying = stage.verifying()
    begun = verifying.start("ada")
    assert stage.gate.reached.wait(10)
    return verifying, begun


def ended(verifying: Verifying, stage: Stage) -> Verification:
    """Lets the anchor answer, and waits for the end of what is under way."""
    stage.gate.open.set()
    for background in stage.running:
        background.close()
    found = verifying.newest()
    assert found is not None
    return found


def test_a_verification_goes_on_beside_and_says_who_started_it(stage: Stage) -> None:
    """Until it has ended it runs; then its verdicts are there, also for other processes."""
    verifying, begun = at_work(stage)
    now = verifying.newest()
    assert now is not None
    assert (now.state, now.by, now.verdicts) == (RUNNING, "ada", None)
    end = ended(verifying, stage)
    assert (end.id, end.state, end.error) == (begun.id, ENDED, "")
    assert end.verdicts is not None
    assert end.verdicts["ok"] is True
    assert end.done == end.total == end.verdicts["rows"] == 3
    assert stage.verifying().newest() == end
    assert end.to_json()["begun"] == NOW.isoformat()
    assert "process" not in end.to_json()


def test_what_came_of_it_stands_in_the_log(stage: Stage) -> None:
    """One row, with who started it and each verdict."""
    verifying, _ = at_work(stage)
    ended(verifying, stage)
    (row,) = stage.rows()
    assert (row.user, row.outcome) == ("ada", "succeeded")
    assert row.facts == {
        "rows": 3,
        "signed": 3,
        "integrity": True,
        "coverage": True,
        "completeness": True,
        "erased": 0,
        "faults": 0,
    }


def unheard(done: int, total: int) -> None:
    """Is told how far it is, and does nothing."""
    del done, total


def test_a_verification_that_is_waited_for_is_kept_like_any_other(stage: Stage) -> None:
    """It gives its report, and others find it as the newest one; the log has one row of it."""
    stage.gate.open.set()
    told: list[tuple[int, int]] = []
    stage.fill(ROWS)
    report = stage.verifying().check("ada", lambda done, total: told.append((done, total)))
    assert (report.ok, report.rows) == (True, 3 + ROWS)
    assert told[-1][1] == 3 + ROWS
    newest = stage.verifying().newest()
    assert newest is not None
    assert (newest.by, newest.state, newest.done) == ("ada", ENDED, 3 + ROWS)
    (row,) = stage.rows()
    assert (row.user, row.outcome, row.facts["completeness"]) == ("ada", "succeeded", True)


def test_one_that_is_waited_for_goes_on_beside_one_that_is_under_way(stage: Stage) -> None:
    """It takes nobody's place: what is under way is kept on, and each has its row."""
    verifying, begun = at_work(stage)
    other = Verifying(
        stage.vault, LogProofs(stage.vault, Settings()), Background(), clock=lambda: NOW
    )
    assert other.check("bob", unheard).ok
    assert stage.kept().id == begun.id
    ended(verifying, stage)
    assert [row.user for row in stage.rows()] == ["ada", "bob"]


@pytest.mark.parametrize("how", [KeyboardInterrupt, ValueError])
def test_one_that_is_stopped_says_so_and_leaves_no_row(
    stage: Stage, how: type[BaseException]
) -> None:
    """Nobody takes a verification that was left for one that found nothing wrong."""
    stage.gate.open.set()
    stage.fill(ROWS)

    def stop(done: int, total: int) -> None:
        del done, total
        raise how

    with pytest.raises(how):
        stage.verifying().check("ada", stop)
    newest = stage.verifying().newest()
    assert newest is not None
    assert (newest.state, stage.rows()) == (CUT_SHORT, [])


def test_what_cannot_be_compared_with_is_said_before_anything_is_kept(stage: Stage) -> None:
    """A key that is none and an anchor that is none are a slip of whoever asks."""
    with pytest.raises(InvalidValueError):
        stage.verifying().check("ada", unheard, key="none")
    with pytest.raises(SettingsError):
        stage.verifying().check("ada", unheard, anchors=["gopher:nowhere"])
    with pytest.raises(InvalidValueError):
        stage.verifying().check("", unheard)
    assert (stage.verifying().newest(), stage.rows()) == (None, [])


def test_whoever_starts_another_is_given_the_one_under_way(stage: Stage) -> None:
    """In this process and in any other; only one row comes of it."""
    verifying, begun = at_work(stage)
    assert verifying.start("bob").id == begun.id
    assert stage.verifying().start("cleo").id == begun.id
    ended(verifying, stage)
    assert len(stage.rows()) == 1


def test_two_that_start_at_once_come_to_one(stage: Stage) -> None:
    """Whoever comes second inside the vault is given what came first."""
    first, second = stage.verifying(), stage.verifying()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        one, two = (pool.submit(each.start, "ada") for each in (first, second))
    assert one.result().id == two.result().id


def test_a_faulty_log_is_told_verdict_by_verdict(stage: Stage) -> None:
    """The row that was altered is named, and the outcome in the log is failed."""
    stage.alter(2)
    verifying, _ = at_work(stage)
    end = ended(verifying, stage)
    assert end.verdicts is not None
    assert (end.verdicts["ok"], end.verdicts["integrity"]) == (False, False)
    assert end.faults >= 1
    assert 2 in [fault["entry"] for fault in end.verdicts["faults"]]
    assert [row.outcome for row in stage.rows()] == ["failed"]


def test_a_log_that_cannot_be_written_is_verified_all_the_same(stage: Stage) -> None:
    """The newest row was altered: nothing is appended to it, and the verdict is still told."""
    stage.alter(3)
    verifying, _ = at_work(stage)
    end = ended(verifying, stage)
    assert end.state == ENDED
    assert end.verdicts is not None
    assert end.verdicts["integrity"] is False


def test_a_verification_that_comes_to_no_verdict_says_why(stage: Stage) -> None:
    """An anchor that cannot be used stops it; the log says that it failed."""
    stage.url = "gopher:nowhere"
    verifying = stage.verifying()
    verifying.start("ada")
    while (now := verifying.newest()) is not None and now.state == RUNNING:
        threading.Event().wait(0.01)
    end = ended(verifying, stage)
    assert end.verdicts is None
    assert "gopher:nowhere" in end.error
    assert end.hint
    assert [row.outcome for row in stage.rows()] == ["failed"]


def test_a_process_that_ends_leaves_nothing_hanging(stage: Stage) -> None:
    """What is under way stops at once, is told as cut short, and can be started anew."""
    stage.fill(ROWS)
    verifying, begun = at_work(stage)
    ending = threading.Thread(target=stage.running[-1].close)
    ending.start()
    stage.gate.open.set()
    ending.join(30)
    end = verifying.newest()
    assert end is not None
    assert (end.id, end.state, end.verdicts) == (begun.id, CUT_SHORT, None)
    assert stage.kept().state == CUT_SHORT
    assert stage.rows() == []
    assert stage.verifying().start("bob").id != begun.id


def test_what_a_dead_or_stuck_process_left_is_told_as_cut_short(stage: Stage) -> None:
    """One that is gone at once, one that is silent after a time; both can be started anew."""
    verifying = stage.verifying()
    left = Verification(id="1", state=RUNNING, by="bob", begun=NOW, seen=NOW, process="gone")
    stage.keep(left)
    assert verifying.newest() == replace(left, state=CUT_SHORT)
    silent = replace(left, process=stage.vault.attendance.me)
    stage.keep(silent)
    assert verifying.newest() == silent
    stage.now = NOW + TERM + timedelta(seconds=1)
    assert verifying.newest() == replace(silent, state=CUT_SHORT)
    assert verifying.start("ada").id != "1"


def test_one_that_was_overtaken_changes_nothing(stage: Stage) -> None:
    """What another process keeps stays when a slow one comes to its end."""
    verifying, _ = at_work(stage)
    other = Verification(id="2", state=CUT_SHORT, by="bob", begun=NOW, seen=NOW)
    stage.keep(other)
    ended(verifying, stage)
    assert stage.kept() == other


def test_how_far_it_is_grows(stage: Stage) -> None:
    """The rows looked at and those in all are told while it runs."""
    stage.fill(ROWS)
    stage.gate.open.set()
    verifying = stage.verifying()
    verifying.start("ada")
    told: set[tuple[int, int]] = set()
    while (now := verifying.newest()) is not None and now.state == RUNNING:
        told.add((now.done, now.total))
    assert now is not None
    assert now.done == now.total >= ROWS
    assert all(done <= total for done, total in told)


def test_nothing_is_started_for_nobody_or_by_what_was_closed(stage: Stage) -> None:
    """A user is needed; before the first one there is nothing to tell."""
    verifying = stage.verifying()
    assert verifying.newest() is None
    with pytest.raises(InvalidValueError):
        verifying.start("")
    assert verifying.newest() is None

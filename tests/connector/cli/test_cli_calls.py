"""Proves how calls and batches are made on the command line, and what their status says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clientary_connector.sandbox import Fault, FaultKind, RunningSandbox
from tests.connector.cli.stage import MODULE, TIMEOUT_S, Cli, wait_for_request

CALL_DOCUMENT = [
    "outcome",
    "data",
    "page",
    "warnings",
    "error",
    "log_id",
    "operation",
    "replayed",
]


@pytest.fixture
def faulty(far_side: RunningSandbox) -> Iterator[RunningSandbox]:
    """The simulated account, whose faults end with the test."""
    yield far_side
    far_side.sandbox.faults.clear()


@pytest.mark.requirement("cli.call")
def test_a_call_shows_its_record_and_its_line_in_the_log(ready: Cli) -> None:
    """The record goes to stdout, the way to its log entry to stderr."""
    ended = ready.call("create_client", "-a", "name=Example Bakery", "-a", "city=Exampleton")
    assert ended.status == 0
    assert "Exampleton" in ended.out
    assert "clientary log show" in ended.err


@pytest.mark.requirement("cli.output")
def test_a_call_as_json_is_exactly_one_document_on_stdout(ready: Cli) -> None:
    """Everything else is on stderr."""
    ended = ready.call("list_clients", "--limit", "2", "--fields", "id,name", "-o", "json")
    assert list(ended.document) == CALL_DOCUMENT
    assert ended.document["outcome"] == "succeeded"
    assert [list(client) for client in ended.document["data"]] == [["id", "name"]] * 2
    assert ended.document["page"]["limit"] == 2


@pytest.mark.requirement("cli.call")
def test_a_list_is_a_table_of_the_fields_asked_for(ready: Cli) -> None:
    """Columns come in the order in which they were named, and the rest of the list is told."""
    ended = ready.call("list_clients", "--page", "1", "--fields", "name,id")
    lines = ended.out.splitlines()
    assert lines[0].split() == ["NAME", "ID"]
    assert len(lines) == 11
    assert "--page 2" in ended.err


@pytest.mark.requirement("cli.call")
def test_arguments_come_from_json_options_and_stdin(ready: Cli, tmp_path: Path) -> None:
    """-a goes before the document; a list of objects may come either way."""
    path = tmp_path / "arguments.json"
    path.write_text('{"name": "From file", "city": "Exampleton"}', encoding="utf-8")
    made = ready.call(
        "create_client", "--json", str(path), "-a", "name=From option", "-o", "json"
    ).document
    assert (made["data"]["name"], made["data"]["city"]) == ("From option", "Exampleton")
    again = ready.call("create_client", "--json", "-", "-o", "json", stdin=b'{"name": "Piped"}')
    assert again.document["data"]["name"] == "Piped"


@pytest.mark.requirement("cli.call")
def test_money_is_sent_with_the_digits_that_were_typed(
    ready: Cli, far_side: RunningSandbox
) -> None:
    """125.10 is 125.10 on the wire: no float came near it."""
    ready.call("create_project", "-a", "name=Shop", "-a", "rate=125.10")
    body = far_side.sandbox.requests[-1].body
    assert b"125.10" in body


@pytest.mark.requirement("cli.errors", "cli.call")
@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        (("-a", "name"), b"", "key=value"),
        (("-a", "name=x", "-a", "name=y"), b"", "twice"),
        (("--json", "-"), b'{"name": \n}', "line 2, column 1"),
        (("--json", "-"), b'{"name": "\xff"}', "bad UTF-8 at line 1, byte 11"),
        (("--json", "-"), b"[]", "expected an object"),
        (("--json", "-"), b" " * (4 * 1024 * 1024 + 1), "more than"),
        (("--json", "/nosuch/file"), b"", "No such file"),
        (("--limit", "0", "-a", "name=x"), b"", "--limit"),
        (("--nosuch",), b"", "No such option"),
        (("-a", "nmae=x"), b"", "name"),
        (("--page", "2", "-a", "name=x"), b"", "page"),
    ],
)
def test_bad_usage_ends_with_2_and_sends_nothing(
    ready: Cli, far_side: RunningSandbox, *, words: tuple[str, ...], stdin: bytes, said: str
) -> None:
    """What is wrong is said with its place; the far side hears nothing."""
    before = len(far_side.sandbox.requests)
    ended = ready.call("create_client", *words, stdin=stdin)
    assert ended.status == 2
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert len(far_side.sandbox.requests) == before


@pytest.mark.requirement("cli.status")
def test_an_action_that_does_not_exist_is_bad_usage_with_an_offer(ready: Cli) -> None:
    """A slip is answered with what comes close."""
    ended = ready.call("create_clint", "-o", "json")
    assert ended.status == 2
    assert ended.document["error"]["kind"] == "invalid_arguments"
    assert "create_client" in ended.err


@pytest.mark.requirement("cli.status")
def test_what_was_not_granted_ends_with_3(ready: Cli) -> None:
    """A refusal is told apart from a failure, in status and document."""
    ended = ready.call("list_invoices_of_nobody")
    assert ended.status == 2
    ended = ready.call("list_estimates", "-o", "json")
    assert ended.status == 3
    assert (ended.document["outcome"], ended.document["error"]["kind"]) == ("refused", "denied")
    assert ended.err.startswith("Refused (denied): ")


@pytest.mark.requirement("cli.status")
def test_a_no_from_the_service_ends_with_1_and_names_its_fields(ready: Cli) -> None:
    """What the service rejects is shown field by field."""
    ready.call("create_client", "-a", "name=First", "-a", "number=SAME-1")
    ended = ready.call("create_client", "-a", "name=Second", "-a", "number=SAME-1")
    assert ended.status == 1
    assert "number: " in ended.err
    assert ready.call("get_client", "-a", "id=999999999").status == 1


@pytest.mark.requirement("cli.status")
def test_a_write_without_an_answer_ends_with_4(ready: Cli, faulty: RunningSandbox) -> None:
    """Unknown is its own status: the write was done and nobody said so."""
    faulty.sandbox.faults.add(Fault(kind=FaultKind.CUT_AFTER, method="POST"))
    ended = ready.call("create_client", "-a", "name=Perhaps", "-o", "json")
    assert ended.status == 4
    assert ended.document["outcome"] == "unknown"
    assert ended.err.startswith("Unknown (unknown): ")


@pytest.mark.requirement("cli.call")
def test_the_same_operation_is_not_done_twice(ready: Cli, far_side: RunningSandbox) -> None:
    """A repeat shows the first result and says that nothing was sent."""
    words = ("-a", "name=Once", "--operation", "op-once")
    first = ready.call("create_client", *words, "-o", "json").document
    before = len(far_side.sandbox.requests)
    again = ready.call("create_client", *words)
    assert again.status == 0
    assert str(first["data"]["id"]) in again.out
    assert "nothing was sent again" in again.err
    assert len(far_side.sandbox.requests) == before


@pytest.mark.requirement("cli.call")
def test_user_and_prompt_have_honest_defaults(ready: Cli) -> None:
    """The login name stands for the user, and a prompt that nobody gave says so."""
    log_id = ready.call("list_staff", "-o", "json").document["log_id"]
    entry = ready("log", "show", str(log_id), "-o", "json").document["data"]
    assert entry["user"]
    assert entry["prompt"] == "(typed at the command line: list_staff over books)"


@pytest.mark.requirement("cli.call")
def test_a_dry_run_shows_the_request_without_the_key_and_sends_nothing(
    ready: Cli, far_side: RunningSandbox
) -> None:
    """Method, address, headers and body are those that would be sent."""
    before = len(far_side.sandbox.requests)
    ended = ready.call("create_client", "-a", "name=Example Bakery", "--dry-run")
    assert ended.status == 0
    assert ended.out.startswith(f"POST {far_side.url}/api/v2/clients\n")
    assert '"name": "Example Bakery"' in ended.out
    assert "never shown" in ended.out
    assert far_side.key not in ended.out
    assert len(far_side.sandbox.requests) == before


@pytest.mark.requirement("cli.call")
def test_a_dry_run_of_a_deletion_counts_what_would_go_with_it(
    ready: Cli, far_side: RunningSandbox
) -> None:
    """The count is read live; nothing but reads is sent."""
    client = ready.call("create_client", "-a", "name=Doomed", "-o", "json").document["data"]["id"]
    ready.call("create_project", "-a", "name=P", "-a", "rate=1", "-a", f"client_id={client}")
    before = len(far_side.sandbox.requests)
    ended = ready.call("delete_client", "-a", f"id={client}", "--dry-run")
    assert ended.status == 0
    assert "for good" in ended.out
    rows = {line.split()[0]: line.split()[1:] for line in ended.out.splitlines() if line.strip()}
    assert rows["projects"][0] == "1"
    methods = {request.method for request in far_side.sandbox.requests[before:]}
    assert methods <= {"GET"}
    document = ready.call("delete_client", "-a", f"id={client}", "--dry-run", "-o", "json").document
    assert document["data"]["method"] == "DELETE"


@pytest.mark.requirement("cli.status")
def test_a_dry_run_of_what_is_not_granted_is_refused(ready: Cli) -> None:
    """The preview says no with the same status as the call would."""
    assert ready.call("list_estimates", "--dry-run").status == 3
    ended = ready.call("create_client", "--dry-run", "-o", "json")
    assert ended.status == 2
    assert ended.document["error"]["faults"]


@pytest.mark.requirement("cli.call")
def test_a_record_with_lines_shows_them_as_a_table_of_their_own(
    cli: Cli, far_side: RunningSandbox
) -> None:
    """Nested records are not squeezed into one cell."""
    cli.set_up(far_side, "invoices:write")
    lines = json.dumps([{"title": "Plans", "quantity": 2, "price": "80.00"}])
    ended = cli.call(
        "create_invoice",
        *("-a", "date=2026-01-31", "-a", "due_date=2026-02-28", "-a", "currency_code=EUR"),
        *("-a", f"invoice_items_attributes={lines}"),
    )
    assert ended.status == 0
    assert "\ninvoice_items:\n" in ended.out
    assert "Plans" in ended.out


@pytest.mark.requirement("cli.terminal")
def test_a_name_with_terminal_codes_is_shown_and_not_obeyed(ready: Cli) -> None:
    """What a client is called cannot paint the screen of whoever lists it."""
    name = "Bad\x1b[2J\u202ename"
    ready.call("create_client", "--json", "-", stdin=json.dumps({"name": name}).encode())
    for words in (("--fields", "name"), ("-o", "json")):
        ended = ready.call("list_clients", "--limit", "100", *words)
        assert "\x1b" not in ended.out
        assert "\u202e" not in ended.out
    shown = ready.call("list_clients", "--limit", "100", "-o", "json").document["data"]
    assert name in [client["name"] for client in shown]


@pytest.mark.requirement("cli.revoke")
def test_a_revoke_without_a_terminal_needs_yes(ready: Cli) -> None:
    """Nothing is destroyed by a script that did not mean it."""
    ended = ready("revoke", "books")
    assert ended.status == 2
    assert "--yes" in ended.err
    assert ready.call("list_staff").status == 0


@pytest.mark.requirement("cli.revoke")
def test_after_a_revoke_calls_are_refused(ready: Cli) -> None:
    """The command says what was closed and what a person has to do; the next call ends with 3."""
    ended = ready("revoke", "books", "--yes", "--reason", "No longer needed")
    assert ended.status == 0
    assert "Keys destroyed" in ended.out
    assert ended.err
    refused = ready.call("list_staff", "-o", "json")
    assert refused.status == 3
    assert refused.document["error"]["kind"] == "revoked"
    assert "revoked" in ready("connections", "--revoked").out
    assert ready("connections", "-o", "json").document["data"] == []


@pytest.mark.requirement("cli.revoke")
def test_revoke_as_json_and_of_a_name_that_is_not_there(ready: Cli) -> None:
    """The document holds what was done; an unknown name is bad usage."""
    assert ready("revoke", "nosuch", "--yes").status == 2
    data = ready("revoke", "books", "--yes", "-o", "json").document["data"]
    assert data["secrets_destroyed"] >= 1
    assert data["connection"]["state"] == "revoked"


@pytest.mark.requirement("cli.batch")
def test_a_batch_answers_each_line_in_order_and_a_bad_one_fails_alone(
    ready: Cli, tmp_path: Path
) -> None:
    """Numbers, order and outcomes agree with the lines that went in."""
    path = tmp_path / "calls.jsonl"
    lines = [
        '{"action": "create_client", "arguments": {"name": "A"}}',
        "not json",
        '{"action": "list_staff", "user": "ada", "prompt": "Who?"}',
        "",
        '{"action": "list_estimates"}',
        '{"action": "list_staff", "connection": "nosuch"}',
        '{"action": "create_client", "arguments": {}}',
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    words = ("--connection", "books", "--persona", "bookkeeper", "--concurrency", "2")
    ended = ready("batch", str(path), *words)
    answers = [(answer["line"], answer["outcome"], _kind(answer)) for answer in ended.lines]
    assert answers == [
        (1, "succeeded", None),
        (2, "refused", "invalid_arguments"),
        (3, "succeeded", None),
        (5, "refused", "denied"),
        (6, "refused", "denied"),
        (7, "refused", "invalid_arguments"),
    ]
    assert ended.status == 3
    assert ended.err == "6 calls: 2 succeeded, 4 refused.\n"
    assert list(ended.lines[0]) == ["line", *CALL_DOCUMENT]


@pytest.mark.requirement("cli.batch")
def test_a_batch_can_be_run_again_without_doing_anything_twice(
    ready: Cli, far_side: RunningSandbox, tmp_path: Path
) -> None:
    """With operations of their own, lines that were done are answered from the log."""
    path = tmp_path / "calls.jsonl"
    call = {"action": "create_client", "connection": "books", "persona": "bookkeeper"}
    path.write_text(
        "".join(
            json.dumps({**call, "arguments": {"name": f"N{n}"}, "operation": f"batch-{n}"}) + "\n"
            for n in range(5)
        ),
        encoding="utf-8",
    )
    first = ready("batch", str(path))
    before = len(far_side.sandbox.requests)
    again = ready("batch", str(path))
    assert first.status == again.status == 0
    assert [a["data"]["id"] for a in again.lines] == [a["data"]["id"] for a in first.lines]
    assert all(answer["replayed"] for answer in again.lines)
    assert len(far_side.sandbox.requests) == before


@pytest.mark.requirement("cli.batch", "cli.status")
def test_the_status_of_a_batch_is_that_of_its_gravest_line(
    ready: Cli, faulty: RunningSandbox, tmp_path: Path
) -> None:
    """Unknown goes before failed, failed before refused, refused before bad lines."""
    path = tmp_path / "calls.jsonl"
    words = ("batch", str(path), "--connection", "books", "--persona", "bookkeeper")
    path.write_text("", encoding="utf-8")
    assert ready(*words).status == 0
    path.write_text("?\n", encoding="utf-8")
    assert ready(*words).status == 2
    path.write_text('?\n{"action": "get_client", "arguments": {"id": 99999999}}\n')
    assert ready(*words).status == 1
    faulty.sandbox.faults.add(Fault(kind=FaultKind.CUT_AFTER, method="POST"))
    with path.open("a", encoding="utf-8") as file:
        file.write('{"action": "create_client", "arguments": {"name": "Perhaps"}}\n')
    assert ready(*words).status == 4


@pytest.mark.requirement("cli.batch")
def test_a_batch_that_cannot_be_opened_says_so(ready: Cli, tmp_path: Path) -> None:
    """A folder and a file that is not there are bad usage."""
    assert ready("batch", str(tmp_path)).status == 2
    assert ready("batch", str(tmp_path / "nosuch")).status == 2


@pytest.mark.requirement("cli.batch")
def test_a_batch_answers_a_line_while_stdin_stays_open(ready: Cli) -> None:
    """A program can talk with it line by line."""
    words = ["--state", str(ready.state), "batch", "-", "--persona", "bookkeeper"]
    with subprocess.Popen(  # noqa: S603 -- our own program
        [*MODULE, *words, "--connection", "books"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in (1, 2):
            process.stdin.write(b'{"action": "list_staff"}\n')
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["line"] == number
        process.stdin.close()
        assert process.wait(TIMEOUT_S) == 0


@pytest.mark.requirement("cli.batch", "cli.status")
def test_ctrl_c_ends_a_batch_after_the_calls_under_way(ready: Cli, faulty: RunningSandbox) -> None:
    """What was sent is answered and logged; nothing more is read; the status says why it ended."""
    faulty.sandbox.faults.add(Fault(kind=FaultKind.DELAY, method="GET", delay_s=2.0))
    words = ["--state", str(ready.state), "batch", "-", "--persona", "bookkeeper"]
    with subprocess.Popen(  # noqa: S603 -- our own program
        [*MODULE, *words, "--connection", "books"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        seen = len(faulty.sandbox.requests)
        process.stdin.write(b'{"action": "list_staff"}\n')
        process.stdin.flush()
        wait_for_request(faulty, seen=seen)
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline().startswith(b"Stopping: ")
        assert json.loads(process.stdout.readline())["outcome"] == "succeeded"
        assert process.wait(TIMEOUT_S) == 130


@pytest.mark.requirement("cli.errors")
def test_a_reader_that_goes_away_ends_a_command_quietly(ready: Cli) -> None:
    """As with any tool of the system: no traceback, no message."""
    out, into = os.pipe()
    os.close(out)
    with os.fdopen(into, "wb") as stdout:
        done = subprocess.run(  # noqa: S603 -- our own program
            [*MODULE, "--state", str(ready.state), "actions"],
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=False,
            timeout=TIMEOUT_S,
        )
    assert done.returncode == 141
    assert done.stderr == b""


@pytest.mark.requirement("cli.batch", "cli.errors")
@pytest.mark.parametrize("ends", [True, False])
def test_a_batch_whose_reader_went_away_stops_reading(
    ready: Cli, far_side: RunningSandbox, *, ends: bool
) -> None:
    """What was begun is ended and logged; nothing more is begun, whether more would come or not."""
    seen = len(far_side.sandbox.requests)
    out, into = os.pipe()
    os.close(out)
    words = ["--state", str(ready.state), "batch", "-", "--persona", "bookkeeper"]
    with (
        os.fdopen(into, "wb") as stdout,
        subprocess.Popen(  # noqa: S603 -- our own program
            [*MODULE, *words, "--connection", "books"],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b'{"action": "list_staff"}\n' * 2)
        process.stdin.flush()
        if ends:
            process.stdin.close()
        assert process.wait(TIMEOUT_S) == 141
        assert process.stderr.read().endswith(b" succeeded.\n")
    assert len(far_side.sandbox.requests) > seen
    assert ready("log", "--outcome", "open", "-o", "json").document["data"] == []


@pytest.mark.requirement("cli.batch")
def test_a_batch_runs_no_further_than_its_reader_reads(
    ready: Cli, far_side: RunningSandbox, tmp_path: Path
) -> None:
    """Where nobody takes the first answer, the lines of a long file are not all run."""
    path = tmp_path / "calls.jsonl"
    path.write_text('{"action": "list_staff"}\n' * 500, encoding="utf-8")
    seen = len(far_side.sandbox.requests)
    out, into = os.pipe()
    os.close(out)
    words = ["--state", str(ready.state), "batch", str(path), "--persona", "bookkeeper"]
    with os.fdopen(into, "wb") as stdout:
        done = subprocess.run(  # noqa: S603 -- our own program
            [*MODULE, *words, "--connection", "books", "--concurrency", "1"],
            stdout=stdout,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=TIMEOUT_S,
        )
    assert done.returncode == 141
    assert 1 <= len(far_side.sandbox.requests) - seen <= 5


@pytest.mark.requirement("cli.batch")
def test_a_batch_that_cannot_be_read_on_ends_with_1(ready: Cli) -> None:
    """A file that opens and then fails is told, and is no traceback."""
    unreadable = Path("/proc/self/mem")
    if not unreadable.exists():
        pytest.skip("this system has no file that opens and cannot be read")
    ended = ready("batch", str(unreadable))
    assert ended.status == 1
    assert "cannot be read on" in ended.err


@pytest.mark.requirement("cli.call", "cli.status")
def test_ctrl_c_in_a_call_says_how_to_find_out_what_happened(
    ready: Cli, faulty: RunningSandbox
) -> None:
    """The operation is named: the log knows under it what was sent and what came of it."""
    faulty.sandbox.faults.add(Fault(kind=FaultKind.DELAY, method="POST", delay_s=5.0))
    seen = len(faulty.sandbox.requests)
    words = ["call", "create_client", "books", "--persona", "bookkeeper", "-a", "name=Perhaps"]
    with subprocess.Popen(  # noqa: S603 -- our own program
        [*MODULE, "--state", str(ready.state), *words, "--operation", "op-stopped"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        wait_for_request(faulty, seen=seen)
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT_S) == 130
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read() == b""
        assert b"log --operation op-stopped" in process.stderr.read()
    entries = ready("log", "--operation", "op-stopped", "-o", "json").document["data"]
    assert [entry["outcome"] for entry in entries] == ["unknown"]


@pytest.mark.requirement("cli.call", "cli.output")
def test_warnings_and_an_empty_list_are_told_beside_the_data(
    ready: Cli, faulty: RunningSandbox
) -> None:
    """Stdout holds data and nothing else."""
    client = ready.call("create_client", "-a", "name=Empty", "-o", "json").document["data"]["id"]
    ended = ready.call("list_client_projects", "-a", f"client_id={client}")
    assert (ended.status, ended.out) == (0, "")
    assert "No records." in ended.err
    faulty.sandbox.faults.add(Fault(kind=FaultKind.WRONG_TYPES, method="GET"))
    drifted = ready.call("get_client", "-a", f"id={client}")
    assert drifted.status == 0
    assert "Warning: " in drifted.err


def _kind(answer: dict[str, Any]) -> str | None:
    """Returns the kind of an answer's error."""
    error: dict[str, str] | None = answer["error"]
    return None if error is None else error["kind"]

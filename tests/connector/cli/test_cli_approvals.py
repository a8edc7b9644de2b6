"""Proves `clientary approvals`, `approve` and `deny`: what a person sees, is asked, and decides."""

from __future__ import annotations

import os
import pty
import subprocess

import pytest

from clientary_connector.sandbox import RunningSandbox
from tests.connector.cli.stage import MODULE, TIMEOUT_S, Cli

pytestmark = pytest.mark.requirement("policy.approvals.command")


@pytest.fixture
def asking(ready: Cli) -> Cli:
    """A command line whose persona has to ask before it deletes."""
    ready.grant("clients:*", "projects:read")
    return ready


def deletion(cli: Cli) -> tuple[str, str]:
    """Makes a client, asks for its deletion, and returns its id and that of the approval."""
    client = str(
        cli.call("create_client", "-a", "name=Old Mill", "-o", "json").document["data"]["id"]
    )
    words = ("--user", "ada", "--prompt", "Take the old mill out, please")
    refused = cli.call("delete_client", "-a", f"id={client}", *words, "-o", "json")
    assert refused.status == 3
    error = refused.document["error"]
    assert error["kind"] == "approval_required"
    return client, error["approval"]


def test_what_waits_is_listed(asking: Cli) -> None:
    """With who asks and until when; nothing is said to be nothing."""
    empty = asking("approvals")
    assert (empty.status, empty.err) == (0, "Nothing waits for a person.\n")
    _, approval = deletion(asking)
    listed = asking("approvals")
    assert listed.status == 0
    head, line = listed.out.splitlines()
    assert head.split() == ["ID", "STATE", "ACTION", "CONNECTION", "PERSONA", "USER", "UNTIL", "BY"]
    assert line.split()[:6] == [approval, "pending", "delete_client", "books", "bookkeeper", "ada"]
    (data,) = asking("approvals", "-o", "json").document["data"]
    assert (data["id"], data["state"], data["effect"]) == (approval, "pending", "delete")


def test_the_refused_call_says_what_to_do(asking: Cli) -> None:
    """The hint names the approval, for the persona and for the person at the terminal."""
    _, approval = deletion(asking)
    again = asking.call("delete_client", "-a", "id=1")
    assert again.status == 3
    assert "Refused (approval_required)" in again.err
    assert "waits for them" in again.err
    assert approval not in again.err, "another client is another approval"


def test_one_is_shown_with_exactly_what_would_happen(asking: Cli) -> None:
    """The request, why it is asked for, and what goes with it, whatever the persona may read."""
    client, approval = deletion(asking)
    shown = asking("approvals", approval)
    assert shown.status == 0
    for words in (
        "delete_client (delete)",
        "bookkeeper, for ada",
        "Take the old mill out, please",
        f"/api/v2/clients/{client}",
        "DELETE http://127.0.0.1:",
        "It would take along, for good:",
    ):
        assert words in shown.out
    counted = {line.split()[0]: line.split()[1:] for line in shown.out.splitlines() if line}
    assert counted["invoices"] == ["0"]
    document = asking("approvals", approval, "-o", "json").document
    assert document["data"]["preview"]["method"] == "DELETE"
    assert document["data"]["prompt"] == "Take the old mill out, please"


def test_an_approved_call_runs_once(asking: Cli) -> None:
    """The person says yes, and the persona makes the same call again."""
    client, approval = deletion(asking)
    given = asking("approve", approval, "--yes", "--user", "grace", "--note", "Agreed")
    assert given.status == 0
    assert given.out.split()[:2] == ["Approved", approval]
    delete = ("delete_client", "-a", f"id={client}", "--user", "ada")
    assert asking.call(*delete).status == 0
    assert asking.call(*delete).status == 3
    used = asking("approvals", approval)
    assert "Agreed" in used.out
    assert "used" in used.out
    assert "DELETE" not in used.out
    states = {
        one["id"]: one["state"]
        for one in asking("approvals", "--all", "-o", "json").document["data"]
    }
    assert states[approval] == "used"
    log = asking("log")
    assert "approval delete_client" in log.out


def test_a_denied_call_says_by_whom_and_why(asking: Cli) -> None:
    """Deny needs no confirmation: nothing happens by it."""
    client, approval = deletion(asking)
    denied = asking("deny", approval, "--user", "grace", "--note", "Wrong mill", "-o", "json")
    assert denied.document["data"]["state"] == "denied"
    refused = asking.call("delete_client", "-a", f"id={client}", "--user", "ada")
    assert refused.status == 3
    assert "Refused (denied): grace has denied this call: Wrong mill" in refused.err


def test_a_yes_needs_a_terminal_or_yes(asking: Cli) -> None:
    """A script that forgot --yes changes nothing."""
    _, approval = deletion(asking)
    asked = asking("approve", approval)
    assert asked.status == 2
    assert "add --yes" in asked.err
    assert asking("approvals", approval, "-o", "json").document["data"]["state"] == "pending"


@pytest.mark.parametrize(
    ("answer", "status", "state"), [("y\n", 0, "given"), ("n\n", 1, "pending")]
)
def test_a_person_at_a_terminal_is_shown_all_and_asked(
    asking: Cli, answer: str, status: int, state: str
) -> None:
    """What would happen stands above the question; no is no."""
    client, approval = deletion(asking)
    master, terminal = pty.openpty()
    process = subprocess.Popen(  # noqa: S603 -- our own program
        [*MODULE, "--state", str(asking.state), "approve", approval, "--user", "grace"],
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.close(terminal)
    os.write(master, answer.encode())
    out, err = process.communicate(timeout=TIMEOUT_S)
    os.close(master)
    assert process.returncode == status, err
    assert f"/api/v2/clients/{client}" in out.decode()
    assert "Let this happen, once?" in err.decode()
    assert asking("approvals", approval, "-o", "json").document["data"]["state"] == state


def test_bad_input_is_said_in_words(asking: Cli) -> None:
    """An id that is none, the persona as approver, and an approval that ended."""
    client, approval = deletion(asking)
    for words in (("approvals", "apr_none"), ("approve", "apr_none", "--yes"), ("deny", "x")):
        ended = asking(*words)
        assert (ended.status, ended.out) == (2, "")
        assert "There is no approval" in ended.err
    persona = asking("approve", approval, "--yes", "--user", "Bookkeeper")
    assert persona.status == 2
    assert "A persona cannot approve what it asks for." in persona.err
    assert asking("approve", approval, "--yes").status == 0
    assert asking.call("delete_client", "-a", f"id={client}", "--user", "ada").status == 0
    late = asking("deny", approval)
    assert late.status == 2
    assert "is used; nothing can change that" in late.err


def test_an_approval_under_a_changed_grant_says_that_it_is_over(asking: Cli) -> None:
    """It is shown without its request, and cannot be given."""
    _, approval = deletion(asking)
    asking.grant("clients:read")
    shown = asking("approvals", approval)
    assert shown.status == 0
    assert "expired" in shown.out
    assert "DELETE" not in shown.out
    assert "was changed" in asking("approve", approval, "--yes").err


def test_what_would_be_refused_by_now_is_said_to_be(asking: Cli) -> None:
    """As where a condition over the record holds no more."""
    condition = 'for delete_client: name == "Old Mill"'
    scope = ("--scope", "clients:*")
    asking("grant", "give", "bookkeeper", "books", *scope, "--when", condition)
    client, approval = deletion(asking)
    asking.call("update_client", "-a", f"id={client}", "-a", "name=New Mill")
    shown = asking("approvals", approval)
    assert shown.status == 0
    assert "It would be refused now: " in shown.err
    assert "DELETE" not in shown.out


def test_a_dry_run_says_that_a_person_has_to_approve(asking: Cli, far_side: RunningSandbox) -> None:
    """Nothing but reads is sent for it."""
    before = len(far_side.sandbox.requests)
    dry = asking.call("delete_client", "-a", "id=1", "--dry-run")
    assert dry.status == 0
    assert "A person would have to approve it first." in dry.err
    assert {one.method for one in far_side.sandbox.requests[before:]} == {"GET"}

"""Proves that the search for traces of a secret finds what it is there to find."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.actions.traces import CANARY, WINDOW, Ear, Tracker, forms

pytestmark = pytest.mark.requirement("proof.no_trace")

TRACKER = Tracker(CANARY)


@pytest.mark.parametrize("form", sorted(forms(CANARY)))
def test_a_form_of_the_secret_is_found_in_any_text(form: str) -> None:
    """Each form counts, whole or as a part of it."""
    whole = forms(CANARY)[form]
    assert TRACKER.in_text(f"before {whole} after") != set()
    assert TRACKER.in_text(f"before {whole[3 : 3 + WINDOW]} after") != set()


def test_an_innocent_text_holds_no_trace() -> None:
    """The name of the secret's kind and a text of ordinary words are no traces."""
    assert TRACKER.in_text("The key of the account books was not accepted. " * 50) == set()


def test_a_trace_in_a_local_of_a_failed_call_is_found() -> None:
    """What a debugging host would print of a traceback is searched, too."""
    with pytest.raises(KeyError) as caught:
        _fail(CANARY)
    assert TRACKER.in_error(caught.value) != set()


def test_a_trace_in_a_file_or_a_log_record_is_found(tmp_path: Path) -> None:
    """Bytes of files and records of every logger are searched."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file.db-wal").write_bytes(b"\x00\x01" + CANARY.encode() + b"\xff")
    assert set(TRACKER.in_files(tmp_path)) == {"deep/file.db-wal"}
    with Ear() as ear:
        logging.getLogger("some.library").debug("sent", extra={"headers": {"a": CANARY}})
    assert TRACKER.in_text("".join(ear.heard)) != set()


def _fail(secret: str) -> None:
    headers = {"Authorization": secret}
    del headers["missing"]

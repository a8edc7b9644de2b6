"""Proves that a vault that could not store an outcome takes no intents, in every process."""

from __future__ import annotations

import pytest

from connector_vault import DegradedError
from tests.full_disk import full_disk
from tests.vault.ground import Place, append, intent

pytestmark = pytest.mark.requirement("log.closed.latch")


def test_others_that_had_the_vault_open_refuse_too(place: Place) -> None:
    """With the reason of the one that failed, from the next intent on, until they open it anew."""
    with place.create() as vault, place.open() as other:
        append(other, intent(other, "op_1"))
        vault.degrade("the disk was full")
        with pytest.raises(DegradedError, match="the disk was full"):
            append(other, intent(other, "op_2"))
        append(other, other.draft(kind="refusal", outcome="refused"))
        assert other.degraded == "the disk was full"
    with place.open() as again:
        assert again.degraded is None
        append(again, intent(again, "op_2"))


def test_the_latch_is_lifted_once_its_maker_is_gone(place: Place) -> None:
    """Until then it stands for everybody who asks, and refuses nothing of who came later."""
    vault = place.create()
    append(vault, vault.draft(kind="intent", operation="o", facts={"by": vault.attendance.me}))
    vault.degrade("the disk was full")
    with place.open() as later:
        assert (later.degraded, later.latch.standing) == (None, "the disk was full")
        assert later.latch.lift() is None
        vault.close()
        assert later.latch.lift() == "the disk was full"
        assert (later.latch.standing, later.latch.lift()) == (None, None)


def test_who_refuses_goes_on_refusing_when_the_file_is_gone(place: Place) -> None:
    """Only opening the vault anew helps."""
    with place.create() as vault, place.open() as other:
        vault.degrade("the disk was full")
        assert other.degraded == "the disk was full"
        place.database.with_name("vault.db.degraded").unlink()
        assert (vault.degraded, other.degraded) == ("the disk was full", "the disk was full")


def test_a_second_failure_after_the_first_was_mended_is_seen(place: Place) -> None:
    """Another file of the same name is another latch."""
    place.create().close()
    with place.open() as first:
        first.degrade("once")
    with place.open() as watching, place.open() as second:
        assert watching.degraded is None
        watching.latch.lift()
        second.degrade("twice")
        assert watching.degraded == "twice"


def test_it_works_where_there_is_no_room(place: Place) -> None:
    """The file may stay empty; others refuse all the same."""
    with place.create() as vault, place.open() as other:
        assert vault.attendance.me
        with full_disk():
            vault.degrade("the disk was full")
        assert vault.degraded == "the disk was full"
        assert other.degraded


def test_a_file_without_words_still_refuses(place: Place) -> None:
    """As one that a full disk has left empty, or a link that nobody follows."""
    with place.create() as vault:
        place.database.with_name("vault.db.degraded").touch()
        assert vault.degraded == "An outcome could not be written by another process."
    place.database.with_name("vault.db.degraded").unlink()
    with place.open() as vault:
        place.database.with_name("vault.db.degraded").symlink_to("nowhere")
        assert vault.latch.standing is None

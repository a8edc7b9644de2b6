"""Proves on a sample what tests/soak/bit_flips.py proves at full size."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.bit_flips import campaign

pytestmark = [
    pytest.mark.requirement("threat.4"),
    pytest.mark.requirement("vault.verify"),
    pytest.mark.slow,
]


def test_a_flipped_bit_is_a_named_error_or_changes_nothing(tmp_path: Path) -> None:
    """No row reads wrong, no error is foreign, and no check passes on a changed vault."""
    tally = campaign(tmp_path, flips=300, seed=2026)
    assert tally.wrong == []
    assert tally.flips == 300
    ends = ("the vault refuses", "a row refuses", "reads as before", "the check fails")
    assert all(tally.ends[end] > 0 for end in ends)

"""Proves that the table of actions is that of the manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from clientary_connector.manifest import clientary_manifest_path, load_manifest
from clientary_connector.manifest_table import manifest_table

ALMANAC: Final = Path(__file__).parent / "data" / "almanac.json"

pytestmark = pytest.mark.requirement("manifest.table")


def test_the_readme_holds_the_table_of_today() -> None:
    """Who changes the manifest draws the table again: `clientary manifest table`."""
    readme = clientary_manifest_path().with_name("README.md").read_text(encoding="utf-8")
    assert readme.endswith(f"\n\n{manifest_table(load_manifest())}")


def test_a_line_tells_arguments_effect_scope_and_request() -> None:
    """Required arguments are bold, and what may move money says so."""
    lines = manifest_table(load_manifest(ALMANAC)).splitlines()
    assert len(lines) == 2 + 7
    assert lines[5] == (
        "| 4 | Update Event | `update_event` | **`id`**, `caption`, `day`, `kind`, `fee`, `public` "
        "| write | `events:write` | `PUT /sky/v7/events/{id}` |"
    )
    assert " write, may move money " in manifest_table(load_manifest()).splitlines()[2 + 7]

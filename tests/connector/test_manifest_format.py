"""Proves that laying a manifest out changes how it looks and never what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientary_connector.errors import ManifestError
from clientary_connector.manifest import clientary_manifest_path
from clientary_connector.manifest_format import WIDTH, format_manifest

ALMANAC: Final = Path(__file__).parent / "data" / "almanac.json"
KEYS: Final = st.one_of(st.text(), st.sampled_from(["properties", "actions", "$defs", "enum"]))
JSON: Final = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
        st.text(alphabet=st.characters(categories=["Cs", "L"])),
    ),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(KEYS, inner)),
    max_leaves=40,
)

pytestmark = pytest.mark.requirement("manifest.format")


@given(JSON)
def test_a_layout_says_what_the_text_said_and_stays_as_it_is(value: Any) -> None:  # noqa: ANN401 - JSON
    """Values, their types and the order of keys survive; a second run changes nothing."""
    for text in (json.dumps(value), json.dumps(value, indent=7)):
        laid_out = format_manifest(text)
        assert json.dumps(json.loads(laid_out)) == json.dumps(value)
        assert format_manifest(laid_out) == laid_out
        laid_out.encode()


@pytest.mark.parametrize(
    "number",
    ["1.10", "1E5", "-0", "0.1000", "1e400", "123456789012345678901234567890.5", "9" * 5000],
)
def test_a_number_keeps_its_spelling(number: str) -> None:
    """No digit is lost, whatever Python would make of the number."""
    assert format_manifest(number) == f"{number}\n"
    assert format_manifest(f'{{"a":[{number}]}}') == f'{{"a": [{number}]}}\n' or len(number) > WIDTH


def test_text_is_written_as_itself() -> None:
    """Letters of all scripts stand as they are; only half a surrogate pair is escaped."""
    assert format_manifest('"\\u00dc \\u65e5 \\n"') == '"Ü 日 \\n"\n'
    assert format_manifest('"\\ud800 \\u00dc"') == '"\\ud800 \\u00dc"\n'


def test_fields_stand_one_a_line_and_short_parts_on_one_line() -> None:
    """The whole layout of a small manifest, character by character."""
    names = [f"a_name_of_more_than_thirty_letters_{number}" for number in range(3)]
    value: dict[str, Any] = {
        "host": {"pattern": "x.example"},
        "$defs": {"id": {"type": "integer", "minimum": 1}, "day": {"format": "date"}},
        "actions": [
            {
                "id": "list_days",
                "place": {"query": names},
                "input": {"properties": {"id": {"$ref": "#/$defs/id"}, "day": {}}},
                "output": {"properties": {"id": {}}},
                "paging": {},
            }
        ],
    }
    assert format_manifest(json.dumps(value)) == EXPECTED


EXPECTED: Final = """\
{
  "host": {"pattern": "x.example"},
  "$defs": {
    "id": {"type": "integer", "minimum": 1},
    "day": {"format": "date"}
  },
  "actions": [
    {
      "id": "list_days",
      "place": {
        "query": [
          "a_name_of_more_than_thirty_letters_0", "a_name_of_more_than_thirty_letters_1",
          "a_name_of_more_than_thirty_letters_2"
        ]
      },
      "input": {
        "properties": {
          "id": {"$ref": "#/$defs/id"},
          "day": {}
        }
      },
      "output": {"properties": {"id": {}}},
      "paging": {}
    }
  ]
}
"""


@pytest.mark.parametrize(
    "path",
    [
        clientary_manifest_path(),
        clientary_manifest_path().with_name("manifest.schema.json"),
        ALMANAC,
    ],
    ids=lambda path: path.name,
)
def test_the_files_of_this_project_are_laid_out(path: Path) -> None:
    """The formatter would change nothing in them, and no line but a long text is too long."""
    text = path.read_text(encoding="utf-8")
    assert format_manifest(text) == text
    assert all(len(line) <= WIDTH or '"description": "' in line for line in text.splitlines())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1,}', "Not JSON at line 1, column "),
        ('{"a": 1, "a": 1}', "The key 'a' stands twice"),
        ("[Infinity]", "Infinity is no JSON number"),
        ("[" * 100_000, "Nested too deeply"),
        ("[" * 600 + "]" * 600, "Nested too deeply"),
    ],
    ids=["bad JSON", "key twice", "no number", "too deep to read", "too deep to write"],
)
def test_what_is_no_sound_json_is_refused(text: str, said: str) -> None:
    """The formatter lays out nothing that it might change."""
    with pytest.raises(ManifestError) as caught:
        format_manifest(text)
    assert said in caught.value.message
    assert caught.value.hint

"""Proves that limits are declared, read once, and refused where they make no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from clientary_connector import Settings, create_state, open_connector
from clientary_connector.errors import SettingsError
from clientary_connector.settings import limits

pytestmark = pytest.mark.requirement("engine.settings")

NAMES = [item.name for item in limits()]


@pytest.mark.parametrize("name", NAMES)
def test_each_limit_has_unit_reason_and_a_default_in_its_range(name: str) -> None:
    """The declaration is whole, and the default passes it."""
    item = next(item for item in limits() if item.name == name)
    assert item.metadata["unit"]
    assert item.metadata["why"]
    assert item.metadata["least"] <= item.default <= item.metadata["most"]


@pytest.mark.parametrize("name", NAMES)
def test_each_limit_is_read_from_its_variable(name: str) -> None:
    """The name in capitals, after the prefix."""
    item = next(item for item in limits() if item.name == name)
    value = item.metadata["most"]
    settings = Settings.from_environment({f"CLIENTARY_{name.upper()}": str(value)})
    assert getattr(settings, name) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("max_attempts", "three"), ("max_attempts", "1.5"), ("max_attempts", "0"),
        ("max_attempts", "21"), ("send_timeout_s", "nan"), ("send_timeout_s", "inf"),
        ("send_timeout_s", "-1"), ("send_timeout_s", ""), ("max_body_bytes", "10 MB"),
    ],
)  # fmt: skip
def test_a_variable_that_makes_no_sense_is_named(name: str, text: str) -> None:
    """The error names the setting and repeats nothing of what was in it."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({f"CLIENTARY_{name.upper()}": text})
    assert name in caught.value.message.lower()


@pytest.mark.parametrize("value", [True, "4", None, 1.5])
def test_a_limit_of_another_kind_is_refused(value: object) -> None:
    """A program that sets it is checked like the environment."""
    with pytest.raises(SettingsError):
        Settings(max_attempts=value)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_state_and_key_come_from_the_environment_or_are_open() -> None:
    """Empty means unset; a tilde is the home folder."""
    assert Settings.from_environment({"CLIENTARY_STATE": "", "CLIENTARY_KEY": ""}) == Settings()
    given = Settings.from_environment({"CLIENTARY_STATE": "~/x", "CLIENTARY_KEY": "file:/k"})
    assert (given.state, given.key) == (Path("~/x").expanduser(), "file:/k")


def test_the_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an environment given, that of the process is read."""
    monkeypatch.setenv("CLIENTARY_MAX_PAGES", "7")
    assert Settings.from_environment().max_pages == 7


def test_durability_is_full_unless_it_is_set(tmp_path: Path) -> None:
    """Another word is refused, and the vault is opened with the one that is set."""
    assert Settings.from_environment({}).durability == "full"
    normal = Settings.from_environment({"CLIENTARY_DURABILITY": "normal"})
    assert normal.durability == "normal"
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"CLIENTARY_DURABILITY": "none"})
    assert "full or normal" in str(caught.value.hint)
    create_state(tmp_path / "state")
    with open_connector(tmp_path / "state", settings=normal) as connector:
        assert connector.log.verify().ok

"""Proves that a page says what can be done on pages, and sends nobody to a terminal."""

from __future__ import annotations

import pytest

from clientary_connector.errors import (
    ConnectorError,
    RotationError,
    StateIntegrityError,
    UnknownGrantError,
)
from clientary_connector.frontends.console.saying import hint_of, told

pytestmark = pytest.mark.requirement("console.frame")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UnknownGrantError("There is none.", hint="Give one."), "There is none. Give one."),
        (UnknownGrantError("There is none."), "There is none."),
        (
            RotationError("One is open.", hint="`clientary rotate books --drop`."),
            (
                "One is open. Look on the page of the connection how far its rotation is: go on "
                "with it there, or drop its new key."
            ),
        ),
        (RotationError("It is held.", hint="Look again then."), "It is held. Look again then."),
        (
            StateIntegrityError("A row was altered.", hint="Run `clientary vault verify`."),
            (
                "A row was altered. That is for whoever runs this console, at its terminal: "
                "Run `clientary vault verify`."
            ),
        ),
    ],
)
def test_a_hint_is_one_that_its_reader_can_follow(error: ConnectorError, said: str) -> None:
    """Commands that a page can do are its own words; others are for whoever has the terminal."""
    assert told(error) == said
    assert said.endswith(hint_of(error))

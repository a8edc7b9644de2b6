"""Names the kinds of rows by which calls stand in the log."""

from __future__ import annotations

from typing import Final

INTENT: Final = "intent"
OUTCOME: Final = "outcome"
REFUSAL: Final = "refusal"

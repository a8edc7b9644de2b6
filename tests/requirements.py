"""Lists every requirement that the tests prove, by id; a test checks the list both ways."""

from __future__ import annotations

from typing import Final

HOUSE: Final = {
    "house.requirements": "Every requirement has a test and every test names a requirement.",
}

MANIFEST: Final[dict[str, str]] = {}

VAULT: Final[dict[str, str]] = {}

LOG: Final[dict[str, str]] = {}

ENGINE: Final[dict[str, str]] = {}

TRANSPORT: Final[dict[str, str]] = {}

SANDBOX: Final[dict[str, str]] = {}

CLI: Final[dict[str, str]] = {}

PROOF: Final[dict[str, str]] = {}

REQUIREMENTS: Final = {
    **HOUSE,
    **MANIFEST,
    **VAULT,
    **LOG,
    **ENGINE,
    **TRANSPORT,
    **SANDBOX,
    **CLI,
    **PROOF,
}

"""Lists every requirement that the tests prove, by id; a test checks the list both ways."""

from __future__ import annotations

from typing import Final

HOUSE: Final = {
    "house.requirements": "Every requirement has a test and every test names a requirement.",
    "house.setup": "A fresh machine's newest Python that runs is found, shims and all.",
    "house.artifacts": "Wheel, sdist, editable install and checkout all find the manifests.",
    "house.pins": "What is installed is pinned to the byte, and what is shown is what is tested.",
    "house.portable": "No file names a registry or a path of a machine.",
    "house.shape": "Modules and functions stay short, and one module reads the environment.",
    "house.contracts": "The import contracts hold, and each of them catches a violation.",
    "house.readme": "The README's examples run as they stand.",
    "house.documents": "The README's tables, links and layout are those of the code.",
}

MANIFEST: Final[dict[str, str]] = {}

VAULT: Final[dict[str, str]] = {}

LOG: Final[dict[str, str]] = {}

ENGINE: Final[dict[str, str]] = {}

TRANSPORT: Final[dict[str, str]] = {}

SANDBOX: Final[dict[str, str]] = {
    "sandbox.account": "The same seed makes the same account, of a size that fills its pages.",
    "sandbox.cascades": "A deletion takes along what belongs to it, and leaves the rest in order.",
    "sandbox.control": "People set faults and see what was asked and done, with the key only.",
    "sandbox.faults": "Every kind of fault is seen by a real client, when and as often as set.",
    "sandbox.http": "The simulated Clientary authenticates, wraps and refuses as the API does.",
    "sandbox.invoices": "Invoices add up, number, settle and go out as the API's do.",
    "sandbox.lists": "Lists have the API's envelopes, page sizes, filters and orders.",
    "sandbox.records": "Each record is made, read and changed with the API's fields and rules.",
}

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

"""Finds a manifest and reads its JSON strictly: UTF-8, one object, no key twice, real numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, NoReturn, TypeVar, cast

from clientary_connector.errors import ManifestError
from clientary_connector.manifest.schemas import Schema

CHECK_IT: Final = "Run `clientary manifest check` on it: it lists every fault and where it lies."
MEND_IT: Final = "Mend the JSON at that place."

_PACKAGE: Final = Path(__file__).resolve().parents[1]
# In a wheel the manifests lie inside the package, in a checkout at its root.
_FOLDERS: Final = (_PACKAGE / "manifests", _PACKAGE.parents[1] / "manifests")

_Value = TypeVar("_Value")


def clientary_manifest_path() -> Path:
    """Finds `clientary.json` beside the code of an installed package, or in the checkout.

    Raises:
        ManifestError: Neither place holds it.
    """
    for folder in _FOLDERS:
        if (path := folder / "clientary.json").is_file():
            return path
    raise ManifestError(
        f"{_FOLDERS[0] / 'clientary.json'}: not found.", hint="Install the package again."
    )


def read_manifest(path: Path) -> Schema:
    """Reads the JSON object in a file.

    Raises:
        ManifestError: The file is missing, is not UTF-8, or holds no sound JSON object.
    """
    try:
        document = parsed(path.read_bytes().decode())
    except OSError as error:
        raise ManifestError(
            f"{path}: cannot be read ({error.strerror}).", hint="Check the path and its rights."
        ) from error
    except UnicodeDecodeError as error:
        raise ManifestError(
            f"{path}: not UTF-8 at byte {error.start}.", hint="Save the file as UTF-8."
        ) from error
    except ManifestError as error:
        raise ManifestError(f"{path}: {error.message}", hint=error.hint) from error
    if not isinstance(document, dict):
        raise ManifestError(f"{path}: holds no JSON object.", hint="Put the manifest in braces.")
    return cast("Schema", document)


def parsed(text: str, decoder: json.JSONDecoder | None = None) -> object:
    """Parses a JSON text, by default with numbers as Python has them.

    Raises:
        ManifestError: The text is not JSON, or an object names a key twice.
    """
    try:
        return cast("object", (decoder or _DECODER).decode(text))
    except json.JSONDecodeError as error:
        raise ManifestError(
            f"Not JSON at line {error.lineno}, column {error.colno} ({error.msg}).", hint=MEND_IT
        ) from error
    except RecursionError as error:
        raise ManifestError("Nested too deeply.", hint="Flatten the JSON.") from error


def unique(pairs: list[tuple[str, _Value]]) -> dict[str, _Value]:
    """Makes an object of its members; for a decoder's `object_pairs_hook`.

    Raises:
        ManifestError: A key stands twice.
    """
    members = dict(pairs)
    if len(members) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ManifestError(f"The key {twice!r} stands twice in one object.", hint="Keep one.")
    return members


def no_number(name: str) -> NoReturn:
    """Refuses NaN and the infinities; for a decoder's `parse_constant`.

    Raises:
        ManifestError: Always.
    """
    raise ManifestError(f"{name} is no JSON number.", hint="Write a number that JSON knows.")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=unique, parse_constant=no_number)

"""Holds a manifest against its schema first, then against the rules that no schema can state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from clientary_connector.errors import ManifestError
from clientary_connector.manifest import Schema, clientary_manifest_path, read_manifest
from clientary_connector.manifest_check.fitting import Misfit, misfits, written
from clientary_connector.manifest_check.rules import broken_rules
from clientary_connector.manifest_check.subject import Broken


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: in which file, in which action and field if any, what to do."""

    file: str
    action: str | None
    field: str | None
    message: str

    def __str__(self) -> str:
        """The fault on one line."""
        places = (self.file, self.action, self.field, self.message)
        return ": ".join(part for part in places if part)


def check_manifest(path: Path) -> list[Fault]:
    """Lists all faults of the manifest in a file; what its schema finds comes first.

    An action that does not fit the schema is not held against the rules as well: mend it, and
    check again.
    """
    file = str(path)
    try:
        document = read_manifest(path)
    except ManifestError as error:
        return [Fault(file, None, None, f"{error.message.removeprefix(f'{file}: ')} {error.hint}")]
    found = list(misfits(document, load_meta_schema()))
    misshapen = [_fault(document, file, misfit) for misfit in found]
    broken = _broken(document, [misfit.path for misfit in found])
    return misshapen + [Fault(file, part.action, part.field, part.message) for part in broken]


def load_meta_schema() -> Schema:
    """Loads the schema that every manifest has to fit.

    Raises:
        ManifestError: It cannot be read.
    """
    return read_manifest(clientary_manifest_path().with_name("manifest.schema.json"))


def _broken(document: Schema, misshapen: list[tuple[str | int, ...]]) -> Iterator[Broken]:
    """Holds what fits the schema against the rules; without sound `$defs` nothing can be."""
    heads = {path[:1] for path in misshapen}
    if ("$defs",) in heads or ("actions",) in misshapen:
        return iter(())
    unsound = {path[1] for path in misshapen if path[0] == "actions"}
    raws = cast("list[Schema]", document["actions"])
    sound = [raw for index, raw in enumerate(raws) if index not in unsound]
    top = {key: part for key, part in document.items() if (key,) not in heads}
    return broken_rules({**top, "actions": raws}, sound)


def _fault(document: Schema, file: str, misfit: Misfit) -> Fault:
    path = misfit.path
    if path[:1] != ("actions",) or len(path) == 1:
        return Fault(file, None, written(path), misfit.message)
    index = int(path[1])
    raw: object = document["actions"][index]
    name = cast("Schema", raw).get("id") if isinstance(raw, dict) else None
    return Fault(file, str(name or f"action {index + 1}"), written(path[2:]), misfit.message)

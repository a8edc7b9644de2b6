"""Loads a manifest: all that is particular to one service, as typed and frozen data."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias, cast

from clientary_connector.errors import ManifestError, UnknownActionError

Schema: TypeAlias = dict[str, Any]

DEFINITIONS: Final = "#/$defs/"
CHECK_IT: Final = "Run `clientary manifest check` on it: it lists every fault and where it lies."
_FOLDER: Final = Path(__file__).resolve().parent
_FOLDERS: Final = (_FOLDER / "manifests", _FOLDER.parents[1] / "manifests")


class Effect(StrEnum):
    """What an action does to the far side."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    SEND = "send"


@dataclass(frozen=True, slots=True)
class Auth:
    """How the secret goes onto a request; `{secret}` stands for it in each template."""

    scheme: Literal["basic", "bearer"]
    username: str | None = None
    password: str | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """The keys beside a list that say how much of it there is."""

    pages: str
    size: str
    total: str


@dataclass(frozen=True, slots=True)
class AccountProbe:
    """The read that tests a new connection, and the fields that show whose account it is."""

    action: str
    show: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the service bears: records one call may gather, requests a minute if it says so."""

    records: int
    requests_per_minute: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where each argument goes; what lies under `engine` is honoured here and never sent."""

    path: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    engine: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Money:
    """The values of one argument that move money."""

    argument: str
    values: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class PageSize:
    """The argument that sets the length of a page, and how long a page may get."""

    argument: str
    max: int


@dataclass(frozen=True, slots=True)
class Paging:
    """Where a list lies in the answer, and how its pages are asked for if it has pages."""

    items: str
    page: str | None = None
    size: int | None = None
    page_size: PageSize | None = None


@dataclass(frozen=True, slots=True)
class CascadeStep:
    """One kind of record that a deletion takes along, and the list that counts it, if any.

    The list gets the arguments of the deletion that `passes` names, and those of `fixed`.
    """

    resource: str
    count: str | None
    passes: Mapping[str, str]
    fixed: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Lookup:
    """How a write with an unknown end is looked up again, or why it cannot be.

    The action gets the arguments of the write that `passes` names, and those of `fixed`.
    `match` names the fields that identify the record, `("given",)` stands for every field
    that the call gave; `absent` means that the write happened if the record is gone. With an
    action, `cannot` says when it does not help.
    """

    action: str | None = None
    passes: Mapping[str, str] = MappingProxyType({})
    fixed: Mapping[str, Any] = MappingProxyType({})
    match: tuple[str, ...] = ()
    absent: bool = False
    cannot: str | None = None


class Schemas:
    """The two schemas of one action, with every reference inlined when first asked for."""

    def __init__(self, raw: Schema, definitions: Schema) -> None:
        """Keeps the raw schemas of an action and the definitions that they point into."""
        self._raw = raw
        self._definitions = definitions

    @cached_property
    def input(self) -> Schema:
        """The schema of the arguments."""
        return inlined(self._raw["input"], self._definitions)

    @cached_property
    def output(self) -> Schema:
        """The schema of the data of a result."""
        return inlined(self._raw["output"], self._definitions)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a persona can do: what it is for, what it takes, where it goes."""

    id: str
    title: str
    alias: str
    description: str
    resource: str
    effect: Effect
    scope: str
    cost: int
    money: Money | None
    method: str
    path: str
    place: Place
    wrapper: str | None
    confirm: str | None
    reread: str | None
    paging: Paging | None
    cascade: tuple[CascadeStep, ...]
    ids: Mapping[str, tuple[str, ...]]
    example: Mapping[str, Any]
    lookup: Lookup | None
    schemas: Schemas

    @property
    def input(self) -> Schema:
        """The schema of the arguments, with every reference inlined."""
        return self.schemas.input

    @property
    def output(self) -> Schema:
        """The schema of the data of a result, with every reference inlined."""
        return self.schemas.output


@dataclass(frozen=True, slots=True)
class Manifest:
    """One service: where it lives, how it is entered, and its actions in their order."""

    name: str
    title: str
    version: str
    description: str
    host_pattern: str
    base_path: str
    auth: Auth
    headers: Mapping[str, str]
    envelope: Envelope
    account: AccountProbe
    limits: Limits
    actions: Mapping[str, Action]
    aliases: Mapping[str, str]

    def action(self, name: str) -> Action:
        """Finds an action by its id, or by its alias in any case.

        Raises:
            UnknownActionError: No action has that name; the error offers the nearest ones.
        """
        found = self.actions.get(name) or self.actions.get(self.aliases.get(name.upper(), ""))
        if found is None:
            raise UnknownActionError(name, suggestions=nearest(name, tuple(self.actions)))
        return found


def load_manifest(source: Path | None = None) -> Manifest:
    """Loads the manifest of a file, by default the one that ships with this package.

    It trusts what `check_manifest` has passed and spends no time on checking it again.

    Raises:
        ManifestError: The file cannot be read, or is no manifest at all.
    """
    path = source or clientary_manifest_path()
    document = read_manifest(path)
    try:
        return _manifest(document)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ManifestError(
            f"{path}: not a manifest ({type(error).__name__}: {error}).", hint=CHECK_IT
        ) from error


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
        ManifestError: The file is missing, is not UTF-8, or holds no JSON object.
    """
    try:
        document = json.loads(path.read_bytes().decode())
    except OSError as error:
        raise ManifestError(
            f"{path}: cannot be read ({error.strerror}).", hint="Check the path and its rights."
        ) from error
    except UnicodeDecodeError as error:
        raise ManifestError(
            f"{path}: not UTF-8 at byte {error.start}.", hint="Save the file as UTF-8."
        ) from error
    except json.JSONDecodeError as error:
        raise ManifestError(
            f"{path}: not JSON at line {error.lineno}, column {error.colno} ({error.msg}).",
            hint="Mend the JSON at that place.",
        ) from error
    if not isinstance(document, dict):
        raise ManifestError(f"{path}: holds no JSON object.", hint=CHECK_IT)
    return cast("Schema", document)


def inlined(schema: Schema, definitions: Schema) -> Schema:
    """Copies a schema with the definition put in place of each reference.

    Keys that stand beside a `$ref` are annotations and win over those of the definition.
    """
    copy = {key: _inlined_part(part, definitions) for key, part in schema.items()}
    reference = copy.pop("$ref", None)
    if reference is None:
        return copy
    target: Schema = definitions[str(reference).removeprefix(DEFINITIONS)]
    return {**inlined(target, definitions), **copy}


def nearest(name: str, known: Sequence[str]) -> tuple[str, ...]:
    """Picks the known names that somebody who wrote `name` may have meant, best first."""
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    return tuple(difflib.get_close_matches(plain, known, n=3, cutoff=0.6))


def _inlined_part(part: object, definitions: Schema) -> object:
    if isinstance(part, list):
        return [_inlined_part(item, definitions) for item in cast("list[object]", part)]
    if isinstance(part, dict):
        return inlined(cast("Schema", part), definitions)
    return part


def _manifest(raw: Schema) -> Manifest:
    definitions = raw["$defs"]
    actions = tuple(_action(part, definitions) for part in raw["actions"])
    return Manifest(
        name=raw["name"],
        title=raw["title"],
        version=raw["version"],
        description=raw["description"],
        host_pattern=raw["host"]["pattern"],
        base_path=raw["base_path"],
        auth=Auth(**raw["auth"]),
        headers=MappingProxyType(raw["headers"]),
        envelope=Envelope(**raw["envelope"]),
        account=AccountProbe(raw["account"]["action"], tuple(raw["account"]["show"])),
        limits=Limits(**raw["limits"]),
        actions=MappingProxyType({action.id: action for action in actions}),
        aliases=MappingProxyType({action.alias.upper(): action.id for action in actions}),
    )


def _action(raw: Schema, definitions: Schema) -> Action:
    return Action(
        id=raw["id"],
        title=raw["title"],
        alias=raw["alias"],
        description=raw["description"],
        resource=raw["resource"],
        effect=Effect(raw["effect"]),
        scope=raw["scope"],
        cost=raw["cost"],
        money=_money(raw.get("money")),
        method=raw["method"],
        path=raw["path"],
        place=Place(**{where: tuple(names) for where, names in raw["place"].items()}),
        wrapper=raw.get("wrapper"),
        confirm=raw.get("confirm"),
        reread=raw.get("reread"),
        paging=_paging(raw.get("paging")),
        cascade=tuple(_cascade_step(part) for part in raw.get("cascade", ())),
        ids=MappingProxyType({name: tuple(found) for name, found in raw.get("ids", {}).items()}),
        example=MappingProxyType(raw["example"]),
        lookup=_lookup(raw.get("lookup")),
        schemas=Schemas(raw, definitions),
    )


def _money(raw: Schema | None) -> Money | None:
    return None if raw is None else Money(raw["argument"], tuple(raw["values"]))


def _paging(raw: Schema | None) -> Paging | None:
    if raw is None:
        return None
    size = raw.get("page_size")
    return Paging(raw["items"], raw.get("page"), raw.get("size"), size and PageSize(**size))


def _cascade_step(raw: Schema) -> CascadeStep:
    return CascadeStep(
        resource=raw["resource"],
        count=raw.get("count"),
        passes=MappingProxyType(raw.get("pass", {})),
        fixed=MappingProxyType(raw.get("with", {})),
    )


def _lookup(raw: Schema | None) -> Lookup | None:
    if raw is None:
        return None
    match = raw.get("match", ())
    return Lookup(
        action=raw.get("action"),
        passes=MappingProxyType(raw.get("pass", {})),
        fixed=MappingProxyType(raw.get("with", {})),
        match=(match,) if isinstance(match, str) else tuple(match),
        absent=raw.get("absent", False),
        cannot=raw.get("cannot"),
    )

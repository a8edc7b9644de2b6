"""Builds a manifest from its file, quickly: whoever made the file has checked it before."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from clientary_connector.errors import ManifestError
from clientary_connector.manifest.parts import (
    AccountProbe,
    Action,
    Auth,
    CascadeStep,
    Effect,
    Envelope,
    Find,
    Limits,
    Lookup,
    Manifest,
    Money,
    PageSize,
    Paging,
    Place,
)
from clientary_connector.manifest.reading import CHECK_IT, clientary_manifest_path, read_manifest
from clientary_connector.manifest.schemas import Schema, Schemas


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
        find=_find(raw.get("find")),
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


def _find(raw: Schema | None) -> Find | None:
    if raw is None:
        return None
    return Find(tuple(raw["by"]), tuple(raw.get("show", ())), MappingProxyType(raw.get("with", {})))


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

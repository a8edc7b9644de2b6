"""Loads a manifest: all that is particular to one service, as typed and frozen data."""

from __future__ import annotations

from clientary_connector.manifest.loading import load_manifest
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
    nearest,
)
from clientary_connector.manifest.reading import clientary_manifest_path, parsed, read_manifest
from clientary_connector.manifest.schemas import Schema, Schemas, inlined

__all__ = [
    "AccountProbe",
    "Action",
    "Auth",
    "CascadeStep",
    "Effect",
    "Envelope",
    "Find",
    "Limits",
    "Lookup",
    "Manifest",
    "Money",
    "PageSize",
    "Paging",
    "Place",
    "Schema",
    "Schemas",
    "clientary_manifest_path",
    "inlined",
    "load_manifest",
    "nearest",
    "parsed",
    "read_manifest",
]

"""Finds every fault of a manifest, and says of each where it lies and what to do."""

from __future__ import annotations

from clientary_connector.manifest_check.check import Fault, check_manifest, load_meta_schema

__all__ = ["Fault", "check_manifest", "load_meta_schema"]

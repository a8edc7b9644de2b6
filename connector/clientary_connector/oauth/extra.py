"""Says whether what OAuth 2 takes is installed: it is loaded only where it is used."""

from __future__ import annotations

from importlib.util import find_spec


def missing_extra() -> str | None:
    """Returns what to do where authlib is missing, or None."""
    if find_spec("authlib") is not None:
        return None
    return "OAuth 2 needs the extra: install clientary-connector[oauth]."

"""Holds the style, the script and the picture of every page in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from clientary_connector.frontends.console.desk import Asset

FOLDER: Final = Path(__file__).parent / "static"
KINDS: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def assets() -> Mapping[str, Asset]:
    """Reads them."""
    return {path.name: _asset(path) for path in sorted(FOLDER.iterdir()) if path.suffix in KINDS}


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    version = hashlib.sha256(content).hexdigest()[:12]
    return Asset(content=content, kind=KINDS[path.suffix], version=version)

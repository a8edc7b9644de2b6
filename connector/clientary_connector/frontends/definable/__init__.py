"""Gives agents of Definable the actions of a persona: as a toolkit, or as a plugin."""

from __future__ import annotations

from clientary_connector.frontends.definable.plugin import ClientaryPlugin
from clientary_connector.frontends.definable.toolkit import ClientaryToolkit

__all__ = ["ClientaryPlugin", "ClientaryToolkit"]

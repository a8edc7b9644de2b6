"""A simulated Clientary: the far side, for demos, rehearsal and tests."""

from __future__ import annotations

from clientary_connector.sandbox.faults import Fault, FaultKind, Faults, route_of
from clientary_connector.sandbox.history import SeenRequest
from clientary_connector.sandbox.records import SentMessage
from clientary_connector.sandbox.sandbox import Sandbox
from clientary_connector.sandbox.seed import Size
from clientary_connector.sandbox.server import RunningSandbox, serve
from clientary_connector.sandbox.state import Rules, SteadyClock

__all__ = [
    "Fault",
    "FaultKind",
    "Faults",
    "Rules",
    "RunningSandbox",
    "Sandbox",
    "SeenRequest",
    "SentMessage",
    "Size",
    "SteadyClock",
    "route_of",
    "serve",
]

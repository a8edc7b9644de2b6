"""Lets the personas of a host platform work in Clientary.

The way of a call, and there is no other:

1. look up the action, and check its arguments
2. policy: may this persona do that over this connection?
3. request: what would be sent, as pure data
4. intent: into the log, or nothing is sent
5. credential: opened for one send
6. send, through the one door, and 7. read the answer leniently
8. outcome: into the log, and 9. result: to the host
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clientary_connector.approvals import Approval, Decision, Question
    from clientary_connector.approver import ApprovalView
    from clientary_connector.billing import UsageRecord
    from clientary_connector.call.result import (
        ArgumentFault,
        Call,
        CallError,
        CascadeCount,
        ErrorKind,
        Outcome,
        Page,
        Preview,
        Result,
    )
    from clientary_connector.connections import Account, Connection, Revocation
    from clientary_connector.connector import Connector, LogReport, Secret
    from clientary_connector.errors import ConnectError, ConnectorError
    from clientary_connector.grants import Grant
    from clientary_connector.hosting import PluginStatus
    from clientary_connector.logentry import LogEntry, LogFilter, LogPage
    from clientary_connector.manifest import Action, Manifest, load_manifest
    from clientary_connector.rotations import KeyStatus, RotationReport
    from clientary_connector.settings import Settings
    from clientary_connector.states import StateReport, create_state
    from clientary_connector.tending import TendReport
    from clientary_connector.terms import Terms
    from clientary_connector.wiring import open_connector

__all__ = [
    "Account",
    "Action",
    "Approval",
    "ApprovalView",
    "ArgumentFault",
    "Call",
    "CallError",
    "CascadeCount",
    "ConnectError",
    "Connection",
    "Connector",
    "ConnectorError",
    "Decision",
    "ErrorKind",
    "Grant",
    "KeyStatus",
    "LogEntry",
    "LogFilter",
    "LogPage",
    "LogReport",
    "Manifest",
    "Outcome",
    "Page",
    "PluginStatus",
    "Preview",
    "Question",
    "Result",
    "Revocation",
    "RotationReport",
    "Secret",
    "Settings",
    "StateReport",
    "TendReport",
    "Terms",
    "UsageRecord",
    "create_state",
    "load_manifest",
    "open_connector",
]

#: Where each public name lives; it is imported when it is first asked for (PEP 562).
_MODULES = {
    "approvals": ("Approval", "Decision", "Question"),
    "approver": ("ApprovalView",),
    "call.result": (
        "ArgumentFault",
        "Call",
        "CallError",
        "CascadeCount",
        "ErrorKind",
        "Outcome",
        "Page",
        "Preview",
        "Result",
    ),
    "connections": ("Account", "Connection", "Revocation"),
    "connector": ("Connector", "LogReport", "Secret"),
    "errors": ("ConnectError", "ConnectorError"),
    "grants": ("Grant",),
    "billing": ("UsageRecord",),
    "hosting": ("PluginStatus",),
    "logentry": ("LogEntry", "LogFilter", "LogPage"),
    "manifest": ("Action", "Manifest", "load_manifest"),
    "rotations": ("KeyStatus", "RotationReport"),
    "settings": ("Settings",),
    "states": ("StateReport", "create_state"),
    "tending": ("TendReport",),
    "terms": ("Terms",),
    "wiring": ("open_connector",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    """Imports a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Lists the public names."""
    return sorted(__all__)

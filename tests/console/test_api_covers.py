"""Holds that the admin API can do what the pages and the command line can do for an admin.

Each page and each command stands here with the operations that do the same, or with the reason
why there is none; whoever adds one adds its line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

import click
import pytest

from clientary_connector.frontends.cli.commands import clientary
from clientary_connector.frontends.console.api import OPERATIONS
from clientary_connector.frontends.console.app import SECTIONS
from tests.connector.cli.stage import commands_of

pytestmark = pytest.mark.requirement("console.api.covers")

#: The operations that do the same, or why there are none.
Same: TypeAlias = "tuple[str, ...] | str"

SIGN_IN: Final = "A program shows a token; signing in is a browser's."
LOOKS: Final = "It is about how pages look."
SHELL: Final = "It takes files, keys or folders of the machine: its operator does it at the shell."
PROCESS: Final = "It runs a process of its own."
ERASES: Final = "What it destroys never comes back: it is agreed to at the shell, word by word."
FILE: Final = "It reads or writes a file of the one who types it."

#: By the names of their routes.
PAGES: Final[Mapping[str, Same]] = {
    "overview": ("show_status", "show_usage", "list_budgets", "show_check", "show_checkpoint"),
    "connect": ("show_ways", "connect"),
    "connect_sandbox": ("connect_sandbox",),
    "authorize": ("show_ways", "begin_authorization", "show_authorization"),
    "authorized": ("finish_authorization",),
    "authorize_paste": ("finish_authorization",),
    "connection": ("show_connection", "show_credential", "list_grants"),
    "revoke": ("revoke_connection",),
    "grant": ("show_grant",),
    "grant_edit": ("show_difference", "put_grant"),
    "grant_end": ("remove_grant",),
    "rotate": ("rotate_key", "check_old_key", "drop_new_key", "show_credential"),
    "rotate_every": ("set_interval",),
    "approvals": ("list_approvals",),
    "approval": ("show_approval", "open_approval"),
    "decide": ("decide",),
    "actions": ("list_actions",),
    "action": ("show_action",),
    "try": ("show_action",),
    "try_it": ("preview", "call"),
    "log": ("list_log",),
    "log_opened": ("open_log",),
    "log_new": ("follow_log",),
    "entry": ("show_entry",),
    "entry_opened": ("open_entry",),
    "settle": ("settle_call",),
    "proof": ("prove_entry",),
    "checkpoint": ("show_checkpoint",),
    "log_export": ("export_log",),
    "log_export_opened": ("export_log_opened",),
    "log_search": ("search_log",),
    "log_searched": ("search_log",),
    "verify": ("show_check",),
    "verify_start": ("start_check",),
    "usage": ("show_usage", "list_budgets"),
    "usage_file": ("show_usage",),
    "tokens": ("list_tokens", "make_token"),
    "token_end": ("revoke_token",),
    "sign_in": SIGN_IN,
    "link": SIGN_IN,
    "sign_out": SIGN_IN,
    "theme": LOOKS,
    "asset": LOOKS,
}
#: By the words that are typed.
COMMANDS: Final[Mapping[str, Same]] = {
    "init": SHELL,
    "connect": ("connect", "begin_authorization", "finish_authorization"),
    "connections": ("list_connections", "show_connection", "show_credential"),
    "rotate": ("rotate_key", "check_old_key", "drop_new_key", "set_interval"),
    "revoke": ("revoke_connection", "remove_grant"),
    "actions": ("list_actions",),
    "action": ("show_action",),
    "grant give": ("put_grant",),
    "grant show": ("show_grant", "show_difference"),
    "grant revoke": ("remove_grant",),
    "grants list": ("list_grants",),
    "grants export": FILE,
    "grants apply": FILE,
    "can": ("explain",),
    "find": ("find_records",),
    "call": ("preview", "call"),
    "batch": FILE,
    "settle": ("list_unsettled", "settle_call"),
    "approvals": ("list_approvals",),
    "approve": ("open_approval", "decide"),
    "deny": ("open_approval", "decide"),
    "usage": ("show_usage",),
    "budget set": ("put_budget",),
    "budget list": ("list_budgets",),
    "vault status": ("show_vault",),
    "vault tend": ("tend",),
    "vault verify": SHELL,
    "vault backup": SHELL,
    "vault restore": SHELL,
    "vault rotate-kek": SHELL,
    "vault rotate-keys": SHELL,
    "log": ("list_log", "open_log", "follow_log"),
    "log show": ("show_entry", "open_entry"),
    "log open": ("list_log",),
    "log search": ("search_log",),
    "log export": ("export_log", "export_log_opened"),
    "log verify": ("start_check", "show_check"),
    "log prove": ("prove_entry", "prove_growth"),
    "log key": ("show_checkpoint",),
    "log erase": ERASES,
    "mcp serve": PROCESS,
    "mcp token new": ("make_token",),
    "mcp token list": ("list_tokens",),
    "mcp token revoke": ("revoke_token",),
    "console serve": PROCESS,
    "console token new": ("make_token",),
    "console token list": ("list_tokens",),
    "console token revoke": ("revoke_token",),
    "console user add": ("add_user",),
    "console user list": ("list_users",),
    "console user role": ("change_role",),
    "console user passwd": ("change_password",),
    "console user remove": ("remove_user",),
    "export": FILE,
    "manifest check": FILE,
    "manifest format": FILE,
    "manifest table": FILE,
    "sandbox": PROCESS,
    "demo": PROCESS,
}
#: Of the API alone: it describes itself, and says who asks.
OWN: Final = frozenset({"describe", "show_me"})


def test_every_page_has_an_operation_that_does_the_same() -> None:
    """Or a reason why it has none."""
    routes = [
        route
        for section in SECTIONS
        for route in section.routes
        if not route.path.startswith("/api")
    ]
    assert {route.name for route in routes} == set(PAGES)


def test_every_command_has_an_operation_that_does_the_same() -> None:
    """Or a reason why it has none."""
    assert isinstance(clientary, click.Group)
    single = {words for words, one in commands_of(clientary) if not isinstance(one, click.Group)}
    # The log is listed by the name of its group.
    assert single | {"log"} == set(COMMANDS)


def test_every_operation_is_one_of_a_page_or_a_command() -> None:
    """What is named here is there, and nothing is there that nobody would miss."""
    named = {
        name
        for same in (*PAGES.values(), *COMMANDS.values())
        if isinstance(same, tuple)
        for name in same
    }
    assert named | OWN == {one.name for one in OPERATIONS}

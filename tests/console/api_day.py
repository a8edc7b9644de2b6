"""Plays a day of an admin by the admin API alone, and keeps what was asked and answered.

What is kept are the examples of its description. `python -m tests.console.api_day` writes them
anew where their form has changed; a test holds that it has not.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from clientary_connector.call.kinds import is_list, is_object
from clientary_connector.frontends.console import console
from clientary_connector.frontends.console.api import OPERATIONS
from clientary_connector.frontends.console.api.examples import FILE, Example, examples
from clientary_connector.sandbox import Fault, FaultKind
from tests.connector.oauth.provider_app import Client, Far, running
from tests.connector.oauth.stage import browse, description
from tests.console.api_ground import Api, api
from tests.console.ground import NAME, PERSONA

#: It would hold itself.
LEFT_OUT: Final = frozenset({"describe"})
BACK: Final = "https://portal.example/clientary/back"
PASSWORD: Final = "a long and quiet sentence"
KEY: Final = "n" * 24
WRONG_KEY: Final = "w" * 24
#: How often it is looked whether the check of the log has ended.
LOOKS: Final = 2000


@dataclass(slots=True)
class Day:
    """A day so far."""

    asked: Api
    kept: dict[str, Example] = field(default_factory=dict[str, Example])
    #: What has to be called otherwise, because it is a secret or another each time.
    called: dict[str, str] = field(default_factory=dict[str, str])

    def ask(self, name: str, body: Any = None, /, **more: Any) -> Any:  # noqa: ANN401 - any JSON
        """Asks for an operation as the admin, and returns the answer, which is kept.

        What is given by name goes into the path where the path has that name, else into the
        query; `if_match` is the header.
        """
        one = next(one for one in OPERATIONS if one.name == name)
        headers = {"If-Match": more.pop("if_match")} if "if_match" in more else {}
        path = {word: str(more.pop(word)) for word in re.findall(r"{(\w+)}", one.path)}
        answer = self.asked.admin.request(
            one.method, one.path.format(**path), params=more, json=body, headers=headers
        )
        assert answer.status_code == one.status, (name, answer.text)
        told = answer.text if one.streams else answer.json()
        shown = Example(path=path, query=more, headers=headers, request=body, response=told)
        self.kept.setdefault(name, shown)
        return told

    def examples(self) -> Mapping[str, Any]:
        """Returns what was kept, with plain words in the place of secrets and addresses."""
        text = msgspec.json.encode(self.kept, order="sorted").decode()
        for true, said in self.called.items():
            text = text.replace(true, said)
        found: dict[str, Any] = json.loads(text)
        assert set(found) | LEFT_OUT == {one.name for one in OPERATIONS}
        return {
            name: {part: what for part, what in one.items() if what} for name, one in found.items()
        }


def play(asked: Api, far: Far) -> Day:
    """Plays the day, from joining accounts to taking everything away again."""
    day = Day(asked)
    day.called = {
        asked.ground.sandbox.key: "YOUR_API_KEY",
        KEY: "YOUR_NEW_API_KEY",
        PASSWORD: "A_LONG_PASSWORD",
        f"http://{far.url.partition('//')[2]}": "https://login.example",
        asked.ground.sandbox.url: "http://127.0.0.1:8766",
    }
    _join(day, far)
    _grant(day)
    _call(day)
    _approve(day)
    _settle(day)
    _read(day)
    _limit(day)
    _keep_people(day)
    _rotate(day)
    _end(day)
    return day


def _join(day: Day, far: Far) -> None:
    day.ask("show_me")
    day.ask("show_ways")
    sandbox = day.ask("connect_sandbox")["connection"]
    day.called[sandbox["sandbox"]] = "http://127.0.0.1:8767"
    box = day.asked.ground.sandbox
    day.ask("connect", {"name": "shop", "secret": box.key, "sandbox": box.url})
    begun = day.ask(
        "begin_authorization",
        {"name": "bakery", "sandbox": far.url, "redirect_uri": BACK},
    )
    day.ask("show_authorization", authorization=begun["id"])
    day.called[begun["url"].rpartition("?")[2]] = "response_type=code&client_id=…&state=…"
    led = browse(begun["url"])
    day.called[led.rpartition("?")[2]] = "code=…&state=…"
    day.ask("finish_authorization", {"url": led})
    day.ask("show_status")
    day.ask("list_connections")
    day.ask("show_connection", connection="shop")
    day.ask("show_credential", connection="shop")


def _grant(day: Day) -> None:
    terms = {"scopes": ["clients:*", "invoices:read"], "budget": 500}
    whose: dict[str, Any] = {"connection": "shop", "persona": PERSONA}
    told = day.ask("show_difference", {**whose, "terms": terms})
    day.ask("put_grant", terms, **whose, if_match=f'"{told["revision"]}"')
    day.ask("show_grant", **whose)
    day.ask("list_grants", persona=PERSONA, connection="shop")
    question = {**whose, "action": "delete_client", "arguments": {"id": 42}}
    day.ask("explain", question)
    day.ask("list_actions", **whose, effect="delete")
    day.ask("show_action", action="delete_client")


def _call(day: Day) -> None:
    call = {
        "action": "create_client",
        "connection": "shop",
        "persona": PERSONA,
        "prompt": "Make a client for the bakery on the corner.",
        "arguments": {"name": "Example Bakery"},
        "operation": "op-1",
    }
    day.ask("preview", call)
    day.ask("call", call)
    wanted = {name: call[name] for name in ("connection", "persona", "prompt")}
    day.ask("find_records", {**wanted, "resource": "clients", "text": "bakery", "limit": 1})


def _approve(day: Day) -> None:
    made = json.loads(json.dumps(day.kept["call"].response))["data"]["id"]
    call = {
        "action": "delete_client",
        "connection": "shop",
        "persona": PERSONA,
        "prompt": "The bakery has closed; delete it.",
        "arguments": {"id": made},
        "operation": "op-2",
    }
    refused = day.asked.admin.post("/calls", json=call).json()
    approval = refused["error"]["approval"]
    day.ask("list_approvals")
    day.ask("show_approval", approval=approval)
    day.ask("open_approval", approval=approval)
    decision = {"approve": True, "note": "They have closed.", "seen": 0}
    day.ask("decide", decision, approval=approval)
    assert day.asked.admin.post("/calls", json=call).json()["outcome"] == "succeeded"


def _settle(day: Day) -> None:
    ground = day.asked.ground
    ground.sandbox.sandbox.faults.add(Fault(kind=FaultKind.CUT_BEFORE, times=1))
    lost = {"name": "Lost on the Way"}
    entry = ground.call("create_client", lost, connection="shop", operation="op-3").log_id
    day.ask("list_unsettled")
    word = {"verdict": "not_found", "reason": "It is not in the account."}
    day.ask("settle_call", word, entry=entry)


def _read(day: Day) -> None:
    entry = json.loads(json.dumps(day.kept["call"].response))["log_id"]
    day.ask("list_log", persona=PERSONA, kind="call", limit=1)
    day.ask("open_log", {"persona": PERSONA, "kind": "call", "limit": 1})
    cursor = day.asked.admin.get("/log/news", params={"kind": "call"}).json()["cursor"]
    day.asked.ground.call("list_clients", {"limit": 1}, connection="shop")
    day.ask("follow_log", kind="call", cursor=cursor, wait_s=20)
    day.ask("search_log", {"text": "bakery", "kind": "call", "limit": 1})
    day.ask("export_log", kind="connect")
    day.ask("export_log_opened", {"operation": "op-1"})
    day.ask("show_entry", entry=entry)
    day.ask("open_entry", entry=entry)
    day.ask("prove_entry", entry=entry)
    before = day.ask("show_checkpoint")["signed"]
    day.ask("put_budget", {"scope": "user", "name": "maria", "credits": 500})
    day.ask("prove_growth", rows=before)
    day.asked.admin.post("/log/check")
    for _ in range(LOOKS):
        newest = day.asked.admin.get("/log/check").json()["newest"]
        if newest["state"] != "running":
            break
    day.ask("show_check")
    day.ask("start_check")


def _limit(day: Day) -> None:
    day.ask("list_budgets")
    day.ask("show_usage", by=["persona"])


def _keep_people(day: Day) -> None:
    user = day.ask("add_user", {"name": "dana", "password": PASSWORD, "role": "approver"})["id"]
    day.ask("list_users")
    day.ask("change_role", {"role": "viewer"}, user=user)
    day.ask("change_password", {"password": f"{PASSWORD} 2"}, user=user)
    day.ask("remove_user", user=user)
    made = day.ask("make_token", {"kind": "admin", "user": "portal", "role": "viewer"})
    day.called[made["text"]] = "TOKEN"
    day.ask("list_tokens", kind="admin")
    day.ask("revoke_token", token=made["token"]["id"], reason="The page was taken down.")


def _rotate(day: Day) -> None:
    day.asked.ground.sandbox.sandbox.add_key(KEY)
    day.ask("rotate_key", {"secret": KEY}, connection="shop")
    day.ask("check_old_key", connection="shop")
    day.ask("set_interval", {"days": 60}, connection="shop")
    # On the account that is still there: a key that it does not take waits for another.
    wrong = {"secret": WRONG_KEY}
    day.asked.admin.post(f"/connections/{NAME}/rotate", json=wrong).raise_for_status()
    day.ask("drop_new_key", connection=NAME)
    day.ask("show_vault")
    day.ask("tend")


def _end(day: Day) -> None:
    day.ask("remove_grant", connection="shop", persona=PERSONA, reason="The work is done.")
    day.ask("revoke_connection", {"reason": "The account is closed."}, connection="shop")


def form_of(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Returns the form of a value: what it has, and not what that is."""
    if is_object(value):
        return {name: form_of(part) for name, part in sorted(value.items())}
    if is_list(value):
        return [form_of(part) for part in value[:1]]
    return None


def played() -> Mapping[str, Any]:
    """Plays the day on a ground of its own, and returns its examples."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        far = stack.enter_context(running(Far(Client(None, BACK))))
        provider = description(far)
        asked = stack.enter_context(
            api(
                folder,
                lambda connector, rehearsal: console(
                    connector, rehearsal=rehearsal, providers=[provider]
                ),
            )
        )
        return play(asked, far).examples()


def main() -> None:
    """Writes the examples where their form has changed."""
    new, old = played(), json.loads(FILE.read_bytes())
    if form_of(new) != form_of(old):
        FILE.write_text(f"{json.dumps(new, indent=1, ensure_ascii=False)}\n", encoding="utf-8")
        examples.cache_clear()


if __name__ == "__main__":
    main()

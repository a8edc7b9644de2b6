"""Is the page on which an admin tries an action: a form, a look at the request, then the call.

1. Only an admin may try. The call is made in the admin's own name, as the persona that was chosen,
   and goes the way of every call: without that persona's grant nothing is sent.
2. What is wrong with the arguments is told beside their fields, all at once, before anything is
   decided; what the policy refuses is told with its words, and stands in the log.
3. The call is run only as it was looked at. Where something was changed since, it is shown again.
4. The form carries one operation id. Sent twice, it runs once; once it has run, the form that
   comes back carries a new one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clientary_connector.call.arguments import Arguments, identity_faults
from clientary_connector.call.result import (
    ArgumentFault,
    Call,
    Outcome,
    Preview,
    Result,
    mint_operation,
)
from clientary_connector.frontends.console.desk import connector_of, person_of
from clientary_connector.frontends.console.drawing import page
from clientary_connector.frontends.console.forms import form_of
from clientary_connector.frontends.console.pages.actions import action_of, known_to
from clientary_connector.frontends.console.roles import needs
from clientary_connector.frontends.console.views.results import json_text, tables_of
from clientary_connector.frontends.console.views.tryform import (
    Typed,
    arguments_of,
    fields_of,
    typed_from,
    typed_of,
    with_row,
    without_row,
)
from clientary_connector.manifest import Action

LOOK: Final = "look"
RUN: Final = "run"
ENCODER: Final = msgspec.json.Encoder(decimal_format="string", order="sorted")
#: What the page itself asks beside the arguments, and where its faults stand.
ASKED: Final = {"$.persona": "persona", "$.connection": "connection", "$.prompt": "prompt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What stands on the page."""

    action: Action
    typed: Typed
    connection: str = ""
    persona: str = ""
    prompt: str = ""
    operation: str
    faults: tuple[ArgumentFault, ...] = ()
    #: What was said of the form as a whole.
    said: str = ""
    preview: Preview | None = None
    result: Result | None = None

    def call(self, user: str) -> Call:
        """Returns the call that it comes to."""
        return Call(
            action=self.action.id,
            arguments=arguments_of(self.typed, self.action),
            connection=self.connection,
            user=user,
            persona=self.persona,
            prompt=self.prompt,
            operation=self.operation,
        )


@needs("admin")
async def show(request: Request) -> Response:
    """Shows the form, empty or with the example of the manifest."""
    action, query = action_of(request), request.query_params
    arguments: Mapping[str, Any] = action.example if "example" in query else {}
    trial = Trial(
        action=action,
        typed=typed_of(arguments, action),
        connection=query.get("connection", ""),
        persona=query.get("persona", ""),
        operation=mint_operation(),
    )
    return await _drawn(request, trial)


@needs("admin")
async def send(request: Request) -> Response:
    """Looks at the request that the form comes to, runs it, or changes the rows of a list."""
    form, action = form_of(request), action_of(request)
    plain = {name: form.raw(name) for name in form.fields}
    trial = Trial(
        action=action,
        typed=typed_from(plain, action),
        connection=form.text("connection"),
        persona=form.text("persona"),
        prompt=form.text("prompt"),
        operation=form.text("operation") or mint_operation(),
    )
    wish, _, rest = form.text("do", LOOK).partition(":")
    if wish in {"add", "remove"}:
        return await _drawn(request, replace(trial, typed=_rows(trial, wish, rest)))
    call = trial.call(person_of(request).name)
    if faults := _faults(call, action):
        trial = replace(trial, faults=faults, said="Some of it cannot be used as it is.")
        return await _drawn(request, trial, status=422)
    if wish == RUN and form.text("seen") == _mark(call):
        return await _run(request, trial, call)
    said = "It was changed since the look at it: look again." if wish == RUN else ""
    return await _look(request, replace(trial, said=said), call)


async def _look(request: Request, trial: Trial, call: Call) -> Response:
    preview = await connector_of(request).preview(call)
    status = 200 if preview.error is None else 422
    return await _drawn(request, replace(trial, preview=preview), seen=_mark(call), status=status)


async def _run(request: Request, trial: Trial, call: Call) -> Response:
    result = await connector_of(request).run(call)
    # What was refused has claimed no operation: the same form may be sent again, once approved.
    again = result.outcome is Outcome.REFUSED
    operation = trial.operation if again else mint_operation()
    done = replace(trial, result=result, operation=operation)
    return await _drawn(request, done, seen=_mark(call) if again else "")


def _rows(trial: Trial, wish: str, rest: str) -> Typed:
    """Returns what was typed with a row more or less."""
    if wish == "add":
        return with_row(trial.typed, rest, trial.action)
    name, _, row = rest.rpartition(":")
    return without_row(trial.typed, name, int(row) if row.isdecimal() else -1)


def _faults(call: Call, action: Action) -> tuple[ArgumentFault, ...]:
    """Returns all that is wrong with the form, of the call itself and of its arguments."""
    arguments = Arguments(action.input).faults(dict(call.arguments))
    return (*identity_faults(call), *arguments)


def _mark(call: Call) -> str:
    """Returns what tells a call that was looked at from every other one.

    It keeps a person from sending what they have not seen; it guards nothing from them.
    """
    said = (call.action, call.connection, call.persona, call.prompt, dict(call.arguments))
    return hashlib.sha256(ENCODER.encode(said)).hexdigest()


async def _drawn(request: Request, trial: Trial, *, seen: str = "", status: int = 200) -> Response:
    known = await run_in_threadpool(known_to, connector_of(request))
    own = {ASKED[one.path]: f"Give {one.expected}." for one in trial.faults if one.path in ASKED}
    others = [one for one in trial.faults if one.path not in ASKED]
    fields, above = fields_of(trial.typed, trial.action, others)
    result = trial.result
    text, cut = ("", False) if result is None else json_text(result.to_json())
    return page(
        request,
        "tryit.html",
        status=status,
        section="actions",
        trial=trial,
        action=trial.action,
        fields=fields,
        above=above,
        own=own,
        connected=bool(known.connections),
        choices=known.choices("(choose)"),
        seen=seen,
        preview=trial.preview,
        result=result,
        tables=() if result is None else tables_of(result.data, trial.action.output),
        json_text=text,
        cut=cut,
        body=None if trial.preview is None else json_text(trial.preview.body)[0],
    )


ROUTES: Final = (
    Route("/actions/{action}/try", show, methods=["GET"], name="try"),
    Route("/actions/{action}/try", send, methods=["POST"], name="try_it"),
)

"""Proves that calls are spans by the conventions of OpenTelemetry, as its own SDK receives them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from clientary_connector import Call
from clientary_connector.otel import Spans
from clientary_connector.sandbox import Fault, FaultKind, RunningSandbox
from tests.connector.engine.ground import NAME, PERSONA, PROMPT, USER, Ground

pytestmark = pytest.mark.requirement("log.export.spans")

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def spans_of(on: Ground, *calls: Call, content: bool = False) -> Sequence[ReadableSpan]:
    """Makes calls, and returns the spans that came of them once all was told."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    plugin = Spans(on.connector, content=content, provider=provider)
    on.connector.register(plugin, sealed=content, user="ops" if content else None)
    for call in calls:
        on.run(on.connector.run(call))
    on.connector.hosting.close()
    assert [one.error for one in on.connector.hosting.plugins()] == [None]
    return exporter.get_finished_spans()


def test_a_call_is_a_span_and_its_send_one_below_it(
    joined_up: Ground, far_side: RunningSandbox
) -> None:
    """By the conventions for tools and for HTTP clients, below the span that the host gave."""
    context = {"traceparent": f"00-{TRACE}-{SPAN}-01", "session": "s1", "run": "r1"}
    call = joined_up.call(
        "clientary_get_client", {"id": 999_999}, operation="op-1", context=context
    )
    send, tool = spans_of(joined_up, call)
    assert (tool.name, tool.kind) == ("execute_tool get_client", SpanKind.INTERNAL)
    assert tool.context is not None
    assert tool.parent is not None
    assert (f"{tool.context.trace_id:032x}", f"{tool.parent.span_id:016x}") == (TRACE, SPAN)
    connection = joined_up.connector.connection(NAME).id
    assert dict(tool.attributes or {}) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "get_client",
        "gen_ai.tool.type": "extension",
        "gen_ai.tool.call.id": "op-1",
        "gen_ai.agent.name": PERSONA,
        "gen_ai.conversation.id": "s1",
        "enduser.id": USER,
        "error.type": "not_found",
        "connector.outcome": "failed",
        "connector.kind": "call",
        "connector.log_id": (tool.attributes or {})["connector.log_id"],
        "connector.connection": connection,
        "connector.cost": (tool.attributes or {})["connector.cost"],
        "connector.run": "r1",
    }
    assert tool.status.status_code is StatusCode.ERROR
    port = int(far_side.url.rpartition(":")[2])
    assert (send.name, send.kind) == ("GET", SpanKind.CLIENT)
    assert dict(send.attributes or {}) == {
        "http.request.method": "GET",
        "url.template": "/clients/{id}",
        "http.response.status_code": 404,
        "error.type": "404",
        "server.address": "127.0.0.1",
        "server.port": port,
    }
    assert send.parent == tool.context
    assert send.status.status_code is StatusCode.ERROR
    assert tool.end_time is not None
    assert tool.start_time is not None
    assert tool.end_time > tool.start_time


def test_prompt_and_answer_are_in_spans_only_when_that_is_switched_on(joined_up: Ground) -> None:
    """Then they are those of the log."""
    call = joined_up.call("clientary_create_client", {"name": "Zimt"})
    send, tool = spans_of(joined_up, call, content=True)
    found: dict[str, Any] = dict(tool.attributes or {})
    parts = [{"type": "text", "content": PROMPT}]
    assert json.loads(found["gen_ai.input.messages"]) == [{"role": "user", "parts": parts}]
    assert json.loads(found["gen_ai.tool.call.arguments"]) == {"name": "Zimt"}
    assert json.loads(found["gen_ai.tool.call.result"])["data"]["name"] == "Zimt"
    assert str((send.attributes or {})["url.full"]).endswith("/api/v2/clients")
    assert tool.status.status_code is StatusCode.UNSET


def test_without_content_no_span_holds_anything_sealed(joined_up: Ground) -> None:
    """Not in any attribute, name or status."""
    call = joined_up.call("clientary_create_client", {"name": "Zimt"})
    shown = str([span.to_json() for span in spans_of(joined_up, call)])
    assert "Zimt" not in shown
    assert PROMPT not in shown


def test_each_send_of_a_call_that_was_retried_is_a_span(
    joined_up: Ground, far_side: RunningSandbox
) -> None:
    """With its own status, and how often it was sent again before."""
    far_side.sandbox.faults.add(Fault(kind=FaultKind.STATUS, status=503, times=2))
    *sends, tool = spans_of(joined_up, joined_up.call("clientary_list_clients"))
    attributes = [dict(send.attributes or {}) for send in sends]
    assert [one["http.response.status_code"] for one in attributes] == [503, 503, 200]
    assert [one.get("http.request.resend_count") for one in attributes] == [None, 1, 2]
    assert [send.parent for send in sends] == [tool.context] * 3


def test_a_call_that_was_refused_or_replayed_was_not_sent(joined_up: Ground) -> None:
    """It has no span below it; a connection that is not known has no server."""
    calls = [
        joined_up.call("clientary_list_clients", operation="op-1"),
        joined_up.call("clientary_list_clients", operation="op-1"),
        joined_up.call("clientary_no_such_action", connection="nowhere"),
    ]
    names = [span.name for span in spans_of(joined_up, *calls)]
    assert names == [
        "GET",
        "execute_tool list_clients",
        "execute_tool list_clients",
        "execute_tool clientary_no_such_action",
    ]

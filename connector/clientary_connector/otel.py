"""Makes OpenTelemetry spans of calls: a plugin for hosts that trace. Needs the extra `otel`.

    connector.register(Spans(connector))
    connector.register(Spans(connector, content=True), sealed=True, user="ops")

1. A call is a span `execute_tool ACTION`, by the conventions for generative AI; each of its sends
   is a span below it, by those for HTTP clients.
   https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-agent-spans/
   https://opentelemetry.io/docs/specs/semconv/http/http-spans/
2. Its parent is the span whose `traceparent` the host gave in the context of the call.
3. Prompt, arguments and response are left out unless `content` is on and the plugin was
   registered as `sealed`; so is `url.full`, whose path tells ids. `url.template` is there.
4. A call that was refused, or is a replay, was not sent and has no span below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from clientary_connector.call.address import target_of
from clientary_connector.call.clock import EPOCH
from clientary_connector.connector import Connector
from clientary_connector.errors import ConnectorError
from clientary_connector.hooks import hookimpl
from clientary_connector.logentry import LogEntry

NAME: Final = "clientary_connector"
FIRST_ERROR: Final = 400
HTTPS: Final = 443
NS_A_US: Final = 1_000
#: Outcomes that are no error of the call: it was done, or nothing was asked of the service.
FINE: Final = frozenset({"succeeded"})


class Spans:
    """The plugin; register it with a connector."""

    def __init__(
        self,
        connector: Connector,
        *,
        content: bool = False,
        provider: TracerProvider | None = None,
    ) -> None:
        """Takes whose calls they are, what they show, and where they go: by default the global."""
        self._connector = connector
        self._content = content
        version = connector.manifest.version
        self._tracer: Tracer = trace.get_tracer(NAME, version, provider)
        self._propagator = TraceContextTextMapPropagator()
        self._servers: dict[str, Mapping[str, Any]] = {}

    @hookimpl
    def connector_call_finished(self, record: LogEntry) -> None:
        """Makes the spans of one call."""
        start = (record.at - EPOCH) // timedelta(microseconds=1) * NS_A_US
        span = self._tracer.start_span(
            f"execute_tool {record.action or 'unknown'}",
            context=self._parent(record),
            kind=SpanKind.INTERNAL,
            attributes=self._of_call(record),
            start_time=start,
        )
        for sent in _sends(record):
            self._send(record, sent, parent=span, start=start)
        if record.outcome not in FINE:
            span.set_status(Status(StatusCode.ERROR, record.error or record.outcome))
        span.end(start + _ns(record.duration_ms or 0))

    def _parent(self, record: LogEntry) -> Context:
        carrier = {name: str(value) for name, value in record.context.items()}
        return self._propagator.extract(carrier, context=Context())

    def _of_call(self, record: LogEntry) -> dict[str, Any]:
        found = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": record.action,
            "gen_ai.tool.type": "extension",
            "gen_ai.tool.call.id": record.operation,
            "gen_ai.agent.name": record.persona,
            "gen_ai.conversation.id": record.context.get("session"),
            "enduser.id": record.user,
            "error.type": record.error,
            "connector.outcome": record.outcome,
            "connector.kind": record.kind,
            "connector.log_id": record.id,
            "connector.connection": record.connection,
            "connector.cost": record.cost,
            "connector.run": record.context.get("run"),
            "connector.flow": record.context.get("flow"),
        }
        if self._content:
            found |= {
                "gen_ai.input.messages": _prompt(record.prompt),
                "gen_ai.tool.call.arguments": _json(record.arguments),
                "gen_ai.tool.call.result": _json(record.response),
            }
        return {name: value for name, value in found.items() if value is not None}

    def _send(self, record: LogEntry, sent: Mapping[str, Any], *, parent: Span, start: int) -> None:
        action = self._connector.manifest.action(str(record.action))
        begin = start + _ns(sent["after_ms"])
        status, error = sent.get("status"), sent.get("error")
        failed = error is not None or (status is not None and status >= FIRST_ERROR)
        attributes = {
            "http.request.method": action.method,
            "url.template": action.path,
            "http.response.status_code": status,
            "http.request.resend_count": sent["resend"] or None,
            "error.type": (error or str(status)) if failed else None,
            **self._server(record.connection or ""),
        }
        if self._content and record.request is not None:
            origin = attributes.get("connector.origin", "")
            attributes["url.full"] = f"{origin}{record.request['path']}"
        attributes.pop("connector.origin", None)
        span = self._tracer.start_span(
            action.method,
            context=trace.set_span_in_context(parent, Context()),
            kind=SpanKind.CLIENT,
            attributes={name: value for name, value in attributes.items() if value is not None},
            start_time=begin,
        )
        if failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(begin + _ns(sent["took_ms"]))

    def _server(self, connection: str) -> Mapping[str, Any]:
        """Returns where a connection leads; nothing where that cannot be said."""
        if connection not in self._servers:
            self._servers[connection] = self._looked_up(connection)
        return self._servers[connection]

    def _looked_up(self, connection: str) -> Mapping[str, Any]:
        try:
            found = self._connector.connection(connection)
        except ConnectorError:
            return {}
        pattern = self._connector.manifest.host_pattern
        target = target_of(pattern, subdomain=found.subdomain, sandbox=found.sandbox)
        if target is None:
            return {}
        parts = urlsplit(target.origin)
        return {
            "server.address": parts.hostname,
            "server.port": parts.port or HTTPS,
            "connector.origin": target.origin,
        }


def _sends(record: LogEntry) -> Iterator[Mapping[str, Any]]:
    """Gives the sends of a call; one that was sent once took all of its time."""
    tries = record.facts.get("tries")
    if tries is None:
        if record.attempts and record.kind == "call":
            whole = {"after_ms": 0, "took_ms": record.duration_ms or 0, "resend": 0}
            unanswered = record.error if record.status is None else None
            yield {**whole, "status": record.status, "error": unanswered}
        return
    again = 0
    for one in tries:
        yield {**one, "resend": again}
        done = one.get("status") is not None and one["status"] < FIRST_ERROR
        again = 0 if done else again + 1


def _ns(milliseconds: float) -> int:
    return round(milliseconds * 1_000_000)


def _prompt(text: str | None) -> str | None:
    parts = [{"type": "text", "content": text}]
    return None if text is None else _json([{"role": "user", "parts": parts}])


def _json(value: object) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()

"""Serves the actions of a persona to any program that speaks the Model Context Protocol.

What a client may say of a call beside its arguments stands in its `_meta`, by these names:

- `clientary/prompt`: what the person asked for. A client that sends it with `tools/list` too is
  shown tools without the argument `request`, in which a model says it otherwise.
- `clientary/operation`: the id of one logical step; a repeat of it sends nothing.
- `clientary/run`, `clientary/flow`, `clientary/session`: ids by which calls are found in the log.
- `traceparent`, `tracestate`: the trace that the call belongs to (W3C Trace Context).

The SDK takes most of a second to import, so it is loaded by `serving` and what lies below it,
and those only by the command that serves.
"""

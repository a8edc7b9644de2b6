"""Reads what a host says of a call beside the call itself: its trace, run, flow and session.

1. Of what the host gives, these stand openly in the log, so that calls are found by them:
   `traceparent` and `tracestate` (W3C Trace Context), `run`, `flow` and `session`. All else is
   sealed with the prompt.
2. A `traceparent` that is none is not used, and its `tracestate` neither, as the specification
   asks; one of a later version is read as far as this one goes.
   https://www.w3.org/TR/trace-context/#traceparent-header
3. A text that cannot stand in the log as an id is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from clientary_connector.call.idtext import MAX_ID_CHARS, usable

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
#: The ids of the host that calls are found by.
IDS: Final = ("run", "flow", "session")
#: Version, id of the trace, id of the caller's span, flags; a later version may go on.
_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_VERSION: Final = "00"
_NO_VERSION: Final = "ff"
#: What every receiver has to be able to pass on.
_MAX_STATE_CHARS: Final = 512


def facts_of(context: object) -> dict[str, Any]:
    """Returns what stands openly in the log of the context of a call, among its facts."""
    # The first is what nearly all give, and is told at once; the second takes far longer.
    if not isinstance(context, dict | Mapping) or not context:
        return {}
    context = cast("Mapping[object, object]", context)
    found: dict[str, Any] = {
        name: context[name] for name in IDS if usable(context.get(name), longest=MAX_ID_CHARS)
    }
    parent = traceparent(context.get(TRACEPARENT))
    if parent is not None:
        found[TRACEPARENT] = parent
        if usable(context.get(TRACESTATE), longest=_MAX_STATE_CHARS):
            found[TRACESTATE] = context[TRACESTATE]
    return {"context": found} if found else {}


def traceparent(text: object) -> str | None:
    """Returns a `traceparent` as this version writes it; None where it is none."""
    read = _TRACEPARENT.fullmatch(text) if isinstance(text, str) else None
    if read is None:
        return None
    version, trace, span, flags, more = read.groups()
    if version == _NO_VERSION or (version == _VERSION and more is not None):
        return None
    if not trace.strip("0") or not span.strip("0"):
        return None
    return f"{_VERSION}-{trace}-{span}-{flags}"

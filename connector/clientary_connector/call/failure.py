"""Words every error: a message for a person, a hint for a model, and whether to call again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clientary_connector.call.result import CallError, ErrorKind
from clientary_connector.manifest import Effect

#: Kind to message and hint, where the place that finds the fault has nothing better to say.
WORDS: Final[Mapping[ErrorKind, tuple[str, str]]] = {
    ErrorKind.INVALID_ARGUMENTS: (
        "The call cannot be used as it is.",
        "Mend every argument that `faults` names, then call again.",
    ),
    ErrorKind.DENIED: (
        "This persona may not do that over this connection.",
        "Do not try again. Ask a person to grant what is missing.",
    ),
    ErrorKind.APPROVAL_REQUIRED: (
        "A person has to approve this call first.",
        "Tell the person what the call would do, and wait.",
    ),
    ErrorKind.REVOKED: (
        "The connection was revoked.",
        "Do not try again. A person has to connect the account anew.",
    ),
    ErrorKind.OVER_BUDGET: (
        "The budget is used up.",
        "Stop here and say so. It renews later, or a person raises it.",
    ),
    ErrorKind.UNAUTHORIZED: (
        "The service did not accept the credential.",
        "Do not try again. A person has to connect the account with a valid key.",
    ),
    ErrorKind.FORBIDDEN: (
        "The owner of the credential lacks the right to do that.",
        "Do not try again. The account's owner has to give that right.",
    ),
    ErrorKind.NOT_FOUND: (
        "There is no record of that id, or its parent is gone.",
        "Look the id up with a list action, then call again.",
    ),
    ErrorKind.REJECTED: (
        "The service did not accept the values.",
        "Mend the values that `fields` names, then call again.",
    ),
    ErrorKind.PLAN_LIMIT: (
        "The plan of the account allows no more of these.",
        "Do not try again. The account needs a larger plan, or fewer records.",
    ),
    ErrorKind.RATE_LIMITED: (
        "The service asks for fewer requests.",
        "Nothing was done. Wait for `wait_s` seconds, then call again.",
    ),
    ErrorKind.UPSTREAM_ERROR: (
        "The service broke while it answered.",
        "Wait a little, then call again.",
    ),
    ErrorKind.UNREACHABLE: (
        "The service could not be reached; nothing was sent.",
        "Wait a little, then call again.",
    ),
    ErrorKind.UNKNOWN: (
        "It was sent, and no answer came.",
        "Call again.",
    ),
    ErrorKind.BAD_RESPONSE: (
        "The service sent an answer that cannot be read.",
        "Call again once; if it stays so, tell a person.",
    ),
    ErrorKind.VAULT_LOCKED: (
        "The vault is locked; nothing was sent.",
        "Do not try again. Whoever runs the connector has to unlock the vault.",
    ),
    ErrorKind.INTEGRITY: (
        "Something in the vault was changed from outside; nothing was sent.",
        "Do not try again. Tell whoever runs the connector.",
    ),
    ErrorKind.INTERNAL: (
        "The connector could not do its work.",
        "Tell whoever runs the connector.",
    ),
}
#: What stands in place of "call again" where that could do it twice.
LOOK_FIRST: Final = (
    "It may have been done all the same. Do not repeat it: look the record up first."
)
#: Kinds after which the same call can be made again, whatever its effect: nothing was done.
NOTHING_DONE: Final = frozenset({ErrorKind.UNREACHABLE, ErrorKind.RATE_LIMITED})
#: Kinds after which only a read can be made again: something may have been done.
MAYBE_DONE: Final = frozenset({ErrorKind.UPSTREAM_ERROR, ErrorKind.UNKNOWN, ErrorKind.BAD_RESPONSE})


class RefusedError(Exception):
    """A call ends here, before anything was sent."""

    def __init__(self, error: CallError) -> None:
        """Takes what the result will say."""
        super().__init__(error.message)
        self.error = error


def failure(
    kind: ErrorKind,
    *,
    effect: Effect | None = None,
    message: str | None = None,
    hint: str | None = None,
    **facts: Any,  # noqa: ANN401 - the further fields of a CallError
) -> CallError:
    """Returns the error of a kind; whether to call again follows from kind and effect."""
    usual, advice = WORDS[kind]
    if hint is None:
        hint = LOOK_FIRST if kind in MAYBE_DONE and is_change(effect) else advice
    return CallError(
        kind=kind,
        message=message or usual,
        hint=hint,
        retryable=kind in NOTHING_DONE or (kind in MAYBE_DONE and effect is Effect.READ),
        **facts,
    )


def refused(kind: ErrorKind, **facts: Any) -> RefusedError:  # noqa: ANN401 - as for `failure`
    """Returns the exception that ends a call before anything was sent."""
    return RefusedError(failure(kind, **facts))


def is_change(effect: Effect | None) -> bool:
    """Tells whether doing it twice would matter."""
    return effect is not None and effect is not Effect.READ

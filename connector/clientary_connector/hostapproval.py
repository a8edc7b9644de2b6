"""Puts a call that waits for a person before the plugins of the host."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from clientary_connector.approvals import Decision, Question
from clientary_connector.errors import InvalidValueError
from clientary_connector.hosting import HookFailedError, Hosting

DECIDE: Final = "connector_approval_decide"
ASKED: Final = "connector_approval_asked"


class HostApproval:
    """Asks the plugins whether they decide, and tells them of what is left to a person."""

    def __init__(self, hosting: Hosting) -> None:
        """Takes the plugins."""
        self._hosting = hosting

    async def decide(self, question: Question) -> Decision | None:
        """Returns what a plugin decides; None leaves it to a person.

        Raises:
            InvalidValueError: A plugin failed, or answered what is no decision.
        """
        if not self._hosting.hears(DECIDE):
            return None
        shown = question if self._hosting.trusts(DECIDE) else question.bare
        return _decision(await asyncio.to_thread(self._answers, shown))

    def asked(self, question: Question) -> None:
        """Tells the plugins that a call waits for a person."""
        self._hosting.tell_of(
            ASKED,
            lambda: {"question": question.bare},
            sealed=lambda: {"question": question},
            size=len(str(question.arguments)) + len(question.prompt or ""),
        )

    def _answers(self, question: Question) -> list[Any]:
        try:
            return self._hosting.ask(DECIDE, question=question)
        except HookFailedError as error:
            said = str(error)
        raise InvalidValueError(said)


def _decision(answers: list[Any]) -> Decision | None:
    if not answers:
        return None
    answer: Any = answers[0]
    if isinstance(answer, Decision) and is_bool(answer.approve):
        return answer
    raise InvalidValueError(f"The hook {DECIDE} answered what is no decision.")


def is_bool(value: object) -> bool:
    """Tells whether a plugin has said yes or no, and not what would only pass for a yes."""
    return isinstance(value, bool)

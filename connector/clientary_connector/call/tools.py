"""Looks actions up, and keeps for each what was worked out from its schemas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clientary_connector.call.answer import Answers
from clientary_connector.call.arguments import Arguments, identity_faults
from clientary_connector.call.failure import refused
from clientary_connector.call.redact import Redact, redactor
from clientary_connector.call.request import Requests
from clientary_connector.call.result import ArgumentFault, Call, ErrorKind
from clientary_connector.errors import UnknownActionError
from clientary_connector.manifest import Action, Manifest


@dataclass(frozen=True, slots=True)
class Tool:
    """One action, ready to be called."""

    action: Action
    arguments: Arguments
    requests: Requests
    answers: Answers
    redact: Redact | None


class Tools:
    """Makes the tools of a manifest, each when it is first called."""

    def __init__(self, manifest: Manifest) -> None:
        """Takes the manifest; nothing is worked out yet."""
        self._manifest = manifest
        self._made: dict[str, Tool] = {}

    def find(self, name: str) -> Tool:
        """Returns the tool of an action, by id or alias.

        Raises:
            RefusedError: There is no such action.
        """
        found = self._made.get(name)
        if found is not None:
            return found
        try:
            action = self._manifest.action(name)
        except UnknownActionError as error:
            fault = ArgumentFault(path="$.action", expected="an action", hint=error.hint)
        else:
            return self._made.setdefault(action.id, self._make(action))
        raise refused(
            ErrorKind.INVALID_ARGUMENTS, message="There is no such action.", faults=(fault,)
        )

    def look_up(self, call: Call) -> Tool:
        """Returns the tool of a call whose identity and arguments can be used.

        Raises:
            RefusedError: They cannot; the error names every fault.
        """
        faults = identity_faults(call)
        if faults:
            raise refused(ErrorKind.INVALID_ARGUMENTS, faults=faults)
        tool = self.find(call.action)
        faults = tool.arguments.faults(as_dict(call.arguments))
        if faults:
            raise refused(ErrorKind.INVALID_ARGUMENTS, faults=faults)
        return tool

    def _make(self, action: Action) -> Tool:
        return Tool(
            action=action,
            arguments=Arguments(action.input),
            requests=Requests(action, base_path=self._manifest.base_path),
            answers=Answers(action, envelope=self._manifest.envelope),
            redact=redactor(action.output),
        )


def as_dict(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Returns arguments as the plain dictionary that the check wants."""
    return arguments if isinstance(arguments, dict) else dict(arguments)

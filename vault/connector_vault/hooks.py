"""Lets a host take part in rotations: what it may hook into, as pluggy specifications.

1. A hook gets the one secret that it needs, or none. The vault wipes it when the hook ends.
2. A hook has a time limit. One that hangs is left behind, and counts as failed.
3. A hook may run again for the same rotation, also after a crash; it must bear that. The number
   in its context stays the same, so that it can find what it made before.
4. Whatever a hook does, the old secret stays in use until the new one has answered.
5. What the error of a hook says is not repeated, only its type: it could hold the secret.

A plugin is registered for the owners that it serves, and is not asked about others.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import pluggy

from connector_vault.secret import Secret

PROJECT: Final = "connector_vault"

hookspec = pluggy.HookspecMarker(PROJECT)
#: Marks the functions of a plugin.
hookimpl = pluggy.HookimplMarker(PROJECT)


class Verdict(StrEnum):
    """What the service says to a secret."""

    #: It answers, and as the account that it must be.
    ACCEPTED = "accepted"
    #: It answers, and as another account.
    OTHER_ACCOUNT = "other_account"
    #: The service does not accept it.
    REFUSED = "refused"
    #: Nobody can say now.
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationContext:
    """Says what a hook is called for."""

    owner: str
    field: str
    #: Counts the rotations of this secret; a rotation that is taken up again keeps its number.
    number: int
    #: Version in use when the rotation began.
    old: int
    #: Version of the candidate, once it is stored.
    new: int | None
    #: So often has the candidate failed.
    tries: int
    user: str | None


@hookspec(firstresult=True)
def rotation_create(context: RotationContext) -> Secret | None:
    """Makes a candidate. None says that there is none yet: a person has to bring it."""


@hookspec
def rotation_set(context: RotationContext, secret: Secret) -> None:
    """Brings the candidate into effect at the service; only where that has to be done."""


@hookspec(firstresult=True)
def rotation_test(context: RotationContext, secret: Secret) -> Verdict | None:
    """Asks the service what it says to a secret, the new or the old one; changes nothing."""


@hookspec
def rotation_finish(context: RotationContext) -> None:
    """Does what is left once the candidate is the current secret."""


@hookspec
def rotation_retire(context: RotationContext, secret: Secret) -> bool | None:
    """Takes the previous secret out of effect at the service.

    True says that it is shown to be out of effect, False that it is not yet.
    """


@hookspec
def rotation_done(context: RotationContext) -> None:
    """Notices that a secret was rotated."""


@hookspec
def rotation_failed(context: RotationContext, reason: str) -> None:
    """Notices that a rotation needs attention: it failed, or nobody knows what it came to."""


@hookspec
def rotation_due(owner: str, field: str, days_left: int) -> None:
    """Notices that a person has to rotate a secret within so many days; below 0 it is overdue."""

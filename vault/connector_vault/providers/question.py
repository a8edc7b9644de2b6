"""Asks what may be slow, broken or indiscreet, and always gets an answer or an error of ours.

1. The answer comes within the limit, whatever the other side does: names that do not resolve,
   a server that trickles, a prompt that nobody sees. What comes later is dropped.
2. No error of a library gets out, nor hangs on ours as its cause, nor do the frames that it
   holds: any of them may show a token or a key.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeAlias, TypeVar

from connector_vault.cipher import CipherError
from connector_vault.errors import VaultLockedError

T = TypeVar("T")
Explain: TypeAlias = Callable[[Exception], VaultLockedError | CipherError]


def ask(question: Callable[[], T], *, limit_s: float, explain: Explain) -> T:
    """Puts a question in a thread of its own, and waits no longer than the limit.

    Raises:
        VaultLockedError: There was no answer in time, or `explain` says so.
        CipherError: `explain` says so.
    """
    answers: SimpleQueue[tuple[T] | VaultLockedError | CipherError] = SimpleQueue()
    Thread(target=lambda: answers.put(_answer(question, explain)), daemon=True).start()
    try:
        answer = answers.get(timeout=limit_s)
    except Empty:
        answer = explain(TimeoutError())
    if isinstance(answer, tuple):
        return answer[0]
    raise answer


def _answer(
    question: Callable[[], T], explain: Explain
) -> tuple[T] | VaultLockedError | CipherError:
    """Gives the answer, or why there is none."""
    try:
        return (question(),)
    except (VaultLockedError, CipherError) as error:
        error.__context__ = None
        return error.with_traceback(None)
    except Exception as error:  # noqa: BLE001 - the outermost edge of the thread, and see rule 2
        return explain(error)

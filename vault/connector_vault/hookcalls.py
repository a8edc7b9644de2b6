"""Calls the hooks of a rotation, each in a thread of its own and within a time limit."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import Any, TypeAlias

import pluggy

from connector_vault import hooks
from connector_vault.errors import HookFailedError
from connector_vault.hooks import RotationContext, Verdict
from connector_vault.secret import Secret

#: Says whether a plugin serves an owner.
Serves: TypeAlias = Callable[[str], bool]


class HookCalls:
    """The plugins of one vault, and how they are called."""

    def __init__(self, *, limit_s: float) -> None:
        """Starts without a plugin; `limit_s` bounds every hook."""
        self.limit_s = limit_s
        self._manager = pluggy.PluginManager(hooks.PROJECT)
        self._manager.add_hookspecs(sys.modules[hooks.__name__])
        self._serves: dict[object, Serves] = {}

    def register(self, plugin: object, *, serves: Serves | None = None) -> None:
        """Adds a plugin, for some owners or for all; the one that came last is asked first.

        A plugin never gets a secret of an owner that it does not serve.

        Raises:
            ValueError: It has a hook that is none, or was added before.
        """
        wrong = ""
        try:
            self._manager.register(plugin)
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            wrong = str(error)
        if wrong:
            # Whether one that does not fit was taken in all the same depends on pluggy's release.
            if self._manager.is_registered(plugin):
                self._manager.unregister(plugin)
            raise ValueError(f"The plugin does not fit: {wrong}")
        self._serves[plugin] = serves or _everybody

    def implements(self, hook: str, owner: str) -> bool:
        """Says whether a plugin that serves an owner has a hook."""
        return bool(self._caller(hook, owner).get_hookimpls())

    def create(self, context: RotationContext) -> Secret | None:
        """Asks for a candidate.

        Raises:
            HookFailedError: The hook raised, or did not end in time.
        """
        found = self._run("rotation_create", context.owner, context=context)
        return found if isinstance(found, Secret) else None

    def set(self, context: RotationContext, secret: Secret) -> None:
        """Brings a candidate into effect.

        Raises:
            HookFailedError: The hook raised, or did not end in time.
        """
        self._run("rotation_set", context.owner, context=context, secret=secret)

    def test(self, context: RotationContext, secret: Secret) -> Verdict:
        """Asks what the service says to a secret; a hook that fails gives no answer."""
        try:
            found = self._run("rotation_test", context.owner, context=context, secret=secret)
        except HookFailedError:
            return Verdict.NO_ANSWER
        return found if isinstance(found, Verdict) else Verdict.NO_ANSWER

    def finish(self, context: RotationContext) -> None:
        """Does what is left.

        Raises:
            HookFailedError: The hook raised, or did not end in time.
        """
        self._run("rotation_finish", context.owner, context=context)

    def retire(self, context: RotationContext, secret: Secret) -> bool:
        """Takes the previous secret out of effect; True says that it is.

        Raises:
            HookFailedError: The hook raised, or did not end in time.
        """
        said = self._run("rotation_retire", context.owner, context=context, secret=secret)
        return all(one is True for one in said)

    def notice(self, hook: str, owner: str, /, **facts: object) -> bool:
        """Tells the plugins something; False says that one of them failed."""
        try:
            self._run(hook, owner, **facts)
        except HookFailedError:
            return False
        return True

    def _caller(self, hook: str, owner: str) -> pluggy.HookCaller:
        """Gives the hook of the plugins that serve an owner."""
        others = [plugin for plugin, serves in self._serves.items() if not serves(owner)]
        return self._manager.subset_hook_caller(hook, others)

    def _run(self, hook: str, owner: str, /, **arguments: object) -> Any:  # noqa: ANN401 - the plugin says what it is
        """Runs a hook in a thread of its own, and leaves it behind if it hangs."""
        call = self._caller(hook, owner)
        outcome: Future[Any] = Future()

        def work() -> None:
            try:
                outcome.set_result(call(**arguments))
            except BaseException as error:  # noqa: BLE001 - the outermost edge of another's code
                failed = HookFailedError(f"The hook {hook} raised {type(error).__name__}.")
                outcome.set_exception(failed)

        Thread(target=work, name=hook, daemon=True).start()
        try:
            return outcome.result(self.limit_s)
        except TimeoutError:
            pass
        raise HookFailedError(f"The hook {hook} did not end within {self.limit_s:g} s.")


def _everybody(owner: str) -> bool:
    """Serves every owner."""
    del owner
    return True

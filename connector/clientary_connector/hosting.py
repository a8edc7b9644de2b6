"""Tells the plugins of a host what happened, and asks them what may be done.

1. What is told waits in a bounded queue for each plugin; telling never waits, and never fails.
2. Each plugin is told in a thread of its own, which starts with the first notice for it.
3. What is asked is answered within a time limit, or counts as failed.
4. What a plugin's error says is not repeated, only its type: it could hold a secret.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock, Thread
from typing import Any, Final, TypeAlias, cast

from clientary_connector.delivery import Delivery, Notice
from clientary_connector.errors import ClosedError, InvalidValueError
from clientary_connector.settings import Settings

#: Is loaded when the first plugin comes: a cold start without one does not pay for pluggy.
HOOKS: Final = "clientary_connector.hooks"
#: So many questions may be without an answer at once: each has a thread, and a plugin may hang.
MOST_ASKED: Final = 64
#: Makes the arguments of a notice.
Making: TypeAlias = Callable[[], Mapping[str, Any]]


class HookFailedError(Exception):
    """A plugin was asked, and raised, hung or answered what makes no sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginStatus:
    """Says how the notices of one plugin come through."""

    name: str
    #: Whether it sees what is sealed in the log.
    sealed: bool
    waiting: int
    told: int
    #: Left out, as the queue was full.
    lost: int
    #: Told, and the plugin raised.
    failed: int
    #: Type of the last error that it raised.
    error: str | None


class Hosting:
    """The plugins of one connector's host."""

    def __init__(self, settings: Settings) -> None:
        """Starts without a plugin."""
        self._settings = settings
        self._lock = Lock()
        #: pluggy's, once there is a plugin.
        self._manager: Any = None
        self._asked = BoundedSemaphore(MOST_ASKED)
        #: The plugins that came in, with what delivers to each of them.
        self._deliveries: dict[str, tuple[object, Delivery]] = {}
        #: For each hook, who is told: replaced as a whole, so that telling needs no lock.
        self._listeners: Mapping[str, tuple[Delivery, ...]] = {}
        self._closed = False

    def register(self, plugin: object, *, sealed: bool = False) -> str:
        """Takes a plugin in and returns the name that it goes by; the last is asked first.

        Raises:
            InvalidValueError: It has a hook that is none, or was taken in before.
            ClosedError: The connector was closed.
        """
        with self._lock:
            if self._closed:
                raise ClosedError("The connector was closed.", hint="Open it again.")
            if self._manager is None:
                self._manager = _manager()
            name = _added(self._manager, plugin)
            delivery = Delivery(
                name,
                lambda hook, facts: self._call(plugin, hook, facts),
                most=int(self._settings.notices),
                most_bytes=int(self._settings.notices_bytes),
                sealed=sealed,
            )
            self._deliveries[name] = (plugin, delivery)
            self._listeners = self._heard()
        return name

    def unregister(self, plugin: object) -> None:
        """Lets a plugin go; what waits for it is told first.

        Raises:
            InvalidValueError: It was never taken in.
        """
        with self._lock:
            name = next((key for key, one in self._deliveries.items() if one[0] is plugin), None)
            if name is None:
                raise InvalidValueError("The plugin was never registered.")
            _, delivery = self._deliveries.pop(name)
            self._listeners = self._heard()
            manager = self._manager
        delivery.close(self._deadline())
        manager.unregister(plugin)

    def hears(self, hook: str) -> bool:
        """Tells whether a plugin has a hook."""
        return hook in self._listeners

    def trusts(self, hook: str) -> bool:
        """Tells whether every plugin that has a hook may see what is sealed."""
        return all(one.sealed for one in self._listeners.get(hook, ()))

    def tell(self, hook: str, /, **facts: Any) -> None:  # noqa: ANN401 - the hook's own arguments
        """Tells every plugin that has a hook, soon and elsewhere; never waits, never raises."""
        self.tell_of(hook, lambda: facts)

    def tell_of(
        self, hook: str, making: Making, *, sealed: Making | None = None, size: int = 0
    ) -> None:
        """Does the same with arguments that are made where they are told.

        `sealed` makes those for plugins that see what is sealed, and keeps so many bytes.
        """
        for one in self._listeners.get(hook, ()):
            if one.sealed and sealed is not None:
                one.put(Notice(hook, sealed, size))
            else:
                one.put(Notice(hook, making, 0))

    def call(self, hook: str, /, **facts: Any) -> None:  # noqa: ANN401 - the hook's own arguments
        """Calls every plugin that has a hook here and now, for as long as that takes.

        Raises:
            HookFailedError: One of them raised, or there is none; the others were called.
        """
        heard = self._listeners.get(hook, ())
        with self._lock:
            plugins = [plugin for plugin, one in self._deliveries.values() if one in heard]
        failed = None if plugins else "was let go"
        for plugin in plugins:
            try:
                self._call(plugin, hook, facts)
            except BaseException as error:  # noqa: BLE001 - the outermost edge of another's code
                failed = f"raised {type(error).__name__}"
        if failed is not None:
            raise HookFailedError(f"The hook {hook} {failed}.")

    def ask(self, hook: str, /, **facts: Any) -> list[Any]:  # noqa: ANN401 - the hook's own arguments
        """Asks every plugin that has a hook, and returns what those said that said something.

        A hook that wants the first answer gives that one alone.

        Raises:
            HookFailedError: One of them raised, or they did not end in time.
        """
        if not self.hears(hook):
            return []
        if not self._asked.acquire(blocking=False):
            raise HookFailedError(f"The hook {hook} was asked too often without an answer.")
        answer: Future[Any] = Future()

        def work() -> None:
            try:
                answer.set_result(getattr(self._manager.hook, hook)(**facts))
            except BaseException as error:  # noqa: BLE001 - the outermost edge of another's code
                failed = HookFailedError(f"The hook {hook} raised {type(error).__name__}.")
                answer.set_exception(failed)
            finally:
                self._asked.release()

        Thread(target=work, name=hook, daemon=True).start()
        return _in_time(answer, hook, limit_s=self._settings.hook_answer_s)

    def plugins(self) -> tuple[PluginStatus, ...]:
        """Returns how the notices of each plugin come through."""
        with self._lock:
            deliveries = [one for _, one in self._deliveries.values()]
        return tuple(
            PluginStatus(
                name=one.name,
                sealed=one.sealed,
                waiting=one.waiting,
                told=one.told,
                lost=one.lost,
                failed=one.failed,
                error=one.error,
            )
            for one in deliveries
        )

    def close(self) -> None:
        """Ends the telling, once what waits was told or the time for that is over."""
        with self._lock:
            self._closed = True
            deliveries = [one for _, one in self._deliveries.values()]
            self._listeners = {}
        deadline = self._deadline()
        for one in deliveries:
            one.end()
        for one in deliveries:
            one.close(deadline)

    def _deadline(self) -> float:
        return time.monotonic() + self._settings.notices_close_s

    def _heard(self) -> dict[str, tuple[Delivery, ...]]:
        """Returns for each hook of the plugins who has it."""
        heard: dict[str, tuple[Delivery, ...]] = {}
        for plugin, delivery in self._deliveries.values():
            for caller in self._manager.get_hookcallers(plugin):
                heard[caller.name] = (*heard.get(caller.name, ()), delivery)
        return heard

    def _call(self, plugin: object, hook: str, facts: Mapping[str, Any]) -> None:
        """Calls one hook of one plugin alone, so that the error of another does not stop it."""
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        self._manager.subset_hook_caller(hook, others)(**facts)


def name_of(plugin: object) -> str:
    """Returns what a plugin is called: a module or class by its name, an object by its class."""
    return str(getattr(plugin, "__name__", type(plugin).__name__))


def _in_time(answer: Future[Any], hook: str, *, limit_s: float) -> list[Any]:
    """Waits for an answer; a hook that wants the first one gives no list."""
    try:
        said = answer.result(limit_s)
    except TimeoutError:
        pass
    else:
        answers = cast("Sequence[Any]", said) if isinstance(said, list) else (said,)
        return [one for one in answers if one is not None]
    raise HookFailedError(f"The hook {hook} did not end within {limit_s:g} s.")


def _manager() -> Any:  # noqa: ANN401 - pluggy is not loaded yet where this is read
    """Returns a plugin manager that knows the hooks."""
    hooks = importlib.import_module(HOOKS)
    manager = hooks.pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    return manager


def _added(manager: Any, plugin: object) -> str:  # noqa: ANN401 - the same
    """Adds a plugin whose hooks are all known, and returns its name.

    Raises:
        InvalidValueError: It has a hook that is none, or was added before.
    """
    if manager.is_registered(plugin):
        raise InvalidValueError("The plugin was registered before.")
    name = free = name_of(plugin)
    count = 1
    while manager.has_plugin(free):
        count += 1
        free = f"{name}-{count}"
    wrong = ""
    try:
        manager.register(plugin, free)
        manager.check_pending()
    except _plugin_faults() as error:
        wrong = str(error)
    if wrong:
        # Whether one that does not fit was taken in all the same depends on pluggy's release.
        if manager.is_registered(plugin):
            manager.unregister(plugin)
        raise InvalidValueError(f"The plugin does not fit: {wrong}")
    return free


def _plugin_faults() -> type[Exception]:
    """Returns what pluggy raises for a hook that is none; it is loaded with the first plugin."""
    fault: type[Exception] = importlib.import_module(HOOKS).pluggy.PluginValidationError
    return fault

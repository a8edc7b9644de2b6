"""Gives every test the same ground: no settings or state of a person, no far network."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, settings

# The same examples in every run, and no clock: a test that fails once fails always.
settings.register_profile(
    "house",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
# What `make soak` adds: other examples in every run, and many of them.
settings.register_profile("soak", settings.get_profile("house"), derandomize=False)
settings.load_profile("house")


class FarNetworkError(RuntimeError):
    """A test reached for an address that is not on loopback."""


def _keep_to_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    """Stops any look-up or connection that would leave this machine."""
    if event == "socket.getaddrinfo":
        _check(arguments[0])
    elif event == "socket.connect" and isinstance(address := arguments[1], tuple):
        _check(cast("tuple[object, ...]", address)[0])


def _check(host: object) -> None:
    if host not in {None, "", "localhost"} and not _is_loopback(str(host)):
        raise FarNetworkError(f"A test reached for {host}; tests stay on loopback.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the size of a run."""
    parser.addoption(
        "--soak", type=int, default=1, metavar="N", help="run what can be repeated N times as long"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Sets the guard before the first test module is imported."""
    sys.addaudithook(_keep_to_loopback)
    if int(config.getoption("soak", default=1) or 1) > 1:
        settings.load_profile("soak")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Runs three tests on two processors: many wait for a process, a browser, or a time-out."""
    processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return (3 * processors + 1) // 2


@pytest.fixture(scope="session")
def soak(pytestconfig: pytest.Config) -> int:
    """How many times as long as in an ordinary run a campaign goes on."""
    return int(pytestconfig.getoption("soak", default=1) or 1)


@pytest.fixture(scope="session", autouse=True)
def _own_ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hides the person's settings and state from every test and from the processes it starts."""
    with pytest.MonkeyPatch.context() as patch:
        for name in tuple(os.environ):
            if name.startswith("CLIENTARY_"):
                patch.delenv(name)
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield

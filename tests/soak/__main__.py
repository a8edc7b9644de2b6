"""Runs the long campaigns: `python -m tests.soak [--size N] [--only NAME...]`, or `make soak`.

The usual tests run each of these small, on the same examples each time. Here they run many times
as long and on other examples; what fails says how to see it again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
KILLS: Final = (
    "tests/acceptance/test_processes.py",
    "tests/vault/test_processes.py",
    "tests/vault/test_rotation_processes.py",
    "tests/vault/test_kek_turning_kills.py",
    "tests/vault/test_key_turning_kills.py",
)
FLIPS: Final = 1_000

#: The programs of each campaign, by the size that was asked for.
CAMPAIGNS: Final[Mapping[str, Callable[[int], list[list[str]]]]] = {
    "model": lambda size: [_tests(size, "tests/vault/test_model.py")],
    "revokes": lambda size: [_tests(size, "tests/acceptance/test_revoke_hammer.py")],
    "kills": lambda size: [_tests(size, *KILLS)] * max(1, size // 10),
    # Five hundred kills at the usual size.
    "killed": lambda size: [_tests(size, "tests/acceptance/test_kills.py")],
    "flips": lambda size: [["tests.soak.bit_flips", "--flips", str(FLIPS * size)]],
    "api": lambda size: [_tests(size, "tests/console/test_api_probe.py")],
    "calls": lambda _: [["tests.benchmarks", "--full", "--only", "memory", "--strict"]],
}


def main() -> int:
    """Runs the campaigns one after the other; 1 where one of them has failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--size", type=int, default=25, help="how many times as long as usual")
    parser.add_argument("--only", nargs="+", choices=CAMPAIGNS, default=list(CAMPAIGNS))
    options = parser.parse_args()
    failed = [name for name in options.only if not _held(name, options.size)]
    if failed:
        sys.stdout.write(f"\nfailed: {', '.join(failed)}\n")
    return 1 if failed else 0


def _held(name: str, size: int) -> bool:
    """Runs one campaign, whose programs show their own progress."""
    programs = CAMPAIGNS[name](size)
    began = time.monotonic()
    held = True
    for number, program in enumerate(programs, 1):
        sys.stdout.write(f"\n== {name}, {number} of {len(programs)}\n")
        sys.stdout.flush()
        done = subprocess.run([sys.executable, "-m", *program], cwd=ROOT, check=False)  # noqa: S603 - our own interpreter and our own programs
        held = held and done.returncode == 0
    verdict = "held" if held else "FAILED"
    sys.stdout.write(f"== {name}: {verdict} after {time.monotonic() - began:.0f} s\n")
    return held


def _tests(size: int, *files: str) -> list[str]:
    """Names the tests to run as long; what hangs in them is a matter of hours, not of minutes."""
    limits = ["-o", f"faulthandler_timeout={3_600 * max(1, size // 25)}"]
    return ["pytest", *limits, "-p", "no:cacheprovider", "--verbose", "--soak", str(size), *files]


if __name__ == "__main__":
    sys.exit(main())

"""Measures the console's pages over a long log, from the request to the whole answer."""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final

from clientary_connector.frontends.console import Person, Role, console
from clientary_connector.wiring import open_connector
from connector_vault import Transaction, Vault
from tests.benchmarks.rows import Row, Sizes, Tell, interleaved, medians, spread, timed
from tests.console.ground import Browser, Ground, served, stage

HOLD_S: Final = 0.1
LARGE: Final = 100_000
SMALL: Final = 1_000
TIMES: Final = 10
BATCH: Final = 2_500
#: So many applications are started for their first page.
FRESH: Final = 5
#: The pages that are measured, by name.
PAGES: Final = {
    "overview": "/",
    "log": "/log",
    "chosen": "/log?user=otto&persona=planner&outcome=failed",
    "older": f"/log?before={LARGE // 2}",
    "usage": "/usage",
}


def rows(folder: Path, sizes: Sizes, tell: Tell) -> list[Row]:
    """Measures pages over a long log, beside the same over a short one, and a page without any."""
    with ExitStack() as stack:
        small, large = (
            _filled(stack.enter_context(stage(folder / str(count))), count, tell)
            for count in (SMALL, LARGE)
        )
        contenders = {
            "file": partial(timed, partial(_open, large, "/static/console.css"), TIMES),
            **{
                f"{name} {size}": partial(timed, partial(_open, browser, path), TIMES)
                for name, path in PAGES.items()
                for size, browser in (("small", small), ("large", large))
            },
        }
        tell("first looks")
        firsts = sorted(_first(folder / str(LARGE) / "state") for _ in range(FRESH))
        tell("pages of the console")
        for warm_up in contenders.values():
            warm_up()
        seen = interleaved(sizes.rounds, contenders)
    middle = medians(seen)
    first = firsts[FRESH // 2]
    worst = max(first, *(middle[f"{name} large"] for name in PAGES))
    return [
        Row(
            what=f"console: a page over {LARGE:,} rows of the log",
            hold="≤ 100 ms",
            seen=", ".join(
                [
                    f"first overview {_ms(first)}",
                    *(f"{name} {_ms(middle[f'{name} large'])}" for name in PAGES),
                ]
            ),
            references={
                f"{SMALL:,} rows": ", ".join(
                    f"{name} {_ms(middle[f'{name} small'])}" for name in PAGES
                ),
                "a file from memory": _ms(middle["file"]),
            },
            ratio=f"{middle['log large'] / middle['log small']:.2f} x",
            holds=worst <= HOLD_S,
            figures={
                **{name: spread(values) for name, values in seen.items()},
                "first overview": spread(firsts),
            },
            note=f"50 lines a page, over HTTP; the slowest of them counts. The first overview is "
            f"what is looked at first in an application that was started just now, of {FRESH}",
        )
    ]


def _filled(ground: Ground, count: int, tell: Tell) -> Browser:
    """Fills a log with calls, of which each has two rows, and returns a browser on it."""
    vault: Vault = ground.connector._vault  # noqa: SLF001 - thousands of calls would take minutes  # pyright: ignore[reportPrivateUsage]
    for start in range(0, count // 2, BATCH):
        tell(f"log of {count:,} rows: {2 * start:,}")
        numbers = range(start, min(start + BATCH, count // 2))
        vault.write(partial(_append, vault=vault, numbers=numbers))
    return ground.browser("admin")


def _append(log: Transaction, *, vault: Vault, numbers: range) -> None:
    for number in numbers:
        draft = partial(
            vault.draft,
            user="otto" if number % 2 else "maria",
            persona="planner" if number % 7 == 0 else f"persona {number % 12}",
            connection="con_1",
            action=("get_client", "list_invoices", "create_task")[number % 3],
            effect="read",
            operation=f"op_{os.urandom(12).hex()}",
        )
        intent = log.append(draft(kind="intent", facts={"cost": 1}))
        outcome = "failed" if number % 5 == 0 else "succeeded"
        facts = {"cost": 1, "status": 200, "attempts": 1, "duration_ms": 12.5}
        log.append(draft(kind="outcome", ref=intent, outcome=outcome, facts=facts))


def _first(state: Path) -> float:
    """Opens a vault anew, serves its console, and times the first page that somebody sees."""
    with ExitStack() as stack:
        app = console(stack.enter_context(open_connector(state)))
        browser = Browser(stack.enter_context(served(app)))
        stack.callback(browser.close)
        token = app.state.desk.links.make(Person("ada", Role.ADMIN))
        assert browser.client.get(f"/sign-in/{token}").status_code == HTTPStatus.SEE_OTHER
        return timed(partial(_open, browser, "/"), 1)


def _open(browser: Browser, path: str) -> None:
    answer = browser.client.get(path)
    assert answer.status_code == 200


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"

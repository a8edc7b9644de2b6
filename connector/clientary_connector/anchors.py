"""Knows the anchors of a connector: where checkpoints of the log are kept outside the database.

Over HTTP a checkpoint is posted as text, and any answer of 2xx means that it is kept; a GET of the
same address gives all that was. Nothing secret is sent, and nothing that comes back is believed
that has no signature of the log's key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from clientary_connector.call.address import place_of
from clientary_connector.call.request import Form
from clientary_connector.call.transport import Reply, Transport, TransportError
from clientary_connector.errors import SettingsError
from clientary_connector.manifest import Auth
from clientary_connector.settings import Settings
from connector_vault import AnchorError, CheckpointAnchor, CheckpointPlan, Held
from connector_vault.anchor_places import anchor_of

PLAIN: Final = "text/plain; charset=utf-8"
KEPT: Final = range(200, 300)


class HttpAnchor:
    """An address that checkpoints are posted to."""

    def __init__(self, name: str, settings: Settings) -> None:
        """Takes the address, over https or on this machine.

        Raises:
            AnchorError: It is neither.
        """
        place = place_of(name)
        if place is None:
            raise AnchorError(f"The anchor {name} cannot be used. Give https://HOST/PATH.")
        self.name = name
        self._target, self._path = place
        self._limit_s = settings.anchor_answer_s
        self._transport = Transport(auth=Auth("bearer"), headers={}, settings=settings)

    def keep(self, note: str, size: int) -> None:
        """Posts a checkpoint.

        Raises:
            AnchorError: It was not kept, or nothing says so in time.
        """
        del size
        self._answer(Form(path=self._path, body=note.encode(), headers={"Content-Type": PLAIN}))

    def held(self) -> str:
        """Gets what was kept.

        Raises:
            AnchorError: There is no answer in time, or it is none.
        """
        form = Form(path=self._path, body=b"", method="GET")
        return self._answer(form).body.decode(errors="replace")

    def _answer(self, form: Form) -> Reply:
        """Sends on a loop of its own, as this is called in a thread."""
        try:
            reply = asyncio.run(self._sent(form))
        except TransportError as error:
            raise AnchorError(f"{self.name}: {error.reason}.") from None
        except TimeoutError:
            raise AnchorError(f"{self.name}: no answer came in time.") from None
        if reply.status not in KEPT or reply.fault is not None:
            raise AnchorError(f"{self.name} answered with status {reply.status}.")
        return reply

    async def _sent(self, form: Form) -> Reply:
        async with asyncio.timeout(self._limit_s):
            return await self._transport.post(self._target, form, gate=_open)


def plan_of(settings: Settings) -> CheckpointPlan:
    """Returns when checkpoints are made, and where they go.

    Raises:
        SettingsError: An anchor cannot be used.
    """
    return CheckpointPlan(
        rows=settings.checkpoint_rows,
        seconds=settings.checkpoint_s,
        anchors=[named(uri, settings) for uri in settings.anchors],
        answer_s=settings.anchor_answer_s,
    )


def held_by(places: Iterable[str], settings: Settings) -> tuple[Held, ...]:
    """Returns what anchors hold: those named, by URI or as a file; or those of the settings."""
    found: list[Held] = []
    for place in tuple(places) or settings.anchors:
        uri = place if ":" in place else f"file:{Path(place).absolute()}"
        anchor = named(uri, settings)
        try:
            text = anchor.held()
        except AnchorError as error:
            found.append(Held(name=place, unreadable=str(error)))
        else:
            if text is not None:
                found.append(Held(name=place, text=text))
    return tuple(found)


def named(uri: str, settings: Settings) -> CheckpointAnchor:
    """Returns the anchor that a URI names.

    Raises:
        SettingsError: No anchor is named so.
    """
    try:
        if uri.startswith(("https://", "http://")):
            return HttpAnchor(uri, settings)
        return anchor_of(uri)
    except AnchorError as error:
        raise SettingsError(str(error), hint="Look at CLIENTARY_ANCHORS.") from None


@contextmanager
def _open() -> Generator[None]:
    """Lets everything out: there is nothing here that could be revoked."""
    yield

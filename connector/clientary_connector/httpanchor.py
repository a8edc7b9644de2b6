"""Keeps checkpoints of the log at an address that they are posted to.

A checkpoint is posted as text, and any answer of 2xx means that it is kept; a GET of the same
address gives all that was. Nothing secret is sent, and nothing that comes back is believed that
has no signature of the log's key.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import Final

from clientary_connector.call.address import place_of
from clientary_connector.call.request import Form
from clientary_connector.call.transport import Reply, Transport, TransportError
from clientary_connector.manifest import Auth
from clientary_connector.settings import Settings
from connector_vault import AnchorError

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
            # Everything is let out: there is nothing here that could be revoked.
            return await self._transport.post(self._target, form, gate=nullcontext)

"""Sends what is found line by line, in pieces: soon, and not each line by itself."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Final

#: The type of such an answer.
LINES: Final = "application/x-ndjson"
#: So many bytes of lines are sent at once, or what has come together in so long: each time is a
#: change of threads.
PIECE: Final = 64 * 1024
PIECE_S: Final = 0.5


def in_pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Gives lines in pieces; memory does not grow with them."""
    piece, sent = bytearray(), time.monotonic()
    for line in lines:
        piece += line + b"\n"
        if len(piece) >= PIECE or time.monotonic() - sent >= PIECE_S:
            yield bytes(piece)
            piece.clear()
            sent = time.monotonic()
    yield bytes(piece)

"""Says in the words of the admin API what the connector says in those of the command line.

What can only be done at the shell of the machine stays as it is: whoever reads it here has to ask
whoever runs the connector.
"""

from __future__ import annotations

import re
from typing import Final

#: What the connector advises, and what a program that uses the API does instead.
WORDS: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (
            r"`clientary rotate (\S+)` with --check-old",
            r"`POST /connections/\1/check-old-key`",
        ),
        (r"`clientary rotate (\S+) --drop`", r"`POST /connections/\1/drop-new-key`"),
        (r"`clientary rotate (\S+)`", r"`POST /connections/\1/rotate`"),
        (
            r"`clientary settle (\d+) --found` or `--not-found`",
            r"`POST /log/\1/settle` and a verdict",
        ),
        (r"`clientary vault tend`", "`POST /tend`"),
        (r"`clientary connections`", "`GET /connections`"),
        (r"`clientary console user list`", "`GET /users`"),
        (r"`clientary log key`", "`GET /log/checkpoint`"),
        (r"`connections`", "`GET /connections`"),
        (r"`grants`", "`GET /grants`"),
        (r"with the command that showed the address", "with `POST /authorizations`"),
        (r"`approvals`", "`GET /approvals?state=all`"),
    )
)


def in_words_of_the_api(text: str) -> str:
    """Returns advice with the operations of the API in the place of commands."""
    for pattern, said in WORDS:
        text = pattern.sub(said, text)
    return text

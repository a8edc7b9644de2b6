"""Makes the text of a token, and tells what is one by its form alone.

`cct_`, 43 letters and digits of chance, and 6 of a checksum, so that a scanner finds a token that
was left lying somewhere, and takes nothing else for one.
https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
"""

from __future__ import annotations

import re
import secrets
import string
import zlib
from typing import Final

PREFIX: Final = "cct_"
#: 62 signs to the power of 43 are 256 bits.
RANDOM_SIGNS: Final = 43
CHECK_SIGNS: Final = 6
_SIGNS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_FORM: Final = re.compile(f"{PREFIX}([0-9A-Za-z]{{{RANDOM_SIGNS}}})([0-9A-Za-z]{{{CHECK_SIGNS}}})")


def minted() -> str:
    """Returns a new token."""
    chance = "".join(secrets.choice(_SIGNS) for _ in range(RANDOM_SIGNS))
    return f"{PREFIX}{chance}{_checksum(chance)}"


def is_formed(text: str) -> bool:
    """Tells whether a text has the form of a token, and its checksum."""
    found = _FORM.fullmatch(text)
    return found is not None and _checksum(found[1]) == found[2]


def _checksum(chance: str) -> str:
    """Returns the CRC-32 of a text in our signs; it guards against slips, not against people."""
    rest, signs = zlib.crc32(chance.encode()), ""
    for _ in range(CHECK_SIGNS):
        rest, sign = divmod(rest, len(_SIGNS))
        signs = _SIGNS[sign] + signs
    return signs

"""Binds forms and messages to the browser that they were made for.

The token of a form is an HMAC-SHA256 under what only that browser and we know (the id of its
session, or a random cookie where the host signs people in), over the person's name. Nothing is
kept for it, so that any process of a host can check what another one has made.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final

from clientary_connector.frontends.console.desk import Visit

FORM: Final = "form"
MESSAGE: Final = "message"
#: A cookie holds four kilobytes, and a message is a sentence or two.
MOST_CHARS: Final = 600


def form_token(visit: Visit) -> str:
    """Returns what a form of this visit has to carry."""
    visit.bound = True
    return _mac(visit, FORM, "")


def is_form_token(visit: Visit, token: str) -> bool:
    """Whether a form was made for this visit."""
    return not visit.fresh and hmac.compare_digest(
        _mac(visit, FORM, "").encode(), token.encode(errors="replace")
    )


def sealed_message(visit: Visit, text: str) -> str:
    """Returns a message as a cookie carries it to the next page; not secret, and not forged."""
    visit.bound = True
    shown = text[:MOST_CHARS]
    body = base64.urlsafe_b64encode(shown.encode()).decode()
    return f"{body}.{_mac(visit, MESSAGE, shown)}"


def opened_message(visit: Visit, value: str) -> str | None:
    """Returns the message in a cookie; None where we did not write it for this browser."""
    body, _, mac = value.partition(".")
    try:
        text = base64.urlsafe_b64decode(body.encode()).decode()
    except (binascii.Error, ValueError):
        return None
    matches = hmac.compare_digest(_mac(visit, MESSAGE, text).encode(), mac.encode())
    return text if matches else None


def _mac(visit: Visit, label: str, text: str) -> str:
    name = "" if visit.person is None else visit.person.name
    # The lengths keep one field from running into the next.
    said = f"{label}:{len(name)}:{name}:{text}"
    return hmac.new(visit.binding.encode(), said.encode(), hashlib.sha256).hexdigest()

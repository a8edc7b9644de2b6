"""Says how a secret stands in the header of a request."""

from __future__ import annotations

from binascii import b2a_base64

from clientary_connector.manifest import Auth


def authorization(auth: Auth, revealed: str) -> str:
    """Returns the header that carries the secret."""
    if auth.scheme == "bearer":
        return f"Bearer {_filled(auth.token, revealed)}"
    pair = f"{_filled(auth.username, revealed)}:{_filled(auth.password, revealed)}"
    return f"Basic {b2a_base64(pair.encode(), newline=False).decode()}"


def _filled(template: str | None, revealed: str) -> str:
    return (template or "").replace("{secret}", revealed)

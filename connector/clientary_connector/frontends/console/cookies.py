"""Reads and sets the cookies of the console.

1. No script sees a cookie (`HttpOnly`), and no other site's form sends one (`SameSite=Lax`: a page
   of ours that another site leads back to still knows the person).
2. A cookie travels over TLS alone and is named `__Host-` (RFC 6265bis, section 4.1.3.2), so that
   no other host of the domain can set it. Only on loopback without TLS it cannot be.
3. Consoles on other ports or under other paths of one host do not share cookies: the name says
   which console it is of.
"""

from __future__ import annotations

import hashlib
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from clientary_connector.call import address

SESSION: Final = "session"
BINDING: Final = "binding"
SAID: Final = "said"
DEVICE: Final = "device"
THEME: Final = "theme"


def cookie(request: Request, what: str) -> str | None:
    """Returns the value of a cookie of ours."""
    return request.cookies.get(_name(request, what))


def set_cookie(
    response: Response, request: Request, what: str, value: str, *, life_s: int | None = None
) -> None:
    """Gives the browser a cookie; without a life it keeps it until it is closed."""
    response.set_cookie(
        _name(request, what),
        value,
        max_age=life_s,
        path=_path(request),
        secure=_secure(request),
        httponly=True,
        samesite="lax",
    )


def drop_cookie(response: Response, request: Request, what: str) -> None:
    """Takes a cookie away from the browser."""
    response.delete_cookie(
        _name(request, what),
        path=_path(request),
        secure=_secure(request),
        httponly=True,
        samesite="lax",
    )


def is_loopback(host: str) -> bool:
    """Whether a name of a host stands for this machine and no other."""
    return host == "localhost" or address.is_loopback(host.strip("[]"))


def _secure(request: Request) -> bool:
    return request.url.scheme == "https" or not is_loopback(request.url.hostname or "")


def _name(request: Request, what: str) -> str:
    place = f"{request.url.port or ''}{request.scope.get('root_path', '')}"
    mark = hashlib.sha256(place.encode()).hexdigest()[:8]
    return f"{'__Host-' if _secure(request) else ''}clientary-{what}-{mark}"


def _path(request: Request) -> str:
    return "/" if _secure(request) else (request.scope.get("root_path") or "/")

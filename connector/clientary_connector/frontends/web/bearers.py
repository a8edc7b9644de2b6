"""Lets in whoever shows a token that counts, with every request anew (RFC 6750).

1. A token is taken from the header Authorization and from nowhere else: what stands in an address
   stands in logs.
2. Who shows too many wrong ones waits, and the vault is not asked meanwhile.
3. A refusal says no more than whoever holds the token may know, and no log holds a token.
"""

from __future__ import annotations

import logging
import math
from typing import Final

from starlette.responses import JSONResponse
from starlette.types import Scope

from clientary_connector.errors import ConnectorError, TokenRefusedError
from clientary_connector.frontends.web.throttle import Throttle
from clientary_connector.issuing import Tokens
from clientary_connector.tokens import Token

REALM: Final = 'Bearer realm="clientary"'
_RETRY_S: Final = 5
_log: Final = logging.getLogger(__name__)


class Bearers:
    """Looks at the tokens that requests show."""

    def __init__(self, tokens: Tokens, *, kind: str, throttle: Throttle) -> None:
        """Takes what knows the tokens, and of which kind they have to be."""
        self._tokens = tokens
        self._kind = kind
        self._throttle = throttle

    async def admitted(self, scope: Scope) -> Token | JSONResponse:
        """Returns the token of a request, or the answer to one that lets nobody in."""
        shown = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(shown) > 1:
            return _refusal(400, "invalid_request", "Show one token, once.")
        scheme, _, text = (shown or [b""])[0].decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            # Without a word about an error: nothing was shown that could be wrong.
            headers = {"WWW-Authenticate": REALM}
            said = "Show a token: Authorization: Bearer cct_..."
            return JSONResponse({"error": "unauthorized", "error_description": said}, 401, headers)
        return await self._looked_up(text.strip(), address=str((scope.get("client") or ("",))[0]))

    async def _looked_up(self, text: str, *, address: str) -> Token | JSONResponse:
        wait_s = math.ceil(self._throttle.wait_s(address))
        if wait_s:
            return _late(429, "Too many wrong tokens came from this address.", after_s=wait_s)
        try:
            token = await self._tokens.admit(text, kind=self._kind)
        except TokenRefusedError as error:
            self._throttle.wrong(address)
            _log.warning(
                "%s of %s was refused: %s", error.token or "A token", address, error.message
            )
            return _refusal(401, "invalid_token", error.message)
        except ConnectorError as error:
            _log.warning("No token can be looked up: %s", error.message)
            return _late(503, "Tokens cannot be looked up just now.", after_s=_RETRY_S)
        self._throttle.right(address)
        return token


def _refusal(status: int, error: str, said: str) -> JSONResponse:
    told = f'{REALM}, error="{error}", error_description="{said}"'
    body = {"error": error, "error_description": said}
    return JSONResponse(body, status, {"WWW-Authenticate": told})


def _late(status: int, said: str, *, after_s: int) -> JSONResponse:
    body = {"error": "temporarily_unavailable", "error_description": said}
    return JSONResponse(body, status, {"Retry-After": str(after_s)})

"""Describes providers of OAuth 2 tokens: data that a host brings, checked before it is used.

1. Every field is known, and of its type; what is not known is refused.
2. An endpoint is https on a host by name, or plain http on this machine, for tests and rehearsal.
3. A description holds no secret; a client secret is given apart, and sealed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import msgspec

from clientary_connector.call.address import place_of
from clientary_connector.call.kinds import is_object
from clientary_connector.errors import InvalidValueError

#: How a client shows who it is at the token endpoint (RFC 6749 2.3, names of RFC 7591).
METHODS: Final = ("none", "client_secret_basic", "client_secret_post")
#: What RFC 6749 lets stand in a client id and in a scope.
VISIBLE: Final = re.compile(r"[\x20-\x7e]{1,512}")
SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")
REDIRECT: Final = re.compile(r"https?://[\x21\x24-\x7e]{1,512}")
#: What the engine itself puts onto an authorization request.
OURS: Final = frozenset(
    {"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge"}
    | {"code_challenge_method"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Says where tokens come from, and as whom we ask for them.

    Raises:
        InvalidValueError: A field cannot be used; the message names it.
    """

    name: str
    authorization_endpoint: str
    token_endpoint: str
    client_id: str
    #: One of METHODS.
    client_authentication: str = "none"
    scopes: tuple[str, ...] = ()
    #: Where tokens are given back (RFC 7009), if the provider takes them.
    revocation_endpoint: str | None = None
    #: Who has to sign a callback (RFC 9207); None where the provider does not say it.
    issuer: str | None = None
    #: The address that is registered with the provider; None means a free port of this machine.
    redirect_uri: str | None = None
    #: What the authorization request carries besides, such as `{"access_type": "offline"}`.
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        """Refuses a description that cannot be used."""
        for name in ("authorization_endpoint", "token_endpoint", "revocation_endpoint"):
            url = getattr(self, name)
            if url is not None and place_of(url) is None:
                raise _unusable(name, "Give https, a host by name and a path.")
        if self.client_authentication not in METHODS:
            raise _unusable("client_authentication", f"Give {', '.join(METHODS)}.")
        if not (VISIBLE.fullmatch(self.name) and VISIBLE.fullmatch(self.client_id)):
            raise _unusable("name or client_id", "Give plain characters.")
        if not all(SCOPE.fullmatch(scope) for scope in self.scopes):
            raise _unusable("scopes", "Give a list of words.")
        if self.redirect_uri is not None and REDIRECT.fullmatch(self.redirect_uri) is None:
            raise _unusable("redirect_uri", "Give the address that the provider knows.")
        if OURS.intersection(self.parameters):
            raise _unusable("parameters", f"Leave out {', '.join(sorted(OURS))}.")

    @property
    def has_secret(self) -> bool:
        """Whether the client shows who it is with a secret."""
        return self.client_authentication != "none"

    @property
    def local(self) -> bool:
        """Whether any endpoint is on this machine."""
        urls = (self.authorization_endpoint, self.token_endpoint, self.revocation_endpoint)
        return any(url is not None and url.startswith("http://") for url in urls)

    def to_json(self) -> dict[str, Any]:
        """Returns the description as a JSON object."""
        shown: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**shown, "scopes": list(self.scopes), "parameters": dict(self.parameters)}


def provider_of(document: Any) -> Provider:  # noqa: ANN401 - any JSON value
    """Reads a description.

    Raises:
        InvalidValueError: It is no object, or a field is missing, unknown or of another type.
    """
    if not is_object(document):
        raise _unusable("it is no object", "Give a JSON object.")
    known = {one.name for one in fields(Provider)}
    if strays := sorted(set(document) - known):
        raise _unusable(strays[0][:64], f"Known fields: {', '.join(sorted(known))}.")
    try:
        return msgspec.convert(document, Provider)
    except msgspec.ValidationError as error:
        # It names the field and the types, and repeats no value.
        said = str(error)
    raise _unusable(said, "Give every field as it has to be.")


def load_provider(path: Path) -> Provider:
    """Reads a description from a JSON file.

    Raises:
        InvalidValueError: The file cannot be read, or the description cannot be used.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidValueError(
            f"The description of the provider cannot be read ({type(error).__name__}).",
            hint="Give a JSON file.",
        ) from None
    return provider_of(document)


def _unusable(what: str, hint: str) -> InvalidValueError:
    return InvalidValueError(f"The description of the provider cannot be used: {what}.", hint=hint)

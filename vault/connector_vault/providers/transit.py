"""Wraps with a key that stays in HashiCorp Vault or OpenBao, in its transit engine.

1. The token comes from VAULT_TOKEN or from a private file that the URI names, never from the
   URI, and is read anew for each request: agents replace it.
2. The server is asked over https, over plain http on this machine alone. Redirects are not
   followed, and proxies, certificates and key logs that the environment names are ignored.
3. The key must be there before it is used: `encrypt` with a token that may create would make it.
4. What is wrapped is bound to its context twice: as associated data, and by a hash inside the
   message, because servers that do not know associated data leave it out in silence.
5. Only `decrypt` and `encrypt` are used, never `rewrap`, which takes no new context.
6. Each answer comes within the limit.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import requests
from hvac.adapters import JSONAdapter  # type: ignore[import-untyped] # ships no types  # pyright: ignore[reportMissingTypeStubs]
from hvac.api.secrets_engines import Transit  # type: ignore[import-untyped] # the same  # pyright: ignore[reportMissingTypeStubs]
from hvac.exceptions import (  # type: ignore[import-untyped] # the same  # pyright: ignore[reportMissingTypeStubs]
    Forbidden,
    InvalidPath,
    InvalidRequest,
    Unauthorized,
    VaultDown,
    VaultNotInitialized,
)
from requests.adapters import HTTPAdapter

from connector_vault.cipher import CipherError
from connector_vault.errors import VaultLockedError
from connector_vault.private_file import absolute, read_private
from connector_vault.providers.means import Means
from connector_vault.providers.place import outside_id, parse_server, split_options
from connector_vault.providers.question import Explain, ask

T = TypeVar("T")

_OPTIONS: Final = frozenset({"namespace", "ca", "token_file"})
_SEGMENT: Final = re.compile(r"(?!\.+$)[A-Za-z0-9_.-]{1,128}")
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,4096}")
_SEALED: Final = re.compile(r"vault:v[1-9]\d{0,8}:[A-Za-z0-9+/]+={0,2}")
_CIPHERS: Final = frozenset({"aes128-gcm96", "aes256-gcm96", "chacha20-poly1305"})
_DIGEST_BYTES: Final = 32
_MAX_TOKEN_BYTES: Final = 4097
_ADVICE: Final[Mapping[type, str]] = {
    Forbidden: "the token is wrong, has expired, or its policy does not allow this",
    InvalidPath: "there is no such key or mount",
    InvalidRequest: "it refused the request",
    Unauthorized: "the token is wrong or has expired",
    VaultDown: "the server is sealed or down",
    VaultNotInitialized: "the server was never set up",
}


@dataclass(frozen=True, slots=True)
class _Address:
    """Where the key is, and what is needed to ask for it, the token itself aside."""

    origin: str
    mount: str
    name: str
    namespace: str | None
    authorities: str | None
    token_file: Path | None


class TransitKey:
    """A provider whose key is in a transit engine."""

    def __init__(self, address: _Address, means: Means) -> None:
        """Takes the address of a key that is there."""
        self._address = address
        self._means = means
        # The host is left out: a cluster has many, and a server may move.
        self._id = outside_id("transit", address.namespace or "", address.mount, address.name)

    @property
    def id(self) -> str:
        """The hash of the key's path."""
        return self._id

    @property
    def fingerprint(self) -> str:
        """The hash of the key's path."""
        return self._id

    def wrap(self, material: bytes | bytearray, bound: bytes) -> bytes:
        """Seals key material, bound to a context."""
        return self._ask(
            lambda transit: transit.encrypt_data(
                name=self._address.name,
                mount_point=self._address.mount,
                plaintext=_base64(hashlib.sha256(bound).digest() + material),
                associated_data=_base64(bound),
            ),
            lambda answer: _ciphertext(_field(answer, "ciphertext")).encode(),
            _explain,
        )

    def unwrap(self, sealed: bytes, bound: bytes) -> bytearray:
        """Opens what `wrap` sealed under the same context."""
        ciphertext = sealed.decode("ascii", "replace")
        if not _SEALED.fullmatch(ciphertext):
            raise CipherError("The message is no ciphertext of a transit engine.")
        return self._ask(
            lambda transit: transit.decrypt_data(
                name=self._address.name,
                mount_point=self._address.mount,
                ciphertext=ciphertext,
                associated_data=_base64(bound),
            ),
            lambda answer: _material(_field(answer, "plaintext"), bound),
            _explain_decrypt,
        )

    def check(self) -> None:
        """Makes sure that the key is there and fit for use.

        Raises:
            VaultLockedError: It is not.
        """
        kind = self._ask(
            lambda transit: transit.read_key(
                name=self._address.name, mount_point=self._address.mount
            ),
            lambda answer: _field(answer, "type"),
            _explain,
        )
        if kind not in _CIPHERS:
            raise _locked("the key is of a type that takes no associated data")

    def _ask(
        self, question: Callable[[Any], object], read: Callable[[object], T], explain: Explain
    ) -> T:
        """Asks the server and reads its answer, both out of reach of this thread's frames."""

        def answer() -> T:
            with requests.Session() as session:
                return read(question(_transit(session, self._address, self._means)))

        return ask(answer, limit_s=self._means.answer_limit_s, explain=explain)


def load(place: str, means: Means) -> TransitKey:
    """Finds the key in the transit engine.

    Raises:
        VaultLockedError: It is not there, of another kind, or out of reach.
    """
    key = TransitKey(_address(place), means)
    key.check()
    return key


def create(place: str, means: Means) -> TransitKey:
    """Finds the key; making one, and saying who may use it, is work for the server's own tools.

    Raises:
        VaultLockedError: It is not there, of another kind, or out of reach.
    """
    return load(place, means)


def _address(place: str) -> _Address:
    """Reads the URI."""
    url, options = split_options(place, _OPTIONS)
    server = parse_server(url)
    *mount, name = server.path.strip("/").split("/")
    namespace = options.get("namespace")
    segments = [*mount, name, *(namespace or "x").strip("/").split("/")]
    if not mount or not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise VaultLockedError("Name the key as transit:https://host:port/MOUNT/NAME.")
    return _Address(
        server.origin,
        "/".join(mount),
        name,
        namespace,
        options.get("ca"),
        _token_file(options),
    )


def _token_file(options: Mapping[str, str]) -> Path | None:
    """Reads the path of the file that holds the token."""
    if "token_file" not in options:
        return None
    path = absolute(options["token_file"])
    if path is None:
        raise VaultLockedError("Name the token's file with its whole path.")
    return path


def _token(address: _Address, means: Means) -> str:
    """Reads the token."""
    if address.token_file is None:
        token, place = means.environ.get("VAULT_TOKEN", ""), "the variable VAULT_TOKEN"
    else:
        path = address.token_file
        content = read_private(path, most=_MAX_TOKEN_BYTES, own_directory=False)
        token, place = content.decode("ascii", "replace"), str(path)
    if not _TOKEN.fullmatch(token.strip()):
        raise _locked(f"{place} holds no token")
    return token.strip()


def _transit(session: requests.Session, address: _Address, means: Means) -> Any:  # noqa: ANN401 - the library has no types
    """Makes the client of one request."""
    session.trust_env = False
    if address.origin.startswith("https:"):
        session.mount("https://", _OwnTls())
        session.verify = address.authorities or True
    adapter = JSONAdapter(
        base_uri=address.origin,
        token=_token(address, means),
        namespace=address.namespace,
        timeout=math.ceil(means.answer_limit_s),
        allow_redirects=False,
        session=session,
    )
    return Transit(adapter=adapter)


class _OwnTls(HTTPAdapter):
    """Sends over a TLS context that is made without a look at the environment."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - passed on as they come
        """Makes the pool; the authorities are those that the session verifies with."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        super().init_poolmanager(*arguments, **options, ssl_context=tls)


def _field(answer: object, name: str) -> str:
    """Gives one field of an answer."""
    data = cast("dict[str, Any]", answer).get("data") if isinstance(answer, dict) else None
    value = cast("dict[str, Any]", data).get(name) if isinstance(data, dict) else None
    if not isinstance(value, str):
        raise _locked("it answered in a way that transit engines do not, or with a redirect")
    return value


def _ciphertext(text: str) -> str:
    """Gives what is to be kept, if it can be opened again."""
    if not _SEALED.fullmatch(text):
        raise _locked("it answered with no ciphertext")
    return text


def _material(plaintext: str, bound: bytes) -> bytearray:
    """Gives the key material of a message, if the hash before it is that of the context."""
    message = bytearray(_decoded(plaintext))
    digest = hashlib.sha256(bound).digest()
    if not hmac.compare_digest(digest, message[:_DIGEST_BYTES]):
        raise CipherError("The message does not open.")
    return message[_DIGEST_BYTES:]


def _decoded(text: str) -> bytes:
    """Decodes base64; what is not base64 is empty."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _explain(error: Exception) -> VaultLockedError:
    """Says what the server did, by the kind of its error alone."""
    advice = _ADVICE.get(type(error))
    return _locked(advice or f"it gave no answer ({type(error).__name__})")


def _explain_decrypt(error: Exception) -> VaultLockedError | CipherError:
    """Says why a message was not opened."""
    if isinstance(error, InvalidRequest):
        return CipherError("The message does not open.")
    return _explain(error)


def _locked(why: str) -> VaultLockedError:
    """Says why the server keeps the vault locked."""
    return VaultLockedError(f"The vault stays locked: asked for its key in transit, {why}.")

"""A transit engine as its documentation describes it: encrypt, decrypt and read of a key.

A token that is not known gets 403, a key that is not there 404 on a read and 400 on a decrypt. An
encrypt makes a missing key if the token may create. A sealed server answers 503 to everything.
"""

from __future__ import annotations

import base64
import json
import os
import re
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vault.loopback import Answer, Asked

TOKEN = "hvs.canary-token-5d2f"


@dataclass(slots=True)
class TransitServer:
    """The state of one server; call it with a request."""

    keys: dict[str, list[bytes]] = field(default_factory=dict[str, list[bytes]])
    kind: str = "aes256-gcm96"
    namespace: str | None = None
    sealed: bool = False
    slow: bool = False
    knows_associated_data: bool = True
    #: What is answered instead, whatever is asked.
    instead: Answer | None = None
    asked: list[Asked] = field(default_factory=list[Asked])

    def rotate(self, name: str) -> None:
        """Adds a version to a key, or makes it."""
        self.keys.setdefault(name, []).append(os.urandom(32))

    def __call__(self, asked: Asked) -> Answer:
        """Answers one request."""
        self.asked.append(asked)
        if self.slow:
            return Answer(200, waits=True)
        if self.instead is not None:
            return self.instead
        if self.sealed:
            return _errors(503, "Vault is sealed")
        if (
            asked.headers.get("X-Vault-Token") != TOKEN
            or asked.headers.get("X-Vault-Namespace") != self.namespace
        ):
            return _errors(403, "permission denied")
        found = re.fullmatch(r"/v1/team/transit/(keys|encrypt|decrypt)/([\w-]+)", asked.path)
        if found is None:
            return _errors(404)
        body = json.loads(asked.body or b"{}")
        return {"keys": self._read, "encrypt": self._encrypt, "decrypt": self._decrypt}[found[1]](
            found[2], body
        )

    def _read(self, name: str, body: dict[str, str]) -> Answer:  # noqa: ARG002 - a read has no body
        if name not in self.keys:
            return _errors(404)
        versions = {str(number + 1): 1_790_000_000 for number in range(len(self.keys[name]))}
        return Answer(200, {"data": {"name": name, "type": self.kind, "keys": versions}})

    def _encrypt(self, name: str, body: dict[str, str]) -> Answer:
        if name not in self.keys:
            self.rotate(name)
        versions, nonce = self.keys[name], os.urandom(12)
        plaintext = base64.b64decode(body["plaintext"])
        sealed = nonce + AESGCM(versions[-1]).encrypt(nonce, plaintext, self._bound(body))
        text = f"vault:v{len(versions)}:{base64.b64encode(sealed).decode()}"
        return Answer(200, {"data": {"ciphertext": text, "key_version": len(versions)}})

    def _decrypt(self, name: str, body: dict[str, str]) -> Answer:
        if name not in self.keys:
            return _errors(400, "encryption key not found")
        found = re.fullmatch(r"vault:v(\d+):(.+)", body["ciphertext"])
        if found is None or int(found[1]) > len(self.keys[name]):
            return _errors(400, "invalid ciphertext")
        try:
            sealed = base64.b64decode(found[2], validate=True)
            key = AESGCM(self.keys[name][int(found[1]) - 1])
            plaintext = key.decrypt(sealed[:12], sealed[12:], self._bound(body))
        except (ValueError, InvalidTag):
            return _errors(400, "cipher: message authentication failed")
        return Answer(200, {"data": {"plaintext": base64.b64encode(plaintext).decode()}})

    def _bound(self, body: dict[str, str]) -> bytes:
        text = body.get("associated_data", "") if self.knows_associated_data else ""
        return base64.b64decode(text)


def _errors(status: int, *errors: str) -> Answer:
    return Answer(status, {"errors": list(errors)})

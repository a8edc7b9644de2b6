"""Wraps with a key that stays in AWS KMS.

1. Credentials come from where every AWS tool finds them, never from the URI. Proxies, endpoints
   and certificate bundles that the environment names are ignored; where it names a file for TLS
   keys, nothing is sent, as the library would write them there.
2. A name or alias is resolved once, to the key's ARN. The ARN's hash is the id: an alias that
   later points to another key is another key.
3. The key must be enabled, symmetric and made for encryption. None is made here.
4. The bound context goes along as the encryption context, hashed: it stands in CloudTrail.
5. Every request names the ARN, and an answer for another key is refused.
6. Each answer comes within the limit, retries included.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final, Protocol, cast

import boto3.session  # type: ignore[import-untyped] # ships no types; `_Kms` has what is used  # pyright: ignore[reportMissingTypeStubs]
from botocore.config import Config  # type: ignore[import-untyped] # the same  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import ClientError  # type: ignore[import-untyped] # the same  # pyright: ignore[reportMissingTypeStubs]

from connector_vault.cipher import CipherError
from connector_vault.errors import VaultLockedError
from connector_vault.providers.means import Means
from connector_vault.providers.place import outside_id, parse_server, split_options
from connector_vault.providers.question import ask

_KEY: Final = re.compile(r"[A-Za-z0-9:/_-]{1,2048}")
_REGION: Final = re.compile(r"[a-z0-9-]{1,63}")
_OPTIONS: Final = frozenset({"region", "endpoint"})
_ATTEMPTS: Final = 3
_ADVICE: Final = {
    "AccessDeniedException": "allow this role kms:DescribeKey, kms:Encrypt and kms:Decrypt on it",
    "DisabledException": "the key is disabled; enable it",
    "ExpiredTokenException": "the AWS credentials have expired",
    "InvalidArnException": "the URI names no key",
    "InvalidClientTokenId": "the AWS credentials are not valid",
    "InvalidSignatureException": "the AWS credentials are not valid",
    "KMSInvalidStateException": "the key is pending deletion or import",
    "KeyUnavailableException": "the key is out of reach; try again",
    "NotFoundException": "there is no such key in this region",
    "ThrottlingException": "there were too many requests; try again",
    "UnrecognizedClientException": "the AWS credentials are not valid",
}
_NOT_OURS: Final = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class _Kms(Protocol):
    """What is used of KMS, with the names that its API has."""

    def describe_key(self, **named: object) -> Mapping[str, Any]: ...

    def encrypt(self, **named: object) -> Mapping[str, Any]: ...

    def decrypt(self, **named: object) -> Mapping[str, Any]: ...


class AwsKmsKey:
    """A provider whose key is in KMS."""

    def __init__(self, kms: _Kms, arn: str, *, limit_s: float) -> None:
        """Takes the ARN that was resolved."""
        self._kms = kms
        self._arn = arn
        self._limit_s = limit_s
        self._id = outside_id("aws-kms", arn)

    @property
    def id(self) -> str:
        """The hash of the key's ARN."""
        return self._id

    @property
    def fingerprint(self) -> str:
        """The hash of the key's ARN."""
        return self._id

    def wrap(self, material: bytes | bytearray, bound: bytes) -> bytes:
        """Seals key material, bound to a context."""

        def encrypt() -> bytes:
            answer = self._kms.encrypt(
                KeyId=self._arn, Plaintext=bytes(material), EncryptionContext=_context(bound)
            )
            self._check(answer)
            return bytes(answer["CiphertextBlob"])

        return ask(encrypt, limit_s=self._limit_s, explain=_explain)

    def unwrap(self, sealed: bytes, bound: bytes) -> bytearray:
        """Opens what `wrap` sealed under the same context."""

        def decrypt() -> bytearray:
            answer = self._kms.decrypt(
                KeyId=self._arn, CiphertextBlob=sealed, EncryptionContext=_context(bound)
            )
            self._check(answer)
            return bytearray(answer["Plaintext"])

        return ask(decrypt, limit_s=self._limit_s, explain=_explain)

    def _check(self, answer: Mapping[str, Any]) -> None:
        """Refuses an answer for another key than was asked for."""
        if answer.get("KeyId") != self._arn:
            raise VaultLockedError("The vault stays locked: KMS answered for another key.")


def load(place: str, means: Means) -> AwsKmsKey:
    """Finds the key in KMS.

    Raises:
        VaultLockedError: It is not there, not enabled, of another kind, or out of reach.
    """
    name, options = split_options(place, _OPTIONS)
    region, endpoint = _region(name, options), _endpoint(options)
    if means.environ.get("SSLKEYLOGFILE"):
        raise VaultLockedError("The vault stays locked: unset SSLKEYLOGFILE to use AWS KMS.")

    def find() -> tuple[_Kms, str]:
        kms = _client(region, endpoint, means.answer_limit_s)
        return kms, _arn(kms.describe_key(KeyId=name)["KeyMetadata"])

    kms, arn = ask(find, limit_s=means.answer_limit_s, explain=_explain)
    return AwsKmsKey(kms, arn, limit_s=means.answer_limit_s)


def create(place: str, means: Means) -> AwsKmsKey:
    """Finds the key in KMS; making one, and saying who may use it, is work for AWS's own tools.

    Raises:
        VaultLockedError: It is not there, not enabled, of another kind, or out of reach.
    """
    return load(place, means)


def _region(name: str, options: Mapping[str, str]) -> str | None:
    """Gives the region of the URI or of its ARN; None leaves it to AWS's own settings."""
    if not _KEY.fullmatch(name):
        raise VaultLockedError("Name the key in KMS: aws-kms:KEY, as its ARN, id or alias/NAME.")
    parts = name.split(":")
    from_arn = parts[3] if parts[0] == "arn" and len(parts) > 3 else None  # noqa: PLR2004 - where an ARN has its region
    region = options.get("region", from_arn)
    if region is not None and not _REGION.fullmatch(region):
        raise VaultLockedError("The region in the key's URI is none.")
    return region


def _endpoint(options: Mapping[str, str]) -> str | None:
    """Gives the endpoint of the URI; None means that of AWS."""
    return parse_server(options["endpoint"]).origin if "endpoint" in options else None


def _client(region: str | None, endpoint: str | None, limit_s: float) -> _Kms:
    """Makes the client, which reads nothing of the environment but region and credentials."""
    config = Config(
        connect_timeout=limit_s / _ATTEMPTS,
        read_timeout=limit_s / _ATTEMPTS,
        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
        proxies={},
        ignore_configured_endpoint_urls=True,
    )
    session: Any = boto3.session.Session()
    client = session.client(
        "kms", region_name=region, endpoint_url=endpoint, verify=True, config=config
    )
    return cast("_Kms", client)


def _arn(key: Mapping[str, Any]) -> str:
    """Gives the ARN of a key that can be used."""
    if key.get("KeyState") != "Enabled":
        raise VaultLockedError("The vault stays locked: the key in KMS is not enabled.")
    if (key.get("KeyUsage"), key.get("KeySpec")) != ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"):
        raise VaultLockedError("The vault needs a symmetric key for encryption in KMS.")
    return str(key["Arn"])


def _context(bound: bytes) -> dict[str, str]:
    """Gives what the message is bound to, in the form that KMS takes and shows in its trail."""
    return {"connector-vault": hashlib.sha256(bound).hexdigest()}


def _explain(error: Exception) -> VaultLockedError | CipherError:
    """Says what KMS did, by the name of its error alone."""
    code = _code(error)
    if code in _NOT_OURS:
        return CipherError("The message does not open.")
    if code in _ADVICE:
        return VaultLockedError(f"The vault stays locked: AWS KMS says {code}; {_ADVICE[code]}.")
    return VaultLockedError(
        f"The vault stays locked: AWS KMS gave no answer ({type(error).__name__}). "
        "Check network, region and credentials."
    )


def _code(error: Exception) -> str:
    """Gives the name that KMS gave to an error; empty if the error is not from there."""
    if not isinstance(error, ClientError):
        return ""
    return str(cast("Any", error).response["Error"].get("Code", ""))

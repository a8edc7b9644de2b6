"""Proves that a key in AWS KMS wraps and unwraps, and that its failures are named in time."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import boto3.session  # type: ignore[import-untyped] # ships no types  # pyright: ignore[reportMissingTypeStubs]
import pytest
from moto.server import ThreadedMotoServer

from connector_vault.cipher import CipherError
from connector_vault.errors import VaultLockedError
from connector_vault.providers import Means, create_key, load_key
from connector_vault.providers.aws_kms import AwsKmsKey
from tests.vault.loopback import Answer, Asked, serving, unreachable
from tests.vault.provider_checks import BOUND, MATERIAL, check_contract, check_id, shown_by_us

pytestmark = [pytest.mark.requirement("vault.key.kms"), pytest.mark.slow]

ARN = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
SECRET = "canary-aws-secret"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Gives made-up credentials, and hides those of a person."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


@pytest.fixture(scope="module")
def aws() -> Generator[str]:
    """Serves a simulated AWS over HTTP."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def kms(aws: str) -> Any:  # noqa: ANN401 - the library has no types
    """Gives what an administrator of AWS has."""
    return _administrator(aws)


@pytest.fixture
def arn(kms: Any) -> str:  # noqa: ANN401 - the library has no types
    """Makes a key in KMS."""
    return _made(kms)


def test_a_key_in_kms_keeps_the_contract_of_all_providers(arn: str, aws: str) -> None:
    """It wraps and unwraps, bound to a context."""
    key = load_key(_uri(arn, aws))
    check_contract(key)
    check_id(key)
    assert create_key(_uri(arn, aws)).id == key.id


def test_an_alias_stands_for_the_key_that_it_points_to(
    arn: str,
    aws: str,
    kms: Any,  # noqa: ANN401 - the library has no types
) -> None:
    """Whatever name leads to it, the key has one id; an alias that moved leads to another."""
    kms.create_alias(AliasName="alias/vault", TargetKeyId=arn)
    name = arn.rpartition("/")[2]
    by_alias = load_key(_uri("alias/vault", aws))
    assert {by_alias.id, load_key(_uri(name, aws)).id} == {load_key(_uri(arn, aws)).id}
    sealed = by_alias.wrap(MATERIAL, BOUND)
    kms.update_alias(AliasName="alias/vault", TargetKeyId=_made(kms))
    assert load_key(_uri("alias/vault", aws)).id != by_alias.id
    assert by_alias.unwrap(sealed, BOUND) == bytearray(MATERIAL)


def test_another_key_does_not_open_the_message(
    arn: str,
    aws: str,
    kms: Any,  # noqa: ANN401 - the library has no types
) -> None:
    """Nor does a key of the same name elsewhere: both have other ids."""
    sealed = load_key(_uri(arn, aws)).wrap(MATERIAL, BOUND)
    other = load_key(_uri(_made(kms), aws))
    assert other.id != load_key(_uri(arn, aws)).id
    with pytest.raises((VaultLockedError, CipherError)):
        other.unwrap(sealed, BOUND)


def test_a_key_that_is_not_there_is_not_made(
    aws: str,
    kms: Any,  # noqa: ANN401 - the library has no types
) -> None:
    """Neither loading nor creating makes a key in somebody's account."""
    before = len(kms.list_keys()["Keys"])
    for use in (load_key, create_key):
        with pytest.raises(VaultLockedError, match="NotFoundException"):
            use(_uri(ARN, aws))
    assert len(kms.list_keys()["Keys"]) == before


def test_a_disabled_key_is_refused_at_once(
    arn: str,
    aws: str,
    kms: Any,  # noqa: ANN401 - the library has no types
) -> None:
    """It says what to do."""
    kms.disable_key(KeyId=arn.rpartition("/")[2])
    with pytest.raises(VaultLockedError, match="not enabled"):
        load_key(_uri(arn, aws))


def test_a_key_of_another_kind_is_refused(
    aws: str,
    kms: Any,  # noqa: ANN401 - the library has no types
) -> None:
    """A key for signatures wraps nothing."""
    made = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")
    with pytest.raises(VaultLockedError, match="symmetric"):
        load_key(_uri(str(made["KeyMetadata"]["Arn"]), aws))


@pytest.mark.parametrize(
    "code",
    [
        "AccessDeniedException",
        "DisabledException",
        "KMSInvalidStateException",
        "ExpiredTokenException",
    ],
)
def test_what_kms_refuses_keeps_the_vault_locked(code: str) -> None:
    """The error has the name that AWS gives it, and none of the words that came with it."""
    far = FarKms(refusing=Answer(400, {"__type": code, "message": f"{SECRET} is in here"}))
    with serving(far) as endpoint:
        key = load_key(_uri(ARN, endpoint))
        for use in (lambda: key.wrap(MATERIAL, BOUND), lambda: key.unwrap(b"sealed", BOUND)):
            with pytest.raises(VaultLockedError, match=code) as caught:
                use()
            assert SECRET not in shown_by_us(caught.value)


@pytest.mark.requirement("vault.key.limits")
def test_a_kms_that_is_busy_is_asked_three_times() -> None:
    """Then the vault stays locked, and says that trying again may help."""
    far = FarKms(refusing=Answer(400, {"__type": "ThrottlingException"}))
    with serving(far) as endpoint:
        key = load_key(_uri(ARN, endpoint))
        with pytest.raises(VaultLockedError, match="try again"):
            key.wrap(MATERIAL, BOUND)
    assert len(far.asked) == 1 + 3


@pytest.mark.parametrize("code", ["InvalidCiphertextException", "IncorrectKeyException"])
def test_a_message_of_another_key_or_context_does_not_open(code: str) -> None:
    """KMS says that the message is not its own; the vault then says which row is damaged."""
    with serving(FarKms(refusing=Answer(400, {"__type": code}))) as endpoint:
        key = load_key(_uri(ARN, endpoint))
        with pytest.raises(CipherError) as caught:
            key.unwrap(b"sealed", BOUND)
        assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"KeyId": ARN + "6", "CiphertextBlob": "AAAA", "Plaintext": "AAAA"}),
        Answer(200, {}),
        Answer(200, [SECRET]),
        Answer(500, {"__type": "InternalFailure", "message": SECRET}),
        Answer(301, {}, {"Location": "http://127.0.0.1:1/"}),
    ],
)
def test_an_answer_that_is_none_keeps_the_vault_locked(answer: Answer) -> None:
    """Another key's answer, nonsense and redirects are all refused."""
    with serving(FarKms(refusing=answer)) as endpoint:
        key = load_key(_uri(ARN, endpoint))
        for use in (lambda: key.wrap(MATERIAL, BOUND), lambda: key.unwrap(b"sealed", BOUND)):
            with pytest.raises(VaultLockedError) as caught:
                use()
            assert SECRET not in shown_by_us(caught.value)


def test_the_context_goes_along_hashed_and_the_key_by_its_arn() -> None:
    """AWS's own trail shows the context, so that it must not tell names."""
    far = FarKms(refusing=Answer(400, {"__type": "DisabledException"}))
    with serving(far) as endpoint:
        key = load_key(_uri("alias/vault", endpoint))
        with pytest.raises(VaultLockedError):
            key.wrap(MATERIAL, BOUND)
    body = json.loads(far.asked[-1].body)
    assert body["KeyId"] == ARN
    assert set(body["EncryptionContext"]) == {"connector-vault"}
    assert BOUND not in far.asked[-1].body


@pytest.mark.requirement("vault.key.limits")
def test_a_kms_that_is_silent_or_gone_is_given_up_at_the_limit() -> None:
    """The limit holds over all retries, at load and later."""
    means = Means(answer_limit_s=0.3)
    with serving(_silent) as endpoint:
        key = AwsKmsKey(_administrator(endpoint), ARN, limit_s=0.1)
        for use in (lambda: key.wrap(MATERIAL, BOUND), lambda: key.unwrap(b"sealed", BOUND)):
            with pytest.raises(VaultLockedError, match="TimeoutError"):
                use()
    with unreachable() as endpoint, pytest.raises(VaultLockedError):
        load_key(_uri(ARN, endpoint), means)
    with serving(_silent) as endpoint, pytest.raises(VaultLockedError, match="TimeoutError"):
        load_key(_uri(ARN, endpoint), means)


@pytest.mark.requirement("vault.key.silence")
def test_what_the_environment_names_for_the_network_is_ignored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither a proxy nor another endpoint sees a request; a file for TLS keys stops it all."""
    seen: list[Asked] = []

    def proxy(asked: Asked) -> Answer:
        seen.append(asked)
        return Answer(502)

    with serving(proxy) as elsewhere, serving(FarKms(refusing=Answer(200, {}))) as endpoint:
        for name in ("HTTP_PROXY", "http_proxy", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KMS"):
            monkeypatch.setenv(name, elsewhere)
        load_key(_uri(ARN, endpoint))
        assert seen == []
        with pytest.raises(VaultLockedError, match="SSLKEYLOGFILE"):
            load_key(_uri(ARN, endpoint), Means(environ={"SSLKEYLOGFILE": "keys"}))


@pytest.mark.requirement("vault.key.silence")
def test_a_key_in_kms_shows_nothing_of_its_credentials() -> None:
    """Its text is that of any object, and where there are no credentials it says so."""
    with serving(FarKms(refusing=Answer(200, {}))) as endpoint:
        key = load_key(_uri(ARN, endpoint))
    assert SECRET not in repr(key)
    assert SECRET not in repr(vars(key))


def test_missing_credentials_keep_the_vault_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kind of error names them."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    far = FarKms(refusing=Answer(200, {}))
    with (
        serving(far) as endpoint,
        pytest.raises(VaultLockedError, match="NoCredentialsError"),
    ):
        load_key(_uri(ARN, endpoint))
    assert far.asked == []


@pytest.mark.parametrize(
    "place",
    [
        "key with spaces",
        f"{ARN}?region=EU_WEST",
        f"{ARN}?endpoint=http://example.com",
        f"{ARN}?endpoint=https://user:{SECRET}@host",
        f"{ARN}?profile=x",
    ],
)
def test_a_uri_that_is_wrong_is_refused_before_anything_is_sent(place: str) -> None:
    """No request goes out, and no part of it is repeated."""
    with pytest.raises(VaultLockedError) as caught:
        load_key(f"aws-kms:{place}")
    assert SECRET not in str(caught.value)


def test_the_region_is_that_of_the_arn_unless_the_uri_has_one() -> None:
    """A signature names the region that it is for."""
    far = FarKms(refusing=Answer(200, {}))
    with serving(far) as endpoint:
        load_key(f"aws-kms:{ARN}?endpoint={endpoint}")
        load_key(f"aws-kms:alias/vault?endpoint={endpoint}&region=us-east-2")
    signed = [asked.headers["Authorization"].split("/")[2] for asked in far.asked]
    assert signed == ["eu-west-1", "us-east-2"]


class FarKms:
    """A KMS that describes its key as usable and answers all else in one way."""

    def __init__(self, *, refusing: Answer) -> None:
        """Takes that answer."""
        self.refusing = refusing
        self.asked: list[Asked] = []

    def __call__(self, asked: Asked) -> Answer:
        """Answers one request."""
        self.asked.append(asked)
        if not asked.headers["X-Amz-Target"].endswith("DescribeKey"):
            return self.refusing
        described = {
            "KeyId": ARN.rpartition("/")[2],
            "Arn": ARN,
            "KeyState": "Enabled",
            "KeyUsage": "ENCRYPT_DECRYPT",
            "KeySpec": "SYMMETRIC_DEFAULT",
        }
        return Answer(200, {"KeyMetadata": described})


def _silent(asked: Asked) -> Answer:  # noqa: ARG001 - whatever is asked
    return Answer(200, waits=True)


def _administrator(endpoint: str) -> Any:  # noqa: ANN401 - the library has no types
    session: Any = boto3.session.Session()
    return session.client("kms", region_name="eu-west-1", endpoint_url=endpoint)


def _made(kms: Any) -> str:  # noqa: ANN401 - the library has no types
    made = kms.create_key(KeyUsage="ENCRYPT_DECRYPT", KeySpec="SYMMETRIC_DEFAULT")
    return str(made["KeyMetadata"]["Arn"])


def _uri(name: str, endpoint: str) -> str:
    return f"aws-kms:{name}?region=eu-west-1&endpoint={endpoint}"

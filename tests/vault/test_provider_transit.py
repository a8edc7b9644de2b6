"""Proves that a key in a transit engine wraps and unwraps, over HTTP and within its rules."""

from __future__ import annotations

import ssl
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connector_vault.cipher import CipherError
from connector_vault.errors import VaultLockedError
from connector_vault.providers import Means, create_key, load_key
from tests.vault.loopback import Answer, Asked, serving, unreachable
from tests.vault.provider_checks import BOUND, MATERIAL, check_contract, check_id, shown_by_us
from tests.vault.transit_server import TOKEN, TransitServer

pytestmark = pytest.mark.requirement("vault.key.transit")

MEANS = Means(environ={"VAULT_TOKEN": TOKEN})


@pytest.fixture
def far() -> TransitServer:
    """Gives a server that has one key."""
    server = TransitServer()
    server.rotate("vault")
    return server


@pytest.fixture
def origin(far: TransitServer) -> Generator[str]:
    """Serves it over HTTP."""
    with serving(far) as address:
        yield address


def test_a_key_in_transit_keeps_the_contract_of_all_providers(origin: str) -> None:
    """It wraps and unwraps, bound to a context."""
    key = load_key(_uri(origin), MEANS)
    check_contract(key)
    check_id(key)
    assert create_key(_uri(origin), MEANS).id == key.id


def test_only_read_encrypt_and_decrypt_are_asked_for(far: TransitServer, origin: str) -> None:
    """A new context needs a new encryption; what `rewrap` gives would be bound to the old one."""
    key = load_key(_uri(origin), MEANS)
    again = key.wrap(key.unwrap(key.wrap(MATERIAL, BOUND), BOUND), b"another context")
    assert key.unwrap(again, b"another context") == bytearray(MATERIAL)
    verbs = [asked.path.split("/")[4] for asked in far.asked]
    assert verbs == ["keys", "encrypt", "decrypt", "encrypt", "decrypt"]


def test_a_server_without_associated_data_still_binds_the_context(
    far: TransitServer, origin: str
) -> None:
    """Such a server leaves it out in silence, so that the context stands in the message too."""
    far.knows_associated_data = False
    check_contract(load_key(_uri(origin), MEANS))


def test_a_message_opens_after_the_key_was_rotated(far: TransitServer, origin: str) -> None:
    """The server keeps old versions; the id stays."""
    before = load_key(_uri(origin), MEANS)
    sealed = before.wrap(MATERIAL, BOUND)
    far.rotate("vault")
    after = load_key(_uri(origin), MEANS)
    assert after.unwrap(sealed, BOUND) == bytearray(MATERIAL)
    assert (before.id, after.wrap(MATERIAL, BOUND)[:9]) == (after.id, b"vault:v2:")


def test_another_key_has_another_id_and_does_not_open_the_message(
    far: TransitServer, origin: str
) -> None:
    """The id is of mount, name and namespace, not of the host: a cluster has many."""
    far.rotate("other")
    one, other = load_key(_uri(origin), MEANS), load_key(_uri(origin, "other"), MEANS)
    assert one.id != other.id
    with pytest.raises(CipherError):
        other.unwrap(one.wrap(MATERIAL, BOUND), BOUND)
    with serving(far) as elsewhere:
        assert load_key(_uri(elsewhere), MEANS).id == one.id
    far.namespace = "team-a"
    assert load_key(_uri(origin) + "?namespace=team-a", MEANS).id != one.id


def test_a_key_that_is_not_there_is_not_made(far: TransitServer, origin: str) -> None:
    """Encrypting would make it, so it is looked for first."""
    for use in (load_key, create_key):
        with pytest.raises(VaultLockedError, match="no such key"):
            use(_uri(origin, "absent"), MEANS)
    assert set(far.keys) == {"vault"}


def test_a_key_of_another_type_is_refused(far: TransitServer, origin: str) -> None:
    """A key for signatures wraps nothing."""
    far.kind = "ed25519"
    with pytest.raises(VaultLockedError, match="type"):
        load_key(_uri(origin), MEANS)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(400, {"errors": [TOKEN]}), "refused"),
        (Answer(401, {"errors": [TOKEN]}), "token"),
        (Answer(403, {"errors": [TOKEN]}), "policy"),
        (Answer(429, {"errors": [TOKEN]}), "RateLimitExceeded"),
        (Answer(500, {"errors": [TOKEN]}), "InternalServerError"),
        (Answer(501, {"errors": [TOKEN]}), "never set up"),
        (Answer(503, {"errors": ["Vault is sealed"]}), "sealed"),
        (Answer(204, {}), "do not"),
        (Answer(200, TOKEN), "do not"),
        (Answer(200, {"data": TOKEN}), "do not"),
        (Answer(200, {"data": {"ciphertext": TOKEN, "plaintext": 1}}), "no ciphertext"),
    ],
)
def test_what_the_server_refuses_keeps_the_vault_locked(
    far: TransitServer, origin: str, answer: Answer, reason: str
) -> None:
    """The error says what to do, without the server's words and without the token."""
    key = load_key(_uri(origin), MEANS)
    far.instead = answer
    with pytest.raises(VaultLockedError, match=reason) as caught:
        key.wrap(MATERIAL, BOUND)
    assert TOKEN not in shown_by_us(caught.value)


@pytest.mark.parametrize("plaintext", ["", "!!", "AAAA", "A" * 88])
def test_a_message_without_the_hash_of_its_context_does_not_open(
    far: TransitServer, origin: str, plaintext: str
) -> None:
    """What another program sealed with the same key is not taken for key material."""
    key = load_key(_uri(origin), MEANS)
    far.instead = Answer(200, {"data": {"plaintext": plaintext}})
    with pytest.raises(CipherError):
        key.unwrap(b"vault:v1:AAAA", BOUND)


def test_a_sealed_server_keeps_the_vault_locked_when_it_is_to_decrypt(
    far: TransitServer, origin: str
) -> None:
    """Only a message that the server calls invalid is one that does not open."""
    key = load_key(_uri(origin), MEANS)
    sealed = key.wrap(MATERIAL, BOUND)
    far.sealed = True
    with pytest.raises(VaultLockedError, match="sealed"):
        key.unwrap(sealed, BOUND)


def test_a_redirect_is_not_followed(far: TransitServer, origin: str) -> None:
    """The token does not travel to where an answer points."""
    seen: list[Asked] = []

    def elsewhere(asked: Asked) -> Answer:
        seen.append(asked)
        return Answer(200, {"data": {"type": "aes256-gcm96"}})

    with serving(elsewhere) as target:
        for status in (301, 307, 308):
            far.instead = Answer(status, {}, {"Location": target})
            with pytest.raises(VaultLockedError, match="redirect"):
                load_key(_uri(origin), MEANS)
    assert seen == []


@pytest.mark.requirement("vault.key.limits")
def test_a_server_that_is_silent_or_gone_is_given_up_at_the_limit(
    far: TransitServer, origin: str
) -> None:
    """The limit holds at load and later."""
    means = Means(environ={"VAULT_TOKEN": TOKEN}, answer_limit_s=0.3)
    key = load_key(_uri(origin), Means(environ={"VAULT_TOKEN": TOKEN}, answer_limit_s=1))
    far.slow = True
    with pytest.raises(VaultLockedError, match="Time"):
        key.wrap(MATERIAL, BOUND)
    with pytest.raises(VaultLockedError, match="Time"):
        load_key(_uri(origin), means)
    with unreachable() as nowhere, pytest.raises(VaultLockedError, match="ConnectionError"):
        load_key(_uri(nowhere), MEANS)


@pytest.mark.parametrize("token", ["", " ", "two words", "line\nbreak", "schlüssel", "wrong"])
def test_a_token_that_is_none_is_refused_and_not_shown(origin: str, token: str) -> None:
    """A wrong one is refused by the server; one that cannot be sent is not sent."""
    with pytest.raises(VaultLockedError, match="token") as caught:
        load_key(_uri(origin), Means(environ={"VAULT_TOKEN": token}))
    assert token.strip() == "" or repr(token)[1:-1] not in str(caught.value).split()


def test_the_token_may_lie_in_a_private_file_and_may_be_replaced(
    origin: str, tmp_path: Path
) -> None:
    """An agent renews it; each request takes what is there."""
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n", encoding="ascii")
    path.chmod(0o600)
    uri = f"{_uri(origin)}?token_file={path}"
    means = Means(environ={})
    key = load_key(uri, means)
    path.write_text("expired", encoding="ascii")
    with pytest.raises(VaultLockedError, match="expired"):
        key.wrap(MATERIAL, BOUND)
    path.write_text(TOKEN, encoding="ascii")
    check_contract(key)
    path.chmod(0o644)
    with pytest.raises(VaultLockedError, match="chmod 600"):
        key.wrap(MATERIAL, BOUND)
    path.unlink()
    with pytest.raises(VaultLockedError, match="does not exist"):
        key.wrap(MATERIAL, BOUND)


@pytest.mark.requirement("vault.key.silence")
def test_tls_trusts_the_named_authority_and_nothing_that_the_environment_names(
    far: TransitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate in a variable is not trusted, a proxy not used, and no TLS key written."""
    authority, tls = _certificate(tmp_path)
    log = tmp_path / "tls-keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "VAULT_CACERT"):
        monkeypatch.setenv(name, str(authority))
    with serving(far, tls=tls) as origin, unreachable() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with pytest.raises(VaultLockedError, match="SSLError"):
            load_key(_uri(origin), MEANS)
        assert far.asked == []
        check_contract(load_key(f"{_uri(origin)}?ca={authority}", MEANS))
        with pytest.raises(VaultLockedError):
            load_key(f"{_uri(origin)}?ca={tmp_path / 'absent'}", MEANS)
    assert not log.exists()


@pytest.mark.requirement("vault.key.silence")
def test_a_key_in_transit_shows_nothing_of_its_token(origin: str) -> None:
    """Neither its text nor what it holds has it."""
    key = load_key(_uri(origin), MEANS)
    assert TOKEN not in repr(key)
    assert TOKEN not in repr(vars(key))


@pytest.mark.parametrize(
    "place",
    [
        "https://host:8200",
        "https://host:8200/vault",
        "https://host:8200/transit/../vault",
        "https://host:8200/transit//vault",
        "https://host:8200/transit/va%2Fult",
        "http://host:8200/transit/vault",
        f"https://:{TOKEN}@host/transit/vault",
        f"https://host/transit/vault?token={TOKEN}",
        "https://host/transit/vault?token_file=relative",
        "https://host/transit/vault?namespace=a/../b",
    ],
)
def test_a_uri_that_is_wrong_is_refused_before_anything_is_sent(place: str) -> None:
    """No request goes out, and a token in the wrong place is not repeated."""
    with pytest.raises(VaultLockedError) as caught:
        load_key(f"transit:{place}", MEANS)
    assert TOKEN not in str(caught.value)


def _uri(origin: str, name: str = "vault") -> str:
    return f"transit:{origin}/team/transit/{name}"


def _certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Makes a certificate for this machine that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "transit")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, SHA256())
    )
    public, private = folder / "authority.pem", folder / "server.key"
    public.write_bytes(certificate.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(public, private)
    return public, tls

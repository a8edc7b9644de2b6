"""Proves that a vault goes over to a key that a service keeps, also where the service fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3.session  # type: ignore[import-untyped] # ships no types  # pyright: ignore[reportMissingTypeStubs]
import pytest
from moto.server import ThreadedMotoServer

from connector_vault import Vault, VaultLockedError
from connector_vault.kekrotator import KekReport, KekRotator
from connector_vault.keyrotator import KeyRotator
from connector_vault.keyrun import OnStep, nothing
from connector_vault.providers import Means
from connector_vault.status import status
from tests.vault.loopback import serving
from tests.vault.transit_server import TOKEN, TransitServer
from tests.vault.turning import Site, check_readable, check_whole, later, turn_keys

pytestmark = pytest.mark.requirement("keys.kek")

MEANS = Means(environ={"VAULT_TOKEN": TOKEN}, answer_limit_s=2.0)


@pytest.fixture
def server() -> TransitServer:
    """Makes a transit engine with a key."""
    made = TransitServer()
    made.rotate("vault")
    return made


@pytest.fixture
def faraway(server: TransitServer) -> Iterator[str]:
    """Gives the URI of that key."""
    with serving(server) as origin:
        yield f"transit:{origin}/team/transit/vault"


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """Gives the URI of a key in a simulated AWS KMS."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-aws-secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    service = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    service.start()
    host, port = service.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    session: Any = boto3.session.Session()
    client = session.client("kms", region_name="eu-west-1", endpoint_url=endpoint)
    made = client.create_key(KeyUsage="ENCRYPT_DECRYPT", KeySpec="SYMMETRIC_DEFAULT")
    yield f"aws-kms:{made['KeyMetadata']['Arn']}?region=eu-west-1&endpoint={endpoint}"
    service.stop()


def go_over(
    site: Site, vault: Vault, uri: str, on_step: OnStep = nothing, *, late: bool = False
) -> KekReport:
    """Rotates the key, with what the service needs."""
    rotator = KekRotator(vault, clock=later if late else time.time, on_step=on_step)
    return rotator.rotate(uri, switch=site.switch, means=MEANS)


def test_a_vault_goes_over_to_kms_and_back(site: Site, kms: str) -> None:
    """Its own keys are renewed under it in between."""
    with site.open_noted() as vault:
        go_over(site, vault, kms)
        check_whole(vault)
    with Vault.open(site.database, key=site.uri, means=MEANS) as vault:
        check_readable(vault)
        turn_keys(vault)
        check_readable(vault)
        go_over(site, vault, site.key)
        check_whole(vault)
    with site.open() as vault:
        check_readable(vault)


@pytest.mark.requirement("threat.8", "threat.9")
@pytest.mark.parametrize("at", ["before key", "before wrap", "before verify"])
def test_a_service_that_fails_on_the_way_leaves_the_key_in_use(
    site: Site, server: TransitServer, faraway: str, at: str
) -> None:
    """The error is named, everything opens with the old key, and the next run ends it."""
    with site.open_noted() as vault:

        def fail(step: str) -> None:
            if step == at:
                server.sealed = True

        with pytest.raises(VaultLockedError, match="sealed"):
            go_over(site, vault, faraway, fail)
        check_readable(vault)
        assert site.uri() == site.key
        before = site.dump()
        with pytest.raises(VaultLockedError, match="sealed"):
            go_over(site, vault, faraway, late=True)
        assert site.dump() == before
        server.sealed = False
        go_over(site, vault, faraway, late=True)
        check_readable(vault)
        check_whole(vault)


@pytest.mark.requirement("threat.8", "threat.9")
def test_a_new_term_needs_the_service_before_anything_is_written(
    site: Site, server: TransitServer, faraway: str
) -> None:
    """While it is down the vault's own keys stay as they are."""
    with site.open_noted() as vault:
        go_over(site, vault, faraway)
    with Vault.open(site.database, key=site.uri, means=MEANS) as vault:
        server.sealed = True
        before = site.dump()
        with pytest.raises(VaultLockedError, match="sealed"):
            KeyRotator(vault).rotate()
        assert site.dump() == before
        assert status(vault).key_rotation is None
        check_readable(vault)
        server.sealed = False
        turn_keys(vault)
        check_whole(vault)

"""Proves that a URI names a provider, and that nothing is loaded or shown that need not be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from connector_vault.errors import VaultLockedError
from connector_vault.providers import SCHEMES, Means, create_key, key_file, load_key
from connector_vault.providers.place import parse_server, split_options
from tests.vault.provider_checks import check_contract, check_id, shown_by_us

CANARY = "cGFzdGVkLWtleS1pbi10aGUtd3JvbmctcGxhY2UtITE="

ALL_BUT_HEAVY = """
import sys
from connector_vault.providers import Means, create_key, load_key
create_key("file:" + sys.argv[1])
load_key("file:" + sys.argv[1])
try:
    load_key("env:NOT_SET", Means(environ={}))
except Exception as error:
    print(type(error).__name__)
heavy = {"boto3", "botocore", "hvac", "keyring", "requests", "urllib3"}
print(sorted(heavy & set(sys.modules)))
"""


@pytest.mark.requirement("vault.key.schemes")
@pytest.mark.parametrize("uri", ["", "file", "file:", CANARY, f"gopher:{CANARY}", f":{CANARY}"])
def test_a_uri_of_no_known_scheme_is_refused_and_not_repeated(uri: str) -> None:
    """The error lists the forms that there are, and not what may be a key in the wrong place."""
    for use in (load_key, create_key, key_file):
        with pytest.raises(VaultLockedError) as caught:
            use(uri)
        assert CANARY not in str(caught.value)
        assert all(scheme.form in str(caught.value) for scheme in SCHEMES.values())


@pytest.mark.requirement("vault.key.schemes")
def test_heavy_packages_are_loaded_by_their_own_scheme_alone(tmp_path: Path) -> None:
    """A process that uses a key file or a variable imports none of them."""
    run = subprocess.run(  # noqa: S603 - this interpreter, on the text above
        [sys.executable, "-c", ALL_BUT_HEAVY, str(tmp_path / "keys" / "vault.key")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split("\n") == ["VaultLockedError", "[]", ""]


@pytest.mark.requirement("vault.key.schemes")
@pytest.mark.parametrize(
    ("uri", "package", "extra"),
    [
        ("keyring:service/name", "keyring", "keyring"),
        ("aws-kms:alias/vault", "boto3", "kms"),
        ("transit:https://localhost/transit/vault", "hvac", "transit"),
    ],
)
def test_a_missing_package_is_named_with_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch, uri: str, package: str, extra: str
) -> None:
    """The error says what to install."""
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    home = SCHEMES[uri.partition(":")[0]].module
    monkeypatch.delitem(sys.modules, f"connector_vault.providers.{home}", raising=False)
    with pytest.raises(VaultLockedError, match=rf"pip install 'clientary-connector\[{extra}\]'"):
        load_key(uri)


@pytest.mark.requirement("vault.key.schemes")
def test_a_package_that_is_broken_inside_is_not_called_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What an extra cannot bring is not blamed on it."""
    monkeypatch.setitem(sys.modules, "connector_vault.stretch", None)
    monkeypatch.delitem(sys.modules, "connector_vault.providers.passphrase", raising=False)
    with pytest.raises(ModuleNotFoundError):
        load_key("passphrase:/nowhere/file")


@pytest.mark.requirement("vault.key.schemes")
def test_a_key_file_is_made_by_create_alone(tmp_path: Path) -> None:
    """Loading makes nothing; creating makes the file once and then leaves it as it is."""
    path = tmp_path / "keys" / "vault.key"
    with pytest.raises(VaultLockedError):
        load_key(f"file:{path}")
    assert not path.exists()
    made = create_key(f"file:{path}")
    again = create_key(f"file:{path}")
    assert made.id == again.id == load_key(f"file:{path}").id
    check_contract(made)
    check_id(made)


@pytest.mark.requirement("vault.key.schemes")
@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("connector-vault-key 2\nAAAA\n", 0o600),
        (f"connector-vault-key 1\n{CANARY[:-4]}\n", 0o600),
        (f"connector-vault-key 1\n{CANARY}!\n", 0o600),
        (f"connector-vault-key 1\n{CANARY}\n", 0o640),
        (f"connector-vault-key 1\n{CANARY}\n" + "x" * 300, 0o600),
    ],
)
def test_a_wrong_or_open_key_file_is_refused_without_its_text(
    tmp_path: Path, text: str, mode: int
) -> None:
    """Nothing of the file is in the error, in whatever form that is logged."""
    path = _private(tmp_path) / "vault.key"
    path.write_text(text, encoding="ascii")
    path.chmod(mode)
    error = _refused(f"file:{path}")
    assert CANARY[:-4] not in error
    assert path.read_text(encoding="ascii") == text


@pytest.mark.requirement("vault.key.schemes")
def test_what_is_no_private_file_is_refused(tmp_path: Path) -> None:
    """Links, folders, pipes, open folders and places that cannot be made are all named."""
    folder = _private(tmp_path)
    good = folder / "good"
    create_key(f"file:{good}")
    (folder / "link").symlink_to(good)
    (folder / "folder").mkdir()
    (tmp_path / "linked").symlink_to(folder, target_is_directory=True)
    for place in ("relative", folder / "link", folder / "folder", tmp_path / "linked" / "good"):
        _refused(f"file:{place}")
    with pytest.raises(VaultLockedError):
        create_key(f"file:{good}/below/it")
    for taken in ("link", "n" * 300):
        with pytest.raises(VaultLockedError):
            create_key(f"file:{folder / taken}")
    folder.chmod(0o755)
    assert "chmod 700" in _refused(f"file:{good}")


@pytest.mark.requirement("vault.key.schemes")
def test_a_key_in_the_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    """Its owner could replace it."""
    folder = Path("/usr")
    if os.geteuid() == 0:
        folder = _private(tmp_path)
        os.chown(folder, 1, 1)
    assert "another user" in _refused(f"file:{folder / 'vault.key'}")


@pytest.mark.requirement("vault.key.schemes")
def test_only_a_key_file_must_lie_apart_from_the_vault() -> None:
    """The file of a passphrase is no key, and what is elsewhere has no file."""
    assert key_file("file:/keys/vault.key") == Path("/keys/vault.key")
    assert key_file("passphrase:/vault/vault.salt") is None
    assert key_file("aws-kms:alias/vault") is None


@pytest.mark.requirement("vault.key.schemes")
@pytest.mark.parametrize(
    "url",
    [
        "ftp://host",
        "https://",
        "https://host:port",
        "https://[::1",
        "http://example.com",
        "http://10.0.0.1",
        f"https://user:{CANARY}@host",
        "https://host#part",
        "host",
    ],
)
def test_a_server_is_reached_over_https_or_on_this_machine(url: str) -> None:
    """Anything else is refused, and not repeated."""
    with pytest.raises(VaultLockedError) as caught:
        parse_server(url)
    assert caught.value.__context__ is None
    assert CANARY not in str(caught.value)
    for fine in ("https://host:8200", "http://127.0.0.1:80", "http://[::1]:80", "http://localhost"):
        assert parse_server(f"{fine}/path").origin == fine


@pytest.mark.requirement("vault.key.schemes")
@pytest.mark.parametrize("query", ["region", "region=", "zone=a", "region=a&region=b", "%ff=1"])
def test_an_option_is_known_and_given_once(query: str) -> None:
    """A slip in an option is not passed over."""
    with pytest.raises(VaultLockedError):
        split_options(f"name?{query}", frozenset({"region"}))


@pytest.mark.requirement("vault.key.silence")
def test_what_a_provider_may_use_shows_none_of_it() -> None:
    """The environment is not in the text of the means."""
    assert CANARY not in repr(Means(environ={"KEY": CANARY}))


def _private(path: Path) -> Path:
    folder = path / "private"
    folder.mkdir(mode=0o700)
    return folder


def _refused(uri: str) -> str:
    with pytest.raises(VaultLockedError) as caught:
        load_key(uri)
    return shown_by_us(caught.value)

"""Proves that every way to install the project gives the same two packages and the manifests."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from clientary_connector import Secret, create_state, open_connector
from clientary_connector.sandbox import Sandbox, serve
from tests.packaging.installation import ROOT, Environment, run

pytestmark = pytest.mark.requirement("house.artifacts")

WHERE_THE_MANIFEST_LIES = """
import json
from clientary_connector.manifest import clientary_manifest_path, load_manifest
print(json.dumps([str(clientary_manifest_path()), len(load_manifest().actions)]))
"""
ACTIONS = 57
#: Twenty, and the blank ones between.
LINES_OF_A_HOST = 24


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist and the wheel that was built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(artifacts: Path) -> Path:
    """The wheel."""
    (path,) = artifacts.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A fresh environment with the wheel in it."""
    environment = Environment.make(tmp_path_factory.mktemp("installed"))
    environment.install(str(wheel))
    return environment


def test_the_wheel_holds_the_two_packages_and_the_manifests_and_nothing_else(wheel: Path) -> None:
    """Every file of the packages is in it, the manifests beside the code, and no test."""
    expected = (
        _files(ROOT / "connector", "clientary_connector")
        | _files(ROOT / "vault", "connector_vault")
        | {f"clientary_connector/{name}" for name in _files(ROOT, "manifests")}
    )
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == expected


def test_the_sdist_holds_what_the_tests_need(artifacts: Path) -> None:
    """Whoever unpacks it can run the tests: code, manifests, tests, pins and the way to start."""
    (path,) = artifacts.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    expected = {"pyproject.toml", "README.md", "CHANGELOG.md", "Makefile", ".ci/run", ".ci/python"}
    expected |= {
        "requirements/run.txt",
        "requirements/test.txt",
        "requirements/dev.txt",
        "manifests/clientary.json",
    }
    expected |= _files(ROOT, "tests") | _files(ROOT, "connector") | _files(ROOT, "vault")
    assert expected - names == set()


def test_the_wheel_finds_its_own_manifest(installed: Environment) -> None:
    """Installed in a fresh environment, the code reads the manifest that came with it."""
    path, actions = json.loads(installed.python(WHERE_THE_MANIFEST_LIES))
    assert Path(path) == installed.packages / "clientary_connector/manifests/clientary.json"
    assert actions == ACTIONS


def test_a_checkout_finds_the_manifest_at_its_root(tmp_path: Path) -> None:
    """With the two source roots on the path and nothing installed, the checkout's file is read."""
    environment = Environment.make(tmp_path)
    roots = f"{ROOT / 'connector'}:{ROOT / 'vault'}"
    path, actions = json.loads(environment.python(WHERE_THE_MANIFEST_LIES, path=roots))
    assert Path(path) == ROOT / "manifests/clientary.json"
    assert actions == ACTIONS


def test_an_editable_install_finds_the_manifest_of_the_checkout(tmp_path: Path) -> None:
    """An edit of the manifest is seen at once: no stale copy is read."""
    environment = Environment.make(tmp_path)
    environment.install("--editable", str(ROOT))
    path, actions = json.loads(environment.python(WHERE_THE_MANIFEST_LIES))
    assert Path(path) == ROOT / "manifests/clientary.json"
    assert actions == ACTIONS


def test_the_installed_command_answers(installed: Environment) -> None:
    """The wheel brings `clientary`, which says its version and lists the actions."""
    program = installed.program("clientary")
    assert _version() in run(program, "--version", cwd=installed.folder)
    document = json.loads(run(program, "actions", "-o", "json", cwd=installed.folder))
    assert len(document["data"]) == ACTIONS


@pytest.mark.requirement("host.plugin.installed")
def test_the_host_of_the_readme_runs_with_the_wheel(installed: Environment, tmp_path: Path) -> None:
    """It finds the plugin by its entry point, runs an action, and reads who did what and why."""
    host = next(
        block
        for block in re.findall(
            r"^```python\n(.*?)^```$",
            (ROOT / "README.md").read_text(encoding="utf-8"),
            re.DOTALL | re.MULTILINE,
        )
        if "load_setuptools_entrypoints" in block
    )
    assert len(host.strip().splitlines()) <= LINES_OF_A_HOST
    file, state = tmp_path / "host.py", tmp_path / "state"
    file.write_text(host, encoding="utf-8")
    create_state(state)
    with serve(Sandbox()) as far_side, open_connector(state) as connector:
        secret = Secret(far_side.sandbox.key)
        asyncio.run(connector.connect("books", secret=secret, user="ada", sandbox=far_side.url))
        connector.grant("bookkeeper", "books", scopes=["clients:read"], user="ada")
        said = run(installed.program("python"), "-W", "error", file, state, cwd=tmp_path)
    assert "list_clients read" in said
    assert said.endswith("[('list_clients', 'Who are our clients?', 'succeeded')]\n")


def test_version_changelog_and_readme_agree(wheel: Path) -> None:
    """The version of the wheel is the newest one of the changelog and the one the README names."""
    version = _version()
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert wheel.name.startswith(f"clientary_connector-{version}-")
    assert releases[:2] == ["Unreleased", version]
    assert re.findall(r"Version (\d+\.\d+\.\d+)", readme) == [version]


def _version() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def _files(root: Path, package: str) -> set[str]:
    return {
        str(path.relative_to(root))
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

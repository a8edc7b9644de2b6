"""Proves that the import contracts hold, and that each of them catches what it forbids."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

from tests.packaging.installation import ROOT, clean_environment

pytestmark = pytest.mark.requirement("house.contracts")

CALL: Final = "connector/clientary_connector/call"
FRONTENDS: Final = "connector/clientary_connector/frontends"

#: For each contract, one import that must not be, and the module that it is planted in.
PLANTED: Final = {
    "The way of a call runs downward": (
        f"{CALL}/request.py",
        "import clientary_connector.call.executor",
    ),
    "No two parts import each other": (
        "connector/clientary_connector/sandbox/records.py",
        "import clientary_connector.sandbox.state",
    ),
    "The parts of the frontends run downward": (
        f"{FRONTENDS}/screen.py",
        "import clientary_connector.frontends.cli",
    ),
    "The vault knows nothing of connectors, HTTP or the command line": (
        "vault/connector_vault/records.py",
        "import clientary_connector.settings",
    ),
    "The way of a call knows neither frontends nor the simulated service": (
        f"{CALL}/answer.py",
        "import clientary_connector.sandbox",
    ),
    "The simulated service shares no code with the side that calls it": (
        "connector/clientary_connector/sandbox/records.py",
        "import clientary_connector.manifest",
    ),
    "The exports are written without the libraries of those who take them": (
        f"{FRONTENDS}/export/openai.py",
        "import openai",
    ),
    "The frontends reach vault and network through the connector only": (
        f"{FRONTENDS}/colour.py",
        "import connector_vault",
    ),
    "One door to the network": (f"{CALL}/policy.py", "import aiohttp"),
    "One door to cryptography": (f"{CALL}/journal.py", "import cryptography"),
    "One door to the keepers of keys": ("vault/connector_vault/vault.py", "import boto3"),
    "One door to the messages of OAuth 2": (
        "connector/clientary_connector/oauth/asking.py",
        "import authlib",
    ),
    "One door to charts": (f"{FRONTENDS}/console/forms.py", "import pygal"),
    "One door to the database": ("vault/connector_vault/store.py", "import apsw"),
    "One door to the command line": ("connector/clientary_connector/wiring.py", "import click"),
    "One door to the coloured screen": ("connector/clientary_connector/log.py", "import rich"),
    "One door to Definable": (f"{FRONTENDS}/llm.py", "import definable"),
    "One door to the Model Context Protocol": (f"{FRONTENDS}/cli/actions.py", "import mcp"),
    "One door to llm": (f"{FRONTENDS}/cli/actions.py", "import llm"),
    "One door to a web server": (f"{CALL}/transport.py", "import starlette"),
    "One door to templates": (f"{FRONTENDS}/demo.py", "import jinja2"),
    "One door to telemetry": (f"{CALL}/journal.py", "import opentelemetry"),
    "One door to the check of arguments": (f"{CALL}/policy.py", "import jsonschema_rs"),
    "One door to the grammar of conditions": (f"{CALL}/policy.py", "import lark"),
    "One door to YAML": (f"{CALL}/policy.py", "import yaml"),
    "One door to the check of manifests": (f"{CALL}/result.py", "import jsonschema"),
}


def test_the_code_keeps_every_contract() -> None:
    """No module imports what its place in the picture forbids."""
    assert _broken(ROOT) == set()


def test_every_contract_catches_an_import_that_it_forbids(tmp_path: Path) -> None:
    """With one forbidden import planted for each contract, every contract is broken."""
    for name in ("connector", "vault"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for module, line in PLANTED.values():
        with (tmp_path / module).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
    assert _contracts() == set(PLANTED)
    assert _broken(tmp_path) == set(PLANTED)


def _contracts() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["name"] for contract in project["tool"]["importlinter"]["contracts"]}


def _broken(checkout: Path) -> set[str]:
    """Runs the linter over a checkout and reads which contracts it found broken."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(  # noqa: S603 - the linter of this environment
        [program, "--no-logo", "--no-cache", "--config", checkout / "pyproject.toml"],
        cwd=checkout,
        env={
            **clean_environment(),
            "PYTHONPATH": f"{checkout / 'connector'}:{checkout / 'vault'}",
            "COLUMNS": "200",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    verdicts = dict(re.findall(r"^(.+) (KEPT|BROKEN)(?: \(.+\))?$", done.stdout, re.MULTILINE))
    assert set(verdicts) == _contracts(), done.stdout + done.stderr
    return {name for name, verdict in verdicts.items() if verdict == "BROKEN"}

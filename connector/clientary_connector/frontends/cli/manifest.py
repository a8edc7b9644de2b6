"""Is `clientary manifest`: checks a manifest, lays it out, and draws its table."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.status import Status
from clientary_connector.manifest import clientary_manifest_path, load_manifest
from clientary_connector.manifest_check import check_manifest
from clientary_connector.manifest_format import format_manifest
from clientary_connector.manifest_table import manifest_table

FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def manifest() -> None:
    """Check and lay out manifests, or draw the table of a manifest's actions."""


@manifest.command()
@click.argument("file", type=FILE, required=False)
@options.output
def check(*, file: Path | None, output_: str) -> Status:
    """Find what is wrong in FILE, by default in the manifest that ships with this program."""
    path = file or clientary_manifest_path()
    faults = check_manifest(path)
    if output_ == "json":
        found = [
            {"file": str(f.file), "action": f.action, "field": f.field, "message": f.message}
            for f in faults
        ]
        output.emit_data(found)
    else:
        for fault in faults:
            parts = (str(fault.file), fault.action, fault.field, fault.message)
            screen.emit(f"{screen.visible(': '.join(part for part in parts if part))}\n")
        screen.note(f"{path}: {len(faults)} faults." if faults else f"{path}: no fault.")
    return Status.FAILED if faults else Status.SUCCEEDED


@manifest.command("format")
@click.argument("file", type=FILE)
@click.option("--check", "only_check", is_flag=True, help="Change nothing; fail if it would.")
@options.output
def format_(*, file: Path, only_check: bool, output_: str) -> Status:
    """Lay FILE out for people: one field a line. What it says stays the same."""
    text = _text_of(file)
    laid_out = format_manifest(text)
    changed = laid_out != text
    if changed and not only_check:
        file.write_text(laid_out, encoding="utf-8")
    if output_ == "json":
        output.emit_data({"file": str(file), "changed": changed})
    elif changed:
        screen.note(f"{file}: {'is not laid out' if only_check else 'laid out'}.")
    return Status.FAILED if changed and only_check else Status.SUCCEEDED


@manifest.command()
@click.argument("file", type=FILE, required=False)
@options.output
def table(*, file: Path | None, output_: str) -> Status:
    """Draw the table of the actions of FILE, in Markdown."""
    text = manifest_table(load_manifest(file))
    if output_ == "json":
        output.emit_data(text)
    else:
        screen.emit_bytes(text.encode())
    return Status.SUCCEEDED


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file} is not UTF-8: byte {error.start + 1}.") from None

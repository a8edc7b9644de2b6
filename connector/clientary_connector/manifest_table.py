"""Draws the table of a manifest's actions, in Markdown."""

from __future__ import annotations

from typing import Final

from clientary_connector.manifest import Action, Manifest

HEAD: Final = (
    "| # | title | action | arguments | effect | scope | request |",
    "|--:|---|---|---|---|---|---|",
)


def manifest_table(manifest: Manifest) -> str:
    """Draws one line for each action, in the manifest's order; required arguments are bold."""
    rows = (
        _row(number, action, manifest.base_path)
        for number, action in enumerate(manifest.actions.values(), start=1)
    )
    return "\n".join([*HEAD, *rows]) + "\n"


def _row(number: int, action: Action, base_path: str) -> str:
    cells = (
        str(number),
        action.title,
        f"`{action.id}`",
        _arguments(action),
        f"{action.effect}, may move money" if action.money else str(action.effect),
        f"`{action.scope}`",
        f"`{action.method} {base_path}{action.path}`",
    )
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _arguments(action: Action) -> str:
    required = set(action.input.get("required", ()))
    names = action.input["properties"]
    return ", ".join(f"**`{name}`**" if name in required else f"`{name}`" for name in names)

"""Knows the anchors of a connector: where checkpoints of the log are kept outside the database."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from clientary_connector.errors import SettingsError
from clientary_connector.settings import Settings
from connector_vault import AnchorError, CheckpointAnchor, CheckpointPlan, Held


def plan_of(settings: Settings) -> CheckpointPlan:
    """Returns when checkpoints are made, and where they go.

    Raises:
        SettingsError: An anchor cannot be used.
    """
    return CheckpointPlan(
        rows=settings.checkpoint_rows,
        seconds=settings.checkpoint_s,
        anchors=[named(uri, settings) for uri in settings.anchors],
        answer_s=settings.anchor_answer_s,
    )


def held_by(places: Iterable[str], settings: Settings) -> tuple[Held, ...]:
    """Returns what anchors hold: those named, by URI or as a file; or those of the settings."""
    found: list[Held] = []
    for place in tuple(places) or settings.anchors:
        uri = place if ":" in place else f"file:{Path(place).absolute()}"
        anchor = named(uri, settings)
        try:
            text = anchor.held()
        except AnchorError as error:
            found.append(Held(name=place, unreadable=str(error)))
        else:
            if text is not None:
                found.append(Held(name=place, text=text))
    return tuple(found)


def named(uri: str, settings: Settings) -> CheckpointAnchor:
    """Returns the anchor that a URI names.

    Raises:
        SettingsError: No anchor is named so.
    """
    # Loaded for an anchor that is set: every start asks for the plan, and few have one.
    from clientary_connector.httpanchor import HttpAnchor  # noqa: PLC0415 - see above
    from connector_vault.anchor_places import anchor_of  # noqa: PLC0415 - see above

    try:
        if uri.startswith(("https://", "http://")):
            return HttpAnchor(uri, settings)
        return anchor_of(uri)
    except AnchorError as error:
        raise SettingsError(str(error), hint="Look at CLIENTARY_ANCHORS.") from None

"""Says which extra a command needs, where that is not installed."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import click

from clientary_connector.frontends.cli.loading import loading


@contextmanager
def needed(what: str, extra: str) -> Generator[None]:
    """Stands around the import of what an extra brings; `what` is the part that needs it.

    Raises:
        click.UsageError: It is not installed.
    """
    try:
        with loading():
            yield
    except ModuleNotFoundError as error:
        raise click.UsageError(
            f"{what} needs {error.name}: pip install 'clientary-connector[{extra}]'"
        ) from None

"""Holds what the commands share that run a server of ours: its options, and where it listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import click

from clientary_connector.settings import Settings

if TYPE_CHECKING:
    from clientary_connector.frontends.web.binding import Place

Command = TypeVar("Command", bound=Callable[..., object])
_FILE: Final = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What was said on the command line of where to listen; the names are those of click."""

    host: str
    port: int
    tls_cert: Path | None
    tls_key: Path | None
    trusted_proxy: tuple[str, ...]
    allow_host: tuple[str, ...]


def options(command: Command) -> Command:
    """Adds the options that say where a server listens."""
    found: Any = command
    for option in reversed(_OPTIONS):
        found = option(found)
    return cast("Command", found)


def listening(words: Words, settings: Settings) -> Place:
    """Listens where it was said; what was not said, the settings say.

    Raises:
        InvalidValueError: It must not listen there.
        OperatorError: It cannot.
    """
    from clientary_connector.frontends.web.binding import (  # noqa: PLC0415 -- an optional extra
        Binding,
        listen,
    )

    return listen(
        Binding(
            host=words.host,
            port=words.port,
            certificate=words.tls_cert,
            key=words.tls_key,
            proxies=words.trusted_proxy or settings.trusted_proxies,
            hosts=words.allow_host or settings.allowed_hosts,
        )
    )


_OPTIONS: Final[tuple[Callable[[Any], Any], ...]] = (
    click.option(
        "--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where to listen."
    ),
    click.option(
        "--port", type=click.IntRange(0, 65535), default=0, help="Default: one that is free."
    ),
    click.option(
        "--tls-cert", type=_FILE, metavar="FILE", help="Certificate with its chain, as PEM."
    ),
    click.option("--tls-key", type=_FILE, metavar="FILE", help="Its key, as PEM."),
    click.option(
        "--trusted-proxy",
        multiple=True,
        metavar="ADDRESS",
        help="A proxy or network that is believed; again for more. CLIENTARY_TRUSTED_PROXIES.",
    ),
    click.option(
        "--allow-host",
        multiple=True,
        metavar="NAME",
        help="A name by which it is reached; again for more. CLIENTARY_ALLOWED_HOSTS.",
    ),
)

"""Finds traces of a secret, in any form in which one could leave a process."""

from __future__ import annotations

import base64
import html
import json
import logging
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote, quote_plus

#: Holds what encodings change: `/`, `+`, `=`, `&` and `%`.
CANARY: Final = "Cn4ry/k3y+of=the&pr00f%zz~9f31"

#: A run of this many characters of a form is a trace of it, too.
WINDOW: Final = 14


def forms(secret: str) -> dict[str, str]:
    """Returns the secret as text in every form that is looked for, by name."""
    pair = f"{secret}:{secret}".encode()
    return {
        "raw": secret,
        "base64 of the pair": base64.b64encode(pair).decode().rstrip("="),
        "url-safe base64 of the pair": base64.urlsafe_b64encode(pair).decode().rstrip("="),
        "base64": base64.b64encode(secret.encode()).decode().rstrip("="),
        "percent-encoded": quote(secret, safe=""),
        "percent-encoded, lower case": quote(secret, safe="").lower(),
        "percent-encoded throughout": "".join(f"%{byte:02X}" for byte in secret.encode()),
        "form-encoded": quote_plus(secret),
        "JSON": json.dumps(secret)[1:-1],
        "JSON, escaped slash": json.dumps(secret)[1:-1].replace("/", "\\/"),
        "JSON, Rails": json.dumps(secret)[1:-1].replace("&", "\\u0026"),
        "JSON, all escaped": "".join(f"\\u{ord(letter):04x}" for letter in secret),
        "HTML": html.escape(secret),
        "hexadecimal": secret.encode().hex(),
        "repr": repr(secret)[1:-1],
    }


def _windows(form: str) -> set[str]:
    return {form[at : at + WINDOW] for at in range(max(1, len(form) - WINDOW + 1))}


@dataclass(frozen=True, slots=True)
class Tracker:
    """Looks for one secret in texts, bytes and files."""

    secret: str
    _wanted: dict[bytes, str] = field(default_factory=dict[bytes, str])

    def __post_init__(self) -> None:
        """Works the forms out once."""
        for name, form in forms(self.secret).items():
            for window in _windows(form):
                self._wanted.setdefault(window.encode(), name)

    def in_bytes(self, content: bytes) -> set[str]:
        """Returns the names of the forms of which a trace is in `content`."""
        return {name for window, name in self._wanted.items() if window in content}

    def in_text(self, content: str) -> set[str]:
        """Returns the names of the forms of which a trace is in `content`."""
        return self.in_bytes(content.encode("utf-8", "replace"))

    def in_files(self, folder: Path) -> dict[str, set[str]]:
        """Returns, by path, the forms of which a trace is in a file below `folder`."""
        found = {
            str(path.relative_to(folder)): self.in_bytes(path.read_bytes())
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        return {path: names for path, names in found.items() if names}

    def in_error(self, error: BaseException) -> set[str]:
        """Returns the forms found in an error: text, repr, attributes and traceback with locals."""
        found: set[str] = set()
        for each in _chain(error):
            found |= self.in_text(repr(each)) | self.in_text(str(each))
            found |= self.in_text(repr(getattr(each, "__dict__", "")))
        return found | self.in_text(with_locals(error))


def with_locals(error: BaseException) -> str:
    """Returns the traceback as a debugging host would print it: every local of every frame."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(shown.format())


def _chain(error: BaseException) -> Iterator[BaseException]:
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [each.__cause__, each.__context__]


class Ear(logging.Handler):
    """Hears every record of every logger, from DEBUG up, with tracebacks and their locals."""

    def __init__(self) -> None:
        """Starts with nothing heard."""
        super().__init__(logging.DEBUG)
        self.heard: list[str] = []
        self._level = logging.NOTSET

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps the record's text, its extra attributes and its traceback."""
        self.heard.append(f"{record.name} {record.getMessage()} {record.__dict__!r}")
        if record.exc_info and record.exc_info[1] is not None:
            self.heard.append(with_locals(record.exc_info[1]))

    def __enter__(self) -> Self:
        """Starts to listen at the root."""
        root = logging.getLogger()
        self._level = root.level
        root.addHandler(self)
        root.setLevel(logging.DEBUG)
        return self

    def __exit__(self, *_: object) -> None:
        """Stops to listen."""
        root = logging.getLogger()
        root.removeHandler(self)
        root.setLevel(self._level)

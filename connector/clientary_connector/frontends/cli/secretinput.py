"""Takes in an API key or a password: by hidden prompt or from stdin, and in no other way.

1. It is never an argument, so that no shell history and no process list holds it.
2. A key given as an argument all the same is refused and not repeated.
3. Nothing of it is shown, not even its length.
"""

from __future__ import annotations

import getpass
import sys
from typing import Final

import click

#: Far beyond any API key; a file given by mistake stops here.
MAX_BYTES: Final = 4096


def read_key(*, from_stdin: bool, what: str = "API key") -> str:
    """Returns the key that was typed or piped in.

    Raises:
        click.UsageError: There is no terminal to ask on, or the key cannot be one.
    """
    if from_stdin:
        return _checked(_piped())
    if not sys.stdin.isatty():
        raise click.UsageError(
            f"There is no terminal to ask for the {what} on: pipe it in and add --key-stdin."
        )
    return _checked(getpass.getpass(f"{what} (not shown): ", stream=sys.stderr))


def read_password(*, from_stdin: bool) -> str:
    """Returns the new password that was typed twice, or piped in.

    Raises:
        click.UsageError: There is no terminal to ask on, or the two are not the same.
    """
    if from_stdin:
        return _piped("a password")
    if not sys.stdin.isatty():
        raise click.UsageError(
            "There is no terminal to ask for the password on: pipe it in and add --password-stdin."
        )
    password = getpass.getpass("New password (not shown): ", stream=sys.stderr)
    if getpass.getpass("The same again: ", stream=sys.stderr) != password:
        raise click.UsageError("The two passwords are not the same.")
    return password


def refuse_as_argument(
    ctx: click.Context, parameter: click.Parameter, extra: tuple[str, ...]
) -> None:
    """Stops a command that was given more than a name, without repeating it.

    Raises:
        click.UsageError: Always, if there was anything.
    """
    del parameter
    if extra:
        raise click.UsageError(
            "This command takes a name and nothing more; the API key is never an argument. If you "
            "typed the key, it now stands in your shell's history: make a new one in Clientary.",
            ctx,
        )


def _piped(what: str = "an API key") -> str:
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise click.UsageError(f"What came in on stdin is too long for {what}.")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
    if data and not text:
        raise click.UsageError(f"What came in on stdin is not UTF-8, so it is not {what}.")
    return text.removesuffix("\n").removesuffix("\r")


def _checked(key: str) -> str:
    if not key:
        raise click.UsageError("The API key is empty.")
    if not key.isprintable() or " " in key:
        raise click.UsageError("The API key holds a space, a line break or a control character.")
    return key

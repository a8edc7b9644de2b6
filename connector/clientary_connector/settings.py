"""Gathers every limit in one frozen object and reads the environment, once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, cast

from clientary_connector.ages import ages_of
from clientary_connector.errors import SettingsError
from clientary_connector.limits import PREFIX, check, number, yes
from clientary_connector.limits import limit as _limit

Durability: TypeAlias = Literal["full", "normal"]
DURABILITIES: Final = ("full", "normal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Holds every limit; each can be set as `CLIENTARY_` and its name in capitals."""

    #: Where connections, grants and the log are kept; None means the platform's data folder.
    state: Path | None = None
    #: URI of the vault's key; None means what `init` chose, else `STATE/keys/vault.key`.
    key: str | None = None
    #: File that holds the passphrase of a `passphrase:` key; None means that a person is asked.
    passphrase_file: Path | None = None
    #: Over which connection, as which persona and for whom a host works that cannot be told.
    connection: str | None = None
    persona: str | None = None
    user: str | None = None
    #: `full`: what was reported stands on the disk. `normal`: it survives a crash of the process,
    #: but a power cut or a crash of the machine may take the last calls out of the log.
    durability: Durability = "full"
    #: Whether a yes counts that a client of MCP took from its person. Whoever runs that client
    #: could give it too, so it is for clients that are trusted to ask.
    approve_in_client: bool = False
    #: Where checkpoints of the log are kept outside the vault: URIs, in CLIENTARY_ANCHORS one
    #: after the other with spaces between them.
    anchors: tuple[str, ...] = ()
    #: How many days the text of each kind of row of the log is kept (ages.py); what is not said
    #: has its default: `365 call:read=90`.
    keep: str = ""
    #: Which sites may show a page of the console in a frame, as a Content-Security-Policy names
    #: them, with spaces between them; none by default.
    console_frame_ancestors: tuple[str, ...] = ()
    #: Addresses and networks of the proxies that a server of ours believes, and the names by which
    #: it is reached, each one after the other with spaces between them.
    trusted_proxies: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    connect_timeout_s: float = _limit(
        10.0, unit="s", why="a host that does not answer by then is down", least=0.05, most=600
    )
    read_timeout_s: float = _limit(
        30.0, unit="s", why="the longest silence of a slow page", least=0.05, most=3600
    )
    send_timeout_s: float = _limit(
        60.0, unit="s", why="one send in all, so that a trickle ends", least=0.05, most=3600
    )
    keepalive_s: float = _limit(
        4.0,
        unit="s",
        why="shorter than any server's: a write must not meet a dead line",
        least=0,
        most=600,
    )
    max_connections: int = _limit(
        100, unit="connections", why="open at once, a process", least=1, most=10_000
    )
    max_body_bytes: int = _limit(
        16 * 1024 * 1024, unit="bytes", why="an answer is read whole", least=1024, most=2**30
    )
    max_result_bytes: int = _limit(
        1024 * 1024, unit="bytes", why="what a model or a flow can bear", least=256, most=2**30
    )
    max_pages: int = _limit(
        1000, unit="pages", why="10,000 records in pages of ten", least=1, most=100_000
    )
    find_requests: int = _limit(
        50,
        unit="requests",
        why="500 clients in pages of ten, in a few seconds",
        least=1,
        most=10_000,
    )
    max_attempts: int = _limit(
        4, unit="sends", why="a service that fails four times is down", least=1, most=20
    )
    backoff_first_s: float = _limit(
        0.5, unit="s", why="before the second send, without jitter", least=0, most=60
    )
    max_wait_s: float = _limit(
        30.0, unit="s", why="a longer Retry-After is handed to the caller", least=0, most=3600
    )
    operation_wait_s: float = _limit(
        30.0,
        unit="s",
        why="so long a repeat waits for the first call of its operation",
        least=0,
        most=3600,
    )
    operation_days: int = _limit(
        30,
        unit="days",
        why="so long the first result of an operation is given again",
        least=1,
        most=3650,
    )
    settle_after_s: float = _limit(
        60.0,
        unit="s",
        why="a change that was lost on the way may still arrive until then",
        least=0,
        most=86_400,
    )
    requests_at_once: int = _limit(
        64,
        unit="requests",
        why="over one connection, by all processes; 0 is no limit",
        least=0,
        most=10_000,
    )
    requests_a_minute: int = _limit(
        0,
        unit="requests",
        why="over one connection, by all processes; 0 is no limit",
        least=0,
        most=10**6,
    )
    budget_account: int = _limit(
        0, unit="credits", why="a month, all calls together; 0 is no limit", least=0, most=10**9
    )
    budget_user: int = _limit(
        0, unit="credits", why="a month and user; 0 is no limit", least=0, most=10**9
    )
    budget_persona: int = _limit(
        0, unit="credits", why="a month and persona; 0 is no limit", least=0, most=10**9
    )
    budget_connection: int = _limit(
        0, unit="credits", why="a month and connection; 0 is no limit", least=0, most=10**9
    )
    revoke_wait_s: float = _limit(
        10.0,
        unit="s",
        why="sends of other processes that were let out just before a revoke leave by then",
        least=0.1,
        most=600,
    )
    rotation_days: int = _limit(
        90, unit="days", why="a key that leaked unseen serves no longer", least=1, most=3650
    )
    rotation_notice_days: int = _limit(
        14, unit="days", why="a person has two weeks to bring a new key", least=0, most=365
    )
    rotation_overlap_s: float = _limit(
        3600.0,
        unit="s",
        why="calls under way end with the key that they began with",
        least=0,
        most=30 * 86_400,
    )
    rotation_tries: int = _limit(
        5, unit="tries", why="a new key that was refused so often is wrong", least=1, most=100
    )
    rotation_hook_s: float = _limit(
        60.0, unit="s", why="a hook that takes longer hangs", least=0.1, most=3600
    )
    refresh_ahead_s: float = _limit(
        300.0,
        unit="s",
        why="so long before its end a token is renewed, or a tenth of its life if that is less",
        least=0,
        most=86_400,
    )
    refresh_cooldown_s: float = _limit(
        30.0,
        unit="s",
        why="a provider that failed rests; doubled with each failure, up to 32 times",
        least=0,
        most=3600,
    )
    oauth_timeout_s: float = _limit(
        20.0, unit="s", why="a provider that takes longer is down", least=0.05, most=600
    )
    authorization_s: float = _limit(
        600.0, unit="s", why="a person who allows an access does so by then", least=10, most=86_400
    )
    key_ttl_s: float = _limit(
        3600.0,
        unit="s",
        why="so long opens what a key service unwrapped, if it is down or has taken its key away",
        least=1,
        most=7 * 86_400,
    )
    key_answer_s: float = _limit(
        10.0, unit="s", why="a key service that takes longer is down", least=0.1, most=120
    )
    key_rotation_days: int = _limit(
        30, unit="days", why="little is sealed under one key of the vault", least=1, most=3650
    )
    notices: int = _limit(
        10_000,
        unit="notices",
        why="so many wait for a plugin that is slow before some are left out",
        least=1,
        most=1_000_000,
    )
    notices_bytes: int = _limit(
        64 * 1024 * 1024,
        unit="bytes",
        why="so much of prompts and responses waits for a plugin that is slow",
        least=1024,
        most=2**30,
    )
    notices_close_s: float = _limit(
        5.0, unit="s", why="a plugin that takes longer at the end hangs", least=0, most=600
    )
    hook_answer_s: float = _limit(
        5.0, unit="s", why="a plugin that takes longer to decide has said no", least=0.05, most=600
    )
    approval_wait_s: float = _limit(
        86_400.0,
        unit="s",
        why="so long a question waits for a person, and a no stands",
        least=1,
        most=30 * 86_400,
    )
    approval_use_s: float = _limit(
        3600.0,
        unit="s",
        why="a yes is for what is to be done now, not for some day",
        least=1,
        most=30 * 86_400,
    )
    approvals_open: int = _limit(
        100,
        unit="approvals",
        why="a persona that asks for more over one connection is led astray",
        least=1,
        most=10_000,
    )
    checkpoint_rows: int = _limit(
        1024, unit="rows", why="so many rows of the log are signed together", least=1, most=10**6
    )
    checkpoint_s: float = _limit(
        60.0,
        unit="s",
        why="after that a row is signed, however few there are",
        least=1,
        most=86_400,
    )
    anchor_answer_s: float = _limit(
        5.0, unit="s", why="an anchor that takes longer is behind", least=0.1, most=60
    )
    token_days: int = _limit(
        90, unit="days", why="a token that nobody uses any more ends", least=1, most=3650
    )
    console_idle_s: float = _limit(
        1800.0, unit="s", why="who left the browser has left the console", least=60, most=86_400
    )
    console_session_s: float = _limit(
        43_200.0,
        unit="s",
        why="a working day; then a person shows again who it is",
        least=60,
        most=30 * 86_400,
    )
    console_link_s: float = _limit(
        300.0,
        unit="s",
        why="a sign-in link is opened at once, and lies on a screen until then",
        least=5,
        most=3600,
    )
    console_tries: int = _limit(
        5, unit="tries", why="a person mistypes a password; a guesser needs many", least=1, most=100
    )
    console_try_s: float = _limit(
        60.0, unit="s", why="after those one more try comes this often", least=0.1, most=86_400
    )
    console_body_bytes: int = _limit(
        256 * 1024, unit="bytes", why="the longest form of a page", least=4096, most=2**24
    )
    wrong_tokens_a_minute: int = _limit(
        20,
        unit="tokens",
        why="whoever shows more from one address is guessing",
        least=1,
        most=10**6,
    )
    request_bytes: int = _limit(
        4 * 1024 * 1024, unit="bytes", why="no page and no tool takes more", least=1024, most=2**30
    )
    clients_at_once: int = _limit(
        1000, unit="clients", why="connections to one server of ours", least=1, most=100_000
    )
    sessions_at_once: int = _limit(
        1000, unit="sessions", why="of clients of MCP over HTTP, a server", least=1, most=100_000
    )
    session_idle_s: float = _limit(
        1800.0, unit="s", why="a client of MCP that is silent so long is gone", least=1, most=86_400
    )
    head_s: float = _limit(
        20.0, unit="s", why="for the head of a request to a server of ours", least=0.1, most=600
    )
    ending_s: float = _limit(
        10.0, unit="s", why="what a server that ends is still answering", least=0, most=600
    )
    max_warnings: int = _limit(
        20, unit="warnings", why="drift repeats on every record", least=1, most=1000
    )

    def __post_init__(self) -> None:
        """Refuses a limit outside the range in which it makes sense.

        Raises:
            SettingsError: A limit is not a number, or out of its range.
        """
        for item in limits():
            check(item, getattr(self, item.name))
        if self.keep:
            ages_of(self.keep)
        if self.durability not in DURABILITIES:
            raise SettingsError(
                "The setting durability is unknown.", hint=f"Give {' or '.join(DURABILITIES)}."
            )

    def changed(self) -> dict[str, float | str]:
        """Returns the limits that are not at their defaults; nothing of it is a secret."""
        held = {item.name: getattr(self, item.name) for item in limits()}
        found = {item.name: held[item.name] for item in limits() if held[item.name] != item.default}
        return found | ({"keep": self.keep} if self.keep else {})

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Reads the settings of an environment, by default that of the process.

        Raises:
            SettingsError: A variable holds what makes no sense.
        """
        source = os.environ if environ is None else environ
        given: dict[str, Any] = {
            item.name: number(item, source[variable])
            for item in limits()
            if (variable := PREFIX + item.name.upper()) in source
        }
        state = source.get(f"{PREFIX}STATE")
        passphrase = source.get(f"{PREFIX}PASSPHRASE_FILE")
        return cls(
            state=Path(state).expanduser() if state else None,
            key=source.get(f"{PREFIX}KEY") or None,
            durability=cast("Durability", source.get(f"{PREFIX}DURABILITY") or "full"),
            passphrase_file=Path(passphrase).expanduser() if passphrase else None,
            connection=source.get(f"{PREFIX}CONNECTION") or None,
            persona=source.get(f"{PREFIX}PERSONA") or None,
            user=source.get(f"{PREFIX}USER") or None,
            approve_in_client=yes(source, "APPROVE_IN_CLIENT"),
            keep=source.get(f"{PREFIX}KEEP", ""),
            anchors=tuple(source.get(f"{PREFIX}ANCHORS", "").split()),
            console_frame_ancestors=tuple(
                source.get(f"{PREFIX}CONSOLE_FRAME_ANCESTORS", "").split()
            ),
            trusted_proxies=tuple(source.get(f"{PREFIX}TRUSTED_PROXIES", "").split()),
            allowed_hosts=tuple(source.get(f"{PREFIX}ALLOWED_HOSTS", "").split()),
            **given,
        )


def limits() -> tuple[Field[Any], ...]:
    """Returns the declarations of all limits, in their order."""
    return tuple(item for item in fields(Settings) if item.metadata)

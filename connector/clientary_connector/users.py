"""Keeps the people who sign in at a console that stands by itself, and notes who did.

1. Who was made, changed and removed stands in the log in the same transaction, with who did it.
2. A sign-in stands in the log, refused or not, with how it was tried and from where. Of a name
   that nobody has, only that there was such a try: people type passwords into the wrong field.
3. A name is free again once its user was removed, and the one removed never comes back: a new
   user of that name has another id.
4. A browser that somebody has signed in with is known again by a mark under a key of the vault, in
   every process and after a restart; it opens nothing (OWASP, Authentication Cheat Sheet, device
   cookies).
5. What a session was begun under is a user's `stamp`: it changes with role and password.
"""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from clientary_connector.call.clock import Clock
from clientary_connector.call.result import Outcome
from clientary_connector.checks import check_user
from clientary_connector.errors import InvalidValueError, NameTakenError, UnknownUserError
from clientary_connector.passwords import Passwords, Stretched, fits, kept_of
from clientary_connector.people import Person, Role
from clientary_connector.state import state_faults
from connector_vault import Record, Secret, Transaction, Vault, View

KIND: Final = "console_user"
ID_PREFIX: Final = "usr_"
ACTIVE: Final = "active"
REMOVED: Final = "removed"
SIGN_IN: Final = "sign_in"
SIGN_OUT: Final = "sign_out"
#: Stands in the log for a name that nobody has.
NOBODY: Final = "nobody"
#: Names the mark of a browser that is known.
DEVICE: Final = "console_device"
DEVICE_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who may sign in at the console."""

    id: str
    name: str
    role: Role
    #: ISO 8601, UTC.
    made_at: str
    made_by: str
    #: Changes with every change of the user.
    stamp: str
    log_id: int | None = None

    @property
    def person(self) -> Person:
        """Who is signed in, once the user is."""
        return Person(self.name, self.role)

    def to_json(self) -> dict[str, Any]:
        """Returns the user as a JSON object."""
        shown = asdict(self)
        del shown["stamp"]
        return shown


class Users:
    """The people who may sign in at a console; every method reads or writes the vault.

    Every method raises an `OperatorError` where the vault cannot be used.
    """

    def __init__(self, vault: Vault, clock: Clock) -> None:
        """Takes the parts that `wiring` has joined."""
        self._vault = vault
        self._clock = clock
        self._passwords = Passwords()

    def all(self) -> tuple[User, ...]:
        """Returns them by name."""
        with state_faults():
            found = self._vault.read(lambda view: view.records(KIND))
        active = (_user(one) for one in found if one.body["state"] == ACTIVE)
        return tuple(sorted(active, key=lambda one: one.name))

    def stamp(self, user: str) -> str | None:
        """Returns the stamp of the user of an id, None where it was removed."""
        with state_faults():
            found = self._vault.read(lambda view: view.record(KIND, user))
        return None if found is None or found.body["state"] != ACTIVE else _user(found).stamp

    def add(self, name: str, *, role: Role, password: Secret, by: str) -> User:
        """Makes a user.

        Raises:
            InvalidValueError: The name, the password or who does it cannot be used.
            NameTakenError: There is a user of that name.
        """
        check_user(by)
        check_user(name)
        stretched = self._passwords.new(password)
        user = f"{ID_PREFIX}{secrets.token_hex(6)}"
        body = {
            "name": unicodedata.normalize("NFC", name),
            "role": role.value,
            "state": ACTIVE,
            "made_at": self._clock().replace(microsecond=0).isoformat(),
            "made_by": by,
        }

        def add(log: Transaction) -> User:
            _check_free(log, name)
            whole = {**body, "password": kept_of(log, user, stretched)}
            record = Record(kind=KIND, id=user, name=_folded(name), body=whole)
            return self._noted(log, log.put(record, expect=None), "added", by)

        with state_faults():
            return self._vault.write(add)

    def change_role(self, name: str, *, role: Role, by: str) -> User:
        """Gives a user another role; who is signed in under the old one is signed out.

        Raises:
            UnknownUserError: There is no such user.
            InvalidValueError: Who does it cannot be used.
        """
        check_user(by)

        def change(log: Transaction) -> User:
            record = _record(log, name)
            changed = replace(record, body={**record.body, "role": role.value})
            return self._noted(log, log.put(changed, expect=record.revision), "role", by)

        with state_faults():
            return self._vault.write(change)

    def change_password(self, name: str, *, password: Secret, by: str) -> User:
        """Gives a user another password; who is signed in with the old one is signed out.

        Raises:
            UnknownUserError: There is no such user.
            InvalidValueError: The password or who does it cannot be used.
        """
        check_user(by)
        stretched = self._passwords.new(password)

        def change(log: Transaction) -> User:
            record = _record(log, name)
            body = {**record.body, "password": kept_of(log, record.id, stretched)}
            kept = log.put(replace(record, body=body), expect=record.revision)
            return self._noted(log, kept, "password", by)

        with state_faults():
            return self._vault.write(change)

    def remove(self, name: str, *, by: str) -> User:
        """Removes a user for good, and signs out whoever is signed in as that user.

        Raises:
            UnknownUserError: There is no such user.
            InvalidValueError: Who does it cannot be used.
        """
        check_user(by)

        def remove(log: Transaction) -> User:
            record = _record(log, name)
            body = {**record.body, "state": REMOVED, "password": None}
            ended = replace(record, name=None, body=body)
            return self._noted(log, log.put(ended, expect=record.revision, final=True), REMOVED, by)

        with state_faults():
            return self._vault.write(remove)

    def sign_in(self, name: str, password: Secret, *, address: str) -> User | None:
        """Returns the user whose name and password these are, if there is one; notes the try."""
        with state_faults():
            record = self._vault.read(lambda view: view.record_named(KIND, _folded(name)))
        kept = None if record is None else record.body["password"]
        stretched = self._passwords.again(password, kept)
        with state_faults():
            user = self._vault.read(lambda view: _fitting(view, record, stretched))
        shown = NOBODY if record is None else str(record.body["name"])
        outcome = Outcome.REFUSED if user is None else Outcome.SUCCEEDED
        facts = {"by": "password", "address": address, "known": record is not None}
        self._note(SIGN_IN, shown, outcome, facts)
        return user

    def device(self, name: str) -> str:
        """Returns what a browser keeps that somebody has signed in with under a name."""
        chance = secrets.token_urlsafe(DEVICE_BYTES)
        with state_faults():
            return self._vault.read(lambda view: f"{chance}.{_device_mark(view, name, chance)}")

    def knows(self, name: str, device: str) -> bool:
        """Tells whether a browser has shown what was made for it under that name."""
        chance, _, mark = device.partition(".")
        with state_faults():
            made = self._vault.read(lambda view: _device_mark(view, name, chance))
        return hmac.compare_digest(made.encode(), mark.encode(errors="replace"))

    def signed_in(self, person: Person, *, by: str, address: str) -> None:
        """Notes that somebody was signed in otherwise, by a link for one."""
        facts = {"by": by, "address": address, "role": person.role.value}
        self._note(SIGN_IN, person.name, Outcome.SUCCEEDED, facts)

    def signed_out(self, person: Person) -> None:
        """Notes that somebody has signed out."""
        self._note(SIGN_OUT, person.name, Outcome.SUCCEEDED, {})

    def _note(self, kind: str, name: str, outcome: Outcome, facts: dict[str, Any]) -> None:
        draft = self._vault.draft(kind=kind, user=name, outcome=outcome.value, facts=facts)
        with state_faults():
            self._vault.write(lambda log: log.append(draft))

    def _noted(self, log: Transaction, record: Record, what: str, by: str) -> User:
        """Writes a change into the log, and returns the user as it is now."""
        body = record.body
        facts = {"what": what, "id": record.id, "name": body["name"], "role": body["role"]}
        draft = self._vault.draft(
            kind=KIND,
            user=by,
            outcome=Outcome.SUCCEEDED.value,
            subject=f"{KIND}:{record.id}",
            revision=record.revision,
            facts=facts,
        )
        return replace(_user(record), log_id=log.append(draft))


def role_named(text: str) -> Role:
    """Returns the role of a name.

    Raises:
        InvalidValueError: There is none.
    """
    if text not in tuple(Role):
        raise InvalidValueError("There is no such role.", hint=f"Give {', '.join(Role)}.")
    return Role(text)


def _user(record: Record) -> User:
    body = record.body
    return User(
        id=record.id,
        name=body["name"],
        role=Role(body["role"]),
        made_at=body["made_at"],
        made_by=body["made_by"],
        stamp=f"{record.id}:{record.revision}",
    )


def _device_mark(view: View, name: str, chance: str) -> str:
    return view.mark(DEVICE, _folded(name), chance)


def _record(view: View, name: str) -> Record:
    found = view.record_named(KIND, _folded(name))
    if found is None:
        raise UnknownUserError(
            f"There is no user {name[:64]!r} of the console.",
            hint="List them with `clientary console user list`.",
        )
    return found


def _fitting(view: View, record: Record | None, stretched: Stretched) -> User | None:
    """Returns the user, if the password fits and nothing has changed meanwhile."""
    if record is None:
        return None
    now = view.record(KIND, record.id)
    if now is None or now.body["password"] != record.body["password"]:
        return None
    return _user(now) if fits(view, record.id, stretched, now.body["password"]) else None


def _check_free(view: View, name: str) -> None:
    if view.record_named(KIND, _folded(name)) is not None:
        raise NameTakenError(
            f"There is a user {name[:64]!r} already.",
            hint="Choose another name, or remove that one.",
        )


def _folded(name: str) -> str:
    """Returns what a name is compared by: Maria and maria are one person."""
    return unicodedata.normalize("NFC", name).casefold()

"""Proves that the users of a console are kept, changed, removed and let in, and all of it noted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from clientary_connector import Connector, Secret, open_connector
from clientary_connector.errors import InvalidValueError, NameTakenError, UnknownUserError
from clientary_connector.people import Role
from clientary_connector.states import create_state
from clientary_connector.users import role_named

pytestmark = pytest.mark.requirement("console.users")

PASSWORD = "canary correct horse 51"
OTHER = "canary battery staple 52"


@pytest.fixture
def connector(tmp_path: Path) -> Iterator[Connector]:
    """A connector over a fresh state."""
    create_state(tmp_path / "state")
    with open_connector(tmp_path / "state") as made:
        yield made


def _add(connector: Connector, name: str = "Maria", role: Role = Role.ADMIN) -> str:
    return connector.users.add(name, role=role, password=Secret(PASSWORD), by="root").id


def _sign_in(connector: Connector, name: str, password: str) -> object:
    return connector.users.sign_in(name, Secret(password), address="192.0.2.7")


def test_a_user_is_let_in_with_the_right_password_alone(connector: Connector) -> None:
    """Upper and lower case of the name are the same, and of the password they are not."""
    _add(connector)
    user = connector.users.sign_in("maria", Secret(PASSWORD), address="192.0.2.7")
    assert user is not None
    assert (user.name, user.role, user.made_by) == ("Maria", Role.ADMIN, "root")
    assert _sign_in(connector, "maria", PASSWORD.upper()) is None
    assert _sign_in(connector, "nina", PASSWORD) is None


def test_a_password_is_the_same_however_its_letters_were_typed(connector: Connector) -> None:
    """Composed from one keyboard, decomposed from another."""
    connector.users.add("Zoë", role=Role.VIEWER, password=Secret("crème brûlée de luxe"), by="root")
    decomposed = "cre\u0300me bru\u0302le\u0301e de luxe"
    assert _sign_in(connector, "Zoe\u0308", decomposed) is not None


def test_nothing_on_disk_holds_or_lets_guess_the_password(
    connector: Connector, tmp_path: Path
) -> None:
    """Neither the password nor the key that Argon2id makes of it."""
    _add(connector)
    _sign_in(connector, "maria", PASSWORD)
    held = b"".join(one.read_bytes() for one in tmp_path.rglob("*") if one.is_file())
    assert PASSWORD.encode() not in held
    body = connector._vault.read(lambda view: view.records("console_user"))[0].body  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    assert set(body["password"]) == {"salt", "mark", "memory_kib", "passes", "lanes"}


def test_a_removed_user_is_let_in_no_more_and_the_name_is_free(connector: Connector) -> None:
    """Somebody new of that name is somebody else."""
    first = _add(connector)
    connector.users.remove("maria", by="root")
    assert _sign_in(connector, "maria", PASSWORD) is None
    assert connector.users.stamp(first) is None
    assert connector.users.all() == ()
    assert _add(connector) != first
    with pytest.raises(NameTakenError):
        _add(connector, "MARIA")


def test_a_change_of_role_or_password_changes_the_stamp(connector: Connector) -> None:
    """That is what ends the sessions that were begun before."""
    user = _add(connector)
    stamps = [connector.users.stamp(user)]
    connector.users.change_role("maria", role=Role.VIEWER, by="root")
    stamps.append(connector.users.stamp(user))
    connector.users.change_password("maria", password=Secret(OTHER), by="root")
    stamps.append(connector.users.stamp(user))
    assert None not in stamps
    assert len(set(stamps)) == 3
    assert [one.role for one in connector.users.all()] == [Role.VIEWER]
    assert _sign_in(connector, "maria", PASSWORD) is None
    assert _sign_in(connector, "maria", OTHER) is not None


@pytest.mark.parametrize("password", ["", "elevenchars", "x" * 257])
def test_a_password_that_is_too_short_or_too_long_is_refused(
    connector: Connector, password: str
) -> None:
    """The error does not repeat it."""
    with pytest.raises(InvalidValueError) as caught:
        connector.users.add("maria", role=Role.ADMIN, password=Secret(password), by="root")
    assert not password or password not in str(caught.value)


def test_nobody_of_that_name_is_an_error_of_its_own(connector: Connector) -> None:
    """For each change there is."""
    with pytest.raises(UnknownUserError):
        connector.users.remove("maria", by="root")
    with pytest.raises(UnknownUserError):
        connector.users.change_role("maria", role=Role.VIEWER, by="root")
    with pytest.raises(UnknownUserError):
        connector.users.change_password("maria", password=Secret(OTHER), by="root")
    assert connector.users.stamp("usr_none") is None
    with pytest.raises(InvalidValueError):
        role_named("owner")
    assert role_named("approver") is Role.APPROVER


def test_all_of_it_stands_in_the_log(connector: Connector) -> None:
    """Who was made, changed and removed by whom; and each try to sign in, with its address."""
    user = _add(connector)
    _sign_in(connector, "maria", PASSWORD)
    _sign_in(connector, "maria", OTHER)
    _sign_in(connector, OTHER, OTHER)
    found = connector.users.all()[0]
    connector.users.signed_in(found.person, by="link", address="127.0.0.1")
    connector.users.signed_out(found.person)
    connector.users.change_role("maria", role=Role.VIEWER, by="root")
    connector.users.change_password("maria", password=Secret(OTHER), by="maria")
    connector.users.remove("maria", by="root")
    entries = list(connector.log.export())
    password = {"by": "password", "address": "192.0.2.7"}
    named = {"id": user, "name": "Maria"}
    assert [(one.kind, one.user, one.outcome, dict(one.facts)) for one in entries] == [
        ("console_user", "root", "succeeded", {"what": "added", **named, "role": "admin"}),
        ("sign_in", "Maria", "succeeded", {**password, "known": True}),
        ("sign_in", "Maria", "refused", {**password, "known": True}),
        ("sign_in", "nobody", "refused", {**password, "known": False}),
        (
            "sign_in",
            "Maria",
            "succeeded",
            {"by": "link", "address": "127.0.0.1", "role": "admin"},
        ),
        ("sign_out", "Maria", "succeeded", {}),
        ("console_user", "root", "succeeded", {"what": "role", **named, "role": "viewer"}),
        ("console_user", "maria", "succeeded", {"what": "password", **named, "role": "viewer"}),
        ("console_user", "root", "succeeded", {"what": "removed", **named, "role": "viewer"}),
    ]
    assert connector.log.verify().ok


def test_a_name_that_nobody_has_costs_what_a_wrong_password_costs(connector: Connector) -> None:
    """Whoever measures answers does not learn which names there are."""
    _add(connector)
    assert _derivations(connector, "maria") == _derivations(connector, "nina") == 1


def _derivations(connector: Connector, name: str) -> int:
    """Counts how often Argon2id was run for one try: that is nearly all that a try costs."""
    seen: list[str] = []

    def profile(frame: FrameType, event: str, called: object) -> None:
        del frame
        if event == "c_call":
            seen.append(getattr(called, "__qualname__", ""))

    sys.setprofile(profile)
    try:
        _sign_in(connector, name, OTHER)
    finally:
        sys.setprofile(None)
    return seen.count("Argon2id.derive")

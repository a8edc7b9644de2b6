"""Holds the operations on people: who asks, and who may sign in at the console by a password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import quote

from msgspec import Meta

from clientary_connector.connector import Secret
from clientary_connector.frontends.console.api.operations import Asked, Nothing, operation
from clientary_connector.frontends.console.api.problems import ProblemError
from clientary_connector.frontends.console.api.shapes import Moment, Name, shown
from clientary_connector.people import Role

RoleName = Literal["viewer", "approver", "admin"]
#: A password comes in, and never goes out.
Password = Annotated[str, Meta(min_length=1, extra_json_schema={"writeOnly": True})]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonShown:
    """Who asks: in whose name everything is done."""

    name: str
    role: RoleName


@dataclass(frozen=True, slots=True, kw_only=True)
class UserShown:
    """Somebody who may sign in at a console that stands by itself."""

    id: str
    name: str
    role: RoleName
    made_at: Moment
    made_by: str
    log_id: Annotated[int | None, Meta(description="Of the change that was just made.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersShown:
    """Users, by name."""

    users: tuple[UserShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A user that is to be made."""

    name: Name
    password: Password
    role: RoleName = "viewer"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRole:
    """Another role."""

    role: RoleName


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPassword:
    """Another password."""

    password: Password


@operation("GET", "/me", role=Role.VIEWER, gives=PersonShown)
def show_me(asked: Asked[Nothing, Nothing]) -> PersonShown:
    """Says in whose name you ask, and in which role.

    That is the user and the role of the token, or of the host's own sign-in where that counts.
    """
    return shown(asked.person, PersonShown)


@operation("GET", "/users", role=Role.ADMIN, gives=UsersShown)
def list_users(asked: Asked[Nothing, Nothing]) -> UsersShown:
    """Lists who may sign in at the console with a name and a password.

    Where a host signs people in itself, none of them counts.
    """
    return UsersShown(users=tuple(shown(one, UserShown) for one in asked.connector.users.all()))


@operation(
    "POST",
    "/users",
    role=Role.ADMIN,
    body=NewUser,
    gives=UserShown,
    status=201,
    refuses={409: "There is a user of that name."},
    headers={"Location": lambda made: f"users/{quote(made.id)}"},
)
def add_user(asked: Asked[Nothing, NewUser]) -> UserShown:
    """Lets somebody sign in at the console.

    The password is stretched and sealed, and no answer ever holds it.
    """
    new = asked.body
    with Secret(new.password) as password:
        made = asked.connector.users.add(
            new.name, role=Role(new.role), password=password, by=asked.person.name
        )
    return shown(made, UserShown)


@operation("PUT", "/users/{user}/role", role=Role.ADMIN, body=NewRole, gives=UserShown)
def change_role(asked: Asked[Nothing, NewRole]) -> UserShown:
    """Gives a user another role.

    Whoever is signed in as that user has to sign in again.
    """
    changed = asked.connector.users.change_role(
        _name(asked), role=Role(asked.body.role), by=asked.person.name
    )
    return shown(changed, UserShown)


@operation("PUT", "/users/{user}/password", role=Role.ADMIN, body=NewPassword, gives=UserShown)
def change_password(asked: Asked[Nothing, NewPassword]) -> UserShown:
    """Gives a user another password.

    Whoever is signed in as that user has to sign in again.
    """
    with Secret(asked.body.password) as password:
        changed = asked.connector.users.change_password(
            _name(asked), password=password, by=asked.person.name
        )
    return shown(changed, UserShown)


@operation("DELETE", "/users/{user}", role=Role.ADMIN, gives=UserShown)
def remove_user(asked: Asked[Nothing, Nothing]) -> UserShown:
    """Lets a user sign in no more, by its id or its name.

    Whoever is signed in as that user is signed out at once. Tokens stay: revoke those by
    themselves.
    """
    return shown(asked.connector.users.remove(_name(asked), by=asked.person.name), UserShown)


def _name(
    asked: Asked[Nothing, NewRole] | Asked[Nothing, NewPassword] | Asked[Nothing, Nothing],
) -> str:
    """Returns the name of the user in the path, who is named there or has that id.

    Raises:
        ProblemError: There is none.
    """
    given = asked.path["user"]
    found = {one.id: one.name for one in asked.connector.users.all()}
    if given in found:
        return found[given]
    if given in found.values():
        return given
    raise ProblemError(404, "There is no such user of the console.", hint="List them: GET /users.")


ME = (show_me,)
USERS = (list_users, add_user, change_role, change_password, remove_user)

"""Contacts of clients and leads, and the account's own staff."""

from __future__ import annotations

from functools import partial
from typing import Final

from clientary_connector.sandbox.companies import within_plan
from clientary_connector.sandbox.exchange import Answer, Request
from clientary_connector.sandbox.fields import Field, email, text
from clientary_connector.sandbox.records import Contact, Staff
from clientary_connector.sandbox.render import Json, page_of, stamped, whole
from clientary_connector.sandbox.state import State
from clientary_connector.sandbox.writing import Noun, changed, created, deleted, read_write

CONTACT: Final = Noun(
    wrapper="client_user",
    fields=(
        Field("name", text, required=True),
        Field("email", email, required=True),
        *(Field(name, text) for name in ("title", "phone", "ext", "mobile")),
    ),
)
_PAGE: Final = 10
_LARGEST_PAGE: Final = 100


def list_contacts(state: State, request: Request) -> Answer:
    """List all contacts."""
    return _page(state, state.contacts.ordered(_by_name), request)


def list_client_contacts(state: State, request: Request) -> Answer:
    """List the contacts of one client."""
    client = state.known(state.clients, request.id)
    rows = sorted(state.contacts.under("client_id", client.id), key=_by_name)
    return _page(state, rows, request)


def get_contact(state: State, request: Request) -> Answer:
    """Read one contact."""
    return Answer(200, _view(state, state.known(state.contacts, request.id)))


def create_contact(state: State, request: Request) -> Answer:
    """Create a contact of a client, within the limit of the plan."""
    client = state.known(state.clients, request.id)
    values = read_write(CONTACT, state, request, table=state.contacts)
    within_plan("contacts", len(state.contacts), state.rules.max_contacts)
    stamps = created(state)
    contact = Contact(id=state.contacts.new_id(), client_id=client.id, **stamps, **values)
    return Answer(201, _view(state, state.contacts.add(contact)))


def update_contact(state: State, request: Request) -> Answer:
    """Change a contact."""
    contact = state.known(state.contacts, request.id)
    values = read_write(CONTACT, state, request, table=state.contacts, old=contact)
    state.contacts.change(contact, state.clock(), **values)
    return changed(state, _view(state, contact))


def delete_contact(state: State, request: Request) -> Answer:
    """Delete a contact."""
    state.contacts.remove(state.known(state.contacts, request.id))
    return deleted(state)


def list_staff(state: State, request: Request) -> Answer:
    """List the staff, unpaged and without an envelope's numbers."""
    del request
    return Answer(200, {"staff": [_view_person(member) for member in state.staff]})


def get_staff(state: State, request: Request) -> Answer:
    """Read one member of staff."""
    return Answer(200, _view_person(state.known(state.staff, request.id)))


def _page(state: State, rows: list[Contact], request: Request) -> Answer:
    size = min(max(whole(request.query.get("page_size"), _PAGE), 1), _LARGEST_PAGE)
    view = partial(_view, state)
    return Answer(200, page_of("contacts", rows, request.query, size=size, view=view))


def _view(state: State, contact: Contact) -> Json:
    client = state.clients.find(contact.client_id)
    summary = client and {
        "id": client.id,
        "name": client.name,
        "number": client.number,
        "status": client.status,
    }
    return {
        **_view_person(contact),
        "client_id": contact.client_id,
        "client": summary,
        "role": "client",
        "is_client_user": True,
        "hourly_rate": None,
        "created_at": stamped(contact.created_at),
        "updated_at": stamped(contact.updated_at),
    }


def _view_person(person: Contact | Staff) -> Json:
    return {
        "id": person.id,
        "name": person.name,
        "email": person.email,
        "title": person.title,
        "phone": person.phone,
        "ext": person.ext,
        "mobile": person.mobile,
        "avatar": f"/avatars/{person.id}.png",
    }


def _by_name(contact: Contact) -> tuple[str, int]:
    return contact.name.casefold(), contact.id

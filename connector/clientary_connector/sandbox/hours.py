"""Time entries of projects, and what they cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from clientary_connector.sandbox.exchange import Answer, Request
from clientary_connector.sandbox.fields import Field, boolean, day, decimal, text
from clientary_connector.sandbox.money import cents
from clientary_connector.sandbox.records import Hour, Project
from clientary_connector.sandbox.render import Json, slashed, stamped
from clientary_connector.sandbox.state import State
from clientary_connector.sandbox.writing import Noun, changed, created, deleted, read_write

HOUR: Final = Noun(
    wrapper="project_item",
    fields=(
        Field("title", text, required=True),
        Field("hours", decimal, required=True),
        Field("date", day, nullable=False),
        Field("description", text),
        Field("rate", decimal),
        Field("billed", boolean, nullable=False),
        Field("billed?", boolean, nullable=False, attribute="billed"),
    ),
)


def cost_of(hour: Hour, project: Project) -> Decimal:
    """Return hours times rate, that of the entry or else that of its project."""
    return cents(hour.hours * (project.rate if hour.rate is None else hour.rate))


def list_project_hours(state: State, request: Request) -> Answer:
    """List the hours of one project, unpaged; all, or only those billed or unbilled."""
    project = state.known(state.projects, request.id)
    rows = state.hours.under("project_id", project.id)
    wanted = {"billed": True, "unbilled": False}.get(request.query.get("filter", ""))
    if wanted is not None:
        rows = [hour for hour in rows if hour.billed is wanted]
    return Answer(200, {"hours": [_view(state, hour) for hour in rows]})


def get_hour(state: State, request: Request) -> Answer:
    """Read one entry."""
    return Answer(200, _view(state, state.known(state.hours, request.id)))


def create_hour(state: State, request: Request) -> Answer:
    """Log time on a project, in the name of the key's owner, today unless a date is given."""
    project = state.known(state.projects, request.id)
    values = read_write(HOUR, state, request, table=state.hours)
    values.setdefault("date", state.today)
    stamps = created(state) | {"project_id": project.id, "user_id": state.user_id}
    hour = Hour(id=state.hours.new_id(), **stamps, **values)
    return Answer(201, _view(state, state.hours.add(hour)))


def update_hour(state: State, request: Request) -> Answer:
    """Change an entry."""
    hour = state.known(state.hours, request.id)
    values = read_write(HOUR, state, request, table=state.hours, old=hour)
    state.hours.change(hour, state.clock(), **values)
    return changed(state, _view(state, hour))


def delete_hour(state: State, request: Request) -> Answer:
    """Delete an entry."""
    state.hours.remove(state.known(state.hours, request.id))
    return deleted(state)


def _view(state: State, hour: Hour) -> Json:
    project = state.known(state.projects, hour.project_id)
    return {
        "id": hour.id,
        "project_id": hour.project_id,
        "user_id": hour.user_id,
        "title": hour.title,
        "description": hour.description,
        "date": slashed(hour.date),
        "hours": hour.hours,
        "rate": project.rate if hour.rate is None else hour.rate,
        "cost": cost_of(hour, project),
        "billed?": hour.billed,
        "created_at": stamped(hour.created_at),
        "updated_at": stamped(hour.updated_at),
    }

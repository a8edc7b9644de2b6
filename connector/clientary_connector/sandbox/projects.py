"""Projects, and what their hours add up to."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Final

from clientary_connector.sandbox.companies import view_client
from clientary_connector.sandbox.exchange import Answer, Request
from clientary_connector.sandbox.fields import Field, day, decimal, integer, one_of, text
from clientary_connector.sandbox.hours import cost_of
from clientary_connector.sandbox.money import ZERO
from clientary_connector.sandbox.records import Project
from clientary_connector.sandbox.render import Json, page_of, slashed, stamped
from clientary_connector.sandbox.state import State
from clientary_connector.sandbox.writing import Noun, changed, created, deleted, read_write

PROJECT: Final = Noun(
    wrapper="project",
    fields=(
        Field("name", text, required=True),
        Field("rate", decimal, required=True),
        Field("number", text),
        Field("description", text),
        Field("budget", decimal),
        Field("budget_type", one_of(0, 1), nullable=False),
        Field("project_type", one_of(0, 1, 2), nullable=False),
        Field("status", one_of(1, 2, 4), nullable=False),
        Field("currency_code", text),
        Field("end_date", day),
        Field("client_id", integer),
    ),
    unique=("number",),
    links={"client_id": "clients"},
)
COMPLETED: Final = 2
_FIXED_AMOUNT: Final = 2
_PAGE: Final = 20
_CLIENT_PAGE: Final = 10


def list_projects(state: State, request: Request) -> Answer:
    """List open projects, or all with `filter=all`."""
    rows = state.projects.ordered(_by_name)
    if request.query.get("filter") != "all":
        rows = [project for project in rows if project.status != COMPLETED]
    view = partial(_view, state)
    return Answer(200, page_of("projects", rows, request.query, size=_PAGE, view=view))


def list_client_projects(state: State, request: Request) -> Answer:
    """List all projects of one client."""
    client = state.known(state.clients, request.id)
    rows = sorted(state.projects.under("client_id", client.id), key=_by_name)
    view = partial(_view, state)
    return Answer(200, page_of("projects", rows, request.query, size=_CLIENT_PAGE, view=view))


def get_project(state: State, request: Request) -> Answer:
    """Read one project."""
    return Answer(200, _view(state, state.known(state.projects, request.id)))


def create_project(state: State, request: Request) -> Answer:
    """Create a project."""
    values = read_write(PROJECT, state, request, table=state.projects)
    project = Project(id=state.projects.new_id(), **created(state), **values)
    return Answer(201, _view(state, state.projects.add(project)))


def update_project(state: State, request: Request) -> Answer:
    """Change a project."""
    project = state.known(state.projects, request.id)
    values = read_write(PROJECT, state, request, table=state.projects, old=project)
    state.projects.change(project, state.clock(), **values)
    return changed(state, _view(state, project))


def delete_project(state: State, request: Request) -> Answer:
    """Delete a project and all that belongs to it."""
    state.delete_project(state.known(state.projects, request.id))
    return deleted(state)


def _view(state: State, project: Project) -> Json:
    hours = state.hours.under("project_id", project.id)
    tasks = state.tasks.under("project_id", project.id)
    open_hours = [hour for hour in hours if not hour.billed]
    by_hour = sum((cost_of(hour, project) for hour in hours), ZERO)
    client = state.clients.find(project.client_id)
    return {
        "id": project.id,
        "name": project.name,
        "number": project.number,
        "description": project.description,
        "rate": project.rate,
        "budget": project.budget,
        "budget_type": project.budget_type,
        "project_type": project.project_type,
        "status": project.status,
        "currency_code": project.currency_code,
        "end_date": slashed(project.end_date),
        "client": client and view_client(state, client),
        "worked_hours": sum((hour.hours for hour in hours), Decimal(0)),
        "unbilled_hours": sum((hour.hours for hour in open_hours), Decimal(0)),
        "cost": project.rate if project.project_type == _FIXED_AMOUNT else by_hour,
        "unbilled_amount": sum((cost_of(hour, project) for hour in open_hours), ZERO),
        "budget_enabled": project.budget is not None,
        "tasks_count": len(tasks),
        "todo_tasks_count": sum(not task.complete for task in tasks),
        "comments": [],
        "created_at": stamped(project.created_at),
        "updated_at": stamped(project.updated_at),
    }


def _by_name(project: Project) -> tuple[str, int]:
    return project.name.casefold(), project.id

"""Tasks: what is to be done, where, for whom and by whom."""

from __future__ import annotations

from typing import Any, Final

from clientary_connector.sandbox.exchange import Answer, Request
from clientary_connector.sandbox.fields import Field, boolean, day, integer, text
from clientary_connector.sandbox.records import Task
from clientary_connector.sandbox.render import Json, dashed, page_of, stamped
from clientary_connector.sandbox.state import State
from clientary_connector.sandbox.writing import Noun, changed, created, read_write

TASK: Final = Noun(
    wrapper="task",
    fields=(
        Field("title", text, required=True),
        Field("description", text),
        Field("project_id", integer),
        Field("client_id", integer),
        Field("assignee_id", integer),
        Field("due_date", day),
        Field("complete", boolean, nullable=False),
    ),
    links={"project_id": "projects", "client_id": "clients", "assignee_id": "staff"},
)
_PAGE: Final = 50


def list_tasks(state: State, request: Request) -> Answer:
    """List all tasks."""
    return _page(list(state.tasks), request)


def list_project_tasks(state: State, request: Request) -> Answer:
    """List the tasks of one project."""
    project = state.known(state.projects, request.id)
    return _page(state.tasks.under("project_id", project.id), request)


def get_task(state: State, request: Request) -> Answer:
    """Read one task."""
    return Answer(200, _view(state.known(state.tasks, request.id)))


def create_task(state: State, request: Request) -> Answer:
    """Create a task in the name of the key's owner."""
    values = read_write(TASK, state, request, table=state.tasks)
    values = {**created(state), **values, **_completion(state, values, None)}
    task = Task(id=state.tasks.new_id(), user_id=state.user_id, **values)
    return Answer(201, _view(state.tasks.add(task)))


def update_task(state: State, request: Request) -> Answer:
    """Change a task; completing it notes when."""
    task = state.known(state.tasks, request.id)
    values = read_write(TASK, state, request, table=state.tasks, old=task)
    values |= _completion(state, values, task)
    state.tasks.change(task, state.clock(), **values)
    return changed(state, _view(task))


def _completion(state: State, values: dict[str, Any], old: Task | None) -> dict[str, Any]:
    before = old is not None and old.complete
    after = values.get("complete", before)
    if after is before:
        return {}
    return {"completed_at": state.clock() if after else None}


def _page(rows: list[Task], request: Request) -> Answer:
    return Answer(200, page_of("tasks", rows, request.query, size=_PAGE, view=_view))


def _view(task: Task) -> Json:
    return {
        "id": task.id,
        "user_id": task.user_id,
        "title": task.title,
        "description": task.description,
        "project_id": task.project_id,
        "client_id": task.client_id,
        "assignee_id": task.assignee_id,
        "due_date": dashed(task.due_date),
        "complete": task.complete,
        "completed_at": stamped(task.completed_at),
        "is_template_task": False,
        "comments": [],
        "created_at": stamped(task.created_at),
        "updated_at": stamped(task.updated_at),
    }

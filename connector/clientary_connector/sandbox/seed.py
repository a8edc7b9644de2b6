"""Fills an account with made-up records: the same ones each time for the same seed.

The first client and its first project hold more of everything than fits on a page, so that the
lists below a parent have pages to follow, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from clientary_connector.sandbox.draw import Draw
from clientary_connector.sandbox.records import Company, Project
from clientary_connector.sandbox.state import State


class Size(StrEnum):
    """How much an account holds: some 900, 6,000 or 60,000 records."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


@dataclass(frozen=True, slots=True)
class _Scale:
    clients: int
    leads: int
    staff: int


_SCALES: Final = {
    Size.SMALL: _Scale(clients=24, leads=25, staff=5),
    Size.MEDIUM: _Scale(clients=240, leads=120, staff=12),
    Size.LARGE: _Scale(clients=2_400, leads=1_200, staff=40),
}


def fill(state: State, random: Random, size: Size) -> None:
    """Fill an empty account; the key belongs to the first member of staff."""
    scale = _SCALES[size]
    draw = Draw(state, random)
    for _ in range(scale.staff):
        draw.staff()
    state.user_id = next(iter(state.staff)).id
    for number in range(scale.leads):
        _lead(draw, number)
    for number in range(scale.clients):
        _client(draw, number)
    first = next(iter(state.clients))
    _abundance(draw, first, state.projects.under("client_id", first.id)[0])


def _lead(draw: Draw, number: int) -> None:
    lead = draw.lead(number)
    draw.contact(lead_id=lead.id)
    if number % 3 == 0:
        draw.estimate(lead_id=lead.id)


def _client(draw: Draw, number: int) -> None:
    client = draw.client(number)
    for _ in range(2):
        draw.contact(client_id=client.id)
    for _ in range(1 + number % 2):
        _project(draw, client, draw.project(client))
    draw.invoice(client)
    if number % 3 == 0:
        draw.profile(client)
    if number % 4 == 0:
        draw.invoice(client, schedule=draw.schedule(client))


def _project(draw: Draw, client: Company, project: Project) -> None:
    for _ in range(3):
        draw.task(client, project)
    for _ in range(5):
        draw.hour(project)
    for _ in range(2):
        draw.expense(client, project)
        draw.invoice(client, project=project)
    draw.estimate(client_id=client.id, project_id=project.id)


def _abundance(draw: Draw, client: Company, project: Project) -> None:
    for _ in range(12):
        draw.contact(client_id=client.id)
        draw.project(client)
    for _ in range(60):
        draw.task(client, project)
        draw.hour(project)
    schedule = draw.schedule(client)
    for _ in range(32):
        draw.estimate(client_id=client.id, project_id=project.id)
        draw.invoice(client, project=project, schedule=schedule)

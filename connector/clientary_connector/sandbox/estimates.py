"""Estimates: proposals to clients and leads; the API's actions only read them."""

from __future__ import annotations

from functools import partial
from typing import Final

from clientary_connector.sandbox.documents import view_document, view_item
from clientary_connector.sandbox.exchange import Answer, Request
from clientary_connector.sandbox.invoices import secret_of, view_link
from clientary_connector.sandbox.records import Estimate
from clientary_connector.sandbox.render import Json, page_of, slashed
from clientary_connector.sandbox.state import State

_PAGE: Final = 30


def list_estimates(state: State, request: Request) -> Answer:
    """List all estimates, the newest first."""
    return _page(state, list(state.estimates), request)


def list_client_estimates(state: State, request: Request) -> Answer:
    """List the estimates of one client."""
    client = state.known(state.clients, request.id)
    return _page(state, state.estimates.under("client_id", client.id), request)


def list_project_estimates(state: State, request: Request) -> Answer:
    """List the estimates of one project."""
    project = state.known(state.projects, request.id)
    return _page(state, state.estimates.under("project_id", project.id), request)


def get_estimate(state: State, request: Request) -> Answer:
    """Read one estimate."""
    return Answer(200, _view(state, state.known(state.estimates, request.id)))


def _page(state: State, rows: list[Estimate], request: Request) -> Answer:
    rows = sorted(rows, key=_by_day, reverse=True)
    view = partial(_view, state)
    return Answer(200, page_of("estimates", rows, request.query, size=_PAGE, view=view))


def _view(state: State, estimate: Estimate) -> Json:
    return {
        **view_document(estimate),
        "date": slashed(estimate.date),
        "estimate_items": [view_item(item) for item in estimate.items],
        "expiration_date": None,
        "recipients": [],
        "attachments": [],
        "secret": secret_of(estimate),
        "client_view_url": view_link(state, "estimates", estimate),
    }


def _by_day(estimate: Estimate) -> tuple[object, int]:
    return estimate.date, estimate.id

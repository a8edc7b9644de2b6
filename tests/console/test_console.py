"""Proves that the console can be reached, signed in to and mounted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.console.ground import Ground, stage

pytestmark = pytest.mark.requirement("console.pages")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console over a fresh state."""
    with stage(tmp_path_factory.mktemp("console")) as made:
        yield made


def test_who_is_not_signed_in_is_led_to_the_sign_in(ground: Ground) -> None:
    """Nothing of the connections is seen before."""
    page = ground.browser().open("/")
    assert page.status == 200
    assert page.response.url.path == "/sign-in"


def test_a_person_who_is_signed_in_sees_the_overview(ground: Ground) -> None:
    """An empty vault says that nothing is connected."""
    page = ground.browser("viewer").open("/")
    assert page.status == 200
    assert "No account is connected yet." in page.text


def test_a_choice_of_colours_is_kept(ground: Ground) -> None:
    """Without a script, by a form in the bar."""
    admin = ground.browser("admin")
    page = admin.open("/")
    theme = next(form for form in page.all_forms if form.action.endswith("/theme"))
    done = admin.post(theme.action, [*theme.fields, ("theme", "dark")])
    assert done.status == 200
    assert 'data-theme="dark"' in done.html


def test_a_host_mounts_it_under_any_path(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every link of a page stays under that path."""

    def mount(app: Starlette) -> Starlette:
        return Starlette(routes=[Mount("/apps/clientary", app)])

    folder = tmp_path_factory.mktemp("mounted")
    with stage(folder, mount=mount, root="/apps/clientary") as ground:
        page = ground.browser("admin").open("/")
        assert page.status == 200
        assert page.links
        assert all(link.startswith(("/apps/clientary", "#")) for link in page.links)

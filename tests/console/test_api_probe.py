"""Asks the admin API, over real HTTP and in each role, what its own description promises.

schemathesis makes the requests: some that fit the description and some that do not. `make soak`
asks many more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from clientary_connector.call.kinds import is_list, is_object
from clientary_connector.frontends.console.api import OPERATIONS
from clientary_connector.frontends.console.api.operations import Nothing, Operation
from clientary_connector.people import Role
from tests.console.api_ground import THERE, Api, api
from tests.console.ground import PERSONA

pytestmark = [pytest.mark.requirement("console.api.described"), pytest.mark.slow]

#: So many requests an operation and a role, of each kind; as many times more under `make soak`.
EXAMPLES: Final = 2
#: Making requests of a schema takes long, and is often in vain.
UNHURRIED: Final = [
    HealthCheck.too_slow,
    HealthCheck.filter_too_much,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
]
#: Not looked at: what fits the form may still be refused, as a name that is not there is.
LEFT_OUT: Final = [positive_data_acceptance]
#: Of these nothing may be hit by a lucky name: the other operations would find nothing there.
NEVER_AIMED: Final = frozenset({"revoke_connection", "remove_grant"})


def _takes_something(operation: Operation) -> bool:
    return {operation.query, operation.body} != {Nothing} or operation.guarded


def _varies(operation: Operation) -> bool:
    """Says whether one request may differ from another, if only by a name that is there."""
    return _takes_something(operation) or "{" in operation.path


#: What takes nothing has nothing that could be wrong.
ASKED: Final = [
    pytest.param(one, mode, id=f"{one.name}-{mode.value}")
    for one in OPERATIONS
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    if mode is GenerationMode.POSITIVE or _takes_something(one)
]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The admin API of a console with one account."""
    with api(tmp_path_factory.mktemp("probe")) as made:
        yield made


@pytest.fixture(scope="module")
def schema(asked: Api) -> Any:  # noqa: ANN401 - schemathesis's own
    """The description, as schemathesis reads it."""
    described = asked.described()
    # Who asks is said by the tests, and not made up.
    del described["security"], described["components"]["securitySchemes"]
    # What is asked is made of the schemas; another test plays the examples.
    described = _without_examples(described)
    return schemathesis.openapi.from_dict(described)


@pytest.mark.parametrize(("operation", "mode"), ASKED)
def test_every_answer_is_one_that_the_description_promises(
    asked: Api,
    schema: Any,  # noqa: ANN401 - schemathesis's own
    operation: Operation,
    mode: GenerationMode,
    soak: int,
) -> None:
    """No failure of the server, no other form or status, and no way around a role."""
    described = schema[operation.path][operation.method]

    @settings(
        max_examples=(EXAMPLES if _varies(operation) else 1) * soak,
        suppress_health_check=UNHURRIED,
        phases=(Phase.explicit, Phase.generate),
    )
    @given(
        case=described.as_strategy(generation_mode=mode, **_names(operation, mode)),
        aimed=st.booleans(),
        role=st.sampled_from([Role.ADMIN, *Role]),
    )
    def ask(case: Any, aimed: bool, role: Role) -> None:  # noqa: ANN401, FBT001 - schemathesis's own
        _at_home(case)
        if aimed and operation.name not in NEVER_AIMED:
            _aim(case)
        _check(asked, operation, case, role)

    ask()


def _check(asked: Api, operation: Operation, case: Any, role: Role) -> None:  # noqa: ANN401 - as above
    headers = {"Authorization": f"Bearer {asked.tokens[role]}"}
    response = case.call_and_validate(base_url=asked.url, headers=headers, excluded_checks=LEFT_OUT)
    if not role.covers(operation.role):
        assert response.status_code == 403
    else:
        assert response.status_code not in {401, 403}


def _without_examples(part: Any) -> Any:  # noqa: ANN401 - any part of a description
    if is_list(part):
        return [_without_examples(one) for one in part]
    if not is_object(part):
        return part
    return {name: _without_examples(one) for name, one in part.items() if name != "example"}


def _names(operation: Operation, mode: GenerationMode) -> dict[str, Any]:
    """Gives names for the path where what is wrong stands elsewhere: any text is a name."""
    if mode is GenerationMode.POSITIVE or "{" not in operation.path:
        return {}
    name = operation.path.partition("{")[2].partition("}")[0]
    return {"path_parameters": {name: THERE.get(name, "nobody")}}


def _aim(case: Any) -> None:  # noqa: ANN401 - schemathesis's own
    """Puts the names of what is there in the places of made-up ones."""
    for name in THERE.keys() & (case.path_parameters or {}).keys():
        case.path_parameters[name] = THERE[name]
    for part in (case.query, case.body):
        if is_object(part):
            there = {"persona": PERSONA, "connection": THERE["connection"]}
            part.update({name: there[name] for name in there.keys() & part.keys()})


def _at_home(case: Any) -> None:  # noqa: ANN401 - schemathesis's own
    """Keeps every request on this machine: no account of the service itself is looked for."""
    body = case.body
    if is_object(body) and isinstance(body.get("subdomain"), str):
        body["subdomain"] = "-"

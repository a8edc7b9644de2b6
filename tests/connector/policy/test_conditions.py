"""The language of conditions: read, written, kept, checked, and judged over values alone."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clientary_connector import load_manifest
from clientary_connector.conditions.checking import check
from clientary_connector.conditions.grammar import parse
from clientary_connector.conditions.kinds import Form, Kind, kind_of, plain
from clientary_connector.conditions.parts import (
    MAX_CHARS,
    MAX_DEPTH,
    Both,
    Condition,
    Either,
    Node,
    Not,
    Test,
    both,
    depth_of,
    either,
    from_form,
    to_form,
)
from clientary_connector.conditions.rules import Facts, rule
from clientary_connector.conditions.sources import Source, Sources
from clientary_connector.errors import ConditionError, ConnectorError

Test.__test__ = False  # type: ignore[attr-defined]  # a comparison, no test of ours
MANIFEST = load_manifest()
SOURCES = Sources(MANIFEST)

KNOWN = ["id", "client_id", "project", "project_id", "client", "amount", "status", "title", "x"]

words = st.from_regex(r"[a-z_][a-z0-9_]{0,12}", fullmatch=True).filter(
    lambda name: name not in {"for", "not"}
)
numbers = st.decimals(
    min_value=-(10**12), max_value=10**12, places=3, allow_nan=False, allow_infinity=False
)
texts = st.text(st.characters(codec="utf-8"), max_size=20)
values = st.one_of(numbers, texts, st.booleans())


anything = st.recursive(
    st.one_of(st.none(), values, st.integers(), st.floats()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.sampled_from(KNOWN), inner)),
    max_leaves=5,
)


@st.composite
def comparisons(draw: st.DrawFn, names: st.SearchStrategy[str]) -> Test:
    """Draws a comparison."""
    operator = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in", "contains"]))
    several = operator in {"in", "not in"}
    return Test(
        tuple(draw(st.lists(names, min_size=1, max_size=3))),
        draw(st.sampled_from(["", "all", "any"])),
        operator,
        tuple(draw(st.lists(values, min_size=1, max_size=4 if several else 1))),
    )


def conditions_over(names: st.SearchStrategy[str]) -> st.SearchStrategy[Condition]:
    """Draws conditions on some names."""
    nodes: st.SearchStrategy[Node] = st.recursive(
        comparisons(names),
        lambda inner: st.one_of(
            inner.map(Not),
            st.lists(inner, min_size=2, max_size=3).map(both),
            st.lists(inner, min_size=2, max_size=3).map(either),
        ),
        max_leaves=8,
    )
    targets = st.lists(
        st.one_of(words, st.just("invoices:send"), st.just("*:write")), max_size=3, unique=True
    )
    fitting = nodes.filter(lambda node: depth_of(node) <= MAX_DEPTH)
    return st.builds(Condition, targets.map(tuple), fitting)


# Read and written


@pytest.mark.requirement("policy.conditions.language")
@pytest.mark.parametrize(
    ("text", "plain_form"),
    [
        ("client_id in [42,43]", "client_id in [42, 43]"),
        ("amount<=500.00", "amount <= 500"),
        ('currency_code=="EUR"', 'currency_code == "EUR"'),
        ("project.client_id in [42]", "project.client_id in [42]"),
        ('recipients all endswith "@example.com"', 'recipients all endswith "@example.com"'),
        ("(a == 1) and ((b == 2))", "a == 1 and b == 2"),
        ("a == 1 and (b == 2 or c == 3)", "a == 1 and (b == 2 or c == 3)"),
        ("(a == 1 and b == 2) or c == 3", "a == 1 and b == 2 or c == 3"),
        ("not (a == 1 or b == 2)", "not (a == 1 or b == 2)"),
        ("not a not in [1]", "not a not in [1]"),
        ("a\n==\ttrue", "a == true"),
        ("for invoices:send,delete_task : a == -0.10", "for invoices:send, delete_task: a == -0.1"),
        ("format == false", "format == false"),
        (r'a == "\"\u00e9"', 'a == "\\"é"'),
    ],
)
def test_a_condition_has_one_written_form(text: str, plain_form: str) -> None:
    """However it was typed."""
    assert str(parse(text)) == plain_form
    assert str(parse(plain_form)) == plain_form


@pytest.mark.requirement("policy.conditions.language")
@given(conditions_over(words))
@settings(deadline=None)
def test_what_is_written_is_read_back(condition: Condition) -> None:
    """As text, and in the form that the vault keeps."""
    text = str(condition)
    if len(text) <= MAX_CHARS:
        assert parse(text) == condition
    assert from_form(to_form(condition)) == condition


@pytest.mark.requirement("policy.conditions.language")
@given(
    st.one_of(
        st.text(),
        st.text(alphabet='abfor nti[](),.:"\\<=>!0123456789-*_'),
        conditions_over(words).map(str),
    )
)
@settings(deadline=None)
def test_no_text_does_more_than_be_read_or_refused(text: str) -> None:
    """Whatever it is: a condition, or the one error."""
    with contextlib.suppress(ConditionError):
        parse(text)


@pytest.mark.requirement("policy.conditions.language")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("amount <", "character 9"),
        ("amount = 5", "character 8"),
        ("", "character 1"),
        ("amount <= 5 amount", "character 13"),
        ('a == "', "character 6"),
        (r'a == "\ud800"', "character 6"),
        (r'a == "\q"', "character 6"),
        ("a == 1; b == 2", "character 7"),
        ("a.__class__() == 1", "character 12"),
        ("for invoices:amount <= 5", "character 21"),
        ("a == 1 " * 700, "4,000 characters"),
        ("not " * 20 + "a == 1", "16 parts"),
    ],
)
def test_a_slip_is_told_with_its_place(text: str, said: str) -> None:
    """The reader sees where the reading ended, and what could have stood there."""
    with pytest.raises(ConditionError) as caught:
        parse(text)
    assert said in caught.value.message


@pytest.mark.requirement("policy.conditions.language")
@given(
    st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), texts), st.lists, max_leaves=9)
)
def test_no_form_in_the_vault_does_more_than_be_read_or_refused(form: object) -> None:
    """Also one that a version to come has written."""
    try:
        from_form(form)
    except ConditionError:
        return


@pytest.mark.requirement("policy.conditions.language")
def test_a_form_that_is_too_deep_is_refused() -> None:
    """The bound holds where it is read, too."""
    form: list[Any] = ["test", ["a"], "", "==", [True]]
    for _ in range(16):
        form = ["not", form]
    with pytest.raises(ConditionError):
        from_form([[], form])
    assert from_form([[], form[1]])


# Judged


def holds(text: str, action: str, arguments: Mapping[str, Any], known: Any = None) -> bool | None:  # noqa: ANN401 - records by need
    """Judges a condition over a call."""
    ready = rule(parse(text), partial(SOURCES.of, MANIFEST.actions[action]))
    facts = Facts(arguments, known or {})
    return ready.judge(facts, False)  # noqa: FBT003 - as it is asked


@pytest.mark.requirement("policy.conditions.judged")
@pytest.mark.parametrize(
    ("text", "arguments", "held"),
    [
        ("amount <= 500", {"amount": 500}, True),
        ("amount <= 500", {"amount": "500.00"}, True),
        ("amount <= 500", {"amount": "500.01"}, False),
        ("amount <= 500", {"amount": 500.01}, False),
        ("amount <= 500", {"amount": Decimal("500.000001")}, False),
        ("amount == 0.1", {"amount": 0.1}, True),
        ("amount == 0.3", {"amount": 0.1 + 0.2}, False),
        ("amount <= 500", {}, None),
        ("amount <= 500", {"amount": None}, None),
        ("amount <= 500", {"amount": True}, None),
        ("amount <= 500", {"amount": "five"}, None),
        ("amount <= 500", {"amount": float("nan")}, None),
        ("not amount <= 500", {"amount": 501}, True),
        ("not amount <= 500", {}, None),
        ("amount != 5", {}, None),
        ("amount > 1 and amount < 3", {"amount": 2}, True),
        ("amount > 1 and amount < 3", {"amount": 3}, False),
        ("amount < 1 or amount > 3", {"amount": 4}, True),
        ('amount < 1 or description == "x"', {"amount": 0}, True),
        ('amount < 1 or description == "x"', {"amount": 2}, None),
        ('amount < 1 and description == "x"', {"amount": 2}, False),
        ('not (amount < 1 and description == "x")', {"amount": 2}, True),
        ('not (amount < 1 or description == "x")', {"amount": 2}, None),
        ("amount in [1, 2]", {"amount": "2.0"}, True),
        ("amount not in [1, 2]", {"amount": 2}, False),
        ('description contains "tax"', {"description": "a taxi"}, True),
        ('description startswith "a"', {"description": "b"}, False),
        ('incurred_on >= "2026-01-01"', {"incurred_on": "2026-02-28"}, True),
        ('incurred_on >= "2026-01-01"', {"incurred_on": "28.2.2026"}, None),
        ("client_id in [42]", {"client_id": 42}, True),
        ("client_id in [42]", {"client_id": 43}, False),
    ],
)
def test_a_condition_is_judged_by_the_arguments(
    text: str,
    arguments: dict[str, Any],
    held: bool | None,  # noqa: FBT001 - what is expected
) -> None:
    """Numbers exactly; what is missing or of another kind leaves it open, under `not` too."""
    assert holds(text, "create_expense", arguments) is held


@pytest.mark.requirement("policy.conditions.judged")
@pytest.mark.parametrize(
    ("text", "recipients", "held"),
    [
        ('recipients all endswith "@example.com"', ["a@example.com", "B@EXAMPLE.com"], True),
        ('recipients all endswith "@example.com"', ["a@example.com", "b@other.com"], False),
        ('recipients all endswith "@example.com"', [], None),
        ('recipients all endswith "@example.com"', ['"a@other.com,b"@example.com'], None),
        ('recipients any endswith "@other.com"', ["a@example.com", "b@OTHER.com"], True),
        ('not recipients any endswith "@other.com"', ["b@OTHER.com"], False),
        ('not recipients any endswith "@other.com"', ["a@example.com"], True),
        ('not recipients any endswith "@other.com"', ["a@example.com", "a b@other.com"], None),
        ('not recipients all in ["a@example.com"]', ["A@example.com", "b@other.com"], True),
        ('recipients all in ["a@example.com"]', "a@example.com", None),
    ],
)
def test_a_list_is_judged_item_by_item(
    text: str,
    recipients: object,
    held: bool | None,  # noqa: FBT001 - what is expected
) -> None:
    """Addresses without regard to case; one that can be read in two ways meets nothing."""
    assert holds(text, "send_invoice_message", {"recipients": recipients}) is held


@pytest.mark.requirement("policy.conditions.judged")
def test_a_list_of_records_is_judged_field_by_field() -> None:
    """A field that one of them lacks leaves it open."""
    text = "invoice_items_attributes.price all <= 100"
    items = [{"price": "99.99"}, {"price": 100}]
    assert holds(text, "create_invoice", {"invoice_items_attributes": items}) is True
    items.append({"price": 101})
    assert holds(text, "create_invoice", {"invoice_items_attributes": items}) is False
    items[2] = {}
    assert holds(text, "create_invoice", {"invoice_items_attributes": items}) is None


@pytest.mark.requirement("policy.conditions.judged")
@pytest.mark.parametrize("given_as", ["active", 1])
def test_a_choice_is_known_by_name_and_by_number(given_as: object) -> None:
    """As the arguments take it either way."""
    assert holds('status == "active"', "create_project", {"status": given_as}) is True
    assert holds('status == "completed"', "create_project", {"status": given_as}) is False
    assert holds('status == "completed"', "create_project", {"status": 7}) is None
    assert holds("complete == true", "create_task", {"complete": given_as}) is None


@pytest.mark.requirement("policy.conditions.records")
def test_everything_that_is_told_has_to_meet_the_condition() -> None:
    """The argument, the record itself, and the records that either of them names."""
    text, action, task = "client_id in [42]", "update_task", ("get_task", 5)
    arguments = {"id": 5, "client_id": 42, "project_id": 7}
    old, theirs, ours = ("get_project", 6), ("get_project", 7), {"client": {"id": 42}}
    record = {"id": 5, "client_id": 42, "project_id": 6}
    assert holds(text, action, arguments) is None
    assert holds(text, action, {**arguments, "client_id": 43}) is False
    known: dict[Any, Any] = {task: record, theirs: ours, old: ours}
    assert holds(text, action, arguments, known) is True
    assert holds(text, action, arguments, {**known, task: {**record, "client_id": 43}}) is False
    for project in (old, theirs):
        assert holds(text, action, arguments, {**known, project: {"client": {"id": 43}}}) is False
    silent = {"id": 5, "client_id": None, "project_id": None}
    assert holds(text, action, {"id": 5}, {task: silent}) is None
    assert holds(text, action, {"id": 5}, {task: None}) is None


@pytest.mark.requirement("policy.conditions.records")
@pytest.mark.parametrize(
    ("action", "ways"),
    [
        ("create_task", [(("get_project",), False)]),
        ("update_project", [(("get_project",), False)]),
        ("get_project", [((), True)]),
        ("list_projects", [((), True)]),
        ("delete_hour_entry", [(("get_hour_entry", "get_project"), False)]),
        ("list_project_hours", [(("get_project",), False)]),
        ("delete_lead", []),
    ],
)
def test_a_field_of_another_record_is_found_over_the_id_that_names_it(
    action: str, ways: list[tuple[tuple[str, ...], bool]]
) -> None:
    """In the call, or in the record that the call names; of a read it is the answer itself."""
    found = SOURCES.of(MANIFEST.actions[action], ("project", "client_id"))
    assert [(tuple(hop.action for hop in one.hops), one.answer) for one in found] == ways


@pytest.mark.requirement("policy.conditions.records")
def test_a_record_that_no_action_reads_tells_nothing() -> None:
    """There is no action that gets one schedule, so it cannot be asked whose it is."""
    action = MANIFEST.actions["list_recurring_schedule_invoices"]
    assert SOURCES.of(action, ("recurring_schedule", "client_id")) == ()
    assert SOURCES.of(action, ("client_id",))[0].answer


@pytest.mark.requirement("policy.conditions.records")
def test_an_id_that_is_the_record_itself_is_its_own_answer() -> None:
    """`client_id` of an action on clients is its `id`; nothing has to be read."""
    assert holds("client_id in [42]", "delete_client", {"id": 42}) is True
    assert holds("client_id in [42]", "delete_client", {"id": 43}) is False


@pytest.mark.requirement("policy.conditions.judged")
@given(
    conditions_over(st.sampled_from(KNOWN)),
    st.sampled_from(sorted(MANIFEST.actions)),
    st.dictionaries(st.sampled_from(KNOWN), anything),
    anything,
)
@settings(max_examples=80, deadline=None)
def test_judging_never_raises(
    condition: Condition, action: str, arguments: dict[str, Any], answer: object
) -> None:
    """Whatever the arguments and the answer are; also where the condition does not fit."""
    ready = rule(condition, partial(SOURCES.of, MANIFEST.actions[action]))
    facts = Facts(arguments, answer=answer)
    assert ready.judge(facts, False) in {True, False, None}  # noqa: FBT003 - as it is asked
    for need in facts.needs:
        facts.known[need] = {"client": {"id": 42}}
    assert ready.judge(facts, False) in {True, False, None}  # noqa: FBT003 - as it is asked


class Watched(dict[str, Any]):
    """Arguments that fail a test which reaches for more than their items."""

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - whatever is reached for
        """Lets items be looked up by name, and nothing else."""
        if name not in {"get", "__class__"}:
            raise AssertionError(name)
        return super().__getattribute__(name)


@pytest.mark.requirement("policy.conditions.judged")
@pytest.mark.parametrize("name", ["__class__", "__init__", "get", "keys", "amount", "real"])
def test_a_name_is_looked_up_and_never_reached_for(name: str) -> None:
    """A name of Python's own is a name like any other."""
    path = (name, "__class__")
    kind = Kind(Form.NUMBER)
    condition = Condition((), Test(path, "", "==", (Decimal(5),)))
    ready = rule(condition, lambda asked: (Source(asked, kind),))
    facts = Facts(Watched({name: Watched({"__class__": 5})}))
    assert ready.judge(facts, False) is True  # noqa: FBT003 - as it is asked
    assert ready.judge(Facts(Watched({name: 5})), False) is None  # noqa: FBT003 - as it is asked


# Checked


@pytest.mark.requirement("policy.conditions.checked")
@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("clientid in [42]", "'clientid'", "client_id"),
        ("projet.client_id in [42]", "'projet.client_id'", "project_id"),
        ('client_id == "42"', "client_id is a number", ""),
        ('amount <= "500"', "amount is a number", ""),
        ("recipients == true", "recipients is a list: say", ""),
        ("amount all <= 5", "amount is no list", ""),
        ('amount contains "5"', "compared by ==", ""),
        ('description < "x"', "compared by ==", ""),
        ("complete < true", "compared by ==, !=", ""),
        ("description == 5", 'in "double quotes"', ""),
        ('incurred_on >= "tomorrow"', "2026-12-31", ""),
        ('incurred_on >= "2026-02-30"', "2026-12-31", ""),
        ('created_at >= "x"', "2026-12-31T18:00:00Z", ""),
        ('time_interval == "hourly"', "weekly, every_2_weeks", ""),
        ("complete == 1", "true or false", ""),
    ],
)
def test_a_condition_that_makes_no_sense_is_refused(text: str, said: str, hint: str) -> None:
    """An unknown name with what comes close, a wrong value with what is wanted."""
    with pytest.raises(ConnectorError) as caught:
        check(parse(text), tuple(MANIFEST.actions.values()), SOURCES)
    assert said in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.requirement("policy.conditions.checked")
def test_a_check_names_the_actions_that_cannot_meet_it() -> None:
    """Under `or` one side is enough, under `and` it is not; `not` turns them round."""
    actions = [MANIFEST.actions[name] for name in ("create_expense", "create_project", "get_staff")]

    def untold(text: str) -> tuple[str, ...]:
        return check(parse(text), actions, SOURCES).untold

    assert untold("client_id == 1 or amount < 5") == ("get_staff",)
    assert untold("client_id == 1 and amount < 5") == ("create_project", "get_staff")
    assert untold("not (client_id == 1 or amount < 5)") == ("create_project", "get_staff")
    assert untold("not (client_id == 1 and amount < 5)") == ("get_staff",)


@pytest.mark.requirement("policy.conditions.checked")
def test_every_field_of_the_manifest_has_a_kind_or_cannot_be_compared() -> None:
    """And the examples of the manifest are of the kinds of their arguments."""
    for action in MANIFEST.actions.values():
        for name, value in action.example.items():
            kind = kind_of(action.input["properties"][name])
            if kind is not None and not kind.many:
                assert plain(value, kind) is not None, (action.id, name)


@pytest.mark.requirement("policy.conditions.judged")
@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("2026-03-01T13:00:00+01:00", "2026-03-01T12:00:00+00:00"),
        ("2026-03-01T12:00:00", "2026-03-01T12:00:00+00:00"),
        ("0001-01-01T00:00:00+14:00", None),
        ("soon", None),
        (5, None),
    ],
)
def test_times_are_compared_in_utc(value: object, found: str | None) -> None:
    """What is no time says nothing."""
    assert plain(value, Kind(Form.MOMENT)) == found


@pytest.mark.requirement("policy.conditions.language")
def test_parts_are_joined_flat() -> None:
    """So that what is written is read back the same."""
    one, two, three = (parse(f"{name} == 1").node for name in "abc")
    assert both([both([one, two]), three]) == Both((one, two, three))
    assert either([one, either([two, three])]) == Either((one, two, three))
    assert both([one]) == either([one]) == one

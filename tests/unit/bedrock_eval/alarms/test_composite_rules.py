from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.alarms.composite_rules import ALARM, INSUFFICIENT_DATA, OK, named, ringing

RUNS = 'ALARM("run-failed") OR (ALARM("run-overdue") AND NOT ALARM("watchdog-silent"))'


@pytest.mark.parametrize(
    ("failed", "overdue", "silent", "causes"),
    [
        (ALARM, OK, OK, {"run-failed"}),
        (OK, ALARM, OK, {"run-overdue"}),
        (ALARM, ALARM, OK, {"run-failed", "run-overdue"}),
        # The overdue run is explained by the silent watchdog: it is not why the composite rings.
        (ALARM, ALARM, ALARM, {"run-failed"}),
        (OK, ALARM, ALARM, set()),
        (OK, OK, ALARM, set()),
        (ALARM, INSUFFICIENT_DATA, INSUFFICIENT_DATA, {"run-failed"}),
    ],
)
def test_only_what_makes_a_rule_true_is_a_cause(failed: str, overdue: str, silent: str, causes: set[str]) -> None:
    states = {"run-failed": failed, "run-overdue": overdue, "watchdog-silent": silent}
    assert set(ringing(RUNS, states)) == causes


def test_every_alarm_that_is_asked_about_is_named_once_in_order() -> None:
    assert named(f"{RUNS} OR ALARM(run-failed)") == ("run-failed", "run-overdue", "watchdog-silent")
    assert named('ALARM("arn:aws:cloudwatch:eu-central-1:111122223333:alarm:a b") OR ALARM(c)') == ("a b", "c")
    assert named(r'ALARM("say \"a\" (b)")') == ('say "a" (b)',)


@pytest.mark.parametrize(
    ("rule", "causes"),
    [
        ("ALARM(a) AND ALARM(b)", ()),
        ("ALARM(a) AND ALARM(c)", ("a", "c")),
        ("OK(b) AND ALARM(a)", ("a",)),
        ("NOT OK(a)", ()),
        ("NOT (ALARM(b) OR NOT ALARM(a))", ()),
        ("ALARM(a) AND TRUE OR FALSE", ("a",)),
        ("ALARM(b) OR ALARM(b) AND ALARM(a) OR ALARM(c)", ("c",)),
        ("AT_LEAST(2, ALARM, (a, b, c))", ("a", "c")),
        ("AT_LEAST(3, ALARM, (a, b, c))", ()),
        ('AT_LEAST("50%", ALARM, (a, b))', ("a",)),
        ("AT_LEAST(50%, ALARM, (a, b))", ("a",)),
        ("AT_LEAST(1, NOT ALARM, (a, b)) AND ALARM(a)", ("a",)),
        ("ALARM(nobody-knows)", ()),
    ],
)
def test_the_whole_grammar_is_read(rule: str, causes: tuple[str, ...]) -> None:
    assert ringing(rule, {"a": ALARM, "b": OK, "c": ALARM}) == causes


@pytest.mark.parametrize(
    "rule", ["", "ALARM", "ALARM()", "ALARM(a", "ALARM(a) OR", "(ALARM(a)", "ALARM(a) ALARM(b)", "RINGS(a)", ")", "NOT"]
)
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="no rule of a composite alarm"):
        named(rule)


RULES = st.recursive(
    st.sampled_from(["ALARM(a)", "ALARM(b)", "ALARM(c)", "OK(a)"]),
    lambda part: st.one_of(
        st.tuples(part, st.sampled_from(["AND", "OR"]), part).map(lambda found: f"({' '.join(found)})"),
        part.map(lambda found: f"NOT {found}"),
    ),
    max_leaves=8,
)


@given(RULES)
def test_causes_ring_and_come_only_when_the_rule_is_true(rule: str) -> None:
    """Against Python's own reading of the same rule."""
    for states in product((ALARM, OK), repeat=3):
        known = dict(zip("abc", states, strict=True))
        python = rule.replace("AND", "and").replace("OR", "or").replace("NOT", "not")
        for name, state in known.items():
            python = python.replace(f"ALARM({name})", str(state == ALARM)).replace(f"OK({name})", str(state == OK))
        causes = ringing(rule, known)
        assert all(known[name] == ALARM for name in causes)
        assert not causes or eval(python)

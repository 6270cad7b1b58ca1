"""Descriptions of alarms: what is composed at deploy is parsed again when the alarm notifies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.alarms.description import MOST_CHARACTERS, AlarmDescription, DescriptionError
from bedrock_eval.alarms.kinds import KINDS, AlarmKind, Severity

# One line of any text, labels of other lines and markers of severity included.
LINES = st.one_of(
    st.text(min_size=1, max_size=40).map(lambda text: " ".join(text.split())).filter(bool),
    st.sampled_from(["Owner: x", "Runbook: y#z", "[critical] w", "In alarm: 1", "A.B. Inc.", "#", "Check: "[:-1]]),
)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
@given(texts=st.tuples(LINES, LINES, st.none() | LINES), anchor=st.booleans(), severity=st.sampled_from(Severity))
def test_every_kind_is_read_as_it_was_written(
    kind: AlarmKind, texts: tuple[str, str, str | None], anchor: bool, severity: Severity
) -> None:
    subject, owner, dashboard = texts
    said = AlarmDescription(
        happened=" ".join(kind.happened.format(subject=subject, threshold="5").split()),
        severity=severity.value,
        condition=f"{kind.window}.",
        look_at=kind.look_at,
        owner=owner,
        dashboard=dashboard,
        runbook=f"https://example.com/runbook.md#{kind.name}" if anchor else None,
    )
    found = AlarmDescription.parse(said.compose())
    assert found == said
    assert found.entry == (kind.name if anchor else None)


@given(st.text(max_size=200))
def test_any_other_text_is_shown_as_it_is(text: str) -> None:
    if not text.strip().startswith("["):
        assert AlarmDescription.parse(text) == AlarmDescription(text)


@pytest.mark.parametrize("text", ["ask Jo", "two\nlines", "Owner: a\nOwner: b", "[note] a\nsomething else", ""])
def test_a_text_of_somebody_else_is_kept_whole(text: str) -> None:
    assert AlarmDescription.parse(text) == AlarmDescription(text)


def test_a_description_that_cloudwatch_refuses_is_not_composed() -> None:
    fitting = AlarmDescription("x" * MOST_CHARACTERS)
    assert len(fitting.compose()) == MOST_CHARACTERS
    with pytest.raises(DescriptionError, match=r"1025 characters; allowed: 1024"):
        AlarmDescription("x" * (MOST_CHARACTERS + 1)).compose()

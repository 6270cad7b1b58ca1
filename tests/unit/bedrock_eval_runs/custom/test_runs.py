from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.codec import DecodeError
from bedrock_eval.runs.state import LEASE_MARGIN, Lock, RunState, RunStatus, claim, read_lock, read_state, timestamp

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
SECONDS = st.integers(min_value=-5000, max_value=5000).map(lambda seconds: timedelta(seconds=seconds))


def lock(owner: str, *, acquired: timedelta = timedelta(0), left: timedelta = timedelta(minutes=5)) -> Lock:
    return Lock(owner, "20261123T060000Z", timestamp(NOW + acquired), timestamp(NOW + left))


@given(st.none() | st.builds(lock, st.sampled_from("ab"), acquired=SECONDS, left=SECONDS))
def test_a_live_lease_belongs_to_its_owner_alone(standing: Lock | None) -> None:
    deadline = NOW + timedelta(minutes=15)
    taken = claim(standing, owner="a", run_id="20261123T060000Z", now=NOW, deadline=deadline)
    others = standing is not None and standing.live(NOW) and standing.owner == "b"
    assert (taken is None) == others
    if taken is not None:
        assert taken.owner == "a"
        assert datetime.fromisoformat(taken.expires_at) == deadline + LEASE_MARGIN
        renewed = standing is not None and standing.live(NOW)
        assert taken.acquired_at == (standing.acquired_at if renewed and standing else timestamp(NOW))


def test_a_released_lock_is_free_at_once() -> None:
    assert not lock("a").released(NOW).live(NOW)


def test_state_and_lock_survive_their_json() -> None:
    state = RunState("support", "20261123T060000Z", RunStatus.FAILED, "t0", "t1", reason="unexpected", message="m")
    assert read_state(state.to_json()) == state
    assert read_lock(lock("a").to_json()) == lock("a")


@pytest.mark.parametrize(("text", "word"), [("{", "run: not JSON"), ('{"status": "lost"}', "run"), ("3", "run")])
def test_what_is_no_state_says_so(text: str, word: str) -> None:
    with pytest.raises(DecodeError, match=word):
        read_state(text)

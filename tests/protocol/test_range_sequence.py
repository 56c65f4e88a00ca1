"""The chain of a contract's depth (contract protocol, section 3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigone_sync.protocol.sequence import RangeSequence, Verdict


def begun(to_id: int) -> RangeSequence:
    """A chain whose snapshot reached so far."""
    chain = RangeSequence()
    chain.opened()
    chain.snapshot(to_id)
    return chain


def state(chain: RangeSequence) -> tuple[int | None, int | None]:
    return chain.last, chain.expected


def test_the_live_form_continues_at_the_last_to() -> None:
    chain = begun(100)
    assert chain.check(100, 130) is Verdict.ACCEPT
    assert chain.check(130, 131) is Verdict.ACCEPT
    assert state(chain) == (131, None)


def test_the_documented_form_continues_at_the_id_after_it() -> None:
    chain = begun(91277134)
    assert chain.check(91277135, 91277135) is Verdict.ACCEPT
    assert chain.check(91277136, 91277140) is Verdict.ACCEPT
    assert state(chain) == (91277140, None)


def test_both_forms_may_take_turns() -> None:
    chain = begun(10)
    assert [chain.check(*ids) for ids in ((11, 12), (12, 20), (21, 21), (21, 22))] == [Verdict.ACCEPT] * 4


def test_how_far_a_delta_reaches_says_nothing() -> None:
    chain = begun(1)
    assert chain.check(1, 10**15) is Verdict.ACCEPT
    assert chain.last == 10**15


@pytest.mark.parametrize(
    ("from_id", "to_id"),
    [
        (90, 100),  # the frame before, in the live form
        (101, 100),  # backwards
        (100, 100),  # the same in the documented form, or a delta that goes nowhere
        (100, 99),
        (102, 102),  # one skipped
        (150, 160),
        (99, 120),  # an overlap
        (1, 2),
    ],
)
def test_repeats_skips_and_steps_back_are_gaps(from_id: int, to_id: int) -> None:
    chain = begun(100)
    assert chain.check(from_id, to_id) is Verdict.GAP
    assert state(chain) == (None, 100)


def test_a_delta_that_was_accepted_is_a_gap_the_second_time() -> None:
    for repeated in ((100, 120), (101, 120), (101, 101)):
        chain = begun(100)
        assert chain.check(*repeated) is Verdict.ACCEPT
        assert chain.check(*repeated) is Verdict.GAP


def test_a_delta_before_any_snapshot_is_a_gap_and_nothing_was_expected() -> None:
    chain = RangeSequence()
    assert chain.check(1, 2) is Verdict.GAP
    assert state(chain) == (None, None)
    assert chain.check(2, 3) is Verdict.HELD


def test_after_a_gap_everything_is_held_back() -> None:
    chain = begun(100)
    assert chain.check(500, 501) is Verdict.GAP
    assert [chain.check(*ids) for ids in ((501, 502), (100, 101), (500, 501))] == [Verdict.HELD] * 3
    assert state(chain) == (None, 100)


def test_a_snapshot_begins_anew_wherever_it_stands() -> None:
    chain = begun(100)
    chain.check(500, 501)
    chain.snapshot(50)
    assert state(chain) == (50, None)
    assert chain.check(50, 60) is Verdict.ACCEPT


def test_a_new_socket_wants_a_snapshot_first() -> None:
    chain = begun(100)
    chain.opened()
    assert state(chain) == (None, None)
    assert chain.check(100, 101) is Verdict.GAP
    chain.opened()
    assert chain.check(100, 101) is Verdict.GAP


def test_a_socket_that_is_given_up_is_held_back_without_a_gap() -> None:
    chain = begun(100)
    chain.reset()
    assert chain.check(100, 101) is Verdict.HELD
    assert chain.check(7, 8) is Verdict.HELD
    chain.opened()
    chain.snapshot(3)
    assert chain.check(3, 4) is Verdict.ACCEPT


def test_a_gap_stays_known_after_the_reset_that_follows_it() -> None:
    chain = begun(100)
    chain.check(500, 501)
    chain.reset()
    assert state(chain) == (None, 100)


def test_the_repr_tells_where_it_stands() -> None:
    assert repr(begun(7)) == "RangeSequence(last=7, expected=None)"


_IDS = st.integers(0, 12)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("delta"), _IDS, _IDS),
        st.tuples(st.just("snapshot"), st.just(0), _IDS),
        st.tuples(st.sampled_from(["opened", "reset"]), st.just(0), st.just(0)),
    ),
    max_size=40,
)


@given(_STEPS)
def test_whatever_comes_only_what_continues_is_accepted_and_a_gap_is_said_once(
    steps: list[tuple[str, int, int]],
) -> None:
    chain = RangeSequence()
    standing: int | None = None
    said = False
    for what, from_id, to_id in steps:
        if what == "delta":
            verdict = chain.check(from_id, to_id)
            continues = standing is not None and from_id in (standing, standing + 1) and to_id > standing
            assert (verdict is Verdict.ACCEPT) == continues
            assert verdict is not Verdict.DUPLICATE
            if not continues:
                assert (verdict is Verdict.HELD) == said
            standing, said = (to_id, said) if continues else (None, True)
        elif what == "snapshot":
            chain.snapshot(to_id)
            standing, said = to_id, False
        elif what == "opened":
            chain.opened()
            standing, said = None, False
        else:
            chain.reset()
            standing, said = None, True
        assert chain.last == standing


def test_after_a_frame_that_could_not_be_read_only_the_live_form_continues() -> None:
    chain = begun(100)
    chain.unread()
    assert chain.check(101, 102) is Verdict.GAP  # 100 to 101 may be what was not read
    chain = begun(100)
    chain.unread()
    assert chain.check(100, 102) is Verdict.ACCEPT
    assert chain.check(103, 104) is Verdict.ACCEPT


@pytest.mark.parametrize("how", ["snapshot", "opened"])
def test_a_snapshot_ends_the_doubt(how: str) -> None:
    chain = begun(100)
    chain.unread()
    if how == "opened":
        chain.opened()
    chain.snapshot(200)
    assert chain.check(201, 202) is Verdict.ACCEPT

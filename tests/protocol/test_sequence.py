from __future__ import annotations

import ast
import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigone_sync.protocol import sequence
from bigone_sync.protocol.sequence import ChangeIdSequence, Verdict


def begun(change_id: int | None) -> ChangeIdSequence:
    chain = ChangeIdSequence()
    chain.snapshot(change_id)
    return chain


def test_everything_is_held_before_the_first_snapshot() -> None:
    chain = ChangeIdSequence()
    assert chain.last is None
    assert chain.check(0, 1) is Verdict.HELD
    assert chain.check(None, None) is Verdict.HELD
    assert chain.last is None


def test_the_chain_counts_and_not_the_step() -> None:
    chain = begun(100)
    assert chain.check(100, 101) is Verdict.ACCEPT
    assert chain.check(101, 5000) is Verdict.ACCEPT
    assert chain.last == 5000


@pytest.mark.parametrize("prev_id", [None, 0, 98, 99, 100, 12345])
@pytest.mark.parametrize("change_id", [1, 99, 100])
def test_what_is_already_known_is_a_duplicate_whatever_its_prev_id(prev_id: int | None, change_id: int) -> None:
    chain = begun(100)
    assert chain.check(prev_id, change_id) is Verdict.DUPLICATE
    assert chain.last == 100
    assert chain.check(100, 101) is Verdict.ACCEPT


@pytest.mark.parametrize("prev_id", [99, 101, 102])
def test_a_hole_or_an_overlap_is_a_gap_and_then_all_is_held_until_a_snapshot(prev_id: int) -> None:
    chain = begun(100)
    assert chain.check(prev_id, 103) is Verdict.GAP
    assert (chain.last, chain.expected) == (None, 100)
    assert chain.check(100, 101) is Verdict.HELD
    assert chain.check(50, 60) is Verdict.HELD
    chain.snapshot(200)
    assert chain.expected is None
    assert chain.check(200, 201) is Verdict.ACCEPT


@pytest.mark.parametrize("prev_id", [None, 0])
def test_a_missing_prev_id_cannot_be_verified(prev_id: int | None) -> None:
    assert begun(100).check(prev_id, 101) is Verdict.GAP


@pytest.mark.parametrize("prev_id", [None, 0])
@pytest.mark.parametrize("snapshot", [None, 0])
def test_a_chain_that_stands_at_zero_continues_from_zero(prev_id: int | None, snapshot: int | None) -> None:
    chain = begun(snapshot)
    assert chain.last == 0
    assert chain.check(prev_id, 7) is Verdict.ACCEPT
    assert chain.last == 7


@pytest.mark.parametrize("change_id", [None, 0])
@pytest.mark.parametrize("last", [0, 100])
def test_a_missing_change_id_cannot_be_verified(change_id: int | None, last: int) -> None:
    assert begun(last).check(last, change_id) is Verdict.GAP


def test_ids_of_64_bits_are_compared_exactly() -> None:
    chain = begun(2**64 - 2)
    assert chain.check(2**64 - 3, 2**64 - 1) is Verdict.GAP
    chain.snapshot(2**64 - 2)
    assert chain.check(2**64 - 2, 2**64 - 1) is Verdict.ACCEPT
    assert chain.check(2**64 - 2, 2**64 - 1) is Verdict.DUPLICATE


def test_a_snapshot_may_go_back() -> None:
    chain = begun(100)
    chain.snapshot(5)
    assert chain.check(5, 6) is Verdict.ACCEPT


def test_reset_holds_everything_and_forgets_the_gap() -> None:
    chain = begun(100)
    chain.check(500, 501)
    chain.reset()
    assert (chain.last, chain.expected) == (None, None)
    chain.snapshot(100)
    chain.reset()
    assert chain.check(100, 101) is Verdict.HELD


# An exchange that counts anew without a snapshot sends a chain of ids that all look known.

LONG = sequence._LONGEST_RERUN


def verdicts(chain: ChangeIdSequence, first: int, count: int) -> list[Verdict]:
    return [chain.check(change_id - 1, change_id) for change_id in range(first, first + count)]


def test_a_long_chain_of_known_ids_is_a_gap() -> None:
    chain = begun(10**6)
    assert verdicts(chain, 1, LONG - 1) == [Verdict.DUPLICATE] * (LONG - 1)
    assert chain.check(LONG - 1, LONG) is Verdict.GAP
    assert (chain.last, chain.expected) == (None, 10**6)
    assert chain.check(LONG, LONG + 1) is Verdict.HELD


def test_known_ids_that_do_not_continue_each_other_stay_duplicates() -> None:
    chain = begun(10**6)
    for _ in range(3):
        assert set(verdicts(chain, 1, LONG - 1)) == {Verdict.DUPLICATE}
    assert {chain.check(5, 6) for _ in range(3 * LONG)} == {Verdict.DUPLICATE}


@pytest.mark.parametrize("quick", [False, True])
def test_an_accepted_update_ends_the_run_of_known_ids(quick: bool) -> None:
    chain = begun(10**6)
    verdicts(chain, 1, LONG - 1)
    if quick:
        chain.last = 10**6 + 1
    else:
        assert chain.check(10**6, 10**6 + 1) is Verdict.ACCEPT
    assert verdicts(chain, LONG, LONG - 1) == [Verdict.DUPLICATE] * (LONG - 1)


@pytest.mark.parametrize("again", ["snapshot", "reset"])
def test_a_new_beginning_ends_the_run_of_known_ids(again: str) -> None:
    chain = begun(10**6)
    verdicts(chain, 1, LONG - 1)
    if again == "reset":
        chain.reset()
    chain.snapshot(10**6)
    assert verdicts(chain, LONG, LONG - 1) == [Verdict.DUPLICATE] * (LONG - 1)


def rerun(chain: ChangeIdSequence, length: int, first: int = 1, step: int = 1) -> list[Verdict]:
    """Updates that continue each other, all of them below where the chain stands."""
    return [chain.check(first + step * number, first + step * (number + 1)) for number in range(length)]


@pytest.mark.parametrize("step", [1, 7])
def test_an_exchange_that_counts_anew_without_a_snapshot_is_a_gap_in_the_end(step: int) -> None:
    chain = begun(1_000_000)
    assert rerun(chain, 63, step=step) == [Verdict.DUPLICATE] * 63
    assert chain.last == 1_000_000
    assert rerun(chain, 2, first=1 + 63 * step, step=step) == [Verdict.GAP, Verdict.HELD]
    assert (chain.last, chain.expected) == (None, 1_000_000)


def test_any_number_of_late_copies_is_no_gap() -> None:
    chain = begun(1000)
    for _ in range(100):
        assert chain.check(998, 999) is Verdict.DUPLICATE  # the same again
    for number in range(0, 400, 2):
        assert chain.check(number, number + 1) is Verdict.DUPLICATE  # no chain
    for number in range(400, 100, -1):
        assert chain.check(number, number) is Verdict.DUPLICATE  # nothing moves
        assert chain.check(number, number - 1) is Verdict.DUPLICATE  # backwards
    for _ in range(10):
        assert set(rerun(chain, 63, first=500)) == {Verdict.DUPLICATE}  # short reruns
    assert chain.check(1000, 1001) is Verdict.ACCEPT


def test_duplicates_without_prev_ids_are_no_chain() -> None:
    chain = begun(1000)
    for change_id in range(1, 300):
        assert chain.check(None, change_id) is Verdict.DUPLICATE


@pytest.mark.parametrize("how", ["check", "short cut"])
def test_an_accepted_update_ends_the_run_of_duplicates(how: str) -> None:
    chain = begun(1000)
    rerun(chain, 63)
    if how == "check":
        assert chain.check(1000, 1001) is Verdict.ACCEPT
    else:
        chain.last = 1001
    assert rerun(chain, 63, first=64) == [Verdict.DUPLICATE] * 63
    assert rerun(chain, 1, first=64 + 63) == [Verdict.GAP]


@pytest.mark.parametrize("how", ["snapshot", "reset"])
def test_a_fresh_start_ends_the_run_of_duplicates(how: str) -> None:
    chain = begun(1000)
    rerun(chain, 63)
    if how == "reset":
        chain.reset()
    chain.snapshot(1000)
    assert rerun(chain, 63, first=64) == [Verdict.DUPLICATE] * 63


def test_repr_shows_where_it_stands() -> None:
    assert repr(begun(7)) == "ChangeIdSequence(last=7, expected=None)"


ids = st.integers(0, 12)


@given(st.lists(st.tuples(st.sampled_from(["snapshot", "update", "update", "update", "reset"]), ids, ids)))
def test_the_documented_short_cut_agrees_with_check(steps: list[tuple[str, int, int]]) -> None:
    plain, quick = ChangeIdSequence(), ChangeIdSequence()
    for what, prev_id, change_id in steps:
        if what == "snapshot":
            plain.snapshot(change_id)
            quick.snapshot(change_id)
        elif what == "reset":
            plain.reset()
            quick.reset()
        else:
            verdict = plain.check(prev_id, change_id)
            if prev_id == quick.last and change_id > prev_id:
                quick.last = change_id
                assert verdict is Verdict.ACCEPT
            else:
                assert quick.check(prev_id, change_id) is verdict
        assert plain.last == quick.last


@given(st.lists(st.tuples(ids, ids)))
def test_only_an_unbroken_chain_is_accepted(updates: list[tuple[int, int]]) -> None:
    chain = begun(3)
    known, broken = 3, False
    for prev_id, change_id in updates:
        verdict = chain.check(prev_id, change_id)
        if broken:
            assert verdict is Verdict.HELD
        elif 0 < change_id <= known:
            assert verdict is Verdict.DUPLICATE
        elif change_id and prev_id == known:
            assert verdict is Verdict.ACCEPT
            known = change_id
        else:
            assert verdict is Verdict.GAP
            broken = True


def test_the_module_is_pure() -> None:
    tree = ast.parse(inspect.getsource(sequence))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"__future__", "enum"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import)]

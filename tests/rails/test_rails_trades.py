"""One market's public trades, of several copies and of lists of recent ones."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rails_made import moment, row, rows, trades

from bigone_sync.rails.trades import Hole, TradeStep, TradeSync

NOTHING = TradeStep([])
NOT_REACHING = "the recent trades do not reach back to the last one before"
NOT_ASKED = "the recent trades could not be asked for"


def running(*copies: str, upto: int = 3) -> TradeSync:
    """A market that has delivered the trades from 0 on, without ``upto``, and waits for no list."""
    sync = TradeSync()
    for copy in copies:
        sync.join(copy)
    assert sync.snapshot([]) == NOTHING
    for copy in copies:
        sync.rows(copy, rows(0, upto))
    assert not sync.is_waiting
    return sync


# The first list


def test_what_comes_before_the_first_list_waits_for_it() -> None:
    sync = TradeSync()
    assert sync.is_waiting
    sync.join("a")
    assert sync.rows("a", rows(2, 4)) == TradeStep()
    assert sync.snapshot(rows(0, 3)) == TradeStep(trades(0, 4))
    assert not sync.is_waiting
    assert sync.rows("a", rows(4, 6)) == TradeStep(trades(4, 6))


def test_an_empty_first_list_is_no_hole() -> None:
    sync = TradeSync()
    sync.join("a")
    sync.rows("a", rows(5, 7))
    assert sync.snapshot([]) == TradeStep(trades(5, 7))


def test_without_the_first_list_the_stream_goes_on_and_nothing_is_missing_of_it() -> None:
    sync = TradeSync()
    sync.join("a")
    sync.rows("a", rows(5, 7))
    assert sync.give_up() == TradeStep(trades(5, 7))
    assert not sync.is_waiting


def test_a_list_that_nobody_waits_for_brings_what_was_not_there_yet() -> None:
    sync = running("a")
    assert sync.snapshot(rows(1, 5)) == TradeStep(trades(3, 5))
    assert sync.rows("a", rows(3, 6)) == TradeStep(trades(5, 6))


# Joined runs


@pytest.mark.parametrize(
    ("listed", "held"),
    [
        ((0, 4), (4, 6)),
        ((0, 4), (3, 6)),
        ((0, 4), (0, 6)),
        ((0, 6), (0, 6)),
        ((2, 6), (0, 6)),
        ((2, 4), (0, 6)),
        ((3, 6), (0, 4)),
        ((0, 6), (0, 4)),
        ((0, 6), (2, 4)),
        ((0, 6), (2, 6)),
        ((0, 6), (6, 6)),
        ((0, 0), (0, 6)),
    ],
)
def test_list_and_held_rows_are_joined_in_order(listed: tuple[int, int], held: tuple[int, int]) -> None:
    sync = TradeSync()
    sync.join("a")
    sync.rows("a", rows(*held))
    assert sync.snapshot(rows(*listed)) == TradeStep(trades(0, 6))


@settings(max_examples=60)
@given(st.lists(st.integers(0, 12), min_size=2, max_size=2), st.lists(st.integers(0, 12), min_size=2, max_size=2))
def test_any_two_runs_that_meet_are_joined_in_order(listed: list[int], held: list[int]) -> None:
    (first, end), (other, last) = sorted(listed), sorted(held)
    if max(first, other) >= min(end, last):
        return
    sync = TradeSync()
    sync.join("a")
    sync.rows("a", rows(other, last))
    assert sync.snapshot(rows(first, end)) == TradeStep(trades(min(first, other), max(end, last)))


@pytest.mark.parametrize(("listed", "held"), [([0, 1, 2, 3], [0, 3]), ([0, 3], [0, 1, 2, 3]), ([0, 1, 3], [0, 2, 3])])
def test_a_row_that_only_one_run_has_stands_between_its_neighbours(listed: list[int], held: list[int]) -> None:
    sync = TradeSync()
    sync.join("a")
    sync.rows("a", [row(number) for number in held])
    found = sync.snapshot([row(number) for number in listed])
    assert [trade.id for trade in found.trades] == [f"m{number}" for number in sorted({*listed, *held})]


def test_a_list_whose_order_differs_repeats_and_loses_nothing() -> None:
    sync = TradeSync()
    sync.join("a")
    sync.rows("a", rows(0, 3))
    found = sync.snapshot([row(2), row(0), row(3)])
    assert found == TradeStep(trades(0, 4))


# Sides of a match


def test_the_other_side_of_a_match_is_dropped() -> None:
    sync = running("a")
    pair = [row(3), row(3, side="sell")]
    assert sync.rows("a", pair) == TradeStep([pair[0][1]])
    assert sync.snapshot([pair[1]]) == NOTHING


@pytest.mark.parametrize(("price", "size"), [("11", "1"), ("10", "2"), ("11", "2")])
def test_rows_of_one_match_that_differ_are_two_trades(price: str, size: str) -> None:
    sync = running("a")
    pair = [row(3), row(3, side="sell", price=price, size=size)]
    assert sync.rows("a", pair) == TradeStep([trade for _, trade in pair])
    # Once each, also where a list repeats them.
    assert sync.snapshot(pair) == NOTHING


def test_numbers_are_compared_as_numbers() -> None:
    sync = running("a")
    assert sync.rows("a", [row(3), row(3, side="sell", price="10.0", size="1.00")]) == TradeStep(trades(3, 4))


def test_only_the_latest_matches_are_remembered() -> None:
    sync = running("a")
    sync.rows("a", rows(3, 10_001))
    assert sync.snapshot([row(1), row(0)]) == TradeStep(trades(0, 1))


# Holes


def test_a_list_that_reaches_back_leaves_no_hole() -> None:
    sync = running("a")
    sync.doubt()
    assert sync.is_waiting
    assert sync.rows("a", rows(7, 9)) == TradeStep()
    assert sync.snapshot(rows(2, 8)) == TradeStep(trades(3, 9))


def test_a_list_that_does_not_reach_back_leaves_a_hole() -> None:
    sync = running("a")
    sync.doubt()
    sync.rows("a", rows(7, 9))
    hole = Hole(moment(2), moment(5), NOT_REACHING)
    assert sync.snapshot(rows(5, 8)) == TradeStep(trades(5, 9), hole)
    assert not sync.is_waiting


@pytest.mark.parametrize("listed", [True, False])
def test_a_hole_that_nothing_follows_has_no_end(listed: bool) -> None:
    sync = running("a")
    sync.doubt()
    found = sync.snapshot([]) if listed else sync.give_up()
    assert found == TradeStep([], Hole(moment(2), None, NOT_REACHING if listed else NOT_ASKED))


def test_without_times_a_hole_has_no_bounds() -> None:
    sync = TradeSync()
    sync.join("a")
    sync.snapshot([row(0, timed=False)])
    sync.doubt()
    assert sync.snapshot([row(5, timed=False)]) == TradeStep([row(5, timed=False)[1]], Hole(None, None, NOT_REACHING))


def test_what_waits_goes_on_with_a_hole_where_the_list_does_not_come() -> None:
    sync = running("a")
    sync.doubt()
    sync.rows("a", rows(7, 9))
    assert sync.give_up() == TradeStep(trades(7, 9), Hole(moment(2), moment(7), NOT_ASKED))
    assert sync.rows("a", rows(9, 10)) == TradeStep(trades(9, 10))


def test_doubting_twice_loses_nothing_that_waits() -> None:
    sync = running("a")
    sync.doubt()
    sync.rows("a", rows(3, 4))
    sync.doubt()
    assert sync.snapshot(rows(2, 4)) == TradeStep(trades(3, 4))


# Copies


@pytest.mark.parametrize("copies", ["a", "ab", "abc"])
def test_each_trade_comes_once_whichever_copy_brings_it(copies: str) -> None:
    sync = running(*copies)
    for number in range(3, 9):
        first, *others = sorted(copies, key=lambda copy: (copy < copies[number % len(copies)], copy))
        assert sync.rows(first, [row(number)]) == TradeStep([row(number)[1]])
        for other in others:
            assert sync.rows(other, [row(number)]) == NOTHING


def test_a_copy_that_lags_is_behind_until_it_catches_up() -> None:
    sync = running("a", "b")
    sync.rows("a", rows(3, 5))
    assert [sync.is_behind(copy) for copy in "ab"] == [False, True]
    sync.rows("b", rows(3, 5))
    assert [sync.is_behind(copy) for copy in "ab"] == [False, False]


def test_a_copy_that_joins_later_waits_for_its_place_and_may_overtake() -> None:
    sync = running("a")
    sync.join("b")
    sync.join("b")
    assert [sync.may_ask(copy) for copy in "abc"] == [True, False, False]
    assert not sync.is_behind("b")
    assert sync.rows("b", rows(5, 7)) == NOTHING
    assert sync.waiting() == ["b"]
    assert sync.overtake("b") == TradeStep()
    assert sync.is_waiting
    assert [sync.may_ask(copy) for copy in "ab"] == [False, True]
    assert sync.snapshot(rows(1, 6)) == TradeStep(trades(3, 7))
    # What the other brings late was there already.
    assert sync.rows("a", rows(3, 8)) == TradeStep(trades(7, 8))


def test_a_copy_leaves_and_nothing_is_in_doubt_while_another_has_a_place() -> None:
    sync = running("a", "b")
    assert sync.leave("a") == NOTHING
    assert not sync.is_waiting
    assert sync.rows("b", rows(3, 5)) == TradeStep(trades(3, 5))


def test_the_last_copy_leaves_and_what_comes_next_waits_for_a_list() -> None:
    sync = running("a")
    assert sync.leave("a") == TradeStep()
    assert sync.is_waiting
    sync.join("b")
    sync.rows("b", rows(6, 8))
    assert sync.snapshot(rows(2, 7)) == TradeStep(trades(3, 8))


def test_a_copy_that_lacks_a_trade_is_told_and_nothing_is_lost() -> None:
    sync = running("a", "b")
    sync.rows("a", rows(3, 6))
    found = sync.rows("b", [row(3), row(5)])
    assert found == TradeStep([], diverged="copy b differs from the others at entry 4")
    sync.doubt()
    sync.rows("a", rows(6, 300))
    found = sync.rows("b", [row(6), row(299)])
    assert found == TradeStep(diverged="copy b differs from the others at entry 7")

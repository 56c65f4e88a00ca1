"""One market's book, of several copies of its deltas and of snapshots placed among them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from rails_made import MARKET, book, delta, update

from bigone_sync.events import DepthSnapshot, DepthUpdate
from bigone_sync.protocol.rails_news import BookDelta, BookSnapshot
from bigone_sync.rails.books import BookSync, Step

NOTHING = Step()


def deltas(first: int, end: int, *, timed: bool = True) -> list[BookDelta]:
    """Those of these numbers; each is its number's millisecond."""
    return [delta(number, number if timed else None) for number in range(first, end)]


def updates(numbers: Iterable[int]) -> list[DepthUpdate]:
    return [update(number) for number in numbers]


def joined(*copies: str) -> BookSync:
    sync = BookSync()
    for copy in copies:
        sync.join(copy)
    return sync


def running(*copies: str, upto: int = 6) -> BookSync:
    """A book that is live, whose copies have all brought the deltas from 0 on, without ``upto``."""
    sync = joined(*copies)
    for copy in copies:
        sync.deltas(copy, deltas(0, upto))
    assert sync.snapshot(copies[0], book()) == Step((book().snapshot,))
    assert sync.is_live
    assert all(sync.may_ask(copy) for copy in copies)
    return sync


# The place of a snapshot


def test_deltas_before_the_first_snapshot_are_dropped_and_those_after_it_follow() -> None:
    sync = joined("a")
    assert not sync.is_live
    assert sync.deltas("a", deltas(0, 3)) == NOTHING
    assert sync.snapshot("a", book(7)) == Step((book(7).snapshot,))
    assert sync.is_live
    assert sync.deltas("a", deltas(3, 5)) == Step(updates([3, 4]))
    assert sync.deltas("a", []) == NOTHING


def test_a_snapshot_stands_among_the_deltas_of_the_connection_that_it_came_on() -> None:
    sync = joined("a", "b")
    sync.deltas("a", deltas(0, 6))
    sync.deltas("b", deltas(0, 4))
    # The other one brought two more, that this snapshot does not contain yet.
    assert sync.snapshot("b", book()) == Step((book().snapshot, update(4), update(5)))
    assert sync.deltas("b", deltas(4, 7)) == Step(updates([6]))


def test_a_snapshot_on_a_connection_whose_place_is_not_known_is_of_no_use() -> None:
    sync = joined("a", "b")
    sync.deltas("a", deltas(0, 3))
    assert sync.snapshot("b", book()) == NOTHING
    assert sync.snapshot("c", book()) == NOTHING
    assert not sync.is_live


def test_a_snapshot_from_further_back_than_is_remembered_is_of_no_use() -> None:
    sync = joined("a", "b")
    sync.deltas("a", deltas(0, 6))
    sync.deltas("b", deltas(0, 6))
    sync.deltas("a", deltas(6, 6000))
    assert sync.is_behind("b")
    assert sync.snapshot("b", book()) == NOTHING
    assert not sync.is_live


# Times


def behind(snapshot: BookSnapshot, ts: int | None) -> Step:
    """What a snapshot brings on a connection that the other one is ahead of by a delta of this time."""
    sync = joined("a", "b")
    for copy in "ab":
        sync.deltas(copy, deltas(0, 6))
    sync.deltas("a", [delta(6, ts)])
    return sync.snapshot("b", snapshot)


@pytest.mark.parametrize(
    ("snapshot_ts", "delta_ts", "follows"),
    [
        (100, 101, True),
        (100, 100, True),
        (100, 99, False),
        (100, None, True),
        (None, 99, True),
        (None, None, True),
    ],
)
def test_a_delta_follows_unless_both_say_that_it_is_older(
    snapshot_ts: int | None, delta_ts: int | None, follows: bool
) -> None:
    snapshot = book(ts=snapshot_ts)
    assert behind(snapshot, delta_ts) == Step((snapshot.snapshot, *([update(6)] if follows else [])))
    sync = joined("a")
    sync.snapshot("a", snapshot)
    found = sync.deltas("a", [delta(6, delta_ts)])
    assert found == (Step([update(6)]) if follows else NOTHING)


# Further snapshots


def test_a_second_frame_of_a_snapshot_is_applied_as_levels() -> None:
    sync = joined("a")
    sync.snapshot("a", book())
    second = DepthSnapshot(MARKET, (), (), connection="rails/1", received_at=5.0)
    found = sync.snapshot("a", BookSnapshot(MARKET, second, None, None))
    assert found == Step((DepthUpdate(MARKET),))
    assert [(event.connection, event.received_at) for event in found.events] == [("rails/1", 5.0)]
    assert sync.is_live


def test_it_is_not_where_something_newer_is_known() -> None:
    sync = running("a", "b")
    sync.deltas("a", deltas(6, 7))
    assert sync.snapshot("b", book()) == NOTHING
    assert sync.snapshot("a", book()) == Step((DepthUpdate(MARKET),))


def test_in_doubt_deltas_are_held_back_until_a_snapshot() -> None:
    sync = running("a")
    sync.doubt()
    assert not sync.is_live
    assert sync.deltas("a", deltas(6, 8)) == NOTHING
    assert sync.snapshot("a", book(1)) == Step((book(1).snapshot,))
    assert sync.deltas("a", deltas(8, 9)) == Step(updates([8]))


# Copies


@pytest.mark.parametrize("copies", ["a", "ab", "abc"])
def test_each_delta_comes_once_whichever_copy_brings_it(copies: str) -> None:
    sync = running(*copies)
    for number in range(6, 12):
        first, *others = sorted(copies, key=lambda copy: (copy < copies[number % len(copies)], copy))
        assert sync.deltas(first, deltas(number, number + 1)) == Step(updates([number]))
        assert [sync.is_behind(copy) for copy in others] == [True] * len(others)
        for other in others:
            assert sync.deltas(other, deltas(number, number + 1)) == NOTHING
        assert not any(sync.is_behind(copy) for copy in copies)


@pytest.mark.parametrize(("timed", "enough"), [(True, 4), (False, 32)])
def test_a_copy_that_joins_later_finds_its_place_by_what_is_equal(timed: bool, enough: int) -> None:
    sync = joined("a")
    sync.snapshot("a", book())
    sync.deltas("a", deltas(0, 40, timed=timed))
    sync.join("b")
    sync.join("b")
    assert [sync.may_ask(copy) for copy in "abc"] == [True, False, False]
    assert (sync.waiting(), sync.is_behind("b")) == ([], False)
    start = 40 - enough
    assert sync.deltas("b", deltas(start, 39, timed=timed)) == NOTHING
    assert (sync.waiting(), sync.may_ask("b")) == ([], False)
    assert sync.deltas("b", deltas(39, 41, timed=timed)) == Step(updates([40]))
    assert (sync.waiting(), sync.may_ask("b")) == ([], True)


def test_a_copy_that_waits_may_overtake_and_the_book_is_not_known_then() -> None:
    sync = running("a")
    sync.join("b")
    sync.deltas("b", deltas(7, 9))
    assert sync.overtake("b") == Step(broken=True)
    assert not sync.is_live
    assert [sync.may_ask(copy) for copy in "ab"] == [False, True]
    assert sync.snapshot("b", book(1)) == Step((book(1).snapshot,))
    assert sync.overtake("b") == NOTHING
    assert sync.overtake("c") == NOTHING


@pytest.mark.parametrize("copies", ["ab", "abc"])
def test_one_of_several_leaves_and_the_book_goes_on(copies: str) -> None:
    sync = running(*copies)
    assert sync.leave("a") == NOTHING
    assert sync.deltas("b", deltas(6, 8)) == Step(updates([6, 7]))


def test_the_only_one_leaves_and_the_next_begins_anew() -> None:
    sync = running("a")
    assert sync.leave("a") == Step(broken=True)
    assert not sync.is_live
    assert sync.leave("a") == NOTHING
    sync.join("b")
    assert sync.may_ask("b")


def test_who_has_waited_goes_on_when_the_leading_one_leaves() -> None:
    sync = running("a")
    sync.join("b")
    sync.join("c")
    sync.deltas("c", deltas(8, 9))
    assert sync.leave("a") == Step(broken=True)
    assert [sync.may_ask(copy) for copy in "bc"] == [False, True]


def test_of_those_that_have_brought_nothing_the_first_gets_a_place() -> None:
    sync = running("a")
    sync.join("b")
    sync.join("c")
    assert sync.leave("a") == Step(broken=True)
    assert [sync.may_ask(copy) for copy in "bc"] == [True, False]
    assert sync.snapshot("b", book(1)) == Step((book(1).snapshot,))
    assert sync.deltas("b", deltas(8, 9)) == Step(updates([8]))


# Copies that differ


@pytest.mark.parametrize("copies", ["ab", "abc"])
def test_a_copy_that_contradicts_breaks_the_book_which_goes_on_with_another(copies: str) -> None:
    sync = running(*copies)
    sync.deltas("a", deltas(6, 8))
    found = sync.deltas("b", [delta(6, 6), delta(99, 99)])
    assert found == Step(broken=True, diverged="copy b differs from the others at entry 7")
    assert not sync.is_live
    assert [sync.may_ask(copy) for copy in copies] == [True, *[False] * (len(copies) - 1)]
    assert sync.snapshot("a", book(1)) == Step((book(1).snapshot,))
    assert sync.deltas("a", deltas(8, 9)) == Step(updates([8]))

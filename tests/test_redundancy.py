"""Copies of one sequence merged: each rule by example, and any schedule of honest and of dishonest copies."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bigone_sync.redundancy import SURE, Entry, Merge, Merged

NOTHING = Merged([])


def entries(keys: Iterable[object], weight: int = SURE) -> list[Entry]:
    """Entries whose item is the key."""
    return [Entry(key, key, weight) for key in keys]


def joined(*names: str, unique: bool = False, window: int = 4096) -> Merge:
    merge = Merge(unique=unique, window=window)
    for name in names:
        merge.join(name)
    return merge


def together(unique: bool, window: int = 4096) -> Merge:
    """Copies a, b and c that have all brought 1, 2, 3."""
    merge = joined("a", "b", "c", unique=unique, window=window)
    for name in "abc":
        merge.take(name, entries([1, 2, 3]))
    assert merge.aligned == ("a", "b", "c")
    return merge


BOTH = pytest.mark.parametrize("unique", [False, True], ids=["by order", "by key"])


# One copy, and who is joined


@BOTH
def test_the_first_copy_is_the_base_and_all_it_brings_extends_the_sequence(unique: bool) -> None:
    merge = joined("a", unique=unique)
    assert (merge.position("a"), merge.end, merge.waiting()) == (0, 0, {})
    assert merge.take("a", entries("xyz")) == Merged(["x", "y", "z"])
    assert merge.take("a", []) == NOTHING
    assert (merge.position("a"), merge.end) == (3, 3)


@BOTH
def test_the_ring_gives_what_came_since_a_position_as_long_as_it_has_it(unique: bool) -> None:
    merge = joined("a", unique=unique, window=8)
    for number in range(20):
        merge.take("a", entries([number]))
    assert merge.since(20) == []
    assert merge.since(12) == list(range(12, 20))
    assert merge.since(9) is None
    assert merge.since(21) is None
    merge.take("a", entries(range(20, 120)))  # more at once than the ring holds
    assert merge.since(112) == list(range(112, 120))


@BOTH
def test_a_copy_that_is_not_joined_counts_for_nothing(unique: bool) -> None:
    merge = joined("a", unique=unique)
    assert merge.take("b", entries("x")) == merge.leave("b") == merge.overtake("b") == NOTHING
    assert merge.position("b") is None
    assert merge.copies == ("a",)


def test_a_copy_joins_once() -> None:
    merge = joined("a")
    with pytest.raises(ValueError, match="'a' has joined already"):
        merge.join("a")
    merge.leave("a")
    merge.join("a")


# Aligned copies


@BOTH
def test_whichever_aligned_copy_is_first_extends_the_sequence(unique: bool) -> None:
    merge = together(unique)
    assert merge.take("a", entries([4])) == Merged([4])
    assert merge.take("b", entries([4, 5, 6])) == Merged([5, 6])
    assert merge.take("a", entries([5, 6, 7])) == Merged([7])
    assert [merge.position(name) for name in "abc"] == [7, 6, 3]
    assert merge.take("c", entries([4, 5, 6, 7])) == NOTHING


@BOTH
def test_a_copy_behind_the_ring_keeps_its_place(unique: bool) -> None:
    merge = together(unique, window=4)
    merge.take("a", entries(range(4, 40)))
    assert merge.since(3) is None
    assert merge.take("b", entries(range(4, 40))) == NOTHING
    assert merge.take("b", entries([40])) == Merged([40])
    assert merge.take("c", entries(range(4, 42))) == Merged([41])


@BOTH
def test_a_lost_copy_is_not_missed_while_another_is_aligned(unique: bool) -> None:
    merge = together(unique)
    merge.take("a", entries([4, 5, 6]))
    assert merge.leave("a") == NOTHING
    assert merge.take("b", entries([4, 5, 6, 7])) == Merged([7])


# Copies that wait


@BOTH
def test_a_later_copy_waits_until_it_fits_and_then_brings_what_lies_beyond(unique: bool) -> None:
    merge = joined("a", "b", unique=unique)
    assert merge.take("b", entries([3, 4])) == NOTHING
    assert (merge.position("b"), merge.waiting()) == (None, {"b": 2})
    assert merge.take("a", entries([1, 2])) == Merged([1, 2])
    assert merge.take("a", entries([3])) == Merged([3, 4])
    assert (merge.position("a"), merge.position("b"), merge.waiting()) == (3, 4, {})


@BOTH
def test_what_is_older_than_the_sequence_is_dropped(unique: bool) -> None:
    merge = joined("a", "b", unique=unique)
    merge.take("a", entries([3, 4]))
    assert merge.take("b", entries([1, 2, 3, 4, 5])) == Merged([5])


@BOTH
def test_one_copy_that_finds_its_place_lets_another_find_its_own(unique: bool) -> None:
    merge = joined("a", "b", "c", unique=unique)
    merge.take("c", entries([5, 6]))
    merge.take("b", entries([3, 4, 5]))
    assert merge.take("a", entries([1, 2, 3])) == Merged([1, 2, 3, 4, 5, 6])
    assert [merge.position(name) for name in "abc"] == [3, 5, 6]


def test_little_evidence_is_not_enough() -> None:
    merge = joined("a", "b")
    merge.take("a", entries(range(SURE), weight=1))
    assert merge.take("b", entries(range(1, SURE), weight=1)) == NOTHING
    assert merge.position("b") is None
    merge.take("a", entries([SURE], weight=1))
    assert merge.take("b", entries([SURE, SURE + 1], weight=1)) == Merged([SURE + 1])


def test_where_the_sequence_repeats_itself_a_copy_waits_until_only_one_place_is_left() -> None:
    merge = joined("a", "b")
    merge.take("a", entries("xy" * SURE, weight=1))
    merge.take("b", entries("xy" * SURE, weight=1))
    assert merge.position("b") is None
    merge.take("a", entries("z", weight=1))
    assert merge.position("b") is None
    assert merge.take("b", entries("zw", weight=1)) == Merged(["w"])


def test_equal_entries_side_by_side_do_not_tell_the_place() -> None:
    merge = joined("a", "b")
    merge.take("a", entries("xxxx"))
    merge.take("b", entries("xx"))
    assert merge.position("b") is None
    assert merge.take("b", entries("y")) == NOTHING
    assert merge.take("a", entries("y")) == Merged(["y"])
    assert merge.position("b") == 5


def test_all_that_lies_over_the_ring_has_to_be_equal() -> None:
    merge = joined("a", "b")
    merge.take("a", entries("uvwxyz"))
    assert merge.take("b", entries("wx-z")) == NOTHING
    assert merge.position("b") is None


# Breaks


@BOTH
def test_when_the_last_aligned_copy_is_lost_the_longest_waiting_one_goes_on(unique: bool) -> None:
    merge = joined("a", "b", "c", unique=unique)
    merge.take("a", entries([1, 2]))
    merge.take("b", entries([9]))
    merge.take("c", entries([8, 9, 10]))
    assert merge.leave("a") == Merged([8, 9, 10], broken=True)
    assert (merge.position("b"), merge.position("c"), merge.end) == (4, 5, 5)
    assert merge.since(1) is None
    assert merge.since(2) == [8, 9, 10]
    assert merge.take("b", entries([10, 11])) == Merged([11])


@BOTH
def test_when_nobody_is_left_the_next_to_join_is_the_base(unique: bool) -> None:
    merge = joined("a", unique=unique)
    merge.take("a", entries([1]))
    assert merge.leave("a") == Merged([], broken=True)
    merge.join("b")
    assert merge.position("b") == 1
    assert merge.take("b", entries([5])) == Merged([5])


@BOTH
def test_when_nobody_waits_with_anything_the_first_to_bring_something_is_the_base(unique: bool) -> None:
    merge = joined("a", "b", "c", unique=unique)
    assert merge.leave("a") == Merged([], broken=True)
    assert merge.aligned == ()
    assert merge.take("c", entries([1, 2])) == Merged([1, 2])
    assert merge.take("b", entries([2, 3])) == Merged([3])


@BOTH
def test_a_lost_copy_that_waited_is_no_break(unique: bool) -> None:
    merge = joined("a", "b", unique=unique)
    merge.take("b", entries([7]))
    assert merge.leave("b") == NOTHING


@BOTH
def test_an_overtaken_copy_waits_and_comes_back(unique: bool) -> None:
    merge = joined("a", "b", unique=unique)
    merge.take("a", entries([1, 2]))
    merge.take("b", entries([5, 6]))
    assert merge.overtake("a") == NOTHING  # it is aligned
    assert merge.overtake("b") == Merged([5, 6], broken=True)
    assert merge.waiting() == {"a": 0}
    assert merge.take("a", entries([3, 4, 5, 6, 7])) == Merged([7])


def test_who_waits_with_what_all_have_is_not_ahead() -> None:
    merge = joined("a", "b")
    merge.take("a", entries([1, 2, 3]))
    assert merge.ahead() == []  # b has brought nothing
    merge.take("b", entries([2, 3], weight=1))
    assert (merge.ahead(), merge.aligned) == ([], ("a",))
    merge.take("b", entries([4], weight=1))
    assert merge.ahead() == ["b"]
    merge.take("a", entries([4, 5]))
    assert merge.ahead() == []
    merge.take("b", entries([7], weight=1))
    assert merge.ahead() == ["b"]


def test_who_waits_with_keys_that_came_late_is_not_ahead() -> None:
    merge = together(unique=True)
    merge.take("a", entries([5]))
    assert merge.take("b", entries([4])).items == [4]
    merge.join("d")
    merge.take("d", entries([4]))
    assert (merge.ahead(), merge.position("d")) == ([], None)
    merge.leave("d")
    merge.join("d")
    merge.take("d", entries([6]))
    assert merge.ahead() == ["d"]


@BOTH
def test_who_waits_with_a_whole_window_overtakes_copies_that_stand_still(unique: bool) -> None:
    merge = joined("a", "b", unique=unique, window=4)
    merge.take("a", entries([1]))
    assert merge.take("b", entries([5, 6, 7, 8])) == NOTHING
    assert merge.take("b", entries([9])) == Merged([5, 6, 7, 8, 9], broken=True)


@BOTH
def test_who_waits_with_a_whole_window_drops_the_oldest_if_the_others_go_on(unique: bool) -> None:
    merge = joined("a", "b", unique=unique, window=4)
    merge.take("a", entries([1, 2]))
    merge.take("b", entries([50, 51, 52, 53]))
    assert merge.take("b", entries([54])) == NOTHING
    assert merge.waiting() == {"b": 2}
    assert merge.take("a", entries([53])) == Merged([53, 54])


@BOTH
def test_restart_forgets_the_sequence_and_whoever_comes_first_is_the_base(unique: bool) -> None:
    merge = together(unique)
    merge.restart()
    assert (merge.copies, merge.aligned, merge.end, merge.since(2)) == (("a", "b", "c"), (), 3, None)
    assert merge.take("b", entries([3, 4])) == Merged([3, 4])
    assert merge.take("a", entries([4, 5])) == Merged([5])
    merge.leave("b")
    merge.leave("c")
    merge.restart()
    assert merge.position("a") == merge.end


def test_what_was_there_before_a_break_is_not_repeated_where_keys_are_unique() -> None:
    merge = joined("a", "b", unique=True)
    merge.take("a", entries([50, 51]))
    merge.take("b", entries([48]))
    assert merge.leave("a") == Merged([48], broken=True)
    assert merge.take("b", entries([49, 50, 51, 52])) == Merged([49, 52])


# Copies that differ


def test_a_contradiction_is_a_break_and_the_copy_ahead_is_the_base() -> None:
    merge = together(unique=False)
    merge.take("a", entries([4, 5, 6]))
    merge.take("c", entries([4]))
    taken = merge.take("b", entries([4, 6, 7, 8]))
    assert taken == Merged([], broken=True, diverged="copy b differs from the others at entry 4")
    assert (merge.position("a"), merge.waiting()) == (6, {"b": 3, "c": 0})
    assert merge.take("a", entries([7])) == Merged([7, 8])


def test_who_contradicts_a_lost_copy_is_the_base() -> None:
    merge = joined("a", "b")
    merge.take("a", entries([1, 2]))
    merge.take("b", entries([1]))
    merge.leave("a")
    assert merge.take("b", entries([3, 4])) == Merged(
        [3, 4], broken=True, diverged="copy b differs from the others at entry 1"
    )


def contradict(merge: Merge, name: str, number: int) -> None:
    """Let a bring three entries and another copy only two of them; then both are aligned again, if they may."""
    merge.take("a", entries([number, number + 1, number + 2]))
    assert merge.take(name, entries([number, number + 2])).broken
    merge.take("a", entries([number + 3]))
    merge.take(name, entries([number + 3]))


def test_who_contradicts_again_and_again_is_left_out_until_it_joins_again() -> None:
    merge = joined("a", "b")
    merge.take("a", entries([1]))
    merge.take("b", entries([1]))
    for number in (10, 20):
        contradict(merge, "b", number)
        assert merge.aligned == ("a", "b")
    contradict(merge, "b", 30)
    assert (merge.aligned, merge.waiting()) == (("a",), {})
    assert merge.take("b", entries([33, 34])) == NOTHING
    merge.leave("b")
    merge.join("b")
    assert merge.take("b", entries([33, 34])) == Merged([34])


def test_a_window_without_contradictions_forgives_the_earlier_ones() -> None:
    merge = joined("a", "b", window=64)
    merge.take("a", entries([1]))
    merge.take("b", entries([1]))
    for number in (100, 200, 300, 400):
        contradict(merge, "b", number)
        merge.take("a", entries(range(number + 4, number + 70)))
        merge.take("b", entries(range(number + 4, number + 70)))
    assert merge.aligned == ("a", "b")


def test_who_was_left_out_comes_in_again_if_nobody_else_remains() -> None:
    merge = joined("a", "b")
    merge.take("a", entries([1]))
    merge.take("b", entries([1]))
    for number in (10, 20, 30):
        contradict(merge, "b", number)
    assert merge.leave("a") == Merged([], broken=True)
    assert merge.take("b", entries([50])) == Merged([50])


def test_an_entry_that_another_copy_dropped_comes_late_where_keys_are_unique() -> None:
    merge = together(unique=True)
    merge.take("a", entries([4, 6, 7]))
    taken = merge.take("b", entries([4, 5, 6, 7, 8]))
    assert taken == Merged([5, 8], diverged="copy b differs from the others at entry 4")
    assert merge.take("c", entries([4, 5, 6, 7, 8, 9])) == Merged([9])
    assert merge.take("a", entries([8, 9, 10])) == Merged([10])
    assert {merge.position("a")} == {merge.end}


def test_a_repeated_key_is_no_news_where_keys_are_unique() -> None:
    merge = together(unique=True)
    assert merge.take("a", entries([4, 4, 5])) == Merged([4, 5], diverged="copy a differs from the others at entry 4")
    assert merge.take("b", entries([4, 5, 6])) == Merged([6])


def test_a_copy_that_differs_is_reported_once_an_episode_where_keys_are_unique() -> None:
    merge = together(unique=True)
    reports = 0
    for number in range(4, 1000):
        merge.take("a", entries([number]))
        differs = 100 < number < 200 or number == 900
        reports += bool(merge.take("b", entries([-number if differs else number])).diverged)
    assert reports == 2


# Any schedule


@dataclass
class World:
    """An engine, connections that lag behind it, and what should come out of their merge."""

    merge: Merge
    sequence: Sequence[Entry]
    head: int = 1
    queues: dict[str, list[Entry]] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    runs: list[list[int]] = field(default_factory=lambda: [[]])
    diverged: list[str] = field(default_factory=list)

    def emit(self, count: int) -> None:
        self.head = min(self.head + count, len(self.sequence))

    def join(self, name: str, back: int) -> None:
        if name not in self.sent:
            self.sent[name] = max(0, self.head - back)
            self.merge.join(name)

    def deliver(self, name: str, count: int) -> None:
        if name in self.sent:
            first = self.sent[name]
            self.sent[name] = min(first + count, self.head)
            self.record(self.merge.take(name, self.sequence[first : self.sent[name]]))
            self.check_positions()

    def cut(self, name: str) -> None:
        if self.sent.pop(name, None) is not None:
            alone = self.merge.aligned == (name,)
            left = self.merge.leave(name)
            assert left.broken == alone
            self.record(left)

    def overtake(self, name: str) -> None:
        if name in self.sent:
            waits = self.merge.position(name) is None
            taken = self.merge.overtake(name)
            assert taken.broken == waits
            self.record(taken)

    def record(self, merged: Merged) -> None:
        if merged.broken:
            self.runs.append([])
        self.runs[-1] += merged.items
        self.diverged += [merged.diverged] if merged.diverged else []

    def check_positions(self) -> None:
        """A position says exactly how far a copy is behind; only what came before the run may not be counted right."""
        run = self.runs[-1]
        for name, sent in self.sent.items():
            position = self.merge.position(name)
            if run and position is not None and sent > run[0]:
                assert self.merge.end - position == sum(item >= sent for item in run)

    def drain(self) -> None:
        """Deliver everything: what an aligned copy has must all have come out."""
        for name in self.sent:
            self.deliver(name, self.head)
        if self.merge.aligned and self.runs[-1]:
            # Where keys are unique, what is older than a break may still come after it.
            assert any(self.head - 1 in run for run in self.runs)


NAMES = "abcd"


def steps(lag: int) -> st.SearchStrategy[list[tuple[str, str, int]]]:
    """Schedules in which a copy is often told to deliver, and now and then cut, joined again, or preferred."""
    kinds = ["emit", "emit", "deliver", "deliver", "deliver", "deliver", "join", "cut", "overtake"]
    step = st.tuples(st.sampled_from(kinds), st.sampled_from(NAMES), st.integers(0, lag))
    return st.lists(step, max_size=90)


def play(world: World, schedule: list[tuple[str, str, int]]) -> None:
    world.join("a", 0)
    world.join("b", 1)
    for kind, name, count in schedule:
        if kind == "emit":
            world.emit(count)
        elif kind == "join":
            world.join(name, min(count, 3))
        elif kind == "deliver":
            world.deliver(name, count)
        else:
            getattr(world, kind)(name)
    world.drain()


def by_key(random_: random.Random, length: int) -> list[Entry]:
    return [Entry(number, number) for number in range(length)]


def by_time(random_: random.Random, length: int) -> list[Entry]:
    """Digests with a time; now and then two changes are the same."""
    time, found = 0, []
    while len(found) < length:
        time += 1
        found += [(time, random_.randrange(3))] * random_.choice([1, 1, 1, 2])
    return [Entry(key, number, SURE // 4) for number, key in enumerate(found[:length])]


def by_content(random_: random.Random, length: int) -> list[Entry]:
    """Digests without a time, of which there are few."""
    return [Entry(random_.randrange(4), number, 1) for number in range(length)]


@pytest.mark.parametrize("kind", [by_key, by_time, by_content])
@pytest.mark.parametrize("window", [4096, 48])
@settings(max_examples=120)
@given(schedule=steps(lag=40), seed=st.integers(0, 2**32))
def test_between_breaks_the_output_is_a_run_of_the_sequence(
    kind: object, window: int, schedule: list[tuple[str, str, int]], seed: int
) -> None:
    assert callable(kind)
    world = World(Merge(unique=False, window=window), kind(random.Random(seed), 3000))
    play(world, schedule)
    for run in world.runs:
        assert run == list(range(run[0], run[0] + len(run))) if run else True
    assert not world.diverged


@pytest.mark.parametrize("window", [4096, 48])
@settings(max_examples=150)
@given(schedule=steps(lag=40))
def test_where_keys_are_unique_nothing_is_repeated_even_over_breaks(
    window: int, schedule: list[tuple[str, str, int]]
) -> None:
    world = World(Merge(unique=True, window=window), by_key(random.Random(), 3000))
    play(world, schedule)
    known: set[int] = set()
    for run in world.runs:
        assert run == sorted(set(run))
        if run:
            assert set(range(run[0], run[-1])) <= known | set(run)
        if window > 3000:  # else it may have forgotten
            assert known.isdisjoint(run)
        known.update(run)
    assert not world.diverged


def spoilt(sequence: list[Entry], at: int, how: str) -> list[Entry]:
    """The sequence of a copy that drops, repeats or changes one entry."""
    other = {"drop": [], "repeat": [sequence[at]] * 2, "change": [Entry(-1, -1, sequence[at].weight)]}
    return [*sequence[:at], *other[how], *sequence[at + 1 :]]


@BOTH
@settings(max_examples=150)
@given(
    how=st.sampled_from(["drop", "repeat", "change"]),
    at=st.integers(10, 60),
    order=st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9)), max_size=120),
)
def test_a_copy_that_differs_is_reported_and_costs_nothing_where_keys_are_unique(
    unique: bool, how: str, at: int, order: list[tuple[str, int]]
) -> None:
    honest = by_key(random.Random(), 80)
    copies = {"a": honest, "b": spoilt(honest, at, how), "c": honest}
    merge = joined(*copies, unique=unique)
    merged = [merge.take(name, copies[name][:5]) for name in copies]
    sent = dict.fromkeys(copies, 5)
    for name, count in [*order, *((name, 100) for name in copies)]:
        merged.append(merge.take(name, copies[name][sent[name] : sent[name] + count]))
        sent[name] += count
    assert any(one.diverged for one in merged)
    items = [item for one in merged for item in one.items]
    if unique:
        assert sorted(item for item in items if item >= 0) == list(range(80))
        assert not any(one.broken for one in merged)
    else:
        assert any(one.broken for one in merged)
        assert items[-1] == 79

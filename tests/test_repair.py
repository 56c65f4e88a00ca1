"""Making streams whole: what was fetched, what was held back and what comes later, each once and in order."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from repair_rig import FakeSession, Word, delivered, gap

from bigone_sync import Channel
from bigone_sync.delivery import Delivery
from bigone_sync.repair import Recovery
from bigone_sync.subscription import Stream
from bigone_sync.testing.leaks import leak_check, wait_until


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    with leak_check():
        yield


@pytest.fixture
def recovery() -> Recovery:
    return Recovery("bigone-test/recovery")


class Answer:
    """REST, which answers when the test says."""

    def __init__(self, found: Any = ()) -> None:
        self.asked, self.go = threading.Event(), threading.Event()
        self.found = found

    def __call__(self) -> Any:
        self.asked.set()
        assert self.go.wait(10)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


def of(stream: Stream) -> Any:
    """A settle by which all that was fetched is news to one stream."""
    return lambda found, out: {stream: found or ()}


def ended(recovery: Recovery) -> None:
    assert recovery.join(10)


def test_what_was_fetched_comes_first_then_what_was_held_then_what_is_live(recovery: Recovery) -> None:
    session, answer = FakeSession(), Answer([Word("a"), Word("b")])
    stream = session.stream()
    session.read(stream, Word("before"))
    session.repair(recovery, [stream], answer, of(stream))
    assert answer.asked.wait(10)
    session.read(stream, Word("c"))
    session.read(stream, Word("d"))
    assert [word.id for word in delivered(stream)] == ["before"]
    assert session.whole == []
    answer.go.set()
    ended(recovery)
    session.read(stream, Word("e"))
    assert [word.id for word in delivered(stream)] == ["a", "b", "c", "d", "e"]
    assert session.whole == [stream]
    assert (stream.held, stream.holds) == (None, 0)
    assert session.events == stream.received == 6


def test_an_item_that_came_live_meanwhile_is_followed_by_what_was_fetched_of_it(recovery: Recovery) -> None:
    session, answer = FakeSession(), Answer([Word("a", 2), Word("b", 1)])
    stream = session.stream()
    session.repair(recovery, [stream], answer, of(stream))
    assert answer.asked.wait(10)
    session.read(stream, Word("a", 1), Word("c", 1))
    answer.go.set()
    ended(recovery)
    assert delivered(stream) == [Word("b", 1), Word("a", 1), Word("c", 1), Word("a", 2)]


def test_events_whose_order_is_known_are_sorted(recovery: Recovery) -> None:
    session, answer = FakeSession(), Answer([Word("3", 3), Word("4", 4), Word("7", 7)])
    stream = session.stream()
    session.repair(recovery, [stream], answer, of(stream), order=lambda word: word.number)
    assert answer.asked.wait(10)
    session.read(stream, Word("5", 5), Word("6", 6))
    answer.go.set()
    ended(recovery)
    assert [word.number for word in delivered(stream)] == [3, 4, 5, 6, 7]


@pytest.mark.parametrize("is_sorted", [True, False])
def test_a_stream_stays_held_until_the_last_of_several_repairs(recovery: Recovery, is_sorted: bool) -> None:
    session, first, second = FakeSession(), Answer([Word("2", 2)]), Answer([Word("4", 4)])
    stream = session.stream()
    order = (lambda word: word.number) if is_sorted else None
    session.repair(recovery, [stream], first, of(stream), order)
    assert first.asked.wait(10)
    session.read(stream, Word("3", 3))
    session.repair(recovery, [stream], second, of(stream), order)
    session.read(stream, Word("5", 5))
    assert stream.holds == 2
    first.go.set()
    assert second.asked.wait(10)
    assert stream.holds == 1
    assert session.whole == []
    early = delivered(stream)
    # What the second repair brings may precede what came live, so sorted events wait for it.
    assert [word.number for word in early] == ([] if is_sorted else [2, 3, 5])
    session.read(stream, Word("6", 6))
    assert delivered(stream) == []
    second.go.set()
    ended(recovery)
    numbers = [word.number for word in early + delivered(stream)]
    assert numbers == ([2, 3, 4, 5, 6] if is_sorted else [2, 3, 5, 4, 6])
    assert session.whole == [stream]
    assert session.events == stream.received == 5


def test_one_repair_of_several_streams(recovery: Recovery) -> None:
    session, answer = FakeSession(), Answer(True)
    one, other, bystander = session.stream("A-B"), session.stream("C-D"), session.stream("E-F")
    session.repair(recovery, [one, other], answer, lambda found, out: {one: [Word("a")], other: [Word("b")]})
    assert answer.asked.wait(10)
    session.read(one, Word("c"))
    session.read(bystander, Word("x"))
    assert [word.id for word in delivered(bystander)] == ["x"]
    answer.go.set()
    ended(recovery)
    assert [word.id for word in delivered(one)] == ["a", "c"]
    assert [word.id for word in delivered(other)] == ["b"]
    assert session.whole == [one, other]


def test_private_streams_do_not_wait_for_public_ones(recovery: Recovery) -> None:
    session, first = FakeSession(), Answer()
    trades = [session.stream(market, Channel.TRADES) for market in ("A-B", "C-D")]
    orders = [session.stream(market) for market in ("A-B", "C-D")]
    asked: list[str] = []

    def noting(name: str) -> Any:
        return lambda: asked.append(name)

    session.repair(recovery, [trades[0]], first, of(trades[0]))
    assert first.asked.wait(10)
    for number in (0, 1):
        session.repair(recovery, [trades[number]], noting(f"trades {number}"), of(trades[number]))
        session.repair(recovery, [orders[number]], noting(f"orders {number}"), of(orders[number]))
    first.go.set()
    ended(recovery)
    assert asked == ["orders 0", "orders 1", "trades 0", "trades 1"]


# -- what goes wrong


def test_a_fetch_that_raises_settles_none_and_releases(recovery: Recovery, caplog: pytest.LogCaptureFixture) -> None:
    session, answer = FakeSession(), Answer(ZeroDivisionError("REST"))
    stream, settled = session.stream(), []

    def settle(found: Any, out: Delivery) -> dict[Stream, list[Any]]:
        settled.append(found)
        out.gap(gap("not asked"))
        return {}

    session.repair(recovery, [stream], answer, settle)
    assert answer.asked.wait(10)
    session.read(stream, Word("a"))
    answer.go.set()
    ended(recovery)
    assert settled == [None]
    assert [told.reason for told in session.hub.gaps] == ["not asked"]
    assert [word.id for word in delivered(stream)] == ["a"]
    assert session.whole == [stream]
    assert "asking REST failed" in caplog.text
    caplog.clear()


def test_a_settle_that_raises_is_a_fetch_in_vain_and_ends_no_thread(
    recovery: Recovery, caplog: pytest.LogCaptureFixture
) -> None:
    session, answer, later = FakeSession(), Answer([Word("a")]), Answer([Word("c")])
    stream, settled = session.stream(), []

    def settle(found: Any, out: Delivery) -> dict[Stream, list[Any]]:
        settled.append(found)
        if found is not None:
            raise ValueError("what REST told is nonsense")
        return {}

    session.repair(recovery, [stream], answer, settle)
    session.repair(recovery, [stream], later, of(stream))
    session.read(stream, Word("b"))
    answer.go.set()
    later.go.set()
    ended(recovery)
    assert settled == [answer.found, None]
    assert [word.id for word in delivered(stream)] == ["b", "c"]
    assert (stream.held, stream.holds) == (None, 0)
    assert "could not be used" in caplog.text


def test_even_a_settle_that_always_raises_releases(recovery: Recovery) -> None:
    session, answer = FakeSession(), Answer([Word("a")])
    stream = session.stream()

    def settle(found: Any, out: Delivery) -> dict[Stream, list[Any]]:
        raise ValueError("a bug")

    session.repair(recovery, [stream], answer, settle)
    session.read(stream, Word("b"))
    answer.go.set()
    ended(recovery)
    assert [word.id for word in delivered(stream)] == ["b"]
    assert session.whole == [stream]


def test_a_session_that_fails_does_not_take_the_recovery_along(recovery: Recovery) -> None:
    session = FakeSession()
    one, other = session.stream("A-B"), session.stream("C-D")
    whole = session.repaired

    def repaired(stream: Stream, out: Delivery) -> None:
        if stream is one:
            raise ValueError("a bug")
        whole(stream, out)

    session.repaired = repaired  # type: ignore[method-assign]
    session.repair(recovery, [one], lambda: None, of(one))
    session.repair(recovery, [other], lambda: [Word("a")], of(other))
    wait_until(lambda: session.whole == [other], 10)
    ended(recovery)
    assert session.caught_up.is_set()


def test_where_no_thread_can_be_started_what_was_held_goes_on_with_a_gap(
    recovery: Recovery, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, stream = FakeSession(), None
    stream = session.stream()
    asked: list[None] = []
    settled: list[Any] = []

    def settle(found: Any, out: Delivery) -> dict[Stream, list[Any]]:
        settled.append(found)
        # The lock of the recovery must be free: what is handed on may begin a repair, or wait for room.
        out.then(lambda: session.repair(recovery, [stream], lambda: None, lambda *_: {}) and None)
        return {}

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    repair = session.repair(None, [stream], lambda: asked.append(None), settle)
    session.read(stream, Word("a"))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        recovery.submit(repair)
    assert (asked, settled) == ([], [None])
    assert [word.id for word in delivered(stream)] == ["a"]
    assert (stream.held, stream.holds) == (None, 0)
    # The next one finds a thread again.
    session.repair(recovery, [stream], lambda: [Word("b")], of(stream))
    ended(recovery)
    assert [word.id for word in delivered(stream)] == ["b"]


def test_the_thread_is_there_only_while_there_is_work(recovery: Recovery) -> None:
    def alive() -> bool:
        return any(thread.name == "bigone-test/recovery" for thread in threading.enumerate())

    session = FakeSession()
    stream = session.stream()
    assert recovery.join(0)
    assert not alive()
    for _ in range(3):
        answer = Answer()
        session.repair(recovery, [stream], answer, of(stream))
        assert answer.asked.wait(10)
        assert alive()
        assert not recovery.join(0)
        answer.go.set()
        wait_until(lambda: not alive(), 10)
        assert recovery.join(0)
    assert len(session.whole) == 3


def test_a_reader_is_held_up_by_a_full_queue_during_a_repair_too(recovery: Recovery) -> None:
    session = FakeSession(room=10)
    stream = session.stream()
    answer = Answer([Word("fetched", -1)])
    session.repair(recovery, [stream], answer, of(stream))
    assert answer.asked.wait(10)
    count = 2_000
    read: list[int] = []

    def reader() -> None:
        for number in range(count):
            session.read(stream, Word(str(number), number))
            read.append(number)

    thread = threading.Thread(target=reader, daemon=True)
    session.read(stream, *(Word("held", number) for number in range(-20, -1)))
    answer.go.set()
    wait_until(lambda: not session.caught_up.is_set(), 10)
    thread.start()
    # Nobody takes anything: the reader must stop, and not go on reading into memory.
    wait_until(lambda: len(stream.held or ()) == 1, 10)
    assert read == []
    taken = []
    while len(taken) < count + 20:
        taken.append(stream.buffers[0].get(10))
    thread.join(10)
    ended(recovery)
    assert [word.number for word in taken[20:]] == list(range(count))


@pytest.mark.parametrize("seed", range(12))
def test_no_event_is_lost_or_repeated_or_overtaken(recovery: Recovery, seed: int) -> None:
    """A reader that reads and begins repairs at random, against the recovery, against a slow consumer."""
    rng = random.Random(seed)
    session = FakeSession(room=rng.choice([3, 50, 100_000]))
    streams = [session.stream("A-B"), session.stream("C-D")]
    taken: dict[Stream, list[int]] = {stream: [] for stream in streams}
    done = threading.Event()

    def consume(stream: Stream) -> None:
        buffer = stream.buffers[0]
        while not (done.is_set() and not buffer):
            try:
                taken[stream].append(buffer.get(0.01).number)
            except StopIteration:
                continue

    consumers = [threading.Thread(target=consume, args=(stream,), daemon=True) for stream in streams]
    for thread in consumers:
        thread.start()
    said = dict.fromkeys(streams, 0)

    def numbers(stream: Stream, count: int) -> list[Word]:
        start, said[stream] = said[stream], said[stream] + count
        return [Word(str(number), number) for number in range(start, start + count)]

    for _ in range(400):
        some = rng.sample(streams, rng.choice([1, 2]))
        if rng.random() < 0.2:
            # A hole: what is in it is fetched, with more that the stream tells afterwards or has told.
            missed = {stream: numbers(stream, rng.randrange(4)) for stream in some}
            session.repair(recovery, some, lambda missed=missed: missed, lambda found, out: found, _number)  # type: ignore[misc]
        for stream in some:
            session.read(stream, *numbers(stream, rng.randrange(1, 4)))
    ended(recovery)
    done.set()
    for thread in consumers:
        thread.join(10)
    assert {stream: list(range(said[stream])) for stream in streams} == taken
    assert session.events == sum(said.values())
    assert [stream.holds for stream in streams] == [0, 0]


def _number(word: Word) -> int:
    return word.number

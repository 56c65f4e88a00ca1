"""Who lags since when."""

from __future__ import annotations

import gc
import weakref

from bigone_sync.rails.copies import Copies
from bigone_sync.rails.lags import Lag, Lags
from bigone_sync.redundancy import Entry, Merge


class Numbers(Copies):
    """Copies of the numbers from 0 on, of which each connection has brought so many."""

    def __init__(self, **counts: int) -> None:
        super().__init__(Merge(unique=True))
        for name in counts:
            self.join(name)
            self._merge.take(name, [Entry(0, 0)])
        self.bring(**counts)

    def bring(self, **counts: int) -> None:
        """Let each have brought so many."""
        for name, count in counts.items():
            position = self._merge.position(name) or 0
            self._merge.take(name, [Entry(number, number) for number in range(position, count)])

    def begin_anew(self, name: str) -> None:
        """Of a connection: its place is not known until it brings something again."""
        self._merge.leave(name)
        self.join(name)


def test_a_wait_is_counted_from_when_it_was_first_noted() -> None:
    lags = Lags()
    book, trades = Numbers(), Numbers()
    assert lags.waits("a", book, True, 10.0) == 0.0
    assert lags.waits("a", book, True, 13.0) == 3.0
    assert lags.waits("a", trades, True, 14.0) == 0.0
    assert lags.waits("b", book, True, 15.0) == 0.0
    assert lags.waits("a", book, False, 16.0) == 0.0
    assert lags.waits("a", book, False, 17.0) == 0.0
    assert lags.waits("a", book, True, 18.0) == 0.0
    assert lags.waits("b", book, True, 19.0) == 4.0


def test_who_does_not_reach_what_the_others_had_brought_is_behind() -> None:
    lags = Lags()
    book = Numbers(a=5, b=9)
    assert lags.behind("a", book, 10.0) == Lag(0.0, 9)
    assert lags.behind("b", book, 10.0) == Lag(0.0, 9)
    book.bring(a=8, b=30)
    assert lags.behind("a", book, 12.0) == Lag(2.0, 9)
    assert lags.behind("b", book, 12.0) == Lag(0.0, 30)


def test_who_is_late_by_less_is_not_behind_for_longer() -> None:
    """Whenever one looks the others have brought more, but what they had brought at the last look is there."""
    lags = Lags()
    book = Numbers(a=1, b=1)
    for now in range(1, 10):
        book.bring(b=10 * now + 10, a=10 * now)
        assert lags.behind("a", book, float(now)) == Lag(0.0, 10 * now + 10)
    assert lags.behind("a", book, 11.0) == Lag(2.0, 100)


def test_who_has_caught_up_or_has_no_place_is_not_behind() -> None:
    lags = Lags()
    book = Numbers(a=5, b=9)
    assert lags.behind("a", book, 10.0).seconds == 0.0
    book.bring(a=9)
    assert lags.behind("a", book, 12.0) == Lag(0.0, 9)
    book.bring(b=10)
    assert lags.behind("a", book, 13.0) == Lag(0.0, 10)
    book.begin_anew("a")
    assert lags.behind("a", book, 14.0) == Lag(0.0, 10)
    book.bring(a=3)  # it has one again
    assert lags.behind("a", book, 15.0) == Lag(1.0, 10)


def test_a_connection_that_is_gone_lags_no_more() -> None:
    lags = Lags()
    book = Numbers(a=1, b=1, c=2)
    for name in "ab":
        lags.waits(name, book, True, 10.0)
        lags.behind(name, book, 10.0)
    lags.forget("a")
    assert [lags.waits(name, book, True, 12.0) for name in "ab"] == [0.0, 2.0]
    assert [lags.behind(name, book, 12.0).seconds for name in "ab"] == [0.0, 2.0]


def test_what_is_not_merged_any_more_is_forgotten() -> None:
    lags = Lags()
    book = Numbers(a=1, b=2)
    lags.waits("a", book, True, 10.0)
    lags.behind("a", book, 10.0)
    alive = weakref.ref(book)
    del book
    gc.collect()
    assert alive() is None

from __future__ import annotations

import decimal
import itertools
import pickle
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bigone_sync.book import BookView, OrderBook
from bigone_sync.enums import BookState
from bigone_sync.errors import ConfigurationError
from bigone_sync.events import DepthSnapshot, DepthUpdate, Levels, LevelText, PriceLevel
from bigone_sync.testing.leaks import wait_until

MARKET = "BTC-USDT"
Rows = Sequence[tuple[str, str]]

# Pairs of different prices that share a float.
SHARED_FLOATS = [
    ("9007199254740992", "9007199254740993"),
    ("0.1", "0.1000000000000000055511151231257827"),
    ("1e-400", "2e-400"),
    ("1e400", "2e400"),
    ("123456789.123456789", "123456789.1234567891"),
]


def levels(rows: Rows) -> Levels:
    """As a codec makes them: text, parsed at every look."""
    return Levels(list(rows), lambda frame: tuple([LevelText(price, amount, 1) for price, amount in frame]))


def numbers(rows: Rows) -> tuple[PriceLevel, ...]:
    """As a user makes them."""
    return tuple([PriceLevel(Decimal(price), Decimal(amount), 1) for price, amount in rows])


def snapshot(bids: Rows = (), asks: Rows = (), change_id: int = 1, received_at: float = 10.0) -> DepthSnapshot:
    return DepthSnapshot(MARKET, levels(bids), levels(asks), change_id, received_at=received_at)


def update(bids: Rows = (), asks: Rows = (), change_id: int = 2, received_at: float = 20.0) -> DepthUpdate:
    return DepthUpdate(MARKET, levels(bids), levels(asks), change_id, change_id - 1, received_at=received_at)


def live(bids: Rows = (), asks: Rows = ()) -> OrderBook:
    book = OrderBook(MARKET)
    assert book.load(snapshot(bids, asks))
    return book


def text(side: Sequence[PriceLevel]) -> list[tuple[str, str]]:
    return [(str(level.price), str(level.amount)) for level in side]


BIDS = [("9.0", "1"), ("9.10", "2"), ("8", "3")]
ASKS = [("10", "1"), ("9.2", "2"), ("100", "3")]


# State


def test_a_new_book_is_syncing_and_shows_nothing() -> None:
    book = OrderBook(MARKET)
    assert (book.market, book.state, book.is_live) == (MARKET, BookState.SYNCING, False)
    assert (book.change_id, book.updated_at) == (None, None)
    assert (book.best_bid, book.best_ask, book.spread, book.mid) == (None, None, None, None)
    assert (book.bids(), book.asks()) == ((), ())
    assert book.snapshot() == BookView(MARKET, BookState.SYNCING, None, None, (), ())


def test_a_snapshot_makes_it_live_and_sorts_by_number() -> None:
    book = live(BIDS, ASKS)
    assert book.is_live
    assert book.state is BookState.LIVE
    assert (book.change_id, book.updated_at) == (1, 10.0)
    assert text(book.bids()) == [("9.10", "2"), ("9.0", "1"), ("8", "3")]
    assert text(book.asks()) == [("9.2", "2"), ("10", "1"), ("100", "3")]
    assert book.best_bid == PriceLevel(Decimal("9.1"), Decimal(2), 1)
    assert book.best_ask == PriceLevel(Decimal("9.2"), Decimal(2), 1)


def test_the_first_n_levels() -> None:
    book = live(BIDS, ASKS)
    for n in (0, 1, 2, 3, 4, 100):
        assert book.bids(n) == book.bids()[:n]
        assert book.asks(n) == book.asks()[:n]
        view = book.snapshot(n)
        assert (view.bids, view.asks) == (book.bids(n), book.asks(n))
    assert len(book.bids(2)) == len(book.asks(2)) == 2


@pytest.mark.parametrize("n", [-1, 1.5, "2", True])
@pytest.mark.parametrize("read", [OrderBook.bids, OrderBook.asks, OrderBook.snapshot])
def test_a_wrong_n_is_refused(read: Callable[..., object], n: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(live(BIDS, ASKS), n)
    assert caught.value.argument == "n"
    assert "from 0" in str(caught.value)


def test_an_update_sets_and_deletes() -> None:
    book = live(BIDS, ASKS)
    assert book.apply(update([("9.0", "7"), ("8.5", "4"), ("8", "0")], [("9.2", "0"), ("11", "5")], 5, 30.5))
    assert text(book.bids()) == [("9.10", "2"), ("9.0", "7"), ("8.5", "4")]
    assert text(book.asks()) == [("10", "1"), ("11", "5"), ("100", "3")]
    assert (book.change_id, book.updated_at) == (5, 30.5)


def test_a_new_snapshot_replaces_all() -> None:
    book = live(BIDS, ASKS)
    assert book.load(snapshot([("1", "1")], [], 99, 40.0))
    assert (text(book.bids()), book.asks(), book.change_id, book.updated_at) == ([("1", "1")], (), 99, 40.0)


def test_updates_before_a_snapshot_are_held_back() -> None:
    book = OrderBook(MARKET)
    assert book.apply(update([("1", "1")]))
    assert (book.state, book.change_id, book.updated_at) == (BookState.SYNCING, None, None)
    book.load(snapshot(BIDS, ASKS))
    assert ("1", "1") not in text(book.bids())


def test_a_stale_book_shows_nothing_and_takes_nothing_until_a_snapshot() -> None:
    book = live(BIDS, ASKS)
    book.mark_stale()
    assert book.state is BookState.STALE
    assert not book.is_live
    assert (book.best_bid, book.best_ask, book.spread, book.mid) == (None, None, None, None)
    assert (book.bids(), book.asks(), book.bids(1)) == ((), (), ())
    assert book.snapshot() == BookView(MARKET, BookState.STALE, 1, 10.0, (), ())
    assert book.apply(update([("1", "1")]))
    assert (book.state, book.change_id) == (BookState.STALE, 1)
    assert book.load(snapshot(BIDS, ASKS, 7))
    assert book.best_bid == PriceLevel(Decimal("9.1"), Decimal(2), 1)


def test_a_book_that_never_was_live_does_not_become_stale() -> None:
    book = OrderBook(MARKET)
    book.mark_stale()
    assert book.state is BookState.SYNCING


def test_one_side_may_be_empty_or_missing() -> None:
    book = live(BIDS, [])
    assert book.best_ask is None
    assert book.best_bid is not None
    assert (book.spread, book.mid) == (None, None)
    assert book.load(DepthSnapshot(MARKET))
    assert book.is_live
    assert (book.bids(), book.asks(), book.change_id) == ((), (), None)
    assert book.apply(DepthUpdate(MARKET, asks=levels(ASKS)))
    assert len(book.asks()) == 3


# Numbers


@pytest.mark.parametrize("make", [levels, numbers])
def test_levels_may_come_as_text_or_as_numbers(make: Callable[[Rows], Any]) -> None:
    book = OrderBook(MARKET)
    book.load(DepthSnapshot(MARKET, make(BIDS), make(ASKS), 1))
    book.apply(DepthUpdate(MARKET, make([("9.100", "0.0"), ("7.50", "1E+2")]), make([("9.2", "0E-8")]), 2, 1))
    assert text(book.bids()) == [("9.0", "1"), ("8", "3"), ("7.50", "1E+2")]
    assert text(book.asks()) == [("10", "1"), ("100", "3")]


def test_the_venues_text_comes_out_to_the_digit() -> None:
    price, amount = "1.10000000000000000000000000000000000000001", "0.00100000000000000000000000000000000000000000"
    level = live([(price, amount)]).best_bid
    assert level is not None
    assert text([level]) == [(price, amount)]


def test_the_order_count_goes_with_the_level() -> None:
    book = OrderBook(MARKET)
    book.load(DepthSnapshot(MARKET, (PriceLevel(Decimal(1), Decimal(2), None), PriceLevel(Decimal(2), Decimal(2), 5))))
    assert [level.order_count for level in book.bids()] == [5, None]
    book.apply(DepthUpdate(MARKET, (PriceLevel(Decimal(1), Decimal(2), 9),)))
    assert [level.order_count for level in book.bids()] == [5, 9]


def test_one_number_in_two_texts_is_one_level_that_reads_as_written_last() -> None:
    book = live([("9.1", "1"), ("8", "1")], [("10", "1")])
    book.apply(update([("9.10", "2")], [("1e1", "2")]))
    assert text(book.bids()) == [("9.10", "2"), ("8", "1")]
    assert [(level.price, level.amount) for level in book.asks()] == [(Decimal(10), Decimal(2))]
    book.apply(update([("9.100", "0")], [("010.0", "0.000")]))
    assert text(book.bids()) == [("8", "1")]
    assert book.asks() == ()


def test_one_number_in_two_texts_within_one_snapshot() -> None:
    book = live([("9.1", "1"), ("9.10", "2"), ("8", "1"), ("8", "5")], [("10", "1"), ("10.0", "0")])
    assert text(book.bids()) == [("9.10", "2"), ("8", "5")]
    assert book.asks() == ()


def test_a_level_twice_in_one_update_means_the_last() -> None:
    book = live(BIDS, ASKS)
    book.apply(
        update([("9.0", "0"), ("9.0", "5"), ("8", "5"), ("8", "0"), ("7", "1"), ("7", "0"), ("6", "0"), ("6", "1")])
    )
    assert text(book.bids()) == [("9.10", "2"), ("9.0", "5"), ("6", "1")]


@pytest.mark.parametrize(("low", "high"), SHARED_FLOATS)
def test_prices_that_share_a_float_are_two_levels(low: str, high: str) -> None:
    assert float(low) == float(high)
    book = live([(low, "1"), ("5", "9")])
    book.apply(update([(high, "2")]))
    assert len(book.bids()) == 3
    found = [level for level in book.bids() if level.price in (Decimal(low), Decimal(high))]
    assert text(found) == text(numbers([(high, "2"), (low, "1")]))
    book.apply(update([(low, "0"), ("4", "1"), ("5", "0")]))
    assert {level.price for level in book.bids()} == {Decimal(high), Decimal(4)}
    book.apply(update([(high, "0")]))
    assert text(book.bids()) == [("4", "1")]


@pytest.mark.parametrize(("low", "high"), SHARED_FLOATS)
def test_prices_that_share_a_float_within_a_snapshot(low: str, high: str) -> None:
    for order in ((low, high), (high, low)):
        book = live([], [(price, "1") for price in order])
        assert [level.price for level in book.asks()] == [Decimal(low), Decimal(high)]


@pytest.mark.parametrize(("low", "high"), SHARED_FLOATS)
def test_deleting_a_price_does_not_delete_its_neighbour_on_the_same_float(low: str, high: str) -> None:
    book = live([(low, "1")])
    before = book.bids()
    book.apply(update([(high, "0")]))
    assert book.bids() == before


def test_a_side_that_went_exact_keeps_merging_texts_and_a_snapshot_begins_anew() -> None:
    low, high = SHARED_FLOATS[0]
    book = live([(low, "1"), (high, "1"), ("9.1", "1")])
    book.apply(update([("9.10", "2"), ("9.1000", "3"), (high + ".0", "4")]))
    assert [(level.price, level.amount) for level in book.bids()] == [
        (Decimal(high), Decimal(4)),
        (Decimal(low), Decimal(1)),
        (Decimal("9.1"), Decimal(3)),
    ]
    book.load(snapshot([("1", "1")], [("2", "1")], 9))
    book.apply(update([("1.0", "3")], [("2.0", "0")]))
    assert text(book.bids()) == [("1.0", "3")]
    assert book.asks() == ()


@pytest.mark.parametrize("zero", ["0", "0.0", "0.00000000", "0e-8", "0E+5", "-0", "-0.0", "00", "0e99999", " 0 "])
def test_every_zero_deletes_and_unknown_levels_do_no_harm(zero: str) -> None:
    book = live(BIDS, ASKS)
    assert book.apply(update([("9.10", zero), ("5", zero), ("9.1", zero)], [("9.200", zero), ("9.1", zero)]))
    assert text(book.bids()) == [("9.0", "1"), ("8", "3")]
    assert text(book.asks()) == [("10", "1"), ("100", "3")]
    book.load(snapshot([("9", zero), ("8", "1")], [("10", zero)]))
    assert text(book.bids()) == [("8", "1")]
    assert book.asks() == ()


@pytest.mark.parametrize("tiny", ["1e-400", "0." + "0" * 400 + "1"])
@pytest.mark.parametrize("huge", ["1e400", "1" + "0" * 400])
def test_amounts_beyond_floats_are_amounts(tiny: str, huge: str) -> None:
    assert float(tiny) == 0.0
    book = live([("9", tiny)], [("10", huge)])
    book.apply(update([("8", huge)], [("11", tiny)]))
    assert [level.amount for level in book.bids()] == [Decimal(tiny), Decimal(huge)]
    assert [level.amount for level in book.asks()] == [Decimal(huge), Decimal(tiny)]


def test_spread_and_mid_are_exact_whatever_the_threads_decimal_context() -> None:
    book = live(
        [("1000000.00000000000000000000000000000001", "1")], [("1000000.00000000000000000000000000000004", "1")]
    )
    with decimal.localcontext() as context:
        context.prec = 3
        context.traps[decimal.Inexact] = True
        context.traps[decimal.FloatOperation] = True
        assert book.spread == Decimal("3E-32")
        assert book.mid == Decimal("1000000.000000000000000000000000000000025")
        view = book.snapshot()
        assert (view.spread, view.mid) == (book.spread, book.mid)
        assert live([("0.00001", "1")], [("1000000", "1")]).spread == Decimal("999999.99999")
        assert book.apply(update([("1", "1")], [("1000000.000000000000000000000000000000045", "1")]))
    assert len(book.asks()) == 2


# What is no level


BAD_NUMBERS = [
    "",
    "abc",
    "MARKET",
    "nan",
    "NaN",
    "sNaN",
    "inf",
    "-Infinity",
    "1,5",
    "0x1",
    "1e99999999999999999999",
    "--1",
]


@pytest.mark.parametrize("bad", [*((price, "1") for price in BAD_NUMBERS), *(("1", amount) for amount in BAD_NUMBERS)])
@pytest.mark.parametrize("side", ["bids", "asks"])
def test_what_is_no_number_is_refused_before_anything_changed(bad: tuple[str, str], side: str) -> None:
    book = live(BIDS, ASKS)
    before = book.snapshot()
    good = [("8", "0"), ("9.0", "77"), ("8.7", "1"), ("9.100", "5")]
    for other in ("bids", "asks"):
        rows = {other: good, side: [*good, bad, *good]}
        with pytest.raises(ValueError):
            book.apply(update(rows.get("bids", ()), rows.get("asks", ()), 50, 60.0))
        assert book.snapshot() == before
        with pytest.raises(ValueError):
            book.load(snapshot(rows.get("bids", ()), rows.get("asks", ()), 50, 60.0))
        assert book.snapshot() == before
    assert book.apply(update([("8", "4")]))
    assert ("8", "4") in text(book.bids())


@pytest.mark.parametrize("amount", ["-1", "-0.001", "-1e-400", "-1e400"])
def test_a_negative_amount_is_refused(amount: str) -> None:
    book = live(BIDS, ASKS)
    before = book.snapshot()
    with pytest.raises(ValueError, match="negative amount"):
        book.apply(update([("8", "1"), ("9.0", amount)]))
    assert book.snapshot() == before


@pytest.mark.parametrize("price", ["nan", "abc", "1e99999999999999999999", "1e-99999999999999999999"])
def test_a_deletion_at_a_price_that_is_no_number_is_refused_too(price: str) -> None:
    book = live(BIDS, ASKS)
    with pytest.raises(ValueError):
        book.apply(update([(price, "0")]))
    assert len(book.bids()) == 3


# Crossing


@pytest.mark.parametrize(
    ("bid", "ask"),
    [
        ("9.2", "9.2"),
        ("9.20", "9.2"),
        ("9.3", "9.2"),
        ("9007199254740993", "9007199254740992"),
        ("9007199254740993", "9007199254740993.0"),
        ("1e400", "1e400"),
        ("2e400", "1e400"),
        ("0", "0"),
        ("0", "-1"),
    ],
)
def test_a_crossed_book_is_stale(bid: str, ask: str) -> None:
    loaded = OrderBook(MARKET)
    assert loaded.load(snapshot([(bid, "1")], [(ask, "1")])) is False
    assert loaded.state is BookState.STALE
    assert loaded.best_bid is None
    for first, second in (
        (snapshot([(bid, "1")]), update(asks=[(ask, "1")])),
        (snapshot([], [(ask, "1")]), update([(bid, "1")])),
    ):
        book = OrderBook(MARKET)
        assert book.load(first)
        assert book.apply(second) is False
        assert book.snapshot() == BookView(MARKET, BookState.STALE, 2, 20.0, (), ())
        assert book.apply(update([("1", "1")], change_id=3)) is True
        assert book.change_id == 2
        assert book.load(snapshot(BIDS, ASKS))
        assert book.is_live


@pytest.mark.parametrize(
    ("bid", "ask"),
    [("9.1", "9.2"), *SHARED_FLOATS, ("9007199254740992.9", "9007199254740993"), ("-1", "0")],
)
def test_a_book_that_nearly_crosses_is_live(bid: str, ask: str) -> None:
    assert live([(bid, "1")], [(ask, "1")]).is_live
    book = live([(bid, "1")])
    assert book.apply(update(asks=[(ask, "1")]))
    assert book.is_live
    assert book.spread == Decimal(ask) - Decimal(bid)


@pytest.mark.parametrize("exact", ["bids", "asks"])
def test_crossing_is_seen_when_one_side_went_exact(exact: str) -> None:
    # 0.1 and 0.30000000000000001 are texts whose floats lie above and below their numbers.
    for price in ("0.1", "0.3", "0.7"):
        pair = [(price + "00000000000000000001", "1"), (price + "00000000000000000002", "1")]
        book = live(pair, []) if exact == "bids" else live([], pair)
        other = [(price + "00000000000000000003", "1")] if exact == "bids" else [(price, "1")]
        assert book.apply(update(asks=other) if exact == "bids" else update(bids=other))
        touching = (
            [(price + "00000000000000000002", "1")] if exact == "bids" else [(price + "00000000000000000001", "1")]
        )
        assert not book.apply(update(asks=touching) if exact == "bids" else update(bids=touching))
        assert book.state is BookState.STALE


def test_an_update_may_move_the_whole_book_past_itself() -> None:
    book = live([("9", "1")], [("10", "1")])
    assert book.apply(update([("9", "0"), ("11", "1")], [("10", "0"), ("12", "1")]))
    assert (text(book.bids()), text(book.asks())) == ([("11", "1")], [("12", "1")])


# Against a naive rebuild


class Naive:
    """The rules and nothing else: a dict of Decimal a side."""

    def __init__(self) -> None:
        self.sides: tuple[dict[Decimal, tuple[str, str]], ...] = ({}, {})

    def put(self, *sides: Rows) -> None:
        for held, rows in zip(self.sides, sides, strict=True):
            for price, amount in rows:
                held.pop(Decimal(price), None)
                if Decimal(amount) != 0:
                    held[Decimal(price)] = (price, amount)

    @property
    def crossed(self) -> bool:
        bids, asks = self.sides
        return bool(bids and asks) and max(bids) >= min(asks)

    def expected(self) -> tuple[list[Any], list[Any]]:
        bids, asks = self.sides
        return (
            [shape(*bids[price]) for price in sorted(bids, reverse=True)],
            [shape(*asks[price]) for price in sorted(asks)],
        )


def shape(price: str | Decimal, amount: str | Decimal) -> Any:
    """What distinguishes 9.1 from 9.10."""
    return Decimal(price).as_tuple(), Decimal(amount).as_tuple()


def variants(price: str) -> list[str]:
    number = Decimal(price)
    return [price, f"{number:f}" + ("0" if "." in f"{number:f}" else ".0"), f"{number:E}", "0" + f"{number:f}"]


PRICES = [
    *itertools.chain(*(variants(price) for price in ("9.1", "8", "7.25", "0.1", "100"))),
    *itertools.chain(*SHARED_FLOATS),
    *(f"0.1000000000000000{i}" for i in range(1, 4)),
    *(f"{i}" for i in range(1, 30)),
]
AMOUNTS = ["0", "0.0", "0e-8", "-0", "1", "2.50", "1e-400", "1e400", "0.00000001", "3", "4", "5"]

row = st.tuples(st.sampled_from(PRICES), st.sampled_from(AMOUNTS))
side = st.lists(row, max_size=6)
full = st.lists(row, max_size=40)
step: st.SearchStrategy[tuple[str, Any, Any]] = st.one_of(
    st.tuples(st.just("update"), side, st.just([])),
    st.tuples(st.just("update"), st.just([]), side),
    st.tuples(st.just("update"), side, side),
    st.tuples(st.just("load"), full, st.just([])),
    st.tuples(st.just("load"), full, full),
)


@settings(max_examples=150)
@given(st.lists(step, max_size=25), st.booleans())
def test_any_history_gives_the_book_of_a_naive_rebuild(steps: list[tuple[str, Any, Any]], as_numbers: bool) -> None:
    book, naive, make = OrderBook(MARKET), Naive(), (numbers if as_numbers else levels)
    alive = False
    for change_id, (what, bids, asks) in enumerate(steps, 1):
        if what == "load":
            naive = Naive()
            naive.put(bids, asks)
            alive = not naive.crossed
            assert book.load(DepthSnapshot(MARKET, make(bids), make(asks), change_id)) is alive
        elif alive:
            naive.put(bids, asks)
            alive = not naive.crossed
            assert book.apply(DepthUpdate(MARKET, make(bids), make(asks), change_id, change_id - 1)) is alive
        else:
            assert book.apply(DepthUpdate(MARKET, make(bids), make(asks), change_id, change_id - 1)) is True
        assert book.is_live is alive
        view = book.snapshot()
        found = tuple([shape(level.price, level.amount) for level in held] for held in (view.bids, view.asks))
        assert found == (naive.expected() if alive else ([], []))


def test_a_long_random_walk_of_a_plain_market_agrees_too() -> None:
    draw = random.Random(7)
    book, naive = OrderBook(MARKET), Naive()
    bids = [(f"{price / 100:.2f}", "1.5") for price in range(9000, 10000, 5)]
    asks = [(f"{price / 100:.2f}", "1.5") for price in range(10001, 11000, 5)]
    naive.put(bids, asks)
    assert book.load(snapshot(bids, asks))
    for change_id in range(2, 1500):
        changed = [
            [
                (f"{draw.randint(low, high) / 100:.2f}", draw.choice(["0", f"{draw.random():.6f}1"]))
                for _ in range(draw.randint(0, 5))
            ]
            for low, high in ((9000, 10000), (10001, 11000))
        ]
        naive.put(*changed)
        assert book.apply(update(changed[0], changed[1], change_id))
    expected = naive.expected()
    assert [shape(level.price, level.amount) for level in book.bids()] == expected[0]
    assert [shape(level.price, level.amount) for level in book.asks()] == expected[1]
    assert len(expected[0]) > 50


# Threads


def test_a_view_is_of_one_moment() -> None:
    book = live([("9", "1")], [("10", "1")])
    stop = threading.Event()
    broken: list[BookView] = []
    seen: set[int | None] = set()

    def read() -> None:
        while not stop.is_set():
            view = book.snapshot()
            seen.add(view.change_id)
            one = [level.amount for level in (*view.bids, *view.asks)]
            if len(one) != 2 or one != [Decimal(view.change_id or 0)] * 2 or view.updated_at != float(one[0]):
                broken.append(view)

    book.load(snapshot([("9", "1")], [("10", "1")], 1, 1.0))
    readers = [threading.Thread(target=read, daemon=True) for _ in range(2)]
    for reader in readers:
        reader.start()
    wait_until(lambda: seen)
    change_id = 1
    try:
        while len(seen) < 20 and change_id < 1_000_000:
            change_id += 1
            bid, ask = ("9", "10") if change_id % 2 else ("8", "11")
            old_bid, old_ask = ("8", "11") if change_id % 2 else ("9", "10")
            amount = str(change_id)
            book.apply(
                update([(old_bid, "0"), (bid, amount)], [(old_ask, "0"), (ask, amount)], change_id, float(change_id))
            )
    finally:
        stop.set()
        for reader in readers:
            reader.join(10)
    assert broken == []
    assert len(seen) >= 20


class Waiter(threading.Thread):
    def __init__(self, book: OrderBook, timeout: float | None = None) -> None:
        super().__init__(daemon=True)  # a waiter that is never woken must fail the test and not hang the run
        self.book, self.timeout = book, timeout
        self.answer: bool | None = None
        self.start()

    def run(self) -> None:
        self.answer = self.book.wait_live(self.timeout)

    def result(self) -> bool | None:
        self.join(10)
        assert not self.is_alive()
        return self.answer


def asleep(book: OrderBook, count: int = 1) -> None:
    """Until ``count`` threads wait, so that what follows has somebody to wake."""
    wait_until(lambda: len(book._changed._waiters) == count)  # type: ignore[attr-defined]


def test_wait_live_wakes_at_the_snapshot() -> None:
    book = OrderBook(MARKET)
    waiters = [Waiter(book) for _ in range(3)]
    asleep(book, 3)
    book.load(snapshot(BIDS, ASKS))
    assert [waiter.result() for waiter in waiters] == [True] * 3
    assert book.wait_live(0) is True
    assert book.wait_live() is True


def test_wait_live_sleeps_through_a_crossed_snapshot() -> None:
    book = OrderBook(MARKET)
    waiter = Waiter(book)
    asleep(book)
    assert not book.load(snapshot([("2", "1")], [("1", "1")]))
    asleep(book)
    book.load(snapshot(BIDS, ASKS))
    assert waiter.result() is True


def test_wait_live_ends_with_its_time() -> None:
    book = OrderBook(MARKET)
    assert book.wait_live(0) is False
    assert book.wait_live(-1) is False
    assert book.wait_live(0.001) is False
    book.load(snapshot(BIDS, ASKS))
    book.mark_stale()
    assert book.wait_live(0) is False


def test_wait_live_wakes_at_close() -> None:
    book = OrderBook(MARKET)
    waiters = [Waiter(book), Waiter(book, float("inf")), Waiter(book, 1e300)]
    asleep(book, 3)
    book.close()
    assert [waiter.result() for waiter in waiters] == [False] * 3
    assert book.wait_live() is False


def test_every_wait_is_announced_to_the_session_and_ends_in_order() -> None:
    book = OrderBook(MARKET)
    seen: list[str] = []

    @contextmanager
    def announce() -> Iterator[None]:
        seen.append("in")
        book.load(snapshot(BIDS, ASKS))  # the book's lock is free here, or this would never return
        yield
        seen.append("out" if book.is_live else "?")
        book.mark_stale()

    book.waiting = announce
    assert book.wait_live(10) is True
    assert seen == ["in", "out"]


@pytest.mark.parametrize("timeout", ["1", float("nan"), True])
def test_a_wrong_timeout_is_refused(timeout: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OrderBook(MARKET).wait_live(timeout)
    assert caught.value.argument == "timeout"
    assert "number of seconds" in str(caught.value)


def test_a_closed_book_is_stale_for_good() -> None:
    book = live(BIDS, ASKS)
    book.close()
    book.close()
    assert book.snapshot() == BookView(MARKET, BookState.STALE, 1, 10.0, (), ())
    assert book.load(snapshot(BIDS, ASKS, 5))
    assert book.apply(update())
    assert (book.state, book.change_id, book.best_bid) == (BookState.STALE, 1, None)
    never = OrderBook(MARKET)
    never.close()
    assert never.state is BookState.SYNCING


# The view and the repr


def test_a_view_is_an_immutable_value() -> None:
    view = live(BIDS, ASKS).snapshot(1)
    assert view == BookView(
        MARKET,
        BookState.LIVE,
        1,
        10.0,
        (PriceLevel(Decimal("9.1"), Decimal(2), 1),),
        (PriceLevel(Decimal("9.2"), Decimal(2), 1),),
    )
    with pytest.raises(AttributeError):
        view.market = "x"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(view)) == view
    assert hash(view) == hash(live(BIDS, ASKS).snapshot(1))
    assert (view.best_bid, view.best_ask) == (view.bids[0], view.asks[0])
    assert (view.spread, view.mid) == (Decimal("0.1"), Decimal("9.15"))


def test_a_view_of_an_empty_side_has_no_best() -> None:
    view = live(BIDS, ASKS).snapshot(0)
    assert (view.best_bid, view.best_ask, view.spread, view.mid) == (None, None, None, None)


def test_a_view_does_not_change_with_the_book() -> None:
    book = live(BIDS, ASKS)
    view, bids = book.snapshot(), book.bids()
    book.apply(update([("9.10", "0"), ("9.0", "55")]))
    assert view.bids == bids
    assert text(view.bids) == [("9.10", "2"), ("9.0", "1"), ("8", "3")]


def test_repr_says_what_matters() -> None:
    assert repr(live(BIDS, ASKS)) == "<OrderBook BTC-USDT live change_id=1 mid=9.15>"
    assert repr(OrderBook(MARKET)) == "<OrderBook BTC-USDT syncing change_id=None mid=None>"

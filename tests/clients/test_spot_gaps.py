"""Broken chains: announced, resynchronised, other markets untouched; books that say so."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from client_rig import BTC, ETH, PATIENCE, Log, Watched, asked, matches, members, running, spot

from bigone_sync import (
    Backoff,
    BookState,
    Channel,
    DepthSnapshot,
    Gap,
    OrderBook,
    SequenceGap,
    SubscriptionState,
)
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until


def whole(log: Log[Any]) -> bool:
    """Whether every update that a handler saw continues what it saw before."""
    pairs = pairwise(list(log))
    return all(isinstance(event, DepthSnapshot) or event.prev_id == before.change_id for before, event in pairs)


def test_kept_books_equal_the_exchanges_after_a_burst() -> None:
    with leak_check(), LocalExchange(rate=400) as exchange:
        client = spot(exchange.spot_url)
        watched = Watched(client)
        books = {market: client.order_book(market) for market in (BTC, ETH)}
        with running(client):
            start = {market: book.change_id for market, book in books.items()}
            wait_until(lambda: all((book.change_id or 0) > (start[m] or 0) + 100 for m, book in books.items()))
            exchange.pause()
            for market, book in books.items():
                wait_until(lambda: matches(book, exchange, market))  # noqa: B023 - called at once
        watched.assert_quiet()


@pytest.mark.parametrize("fault", ["skip_change", "reorder_changes"])
def test_a_gap_is_reported_announced_and_repaired(still: LocalExchange, fault: str) -> None:
    client = spot(still.spot_url)
    watched, log, other = Watched(client), Log[Any](), Log[Any]()
    client.on_depth(BTC, log)
    client.on_depth(ETH, other)
    book = client.order_book(BTC)
    with running(client):
        still.step(10)
        wait_until(lambda: matches(book, still))
        expected = book.change_id
        getattr(still, fault)(BTC)
        still.step(30)
        [error] = watched.errors.wait(1, SequenceGap)
        [gap] = watched.gaps.wait(1, Gap)
        wait_until(lambda: matches(book, still))
        wait_until(lambda: log.items and log[-1].change_id == still.book(BTC).change_id)
        assert client.stats().gaps == 1
    assert (error.market, error.expected, error.connection) == (BTC, expected, "spot/depth")
    assert error.got > expected
    assert (gap.channel, gap.market) == (Channel.DEPTH, BTC)
    assert whole(log)
    assert len(log.of(DepthSnapshot)) == 2
    assert len(other.of(DepthSnapshot)) == 1
    assert whole(other)
    assert asked(still, "subscribeMarketDepthRequest") == [{"market": BTC}, {"market": ETH}, {"market": BTC}]
    assert asked(still, "unsubscribeMarketDepthRequest") == [{"market": BTC}]
    assert len(watched.errors) == len(watched.gaps) == 1


def test_a_repeated_change_is_no_gap(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    watched, log = Watched(client), Log[Any]()
    client.on_depth(BTC, log)
    with running(client):
        still.repeat_change(BTC)
        still.step(20, BTC)
        wait_until(lambda: log.items and log[-1].change_id == still.book(BTC).change_id)
    assert whole(log)
    watched.assert_quiet()


def test_a_book_is_stale_until_its_snapshot_and_says_so(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    states: list[tuple[BookState, bool]] = []
    client.on_book(BTC, lambda book: states.append((book.state, book.best_bid is None)))
    book = client.order_book(BTC)
    with running(client):
        assert book.wait_live(PATIENCE)
        [subscription, _] = client.subscriptions
        still.skip_change(BTC)
        still.mute_snapshots(1)
        still.step(30, BTC)
        wait_until(lambda: book.state == BookState.STALE)
        assert book.best_bid is None
        assert book.bids() == ()
        assert subscription.state == SubscriptionState.STALE
        assert not book.wait_live(0.01)
        assert book.wait_live(PATIENCE)  # asked again after the reply timeout
        assert subscription.state == SubscriptionState.LIVE
        wait_until(lambda: matches(book, still))
    assert all((state == BookState.LIVE) != empty for state, empty in states)


def test_a_burst_of_gaps_backs_off(still: LocalExchange) -> None:
    client = spot(still.spot_url, backoff=Backoff(initial=0.4, cap=2))
    watched = Watched(client)
    book = client.order_book(BTC)
    with running(client):
        for number in range(1, 4):
            still.skip_change(BTC)
            still.step(30, BTC)
            watched.gaps.wait(number)
            if number > 1:
                # The resync is put off: nothing has been asked for yet.
                assert len(asked(still, "subscribeMarketDepthRequest")) == number
                assert book.state == BookState.STALE
            assert book.wait_live(PATIENCE)
            assert len(asked(still, "subscribeMarketDepthRequest")) == number + 1
        wait_until(lambda: matches(book, still))


def crossing(exchange: LocalExchange, book: OrderBook) -> str:
    """An update that continues the chain and puts a bid above the best ask."""
    last = exchange.book(BTC).change_id
    level = {"price": "999999", "amount": "1", "orderCount": "1"}
    depth = {"market": BTC, "asks": [], "bids": [level]}
    return json.dumps(
        {"requestId": "", "depthUpdate": {"depth": depth, "changeId": str(last + 1), "prevId": str(last)}}
    )


def test_a_crossed_book_is_rebuilt(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    watched = Watched(client)
    book = client.order_book(BTC)
    with running(client):
        assert book.wait_live(PATIENCE)
        still.send_raw(crossing(still, book))
        watched.gaps.wait(1)
        wait_until(lambda: matches(book, still))
        still.step(10, BTC)
        wait_until(lambda: matches(book, still))
    assert "crossed" in watched.gaps[0].reason
    assert len(asked(still, "subscribeMarketDepthRequest")) == 2


# -- books that come late ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["order_book", "on_book"])
def test_a_late_book_gets_a_snapshot_of_its_own(still: LocalExchange, form: str) -> None:
    client = spot(still.spot_url)
    watched, log, books = Watched(client), Log[Any](), Log[OrderBook]()
    client.on_depth(BTC, log)
    with running(client):
        still.step(20, BTC)
        log.wait(5)
        if form == "on_book":
            client.on_book(BTC, books)
            wait_until(lambda: books.items and books[-1].is_live)
        book = client.order_book(BTC)
        assert book.wait_live(PATIENCE)
        assert form == "order_book" or book is books[0]
        still.step(20, BTC)
        wait_until(lambda: matches(book, still))
        wait_until(lambda: log.items and log[-1].change_id == still.book(BTC).change_id)
    assert whole(log)
    assert members(still).count("subscribeMarketDepthRequest") == 2
    watched.assert_quiet()


def test_a_book_handler_that_was_replaced_while_a_call_was_queued_gets_its_calls(still: LocalExchange) -> None:
    client = spot(still.spot_url, dispatch="caller")
    client.order_book(BTC)  # keeps the stream
    with running(client):
        first = client.on_book(BTC, Log[OrderBook]())
        still.step(5, BTC)
        wait_until(lambda: client.stats().queue_depth > 0)
        first.close()
        client.poll()
        books: Log[OrderBook] = Log()
        client.on_book(BTC, books)
        still.step(20, BTC)
        wait_until(lambda: client.poll() and books.items)


def test_books_are_conflated_under_a_slow_handler(still: LocalExchange) -> None:
    client = spot(still.spot_url, dispatch="caller")
    ids: list[int | None] = []
    client.on_book(BTC, lambda book: ids.append(book.change_id))
    book = client.order_book(BTC)
    with running(client):
        client.poll()
        ids.clear()
        still.step(50, BTC)
        wait_until(lambda: matches(book, still))
        assert client.stats().queue_depth == 1
        assert client.poll() == 1
    assert ids == [book.change_id]


def test_gaps_in_two_markets_are_repaired_each(still: LocalExchange) -> None:
    client = spot(still.spot_url, connections="shared")
    watched = Watched(client)
    books = {market: client.order_book(market) for market in (BTC, ETH)}
    with running(client):
        still.skip_change(BTC)
        still.skip_change(ETH)
        still.step(30)
        watched.gaps.wait(2)
        for market, book in books.items():
            wait_until(lambda: matches(book, still, market))  # noqa: B023 - called at once
    assert {gap.market for gap in watched.gaps} == {BTC, ETH}
    assert len(asked(still, "subscribeMarketDepthRequest")) == 4

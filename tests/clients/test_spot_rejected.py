"""Subscriptions that the exchange refuses, and closing what shares a wire subscription."""

from __future__ import annotations

from typing import Any

import pytest
from client_rig import BTC, ETH, PATIENCE, Log, Watched, asked, matches, running, spot, until_ready

from bigone_sync import (
    Channel,
    ConnectionState,
    DepthSnapshot,
    SubscriptionKey,
    SubscriptionRejected,
    SubscriptionState,
    Ticker,
)
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until
from bigone_sync.testing.proxy import FaultProxy


def test_a_refusal_is_told_and_harms_no_other_stream(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    watched, good = Watched(client), Log[Any]()
    subscription = client.on_depth("NOPE-USDT", Log())
    client.on_depth(BTC, good)
    book = client.order_book(BTC)
    with client:
        with pytest.raises(SubscriptionRejected) as caught:
            client.wait_ready(PATIENCE)
        [error] = watched.errors.wait(1, SubscriptionRejected)
        assert error is caught.value
        assert subscription.state == SubscriptionState.REJECTED
        good.wait(1)
        still.step(20, BTC)
        wait_until(lambda: matches(book, still))
        good.wait(5)
        assert client.state == ConnectionState.READY
    assert error.key == SubscriptionKey(Channel.DEPTH, "NOPE-USDT")
    assert (error.code, error.reason) == (45000, "GRPC error: unknown market")
    assert error.command == "subscribeMarketDepthRequest"
    assert "NOPE-USDT" in str(error)
    assert "45000" in str(error)
    assert len(watched.errors) == 1


@pytest.mark.parametrize(
    ("member", "register"),
    [
        ("subscribeMarketTradesRequest", lambda client: client.on_trade(BTC, Log())),
        ("subscribeMarketsTickerRequest", lambda client: client.on_ticker(BTC, Log())),
        ("subscribeMarketCandlesRequest", lambda client: client.on_candle(BTC, "MIN1", Log())),
        ("subscribeViewerAccountsRequest", lambda client: client.on_account(Log())),
        ("subscribeViewerOrdersRequest", lambda client: client.on_order(BTC, Log())),
        ("subscribeAllViewerOrdersRequest", lambda client: client.on_order(Log())),
    ],
)
def test_every_kind_of_stream_can_be_refused_and_is_not_asked_again(
    still: LocalExchange, member: str, register: Any
) -> None:
    still.reject(member, code=45099, message="not today")
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    subscription = register(client)
    with client:
        [error] = watched.errors.wait(1, SubscriptionRejected)
        assert (error.code, error.reason, error.key) == (45099, "not today", subscription.key)
        still.close_connections(1001)
        wait_until(lambda: client.stats().reconnects == 1)
        subscription.close()
        assert subscription.state == SubscriptionState.ENDED
        assert len(asked(still, member)) == 1
        assert register(client).state != SubscriptionState.REJECTED
        client.wait_ready(PATIENCE)
        assert len(asked(still, member)) == 2
    assert len(watched.errors.of(SubscriptionRejected)) == 1
    assert not asked(still, "un" + member)


def test_a_refused_book_wakes_its_waiters(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    with client:
        assert not client.order_book("NOPE-USDT").wait_live(PATIENCE)


def test_an_iterator_of_a_refused_stream_raises_the_refusal(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    subscription = client.subscribe(Channel.TRADES, "NOPE-USDT")
    with client, pytest.raises(SubscriptionRejected):
        list(subscription.events(PATIENCE))


def test_one_bad_market_does_not_take_other_tickers_along(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    watched, good = Watched(client), Log[Ticker]()
    one = client.on_ticker(BTC, good)
    client.on_ticker("NOPE-USDT", Log())
    with client:
        [error] = watched.errors.wait(1, SubscriptionRejected)
        assert error.key.market == "NOPE-USDT"
        good.wait(1)
        wait_until(lambda: one.state == SubscriptionState.LIVE)
        still.step(30, BTC)
        wait_until(lambda: good.items and not good[-1].is_snapshot)
    assert len(watched.errors) == 1


def test_the_refused_and_the_new_subscription_to_the_same_stream_do_not_disturb_each_other(
    still: LocalExchange,
) -> None:
    still.reject("subscribeMarketDepthRequest")
    client = spot(still.spot_url)
    watched, second, third = Watched(client), Log[Any](), Log[Any]()
    refused = client.on_depth(BTC, Log())
    with client:
        watched.errors.wait(1, SubscriptionRejected)
        client.on_depth(BTC, second)
        second.wait(1, DepthSnapshot)
        refused.close()
        client.on_depth(BTC, third)
        still.step(20, BTC)
        second.wait(5)
        third.wait(3)
        client.wait_ready(PATIENCE)
        assert second[-1] == third[-1]
    assert len(asked(still, "subscribeMarketDepthRequest")) == 2


def test_a_refusal_that_was_closed_no_longer_fails_wait_ready(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    bad = client.on_trade("NOPE-USDT", Log())
    client.on_trade(BTC, Log())
    with client:
        with pytest.raises(SubscriptionRejected):
            client.wait_ready(PATIENCE)
        bad.close()
        client.wait_ready(PATIENCE)


def test_a_refusal_of_what_was_closed_meanwhile_is_nobodys_concern(still: LocalExchange) -> None:
    with FaultProxy(still.spot_url) as proxy:
        client = spot(proxy.url)
        watched = Watched(client)
        client.on_trade(BTC, Log())
        with running(client):
            proxy.stall("down")
            with client.on_trade("NOPE-USDT", Log()):
                pass
            proxy.heal()
            client.on_trade(ETH, Log())
            client.wait_ready(PATIENCE)
        watched.assert_quiet()


# -- tickers of one market and of all ------------------------------------------------------------------------------


def test_closing_all_tickers_leaves_those_by_name(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    one = Log[Ticker]()
    client.on_ticker(BTC, one)
    everything = client.on_ticker([], Log())
    with running(client):
        everything.close()
        wait_until(lambda: "unsubscribeMarketsTickerRequest" in str(still.requests))
        wait_until(lambda: len(still.subscriptions()) == 1)
        seen = len(one)
        still.step(40, BTC)
        wait_until(lambda: len(one) > seen and not one[-1].is_snapshot)


def test_closing_a_ticker_by_name_leaves_all(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    everything = Log[Ticker]()
    one = client.on_ticker(BTC, Log())
    client.on_ticker([], everything)
    with running(client):
        one.close()
        client.on_ticker(ETH, Log())  # what was sent before this has arrived when it is live
        client.wait_ready(PATIENCE)
        still.step(40, BTC)
        wait_until(lambda: everything.items and not everything[-1].is_snapshot and everything[-1].market == BTC)


def test_streams_wanted_again_after_closing_and_reconnecting(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    with running(client):
        for number in range(1, 4):
            with client.on_depth(BTC, log := Log[Any]()) as subscription:
                log.wait(1, DepthSnapshot)
                assert subscription.state == SubscriptionState.LIVE
            assert subscription.state == SubscriptionState.ENDED
            wait_until(lambda: not still.subscriptions())
            still.drop_connections()
            until_ready(client, number)
        assert client.subscriptions == ()

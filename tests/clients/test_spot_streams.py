"""Every stream of the spot client against the local exchange: events, forms of registration, wire subscriptions."""

from __future__ import annotations

import threading
from decimal import Decimal

from client_rig import BTC, ETH, PATIENCE, Log, Watched, asked, members, running, spot

from bigone_sync import (
    Account,
    Candle,
    CandlePeriod,
    Channel,
    DepthSnapshot,
    DepthUpdate,
    Order,
    OrderBook,
    OrderState,
    Side,
    Subscription,
    SubscriptionState,
    Ticker,
    Trade,
)
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

D = Decimal


def test_depth_snapshot_and_unbroken_updates(still: LocalExchange) -> None:
    log: Log[DepthSnapshot | DepthUpdate] = Log()
    client = spot(still.spot_url)
    client.on_depth(BTC, log)
    with running(client):
        before = still.book(BTC)
        still.step(40, BTC)
        wait_until(lambda: log.items and log[-1].change_id == still.book(BTC).change_id)
    first, *rest = log
    assert isinstance(first, DepthSnapshot)
    assert (first.market, first.change_id, first.connection) == (BTC, before.change_id, "spot/depth")
    assert {level.price: level.amount for level in first.bids} == dict(before.bids)
    assert rest
    assert all(isinstance(update, DepthUpdate) for update in rest)
    assert [update.prev_id for update in log.of(DepthUpdate)] == [event.change_id for event in log.items[:-1]]
    assert all(event.received_at > 1e9 for event in log)


def test_trades_oldest_first_snapshot_then_updates(still: LocalExchange) -> None:
    still.step(100, BTC)
    log: Log[Trade] = Log()
    client = spot(still.spot_url)
    client.on_trade(BTC, log, limit=7)
    with running(client):
        still.step(200, BTC)
        there = still.trades(BTC)
        log_target = there[-1].id
        wait_until(lambda: log.items and log[-1].id == str(log_target))
    tail = [trade for trade in there if trade.id >= int(log[0].id)]
    assert [trade.id for trade in log] == [str(trade.id) for trade in tail]
    assert [trade.price for trade in log] == [trade.price for trade in tail]
    assert [trade.amount for trade in log] == [trade.amount for trade in tail]
    assert [trade.taker_side for trade in log] == [Side(trade.taker_side) for trade in tail]
    assert [trade.is_snapshot for trade in log] == [True] * 7 + [False] * (len(tail) - 7)
    assert asked(still, "subscribeMarketTradesRequest") == [{"market": BTC, "limit": 7}]


def test_tickers_of_one_of_several_and_of_all_markets(still: LocalExchange) -> None:
    one, several, everything = Log[Ticker](), Log[Ticker](), Log[Ticker]()
    client = spot(still.spot_url)
    client.on_ticker(BTC, one)
    both = client.on_ticker([BTC, ETH, BTC], several)
    client.on_ticker([], everything)
    assert [key.market for key in both.keys] == [BTC, ETH]
    with running(client):
        still.step(60)
        for log in (several, everything):
            wait_until(lambda log=log: {t.market for t in log if not t.is_snapshot} == {BTC, ETH})  # type: ignore[misc]
        one.wait(2)
    assert {ticker.market for ticker in one} == {BTC}
    assert all(isinstance(ticker, Ticker) and isinstance(ticker.close, Decimal) for ticker in everything)
    # All tickers that were wanted by name went into one request.
    assert asked(still, "subscribeMarketsTickerRequest") == [{"markets": [BTC, ETH]}, {"markets": []}]


def test_candles_of_two_periods_do_not_mix(still: LocalExchange) -> None:
    still.step(50)
    minute, hour = Log[Candle](), Log[Candle]()
    client = spot(still.spot_url)
    client.on_candle(BTC, "MIN1", minute, limit=3)
    client.on_candle(BTC, CandlePeriod.HOUR1, hour)
    with running(client):
        still.step(100, BTC)
        minute.wait(2)
        hour.wait(2)
    assert {candle.period for candle in minute} == {CandlePeriod.MIN1}
    assert {candle.period for candle in hour} == {CandlePeriod.HOUR1}
    assert not minute[-1].is_snapshot
    requests = asked(still, "subscribeMarketCandlesRequest")
    assert requests[0] == {"market": BTC, "period": "MIN1", "limit": 3}
    assert requests[1]["period"] == "HOUR1"


def test_accounts_snapshot_and_update(still: LocalExchange) -> None:
    log: Log[Account] = Log()
    client = spot(still.spot_url, private=True)
    client.on_account(log)
    with running(client):
        wait_until(lambda: {account.asset for account in log} >= {"BTC", "USDT"})
        still.place_order(BTC, "BID", price="1", amount="10")
        wait_until(lambda: log.items and not log[-1].is_snapshot)
    assert (log[-1].asset, log[-1].locked_balance) == ("USDT", D(10))
    assert log[-1].available == log[-1].balance - 10
    assert log[0].is_snapshot
    assert log[0].connection == "spot/private"


def test_orders_of_one_market_and_of_all(still: LocalExchange) -> None:
    before = still.place_order(BTC, "BID", price="2", amount="1")
    btc, everything = Log[Order](), Log[Order]()
    client = spot(still.spot_url, private=True)
    client.on_order(BTC, btc)
    client.on_order(everything)
    with running(client):
        mine = still.place_order(BTC, "BID", price="1", amount="3", client_order_id="abc")
        other = still.place_order(ETH, "ASK", price="99999", amount="1")
        still.cancel_order(mine)
        wait_until(lambda: everything.items and everything[-1].is_final)
        wait_until(lambda: btc.items and btc[-1].is_final)
    assert [(order.id, order.state, order.is_snapshot) for order in btc] == [
        (before, OrderState.PENDING, True),
        (mine, OrderState.PENDING, False),
        (mine, OrderState.CANCELLED, False),
    ]
    assert [(order.id, order.market) for order in everything] == [(mine, BTC), (other, ETH), (mine, BTC)]
    assert (btc[1].client_order_id, btc[1].price, btc[1].side) == ("abc", D(1), Side.BUY)


def test_book_handler_sees_the_newest_book(still: LocalExchange) -> None:
    tops: list[tuple[int | None, bool]] = []
    client = spot(still.spot_url)
    client.on_book(BTC, lambda book: tops.append((book.change_id, book.is_live)))
    with running(client):
        still.step(30, BTC)
        wait_until(lambda: tops and tops[-1] == (still.book(BTC).change_id, True))
    assert [ident for ident, _ in tops] == sorted(ident or 0 for ident, _ in tops)


# -- forms of registration ----------------------------------------------------------------------------------------


def test_direct_form_returns_a_subscription_and_decorator_the_function(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    seen: list[str] = []

    def handler(event: object) -> None:
        seen.append(type(event).__name__)

    assert isinstance(client.on_depth(BTC, handler), Subscription)
    decorators = [
        client.on_depth(BTC),
        client.on_book(BTC),
        client.on_trade(BTC, limit=3),
        client.on_ticker(BTC),
        client.on_candle(BTC, "MIN1"),
        client.on_account(),
        client.on_order(),
        client.on_order(BTC),
    ]
    assert all(decorate(handler) is handler for decorate in decorators)
    assert client.on_error(handler) is handler
    assert client.on_gap(handler) is handler
    with running(client):
        still.place_order(BTC, "BID", price="1", amount="1")
        wanted = {"DepthSnapshot", "OrderBook", "Trade", "Ticker", "Candle", "Account", "Order"}
        still.step(50, BTC)
        wait_until(lambda: set(seen) >= wanted, message=f"{wanted} in {set(seen)}")
    assert handler not in client.subscriptions


def test_bare_decorators(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    orders, accounts, errors = Log[Order](), Log[Account](), Log[object]()

    @client.on_order
    def order(event: Order) -> None:
        orders(event)

    @client.on_account
    def account(event: Account) -> None:
        accounts(event)

    @client.on_error
    def error(event: object) -> None:
        errors(event)

    with running(client):
        still.place_order(BTC, "BID", price="1", amount="1")
        orders.wait(1, Order)
        accounts.wait(1, Account)
        still.send_raw("no json")
        errors.wait(1)
    # A decorated name can still be called like the function.
    order(orders[0])
    assert orders[-1] is orders[0]
    assert callable(error)


def test_registration_after_start_is_the_same(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    early, late = Log[Trade](), Log[Trade]()
    with running(client):
        client.on_trade(BTC, early)
        client.on_order(Log())
        client.wait_ready(PATIENCE)
        client.on_trade(ETH, late)
        client.wait_ready(PATIENCE)
        still.step(80)
        early.wait(2, Trade)
        late.wait(2, Trade)
    assert {trade.market for trade in early} == {BTC}
    assert {trade.market for trade in late} == {ETH}
    watched.assert_quiet()


def test_several_handlers_share_one_wire_subscription_in_order(still: LocalExchange) -> None:
    calls: list[str] = []
    client = spot(still.spot_url)
    for name in ("first", "second", "third"):
        client.on_depth(BTC, lambda _, name=name: calls.append(name))  # type: ignore[misc]
    with running(client):
        still.step(10, BTC)
        wait_until(lambda: len(calls) >= 15 and len(calls) % 3 == 0)
        client.on_depth(BTC, lambda _: calls.append("late"))
        calls.clear()
        still.step(20, BTC)
        wait_until(lambda: len(calls) >= 12 and len(calls) % 4 == 0)
    assert calls == ["first", "second", "third", "late"] * (len(calls) // 4)
    assert members(still) == ["subscribeMarketDepthRequest"]


def test_same_name_for_different_channels_is_no_shared_stream(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    one, other = client.subscribe(Channel.DEPTH, BTC), client.subscribe("trades", BTC)
    assert one.key != other.key
    with running(client):
        assert isinstance(next(one.events(PATIENCE)), DepthSnapshot)
        assert isinstance(next(other.events(PATIENCE)), Trade)


def test_closing_the_last_handler_unsubscribes_and_others_go_on(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    one, two = Log[DepthUpdate](), Log[DepthUpdate]()
    first, second = client.on_depth(BTC, one), client.on_depth(BTC, two)
    with running(client):
        two.wait(1)
        first.close()
        first.close()
        assert first.state == SubscriptionState.ENDED
        assert second.state == SubscriptionState.LIVE
        seen = len(one)
        still.step(30, BTC)
        two.wait(3)
        assert len(one) == seen
        assert members(still) == ["subscribeMarketDepthRequest"]
        second.close()
        wait_until(lambda: members(still)[-1] == "unsubscribeMarketDepthRequest")
        wait_until(lambda: not still.subscriptions())
        assert client.subscriptions == ()


def test_order_book_is_one_object_and_one_subscription(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    book = client.order_book(BTC)
    assert isinstance(book, OrderBook)
    assert client.order_book(BTC) is book
    with running(client):
        assert book.wait_live(PATIENCE)
        assert client.order_book(BTC) is book
    assert members(still) == ["subscribeMarketDepthRequest"]
    assert not book.is_live


def test_all_callbacks_run_on_the_worker_thread(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    log: Log[object] = Log()
    client.on_depth(BTC, log)
    client.on_trade(BTC, log)
    client.on_account(log)
    client.on_state(log)
    with running(client):
        log.wait(1, Account)
        names = {thread.name for thread in threading.enumerate()}
        assert {"bigone-spot/worker", "bigone-spot/keeper", "bigone-spot/depth", "bigone-spot/private"} <= names
    assert log.threads == {"bigone-spot/worker"}

"""SpotRest against the local exchange: each call's request field by field, and its result as the engine has it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal as D
from typing import Any

import pytest
from local_rig import BTC, ETH, Requests, spot_rest

from bigone_sync import (
    CandlePeriod,
    Market,
    Side,
    SpotRest,
    TradingFee,
)
from bigone_sync.testing.exchange import LocalExchange

UTC = timezone.utc


@pytest.fixture
def rest(exchange: LocalExchange) -> Iterator[SpotRest]:
    with spot_rest(exchange) as rest:
        yield rest


def venue(exchange: LocalExchange) -> Any:
    return exchange._venue


# -- market data --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0, 300, -300])
def test_server_time(exchange: LocalExchange, rest: SpotRest, offset: int) -> None:
    exchange.clock_offset = offset
    earliest = datetime.now(UTC)
    found = rest.server_time()
    moved = timedelta(seconds=offset)
    assert earliest + moved <= found <= datetime.now(UTC) + moved
    (request,) = exchange.rest_requests
    assert (request.method, request.path, request.query, request.body) == ("GET", "/api/v3/ping", (), b"")
    assert "Authorization" not in request.headers


def test_asset_pairs(exchange: LocalExchange, rest: SpotRest, asked: Requests) -> None:
    markets = rest.asset_pairs()
    asked.expect("GET", "/asset_pairs")
    assert [(market.name, market.base_asset, market.quote_asset) for market in markets] == [
        (BTC, "BTC", "USDT"),
        (ETH, "ETH", "USDT"),
    ]
    for market in markets:
        assert isinstance(market, Market)
        assert (market.tick_size, market.lot_size) == (D("0.01"), D("0.00000001"))
        assert market.min_quote_value is not None
        assert market.max_quote_value is not None
        assert market.min_quote_value < market.max_quote_value
        assert market.id


def test_tickers(exchange: LocalExchange, rest: SpotRest, asked: Requests) -> None:
    exchange.step(50)
    one = rest.ticker(BTC)
    asked.expect("GET", f"/asset_pairs/{BTC}/ticker")
    every = rest.tickers()
    asked.expect("GET", "/asset_pairs/tickers")
    some = rest.tickers([ETH, BTC])
    asked.expect("GET", "/asset_pairs/tickers", {"pair_names": f"{ETH},{BTC}"})
    assert rest.tickers(ETH) == some[:1]
    assert every == (one, some[0])
    assert [ticker.market for ticker in some] == [ETH, BTC]
    view, bid, ask = venue(exchange).ticker(BTC)
    book = exchange.book(BTC)
    assert (one.open, one.high, one.low, one.close) == (view.open, view.high, view.low, view.close)
    assert (one.volume, one.daily_change) == (view.volume, view.daily_change)
    assert one.bid is not None
    assert one.ask is not None
    assert (one.bid.price, one.bid.amount, one.bid.order_count) == (bid.price, bid.amount, bid.order_count)
    assert (one.ask.price, one.ask.amount, one.ask.order_count) == (ask.price, ask.amount, ask.order_count)
    assert (one.bid.price, one.ask.price) == (next(iter(book.bids)), next(iter(book.asks)))
    assert one.close == exchange.trades(BTC)[-1].price


@pytest.mark.parametrize(("limit", "sent"), [({}, "50"), ({"limit": 3}, "3"), ({"limit": 200}, "200")])
def test_depth(exchange: LocalExchange, rest: SpotRest, asked: Requests, limit: dict[str, int], sent: str) -> None:
    exchange.step(50)
    found = rest.depth(BTC, **limit)
    asked.expect("GET", f"/asset_pairs/{BTC}/depth", {"limit": sent})
    book, most = exchange.book(BTC), int(sent)
    assert [(level.price, level.amount) for level in found.bids] == list(book.bids.items())[:most]
    assert [(level.price, level.amount) for level in found.asks] == list(book.asks.items())[:most]
    assert found.change_id is None
    assert (found.market, found.connection) == (BTC, "spot/rest")


def test_trades(exchange: LocalExchange, rest: SpotRest, asked: Requests) -> None:
    exchange.step(300, BTC)
    found = rest.trades(BTC)
    asked.expect("GET", f"/asset_pairs/{BTC}/trades")
    more = rest.trades(BTC, limit=150)
    asked.expect("GET", f"/asset_pairs/{BTC}/trades", {"limit": "150"})
    assert more[-len(found) :] == found
    there = [
        (str(trade.id), trade.price, trade.amount, Side(trade.taker_side), trade.time_ns // 1000)
        for trade in exchange.trades(BTC)
    ]
    since = datetime(1970, 1, 1, tzinfo=UTC)
    seen = [
        (trade.id, trade.price, trade.amount, trade.taker_side, (trade.time - since) // timedelta(microseconds=1))
        for trade in more
        if trade.time is not None
    ]
    assert len(seen) == len(more) > 1
    assert seen == there[-len(seen) :]
    assert {(trade.market, trade.is_snapshot) for trade in more} == {(BTC, True)}


@pytest.mark.parametrize("period", [period for period in CandlePeriod if period.is_known])
def test_candles_of_every_period(
    exchange: LocalExchange, rest: SpotRest, asked: Requests, period: CandlePeriod
) -> None:
    exchange.step(100, BTC)
    found = rest.candles(BTC, period, limit=20)
    asked.expect("GET", f"/asset_pairs/{BTC}/candles", {"period": period.name.lower(), "limit": "20"})
    tape = venue(exchange).listings[BTC].tape
    there = list(tape.candles(period.name, 20))
    assert [(one.open, one.high, one.low, one.close, one.volume) for one in found] == [
        (one.open, one.high, one.low, one.close, one.volume) for one in there
    ]
    assert [one.time for one in found] == [datetime.fromtimestamp(one.time_ns // 1_000_000_000, UTC) for one in there]
    assert {(one.market, one.period, one.is_snapshot) for one in found} == {(BTC, period, True)}


def test_candles_up_to_a_time(exchange: LocalExchange, rest: SpotRest, asked: Requests) -> None:
    exchange.step(100, BTC)
    path = f"/asset_pairs/{BTC}/candles"
    newest_first = rest.candles(BTC, "min1", limit=10)
    asked.take()
    until = newest_first[1].time
    assert until is not None
    oldest_first = rest.candles(BTC, "min1", limit=3, time=until, direction="asc")
    query = {"period": "min1", "limit": "3", "time": f"{until:%Y-%m-%dT%H:%M:%S}Z", "direction": "ASC"}
    asked.expect("GET", path, query)
    assert list(oldest_first) == list(reversed(newest_first[1:4]))


# -- own data -----------------------------------------------------------------------------------------------------


def test_accounts(exchange: LocalExchange, rest: SpotRest, asked: Requests) -> None:
    exchange.set_balance("BTC", "1.123456789")
    exchange.place_order(BTC, "ASK", "999999", "0.5")
    found = rest.accounts()
    asked.expect("GET", "/viewer/accounts", private=True)
    there = exchange.balances()
    assert {one.asset: (one.balance, one.locked_balance, one.available) for one in found} == {
        name: (one.balance, one.locked, one.available) for name, one in there.items()
    }
    btc = rest.account("BTC")
    asked.expect("GET", "/viewer/accounts/BTC", private=True)
    assert (btc.balance, btc.locked_balance, btc.is_snapshot) == (D("1.123456789"), D("0.5"), True)


def test_fills_over_many_pages(exchange: LocalExchange, rest: SpotRest, asked: Requests) -> None:
    maker = exchange.place_order(BTC, "BID", str(next(iter(exchange.book(BTC).bids)) + D("0.01")), "0.5")
    for _ in range(3):
        exchange.fill_order(maker, "0.1")
    for _ in range(3):
        exchange.place_order(BTC, "BID", amount="0.01", type="MARKET")
    exchange.place_order(BTC, "ASK", amount="0.05", type="MARKET")  # meets our own bid
    found = list(rest.fills(BTC, page_size=2))
    assert len(asked.take()) == len(found) // 2 + 1
    own = {view.id for view in exchange.orders()}
    there = [
        trade
        for trade in reversed(exchange.trades(BTC))
        if {str(trade.maker_order_id), str(trade.taker_order_id)} & own
    ]
    assert [(one.id, one.price, one.size) for one in found] == [(str(one.id), one.price, one.amount) for one in there]
    assert [one.role for one in found][-3:] == ["MAKER"] * 3
    assert {one.order_id for one in found[-3:]} == {maker}
    assert found[0].role is None
    assert found[0].side.value == "SELF_TRADING"
    fees = sum((one.fee for one in found if one.order_id == maker and one.fee is not None), D(0))
    (bid,) = (view for view in exchange.orders() if view.id == maker)
    assert fees == sum(one.fee or D(0) for one in found[-3:])
    assert fees < bid.filled_fees
    assert list(rest.fills(ETH)) == []
    asked.expect("GET", "/viewer/trades", {"asset_pair_name": ETH, "limit": "200"}, private=True)


def test_trading_fees(exchange: LocalExchange, rest: SpotRest, asked: Requests) -> None:
    every = rest.trading_fees()
    asked.expect("GET", "/viewer/trading_fees", private=True)
    assert [fee.market for fee in every] == [BTC, ETH]
    assert rest.trading_fees([ETH]) == every[1:]
    asked.expect("GET", "/viewer/trading_fees", {"asset_pair_names": ETH}, private=True)
    assert isinstance(every[0], TradingFee)
    taker = exchange.place_order(BTC, "ASK", amount="1", type="MARKET")
    (view,) = (view for view in exchange.orders() if view.id == taker)
    assert view.filled_fees == pytest.approx(view.avg_deal_price * view.filled_amount * every[0].taker_fee_rate)


def test_the_clock_is_measured(exchange: LocalExchange, rest: SpotRest) -> None:
    exchange.clock_offset = 123.0
    offset = rest.clock_offset(samples=3)
    assert abs(offset - 123.0) <= offset.error_bound + 0.001
    assert len(exchange.rest_requests) == 3
    assert abs(rest.clock() - time.time_ns() - 123_000_000_000) < 10_000_000_000

"""Every channel of the contract client, end to end against the local exchange."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal as D
from itertools import pairwise
from typing import Any

import pytest
from client_rig import PATIENCE, Log, Watched, running
from contract_rig import BTCUSD, BTCUSDT, ETHUSDT, contract, follows, until_follows, until_open

from bigone_sync import (
    Candle,
    CandlePeriod,
    Cash,
    Channel,
    ContractOrder,
    DepthSnapshot,
    DepthUpdate,
    Fill,
    Instrument,
    Limits,
    OrderState,
    Position,
    Side,
    Trade,
)
from bigone_sync.protocol.contract_wire import PERIODS
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

pytestmark = [pytest.mark.one_codec, pytest.mark.usefixtures("nothing_left")]


@pytest.fixture(params=["live", "documented"])
def sequence(request: pytest.FixtureRequest) -> str:
    """How deltas continue each other."""
    name: str = request.param
    return name


@pytest.fixture
def exchange(sequence: str) -> Iterator[LocalExchange]:
    with LocalExchange(seed=3, rate=0, contract_sequence=sequence) as exchange:
        yield exchange


def test_a_depth_stream_is_a_snapshot_and_what_continues_it(exchange: LocalExchange, sequence: str) -> None:
    client = contract(exchange)
    events: Log[Any] = Log()
    watched = Watched(client)  # type: ignore[arg-type]
    client.on_depth(BTCUSD, events)
    with running(client):  # type: ignore[type-var]
        exchange.step(60)
        wait_until(lambda: bool(events.of(DepthUpdate)), PATIENCE)
        wait_until(lambda: events[-1].change_id == exchange.contract_book(BTCUSD).change_id, PATIENCE)
    assert isinstance(events[0], DepthSnapshot)
    assert all(isinstance(event, DepthUpdate) for event in events.items[1:])
    step = {"live": 0, "documented": 1}[sequence]
    for before, after in pairwise(events):
        assert after.prev_id == before.change_id + step
        assert after.change_id >= after.prev_id
    # One counter for all contracts: what one of them sees has holes.
    assert any(after.change_id - before.change_id > 1 for before, after in pairwise(events))
    assert all(event.market == BTCUSD for event in events)
    assert all(level.order_count is None for event in events for level in (*event.bids, *event.asks))
    assert events[0].last_price is not None
    assert events.threads == {"bigone-contract/worker"}
    watched.assert_quiet()


def test_kept_books_follow_the_exchange(exchange: LocalExchange) -> None:
    client = contract(exchange)
    books = [client.order_book(symbol) for symbol in (BTCUSD, BTCUSDT, ETHUSDT)]
    shown: Log[Any] = Log()
    client.on_book(BTCUSD, shown)
    with running(client):  # type: ignore[type-var]
        for _ in range(5):
            exchange.step(20)
            for book in books:
                until_follows(book, exchange)
        until_open(exchange, *(f"depth@{symbol}" for symbol in (BTCUSD, BTCUSDT, ETHUSDT)))
    assert shown.items
    assert all(book is books[0] for book in shown)
    assert client.stats().touch_mismatches == 0
    assert not any(book.is_live for book in books)


def test_trades_come_once_oldest_first(exchange: LocalExchange) -> None:
    client = contract(exchange)
    trades: Log[Trade] = Log()
    client.on_trade(BTCUSDT, trades)
    with running(client):  # type: ignore[type-var]
        exchange.step(150)
        last = exchange.contract_trades(BTCUSDT)[-1]
        wait_until(lambda: bool(trades) and trades[-1].id == str(last.id), PATIENCE)
    truth = {str(trade.id): trade for trade in exchange.contract_trades(BTCUSDT)}
    ids = [trade.id for trade in trades]
    assert ids == list(truth)[-len(ids) :]
    for trade in trades:
        real = truth[trade.id]
        assert (trade.market, trade.price, trade.amount) == (BTCUSDT, real.price, real.amount)
        assert trade.taker_side == Side(real.taker_side)
        assert trade.time is not None
    assert not trades[-1].is_snapshot


@pytest.mark.parametrize("period", list(PERIODS))
def test_candles_of_every_period(period: CandlePeriod) -> None:
    with LocalExchange(seed=3, rate=0) as exchange:
        client = contract(exchange)
        candles: Log[Candle] = Log()
        client.on_candle(BTCUSD, PERIODS[period], candles)
        with running(client):  # type: ignore[type-var]
            until_open(exchange, f"candlesticks/{PERIODS[period]}@{BTCUSD}")
            first = len(candles.wait(1))
            assert candles[0].is_snapshot
            exchange.step(100)
            candles.wait(first + 1)
    last = candles[-1]
    assert (last.market, last.period) == (BTCUSD, period)
    assert last.low <= min(last.open, last.close) <= max(last.open, last.close) <= last.high
    assert last.close_time > last.time
    assert last.version is not None
    assert last.trade_count > 0
    assert last.turnover > 0


def test_instruments_of_all_contracts_take_one_socket(exchange: LocalExchange) -> None:
    client = contract(exchange)
    rows: Log[Instrument] = Log()
    client.on_instrument(rows)
    with running(client):  # type: ignore[type-var]
        rows.wait(3)
        assert {row.market for row in rows} == {BTCUSD, BTCUSDT, ETHUSDT}
        view = client.instruments()
        assert view.is_live
        assert set(view) == {BTCUSD, BTCUSDT, ETHUSDT}
        exchange.step(50)
        last = exchange.contract_trades(BTCUSD)[-1].price
        wait_until(lambda: client.instruments()[BTCUSD].latest_price == last, PATIENCE)
        until_open(exchange, "instruments")
    assert not client.instruments().is_live
    assert view[BTCUSD].mark_price is not None
    assert view[BTCUSD].next_funding_time is not None


def test_one_instrument_has_a_socket_of_its_own(exchange: LocalExchange) -> None:
    client = contract(exchange)
    rows: Log[Instrument] = Log()
    client.on_instrument(ETHUSDT, rows)
    with running(client):  # type: ignore[type-var]
        rows.wait(1)
        exchange.step(50)
        rows.wait(2)
        until_open(exchange, f"instruments@{ETHUSDT}")
    assert {row.market for row in rows} == {ETHUSDT}


def test_the_private_channels_share_a_socket(exchange: LocalExchange) -> None:
    client = contract(exchange, private=True)
    cash: Log[Cash] = Log()
    positions: Log[Position] = Log()
    of_btc: Log[Position] = Log()
    orders: Log[ContractOrder] = Log()
    fills: Log[Fill] = Log()
    client.on_cash(cash)
    client.on_position(positions)
    client.on_position(BTCUSDT, of_btc)
    client.on_order(orders)
    client.on_fill(BTCUSDT, fills)
    with running(client):  # type: ignore[type-var]
        until_open(exchange, "stream")
        wait_until(lambda: client.positions().is_live, PATIENCE)
        best = next(iter(exchange.contract_book(BTCUSDT).bids))
        order = exchange.place_contract_order(BTCUSDT, "BUY", 5, price=best)
        exchange.fill_contract_order(order, 2)
        wait_until(lambda: any(fill.order_id == order for fill in fills), PATIENCE)
        wait_until(lambda: client.position(BTCUSDT).size == 2, PATIENCE)  # type: ignore[union-attr]
        assert client.positions()[BTCUSDT] == client.position(BTCUSDT)
        assert client.cash("USDT").balances == exchange.cash()["USDT"].balances  # type: ignore[union-attr]
        assert exchange.cancel_contract_order(order)
        wait_until(lambda: orders[-1].is_final, PATIENCE)
    mine = [event for event in orders if event.id == order]
    assert [event.status for event in mine] == [
        OrderState.NEW,
        OrderState.PARTIALLY_FILLED,
        OrderState.PARTIALLY_CANCELED,
    ]
    assert mine[-1].filled == 2
    (fill,) = fills
    assert (fill.market, fill.side, fill.size, fill.price) == (BTCUSDT, Side.BUY, D(2), best)
    assert of_btc.items == [event for event in positions if event.market == BTCUSDT]
    assert {event.market for event in positions} == {BTCUSD, BTCUSDT, ETHUSDT}
    assert cash.threads == {"bigone-contract/worker"}


def test_the_documents_form_of_private_frames_is_understood() -> None:
    with LocalExchange(seed=3, rate=0, contract_ids="integer") as exchange:
        client = contract(exchange, private=True)
        orders: Log[ContractOrder] = Log()
        fills: Log[Fill] = Log()
        client.on_order(orders)
        client.on_fill(fills)
        with running(client):  # type: ignore[type-var]
            best = next(iter(exchange.contract_book(BTCUSDT).asks))
            order = exchange.place_contract_order(BTCUSDT, "SELL", 3, price=best)
            exchange.fill_contract_order(order)
            wait_until(lambda: bool(orders) and orders[-1].status == OrderState.FILLED, PATIENCE)
            fills.wait(1)
        assert orders[-1].id.isdigit()
        assert orders[-1].time is not None
        assert fills[0].role in ("MAKER", "TAKER")
        assert client.position(BTCUSDT).leverage is not None  # type: ignore[union-attr]


def test_what_is_kept_is_asked_for_if_nobody_has(exchange: LocalExchange) -> None:
    client = contract(exchange, private=True)
    with running(client):  # type: ignore[type-var]
        assert client.position(BTCUSD) is None
        wait_until(lambda: client.position(BTCUSD) is not None, PATIENCE)
        assert client.cash("USDT") is not None or client.cash_state().state.value in ("syncing", "live")
        wait_until(lambda: client.cash("USDT") is not None, PATIENCE)
        wait_until(lambda: BTCUSD in client.instruments(), PATIENCE)
        until_open(exchange, "stream", "instruments")


def test_events_can_be_iterated(exchange: LocalExchange) -> None:
    client = contract(exchange)
    trades = client.subscribe("trades", BTCUSD)
    with running(client):  # type: ignore[type-var]
        exchange.step(60)
        events = list(trades.events(timeout=0.3))
    assert events
    assert all(isinstance(event, Trade) for event in events)


def test_closing_the_last_subscription_closes_the_socket(exchange: LocalExchange) -> None:
    client = contract(exchange, limits=Limits(max_connections=2))
    first = client.on_trade(BTCUSD, Log())
    second = client.on_trade(BTCUSD, Log())
    book = client.order_book(BTCUSD)
    with running(client):  # type: ignore[type-var]
        until_open(exchange, f"trades@{BTCUSD}", f"depth@{BTCUSD}")
        first.close()
        until_open(exchange, f"trades@{BTCUSD}", f"depth@{BTCUSD}")
        second.close()
        until_open(exchange, f"depth@{BTCUSD}")
        client.on_trade(BTCUSDT, Log())  # its place is free again
        client.wait_ready(PATIENCE)
        until_open(exchange, f"trades@{BTCUSDT}", f"depth@{BTCUSD}")
        assert set(client.connections) == {f"trades@{BTCUSDT}", f"depth@{BTCUSD}"}
        assert follows(book, exchange)
    assert client.subscriptions[-1].key.channel == Channel.TRADES

"""Contract orders, signed positions and cash: what the exchange says must add up."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from bigone_sync.testing.exchange import LocalExchange

ROUNDING = Decimal("1e-12")
START = {"BTC": Decimal(1_000), "USDT": Decimal(10_000_000)}


@pytest.fixture
def exchange() -> LocalExchange:
    """Not started: commands and views work at rest as well."""
    return LocalExchange(rate=0)


def best(exchange: LocalExchange, symbol: str) -> tuple[Decimal, Decimal]:
    book = exchange.contract_book(symbol)
    return next(iter(book.bids)), next(iter(book.asks))


def status(exchange: LocalExchange, order_id: str) -> str:
    return next(order.status for order in exchange.contract_orders() if order.id == order_id)


def test_every_type_of_order_ends_as_it_should(exchange: LocalExchange) -> None:
    symbol = "BTCUSDT"
    bid, ask = best(exchange, symbol)
    held = exchange.contract_book(symbol).asks[ask]

    def place(type: str, size: Decimal | int, price: Decimal | None) -> str:
        return status(exchange, exchange.place_contract_order(symbol, "BUY", size, price=price, type=type))

    assert place("LIMIT", 1, bid) == "NEW"
    assert place("POST_ONLY", 1, bid) == "NEW"
    assert place("POST_ONLY", 1, ask) == "REJECTED"
    assert place("FOK", held + 1, ask) == "CANCELED"
    assert place("FOK", 1, ask) == "FILLED"
    assert place("IOC", 1, bid) == "CANCELED"
    assert place("IOC", held, ask) == "PARTIALLY_CANCELED"
    assert place("MARKET", 1, None) == "FILLED"
    assert place("MARKET", 10**6, None) == "PARTIALLY_CANCELED"
    assert not exchange.contract_book(symbol).asks
    assert place("LIMIT", 10**12, bid) == "REJECTED"
    assert place("LIMIT", 5, ask) == "NEW"
    assert next(iter(exchange.contract_book(symbol).bids)) == ask
    assert all(order.is_final == (order.status != "NEW") for order in exchange.contract_orders())


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"symbol": "XUSD"}, "no contract"),
        ({"side": "BID"}, "BUY or SELL"),
        ({"size": 0}, "size"),
        ({"size": "0.00001"}, "size"),
        ({"size": -1}, "size"),
        ({"price": "60000.3"}, "price"),
        ({"price": None}, "price"),
        ({"type": "STOP"}, "not an order"),
        ({"type": "MARKET"}, "price"),
    ],
)
def test_orders_without_sense_are_refused(exchange: LocalExchange, arguments: dict[str, object], word: str) -> None:
    good: dict[str, object] = {"symbol": "BTCUSD", "side": "BUY", "size": 1, "price": 60_000, "type": "LIMIT"}
    merged = {**good, **arguments}
    symbol, side, size = merged.pop("symbol"), merged.pop("side"), merged.pop("size")
    with pytest.raises(ValueError, match=word):
        exchange.place_contract_order(symbol, side, size, **merged)  # type: ignore[arg-type]
    assert exchange.contract_orders() == []


def test_unknown_orders_and_those_that_do_not_rest(exchange: LocalExchange) -> None:
    order_id = exchange.place_contract_order("BTCUSD", "BUY", 1, type="MARKET")
    assert not exchange.cancel_contract_order(order_id)
    with pytest.raises(ValueError, match="no resting order"):
        exchange.fill_contract_order(order_id)
    for do in (exchange.cancel_contract_order, exchange.fill_contract_order):
        with pytest.raises(ValueError, match="no own order"):
            do("4711")
    rests = exchange.place_contract_order("BTCUSD", "BUY", 1, price=1)
    with pytest.raises(ValueError, match="nothing to fill"):
        exchange.fill_contract_order(rests, 0)


def test_filling_takes_what_is_ahead_first(exchange: LocalExchange) -> None:
    bid, _ = best(exchange, "BTCUSD")
    order_id = exchange.place_contract_order("BTCUSD", "BUY", 10, price=bid)
    assert exchange.fill_contract_order(order_id, 4) == 4
    assert exchange.fill_contract_order(order_id, 100) == 6
    (order,) = exchange.contract_orders()
    assert (order.status, order.filled, order.avg_price) == ("FILLED", 10, bid)
    assert [fill.role for fill in exchange.contract_fills()] == ["MAKER", "MAKER"]
    book = exchange.contract_book("BTCUSD")
    assert len(book.bids) >= 10
    assert len(book.asks) >= 10


def test_a_linear_position_earns_the_way_of_the_price_times_the_multiplier(exchange: LocalExchange) -> None:
    bid, ask = best(exchange, "BTCUSDT")
    exchange.place_contract_order("BTCUSDT", "BUY", 10, price=ask, type="LIMIT")
    position = exchange.positions()["BTCUSDT"]
    assert (position.size, position.entry_price) == (10, ask)
    assert position.notional == 10 * ask * Decimal("0.001")
    assert position.unrealized_pnl == 10 * Decimal("0.001") * (position.mark_price - ask)
    exchange.place_contract_order("BTCUSDT", "SELL", 4, price=bid, type="IOC")
    position = exchange.positions()["BTCUSDT"]
    assert (position.size, position.entry_price) == (6, ask)
    assert position.realised_pnl == 4 * Decimal("0.001") * (bid - ask)
    fees = sum(fill.fee for fill in exchange.contract_fills())
    assert exchange.cash()["USDT"].balances == START["USDT"] + position.realised_pnl - fees
    assert [fill.fee for fill in exchange.contract_fills()] == [
        fill.notional * Decimal("0.0007") for fill in exchange.contract_fills()
    ]


def test_an_inverse_position_earns_coins_when_it_was_short_and_the_price_falls(exchange: LocalExchange) -> None:
    symbol = "BTCUSD"
    exchange.empty_book(symbol)
    sell = exchange.place_contract_order(symbol, "SELL", 60_000, price=60_000)
    exchange.fill_contract_order(sell)
    assert exchange.positions()[symbol].size == -60_000
    assert exchange.positions()[symbol].notional == -1
    buy = exchange.place_contract_order(symbol, "BUY", 60_000, price=50_000)
    exchange.fill_contract_order(buy)
    position = exchange.positions()[symbol]
    assert (position.size, position.entry_price, position.notional) == (0, 0, 0)
    assert position.realised_pnl == Decimal("0.2")
    assert position.seq_no == 2


def test_a_fill_beyond_the_position_turns_it_round(exchange: LocalExchange) -> None:
    symbol = "ETHUSDT"
    exchange.empty_book(symbol)
    for side, size, price in (("BUY", 5, 3000), ("SELL", 8, 3100)):
        exchange.fill_contract_order(exchange.place_contract_order(symbol, side, size, price=price))
    position = exchange.positions()[symbol]
    assert (position.size, position.entry_price) == (-3, 3100)
    assert position.realised_pnl == 5 * 100 * Decimal("0.01")


def test_the_account_may_trade_with_itself(exchange: LocalExchange) -> None:
    symbol = "ETHUSDT"
    exchange.empty_book(symbol)
    exchange.place_contract_order(symbol, "SELL", 2, price=3000)
    exchange.place_contract_order(symbol, "BUY", 2, price=3000)
    assert [order.status for order in exchange.contract_orders()] == ["FILLED", "FILLED"]
    fills = exchange.contract_fills()
    assert {(fill.side, fill.role) for fill in fills} == {("SELL", "MAKER"), ("BUY", "TAKER")}
    assert len({fill.id for fill in fills}) == 2
    assert exchange.positions()[symbol].size == 0


def test_an_order_that_closes_needs_no_margin(exchange: LocalExchange) -> None:
    symbol = "ETHUSDT"
    exchange.empty_book(symbol)
    price = exchange.instruments()[symbol].latest_price
    opening = exchange.place_contract_order(symbol, "BUY", 20_000_000, price=price)
    exchange.fill_contract_order(opening)
    assert exchange.cash()["USDT"].available < 3_000_000
    too_much = exchange.place_contract_order(symbol, "BUY", 20_000_000, price=price)
    closing = exchange.place_contract_order(symbol, "SELL", 20_000_000, price=price)
    assert (status(exchange, too_much), status(exchange, closing)) == ("REJECTED", "NEW")


def check(exchange: LocalExchange) -> None:
    """Everything that the exchange says of the account agrees with everything else that it says."""
    fills, orders, cash = exchange.contract_fills(), exchange.contract_orders(), exchange.cash()
    positions = exchange.positions()
    earned = dict.fromkeys(START, Decimal(0))
    for symbol, position in positions.items():
        own = [fill for fill in fills if fill.market == symbol]
        assert position.size == sum(fill.size if fill.side == "BUY" else -fill.size for fill in own)
        assert position.realised_pnl == sum(fill.pnl for fill in own)
        assert position.total_pnl == position.realised_pnl + position.unrealized_pnl
        assert (position.entry_price == 0) == (position.size == 0)
        # What came in and went out, and what the rest has cost, is what was earned.
        flow = sum(fill.notional if fill.side == "SELL" else -fill.notional for fill in own)
        sign = -1 if symbol == "BTCUSD" else 1
        assert abs(sign * (flow + position.notional) - position.realised_pnl) < ROUNDING
        still = [order for order in orders if order.market == symbol and not order.is_final]
        assert position.buying_size == sum(order.size - order.filled for order in still if order.side == "BUY")
        assert position.selling_size == -sum(order.size - order.filled for order in still if order.side == "SELL")
        earned[position.currency] += sum(fill.pnl - fill.fee for fill in own)
    for order in orders:
        own = [fill for fill in fills if fill.order_id == order.id]
        assert order.filled == sum(fill.size for fill in own)
        assert order.filled_notional == sum(fill.notional for fill in own)
        prices = [fill.price for fill in own]
        if own:
            assert min(prices) * Decimal("0.999999") <= order.avg_price <= max(prices) * Decimal("1.000001")
        done = {"NEW": order.filled == 0, "FILLED": order.filled == order.size, "CANCELED": order.filled == 0}
        assert done.get(order.status, True)
    for currency, row in cash.items():
        held = [position for position in positions.values() if position.currency == currency]
        assert row.balances == START[currency] + earned[currency]
        assert row.position_margin == sum(position.margin for position in held)
        assert row.order_margin == sum(position.order_margin for position in held)
        assert row.margin == row.position_margin + row.order_margin
        assert row.unrealized_pnl == sum(position.unrealized_pnl for position in held)
        assert row.margin_balances == row.balances + row.unrealized_pnl
        assert row.available == max(row.margin_balances - row.margin, Decimal(0))


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_done_adds_up(seed: int) -> None:
    exchange = LocalExchange(rate=0, seed=seed)
    rng = random.Random(seed)
    for turn in range(150):
        symbol = rng.choice(["BTCUSD", "BTCUSDT", "ETHUSDT"])
        roll = rng.random()
        still = [order for order in exchange.contract_orders() if not order.is_final]
        if roll < 0.5:
            side = rng.choice(["BUY", "SELL"])
            kind = rng.choice(["LIMIT", "LIMIT", "MARKET", "IOC", "FOK", "POST_ONLY"])
            prices = list(exchange.contract_book(symbol).bids) + list(exchange.contract_book(symbol).asks)
            size = Decimal(rng.randint(1, 3000)) / rng.choice([1, 1, 2, 10])
            price = None if kind == "MARKET" else rng.choice(prices)
            exchange.place_contract_order(symbol, side, size, price=price, type=kind)
        elif roll < 0.7 and still:
            order = rng.choice(still)
            exchange.fill_contract_order(order.id, None if rng.random() < 0.5 else Decimal(rng.randint(1, 500)))
        elif roll < 0.85 and still:
            assert exchange.cancel_contract_order(rng.choice(still).id)
        else:
            exchange.step(rng.randint(1, 30), market=symbol)
        if turn % 10 == 0:
            check(exchange)
    check(exchange)
    assert {"FILLED", "CANCELED", "PARTIALLY_CANCELED"} <= {order.status for order in exchange.contract_orders()}

"""The engine against a naive model, and the account against arithmetic done by hand."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigone_sync.testing._book import ASK, BID, Batch
from bigone_sync.testing._ledger import Ledger
from bigone_sync.testing.market import FIRST_CHANGE_ID, Market

D = Decimal
RICH = {"BTC": D(1_000_000), "USDT": D(1_000_000_000)}


def make(balances: dict[str, Decimal] | None = None) -> tuple[Market, Ledger]:
    ledger = Ledger(RICH if balances is None else balances)
    return Market("BTC-USDT", ledger, seed=3), ledger


# -- a naive model ------------------------------------------------------------------------------------------------


@dataclass
class Resting:
    id: int
    side: str
    price: Decimal
    left: Decimal


class Naive:
    """Matches by sorting everything, every time."""

    def __init__(self) -> None:
        self.resting: list[Resting] = []

    def place(self, id: int, side: str, price: Decimal | None, amount: Decimal, ioc: bool) -> list[tuple[object, ...]]:
        sign = 1 if side == BID else -1
        makers = sorted((r for r in self.resting if r.side != side), key=lambda r: (sign * r.price, r.id))
        trades: list[tuple[object, ...]] = []
        for maker in makers:
            if not amount or (price is not None and sign * maker.price > sign * price):
                break
            quantity = min(maker.left, amount)
            maker.left -= quantity
            amount -= quantity
            trades.append((maker.id, id, maker.price, quantity, side))
        self.resting = [r for r in self.resting if r.left]
        if amount and price is not None and not ioc:
            self.resting.append(Resting(id, side, price, amount))
        return trades

    def cancel(self, id: int) -> bool:
        before = len(self.resting)
        self.resting = [r for r in self.resting if r.id != id]
        return len(self.resting) < before

    def levels(self, side: str) -> dict[Decimal, tuple[Decimal, int]]:
        found: dict[Decimal, tuple[Decimal, int]] = {}
        for r in self.resting:
            if r.side == side:
                amount, count = found.get(r.price, (D(0), 0))
                found[r.price] = amount + r.left, count + 1
        return found


Operation = tuple[str, str, int, int, bool]
operations = st.lists(
    st.tuples(
        st.sampled_from(["limit", "limit", "limit", "ioc", "market", "cancel"]),
        st.sampled_from([BID, ASK]),
        st.integers(1, 12),  # price in ticks, or which order to cancel
        st.integers(1, 40),  # amount in hundredths
        st.booleans(),  # own
    ),
    max_size=60,
)


def run(market: Market, operation: Operation, ids: list[int], naive: Naive) -> list[tuple[object, ...]]:
    kind, side, number, hundredths, own = operation
    amount = D(hundredths).scaleb(-2)
    if kind == "cancel":
        if ids:
            chosen = ids[number % len(ids)]
            assert market.cancel(chosen) == naive.cancel(chosen)
        return []
    price = None if kind == "market" else D(number).scaleb(-2)
    order_id = market.place(
        side, amount, price=price, type="MARKET" if price is None else "LIMIT", ioc=kind == "ioc", own=own
    )
    ids.append(order_id)
    return naive.place(order_id, side, price, amount, kind == "ioc")


@given(operations)
def test_every_trade_and_level_is_what_price_time_priority_says(script: list[Operation]) -> None:
    market, _ = make()
    naive = Naive()
    ids: list[int] = []
    published: dict[str, dict[Decimal, tuple[Decimal, int]]] = {BID: {}, ASK: {}}
    last_trade_id = 0
    for operation in script:
        expected = run(market, operation, ids, naive)
        batch = market.commit()
        assert [(t.maker_order_id, t.taker_order_id, t.price, t.amount, t.taker_side) for t in batch.trades] == expected
        for trade in batch.trades:
            assert trade.id > last_trade_id
            last_trade_id = trade.id
        for side, changes in ((BID, batch.bids), (ASK, batch.asks)):
            for change in changes:
                if change.amount:
                    published[side][change.price] = change.amount, change.order_count
                else:
                    assert change.order_count == 0
                    published[side].pop(change.price, None)
            assert published[side] == naive.levels(side)
        assert (batch.change_id > batch.prev_id) == bool(batch.bids or batch.asks)
        assert market.view().bids == {price: amount for price, (amount, _) in published[BID].items()}
        assert list(market.view().bids) == sorted(published[BID], reverse=True)
        assert list(market.view().asks) == sorted(published[ASK])
        bid, ask = market.best_price(BID), market.best_price(ASK)
        assert bid is None or ask is None or bid < ask


@given(operations)
def test_no_amount_and_no_money_appears_or_vanishes(script: list[Operation]) -> None:
    market, ledger = make()
    naive = Naive()
    ids: list[int] = []
    trades = []
    for operation in script:
        run(market, operation, ids, naive)
        trades += market.commit().trades
    base, quote, fees = RICH["BTC"], RICH["USDT"], D("0.001")
    locked = {"BTC": D(0), "USDT": D(0)}
    for order in market.own_orders():
        fills = [t for t in trades if int(order.id) in (t.maker_order_id, t.taker_order_id)]
        bought, paid = sum((t.amount for t in fills), D(0)), sum((t.amount * t.price for t in fills), D(0))
        # An order that trades with another own one appears once as maker and once as taker, in its own row each.
        assert order.filled_amount == bought
        sign = 1 if order.side == BID else -1
        base += sign * bought
        quote -= sign * paid
        left = order.amount - order.filled_amount
        if order.side == BID:
            base -= bought * fees
            assert order.filled_fees == bought * fees
        else:
            quote -= paid * fees
            assert order.filled_fees == paid * fees
        if order.state == "PENDING":
            assert left > 0
            assert order.price is not None
            locked["USDT" if order.side == BID else "BTC"] += left * (order.price if order.side == BID else 1)
        else:
            assert order.state == ("CANCELLED" if left else "FILLED")
    assert ledger.balance("BTC").balance == base
    assert ledger.balance("USDT").balance == quote
    assert ledger.balance("BTC").locked == locked["BTC"]
    assert ledger.balance("USDT").locked == locked["USDT"]


# -- the account --------------------------------------------------------------------------------------------------


def states(batch: Batch) -> list[tuple[str, Decimal]]:
    return [(order.state, order.filled_amount) for order in batch.orders]


def test_an_own_order_is_reported_at_each_of_its_states() -> None:
    market, _ = make()
    market.set_time(1_000)
    order_id = market.place(BID, D(3), price=D("10.00"), own=True, client_order_id="c1")
    market.set_time(2_000)
    market.place(ASK, D(1), price=D("9.00"))
    market.place(ASK, D(2), type="MARKET")
    batch = market.commit()
    assert states(batch) == [("PENDING", D(0)), ("PENDING", D(1)), ("FILLED", D(3))]
    last = batch.orders[-1]
    assert (last.id, last.client_order_id, last.avg_deal_price, last.market) == (
        str(order_id),
        "c1",
        D(10),
        "BTC-USDT",
    )
    assert (last.created_ns, last.updated_ns) == (1_000, 2_000)


def test_a_buy_that_gets_a_better_price_gives_the_difference_back() -> None:
    market, ledger = make({"BTC": D(0), "USDT": D(100)})
    market.place(ASK, D(1), price=D("20.00"))
    market.place(BID, D(2), price=D("50.00"), own=True)
    assert (ledger.balance("USDT").balance, ledger.balance("USDT").locked) == (D(80), D(50))
    assert ledger.balance("BTC").balance == D("0.999")
    assert ledger.balance("USDT").available == D(30)


def test_a_cancelled_order_unlocks_what_is_left_of_it() -> None:
    market, ledger = make({"BTC": D(10), "USDT": D(0)})
    order_id = market.place(ASK, D(4), price=D("7.00"), own=True)
    market.place(BID, D(1), price=D("7.00"))
    assert ledger.balance("BTC").locked == D(3)
    assert market.cancel(order_id)
    assert not market.cancel(order_id)
    assert (ledger.balance("BTC").balance, ledger.balance("BTC").locked) == (D(9), D(0))
    assert states(market.commit())[-1] == ("CANCELLED", D(1))


@pytest.mark.parametrize(
    ("side", "price", "type"),
    [(BID, D("20.00"), "LIMIT"), (ASK, D("20.00"), "LIMIT"), (BID, None, "MARKET"), (ASK, None, "MARKET")],
)
def test_what_the_account_cannot_pay_for_is_rejected_and_touches_nothing(
    side: str, price: Decimal | None, type: str
) -> None:
    market, ledger = make({"BTC": D(1), "USDT": D(19)})
    market.place(BID, D(5), price=D("9.00"))
    market.place(ASK, D(5), price=D("20.00"))
    market.commit()
    market.place(side, D("1.1"), price=price, type=type, own=True)
    batch = market.commit()
    assert states(batch) == [("REJECTED", D(0))]
    assert (batch.trades, batch.bids, batch.asks, batch.balances) == ((), (), (), ())
    assert ledger.balance("USDT").available == D(19)


def test_a_market_order_never_rests() -> None:
    market, _ = make()
    market.place(ASK, D(1), price=D("5.00"))
    order_id = market.place(BID, D(3), type="MARKET", own=True)
    assert not market.is_open(order_id)
    assert states(market.commit()) == [("PENDING", D(1)), ("CANCELLED", D(1))]
    assert not market.view().bids


@pytest.mark.parametrize(("operator", "trigger"), [(None, "11.00"), ("GTE", "11.00"), ("LTE", "9.00")])
def test_a_stop_order_waits_fires_and_then_rests(operator: str | None, trigger: str) -> None:
    market, ledger = make({"BTC": D(0), "USDT": D(1_000)})
    market.place(ASK, D(1), price=D("10.00"))
    market.place(BID, D(1), type="MARKET")
    order_id = market.place(
        BID, D(2), price=D("8.00"), type="STOP_LIMIT", stop_price=D(trigger), operator=operator, own=True
    )
    batch = market.commit()
    assert states(batch) == [("PENDING", D(0))]
    assert not batch.bids
    assert ledger.balance("USDT").locked == D(16)
    market.place(ASK, D(1), price=D(trigger))
    market.place(BID, D(1), type="MARKET")
    batch = market.commit()
    assert [order.state for order in batch.orders] == ["FIRED", "PENDING"]
    assert market.view().bids == {D("8.00"): D(2)}
    assert market.fill(order_id) == D(2)
    assert states(market.commit()) == [("FILLED", D(2))]


def test_a_stop_market_order_trades_when_fired_or_is_cancelled_for_lack_of_money() -> None:
    market, ledger = make({"BTC": D(0), "USDT": D(15)})
    market.place(ASK, D(1), price=D("10.00"))
    market.place(ASK, D(5), price=D("12.00"))
    market.place(BID, D("0.5"), type="STOP_MARKET", stop_price=D("10.00"), operator="GTE", own=True)
    market.place(BID, D(4), type="STOP_MARKET", stop_price=D("10.00"), operator="GTE", own=True)
    market.place(BID, D(1), type="MARKET")
    assert states(market.commit())[2:] == [("FIRED", D(0)), ("FILLED", D("0.5")), ("FIRED", D(0)), ("CANCELLED", D(0))]
    assert ledger.balance("USDT").balance == D(9)


def test_a_waiting_stop_order_can_be_cancelled_and_never_fires() -> None:
    market, ledger = make({"BTC": D(3), "USDT": D(0)})
    market.place(BID, D(9), price=D("10.00"))
    order_id = market.place(ASK, D(3), type="STOP_MARKET", stop_price=D("10.00"), operator="LTE", own=True)
    assert ledger.balance("BTC").locked == D(3)
    assert market.cancel(order_id)
    market.place(ASK, D(1), type="MARKET")
    assert ledger.balance("BTC").available == D(3)
    assert [state for state, _ in states(market.commit())] == ["PENDING", "CANCELLED"]


def test_filling_an_order_serves_everything_ahead_of_it_first() -> None:
    market, _ = make()
    better = market.place(BID, D(1), price=D("11.00"))
    earlier = market.place(BID, D(2), price=D("10.00"))
    mine = market.place(BID, D(4), price=D("10.00"), own=True)
    later = market.place(BID, D(8), price=D("10.00"))
    market.commit()
    assert market.fill(mine, D("1.5")) == D("1.5")
    assert [(t.maker_order_id, t.amount) for t in market.commit().trades] == [
        (better, D(1)),
        (earlier, D(2)),
        (mine, D("1.5")),
    ]
    assert market.is_open(later)
    with pytest.raises(ValueError, match="nothing to fill"):
        market.fill(mine, D(0))
    assert market.fill(mine, D(100)) == D("2.5")
    with pytest.raises(ValueError, match="no resting order"):
        market.fill(mine)


@pytest.mark.parametrize(
    "order",
    [
        {"side": "BUY", "price": D(1)},
        {"side": BID, "type": "FOK", "price": D(1)},
        {"side": BID, "price": D(1), "amount": D(0)},
        {"side": BID, "price": D(1), "amount": D(-1)},
        {"side": BID, "price": D(1), "amount": D("1e-9")},
        {"side": BID},
        {"side": BID, "price": D("0.001")},
        {"side": BID, "price": D(0)},
        {"side": BID, "type": "MARKET", "price": D(1)},
        {"side": BID, "type": "STOP_LIMIT", "price": D(1)},
        {"side": BID, "price": D(1), "stop_price": D(1)},
        {"side": BID, "type": "STOP_MARKET", "stop_price": D(1), "operator": "EQ"},
    ],
)
def test_an_order_that_makes_no_sense_is_refused(order: dict[str, object]) -> None:
    market, _ = make()
    with pytest.raises(ValueError, match=r"order|amount|price"):
        market.place(**{"amount": D(1), **order})  # type: ignore[arg-type]
    assert not market.own_orders()


def test_change_ids_chain_are_seeded_and_no_double_holds_them() -> None:
    def ids(seed: int) -> list[tuple[int, int]]:
        market = Market("BTC-USDT", Ledger(RICH), seed=seed)
        found = []
        for _ in range(30):
            market.place(BID, D(1), price=D(1))
            batch = market.commit()
            found.append((batch.prev_id, batch.change_id))
        return found

    chain = ids(1)
    assert chain[0][0] == FIRST_CHANGE_ID
    assert [prev for prev, _ in chain[1:]] == [change for _, change in chain[:-1]]
    assert len({change - prev for prev, change in chain}) > 1
    assert int(float(FIRST_CHANGE_ID)) != FIRST_CHANGE_ID
    assert ids(1) == chain
    assert ids(2) != chain


def test_time_never_runs_backwards() -> None:
    market, _ = make()
    market.set_time(5)
    market.set_time(3)
    market.place(BID, D(1), price=D(1), own=True)
    assert market.commit().orders[0].created_ns == 5


def test_a_balance_cannot_fall_below_what_is_locked() -> None:
    market, ledger = make()
    market.place(ASK, D(5), price=D(1), own=True)
    with pytest.raises(ValueError, match="locked"):
        ledger.set_balance("BTC", D(4))
    ledger.set_balance("BTC", D(5))
    assert ledger.balance("BTC").available == 0

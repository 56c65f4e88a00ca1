"""The crowd: deep, never crossed, the same for the same seed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bigone_sync.testing._book import ASK, BID, Trade
from bigone_sync.testing._flow import Flow
from bigone_sync.testing._ledger import Ledger
from bigone_sync.testing.market import Market

NOW = 1_700_000_000 * 1_000_000_000


def make(seed: int = 1, name: str = "BTC-USDT") -> tuple[Market, Flow]:
    market = Market(name, Ledger({}), seed=seed)
    flow = Flow(market, seed=seed)
    flow.seed_history(NOW)
    return market, flow


def history(seed: int, steps: int, name: str = "BTC-USDT") -> tuple[list[Trade], dict[Decimal, Decimal]]:
    market, flow = make(seed, name)
    trades = list(market.commit().trades)
    for _ in range(steps):
        flow.step()
        trades += market.commit().trades
    return trades, dict(market.view().bids)


def test_the_same_seed_gives_the_same_market() -> None:
    assert history(7, 500) == history(7, 500)
    assert history(7, 500) != history(8, 500)


def test_markets_of_one_seed_differ() -> None:
    assert [t.amount for t in history(1, 100)[0]] != [t.amount for t in history(1, 100, "ETH-USDT")[0]]


def test_the_history_lies_in_the_past_in_order_and_has_every_fraction_of_a_second() -> None:
    market, _ = make()
    trades = market.commit().trades
    times = [t.time_ns for t in trades]
    assert len(trades) == 30
    assert times == sorted(set(times))
    assert times[-1] < NOW
    assert times[0] > NOW - 30 * 3_600 * 1_000_000_000
    grains = {next(g for g in (10**9, 10**6, 10**3, 1) if t % g == 0) for t in times}
    assert grains == {10**9, 10**6, 10**3, 1}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_book_stays_deep_uncrossed_and_alive(seed: int) -> None:
    market, flow = make(seed)
    market.commit()
    trades, middles = 0, set()
    for _ in range(2_000):
        flow.step()
        batch = market.commit()
        trades += len(batch.trades)
        bid, ask = market.best_price(BID), market.best_price(ASK)
        assert bid is not None
        assert ask is not None
        assert bid < ask
        middles.add(bid + ask)
        assert 50 <= len(market.sides[BID]) <= 200
        assert 50 <= len(market.sides[ASK]) <= 200
    assert trades > 100
    assert len(middles) > 50


def test_a_swept_side_is_filled_up_again_and_too_many_levels_are_thinned_out() -> None:
    market, flow = make()
    market.place(BID, Decimal(1_000_000), type="MARKET")
    assert not market.sides[ASK]
    flow.replenish()
    assert len(market.sides[ASK]) >= 50
    for tick in range(300):
        market.place(ASK, Decimal(1), price=Decimal(70_000) + tick)
    flow.replenish()
    assert len(market.sides[ASK]) <= 200


def test_filling_up_takes_nothing_from_the_other_side() -> None:
    market, flow = make()
    wall = Decimal("60000.00")
    market.place(ASK, Decimal(1_000_000), price=wall)
    assert not market.sides[BID]
    market.commit()
    flow.replenish()
    assert market.commit().trades == ()
    assert len(market.sides[BID]) >= 50
    assert market.best_price(ASK) == wall


def test_no_room_for_levels_is_no_reason_to_hang() -> None:
    market, flow = make()
    market.place(ASK, Decimal(1_000_000), price=Decimal("0.01"))
    flow.replenish()
    assert market.best_price(ASK) == Decimal("0.01")

"""A slow handler: what waits, what is counted, who is told; nothing is lost."""

from __future__ import annotations

import time
from typing import Any

import pytest
from client_rig import BTC, ETH, PATIENCE, Gate, Log, Watched, running, spot

from bigone_sync import Channel, Limits, Order, SlowConsumer
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

# What a client does with its threads has nothing to do with the codec.
pytestmark = pytest.mark.one_codec


def test_blocking_loses_nothing_under_a_slow_handler(still: LocalExchange) -> None:
    client = spot(still.spot_url, limits=Limits(queue=10))
    watched, gate, seen = Watched(client), Gate(), Log[Any]()
    client.on_depth(BTC, lambda event: (gate(event), seen(event)))
    with running(client):
        still.step(400, BTC)
        wait_until(lambda: client.stats().queue_high_water >= 10)
        gate.go.set()
        wait_until(lambda: seen.items and seen[-1].change_id == still.book(BTC).change_id)
        stats = client.stats()
        wait_until(lambda: client.stats().delivered == len(seen))
    assert [event.prev_id for event in seen.items[1:]] == [event.change_id for event in seen.items[:-1]]
    assert stats.blocked_seconds > 0
    assert stats.dropped == 0
    assert stats.channels["depth"].queue_high_water <= 10 + 2
    slow = watched.errors.of(SlowConsumer)
    assert len(slow) >= 1
    assert slow[0].limit == 10
    assert not watched.gaps.items


def test_a_stuck_handler_is_one_episode(still: LocalExchange) -> None:
    client = spot(still.spot_url, limits=Limits(queue=10))
    watched, gate = Watched(client), Gate()
    client.on_depth(BTC, gate)
    client.on_trade(BTC, gate)
    with running(client):
        for _ in range(5):
            still.step(60, BTC)
        wait_until(lambda: client.stats().queue_high_water >= 10)
        gate.go.set()
        errors = watched.errors.wait(1, SlowConsumer)
    assert sorted({str(error).split(":")[0] for error in errors})[0] == "spot/depth"


def test_counts_add_up(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    Watched(client)
    gate = Gate()
    client.on_depth(BTC, lambda _: None)
    client.on_trade(BTC, gate)
    client.on_order(BTC, lambda _: None)
    iterated = client.subscribe(Channel.TICKER, BTC)
    with running(client):
        assert gate.entered.wait(PATIENCE)
        still.step(100, BTC)
        still.place_order(BTC, "BID", price="1", amount="1")
        wait_until(lambda: client.stats().queue_depth > 50)
        next(iterated.events(PATIENCE))
        during = client.stats()
        gate.go.set()
        wait_until(lambda: client.stats().channels["depth"].queue_depth == 0)
        for _ in iterated.events(0.05):
            pass
        wait_until(lambda: client.stats().queue_depth == 0)
        after = client.stats()
    assert after.events == after.delivered + after.dropped
    for name in ("depth", "trades", "ticker", "private"):
        channel = after.channels[name]
        assert channel.events == channel.delivered > 0
    assert during.events <= after.events
    assert after.events == sum(channel.events for channel in after.channels.values())


def test_orders_are_in_time_although_depth_is_stuck_in_the_queue(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True, limits=Limits(queue=20))
    orders: Log[Order] = Log()
    depth = Log[Any]()

    def slow(event: object) -> None:
        depth(event)
        time.sleep(0.02)

    client.on_depth(BTC, slow)
    client.on_order(orders)
    with running(client):
        still.step(300, BTC)
        wait_until(lambda: client.stats().channels["depth"].queue_high_water >= 20)
        still.place_order(ETH, "BID", price="1", amount="1")
        orders.wait(1)
        assert client.stats().channels["depth"].queue_depth > 0
        client.close(drain=False)

"""``Overflow.RESYNC``: what is discarded, what is announced, and that no handler sees a hole without a snapshot."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from client_rig import BTC, ETH, PATIENCE, Gate, Log, Watched, matches, running, spot

from bigone_sync import (
    Channel,
    ConfigurationError,
    DepthSnapshot,
    Gap,
    Limits,
    Overflow,
    SlowConsumer,
    SubscriptionState,
)
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until


def holes(events: list[Any]) -> list[tuple[int, int]]:
    """Where an update does not continue what the handler saw before."""
    return [
        (before.change_id, event.prev_id)
        for before, event in pairwise(events)
        if not isinstance(event, DepthSnapshot) and event.prev_id != before.change_id
    ]


def test_a_full_queue_is_discarded_announced_and_made_whole(still: LocalExchange) -> None:
    client = spot(still.spot_url, limits=Limits(queue=50))
    watched, gate, seen, other = Watched(client), Gate(), Log[Any](), Log[Any]()
    subscription = client.on_depth(BTC, lambda event: (gate(event), seen(event)), overflow=Overflow.RESYNC)
    client.on_depth(ETH, other)
    book = client.order_book(BTC)
    with running(client):
        assert gate.entered.wait(PATIENCE)
        still.step(150, BTC)
        wait_until(lambda: client.stats().dropped > 0)
        gate.go.set()
        [gap, *_] = watched.gaps.wait(1, Gap)
        wait_until(lambda: subscription.state == SubscriptionState.LIVE)
        wait_until(lambda: seen.items and seen[-1].change_id == still.book(BTC).change_id)
        wait_until(lambda: matches(book, still))
        wait_until(lambda: client.stats().queue_depth == 0)
        stats = client.stats()
    assert (gap.channel, gap.market) == (Channel.DEPTH, BTC)
    assert "discarded" in gap.reason
    assert len(seen.items) < 150
    assert not holes(seen.items)
    assert len(other.of(DepthSnapshot)) == 1
    assert stats.blocked_seconds == 0
    assert stats.events == stats.delivered + stats.dropped
    assert not watched.errors.of(SlowConsumer)


def test_what_came_in_the_same_read_as_the_overflow_is_not_delivered_behind_the_hole(still: LocalExchange) -> None:
    """Frames of two markets take turns, so that one read holds several runs of each."""
    client = spot(still.spot_url, limits=Limits(queue=30))
    gate, seen, other = Gate(), Log[Any](), Log[Any]()
    client.on_depth(BTC, lambda event: (gate(event), seen(event)), overflow=Overflow.RESYNC)
    client.on_depth(ETH, other, overflow=Overflow.RESYNC)
    with running(client):
        assert gate.entered.wait(PATIENCE)
        still.step(300)
        wait_until(lambda: client.stats().dropped > 0)
        gate.go.set()
        still.step(5)
        for market, log in ((BTC, seen), (ETH, other)):
            wait_until(lambda: log.items and log[-1].change_id == still.book(market).change_id)  # noqa: B023 - called at once
    assert not holes(seen.items)
    assert not holes(other.items)


def test_an_iterator_that_is_too_slow_is_resynchronised_too(still: LocalExchange) -> None:
    client = spot(still.spot_url, limits=Limits(queue=30))
    watched = Watched(client)
    subscription = client.subscribe(Channel.DEPTH, BTC, overflow=Overflow.RESYNC)
    with running(client):
        still.step(200, BTC)
        watched.gaps.wait(1)
        wait_until(lambda: subscription.state == SubscriptionState.LIVE)
        still.step(3, BTC)
        events = []
        for event in subscription.events(PATIENCE):
            events.append(event)
            if event.change_id == still.book(BTC).change_id:  # type: ignore[attr-defined]
                break
    assert not holes(events)
    assert isinstance(events[0], DepthSnapshot)


def test_private_streams_are_never_discarded(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    for register in (client.on_order, client.on_account):
        with pytest.raises(ConfigurationError, match="RESYNC") as caught:
            register(Log(), overflow=Overflow.RESYNC)  # type: ignore[call-overload]
        assert caught.value.argument == "overflow"
    assert client.subscriptions == ()


def test_handlers_of_one_stream_share_one_policy(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    client.on_depth(BTC, Log(), overflow=Overflow.RESYNC)
    with pytest.raises(ConfigurationError, match="already subscribed") as caught:
        client.on_depth(BTC, Log())
    assert caught.value.argument == "overflow"
    client.order_book(BTC)  # takes what is there
    client.on_trade(BTC, Log())
    assert len(client.subscriptions) == 3


def test_trades_that_were_discarded_are_announced(still: LocalExchange) -> None:
    client = spot(still.spot_url, limits=Limits(queue=40))
    watched, gate, seen = Watched(client), Gate(), Log[Any]()
    client.on_trade(BTC, lambda event: (gate(event), seen(event)), overflow=Overflow.RESYNC)
    with running(client):
        assert gate.entered.wait(PATIENCE)
        still.step(400, BTC)
        wait_until(lambda: client.stats().dropped > 0)
        gate.go.set()
        watched.gaps.wait(1)
        wait_until(lambda: client.stats().queue_depth == 0)
        stats = client.stats()
    ids = [int(trade.id) for trade in seen]
    assert ids == sorted(set(ids))
    assert watched.gaps[0].channel == Channel.TRADES
    assert stats.events == stats.delivered + stats.dropped


def test_a_slow_raw_handler_slows_the_reader_and_loses_nothing(still: LocalExchange) -> None:
    client = spot(still.spot_url, limits=Limits(queue=10))
    gate, frames = Gate(), Log[Any]()
    client.on_raw(lambda frame: (gate(frame), frames(frame)))
    book = client.order_book(BTC)
    with running(client):
        for _ in range(20):
            still.step(10, BTC)
        wait_until(lambda: client.stats().queue_high_water >= 10)
        assert client.stats().queue_high_water <= 12
        gate.go.set()
        wait_until(lambda: matches(book, still))
        wait_until(lambda: client.stats().queue_depth == 0)
        assert len([frame for frame in frames if frame.direction == "in"]) == client.stats().frames

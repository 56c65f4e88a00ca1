"""Buffers that are iterated, streams, and the handle that users get."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from bigone_sync import Channel, Credentials, Limits, SpotClient, SubscriptionKey, SubscriptionState, Trade
from bigone_sync.errors import ConnectionLost
from bigone_sync.subscription import EventBuffer
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

BTC, ETH = "BTC-USDT", "ETH-USDT"


def thread(work: Any, *arguments: Any) -> threading.Thread:
    started = threading.Thread(target=work, args=arguments, daemon=True)
    started.start()
    return started


# -- buffers -------------------------------------------------------------------------------------------------------


def test_events_come_out_in_order_and_then_the_end() -> None:
    buffer = EventBuffer(10)
    assert buffer.put((1, 2)) == 0.0
    assert buffer.put((3,)) == 0.0
    assert len(buffer) == 3
    buffer.close()
    assert [buffer.get(None) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(StopIteration):
        buffer.get(None)


def test_a_failure_is_raised_after_what_was_queued() -> None:
    buffer = EventBuffer(10)
    buffer.put((1,))
    failure = ConnectionLost("gone")
    buffer.close(failure)
    buffer.close()
    assert buffer.get(None) == 1
    for _ in range(2):
        with pytest.raises(ConnectionLost) as caught:
            buffer.get(None)
        assert caught.value is failure


def test_nothing_in_time_is_the_end() -> None:
    buffer = EventBuffer(10)
    with pytest.raises(StopIteration):
        buffer.get(0.0)
    with pytest.raises(StopIteration):
        buffer.get(0.01)


def test_a_full_buffer_makes_the_putter_wait_and_tells_how_long() -> None:
    buffer, waited = EventBuffer(2), list[float]()
    putter = thread(lambda: waited.append(buffer.put(range(5))))
    wait_until(lambda: len(buffer) == 2)
    assert not buffer.has_room(1)
    assert [buffer.get(10) for _ in range(5)] == [0, 1, 2, 3, 4]
    putter.join(10)
    assert waited[0] > 0


def test_more_than_the_buffer_holds_reaches_one_who_waits_already() -> None:
    buffer, got = EventBuffer(2), list[int]()
    getter = thread(lambda: [got.append(buffer.get(None)) for _ in range(5)])
    wait_until(lambda: bool(buffer._changed._waiters))  # type: ignore[attr-defined]
    putter = thread(buffer.put, range(5))
    getter.join(10)
    putter.join(10)
    assert got == [0, 1, 2, 3, 4]


def test_closing_wakes_putter_and_getter_and_drops_what_comes_later() -> None:
    full, empty = EventBuffer(1), EventBuffer(1)
    ended: list[str] = []

    def get() -> None:
        with pytest.raises(StopIteration):
            empty.get(None)
        ended.append("getter")

    threads = [thread(full.put, (1, 2, 3)), thread(get)]
    wait_until(lambda: len(full) == 1)
    full.close()
    empty.close()
    for one in threads:
        one.join(10)
    full.put((4,))
    assert ended == ["getter"]
    assert full.get(0) == 1
    with pytest.raises(StopIteration):
        full.get(0)


def test_clear_tells_how_many() -> None:
    buffer = EventBuffer(5)
    buffer.put((1, 2, 3))
    assert buffer.has_room(2)
    assert not buffer.has_room(3)
    assert buffer.clear() == 3
    assert len(buffer) == 0


# -- the handle ----------------------------------------------------------------------------------------------------


@pytest.fixture
def still() -> Iterator[LocalExchange]:
    """An exchange in which something happens only on command."""
    with leak_check(), LocalExchange(rate=0) as exchange:
        yield exchange


@pytest.fixture(params=["json", "proto"])
def client(still: LocalExchange, request: pytest.FixtureRequest) -> Iterator[SpotClient]:
    limits = Limits(queue=1000)
    with SpotClient(Credentials("key", "secret"), protocol=request.param, url=still.spot_url, limits=limits) as client:
        yield client


def test_iterating_counts_and_ends_with_the_subscription(still: LocalExchange, client: SpotClient) -> None:
    with client.subscribe(Channel.TRADES, BTC, limit=5) as trades:
        assert trades.key == SubscriptionKey(Channel.TRADES, BTC)
        assert trades.keys == (trades.key,)
        assert str(trades.key) == "trades/BTC-USDT"
        first = [event for _, event in zip(range(5), trades.events(10), strict=False)]
        assert all(isinstance(event, Trade) and event.is_snapshot for event in first)
        assert trades.state == SubscriptionState.LIVE
        still.step(100, BTC)
        wait_until(lambda: trades.received > 5)
        rest = list(trades.events(0.1))
        assert rest
        assert trades.received == trades.delivered == 5 + len(rest)
        assert "trades/BTC-USDT LIVE" in repr(trades)
        assert not list(trades.events(0.01))
    assert trades.state == SubscriptionState.ENDED
    assert list(trades.events()) == []
    assert trades not in client.subscriptions


def test_closing_elsewhere_ends_an_iteration_that_waits(client: SpotClient) -> None:
    subscription = client.subscribe("orders")
    ended: list[list[Any]] = []
    waiting = thread(lambda: ended.append(list(subscription.events())))
    wait_until(lambda: subscription.state == SubscriptionState.LIVE)
    subscription.close()
    waiting.join(10)
    assert ended == [[]]


def test_two_iterators_of_one_stream_both_get_everything(still: LocalExchange, client: SpotClient) -> None:
    one, two = client.subscribe("depth", BTC), client.subscribe("depth", BTC)
    seen: list[Any] = []
    client.on_depth(BTC, seen.append)
    client.wait_ready(10)
    still.step(20, BTC)
    wait_until(lambda: seen and seen[-1].change_id == still.book(BTC).change_id)
    client.close()
    assert list(one.events()) == list(two.events()) == seen


def test_received_counts_from_the_registration_on(still: LocalExchange, client: SpotClient) -> None:
    log: list[Any] = []
    early = client.on_depth(BTC, log.append)
    client.wait_ready(10)
    still.step(20, BTC)
    wait_until(lambda: early.delivered == early.received > 5)
    late = client.on_depth(BTC, lambda _: None)
    assert (late.received, late.delivered) == (0, 0)
    before = early.received
    still.step(20, BTC)
    wait_until(lambda: late.delivered == late.received > 0 and early.delivered == early.received)
    assert early.received == before + late.received
    assert early.delivered == len(log)


def test_a_subscription_with_a_handler_cannot_be_iterated_and_one_without_not_called(client: SpotClient) -> None:
    calls: list[Any] = []
    with pytest.raises(TypeError, match="handler"):
        client.on_depth(BTC, calls.append).events()
    with pytest.raises(TypeError, match="no handler"):
        client.subscribe("depth", BTC)(1)
    client.on_depth(BTC, calls.append)("event")
    assert calls[0] == "event"


def test_of_several_tickers_the_state_is_that_of_the_slowest(still: LocalExchange, client: SpotClient) -> None:
    client.on_ticker(BTC, lambda _: None)
    client.wait_ready(10)
    still.mute_snapshots(1)
    both = client.on_ticker([BTC, ETH], lambda _: None)
    assert both.state == SubscriptionState.REQUESTED
    assert both.key.market == BTC


def test_an_iterator_in_a_callback_lifts_the_bound() -> None:
    """What it waits for comes behind what fills the queue that its own callback holds up."""
    with leak_check(), LocalExchange(rate=200) as exchange:
        done: list[Any] = []
        limits = Limits(queue=2)
        with SpotClient(url=exchange.spot_url, limits=limits, connections="shared") as client:

            def handler(_: object) -> None:
                if not done:
                    wait_until(lambda: client._sessions["shared"].lane.waiting, 10)
                    with client.subscribe("trades", ETH) as trades:
                        done.append(next(iter(trades.events(10)), None))

            client.on_depth(BTC, handler)
            wait_until(lambda: done, 15)
        assert isinstance(done[0], Trade)

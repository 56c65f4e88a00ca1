"""Own orders and trades, live and after an outage; the group, its session and its streams are stood in for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from rails_made import MARKET, answer, fill, order

from bigone_sync.enums import Channel, OrderState
from bigone_sync.events import Event, Gap, SubscriptionKey
from bigone_sync.ports import RailsFound
from bigone_sync.protocol.rails_news import Fills
from bigone_sync.rails.owned import Owned
from bigone_sync.repair import Repair

ORDERS, FILLS = Channel.ORDERS, Channel.FILLS
NOT_ASKED = "what happened meanwhile was not asked for"
FAILED = "what happened meanwhile could not be asked for"


class Stream:
    """As much of a stream as is used."""

    def __init__(self, channel: Channel, market: str | None = None) -> None:
        self.key = SubscriptionKey(channel, market)
        self.route = self
        self.is_over = False
        self.lost_at: float | None = None
        self.holds, self.received = 0, 0
        self.held: list[Any] | None = None


class Out:
    """A delivery that keeps what it is given, in order."""

    def __init__(self, events: list[tuple[Stream, Any]], gaps: list[Gap]) -> None:
        self._events, self._gaps = events, gaps
        self.works: list[Callable[[], None]] = []

    def data(self, stream: Stream, events: Sequence[Event]) -> None:
        self._events.extend((stream, event) for event in events)

    def gap(self, gap: Gap) -> None:
        self._gaps.append(gap)

    def then(self, work: Callable[[], None]) -> None:
        self.works.append(work)

    def run(self) -> None:
        for work in self.works:
            work()


class World:
    """The group, its only session with its intake, the history and the recovery, all in one."""

    def __init__(self, *streams: Stream, repairs: bool = True) -> None:
        self.streams: Any = {stream.key: stream for stream in streams}
        self.openings, self.is_up = 1, True
        self.name, self.gaps, self.events = "rails/1", 0, 0
        self.guard, self.caught_up = threading.RLock(), threading.Event()
        self.intake = self
        self.brought: list[tuple[Stream, Any]] = []
        self.told: list[Gap] = []
        self.live: list[Stream] = []
        self.found: RailsFound | Exception = RailsFound()
        self.asked: list[tuple[set[Channel], list[str], float | None]] = []
        self.repairs: list[Repair] = []
        mine: Any = self
        self.owned = Owned(mine, mine if repairs else None, mine if repairs else None, self.live.append)  # type: ignore[arg-type]
        self.out: Any = self.new_delivery()

    def new_delivery(self) -> Any:
        return Out(self.brought, self.told)

    def take(self, batches: Sequence[tuple[Stream, Sequence[Event]]], now: float, out: Any) -> None:
        for stream, events in batches:
            if stream.held is not None:
                stream.held.extend(events)
            else:
                out.data(stream, events)

    def repaired(self, stream: Any, out: Any) -> None:
        self.owned.repaired(stream)

    def fetch(self, channels: set[Channel], known: Sequence[Any], since: float | None) -> RailsFound:
        self.asked.append((set(channels), [each.order_id for each in known], since))
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def submit(self, repair: Repair) -> None:
        self.repairs.append(repair)

    # -- steps

    def order(self, key: str, status: OrderState = OrderState.ACTIVE, filled: str | None = None) -> None:
        me: Any = self
        self.owned.order(me, answer(key, about=order("o1", status, filled)), 0.0, self.out)

    def fills(self, *numbers: int) -> None:
        me: Any = self
        self.owned.fills(me, Fills([(self.key(number), fill(number)) for number in numbers]), 0.0, self.out)

    @staticmethod
    def key(number: int) -> tuple[Any, ...]:
        return MARKET, "o1", f"f{number}"

    def resume(self, *streams: Stream) -> None:
        me: Any = self
        wanted: Any = streams
        out = self.new_delivery()
        self.owned.resume(me, wanted, out)
        out.run()

    def gaps_told(self) -> list[tuple[Channel, str | None, str, str]]:
        return [(gap.channel, gap.market, gap.reason, gap.connection) for gap in self.told]


@pytest.fixture
def orders() -> Stream:
    return Stream(ORDERS)


@pytest.fixture
def fills() -> Stream:
    return Stream(FILLS)


# What comes


def test_each_thing_goes_to_the_streams_of_all_markets_and_of_its_own() -> None:
    everywhere, here, elsewhere = Stream(ORDERS), Stream(ORDERS, MARKET), Stream(ORDERS, "ETH-USD")
    world = World(everywhere, here, elsewhere)
    world.order("k1")
    world.order("k1")
    assert world.brought == [(everywhere, order()), (here, order())]


def test_own_trades_come_once_and_not_to_streams_that_are_over(fills: Stream) -> None:
    over = Stream(FILLS, MARKET)
    over.is_over = True
    world = World(fills, over)
    world.fills(1, 2)
    world.fills(2, 3)
    assert world.brought == [(fills, fill(number)) for number in (1, 2, 3)]


def test_a_message_without_an_order_is_none(orders: Stream) -> None:
    world = World(orders)
    me: Any = world
    world.owned.order(me, answer("createOrder"), 0.0, world.out)
    assert world.brought == []


# After an outage


def test_what_missed_nothing_is_live_at_once(orders: Stream, fills: Stream) -> None:
    world = World(orders, fills)
    world.resume(orders, fills)
    assert (world.live, world.repairs, world.told) == ([orders, fills], [], [])


def test_without_rest_what_was_missed_is_told(orders: Stream, fills: Stream) -> None:
    world = World(orders, fills, repairs=False)
    orders.lost_at = 50.0
    world.resume(orders, fills)
    assert world.gaps_told() == [(ORDERS, None, NOT_ASKED, "rails/1")]
    assert (world.live, world.gaps) == ([fills, orders], 1)


def test_what_was_missed_comes_before_what_comes_live(orders: Stream, fills: Stream) -> None:
    world = World(orders, fills)
    world.order("k1")
    world.fills(1)
    world.brought.clear()
    orders.lost_at, fills.lost_at = 60.0, 50.0
    world.resume(orders, fills)
    (repair,) = world.repairs
    # Another connection asks for nothing more.
    world.resume(orders, fills)
    assert (len(world.repairs), world.live) == (1, [])
    world.fills(3)
    world.found = RailsFound((order(filled="0.5"),), (fill(1), fill(2), fill(3)))
    repair.run()
    assert world.asked == [({ORDERS, FILLS}, ["o1"], 50.0)]
    assert world.brought == [(orders, order(filled="0.5")), (fills, fill(2)), (fills, fill(3))]
    assert (world.told, world.live) == ([], [orders, fills])
    assert [stream.lost_at for stream in (orders, fills)] == [None, None]


def test_what_others_did_not_miss_is_not_told_to_them(fills: Stream) -> None:
    here = Stream(FILLS, MARKET)
    world = World(fills, here)
    fills.lost_at = 50.0
    world.resume(fills, here)
    world.found = RailsFound((), (fill(1),))
    world.repairs[0].run()
    assert world.brought == [(fills, fill(1))]


@pytest.mark.parametrize(
    ("found", "reason"),
    [(RailsFound((), (fill(1),), {FILLS: "busy"}), "busy"), (ValueError("not of this package"), FAILED)],
)
def test_what_rest_could_not_tell_is_told_as_a_gap(
    orders: Stream, fills: Stream, found: RailsFound | Exception, reason: str
) -> None:
    world = World(orders, fills)
    fills.lost_at = 50.0
    world.resume(fills)
    world.found = found
    world.repairs[0].run()
    assert world.gaps_told() == [(FILLS, None, reason, "rails/1")]
    assert [event for _, event in world.brought] == ([fill(1)] if isinstance(found, RailsFound) else [])
    assert (world.live, world.gaps) == ([fills], 1)


def test_a_stream_that_ended_meanwhile_has_no_gap(orders: Stream) -> None:
    world = World(orders)
    orders.lost_at = 50.0
    world.resume(orders)
    orders.is_over = True
    world.found = RailsFound(missing={ORDERS: "busy"})
    world.repairs[0].run()
    assert (world.told, world.live) == ([], [])


@pytest.mark.parametrize("is_up", [False, True])
def test_after_another_outage_rest_is_asked_anew_from_the_first_loss_on(orders: Stream, is_up: bool) -> None:
    world = World(orders)
    orders.lost_at = 50.0
    world.resume(orders)
    first = world.repairs[0]
    world.is_up = False
    world.owned.lost()
    if is_up:
        world.is_up, world.openings = True, 2
        world.resume(orders)
    world.found = RailsFound(missing={ORDERS: "busy"})
    first.run()
    assert (world.told, world.live) == ([], [])
    assert orders.lost_at == 50.0
    if is_up:
        world.repairs[1].run()
        assert [asked[2] for asked in world.asked] == [50.0, 50.0]
        assert world.gaps_told() == [(ORDERS, None, "busy", "rails/1")]
        assert [(stream, stream.lost_at) for stream in world.live] == [(orders, None)]

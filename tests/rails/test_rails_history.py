"""What REST tells a Rails client of its orders, of a REST object that is stood in for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from rails_made import MARKET, fill, moment, order

from bigone_sync.clients._rails_history import RestRailsHistory, resolve
from bigone_sync.enums import Channel, OrderState
from bigone_sync.errors import AuthenticationError, BigOneError, ConnectionClosed, RateLimited, RestError
from bigone_sync.events import Fill, RailsOrder
from bigone_sync.ports import RailsFound

ORDERS, FILLS = Channel.ORDERS, Channel.FILLS
NOT_FOUND, BUSY = RestError("not found", status_code=404), RestError("busy", status_code=503)


class Rest:
    """What is asked of the REST object. An exception among what it lists is raised there."""

    def __init__(self) -> None:
        self.listed: Sequence[RailsOrder | BigOneError] = ()
        self.traded: Sequence[Fill | BigOneError] = ()
        self.lookups: dict[str, RailsOrder | BigOneError] = {}
        """By order id; others are not found."""
        self.answers: list[RailsOrder | BigOneError] = []
        """To lookups by the id of a request, one after the other; then nothing is found."""
        self.asked: list[Any] = []
        self.seconds: float | None = None
        """As long as they count."""

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        self.seconds = seconds
        yield
        self.seconds = None

    def open_orders(self) -> Iterator[Any]:
        return self._each(self.listed)

    def completed_orders(self, *, since: datetime) -> Iterator[Any]:
        self.asked.append(since)
        return self._each(self.traded)

    def order(self, *, order_id: str = "", client_request_id: str = "", market: str) -> RailsOrder:
        assert self.seconds == 10.0
        self.asked.append((order_id or client_request_id, market))
        if order_id:
            found = self.lookups.get(order_id, NOT_FOUND)
        else:
            found = self.answers.pop(0) if self.answers else NOT_FOUND
        if isinstance(found, BigOneError):
            raise found
        return found

    def _each(self, items: Sequence[RailsOrder | Fill | BigOneError]) -> Iterator[Any]:
        assert self.seconds == 10.0
        for item in items:
            if isinstance(item, BigOneError):
                raise item
            yield item


@pytest.fixture
def rest() -> Any:
    return Rest()


def fetch(
    rest: Any, *channels: Channel, known: Sequence[RailsOrder] = (), since: float | None = 100.0, room: int = 1000
) -> RailsFound:
    """What is found where there is room for so many operations."""
    left = iter(range(room))
    history = RestRailsHistory(lambda: rest, deadline=10.0, count=lambda: next(left, None) is not None)
    return history.fetch(channels, known, since)


# Own orders


def test_open_orders_are_listed_and_only_those_that_are_gone_are_looked_up(rest: Any) -> None:
    rest.listed = [order("o1"), order("o3")]
    rest.lookups = {"o2": order("o2", OrderState.FILLED)}
    found = fetch(rest, ORDERS, known=[order("o1"), order("o2")])
    assert found == RailsFound((order("o1"), order("o3"), order("o2", OrderState.FILLED)))
    assert rest.asked == [("o2", MARKET)]


def test_an_order_that_ended_long_ago_is_not_found_and_the_others_are(rest: Any) -> None:
    rest.lookups = {"o2": order("o2", OrderState.CANCELLED)}
    found = fetch(rest, ORDERS, known=[order("o1"), order("o2")])
    assert found.orders == (order("o2", OrderState.CANCELLED),)
    assert found.missing == {ORDERS: "what became of 1 of 2 orders could not be asked for"}


@pytest.mark.parametrize(("known", "room", "looked_up"), [(50, 1000, 50), (53, 1000, 50), (5, 2, 2), (5, 0, 0)])
def test_no_more_orders_are_looked_up_than_there_is_room_for(rest: Any, known: int, room: int, looked_up: int) -> None:
    orders = [order(f"o{number}") for number in range(known)]
    rest.lookups = {each.order_id: each for each in orders}
    found = fetch(rest, ORDERS, known=orders, room=room)
    assert found.orders == tuple(orders[:looked_up])
    left = known - looked_up
    text = f"what became of {left} of {known} orders could not be asked for"
    assert found.missing == ({ORDERS: text} if left else {})


def test_a_failure_ends_the_lookups(rest: Any) -> None:
    rest.lookups = {"o1": order("o1", OrderState.FILLED), "o2": BUSY}
    found = fetch(rest, ORDERS, known=[order("o1"), order("o2"), order("o3")])
    assert found == RailsFound((order("o1", OrderState.FILLED),), (), {ORDERS: "busy"})
    assert rest.asked == [("o1", MARKET), ("o2", MARKET)]


def test_a_list_that_breaks_off_is_told_as_far_as_it_went(rest: Any) -> None:
    rest.listed = [order("o1"), BUSY]
    found = fetch(rest, ORDERS, known=[order("o2")])
    assert found == RailsFound((order("o1"),), (), {ORDERS: "busy"})
    assert rest.asked == []


# Own trades


def test_own_trades_are_asked_for_from_before_the_outage_and_sorted(rest: Any) -> None:
    rest.traded = [fill(2, second=300), fill(3), fill(1, second=200)]
    found = fetch(rest, FILLS, since=100.0)
    assert found == RailsFound((), (fill(3), fill(1, second=200), fill(2, second=300)))
    assert rest.asked == [moment(95)]


def test_without_a_time_of_the_outage_the_latest_are_asked_for(rest: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bigone_sync.clients._rails_history.time.time", lambda: 1000.0)
    fetch(rest, FILLS, since=None)
    assert rest.asked == [moment(995)]


def test_own_trades_that_break_off_leave_the_orders_alone(rest: Any) -> None:
    rest.traded = [fill(2, second=300), fill(1, second=200), BUSY]
    rest.listed = [order("o1")]
    found = fetch(rest, FILLS, ORDERS)
    assert found == RailsFound((order("o1"),), (fill(1, second=200), fill(2, second=300)), {FILLS: "busy"})


@pytest.mark.parametrize("channels", [(ORDERS,), (ORDERS, FILLS)])
def test_without_a_rest_object_nothing_can_be_asked_for(channels: tuple[Channel, ...]) -> None:
    def no_rest() -> Any:
        raise ConnectionClosed("closed")

    found = RestRailsHistory(no_rest, deadline=10.0, count=lambda: True).fetch(channels, (), None)
    assert found == RailsFound(missing=dict.fromkeys(channels, "closed"))


def test_a_refusal_of_the_key_leaves_what_was_told_before_alone(rest: Any) -> None:
    rest.traded = [fill(1, second=200)]
    rest.lookups = {"o1": AuthenticationError("wrong key")}
    found = fetch(rest, ORDERS, FILLS, known=[order("o1")])
    assert found == RailsFound((), (fill(1, second=200),), {ORDERS: "wrong key"})


def test_nothing_is_asked_of_other_channels(rest: Any) -> None:
    assert fetch(rest) == RailsFound()
    assert rest.asked == []


# Resolving


class Attempts:
    """Counts operations and pauses, without waiting."""

    def __init__(self) -> None:
        self.counted = 0
        self.pauses: list[float] = []

    def resolve(self, rest: Any, seconds: float = 10.0) -> RailsOrder | None:
        return resolve(rest, "r1", MARKET, None, seconds, self._count, self.pauses.append)

    def _count(self) -> None:
        self.counted += 1


@pytest.mark.parametrize(("misses", "pauses"), [(0, []), (1, [0.5]), (2, [0.5, 1.5])])
def test_an_order_may_be_known_a_little_later(rest: Any, misses: int, pauses: list[float]) -> None:
    rest.answers = [*[NOT_FOUND] * misses, order()]
    attempts = Attempts()
    assert attempts.resolve(rest) == order()
    assert (attempts.counted, attempts.pauses) == (misses + 1, pauses)
    assert rest.asked == [("r1", MARKET)] * (misses + 1)


def test_an_order_that_stays_unknown_is_none(rest: Any) -> None:
    attempts = Attempts()
    assert attempts.resolve(rest) is None
    assert (attempts.counted, attempts.pauses) == (3, [0.5, 1.5])


@pytest.mark.parametrize(("seconds", "pauses"), [(1.0, [0.5]), (0.25, [])])
def test_it_is_asked_again_only_within_the_deadline(rest: Any, seconds: float, pauses: list[float]) -> None:
    class Brief(Rest):
        def order(self, *, order_id: str = "", client_request_id: str = "", market: str) -> RailsOrder:
            assert self.seconds == seconds
            raise NOT_FOUND

    attempts, brief = Attempts(), Brief()
    assert attempts.resolve(brief, seconds) is None
    assert (attempts.counted, attempts.pauses) == (len(pauses) + 1, pauses)


@pytest.mark.parametrize("error", [BUSY, RestError("no answer", reason="timeout"), AuthenticationError("wrong key")])
def test_other_failures_are_raised(rest: Any, error: BigOneError) -> None:
    rest.answers = [NOT_FOUND, error]
    with pytest.raises(type(error)) as caught:
        Attempts().resolve(rest)
    assert caught.value is error


def test_without_room_nothing_is_asked(rest: Any) -> None:
    def full() -> None:
        raise RateLimited("full")

    with pytest.raises(RateLimited):
        resolve(rest, "r1", MARKET, None, 10.0, full, lambda seconds: None)
    assert rest.asked == []


def test_a_client_that_closes_ends_the_pause(rest: Any) -> None:
    def closing(_: float) -> None:
        raise ConnectionClosed("closed")

    with pytest.raises(ConnectionClosed):
        resolve(rest, "r1", MARKET, None, 10.0, lambda: None, closing)
    assert len(rest.asked) == 1

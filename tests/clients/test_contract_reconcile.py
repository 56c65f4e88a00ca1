"""What REST tells of contract orders, fills and positions after a reconnect of the private stream."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal as D
from typing import Any

import pytest
from client_rig import PATIENCE, Log, Watched, running
from contract_rig import BTCUSDT, contract

from bigone_sync import Channel, ContractOrder, Fill, OrderState, Position, Timeouts
from bigone_sync.testing._contract_private_wire import PrivateWire
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

pytestmark = pytest.mark.one_codec

PATIENT = Timeouts(connect=2, ping=5, pong=5, reply=30, close=10)
SHORT = Timeouts(connect=1, ping=5, pong=5, reply=0.6, close=5)
API = "/api/contract/v2"


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with leak_check(), LocalExchange(seed=3, rate=0) as exchange:
        yield exchange


@contextmanager
def away(exchange: LocalExchange) -> Iterator[None]:
    """The client is not connected in the block, and comes back after it."""
    exchange.take_down()
    yield
    exchange.bring_up()


def asked(exchange: LocalExchange) -> list[str]:
    """Paths of the REST calls beside those for the clock."""
    return [request.path for request in exchange.rest_requests if request.path.startswith(API)]


def place(exchange: LocalExchange, size: int = 2) -> str:
    """An order that rests in the book."""
    best = next(iter(exchange.contract_book(BTCUSDT).bids))
    return exchange.place_contract_order(BTCUSDT, "BUY", size, price=best)


def buy(exchange: LocalExchange, size: int = 1) -> str:
    """An order that is filled at once."""
    return exchange.place_contract_order(BTCUSDT, "BUY", size, type="MARKET")


def again(client: Any, reconnects: int) -> None:
    wait_until(lambda: client.stats().reconnects == reconnects, PATIENCE)
    client.wait_ready(PATIENCE)


@pytest.fixture
def no_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the first frame of a socket carry no positions: which keys it has is not documented."""
    first = PrivateWire.first

    def without(wire: PrivateWire, *args: Any) -> dict[str, Any]:
        return {key: value for key, value in first(wire, *args).items() if key != "positions"}

    monkeypatch.setattr(PrivateWire, "first", without)


def test_orders_and_fills_that_came_meanwhile_are_told_once(exchange: LocalExchange) -> None:
    client = contract(exchange, private=True)
    watched, orders, fills = Watched(client), Log[ContractOrder](), Log[Fill]()  # type: ignore[arg-type]
    mine = Log[ContractOrder]()
    client.on_order(orders)
    client.on_order(BTCUSDT, mine)
    client.on_fill(fills)
    with running(client):  # type: ignore[type-var]
        ended, partly, same = (place(exchange) for _ in range(3))
        wait_until(lambda: len({order.id for order in orders}) == 3, PATIENCE)
        with away(exchange):
            exchange.cancel_contract_order(ended)
            new = place(exchange)
            gone = place(exchange)
            exchange.cancel_contract_order(gone)
            exchange.fill_contract_order(partly, 1)
            for _ in range(30):
                buy(exchange)
        again(client, 1)
        mark = place(exchange, 7)
        wait_until(lambda: orders[-1].id == mark, PATIENCE)
        truth = {order.id: order for order in exchange.contract_orders()}
        told = {order.id: order for order in orders}
        assert {ended, partly, same, new, gone} <= set(told)
        assert {id: order.status for id, order in told.items()} == {
            id: OrderState.CANCELLED if one.status == "CANCELED" else OrderState(one.status)
            for id, one in truth.items()
        }
        everything = [fill.id for fill in exchange.contract_fills()]
        wait_until(lambda: len(fills) == len(everything), PATIENCE)
    assert [fill.id for fill in fills] == everything
    for id in truth:
        history = [order for order in orders if order.id == id]
        assert [order.is_final for order in history[:-1]] == [False] * (len(history) - 1)
        filled = [order.filled for order in history]
        assert filled == sorted(filled)  # type: ignore[type-var]
    assert [order.id for order in mine] == [order.id for order in orders]
    assert not watched.gaps.items
    assert {error.__class__.__name__ for error in watched.errors} <= {"ConnectionLost", "ConnectError"}


def test_live_frames_are_held_back_until_all_is_whole(exchange: LocalExchange) -> None:
    client = contract(exchange, private=True, timeouts=PATIENT)
    watched, orders, fills = Watched(client), Log[ContractOrder](), Log[Fill]()  # type: ignore[arg-type]
    subscription = client.on_order(orders)
    client.on_fill(fills)
    with running(client):  # type: ignore[type-var]
        order = place(exchange)
        orders.wait(1)
        before = len(orders)
        exchange.fail_rest("hang", path=API, times=None)
        with away(exchange):
            exchange.cancel_contract_order(order)
        wait_until(lambda: asked(exchange), PATIENCE)
        received = subscription.received
        live = buy(exchange)
        wait_until(lambda: subscription.received > received, PATIENCE)
        assert (len(orders), len(fills)) == (before, 0)
        exchange.heal_rest()
        wait_until(lambda: orders[-1].id == live, PATIENCE)
        wait_until(lambda: len(fills) == len(exchange.contract_fills()), PATIENCE)
        client.wait_ready(PATIENCE)
    ids = [told.id for told in orders][before:]
    assert ids.index(order) < ids.index(live)
    assert orders[before].is_final
    assert not watched.gaps.items


@pytest.mark.usefixtures("no_positions")
def test_positions_that_the_first_frame_has_not_come_from_rest(exchange: LocalExchange) -> None:
    client = contract(exchange, private=True)
    watched, positions = Watched(client), Log[Position]()  # type: ignore[arg-type]
    client.on_position(positions)
    with running(client):  # type: ignore[type-var]
        buy(exchange)
        wait_until(lambda: client.position(BTCUSDT) is not None, PATIENCE)
        for number in (1, 2):
            with away(exchange):
                buy(exchange, 2)
            again(client, number)
            size = exchange.positions()[BTCUSDT].size
            wait_until(lambda size=size: client.position(BTCUSDT).size == size, PATIENCE)  # type: ignore[misc, union-attr]
            wait_until(lambda: client.positions().is_live, PATIENCE)
            wait_until(lambda size=size: positions[-1].size == size or _of(positions) == size, PATIENCE)  # type: ignore[misc]
            assert asked(exchange).count(f"{API}/accounts") == number
        buy(exchange)
        wait_until(lambda: client.position(BTCUSDT).size == D(6), PATIENCE)  # type: ignore[union-attr]
    assert not watched.gaps.items


def _of(positions: Log[Position]) -> D | None:
    return [position.size for position in positions if position.market == BTCUSDT][-1]


@pytest.mark.usefixtures("no_positions")
def test_a_position_that_came_live_meanwhile_beats_what_rest_said(exchange: LocalExchange) -> None:
    client = contract(exchange, private=True, timeouts=PATIENT)
    positions = Log[Position]()
    subscription = client.on_position(positions)
    with running(client):  # type: ignore[type-var]
        buy(exchange)
        wait_until(lambda: len(positions), PATIENCE)
        # REST's answer is that of the moment at which it was asked.
        exchange.fail_rest("hang", path="/accounts", times=None, carry_out=True)
        with away(exchange):
            buy(exchange)
        wait_until(lambda: asked(exchange), PATIENCE)
        received = subscription.received
        buy(exchange)
        wait_until(lambda: subscription.received > received, PATIENCE)
        exchange.heal_rest()
        wait_until(lambda: client.positions().is_live, PATIENCE)
        wait_until(lambda: _of(positions) == D(3), PATIENCE)
        assert client.position(BTCUSDT).size == D(3)  # type: ignore[union-attr]
    sizes = [position.size for position in positions if position.market == BTCUSDT]
    assert sizes == sorted(sizes)


def test_positions_of_the_first_frame_are_not_asked_for(exchange: LocalExchange) -> None:
    client = contract(exchange, private=True)
    watched = Watched(client)  # type: ignore[arg-type]
    client.on_position(Log())
    with running(client):  # type: ignore[type-var]
        exchange.drop_connections()
        again(client, 1)
    assert asked(exchange) == []
    assert not watched.gaps.items


def test_what_the_first_frame_tells_is_not_missed_any_more(exchange: LocalExchange) -> None:
    client = contract(exchange, private=True)
    client.on_position(Log())
    client.on_fill(Log())
    with running(client):  # type: ignore[type-var]
        exchange.drop_connections()
        again(client, 1)
        streams = client._sessions["stream"].streams.values()
        # Or the next reconnect would ask for all that happened since the first.
        wait_until(lambda: [stream.lost_at for stream in streams] == [None, None], PATIENCE)


@pytest.mark.parametrize("fault", ["500", "hang", "cut_json", "cut_body"])
@pytest.mark.usefixtures("no_positions")
def test_where_rest_fails_gaps_say_why_and_the_streams_go_on(
    exchange: LocalExchange, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = contract(exchange, private=True, timeouts=SHORT)
    watched, orders = Watched(client), Log[ContractOrder]()  # type: ignore[arg-type]
    client.on_order(orders)
    client.on_fill(Log())
    client.on_position(Log())
    client.on_cash(Log())
    with running(client):  # type: ignore[type-var]
        exchange.fail_rest(fault, path=API, times=None)
        exchange.drop_connections()
        gaps = watched.gaps.wait(3)
        again(client, 1)
        order = place(exchange)
        wait_until(lambda: orders.items and orders[-1].id == order, PATIENCE)
        exchange.heal_rest()
        with away(exchange):
            exchange.cancel_contract_order(order)
        wait_until(lambda: orders[-1].is_final, PATIENCE)
    assert {gap.channel for gap in gaps} == {Channel.ORDERS, Channel.FILLS, Channel.POSITIONS}
    assert len(watched.gaps) == 3
    for gap in gaps:
        assert gap.reason.endswith(")")
        assert " (" in gap.reason
    for secret in ("Bearer", "eyJ"):
        assert secret not in caplog.text + "".join(gap.reason for gap in gaps)


def test_one_kind_that_cannot_be_had_does_not_take_the_others_along(exchange: LocalExchange) -> None:
    client = contract(exchange, private=True, timeouts=PATIENT)
    watched, orders, fills = Watched(client), Log[ContractOrder](), Log[Fill]()  # type: ignore[arg-type]
    client.on_order(orders)
    client.on_fill(fills)
    with running(client):  # type: ignore[type-var]
        order = place(exchange)
        orders.wait(1)
        exchange.fail_rest("html", status=404, path="/trades", times=None)
        with away(exchange):
            exchange.cancel_contract_order(order)
        [gap] = watched.gaps.wait(1)
        wait_until(lambda: orders[-1].is_final, PATIENCE)
        again(client, 1)
    assert gap.channel == Channel.FILLS
    assert len(watched.gaps) == 1


def test_without_reconciling_gaps_are_announced_as_ever(exchange: LocalExchange) -> None:
    client = contract(exchange, private=True, reconcile=False)
    watched = Watched(client)  # type: ignore[arg-type]
    client.on_order(Log())
    client.on_fill(Log())
    with running(client):  # type: ignore[type-var]
        exchange.drop_connections()
        gaps = watched.gaps.wait(2)
        again(client, 1)
    assert [gap.channel for gap in gaps] == [Channel.ORDERS, Channel.FILLS]
    assert asked(exchange) == []


def test_a_reconnect_during_a_reconcile(exchange: LocalExchange) -> None:
    client = contract(exchange, private=True, timeouts=PATIENT)
    watched, orders, fills = Watched(client), Log[ContractOrder](), Log[Fill]()  # type: ignore[arg-type]
    client.on_order(orders)
    client.on_fill(fills)
    with running(client):  # type: ignore[type-var]
        one, two = place(exchange), place(exchange)
        wait_until(lambda: len({order.id for order in orders}) == 2, PATIENCE)
        exchange.fail_rest("hang", path=API, times=1)
        with away(exchange):
            exchange.cancel_contract_order(one)
            buy(exchange)
        wait_until(lambda: asked(exchange), PATIENCE)
        with away(exchange):
            exchange.cancel_contract_order(two)
            buy(exchange)
        again(client, 2)
        exchange.heal_rest()
        mark = place(exchange, 7)
        everything = [fill.id for fill in exchange.contract_fills()]
        wait_until(lambda: mark in {order.id for order in orders}, PATIENCE)
        wait_until(lambda: len([order for order in orders if order.is_final]) >= 4, PATIENCE)
        wait_until(lambda: len(fills) == len(everything), PATIENCE)
    assert sorted(fill.id for fill in fills) == sorted(everything)
    finals = [order.id for order in orders if order.is_final]
    assert len(finals) == len(set(finals)) == 4
    assert not watched.gaps.items


def test_close_during_a_reconcile(exchange: LocalExchange, caplog: pytest.LogCaptureFixture) -> None:
    client = contract(exchange, private=True, timeouts=PATIENT)
    watched = Watched(client)  # type: ignore[arg-type]
    client.on_order(Log())
    with running(client):  # type: ignore[type-var]
        exchange.fail_rest("hang", path=API, times=None)
        exchange.drop_connections()
        wait_until(lambda: asked(exchange), PATIENCE)
    assert client._closed.is_set()
    assert "left behind" not in caplog.text
    assert not watched.gaps.items


def test_a_socket_that_is_left_during_a_reconcile(exchange: LocalExchange) -> None:
    client = contract(exchange, private=True, timeouts=PATIENT)
    watched, orders, later = Watched(client), Log[ContractOrder](), Log[ContractOrder]()  # type: ignore[arg-type]
    subscription = client.on_order(orders)
    with running(client):  # type: ignore[type-var]
        exchange.fail_rest("hang", path=API, times=None)
        with away(exchange):
            order = place(exchange)
        wait_until(lambda: asked(exchange), PATIENCE)
        subscription.close()
        client.on_order(later)
        client.wait_ready(PATIENCE)
        exchange.heal_rest()
        exchange.cancel_contract_order(order)
        wait_until(lambda: later.items and later[-1].is_final, PATIENCE)
    assert orders.items == []
    assert not watched.gaps.items


def test_a_repair_that_fails_while_the_socket_is_away_again_leaves_it_to_the_next(exchange: LocalExchange) -> None:
    client = contract(exchange, private=True, timeouts=PATIENT)
    watched, orders = Watched(client), Log[ContractOrder]()  # type: ignore[arg-type]
    client.on_order(orders)
    with running(client):  # type: ignore[type-var]
        order = place(exchange)
        wait_until(lambda: len(orders) > 0, PATIENCE)
        exchange.fail_rest("hang", path=API, times=None)
        with away(exchange):
            exchange.cancel_contract_order(order)
        wait_until(lambda: asked(exchange), PATIENCE)
        exchange.take_down()
        repairing = [thread for thread in threading.enumerate() if thread.name.endswith("/recovery")]
        wait_until(lambda: not any(thread.is_alive() for thread in repairing), PATIENCE)
        exchange.heal_rest()
        exchange.bring_up()
        again(client, 2)
        wait_until(lambda: orders[-1].is_final, PATIENCE)
    assert not watched.gaps.items

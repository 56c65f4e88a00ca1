"""Commands on Rails without a connection, in a client that ends, in signal handlers and in a forked child."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from client_rig import PATIENCE, Doing, Log, Watched, needs_signals, running, until_ready
from rails_client_rig import rails, until_open
from rails_commands_rig import (
    CANCEL,
    CREATE,
    LEVERAGE,
    MODIFY,
    Trader,
    nothing_is_left,
    resting,
    sent,
    trading,
    until_sent,
)

from bigone_sync import ConnectionState, OrderState, RailsClient, RailsOrder
from bigone_sync.errors import (
    BigOneError,
    ConnectionClosed,
    ConnectionLost,
    NotConnected,
    OutcomeUnknown,
)
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

pytestmark = pytest.mark.one_codec

LONG, SHORT = threading.TIMEOUT_MAX, 0.2
STRANGER = "0835bf3e-4a20-41f0-908d-8213f2b7a285"


# -- no connection


def uses(client: RailsClient) -> dict[str, Callable[[], object]]:
    return {
        CREATE: lambda: client.create_order(side="buy", amount=1, price=1),
        MODIFY: lambda: client.modify_order("01ABC", amount=1),
        CANCEL: lambda: client.cancel_order("01ABC"),
        LEVERAGE: lambda: client.update_leverage(2),
        "ping": client.ping,
    }


def test_before_the_start_and_after_the_end(market: LocalExchange) -> None:
    client = rails(market)
    for command, use in uses(client).items():
        with pytest.raises(NotConnected, match=rf"{command} was not sent: call start\(\) first"):
            use()
    assert market.handshakes == 0
    with client:
        client.wait_ready(PATIENCE)
    for use in uses(client).values():
        with pytest.raises(ConnectionClosed):
            use()
    assert sent(market) == 0


def test_the_first_command_waits_for_the_first_connection(market: LocalExchange) -> None:
    market.refuse_rails_handshakes(503, 2)
    with rails(market) as client:
        assert client.create_order(**resting(market), timeout=PATIENCE).status == OrderState.PENDING


def test_while_the_connection_is_lost(market: LocalExchange, trader: Trader) -> None:
    market.refuse_rails_handshakes(503)
    market.rails_cut(*market.rails_connections)
    wait_until(lambda: trader.client.state == ConnectionState.WAITING, PATIENCE)
    for command, use in uses(trader.client).items():
        with pytest.raises(NotConnected, match=f"no connection is ready: {command} was not sent"):
            use()
    market.accept_rails_handshakes()
    until_ready(trader.client, 1)
    assert sent(market) == 0


def test_a_connection_that_never_comes(market: LocalExchange) -> None:
    market.refuse_rails_handshakes(503)
    with rails(market) as client, pytest.raises(NotConnected):
        client.create_order(**resting(market), timeout=SHORT)
    assert sent(market) == 0


def test_a_client_that_was_refused_for_good(market: LocalExchange) -> None:
    market.refuse_rails_handshakes(401)
    client = rails(market, market.rails_token())
    errors = Log[BigOneError]()
    client.on_error(errors)
    with client, pytest.raises(BigOneError) as caught:
        client.create_order(**resting(market), timeout=PATIENCE)
    assert not isinstance(caught.value, NotConnected)


@pytest.mark.parametrize("redundancy", [1, 2])
def test_close_ends_all_commands_that_wait_with_a_reason(market: LocalExchange, redundancy: int) -> None:
    client = rails(market, redundancy=redundancy)
    for kind in (CREATE, LEVERAGE):
        market.rails_hold(kind, 202)
        market.rails_hold(kind, 200)
    market.rails_hold("pong", 200)
    with running(client):
        until_open(market, redundancy)
        doing = [
            Doing(lambda: client.create_order(**resting(market), timeout=LONG)),
            Doing(lambda: client.update_leverage(2, timeout=LONG)),
            Doing(lambda: client.ping(timeout=LONG)),
        ]
        futures = [
            client.create_order_nowait(**resting(market), timeout=LONG),
            client.update_leverage_nowait(2, timeout=LONG),
            client.ping_nowait(timeout=LONG),
        ]
        until_sent(market, 4)
        until_sent(market, 2, "ping")
    kinds = [OutcomeUnknown, ConnectionLost, ConnectionLost]
    ends = [work.end() for work in doing]
    assert [type(end) for end in ends] == kinds
    assert [type(future.exception(PATIENCE)) for future in futures] == kinds
    assert all("the client was closed" in str(end) for end in ends)
    nothing_is_left(client)


def test_close_while_the_first_connection_is_waited_for(market: LocalExchange) -> None:
    market.refuse_rails_handshakes(503)
    with rails(market) as client:
        creating = Doing(lambda: client.create_order(**resting(market), timeout=LONG))
        wait_until(lambda: client.state == ConnectionState.WAITING, PATIENCE)
    assert isinstance(creating.end(), ConnectionClosed)


def test_close_while_a_handler_waits_for_an_order(market: LocalExchange) -> None:
    client = rails(market)
    errors = Log[BaseException]()

    def trade(_: object) -> None:
        for _ in range(0 if errors.items else 2):
            with pytest.raises(BigOneError) as caught:
                client.create_order(side="buy", amount=1, price=price, timeout=LONG)
            errors(caught.value)

    market.rails_hold(CREATE, 202)
    market.rails_hold(CREATE, 200)
    price = resting(market)["price"]
    client.on_depth(trade)
    with client:
        until_sent(market, 1)
    errors.wait(2)
    assert [type(error) for error in errors] == [OutcomeUnknown, ConnectionClosed]
    assert sent(market) == 1


# -- signals and forks


@needs_signals
def test_ctrl_c_comes_out_and_leaves_nothing_behind(market: LocalExchange, on_signal: Any) -> None:
    with trading(market) as trader:
        market.rails_hold(CREATE, 202)
        market.rails_hold(CREATE, 200)
        on_signal(lambda: sent(market) == 1, signal.default_int_handler)
        with pytest.raises(KeyboardInterrupt):
            trader.client.create_order(**resting(market), timeout=LONG)
        nothing_is_left(trader.client)
        market.rails_release()
        assert trader.client.create_order(**resting(market), wait="confirm").status == OrderState.ACTIVE
    assert sent(market) == 2


@needs_signals
def test_a_signal_handler_gives_a_command_on_the_thread_that_waits_for_one(
    market: LocalExchange, on_signal: Any
) -> None:
    inside = Log[RailsOrder]()
    with trading(market) as trader:

        def react(number: int, frame: Any) -> None:
            market.rails_release()
            inside(trader.client.create_order(**{**terms, "amount": "0.25"}, wait="confirm"))

        terms = resting(market)
        market.rails_hold(CREATE, 202)
        market.rails_hold(CREATE, 200)
        on_signal(lambda: sent(market) == 1, react)
        order = trader.client.create_order(**terms, timeout=LONG)
        assert (str(inside[0].remaining), str(order.remaining)) == ("0.25", "0.5")
        assert order.client_request_id != inside[0].client_request_id


@needs_signals
def test_a_signal_handler_that_closes_the_client_wakes_the_very_thread_that_waits(
    market: LocalExchange, on_signal: Any
) -> None:
    client = rails(market)
    market.rails_hold(CREATE, 202)
    market.rails_hold(CREATE, 200)
    with running(client):
        on_signal(lambda: sent(market) == 1, lambda number, frame: client.close())
        with pytest.raises(OutcomeUnknown):
            client.create_order(**resting(market), timeout=LONG)
    assert client.state == ConnectionState.CLOSED


LOCKS: dict[str, Callable[[RailsClient], Any]] = {
    "quota": lambda client: client._desk._quota._lock,
    "group": lambda client: client._group.lock,
    "turn": lambda client: client._group.turn,
    "changes": lambda client: client._hub._changes,
    "dispatcher": lambda client: client._dispatcher._lock,
}


@pytest.mark.parametrize("name", LOCKS)
def test_a_command_inside_of_a_lock_of_ours(market: LocalExchange, name: str) -> None:
    # As a signal handler gives it that interrupted the code that holds the lock.
    with trading(market) as trader:
        terms = resting(market)

        def interrupted() -> None:
            with LOCKS[name](trader.client):
                trader.client.create_order_nowait(**terms)

        assert Doing(interrupted).end() is None
        wait_until(lambda: sent(market) == 1, PATIENCE)
        trader.orders.wait(2)


def child_of(client: RailsClient) -> str:
    """What a forked child makes of its parent's client; empty if all is as it should be."""
    for name, use in {**uses(client), "resolve": lambda: client.resolve(STRANGER)}.items():
        try:
            use()
        except ConnectionClosed:
            continue
        except BaseException as error:  # noqa: BLE001 - told to the parent
            return f"{name}: {error!r}"
        return f"{name}: no error"
    for future in (client.create_order_nowait(side="buy", amount=1, price=1), client.ping_nowait()):
        if not isinstance(future.exception(1), ConnectionClosed):
            return f"nowait: {future!r}"
    client.close()
    return ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_cannot_use_or_harm_its_parents_client(market: LocalExchange) -> None:
    with trading(market) as trader:
        reading, writing = os.pipe()
        with trader.client._group.lock:  # another thread may hold it at that moment
            child = os.fork()
        if child == 0:
            try:
                os.write(writing, (child_of(trader.client) or "fine").encode())
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as report:
            assert report.read() == "fine"
        assert os.waitpid(child, 0)[1] == 0
        trader.client.create_order(**resting(market), wait="confirm")
        assert trader.client.stats().reconnects == 0
    assert sent(market) == 1
    assert market.handshakes == 1


def test_errors_in_the_background_name_no_secret(market: LocalExchange) -> None:
    client = rails(market, reconcile=False)
    watched = Watched(client)
    with running(client):
        market.rails_lose_next(CREATE)
        with pytest.raises(OutcomeUnknown) as caught:
            client.create_order(**resting(market))
        watched.errors.wait(1)
    for error in (caught.value, *watched.errors):
        assert "authorization#" not in f"{error!r} {error.__cause__!r}"

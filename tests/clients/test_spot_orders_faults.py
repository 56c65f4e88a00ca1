"""Orders over the socket when things go wrong: what is known of the order is said, and nothing is ever sent twice."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from client_rig import BTC, PATIENCE, Doing, Log, Watched, members, needs_signals, running, spot, until_ready
from websocket import ABNF

from bigone_sync import (
    Account,
    AuthenticationError,
    ConnectionClosed,
    ConnectionLost,
    ConnectionState,
    Credentials,
    Order,
    SpotClient,
    SubscriptionState,
    Timeouts,
)
from bigone_sync.errors import (
    ConnectError,
    NotConnected,
    OrderRejected,
    OutcomeUnknown,
    RequestRejected,
    RequestTimeout,
)
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until
from bigone_sync.testing.proxy import FaultProxy

LOGIN, CREATE, MARKETS = "authenticateCustomerRequest", "createOrderRequest", "listMarketsRequest"
FOREVER = threading.TIMEOUT_MAX


def place(client: SpotClient, timeout: float | None = None) -> Order | None:
    return client.create_order(BTC, "buy", amount="1", price="1", timeout=timeout)


def placing(client: SpotClient, timeout: float = FOREVER) -> Doing:
    return Doing(lambda: place(client, timeout))


def sent(exchange: LocalExchange, member: str = CREATE) -> int:
    """How many of a kind arrived."""
    return members(exchange).count(member)


def shown_out(client: SpotClient) -> Callable[[], list[Any]]:
    """The frames that have left so far."""
    frames: Log[Any] = Log()
    client.on_raw(frames)
    return lambda: [frame for frame in frames if frame.direction == "out"]


def nothing_is_left(client: SpotClient) -> None:
    """Nobody waits for anything, and no bound is lifted."""
    for session in client._sessions.values():
        assert session.calls._open == []
        assert session.venue._calls._waiting == {}  # type: ignore[attr-defined]
    assert client._dispatcher._lifted == client._closing  # closing lifts it for good


@contextmanager
def up(client: SpotClient) -> Iterator[SpotClient]:
    """The client, with its private connection up for commands."""
    with client:
        client.list_markets()
        yield client


# -- no answer


@pytest.mark.parametrize("carried_out", [True, False])
def test_no_answer_in_time(still: LocalExchange, carried_out: bool) -> None:
    client = spot(still.spot_url, private=True)
    watched, orders = Watched(client), Log[Order]()
    client.on_order(orders)
    with running(client):
        still.lose_replies(1, carry_out=carried_out)
        with pytest.raises(RequestTimeout, match="what became of the order is not known") as caught:
            place(client, 0.2)
        assert (caught.value.command, sent(still)) == (CREATE, 1)
        assert caught.value.request_id
        nothing_is_left(client)
        assert place(client) is None
        orders.wait(2 if carried_out else 1)
    assert sent(still) == 2
    assert len(still.orders()) == (2 if carried_out else 1)
    assert still.handshakes == 1
    watched.assert_quiet()


def test_no_list_in_time(still: LocalExchange) -> None:
    with FaultProxy(still.spot_url) as proxy, spot(proxy.url) as client:
        client.list_markets()
        proxy.blackhole()
        with pytest.raises(RequestTimeout) as caught:
            client.list_markets(timeout=0.1)
        assert "order" not in str(caught.value)
        nothing_is_left(client)


def test_an_answer_that_comes_too_late_is_counted_and_its_order_told() -> None:
    with (
        leak_check(),
        LocalExchange(rate=0, order_replies="order") as exchange,
        FaultProxy(exchange.spot_url) as proxy,
    ):
        client = spot(proxy.url, private=True)
        watched, orders = Watched(client), Log[Order]()
        client.on_order(orders)
        with running(client):
            proxy.stall("down")
            with pytest.raises(RequestTimeout):
                place(client, 0.2)
            exchange.reject(CREATE, message="GRPC error: late", times=1)
            with pytest.raises(RequestTimeout):
                place(client, 0.2)
            proxy.heal()
            venue = client._sessions["private"].venue
            wait_until(lambda: venue.late_answers == 2)  # type: ignore[attr-defined]
            orders.wait(1)
            assert place(client) is not None
            orders.wait(2)
        assert len(orders) == 2
        watched.assert_quiet()


# -- the connection ends


ENDINGS: dict[str, Callable[[LocalExchange, FaultProxy], None]] = {
    "cut": lambda exchange, proxy: proxy.cut(),
    "reset": lambda exchange, proxy: proxy.reset(),
    "closed": lambda exchange, proxy: exchange.close_connections(1001, "bye"),
    "restart": lambda exchange, proxy: exchange.restart(),
}


@pytest.mark.parametrize("connections", ["per_channel", "shared"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_the_connection_ends_before_the_answer(still: LocalExchange, ending: str, connections: str) -> None:
    with FaultProxy(still.spot_url) as proxy:
        client = spot(proxy.url, private=True, connections=connections)
        client.on_order(BTC, Log())
        with running(client):
            still.lose_replies(2)
            attempts = [placing(client), placing(client)]
            wait_until(lambda: sent(still) == 2)
            ENDINGS[ending](still, proxy)
            for error in [attempt.end() for attempt in attempts]:
                assert isinstance(error, OutcomeUnknown)
                assert (error.command, error.client_request_id) == (CREATE, error.request_id)
                assert isinstance(error.__cause__, ConnectionLost)
                assert "was sent" in str(error)
            assert len({attempt.end().request_id for attempt in attempts}) == 2
            nothing_is_left(client)
            until_ready(client, 1)
            assert place(client) is None
        # Never again by itself.
        assert sent(still) == 3
        assert len(still.orders()) == 3


@pytest.mark.parametrize("carried_out", [True, False])
def test_the_exchange_drops_the_connection_in_place_of_an_answer(still: LocalExchange, carried_out: bool) -> None:
    with up(spot(still.spot_url, private=True)) as client:
        still.lose_replies(1, carry_out=carried_out, drop=True)
        with pytest.raises(OutcomeUnknown):
            place(client, FOREVER)
        wait_until(lambda: client.stats().reconnects == 1)
        wait_until(lambda: client.connections["private"] == ConnectionState.READY)
        assert client.list_markets()
    assert len(still.orders()) == carried_out
    assert sent(still) == 1


def test_the_path_dies_and_the_watchdog_ends_the_connection(still: LocalExchange) -> None:
    quick = Timeouts(connect=2, ping=0.2, pong=0.2, reply=2, close=2)
    with FaultProxy(still.spot_url) as proxy, up(spot(proxy.url, private=True, timeouts=quick)) as client:
        proxy.blackhole()
        error = placing(client).end()
        assert isinstance(error, OutcomeUnknown)  # it left this machine
        assert isinstance(error.__cause__, ConnectionLost)
        assert error.__cause__.cause == "silent"
    assert sent(still) == 0


def test_a_list_whose_connection_ends_is_lost_and_no_more(still: LocalExchange) -> None:
    with FaultProxy(still.spot_url) as proxy:
        client = spot(proxy.url)
        frames = shown_out(client)
        with up(client):
            proxy.blackhole()
            attempt = Doing(lambda: client.list_markets(timeout=FOREVER))
            wait_until(lambda: len(frames()) == 2)
            proxy.cut()
            error = attempt.end()
            assert type(error) is ConnectionLost
            assert MARKETS in str(error)


# -- not sent at all


def test_a_connection_that_is_down_is_not_waited_for(still: LocalExchange) -> None:
    with up(spot(still.spot_url, private=True)) as client:
        still.take_down()
        wait_until(lambda: client.connections["private"] != ConnectionState.READY)
        attempt = placing(client)
        error = attempt.end()
        assert isinstance(error, NotConnected)
        assert "was not sent" in str(error)
        assert error.state in (ConnectionState.WAITING, ConnectionState.CONNECTING)
        assert isinstance(error.__cause__, (ConnectionLost, ConnectError))
        nothing_is_left(client)
        still.bring_up()
        wait_until(lambda: client.connections["private"] == ConnectionState.READY)
        assert client.list_markets()
    assert sent(still) == 0


def test_the_first_opening_is_waited_for(still: LocalExchange) -> None:
    still.take_down()
    with spot(still.spot_url, private=True) as client:
        attempt = placing(client)
        wait_until(lambda: client.connections.get("private") == ConnectionState.WAITING)
        assert not attempt.is_over
        still.bring_up()
        assert attempt.end() is None
    assert sent(still) == 1


def test_the_first_opening_is_waited_for_only_so_long(still: LocalExchange) -> None:
    still.take_down()
    with spot(still.spot_url, private=True) as client:
        with pytest.raises(NotConnected, match="was not sent, and is not sent later") as caught:
            place(client, 0.3)
        assert isinstance(caught.value.__cause__, ConnectError)
        nothing_is_left(client)
        still.bring_up()
        assert client.list_markets(timeout=PATIENCE)
    assert sent(still) == 0


def test_nothing_is_sent_before_the_login_is_answered(still: LocalExchange) -> None:
    still.mute_auth()
    times = Timeouts(connect=2, ping=5, pong=5, reply=0.4, close=2)
    client = spot(still.spot_url, private=True, timeouts=times)
    watched = Watched(client)
    with client:
        attempt = placing(client)
        watched.errors.wait(1, RequestTimeout)  # of the login, which ends the connection; the next one fares better
        assert attempt.end() is None
    assert members(still, 1) == [LOGIN]
    assert members(still, 2) == [LOGIN, CREATE]


@contextmanager
def deaf(still: LocalExchange) -> Iterator[tuple[SpotClient, FaultProxy]]:
    """A client whose connection is up, while the peer takes no byte more."""
    with FaultProxy(still.spot_url, receive_buffer=4096) as proxy, up(spot(proxy.url, private=True)) as client:
        proxy.stall("up")
        attempt = client._sessions["private"].connection.attempt
        assert attempt is not None
        channel = attempt.socket
        assert channel is not None
        # The kernel does not let a buffer grow whose size was set, so it cannot take all of what must go out first.
        channel._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        assert channel.try_send(bytes(ABNF.create_frame(b" " * 65536, ABNF.OPCODE_BINARY).format()) * 8)
        assert not channel.flush()
        yield client, proxy


def test_a_peer_that_takes_no_data(still: LocalExchange) -> None:
    with deaf(still) as (client, proxy):
        with pytest.raises(NotConnected, match=r"has taken no data for 0\.2 s: createOrderRequest was not sent"):
            place(client, 0.2)
        nothing_is_left(client)
        proxy.heal()
        assert client.list_markets(timeout=PATIENCE)
    assert sent(still) == 0


def test_a_connection_that_ends_before_the_order_could_leave(still: LocalExchange) -> None:
    with deaf(still) as (client, proxy):
        attempt = placing(client)
        [call] = wait_until(lambda: client._sessions["private"].calls._open)
        wait_until(lambda: call.request is not None)
        proxy.reset()
        error = attempt.end()
        assert isinstance(error, NotConnected)
        assert "was lost: createOrderRequest was not sent" in str(error)
        assert isinstance(error.__cause__, ConnectionLost)
        proxy.heal()
        wait_until(lambda: client.connections["private"] == ConnectionState.READY, PATIENCE)
        assert place(client) is None
    assert sent(still) == 1


def test_a_client_that_is_closed_before_the_order_could_leave(still: LocalExchange) -> None:
    with deaf(still) as (client, _):
        attempt = placing(client)
        [call] = wait_until(lambda: client._sessions["private"].calls._open)
        wait_until(lambda: call.request is not None)
        client.close()
        error = attempt.end()
        assert type(error) is ConnectionClosed
        assert "was not sent" in str(error)
    assert sent(still) == 0


# -- refused for good


def test_wrong_credentials(still: LocalExchange) -> None:
    client = spot(still.spot_url, credentials=Credentials("key", "wrong"))
    watched = Watched(client)
    with client:
        for _ in range(2):
            error = placing(client).end()
            assert isinstance(error, AuthenticationError)
            assert error.code == 45001
        nothing_is_left(client)
        watched.errors.wait(1, AuthenticationError)
    assert sent(still) == 0


def test_a_handshake_that_is_refused_for_good(still: LocalExchange) -> None:
    still.refuse_handshakes(403)
    with spot(still.spot_url, private=True) as client:
        error = placing(client).end()
    assert isinstance(error, ConnectError)
    assert error.status_code == 403


def test_a_login_that_is_refused_while_an_order_is_out(still: LocalExchange) -> None:
    with up(spot(still.spot_url, private=True)) as client:
        still.lose_replies()
        attempt = placing(client)
        wait_until(lambda: sent(still) == 1)
        still.refuse_auth()
        still.expire_auth()
        error = attempt.end()
        assert isinstance(error, OutcomeUnknown)
        assert isinstance(error.__cause__, AuthenticationError)
        with pytest.raises(AuthenticationError):
            place(client)


# -- the login is lost


def test_an_order_that_finds_the_login_gone_is_rejected_and_the_login_renewed(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    watched, accounts = Watched(client), Log[Account]()
    account = client.on_account(accounts)
    with running(client):
        still.reject(CREATE, code=45001, message="login status error")
        with pytest.raises(OrderRejected) as caught:
            place(client)
        assert (caught.value.code, caught.value.reason) == (45001, "login status error")
        assert place(client) is None
        client.wait_ready(PATIENCE)
        assert account.state == SubscriptionState.LIVE
    assert members(still) == [
        LOGIN,
        "subscribeViewerAccountsRequest",
        CREATE,
        LOGIN,
        *sorted([CREATE, "subscribeViewerAccountsRequest"], reverse=members(still)[4] != CREATE),
    ]
    assert still.handshakes == 1
    watched.assert_quiet()


def test_an_exchange_that_does_not_serve_orders_to_this_login_harms_no_stream(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    account = client.on_account(Log())
    with running(client):
        still.reject(CREATE, code=45001, times=None)
        for _ in range(4):
            with pytest.raises(OrderRejected):
                place(client)
        client.wait_ready(PATIENCE)
        assert account.state == SubscriptionState.LIVE
    assert sent(still, LOGIN) == 2
    watched.assert_quiet()


def test_a_list_that_is_refused_without_a_login_renews_none(still: LocalExchange) -> None:
    still.reject(MARKETS, code=45001)
    client = spot(still.spot_url)
    watched = Watched(client)
    with client:
        with pytest.raises(RequestRejected) as caught:
            client.list_markets()
        assert caught.value.code == 45001
        assert client.list_markets()
    assert sent(still, LOGIN) == 0
    watched.assert_quiet()


def test_an_order_waits_while_the_login_is_renewed(still: LocalExchange) -> None:
    times = Timeouts(connect=2, ping=5, pong=5, reply=0.4, close=2)
    with up(spot(still.spot_url, private=True, timeouts=times)) as client:
        still.mute_auth()
        still.expire_auth()
        wait_until(lambda: sent(still, LOGIN) == 2)
        error = placing(client).end()
        # The renewal was not answered, so the connection was ended; the order had not left.
        assert isinstance(error, NotConnected)
        wait_until(lambda: client.connections["private"] == ConnectionState.READY)
        assert place(client) is None
    assert sent(still) == 1


def test_commands_alone_keep_nobody_from_being_ready(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    client.on_depth(BTC, Log())
    with running(client):
        still.mute_auth(None)
        attempt = placing(client, 0.5)
        wait_until(lambda: client.connections.get("private") == ConnectionState.AUTHENTICATING)
        client.wait_ready(PATIENCE)
        assert isinstance(attempt.end(), NotConnected)


# -- the client is closed


def test_closing_while_an_order_is_out(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    with up(client):
        still.lose_replies()
        attempt = placing(client)
        wait_until(lambda: sent(still) == 1)
        client.close()
        error = attempt.end()
    assert isinstance(error, OutcomeUnknown)
    assert isinstance(error.__cause__, ConnectionClosed)
    nothing_is_left(client)


def test_closing_while_the_connection_is_waited_for(still: LocalExchange) -> None:
    still.take_down()
    client = spot(still.spot_url, private=True)
    with client:
        attempts = [placing(client), Doing(lambda: client.list_markets(timeout=FOREVER))]
        wait_until(lambda: client.connections.get("private") == ConnectionState.WAITING)
        wait_until(lambda: len(client._sessions["private"].calls._open) == 2)
        client.close()
        for error in [attempt.end() for attempt in attempts]:
            assert type(error) is ConnectionClosed
            assert "was not sent" in str(error)
    nothing_is_left(client)


def test_closing_while_a_list_is_out(still: LocalExchange) -> None:
    with FaultProxy(still.spot_url) as proxy:
        client = spot(proxy.url)
        frames = shown_out(client)
        with up(client):
            proxy.blackhole()
            attempt = Doing(lambda: client.list_markets(timeout=FOREVER))
            wait_until(lambda: len(frames()) == 2)
            client.close()
            assert isinstance(attempt.end(), ConnectionClosed)


@pytest.mark.one_codec
def test_closing_while_the_connection_is_being_made(still: LocalExchange) -> None:
    class Interrupted(SpotClient):
        """As if a signal handler closed it right there."""

        def _make_session(self, channel: str) -> Any:
            self.close()
            return super()._make_session(channel)

    uses: list[Callable[[SpotClient], object]] = [
        lambda client: place(client, FOREVER),
        lambda client: client.on_depth(BTC, Log()),
    ]
    for use in uses:
        client = Interrupted(Credentials("key", "secret"), url=still.spot_url)
        client.start()
        with pytest.raises(ConnectionClosed):
            use(client)
        assert client.connections == {}
        assert client.state == ConnectionState.CLOSED


@pytest.mark.parametrize("on_its_own_thread", [True, False])
def test_closing_while_a_handler_waits_for_an_order(still: LocalExchange, on_its_own_thread: bool) -> None:
    client = spot(still.spot_url, private=True)
    errors = Log[object]()

    def trade(_: object) -> None:
        if not errors.items:
            errors(_raised(lambda: place(client, FOREVER)) if on_its_own_thread else placing(client).end())
            errors(_raised(lambda: place(client, FOREVER)))

    client.on_depth(BTC, trade)
    still.lose_replies()
    client.start()
    wait_until(lambda: sent(still) == 1)
    client.close()
    assert client.state == ConnectionState.CLOSED
    errors.wait(2)
    assert isinstance(errors[0], OutcomeUnknown)
    assert isinstance(errors[1], ConnectionClosed)
    assert sent(still) == 1


def _raised(work: Callable[[], object]) -> BaseException:
    with pytest.raises(Exception) as caught:
        work()
    return caught.value


# -- signals


@needs_signals
def test_ctrl_c_comes_out_and_leaves_nothing_behind(still: LocalExchange, on_signal: Any) -> None:
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    with up(client):
        still.lose_replies()
        on_signal(lambda: sent(still) == 1, signal.default_int_handler)
        with pytest.raises(KeyboardInterrupt):
            place(client, FOREVER)
        nothing_is_left(client)
        assert place(client) is None
    watched.assert_quiet()
    assert sent(still) == 2


@needs_signals
def test_ctrl_c_while_the_connection_is_waited_for(still: LocalExchange, on_signal: Any) -> None:
    still.take_down()
    with spot(still.spot_url, private=True) as client:
        on_signal(lambda: client.connections.get("private") == ConnectionState.WAITING, signal.default_int_handler)
        with pytest.raises(KeyboardInterrupt):
            place(client, FOREVER)
        nothing_is_left(client)
        still.bring_up()
        assert client.list_markets(timeout=PATIENCE)
    assert sent(still) == 0


@needs_signals
@pytest.mark.parametrize("is_out", [True, False])
def test_a_signal_handler_that_closes_the_client_wakes_the_very_thread_that_waits(
    still: LocalExchange, on_signal: Any, is_out: bool
) -> None:
    client = spot(still.spot_url, private=True)

    def close(number: int, frame: Any) -> None:
        client.close()

    client.start()
    if is_out:
        still.lose_replies()
        on_signal(lambda: sent(still) == 1, close)
    else:
        still.take_down()
        on_signal(lambda: client.connections.get("private") == ConnectionState.WAITING, close)
    with pytest.raises(OutcomeUnknown if is_out else ConnectionClosed):
        place(client, FOREVER)
    assert client.state == ConnectionState.CLOSED


@needs_signals
def test_ctrl_c_in_a_handler_that_waits_for_an_order_ends_run_forever(still: LocalExchange, on_signal: Any) -> None:
    client = spot(still.spot_url, private=True)
    client.on_depth(BTC, lambda _: place(client, FOREVER))
    still.lose_replies()
    on_signal(lambda: sent(still) == 1, signal.default_int_handler)
    client.run_forever()
    assert client.state == ConnectionState.CLOSED
    assert sent(still) == 1

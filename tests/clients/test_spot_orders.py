"""Orders over the socket and the list of markets: what is sent, what comes back, from which thread ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from decimal import Decimal as D
from decimal import localcontext
from typing import Any

import pytest
from client_rig import BTC, ETH, KEYS, PATIENCE, Gate, Log, Watched, asked, in_thread, members, running, spot

from bigone_sync import (
    Channel,
    ConfigurationError,
    ConnectionState,
    Limits,
    Order,
    OrderState,
    OrderType,
    Side,
    SpotClient,
)
from bigone_sync.errors import ConnectionClosed, NotConnected, OrderRejected, RequestRejected
from bigone_sync.markets import Market
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

LOGIN, CREATE, CANCEL = "authenticateCustomerRequest", "createOrderRequest", "cancelOrderRequest"
MODES = pytest.mark.parametrize("connections", ["per_channel", "shared"])


@pytest.fixture
def telling() -> Iterator[LocalExchange]:
    """One that answers with the orders."""
    with leak_check(), LocalExchange(rate=0, order_replies="order") as exchange:
        yield exchange


# -- the commands


@MODES
def test_a_limit_order_is_placed_and_cancelled(still: LocalExchange, connections: str) -> None:
    with spot(still.spot_url, private=True, connections=connections) as client:
        assert client.create_order(BTC, "buy", amount="0.50", price=D("10.10")) is None
        [order] = still.orders()
        assert (order.market, order.side, order.type, order.state) == (BTC, "BID", "LIMIT", "PENDING")
        assert (order.amount, order.price) == (D("0.50"), D("10.10"))
        assert client.cancel_order(order.id) is None
        assert still.orders()[0].state == "CANCELLED"
    assert members(still) == [LOGIN, CREATE, CANCEL]
    assert still.handshakes == 1


@MODES
def test_the_answer_may_hold_the_order_and_the_streams_hear_of_it_too(telling: LocalExchange, connections: str) -> None:
    client = spot(telling.spot_url, private=True, connections=connections)
    orders, mine = Log[Order](), Log[Order]()
    client.on_order(orders)
    client.on_order(BTC, mine)
    watched = Watched(client)
    with running(client):
        placed = client.create_order(BTC, Side.SELL, amount=1, price="900000")
        assert isinstance(placed, Order)
        assert (placed.side, placed.state, placed.price) == (Side.SELL, OrderState.PENDING, D(900000))
        cancelled = client.cancel_order(placed.id)
        assert isinstance(cancelled, Order)
        assert (cancelled.id, cancelled.state) == (placed.id, OrderState.CANCELLED)
        for log in (orders, mine):
            log.wait(2)
            assert [order.state for order in log] == [OrderState.PENDING, OrderState.CANCELLED]
            assert log[0] == placed
    watched.assert_quiet()


def test_a_market_order_and_a_stop_order(telling: LocalExchange) -> None:
    with spot(telling.spot_url, private=True) as client:
        bought = client.create_order(BTC, "BID", amount="0.1")
        assert bought is not None
        assert (bought.type, bought.state, bought.filled_amount) == (OrderType.MARKET, OrderState.FILLED, D("0.1"))
        best = next(iter(telling.book(BTC).asks))
        stop = client.create_order(BTC, "sell", amount="0.1", price="1", stop_price="1.5", hidden=True)
        assert stop is not None
        assert (stop.type, stop.stop_price, stop.state) == (OrderType.STOP_LIMIT, D("1.5"), OrderState.PENDING)
        gone = client.create_order(BTC, "buy", amount="0.1", price=best - 1, ioc=True)
        assert gone is not None
        assert (gone.ioc, gone.state) == (True, OrderState.CANCELLED)
    market, stopped, at_once = asked(telling, CREATE)
    assert market["price"] == "MARKET"
    assert not market.get("stopPrice")
    assert (stopped["price"], stopped["stopPrice"], stopped["hidden"]) == ("1", "1.5", True)
    assert at_once["immediateOrCancel"] is True
    assert not market.get("hidden")
    assert not market.get("immediateOrCancel")


@MODES
def test_all_orders_are_cancelled_or_those_of_some_markets(telling: LocalExchange, connections: str) -> None:
    client = spot(telling.spot_url, private=True, connections=connections)
    everything, eth = Log[Order](), Log[Order]()
    client.on_order(everything)
    client.on_order(ETH, eth)
    with running(client):
        ids = [telling.place_order(market, "BID", price="1", amount="1") for market in (BTC, ETH, ETH, BTC)]
        everything.wait(4)
        found = client.cancel_orders(ETH)
        assert sorted(order.id for order in found) == sorted(ids[1:3])
        assert {order.state for order in found} == {OrderState.CANCELLED}
        wait_until(lambda: [order.state for order in eth].count(OrderState.CANCELLED) == 2)
        assert client.cancel_orders([ETH]) == ()
        assert sorted(order.id for order in client.cancel_orders()) == sorted([ids[0], ids[3]])
        wait_until(lambda: [order.state for order in everything].count(OrderState.CANCELLED) == 4)
        assert {order.market for order in eth} == {ETH}
    assert [sent["markets"] for sent in asked(telling, "cancelAllOrdersRequest")] == [[ETH], [ETH], []]


def test_a_yes_to_cancelling_all_names_no_orders(still: LocalExchange) -> None:
    still.place_order(BTC, "BID", price="1", amount="1")
    with spot(still.spot_url, private=True) as client:
        assert client.cancel_orders((BTC, ETH, BTC)) == ()
    assert still.orders()[0].state == "CANCELLED"
    assert asked(still, "cancelAllOrdersRequest") == [{"markets": [BTC, ETH]}]


@pytest.mark.parametrize(
    ("private", "connections", "channel"),
    [(True, "per_channel", "private"), (False, "per_channel", "ticker"), (False, "shared", "shared")],
)
def test_the_markets(still: LocalExchange, private: bool, connections: str, channel: str) -> None:
    with spot(still.spot_url, private=private, connections=connections) as client:
        markets = client.list_markets()
        assert [market.name for market in markets] == [BTC, ETH]
        assert all(isinstance(market, Market) for market in markets)
        assert set(client.connections) == {channel}
    assert members(still)[-1] == "listMarketsRequest"
    assert (LOGIN in members(still)) == private


# -- refused


def test_an_order_that_is_refused(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    with client:
        with pytest.raises(OrderRejected) as caught:
            client.create_order(BTC, "buy", amount="1000000000", price="1")
        error = caught.value
        assert (error.code, error.command) == (45000, CREATE)
        assert error.reason.startswith("GRPC error: ")
        assert error.request_id == error.client_request_id != ""
        assert error.reason in str(error)
        with pytest.raises(OrderRejected):
            client.cancel_order("1")
        with pytest.raises(OrderRejected):
            client.cancel_orders("NO-SUCH")
        assert client.create_order(BTC, "buy", amount="1", price="1") is None
    # What the caller is told need not be told again.
    watched.assert_quiet()
    assert still.handshakes == 1


def test_a_list_of_markets_that_is_refused_is_no_order(still: LocalExchange) -> None:
    still.reject("listMarketsRequest", message="GRPC error: not served")
    with spot(still.spot_url) as client, pytest.raises(RequestRejected) as caught:
        client.list_markets()
    assert type(caught.value) is RequestRejected
    assert (caught.value.reason, caught.value.command) == ("GRPC error: not served", "listMarketsRequest")


# -- who calls, and from where


def test_many_threads_get_their_own_answers(telling: LocalExchange) -> None:
    got: dict[int, Order | None] = {}
    with spot(telling.spot_url, private=True) as client:

        def place(number: int) -> None:
            got[number] = client.create_order(BTC, "buy", amount=number, price="1")

        threads = [in_thread(lambda number=number: place(number)) for number in range(1, 31)]  # type: ignore[misc]
        for thread in threads:
            thread.join(PATIENCE)
    assert {number: order and order.amount for number, order in got.items()} == {n: D(n) for n in range(1, 31)}
    assert len({order.id for order in got.values() if order is not None}) == 30
    ids = [request["requestId"] for _, request in telling.requests if CREATE in request]
    assert len(set(ids)) == 30


@MODES
def test_inside_a_handler_with_every_queue_full(telling: LocalExchange, connections: str) -> None:
    client = spot(telling.spot_url, private=True, connections=connections, limits=Limits(queue=10))
    results = Log[object]()
    gate = Gate(
        lambda _: results(client.create_order(BTC, "buy", amount="1", price="1")) if not results.items else None
    )
    client.on_depth(BTC, gate)
    client.on_order(Log())
    client.on_ticker(BTC, Log())
    with running(client):
        assert gate.entered.wait(PATIENCE)
        name = "depth" if connections == "per_channel" else "shared"
        telling.step(100, BTC)
        for _ in range(20):
            telling.cancel_order(telling.place_order(BTC, "BID", price="1", amount="1"))
        wait_until(lambda: client.stats().channels[name].queue_depth >= 10)
        gate.go.set()
        [order] = results.wait(1, Order)
        assert order.price == 1
        # The bound holds again, and nothing was lost meanwhile.
        wait_until(lambda: client.stats().queue_depth == 0)
        assert client.stats().dropped == 0


def test_inside_a_handler_of_the_order_stream_itself(telling: LocalExchange) -> None:
    client = spot(telling.spot_url, private=True)
    seen, replies = Log[Order](), Log[object]()

    def flip(order: Order) -> None:
        seen(order)
        if order.state == OrderState.PENDING:
            replies(client.cancel_order(order.id))

    client.on_order(flip)
    with running(client):
        placed = client.create_order(BTC, "buy", amount="1", price="1")
        assert placed is not None
        seen.wait(2)
    [reply] = replies.of(Order)
    assert reply.id == placed.id
    assert [order.state for order in seen] == [OrderState.PENDING, OrderState.CANCELLED]


@MODES
def test_on_the_callers_own_thread(telling: LocalExchange, connections: str) -> None:
    client = spot(telling.spot_url, private=True, dispatch="caller", connections=connections, limits=Limits(queue=10))
    orders, inside = Log[Order](), Log[object]()
    client.on_order(orders)
    client.on_depth(BTC, lambda _: inside(client.cancel_orders()) if not inside.items else None)
    with client:
        client.wait_ready(PATIENCE)
        telling.step(200, BTC)  # nobody delivers: the queue is full, and the reader waits
        assert client.create_order(BTC, "buy", amount="1", price="1") is not None
        wait_until(lambda: client.poll(0.1) == 0)
        [found] = inside.items
        assert isinstance(found, tuple)
        assert [order.state for order in found] == [OrderState.CANCELLED]
        assert [order.state for order in orders] == [OrderState.PENDING, OrderState.CANCELLED]


def test_while_iterating_a_stream_whose_buffer_is_full(telling: LocalExchange) -> None:
    client = spot(telling.spot_url, private=True, connections="shared", limits=Limits(queue=10))
    with client:
        with client.subscribe(Channel.DEPTH, BTC) as updates:
            client.wait_ready(PATIENCE)
            telling.step(200, BTC)
            wait_until(lambda: client.stats().queue_depth >= 10)
            assert client.create_order(BTC, "buy", amount="1", price="1") is not None
            changes = [event.change_id for event in updates.events(0.2)]  # type: ignore[union-attr]
        assert changes[-1] == telling.book(BTC).change_id
        assert changes == sorted(changes)
        assert client.stats().dropped == 0


# -- the connection and the login


def test_the_first_command_opens_the_connection_and_logs_in(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    client.on_depth(BTC, Log())
    with running(client):
        assert set(client.connections) == {"depth"}
        client.create_order(BTC, "buy", amount="1", price="1")
        assert client.connections == {"depth": ConnectionState.READY, "private": ConnectionState.READY}
        client.wait_ready(PATIENCE)
        client.create_order(BTC, "buy", amount="1", price="1")
    assert members(still, 2) == [LOGIN, CREATE, CREATE]


def test_a_shared_connection_that_is_up_logs_in_for_the_first_command(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True, connections="shared")
    client.on_depth(BTC, Log())
    with running(client):
        assert members(still) == ["subscribeMarketDepthRequest"]
        client.create_order(BTC, "buy", amount="1", price="1")
        client.on_account(log := Log[Any]())
        log.wait(1)
    assert members(still) == ["subscribeMarketDepthRequest", LOGIN, CREATE, "subscribeViewerAccountsRequest"]
    assert still.handshakes == 1


def test_after_a_reconnect_it_is_logged_in_again_without_any_stream(still: LocalExchange) -> None:
    with spot(still.spot_url, private=True) as client:
        client.create_order(BTC, "buy", amount="1", price="1")
        still.drop_connections()
        wait_until(lambda: client.stats().reconnects == 1)
        wait_until(lambda: client.connections["private"] == ConnectionState.READY)
        client.create_order(BTC, "buy", amount="1", price="1")
    assert members(still, 2) == [LOGIN, CREATE]


def test_frames_out_are_shown(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    frames = Log[Any]()
    client.on_raw(frames)
    with client:
        client.create_order(BTC, "buy", amount="7.25", price="1")
        wait_until(lambda: any(b"7.25" in frame.data and frame.direction == "out" for frame in frames))


# -- before any I/O


def test_before_the_start_and_after_the_end(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    with pytest.raises(NotConnected, match=r"was not sent: call start\(\) first"):
        client.create_order(BTC, "buy", amount=1)
    with pytest.raises(NotConnected, match=r"call start\(\) first"):
        client.list_markets()
    assert client.connections == {}
    with client:
        pass
    for command in (lambda: client.create_order(BTC, "buy", amount=1), client.cancel_orders, client.list_markets):
        with pytest.raises(ConnectionClosed):
            command()
    assert still.handshakes == 0


@pytest.mark.one_codec
def test_without_credentials() -> None:
    client = SpotClient(url="ws://127.0.0.1:1/")
    commands: list[Callable[[], object]] = [
        lambda: client.create_order(BTC, "buy", amount=1),
        lambda: client.cancel_order("1"),
        client.cancel_orders,
    ]
    for command in commands:
        with pytest.raises(ConfigurationError, match="credentials are needed") as caught:
            command()
        assert caught.value.argument == "credentials"
    with pytest.raises(NotConnected):
        client.list_markets()


BAD_NUMBERS: list[Any] = [
    1.0,
    float("nan"),
    0,
    -1,
    True,
    "0",
    "-1",
    "+1",
    "",
    " 1",
    "1_000",
    "1,5",
    "0x10",
    "NaN",
    "Infinity",
    "MARKET",
    "\u0661",
    b"1",
    [1],
    D("NaN"),
    D("sNaN"),
    D("Infinity"),
    D("-0"),
    D("1E+101"),
    "1E-101",
    10**120,
    D("0." + "1" * 101),
]


@pytest.mark.one_codec
@pytest.mark.parametrize("value", BAD_NUMBERS, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("argument", ["amount", "price", "stop_price"])
def test_numbers_that_are_refused(argument: str, value: Any) -> None:
    client = SpotClient(KEYS, url="ws://127.0.0.1:1/")
    numbers = {"amount": "1", "price": "1", argument: value}
    with pytest.raises(ConfigurationError) as caught:
        client.create_order(BTC, "buy", **numbers)
    assert caught.value.argument == argument


NUMBERS: list[tuple[Any, str]] = [
    (1, "1"),
    (10**30, "1" + "0" * 30),
    ("1.50", "1.50"),
    ("007", "7"),
    ("2.", "2"),
    ("1e3", "1000"),
    ("1.5E-7", "0.00000015"),
    (D("1E+5"), "100000"),
    (D("1.10"), "1.10"),
    (D("1E-18"), "0.000000000000000001"),
    (D("123456789012345678901234567890.123456789"), "123456789012345678901234567890.123456789"),
]


@pytest.mark.parametrize(("value", "text"), NUMBERS)
def test_numbers_are_sent_exactly_and_without_exponent(still: LocalExchange, value: Any, text: str) -> None:
    still.reject(CREATE)  # only what was sent matters
    with spot(still.spot_url, private=True) as client, localcontext() as context:
        context.prec = 3
        with pytest.raises(OrderRejected):
            client.create_order(BTC, "buy", amount=value, price=value, stop_price=value)
    [sent] = asked(still, CREATE)
    assert [sent[name] for name in ("amount", "price", "stopPrice")] == [text] * 3


@pytest.mark.parametrize("numbers", [{"amount": 10**30, "price": "1"}, {"amount": 1, "price": 10**40}])
def test_more_than_the_exchange_can_count_is_rejected(still: LocalExchange, numbers: dict[str, Any]) -> None:
    with spot(still.spot_url, private=True) as client:
        with pytest.raises(OrderRejected, match="must be at most"):
            client.create_order(BTC, "buy", **numbers)
        client.create_order(BTC, "buy", amount=1, price=1)
    assert still.handshakes == 1


@pytest.mark.one_codec
@pytest.mark.parametrize(
    ("argument", "arguments", "named"),
    [
        ("market", {"market": "btc-usdt"}, {}),
        ("market", {"market": None}, {}),
        ("side", {"side": "long"}, {}),
        ("side", {"side": 0}, {}),
        ("side", {"side": "0"}, {}),
        ("side", {"side": Side.UNKNOWN}, {}),
        ("side", {"side": None}, {}),
        ("ioc", {}, {"ioc": 1}),
        ("hidden", {}, {"hidden": "no"}),
        ("timeout", {}, {"timeout": 0}),
        ("timeout", {}, {"timeout": -1}),
        ("timeout", {}, {"timeout": float("nan")}),
        ("timeout", {}, {"timeout": float("inf")}),
        ("timeout", {}, {"timeout": True}),
        ("timeout", {}, {"timeout": "1"}),
    ],
)
def test_other_arguments_that_are_refused(argument: str, arguments: Any, named: Any) -> None:
    client = SpotClient(KEYS, url="ws://127.0.0.1:1/")
    with pytest.raises(ConfigurationError) as caught:
        client.create_order(**{"market": BTC, "side": "buy", "amount": "1", **arguments, **named})
    assert caught.value.argument == argument


@pytest.mark.one_codec
@pytest.mark.parametrize("order_id", ["", 0, -1, 1.0, None, True, "a b", "1\n", "x" * 65])
def test_order_ids_that_are_refused(order_id: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SpotClient(KEYS, url="ws://127.0.0.1:1/").cancel_order(order_id)
    assert caught.value.argument == "order_id"


@pytest.mark.one_codec
@pytest.mark.parametrize("markets", [None, 1, ["btc"], [None], "BTC/USDT"])
def test_markets_that_are_refused(markets: Any) -> None:
    # None above all: it shall not cancel everything.
    with pytest.raises(ConfigurationError) as caught:
        SpotClient(KEYS, url="ws://127.0.0.1:1/").cancel_orders(markets)
    assert caught.value.argument == "markets"


@pytest.mark.parametrize(
    ("side", "word"),
    [(Side.BUY, "BID"), (Side.SELL, "ASK"), (Side.BID, "BID"), ("Buy", "BID"), ("SELL", "ASK"), ("ask", "ASK")],
)
def test_sides(still: LocalExchange, side: Any, word: str) -> None:
    with spot(still.spot_url, private=True) as client:
        client.create_order(BTC, side, amount=1, price=1 if word == "BID" else 900_000)
        assert client.cancel_order(int(still.orders()[0].id)) is None
    assert still.orders()[0].side == word


def test_no_more_connections_than_allowed(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True, limits=Limits(max_connections=1))
    client.on_depth(BTC, Log())
    with running(client), pytest.raises(ConfigurationError, match="createOrderRequest needs one more connection"):
        client.create_order(BTC, "buy", amount=1)


def test_a_timeout_of_its_own_may_be_very_long(still: LocalExchange) -> None:
    with spot(still.spot_url, private=True) as client:
        client.create_order(BTC, "buy", amount=1, price=1, timeout=threading.TIMEOUT_MAX)

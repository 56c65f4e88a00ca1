"""Orders on Rails from their placing to their end: what is sent, what comes back, what on_order is told."""

from __future__ import annotations

from decimal import Decimal as D
from decimal import localcontext
from typing import Any

import pytest
from client_rig import KEYS, PATIENCE, Doing, Gate, Log, running
from rails_client_rig import ALL, BTC, ETH, asked, rails, until_open, venue
from rails_commands_rig import (
    CANCEL,
    CREATE,
    LEVERAGE,
    MODIFY,
    Trader,
    best,
    own,
    resting,
    sent,
    trading,
    until_sent,
)

from bigone_sync import ConfigurationError, Limits, OrderState, OrderType, RailsClient, RailsOrder, RawFrame, Side
from bigone_sync.errors import OrderRejected, RateLimited, RequestRejected
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

pytestmark = pytest.mark.one_codec

PENDING, ACTIVE, FILLED = OrderState.PENDING, OrderState.ACTIVE, OrderState.FILLED
CANCELLING, CANCELLED, REJECTED = OrderState.CANCELLING, OrderState.CANCELLED, OrderState.REJECTED
MODIFYING, MODIFIED = OrderState.MODIFYING, OrderState.MODIFIED
PLACED = ((CREATE, 202, PENDING), (CREATE, 200, ACTIVE))
GONE = ((CANCEL, 202, CANCELLING), (CANCEL, 200, CANCELLED))
WAYS = pytest.mark.parametrize("wait", ["ack", "confirm"])


# -- life cycles


@WAYS
def test_limit_order(market: LocalExchange, wait: str) -> None:
    with trading(market) as trader:
        order = trader.client.create_order(**resting(market), wait=wait)
        assert isinstance(order, RailsOrder)
        expected = PLACED[0] if wait == "ack" else PLACED[1]
        assert (order.result_type, order.status_code, order.status) == expected
        assert (order.side, order.type, order.market) == (Side.BUY, OrderType.LIMIT, BTC)
        assert (order.remaining, order.filled, order.post_only) == (D("0.5"), D(0), False)
        [content] = asked(market, CREATE)
        assert order.client_request_id == content["clientRequestId"]
        assert "market" not in content
        trader.until_told(*PLACED)
        assert trader.orders[wait == "confirm"] == order
        market.rails_fill(order.order_id, "0.2")
        market.rails_fill(order.order_id)
        trader.orders.wait(4)
        part, whole = trader.orders[2], trader.orders[3]
        assert (part.status, part.filled, part.remaining) == (ACTIVE, D("0.2"), D("0.3"))
        assert (whole.status, whole.filled, whole.avg_fill_price) == (FILLED, D("0.5"), order.price)


@WAYS
def test_market_order_that_is_filled_at_once(market: LocalExchange, wait: str) -> None:
    with trading(market) as trader:
        price = best(market, "buy")
        order = trader.client.create_order(side="buy", amount="0.01", price=price, type="market", wait=wait)
        trader.until_told(*PLACED, ("completeFillOrder", 200, FILLED))
        assert (order.type, order.filled) == (OrderType.MARKET, D(0))
        assert trader.orders[2].filled == D("0.01")


def test_market_order_whose_rest_is_cancelled_unsolicited(market: LocalExchange) -> None:
    with trading(market) as trader:
        # Nothing is offered so cheaply but what the best level has.
        price, amount = next(iter(market.rails_book(BTC).asks.items()))
        order = trader.client.create_order(
            side=Side.BUY, amount=amount + 1, price=price, type="market", max_slippage="0", wait="confirm"
        )
        assert order.status == ACTIVE
        wait_until(lambda: trader.told()[-1:] == [(CANCEL, 200, CANCELLED)], PATIENCE)
        assert trader.orders[-1].filled == amount
        assert trader.orders[-1].client_request_id == order.client_request_id
    assert asked(market, CREATE)[0]["maxSlippage"] == "0"
    assert sent(market) == 1


@WAYS
def test_post_only_order_that_crosses(market: LocalExchange, wait: str) -> None:
    with trading(market) as trader:
        order = trader.client.create_order(
            side="buy", amount="0.1", price=best(market, "buy"), post_only=True, wait=wait
        )
        assert order.status == (PENDING if wait == "ack" else ACTIVE)
        assert order.post_only is True
        trader.until_told(*PLACED, ("rejectOrder", 400, REJECTED))
        assert trader.orders[2].reason.startswith("Post-only order rejected")


@pytest.mark.parametrize("form", ["four", "three"])
@WAYS
def test_modified_order(form: str, wait: str) -> None:
    with leak_check(), venue(rails_modify=form) as market, trading(market) as trader:
        old = trader.client.create_order(**resting(market), wait="confirm")
        assert old.price is not None
        answer = trader.client.modify_order(old.order_id, price=old.price - 1, amount="0.75", wait=wait)
        middle = [(MODIFY, 200, MODIFIED)] if form == "four" else []
        trader.until_told(*PLACED, (MODIFY, 202, MODIFYING), *middle, (MODIFY, 200, PENDING), (CREATE, 200, ACTIVE))
        new = trader.orders[-1]
        assert (new.price, new.remaining) == (old.price - 1, D("0.75"))
        assert new.order_id != old.order_id
        assert (answer.order_id, answer.status) == (
            (old.order_id, MODIFYING) if wait == "ack" else (new.order_id, ACTIVE)
        )
        assert own(market, old.order_id).status == "modified"
        [content] = asked(market, MODIFY)
        assert content.pop("clientRequestId") == answer.client_request_id
        assert content == {"orderId": old.order_id, "price": str(old.price - 1), "quantity": "0.75"}


def test_modify_with_other_names_and_one_change(market: LocalExchange) -> None:
    names = {"order_id": "id", "price": "newPrice", "quantity": "size"}
    with trading(market, modify_names=names) as trader, pytest.raises(OrderRejected, match="orderId is required"):
        trader.client.modify_order("01ABC", amount="2")
    [content] = asked(market, MODIFY)
    del content["clientRequestId"]
    assert content == {"id": "01ABC", "size": "2"}


@WAYS
def test_cancelled_order(market: LocalExchange, wait: str) -> None:
    with trading(market) as trader:
        order = trader.client.create_order(**resting(market), wait="confirm")
        gone = trader.client.cancel_order(order.order_id, wait=wait)
        assert (gone.order_id, gone.status) == (order.order_id, CANCELLING if wait == "ack" else CANCELLED)
        trader.until_told(*PLACED, *GONE)
        [content] = asked(market, CANCEL)
        assert content.pop("clientRequestId") == gone.client_request_id != order.client_request_id
        assert content == {"orderId": order.order_id, "cancelBy": "orderId"}


def test_cancel_of_a_filled_order_says_404(market: LocalExchange) -> None:
    with trading(market) as trader:
        order = trader.client.create_order(**resting(market), wait="confirm")
        market.rails_fill(order.order_id)
        with pytest.raises(OrderRejected) as caught:
            trader.client.cancel_order(order.order_id)
        assert (caught.value.code, caught.value.command) == (404, CANCEL)
        trader.until_told(*PLACED, ("completeFillOrder", 200, FILLED))


def test_cancel_while_the_order_is_being_filled_says_409_and_the_retry_works(market: LocalExchange) -> None:
    with trading(market) as trader:
        order = trader.client.create_order(**resting(market))
        market.rails_busy(order.order_id)
        with pytest.raises(OrderRejected) as caught:
            trader.client.cancel_order(order.order_id, wait="confirm")
        assert (caught.value.code, caught.value.reason) == (409, "order is being filled")
        assert sent(market, CANCEL) == 1  # nobody but the caller tries again
        assert trader.client.cancel_order(order.order_id, wait="confirm").status == CANCELLED


def test_refused_order(market: LocalExchange) -> None:
    with trading(market) as trader:
        with pytest.raises(OrderRejected) as caught:
            trader.client.create_order(side="buy", amount="1", price="1")
        error = caught.value
        assert (error.code, error.command) == (400, CREATE)
        assert error.reason.startswith("price must be within")
        assert error.reason in str(error)
        assert error.client_request_id == error.request_id == asked(market, CREATE)[0]["clientRequestId"]
        assert trader.client.create_order(**resting(market)).status == PENDING
        assert len(trader.orders.wait(1)) >= 1
    assert len(until_open(market, 0)) == 0


# -- not orders


@WAYS
def test_update_leverage(market: LocalExchange, wait: str) -> None:
    with trading(market) as trader:
        assert trader.client.update_leverage(3, wait=wait) is None
        assert asked(market, LEVERAGE)[0]["leverage"] == "3"
        order = trader.client.create_order(**resting(market))
        assert order.leverage == 3


def test_update_leverage_that_is_refused(market: LocalExchange) -> None:
    with trading(market) as trader, pytest.raises(RequestRejected) as caught:
        trader.client.update_leverage("7")
    assert type(caught.value) is RequestRejected
    assert (caught.value.code, caught.value.command) == (400, LEVERAGE)


def test_ping_takes_seconds(market: LocalExchange) -> None:
    with trading(market) as trader:
        assert 0 < trader.client.ping() < PATIENCE
        assert trader.client.ping_nowait().result(PATIENCE) > 0
        assert len(asked(market, "ping")) == 2


# -- what others do


def test_orders_that_this_client_never_sent_are_told_and_are_no_error(market: LocalExchange) -> None:
    with trading(market) as trader:
        mine = trader.client.create_order(**resting(market), wait="confirm")
        terms = resting(market)
        other = market.rails_place(BTC, "buy", terms["amount"], terms["price"])
        stranger = "0835bf3e-4a20-41f0-908d-8213f2b7a285"
        third = market.rails_place(BTC, "buy", terms["amount"], terms["price"], client_request_id=stranger)
        market.rails_cancel(other)
        trader.orders.wait(8)
        assert {order.client_request_id for order in trader.orders if order.order_id == other} == {None}
        assert {order.client_request_id for order in trader.orders if order.order_id == third} == {stranger}
        # Ids with a suffix, also one that is ours but for it.
        assert mine.client_request_id is not None
        market.cancel_all_rails(mine.client_request_id)
        trader.orders.wait(10)
        suffixed = {order.client_request_id for order in list(trader.orders)[-2:]}
        assert suffixed == {f"{mine.client_request_id}#0", f"{mine.client_request_id}#1"}
        assert {order.status for order in list(trader.orders)[-2:]} == {CANCELLED}


def test_an_answer_without_an_id_is_found_by_its_order(market: LocalExchange) -> None:
    market.rails_hold(CREATE, 202)
    market.rails_hold(CREATE, 200)
    with trading(market) as trader:
        pending = trader.client.create_order_nowait(**resting(market), wait="ack")
        until_sent(market, 1)
        request_id = asked(market, CREATE)[0]["clientRequestId"]
        frame = (
            '{"resultType":"createOrder","data":{"statusCode":202,"order":'
            f'{{"market":"BTC-USD","orderId":"01X","orderStatus":"pending","clientRequestId":"{request_id}"}}}}}}'
        )
        market.rails_send_raw(frame)
        order = pending.result(PATIENCE)
        assert (order.order_id, order.client_request_id) == ("01X", request_id)


@pytest.mark.parametrize("way", ["one", "minute"])
def test_api_quota_used(way: str) -> None:
    with leak_check(), venue(rails_quota=way) as market, trading(market) as trader:
        assert trader.client.api_quota_used is None
        first = trader.client.create_order(**resting(market))
        second = trader.client.create_order(**resting(market), wait="confirm")
        assert first.api_quota_used == 1
        assert second.api_quota_used is None  # the second answer has none
        assert trader.client.api_quota_used == (1 if way == "one" else 2)


@pytest.mark.parametrize("replies", ["all", "asker"])
def test_messages_come_once_over_several_connections(replies: str) -> None:
    with leak_check(), venue(rails_replies=replies) as market, trading(market, redundancy=3) as trader:
        until_open(market, 3)
        client = trader.client
        order = client.create_order(**resting(market), wait="confirm")
        market.rails_fill(order.order_id, "0.1")
        client.modify_order(order.order_id, amount="0.25", wait="confirm")
        client.cancel_order(market.rails_orders()[-1].order_id, wait="confirm")
        client.ping()
        seen = Log[RawFrame]()
        client.on_raw(seen)
        last = market.rails_place(BTC, "buy", "0.5", resting(market)["price"])
        market.rails_cancel(last)
        market.rails_send_raw('{"resultType":"pong","data":{"statusCode":200}}')
        wait_until(lambda: sum(b"pong" in frame.data for frame in seen) == 3, PATIENCE)  # all brought all
        wait_until(lambda: client.stats().queue_depth == 0, PATIENCE)
        assert trader.told(last) == ([*PLACED, *GONE] if replies == "all" else [])
        told = [
            (order.order_id, order.result_type, order.status_code, order.status, order.filled)
            for order in trader.orders
        ]
        assert len(told) == len(set(told))
        assert trader.told(order.order_id) == [*PLACED, ("partialFillOrder", 200, ACTIVE), *MODIFICATION]
        assert sent(market) == 3


MODIFICATION = ((MODIFY, 202, MODIFYING), (MODIFY, 200, MODIFIED))


# -- where they come from


def test_inside_a_callback_with_a_full_queue(market: LocalExchange) -> None:
    client = rails(market, limits=Limits(queue=10))
    results = Log[object]()
    terms = resting(market)
    gate = Gate(lambda _: results(client.create_order(**terms, wait="confirm")) if not results.items else None)
    client.on_depth(gate)
    client.on_trade(Log())
    with running(client):
        assert gate.entered.wait(PATIENCE)
        market.rails_step(BTC, 200)
        wait_until(lambda: client.stats().queue_depth >= 10, PATIENCE)
        gate.go.set()
        [order] = results.wait(1, RailsOrder)
        assert order.status == ACTIVE
        wait_until(lambda: client.stats().queue_depth == 0, PATIENCE)
        assert client.stats().dropped == 0


def test_inside_a_handler_of_the_orders_themselves(market: LocalExchange) -> None:
    trader = Trader(rails(market))
    replies = Log[RailsOrder]()

    @trader.client.on_order
    def cancel(order: RailsOrder) -> None:
        if order.status == ACTIVE:
            replies(trader.client.cancel_order(order.order_id, wait="confirm"))

    with running(trader.client) as client:
        client.create_order(**resting(market))
        trader.until_told(*PLACED, *GONE)
    assert [order.status for order in replies] == [CANCELLED]


def test_on_the_callers_own_thread(market: LocalExchange) -> None:
    client = rails(market, dispatch="caller", limits=Limits(queue=10))
    orders, inside = Log[RailsOrder](), Log[object]()
    client.on_order(orders)
    client.on_depth(lambda _: inside(client.update_leverage(2)) if not inside.items else None)
    with client:
        client.wait_ready(PATIENCE)
        market.rails_step(BTC, 200)  # nobody delivers: the queue is full, and the reader waits
        order = client.create_order(**resting(market), wait="confirm")
        wait_until(lambda: client.poll(0.1) == 0, PATIENCE)
        assert inside.items == [None]
        assert [each.status for each in orders] == [PENDING, ACTIVE]
        assert orders[1] == order


def test_from_several_threads_at_once_nobody_gets_anothers_answer(market: LocalExchange) -> None:
    terms = resting(market)
    with trading(market, redundancy=2) as trader:

        def life(number: int) -> tuple[Any, ...]:
            amount = D(number) / 100
            placed = trader.client.create_order(**{**terms, "amount": amount}, wait="confirm")
            gone = trader.client.cancel_order(placed.order_id, wait="confirm")
            return placed.remaining, gone.remaining, gone.status, placed.order_id == gone.order_id

        doing = {number: Doing(lambda number=number: life(number)) for number in range(1, 21)}  # type: ignore[misc]
        for number, work in doing.items():
            assert work.end() == (D(number) / 100, D(number) / 100, CANCELLED, True)
    ids = [request["content"]["clientRequestId"] for _, request in market.rails_requests]
    assert len(ids) == len(set(ids))
    assert (sent(market, CREATE), sent(market, CANCEL)) == (20, 20)


def test_a_client_for_all_markets_names_the_market(market: LocalExchange) -> None:
    with trading(market, market=ALL) as trader:
        client, terms = trader.client, resting(market, ETH)
        with pytest.raises(ConfigurationError, match="market must be given") as caught:
            client.create_order(**terms)
        assert caught.value.argument == "market"
        order = client.create_order(**terms, market=ETH, wait="confirm")
        new = client.modify_order(order.order_id, amount="0.75", market=ETH, wait="confirm")
        client.cancel_order(new.order_id, market=ETH)
        client.update_leverage(2)
        assert order.market == new.market == ETH
        assert client.resolve(new.client_request_id or "") == client.resolve(new.client_request_id or "", market=ETH)
    named = [content.get("market") for message in (CREATE, MODIFY, CANCEL) for content in asked(market, message)]
    assert named == [ETH] * 3
    assert "market" not in asked(market, LEVERAGE)[0]


# -- numbers and other arguments


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        ("1.50", "1.50"),
        ("1e3", "1000"),
        (D("1E-8"), "0.00000001"),
        ("1E-8", "0.00000001"),
        (D("1.10"), "1.10"),
        (D("123456789012345678901234567890.123456789"), "123456789012345678901234567890.123456789"),
    ],
)
def test_numbers_are_sent_exactly_and_without_exponent(market: LocalExchange, value: Any, text: str) -> None:
    with trading(market) as trader, localcontext() as context:
        context.prec = 3
        client = trader.client
        futures = [
            client.create_order_nowait(side="sell", amount=value, price=value, leverage=value),
            client.modify_order_nowait("01ABC", price=value, amount=value),
            client.update_leverage_nowait(value),
            client.create_order_nowait(side="buy", type="market", price=value, amount=value, max_slippage="2e-1"),
        ]
        for future in futures:
            future.exception(PATIENCE)
    first, last = asked(market, CREATE)
    assert [first[name] for name in ("price", "quantity", "leverage")] == [text] * 3
    assert [asked(market, MODIFY)[0][name] for name in ("price", "quantity")] == [text] * 2
    assert asked(market, LEVERAGE)[0]["leverage"] == text
    assert last["maxSlippage"] == "0.2"


GOOD: dict[str, Any] = {"side": "buy", "amount": "1", "price": "1"}
NUMBERS: list[Any] = [
    1.0,
    float("nan"),
    0,
    -1,
    True,
    "0",
    "",
    " 1",
    "1_000",
    "NaN",
    D("NaN"),
    D("Infinity"),
    b"1",
    None,
]
BAD_TO_CREATE: list[tuple[str, dict[str, Any]]] = [
    *((name, {name: value}) for name in ("amount", "price") for value in NUMBERS),
    *(("side", {"side": value}) for value in ("long", 0, None, Side.UNKNOWN)),
    *(("type", {"type": value}) for value in ("stop", None, OrderType.UNKNOWN, 1)),
    ("price", {"type": "market", "price": None}),
    ("post_only", {"type": "market", "post_only": True}),
    ("post_only", {"post_only": 1}),
    ("max_slippage", {"max_slippage": "0.1"}),
    *(("max_slippage", {"type": "market", "max_slippage": value}) for value in (0.1, "1.1", "-0.1", True, "x")),
    *(("leverage", {"leverage": value}) for value in (1.0, 0, "x")),
    *(("market", {"market": value}) for value in (ETH, "btc-usd", ALL, 1)),
    *(("wait", {"wait": value}) for value in ("now", None, True)),
    *(("timeout", {"timeout": value}) for value in (0, -1, float("nan"), float("inf"), True, "1")),
]


@pytest.fixture(scope="module")
def nobody() -> RailsClient:
    return RailsClient(market=BTC, credentials=KEYS, url="ws://127.0.0.1:1/")


@pytest.mark.parametrize(("argument", "bad"), BAD_TO_CREATE, ids=lambda value: repr(value)[:40])
def test_orders_that_are_refused_before_they_are_sent(nobody: RailsClient, argument: str, bad: dict[str, Any]) -> None:
    for create in (nobody.create_order, nobody.create_order_nowait):
        with pytest.raises(ConfigurationError) as caught:
            create(**{**GOOD, **bad})
        assert caught.value.argument == argument


@pytest.mark.parametrize(
    ("argument", "command", "bad"),
    [
        *(
            ("order_id", name, {"order_id": bad, **rest})
            for name, rest in (("modify_order", {"amount": 1}), ("cancel_order", {}))
            for bad in ("", None, 1.0)
        ),
        ("price", "modify_order", {"order_id": "1", "price": 1.5}),
        ("amount", "modify_order", {"order_id": "1", "amount": 0}),
        ("market", "cancel_order", {"order_id": "1", "market": ETH}),
        ("wait", "cancel_order", {"order_id": "1", "wait": "never"}),
        ("timeout", "cancel_order", {"order_id": "1", "timeout": 0}),
        ("leverage", "update_leverage", {"leverage": 2.0}),
        ("wait", "update_leverage", {"leverage": 2, "wait": ""}),
        ("timeout", "ping", {"timeout": -1}),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_other_arguments_that_are_refused(nobody: RailsClient, argument: str, command: str, bad: Any) -> None:
    for name in (command, f"{command}_nowait"):
        with pytest.raises(ConfigurationError) as caught:
            getattr(nobody, name)(**bad)
        assert caught.value.argument == argument


def test_modifying_nothing_is_refused(nobody: RailsClient) -> None:
    with pytest.raises(ConfigurationError):
        nobody.modify_order("01ABC")


@pytest.mark.parametrize("request_id", ["", None, 1, "x", "0835bf3e"])
def test_resolve_wants_the_id_of_a_request(nobody: RailsClient, request_id: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        nobody.resolve(request_id)
    assert caught.value.argument == "client_request_id"


def test_what_is_refused_here_is_not_counted_and_not_sent(market: LocalExchange) -> None:
    with trading(market, order_limit=1) as trader:
        with pytest.raises(ConfigurationError):
            trader.client.create_order(side="buy", amount=1.0, price="1")
        assert trader.client.create_order(**resting(market)).status == PENDING
        with pytest.raises(RateLimited):
            trader.client.create_order(**resting(market))
    assert sent(market) == 1

"""Orders over the socket of the local exchange, their lost replies, and the list of markets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import websocket
from spot_peer import Frame, Peer, payload

from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

D = Decimal
BTC = "BTC-USDT"
CREATE, CANCEL, CANCEL_ALL = "createOrderRequest", "cancelOrderRequest", "cancelAllOrdersRequest"
OK = ("success", {"ok": True})
LIMIT = {"market": BTC, "side": "BID", "price": "1.00", "amount": "2"}


@pytest.fixture
def balances() -> dict[str, Decimal]:
    return {"BTC": D(10), "ETH": D(10), "USDT": D(1_000_000)}


@pytest.fixture
def logged_in() -> bool:
    return True


@pytest.fixture
def speaking() -> Iterator[Callable[[LocalExchange], Peer]]:
    """Opens a connection that has logged in."""
    peers: list[Peer] = []

    def connect(exchange: LocalExchange) -> Peer:
        peers.append(Peer(exchange))
        peers[-1].login()
        return peers[-1]

    yield connect
    for peer in peers:
        peer.ws.shutdown()


def ordered(frames: list[Frame]) -> list[tuple[str, str]]:
    """(id, state) of the orders in updates; there is nothing else."""
    orders = [payload(frame) for frame in frames]
    assert {member for member, _ in orders} <= {"orderUpdate"}
    return [(body["order"]["id"], body["order"]["state"]) for _, body in orders]


# -- creating -----------------------------------------------------------------------------------------------------


def test_a_created_order_is_answered_first_and_then_told_by_the_streams(still: LocalExchange, peer: Peer) -> None:
    stream = peer.send("subscribeAllViewerOrdersRequest")
    assert payload(peer.receive()) == OK
    request = peer.send(CREATE, LIMIT)
    frames = peer.everything()
    assert [frame["requestId"] for frame in frames] == [request, stream]
    assert payload(frames[0]) == OK
    (order,) = still.orders()
    assert ordered(frames[1:]) == [(order.id, "PENDING")]
    assert (order.market, order.side, order.type, order.price, order.amount) == (BTC, "BID", "LIMIT", 1, 2)
    assert (order.business_unit, order.ioc, order.stop_price, order.client_order_id) == ("SPOT", False, None, "")
    assert still.balances()["USDT"].locked == 2
    assert still.book(BTC).bids[D("1.00")] == 2


@pytest.mark.parametrize(
    ("params", "kind", "state", "filled"),
    [
        ({"price": "MARKET", "amount": "0.001"}, "MARKET", "FILLED", "0.001"),
        ({"price": "MARKET", "amount": "0.001", "side": "ASK", "hidden": True}, "MARKET", "FILLED", "0.001"),
        ({"price": "1.00", "amount": "3", "immediateOrCancel": True}, "LIMIT", "CANCELLED", "0"),
        ({"price": "2.00", "stopPrice": "900000.00", "amount": "1"}, "STOP_LIMIT", "PENDING", "0"),
        ({"price": "MARKET", "stopPrice": "1.00", "amount": "1", "side": "ASK"}, "STOP_MARKET", "PENDING", "0"),
    ],
)
def test_the_type_follows_from_the_prices(
    still: LocalExchange, peer: Peer, params: dict[str, Any], kind: str, state: str, filled: str
) -> None:
    assert peer.ask(CREATE, {"market": BTC, **params}) == OK
    (order,) = still.orders()
    assert (order.type, order.state, order.filled_amount) == (kind, state, D(filled))
    assert order.side == params.get("side", "BID")
    assert order.ioc == params.get("immediateOrCancel", False)
    assert order.stop_price == (D(params["stopPrice"]) if "stopPrice" in params else None)


REFUSED = {
    "no market": ({"market": ""}, "unknown market"),
    "another market": ({"market": "XRP-USDT"}, "unknown market"),
    "no price": ({"price": ""}, "price must be a decimal"),
    "a word for a price": ({"price": "BEST"}, "price must be a decimal"),
    "no finite price": ({"price": "NaN"}, "price must be a decimal"),
    "a price with exponent": ({"price": "1e3"}, "price must be a decimal"),
    "a negative price": ({"price": "-1.00"}, "price must be a decimal"),
    "price zero": ({"price": "0"}, "price must be a positive multiple of 0.01"),
    "a price between the ticks": ({"price": "1.005"}, "price must be a positive multiple of 0.01"),
    "no amount": ({"amount": ""}, "amount must be a decimal"),
    "amount zero": ({"amount": "0"}, "amount must be a positive multiple"),
    "an amount too fine": ({"amount": "1.000000001"}, "amount must be a positive multiple"),
    "amount of 30 digits": ({"amount": "1" * 30}, "amount must be at most 1000000000000000"),
    "price of 40 digits": ({"price": "1" * 40}, "price must be at most 1000000000000000"),
    "numbers without end": ({"price": "9" * 400_000, "amount": "9" * 400_000}, "amount must be at most"),
    "a price of 40 digits after the point": ({"price": "1." + "0" * 39 + "1"}, "price must be a positive multiple"),
    "an amount of hardly anything": (
        {"price": "MARKET", "amount": "0." + "0" * 900_000 + "1"},
        "amount must be a positive multiple",
    ),
    "a stop price of 40 digits": ({"stopPrice": "1" * 40}, "stopPrice must be at most"),
    "a stop price that is none": ({"stopPrice": "soon"}, "stopPrice must be a decimal"),
    "hardly worth it": ({"amount": "0.00999999"}, "at least 0.01"),
    "too little money": ({"price": "500000.01"}, "not enough USDT: 1000000.02 needed, 1000000 available"),
    "too few coins": ({"side": "ASK", "amount": "10.5"}, "not enough BTC: 10.5 needed, 10 available"),
    "a market buy too large": ({"price": "MARKET", "amount": "30"}, "not enough USDT"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_order_is_answered_with_the_reason_and_leaves_no_trace(
    still: LocalExchange, peer: Peer, case: str
) -> None:
    params, reason = REFUSED[case]
    peer.ask("subscribeAllViewerOrdersRequest")
    before = still.balances()
    member, error = peer.ask(CREATE, {**LIMIT, **params})
    assert (member, error["code"]) == ("error", 45000)
    assert reason in error["message"]
    assert still.orders() == []
    assert still.balances() == before
    assert peer.everything() == []


def test_the_largest_numbers_are_counted_exactly(still: LocalExchange, peer: Peer) -> None:
    most = 10**15
    still.set_balance("USDT", D(most))
    still.set_balance("BTC", D(most))
    assert peer.ask(CREATE, {**LIMIT, "side": "ASK", "price": f"{most}", "amount": f"{most}"}) == OK
    assert peer.ask(CREATE, {**LIMIT, "price": "0.01", "amount": f"{most - 1}.99999999"}) == OK
    locked = {asset: balance.locked for asset, balance in still.balances().items()}
    assert (locked["BTC"], locked["USDT"]) == (most, D(most) / 100 - D("1e-10"))
    assert peer.ask(CANCEL_ALL) == OK
    assert not any(balance.locked for balance in still.balances().values())


NO_NUMBERS = ["1e30", "1e16", "-1", "0", "1e-9", "1e999999999", "1e-999999999", "NaN", "sNaN", "-Infinity", "abc", ""]


@pytest.mark.parametrize("number", NO_NUMBERS)
@pytest.mark.parametrize("argument", ["amount", "price", "stop_price"])
def test_numbers_that_make_no_sense_are_value_errors(still: LocalExchange, argument: str, number: str) -> None:
    numbers = {"amount": "1", "price": "1", "stop_price": "1", argument: number}
    with pytest.raises(ValueError, match=argument.removeprefix("stop_")):
        still.place_order(BTC, "BID", type="STOP_LIMIT", **numbers)
    assert still.orders() == []


@pytest.mark.parametrize("number", ["1e16", "-1", "1e-19", "1e999999999", "1e-999999999", "NaN", "sNaN", "abc", ""])
def test_a_balance_that_makes_no_sense_is_a_value_error(still: LocalExchange, number: str) -> None:
    before = still.balances()
    with pytest.raises(ValueError, match="BTC must be"):
        still.set_balance("BTC", number)
    assert still.balances() == before
    with pytest.raises(ValueError, match="BTC must be"):
        LocalExchange(balances={"BTC": D(number if number not in ("abc", "") else "NaN")})


@pytest.mark.parametrize("number", ["0", "-1", "NaN", "sNaN", "Infinity", "abc"])
def test_an_order_is_filled_by_a_positive_amount(still: LocalExchange, number: str) -> None:
    order_id = still.place_order(BTC, "BID", "1.00", "2")
    with pytest.raises(ValueError, match=r"amount|nothing"):
        still.fill_order(order_id, number)
    assert still.fill_order(order_id, "1e30") == 2  # never more than was left


def test_an_engine_that_fails_does_not_look_like_a_refusal(
    still: LocalExchange, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise ValueError("a mistake of the engine's")

    monkeypatch.setattr(still._venue.listing(BTC).engine, "place", fail)
    peer.send(CREATE, LIMIT)
    with pytest.raises((websocket.WebSocketConnectionClosedException, ConnectionError)):
        peer.receive()


def test_a_side_that_is_none_is_refused(still: LocalExchange, peer: Peer) -> None:
    member, error = peer.ask(CREATE, {**LIMIT, "side": 7})  # an open enum lets it through protobuf
    assert (member, error["code"]) == ("error", 45000)
    assert "BID, ASK" in error["message"]
    assert still.orders() == []


def test_money_is_counted_after_what_open_orders_lock(still: LocalExchange, peer: Peer) -> None:
    assert peer.ask(CREATE, {**LIMIT, "side": "ASK", "price": "900000.00", "amount": "9"}) == OK
    member, error = peer.ask(CREATE, {**LIMIT, "side": "ASK", "price": "900000.00", "amount": "1.5"})
    assert member == "error"
    assert "1 available" in error["message"]
    assert peer.ask(CREATE, {**LIMIT, "side": "ASK", "price": "900000.00", "amount": "1"}) == OK


# -- cancelling ---------------------------------------------------------------------------------------------------


def test_an_order_is_cancelled_once(still: LocalExchange, peer: Peer) -> None:
    order_id = still.place_order(BTC, "BID", "1.00", "2")
    peer.ask("subscribeAllViewerOrdersRequest")
    peer.send(CANCEL, {"orderId": order_id})
    answer, *updates = peer.everything()
    assert payload(answer) == OK
    assert ordered(updates) == [(order_id, "CANCELLED")]
    assert still.orders()[0].state == "CANCELLED"
    member, error = peer.ask(CANCEL, {"orderId": order_id})
    assert (member, error["code"]) == ("error", 45000)
    assert "is CANCELLED" in error["message"]
    assert peer.everything() == []


@pytest.mark.parametrize("order_id", ["", "17", "0x11", "\u0661"])
def test_an_unknown_order_cannot_be_cancelled(still: LocalExchange, peer: Peer, order_id: str) -> None:
    still.place_order(BTC, "BID", "1.00", "2")
    member, error = peer.ask(CANCEL, {"orderId": order_id})
    assert (member, error["code"]) == ("error", 45000)
    assert "no own order" in error["message"]
    assert still.orders()[0].state == "PENDING"


@pytest.mark.parametrize(
    ("markets", "left"), [((BTC,), {"ETH-USDT"}), (("ETH-USDT",), {BTC}), ((), set()), ((BTC, BTC, "ETH-USDT"), set())]
)
def test_all_orders_of_some_markets_or_of_all_are_cancelled(
    still: LocalExchange, peer: Peer, markets: tuple[str, ...], left: set[str]
) -> None:
    for market in (BTC, "ETH-USDT"):
        still.place_order(market, "BID", "1.00", "2")
        still.place_order(market, "BID", "1.00", "1", type="STOP_LIMIT", stop_price="900000.00")
        still.place_order(market, "BID", None, "0.001", type="MARKET")
        still.place_order(market, "ASK", "900000.00", "1", business_unit="MARGIN")
    assert peer.ask(CANCEL_ALL, {"markets": list(markets)}) == OK
    assert {order.market for order in still.orders() if order.state == "PENDING"} == left
    assert len([order for order in still.orders() if order.state == "FILLED"]) == 2
    assert peer.ask(CANCEL_ALL) == OK
    assert [order for order in still.orders() if order.state == "PENDING"] == []
    assert peer.ask(CANCEL_ALL) == OK


def test_cancelling_everything_in_an_unknown_market_is_refused(still: LocalExchange, peer: Peer) -> None:
    still.place_order(BTC, "BID", "1.00", "2")
    member, error = peer.ask(CANCEL_ALL, {"markets": [BTC, "XRP-USDT"]})
    assert (member, error["code"]) == ("error", 45000)
    assert still.orders()[0].state == "PENDING"


# -- the other kind of reply --------------------------------------------------------------------------------------


def test_orders_may_be_answered_with_their_state(speaking: Callable[[LocalExchange], Peer]) -> None:
    with LocalExchange(rate=0, order_replies="order") as exchange:
        peer = speaking(exchange)
        peer.ask("subscribeViewerOrdersRequest", {"market": BTC})
        request = peer.send(CREATE, LIMIT)
        answer, update = peer.everything()
        (order,) = exchange.orders()
        assert answer["requestId"] == request != update["requestId"]
        assert ordered([answer, update]) == [(order.id, "PENDING")] * 2
        request = peer.send(CREATE, {**LIMIT, "price": "MARKET", "amount": "0.001"})
        answer, *updates = peer.everything()
        filled = exchange.orders()[1]
        assert answer["requestId"] == request
        assert ordered([answer]) == [(filled.id, "FILLED")] == ordered(updates)[-1:]
        request = peer.send(CANCEL, {"orderId": order.id})
        answer, update = peer.everything()
        assert answer["requestId"] == request
        assert ordered([answer, update]) == [(order.id, "CANCELLED")] * 2
        assert peer.ask(CANCEL, {"orderId": order.id})[0] == "error"


def test_cancelling_everything_may_be_answered_with_what_was_cancelled(
    speaking: Callable[[LocalExchange], Peer],
) -> None:
    with LocalExchange(rate=0, order_replies="order") as exchange:
        peer = speaking(exchange)
        exchange.place_order(BTC, "BID", None, "0.001", type="MARKET")
        placed = [exchange.place_order(market, "BID", "1.00", "2") for market in (BTC, "ETH-USDT")]
        member, body = peer.ask(CANCEL_ALL)
        assert member == "ordersSnapshot"
        assert [(o["id"], o["state"]) for o in body["orders"]] == [(placed_id, "CANCELLED") for placed_id in placed]
        assert peer.ask(CANCEL_ALL) == ("ordersSnapshot", {"orders": []})


def test_another_kind_of_reply_is_refused() -> None:
    with pytest.raises(ValueError, match="success, order"):
        LocalExchange(order_replies="silence")


# -- refused and lost ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("member", "params"), [(CREATE, LIMIT), (CANCEL, {"orderId": "1"}), (CANCEL_ALL, {})])
def test_order_requests_need_a_login(still: LocalExchange, encoding: str, member: str, params: dict[str, Any]) -> None:
    order_id = still.place_order(BTC, "BID", "1.00", "2")
    with Peer(still, encoding) as stranger:
        answer, error = stranger.ask(member, {**params, **({"orderId": order_id} if member == CANCEL else {})})
    assert (answer, error["code"]) == ("error", 45001)
    assert [order.state for order in still.orders()] == ["PENDING"]


def test_an_order_request_can_be_rejected_on_command(still: LocalExchange, peer: Peer) -> None:
    still.reject(CREATE, market=BTC, code=45099, message="not today")
    assert peer.ask(CREATE, LIMIT) == ("error", {"code": 45099, "message": "not today"})
    assert still.orders() == []
    assert peer.ask(CREATE, LIMIT) == OK


@pytest.mark.parametrize("carry_out", [True, False])
def test_a_lost_reply_never_comes(still: LocalExchange, peer: Peer, carry_out: bool) -> None:
    peer.ask("subscribeAllViewerOrdersRequest")
    still.lose_replies(2, carry_out=carry_out)
    peer.send(CREATE, LIMIT)
    peer.send(CREATE, {**LIMIT, "amount": "0"})  # not even a refusal
    assert ordered(peer.everything()) == [(order.id, "PENDING") for order in still.orders()]
    assert len(still.orders()) == carry_out
    assert peer.ask(CREATE, LIMIT) == OK
    assert len(still.orders()) == carry_out + 1


@pytest.mark.parametrize("carry_out", [True, False])
@pytest.mark.parametrize(("member", "after"), [(CREATE, 2), (CANCEL, 0), (CANCEL_ALL, 0)])
def test_a_connection_can_be_lost_together_with_the_reply(
    still: LocalExchange, peer: Peer, member: str, after: int, carry_out: bool
) -> None:
    order_id = still.place_order(BTC, "BID", "1.00", "2")
    peer.ask("subscribeAllViewerOrdersRequest")
    still.lose_replies(carry_out=carry_out, drop=True)
    with Peer(still) as witness:
        witness.login()
        witness.ask("subscribeAllViewerOrdersRequest")
        peer.send(member, {CREATE: LIMIT, CANCEL: {"orderId": order_id}, CANCEL_ALL: {}}[member])
        with pytest.raises((websocket.WebSocketConnectionClosedException, ConnectionError)):
            peer.receive()  # neither a frame nor a close frame
        wait_until(lambda: still.connection_count == 1)
        assert len(witness.everything()) == carry_out
        assert len([o for o in still.orders() if o.state == "PENDING"]) == (after if carry_out else 1)
        assert witness.ask(CANCEL_ALL) == OK


def test_replies_to_other_requests_are_not_lost(still: LocalExchange, peer: Peer) -> None:
    still.lose_replies()
    assert peer.ask("listMarketsRequest")[0] == "listMarketsResponse"
    assert peer.ask("subscribeViewerOrdersRequest", {"market": BTC})[0] == "ordersSnapshot"
    peer.send(CREATE, LIMIT)
    assert ordered(peer.everything()) == [(still.orders()[0].id, "PENDING")]


# -- markets ------------------------------------------------------------------------------------------------------


def test_the_markets_are_listed_without_a_login(still: LocalExchange, encoding: str) -> None:
    with Peer(still, encoding) as stranger:
        member, body = stranger.ask("listMarketsRequest")
    assert member == "listMarketsResponse"
    scales = {"baseScale": 8, "quoteScale": 2, "minQuoteValue": "0.01"}
    assert body["markets"] == [
        {"name": BTC, "baseAsset": "BTC", "quoteAsset": "USDT", **scales},
        {"name": "ETH-USDT", "baseAsset": "ETH", "quoteAsset": "USDT", **scales},
    ]

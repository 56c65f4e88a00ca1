"""Commands and what answers them, on both encodings: by id, once, and never anything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from spot_lines import AT, MARKET, Line, delivered, order

from bigone_sync.enums import Channel, OrderState
from bigone_sync.errors import DecodeError, RequestRejected
from bigone_sync.events import Order
from bigone_sync.markets import Market
from bigone_sync.protocol._pb2 import bigone_spot_pb2 as schema
from bigone_sync.protocol.base import Command, Frame, Item, LoginLost, Problem, Reply, Request, ServerError
from bigone_sync.protocol.spot import SpotProtocol
from bigone_sync.protocol.spot_calls import CANCEL_ALL_ORDERS, CANCEL_ORDER, CREATE_ORDER, LIST_MARKETS
from bigone_sync.protocol.spot_proto import ProtoCodec

ETH = "ETH-USDT"
LIMIT_ORDER = {"price": "9.10", "amount": "1", "market": MARKET, "side": "ASK", "hidden": False}
LOGIN = ServerError(45001, "login status error")


class Calls(Line):
    """A line to which commands are given."""

    codec = "json"

    def call(self, name: str = CREATE_ORDER) -> Request:
        return self.protocol.call(name, LIMIT_ORDER if name == CREATE_ORDER else {})[0]

    def say(self, request_id: str, **payload: Any) -> list[Item]:
        return self.send({"requestId": request_id, **payload})

    def answer(self, request_id: str, **payload: Any) -> Reply | LoginLost:
        """The only answer in what came."""
        [found] = [what for _, what in self.say(request_id, **payload) if isinstance(what, (Reply, LoginLost))]
        return found


class ProtoCalls(Calls):
    """The same in protobuf."""

    codec = "proto"

    def __init__(self) -> None:
        self.protocol = SpotProtocol(ProtoCodec(), connection="spot/private")

    def send(self, *messages: Any, at: float = AT) -> list[Item]:
        return self.protocol.receive(
            [ParseDict(message, schema.Response()).SerializeToString() for message in messages], at
        )


@pytest.fixture(params=[Calls, ProtoCalls], ids=["json", "proto"])
def line(request: pytest.FixtureRequest) -> Calls:
    made: Calls = request.param()
    return made


def shown(line: Calls, frame: Frame) -> Any:
    """The request in a frame, as a dict."""
    if line.codec == "json":
        return json.loads(frame.data)
    return MessageToDict(schema.Request.FromString(frame.data), always_print_fields_with_no_presence=True)


# -- requests


def test_an_order_is_sent_with_the_text_that_was_given(line: Calls) -> None:
    request, frame = line.protocol.call(CREATE_ORDER, {**LIMIT_ORDER, "immediateOrCancel": True})
    assert (request.command, request.name, request.routes) == (Command.CALL, CREATE_ORDER, ())
    sent = shown(line, frame)
    assert sent["requestId"] == request.id
    body = sent[CREATE_ORDER]
    assert body.pop("stopPrice", "") == ""
    assert body == {**LIMIT_ORDER, "immediateOrCancel": True}
    assert frame.shown == frame.data


def test_the_other_commands(line: Calls) -> None:
    assert shown(line, line.protocol.call(CANCEL_ORDER, {"orderId": "42"})[1])[CANCEL_ORDER] == {"orderId": "42"}
    sent = shown(line, line.protocol.call(CANCEL_ALL_ORDERS, {"markets": [MARKET, ETH]})[1])
    assert sent[CANCEL_ALL_ORDERS] == {"markets": [MARKET, ETH]}
    assert LIST_MARKETS in shown(line, line.protocol.call(LIST_MARKETS, {})[1])


def test_the_empty_list_is_there_for_the_exchange_to_see() -> None:
    # Without its tag the exchange would see a request without payload (spot schema, section 8).
    protocol = SpotProtocol(ProtoCodec(), connection="spot/private")
    assert protocol.call(CANCEL_ALL_ORDERS, {"markets": []})[1].data == bytes.fromhex("0a0131a20700")
    assert protocol.call(LIST_MARKETS, {})[1].data == bytes.fromhex("0a0132aa0700")


# -- yes and no


@pytest.mark.parametrize("name", [CREATE_ORDER, CANCEL_ORDER, CANCEL_ALL_ORDERS])
def test_success_says_yes_once(line: Calls, name: str) -> None:
    request = line.call(name)
    assert line.answer(request.id, success={"ok": True}) == Reply(request)
    assert line.say(request.id, success={"ok": True}) == []
    assert line.protocol.late_answers == 0


@pytest.mark.parametrize("name", [CREATE_ORDER, CANCEL_ALL_ORDERS, LIST_MARKETS])
def test_success_that_is_not_ok_says_no(line: Calls, name: str) -> None:
    for body in ({}, {"ok": False}):
        request = line.call(name)
        assert line.answer(request.id, success=body) == Reply(request, ServerError(None, "success without ok"))


def test_an_error_says_no_once(line: Calls) -> None:
    request = line.call()
    error = {"code": "45000", "message": "GRPC error: no money"}
    assert line.answer(request.id, error=error) == Reply(request, ServerError(45000, "GRPC error: no money"))
    [(_, again)] = line.say(request.id, error=error)
    assert isinstance(again, Problem)


@pytest.mark.parametrize("name", [CREATE_ORDER, CANCEL_ORDER, CANCEL_ALL_ORDERS, LIST_MARKETS])
def test_a_login_error_names_its_command(line: Calls, name: str) -> None:
    request = line.call(name)
    assert line.answer(request.id, error={"code": "45001", "message": LOGIN.message}) == LoginLost(LOGIN, request)


def test_an_error_after_a_yes_is_not_kept_back(line: Calls) -> None:
    request = line.call()
    line.say(request.id, success={"ok": True})
    [(_, problem)] = line.say(request.id, error={"code": "45000", "message": "on second thought"})
    assert isinstance(problem, Problem)
    assert isinstance(problem.error, RequestRejected)


def test_answers_find_their_commands_in_any_order(line: Calls) -> None:
    requests = [line.call() for _ in range(4)]
    for request in (requests[2], requests[0], requests[3]):
        assert line.answer(request.id, success={"ok": True}).request is request
    assert line.answer(requests[1].id, error={"code": "45000"}).request is requests[1]


@pytest.mark.parametrize("request_id", ["", "77"])
def test_what_bears_no_id_of_a_command_answers_none(line: Calls, request_id: str) -> None:
    request = line.call()
    line.say(request_id, success={"ok": True})
    assert not [what for _, what in line.say(request_id, error={"code": "45000"}) if isinstance(what, Reply)]
    assert not [
        what for _, what in line.say(request_id, orderUpdate={"order": order()}) if isinstance(what, (Reply, LoginLost))
    ]
    assert line.answer(request.id, success={"ok": True}) == Reply(request)


# -- orders as answers


@pytest.mark.parametrize("name", [CREATE_ORDER, CANCEL_ORDER])
def test_an_order_with_the_id_is_the_answer_and_news_for_the_streams(line: Calls, name: str) -> None:
    market, everything = line.add(Channel.ORDERS, MARKET), line.add(Channel.ORDERS)
    line.add(Channel.ORDERS, ETH)
    request = line.call(name)
    items = line.say(request.id, orderUpdate={"order": order("7", state="CANCELLED")})
    [reply] = [what for _, what in items if isinstance(what, Reply)]
    assert reply.request is request
    assert reply.error is None
    assert isinstance(reply.result, Order)
    assert (reply.result.id, reply.result.state, reply.result.is_snapshot) == ("7", OrderState.CANCELLED, False)
    assert [route for route, _ in items if route is not None] == [market, everything]
    assert delivered(items) == [reply.result] * 2
    # What the stream says of it again is no news.
    assert delivered(line.say("1", orderUpdate={"order": order("7", state="CANCELLED")})) == []


def test_the_order_of_another_id_is_not_the_answer(line: Calls) -> None:
    line.add(Channel.ORDERS)
    first, second = line.call(), line.call()
    assert line.answer(second.id, orderUpdate={"order": order("8")}).request is second
    items = line.say("99", orderUpdate={"order": order("9")})
    assert [what for route, what in items if route is None] == []
    assert [event.id for event in delivered(items)] == ["9"]  # type: ignore[union-attr]
    assert line.answer(first.id, orderUpdate={"order": order("10")}).request is first


def test_a_yes_after_the_order_and_an_order_after_the_yes_change_nothing(line: Calls) -> None:
    line.add(Channel.ORDERS)
    one, other = line.call(), line.call()
    line.say(one.id, orderUpdate={"order": order("1")})
    assert line.say(one.id, success={"ok": True}) == []
    line.say(other.id, success={"ok": True})
    items = line.say(other.id, orderUpdate={"order": order("2")})
    assert [what for route, what in items if route is None] == []
    assert len(delivered(items)) == 1


def test_the_orders_of_several_markets_go_each_to_its_own_stream(line: Calls) -> None:
    btc, eth, everything = (line.add(Channel.ORDERS, market) for market in (MARKET, ETH, None))
    request = line.call(CANCEL_ALL_ORDERS)
    orders = [order("1"), order("2", market=ETH), order("3", market="EOS-USDT")]
    items = line.say(request.id, ordersSnapshot={"orders": orders})
    [reply] = [what for _, what in items if isinstance(what, Reply)]
    assert reply.request is request
    assert [(found.id, found.is_snapshot) for found in reply.result] == [("1", True), ("2", True), ("3", True)]
    went = [(route, event.id) for route, events in items if route is not None for event in events]  # type: ignore[union-attr]
    assert went == [(btc, "1"), (everything, "1"), (eth, "2"), (everything, "2"), (everything, "3")]


def test_no_orders_are_an_answer_too(line: Calls) -> None:
    request = line.call(CANCEL_ALL_ORDERS)
    assert line.answer(request.id, ordersSnapshot={"orders": []}) == Reply(request, result=())


def test_orders_with_the_id_of_a_command_start_no_stream(line: Calls) -> None:
    route = line.subscribed(Channel.ORDERS, MARKET)
    waiting = route.request_id
    cancel, create = line.call(CANCEL_ALL_ORDERS), line.call()
    for request in (cancel, create, cancel):  # waiting, of another kind, and answered before
        items = line.say(request.id, ordersSnapshot={"orders": [order("1")]})
        assert waiting not in [what.request.id for _, what in items if isinstance(what, Reply)]
        assert len(delivered(items)) == 1
    assert route.request_id == waiting
    assert line.answer(create.id, success={"ok": True}) == Reply(create)


def test_one_cancelled_order_is_not_the_answer_to_cancelling_all(line: Calls) -> None:
    line.add(Channel.ORDERS)
    request = line.call(CANCEL_ALL_ORDERS)
    items = line.say(request.id, orderUpdate={"order": order("1", state="CANCELLED")})
    assert [what for route, what in items if route is None] == []
    assert len(delivered(items)) == 1
    assert line.answer(request.id, success={"ok": True}) == Reply(request)


def test_an_order_that_cannot_be_read_is_reported_once_and_answers_nothing(line: Calls) -> None:
    line.add(Channel.ORDERS)
    request = line.call()
    [(_, problem)] = line.say(request.id, orderUpdate={"order": order("1", amount="much")})
    assert isinstance(problem, Problem)
    assert isinstance(problem.error, DecodeError)
    assert line.answer(request.id, success={"ok": True}) == Reply(request)


# -- markets


def row(name: str, **other: Any) -> Any:
    base, _, quote = name.partition("-")
    return {"name": name, "baseAsset": base, "quoteAsset": quote, "baseScale": 8, "quoteScale": 2, **other}


def test_the_list_of_markets(line: Calls) -> None:
    request = line.call(LIST_MARKETS)
    reply = line.answer(request.id, listMarketsResponse={"markets": [row(MARKET, minQuoteValue="0.01"), row(ETH)]})
    assert reply == Reply(
        request, result=(Market(MARKET, "BTC", "USDT", 8, 2, D("0.01")), Market(ETH, "ETH", "USDT", 8, 2))
    )


def test_a_yes_is_no_list(line: Calls) -> None:
    request = line.call(LIST_MARKETS)
    assert line.say(request.id, success={"ok": True}) == []
    assert line.answer(request.id, listMarketsResponse={"markets": []}) == Reply(request, result=())


def test_a_market_that_cannot_be_read_does_not_take_the_others_along(line: Calls) -> None:
    request = line.call(LIST_MARKETS)
    items = line.say(request.id, listMarketsResponse={"markets": [row(""), row(MARKET)]})
    [reply] = [what for _, what in items if isinstance(what, Reply)]
    assert [market.name for market in reply.result] == [MARKET]
    [problem] = [what.error for _, what in items if isinstance(what, Problem)]
    assert isinstance(problem, DecodeError)


def test_a_list_that_nobody_asked_for_is_counted(line: Calls) -> None:
    order_request = line.call()
    assert line.say("77", listMarketsResponse={"markets": [row(MARKET)]}) == []
    assert line.protocol.unrouted == 1
    assert line.say(order_request.id, listMarketsResponse={"markets": [row(MARKET)]}) == []
    assert line.answer(order_request.id, success={"ok": True}) == Reply(order_request)


# -- late ones

LATE: list[tuple[str, dict[str, Any]]] = [
    (CREATE_ORDER, {"success": {"ok": True}}),
    (CREATE_ORDER, {"success": {}}),
    (CREATE_ORDER, {"error": {"code": "45000", "message": "no"}}),
    (CREATE_ORDER, {"error": {"code": "45001", "message": "login status error"}}),
    (LIST_MARKETS, {"listMarketsResponse": {"markets": []}}),
    (CANCEL_ALL_ORDERS, {"ordersSnapshot": {"orders": []}}),
]


@pytest.mark.parametrize(("name", "payload"), LATE)
def test_a_late_answer_is_counted_and_nothing_else(line: Calls, name: str, payload: dict[str, Any]) -> None:
    request = line.call(name)
    line.protocol.give_up(request)
    line.protocol.give_up(request)
    assert line.say(request.id, **payload) == []
    assert line.protocol.late_answers == 1
    assert line.protocol.unrouted == 0


@pytest.mark.parametrize(
    "payload", [{"orderUpdate": {"order": order("5")}}, {"ordersSnapshot": {"orders": [order("5")]}}]
)
def test_a_late_order_still_reaches_the_streams(line: Calls, payload: dict[str, Any]) -> None:
    line.add(Channel.ORDERS)
    request = line.call(CANCEL_ALL_ORDERS if "ordersSnapshot" in payload else CREATE_ORDER)
    line.protocol.give_up(request)
    items = line.say(request.id, **payload)
    assert [event.id for event in delivered(items)] == ["5"]  # type: ignore[union-attr]
    assert [what for route, what in items if route is None] == []
    assert line.protocol.late_answers == 1


def test_to_give_up_what_was_answered_does_nothing(line: Calls) -> None:
    request = line.call()
    line.say(request.id, success={"ok": True})
    line.protocol.give_up(request)
    [(_, problem)] = line.say(request.id, error={"code": "45000"})
    assert isinstance(problem, Problem)
    assert line.protocol.late_answers == 0


def test_a_new_connection_knows_nothing_of_the_commands_before(line: Calls) -> None:
    waiting, given_up = line.call(), line.call()
    line.protocol.give_up(given_up)
    line.protocol.opened()
    assert line.say(waiting.id, success={"ok": True}) == []
    [(_, problem)] = line.say(given_up.id, error={"code": "45000"})
    assert isinstance(problem, Problem)
    line.protocol.give_up(waiting)
    assert line.say(waiting.id, success={"ok": True}) == []
    assert line.protocol.late_answers == 0
    assert line.call().id not in (waiting.id, given_up.id)


def _give_up(line: Calls) -> None:
    line.protocol.give_up(line.call())


def _answer(line: Calls) -> None:
    line.say(line.call().id, success={"ok": True})


@pytest.mark.parametrize("end", [_give_up, _answer])
def test_commands_of_a_long_day_fill_no_memory(line: Calls, end: Callable[[Calls], None]) -> None:
    for _ in range(3000):
        end(line)
    calls = line.protocol._calls
    assert len(calls._waiting) == 0
    assert len(calls._over) <= 1000
    assert len(line.protocol._context.requests._waiting) == 0

from __future__ import annotations

from typing import Any

import pytest
from spot_lines import MARKET, Line, delivered, depth_snapshot, order, replies, trade, trades_snapshot

from bigone_sync.enums import Channel
from bigone_sync.errors import RequestRejected, UnknownMessage
from bigone_sync.events import DepthSnapshot
from bigone_sync.protocol.base import LoginLost, Problem, Reply, ServerError

LOGIN = {"code": 45001, "message": "login status error"}


def error(request_id: str | None, code: Any = 45000, message: Any = "GRPC error: xxx") -> Any:
    return {"requestId": request_id, "error": {"code": code, "message": message}}


def test_success_answers_the_login() -> None:
    line = Line()
    request, _ = line.protocol.authenticate("token")
    assert line.control({"requestId": request.id, "success": {"ok": True}}) == Reply(request)
    assert line.send({"requestId": request.id, "success": {"ok": True}}) == []


@pytest.mark.parametrize("body", [{}, {"ok": False}, {"ok": None}])
def test_a_login_that_is_not_ok_is_refused(body: Any) -> None:
    line = Line()
    request, _ = line.protocol.authenticate("token")
    reply = line.control({"requestId": request.id, "success": body})
    assert isinstance(reply, Reply)
    assert reply.request is request
    assert reply.error is not None


def test_success_answers_an_unsubscription_and_the_stream_of_all_orders() -> None:
    line = Line()
    route = line.add(Channel.ORDERS)
    wanted, _ = line.protocol.subscribe([route])
    unwanted, _ = line.protocol.unsubscribe([route])
    assert line.control({"requestId": wanted.id, "success": {"ok": True}}) == Reply(wanted)
    assert line.control({"requestId": unwanted.id, "success": {}}) == Reply(unwanted)


def test_an_error_answers_its_request() -> None:
    line = Line()
    route = line.add(Channel.DEPTH, MARKET)
    request, _ = line.protocol.subscribe([route])
    assert line.control(error(request.id)) == Reply(request, ServerError(45000, "GRPC error: xxx"))
    problem = line.problem(error(request.id))  # once
    assert isinstance(problem, RequestRejected)


@pytest.mark.parametrize(("code", "read"), [(45000, 45000), ("45000", 45000), (None, 0), (0, 0), (-3, -3)])
def test_error_codes_come_as_numbers_and_as_text(code: Any, read: int) -> None:
    line = Line()
    request, _ = line.protocol.ping()
    reply = line.control(error(request.id, code, None))
    assert reply == Reply(request, ServerError(read, ""))


@pytest.mark.parametrize("request_id", ["77", "", None])
def test_an_error_of_nothing_we_asked_is_a_problem(request_id: str | None) -> None:
    problem = Line().problem(error(request_id))
    assert isinstance(problem, RequestRejected)
    assert (problem.code, problem.reason, problem.request_id) == (45000, "GRPC error: xxx", request_id or "")
    assert str(problem) == "spot/depth: the exchange reports error 45000: GRPC error: xxx"


@pytest.mark.parametrize("frame", [{"requestId": "77", "error": LOGIN}, {"error": LOGIN}])
def test_a_login_error_without_a_request_means_that_the_login_is_lost(frame: Any) -> None:
    lost = LoginLost(ServerError(45001, "login status error"))
    assert Line().control(frame) == lost


@pytest.mark.parametrize(("channel", "market"), [(Channel.ACCOUNTS, None), (Channel.ORDERS, MARKET)])
def test_a_login_error_on_a_private_stream_names_its_request(channel: Channel, market: str | None) -> None:
    line = Line()
    request, _ = line.protocol.subscribe([line.add(channel, market)])
    lost = line.control({"requestId": request.id, "error": LOGIN})
    assert lost == LoginLost(ServerError(45001, "login status error"), request)


def test_a_login_error_that_answers_the_login_or_a_public_stream_is_a_plain_no() -> None:
    line = Line()
    login, _ = line.protocol.authenticate("token")
    public, _ = line.protocol.subscribe([line.add(Channel.DEPTH, MARKET)])
    for request in (login, public):
        reply = line.control({"requestId": request.id, "error": {**LOGIN, "code": "45001"}})
        assert reply == Reply(request, ServerError(45001, "login status error"))


def test_pong_answers_a_ping_and_may_come_unasked() -> None:
    line = Line()
    request, _ = line.protocol.ping()
    assert line.send({"requestId": "99", "pong": {}}) == []
    assert line.control({"requestId": request.id, "pong": {}}) == Reply(request)
    assert line.send({"requestId": request.id, "pong": {}}) == []


@pytest.mark.parametrize("frame", [b'{"heartbeat":{}}', b'{"requestId":"9","heartbeat":{}}', b'{"heartbeat":{"x":1}}'])
def test_a_heartbeat_is_no_event_and_no_unknown_message(frame: bytes) -> None:
    line = Line()
    line.protocol.heartbeat(5)
    assert line.send(frame) == []
    assert (line.protocol.unknown_messages, line.protocol.decode_errors) == (0, 0)


# -- snapshots


def test_a_snapshot_answers_by_its_id() -> None:
    line = Line()
    route = line.add(Channel.DEPTH, MARKET)
    line.protocol.ping()
    request, _ = line.protocol.subscribe([route])
    items = line.send(depth_snapshot(request_id=request.id))
    assert items[0] == (None, Reply(request))
    assert items[1][0] is route
    assert route.request_id is None


@pytest.mark.parametrize("request_id", ["77", "", None])
def test_a_snapshot_with_a_foreign_id_answers_the_route_that_waits(request_id: str | None) -> None:
    line = Line()
    route = line.add(Channel.DEPTH, MARKET)
    other, _ = line.protocol.subscribe([line.add(Channel.DEPTH, "ETH-USDT")])
    request, _ = line.protocol.subscribe([route])
    items = line.send(depth_snapshot(request_id=request_id))
    assert replies(items) == [request]
    assert other not in replies(items)


def test_an_exchange_that_answers_everything_with_one_id_is_understood() -> None:
    line = Line()
    requests = []
    for market in ("ETH-USDT", "BTC-USDT", "EOS-USDT"):
        requests.append(line.protocol.subscribe([line.add(Channel.DEPTH, market)])[0])
    answered = []
    for market in ("BTC-USDT", "EOS-USDT", "ETH-USDT"):
        items = line.send(depth_snapshot(request_id="1", market=market))
        answered += replies(items)
        assert [event.market for event in delivered(items) if isinstance(event, DepthSnapshot)] == [market]
    assert answered == [requests[1], requests[2], requests[0]]


def test_a_snapshot_that_comes_twice_replaces_the_book_and_answers_once() -> None:
    line = Line()
    line.subscribed(Channel.DEPTH, MARKET)
    assert len(replies(line.send(depth_snapshot("1")))) == 1
    items = line.send(depth_snapshot("9"))
    assert replies(items) == []
    assert [event.change_id for event in delivered(items) if isinstance(event, DepthSnapshot)] == [9]


def test_a_late_snapshot_of_the_subscription_before_is_not_the_answer_to_the_new_one() -> None:
    line = Line()
    route = line.add(Channel.DEPTH, MARKET)
    old, _ = line.protocol.subscribe([route])
    line.protocol.unsubscribe([route])
    new, _ = line.protocol.subscribe([route])
    assert replies(line.send(depth_snapshot("1", request_id=old.id))) == [old]
    assert route.request_id == new.id
    assert replies(line.send(depth_snapshot("2", request_id=new.id))) == [new]


def test_a_stream_that_was_given_up_waits_no_more() -> None:
    line = Line()
    route = line.subscribed(Channel.DEPTH, MARKET)
    line.protocol.unsubscribe([route])
    assert route.request_id is None
    assert replies(line.send(depth_snapshot(request_id="404"))) == []


def test_a_snapshot_after_the_success_of_its_request_is_still_delivered() -> None:
    line = Line()
    request, _ = line.protocol.subscribe([line.add(Channel.DEPTH, MARKET)])
    assert line.control({"requestId": request.id, "success": {"ok": True}}) == Reply(request)
    items = line.send(depth_snapshot(request_id=request.id))
    assert replies(items) == []
    assert len(delivered(items)) == 1


def test_a_snapshot_never_answers_a_request_that_is_no_subscription() -> None:
    line = Line()
    route = line.add(Channel.DEPTH, MARKET)
    ping, _ = line.protocol.ping()
    request, _ = line.protocol.subscribe([route])
    assert replies(line.send(depth_snapshot(request_id=ping.id))) == [request]
    assert line.control({"requestId": ping.id, "pong": {}}) == Reply(ping)


def test_an_empty_snapshot_answers_by_its_id() -> None:
    line = Line()
    for channel, body in (
        (Channel.TRADES, {"tradesSnapshot": {}}),
        (Channel.TRADES, {"tradesSnapshot": {"trades": None}}),
        (Channel.ORDERS, {"ordersSnapshot": {"orders": []}}),
    ):
        request, _ = line.protocol.subscribe([line.add(channel, MARKET)])
        assert line.send({"requestId": request.id, **body}) == [(None, Reply(request))]


def test_a_snapshot_with_an_unreadable_id_is_a_snapshot() -> None:
    line = Line()
    route = line.add(Channel.DEPTH, MARKET)
    for odd in (b"{}", b"[1]", b"true", b"1e400", b"9" * 5000):
        request, _ = line.protocol.subscribe([route])
        frame = b'{"requestId":' + odd + b',"depthSnapshot":{"depth":{"market":"BTC-USDT"},"changeId":"1"}}'
        assert replies(line.send(frame)) == [request]


def test_ids_that_come_back_as_numbers_are_ours() -> None:
    line = Line()
    request, _ = line.protocol.ping()
    assert line.control({"requestId": int(request.id), "pong": {}}) == Reply(request)


# -- unknown messages


def test_an_unknown_kind_is_reported_once_and_counted() -> None:
    line = Line()
    problem = line.problem({"requestId": "1", "leverageSnapshot": {"markets": []}})
    assert isinstance(problem, UnknownMessage)
    assert "leverageSnapshot" in str(problem)
    assert problem.connection == "spot/depth"
    assert line.send({"requestId": "2", "leverageSnapshot": {"markets": [1]}}) == []
    assert isinstance(line.problem({"leverageUpdate": {}}), UnknownMessage)
    assert line.protocol.unknown_messages == 3
    assert line.protocol.decode_errors == 0


@pytest.mark.parametrize("frame", [{}, {"requestId": "1"}, {"requestId": "1", "depthUpdate": None}])
def test_a_message_without_a_payload_is_unknown(frame: Any) -> None:
    assert isinstance(Line().problem(frame), UnknownMessage)


def test_a_peer_that_makes_up_names_fills_no_memory_and_floods_nobody() -> None:
    line = Line()
    reported = line.send(*({f"kind{number}": {}} for number in range(300)))
    assert line.protocol.unknown_messages == 300
    assert 1 <= len(reported) <= 100
    problem = Line().problem({"k" * 100_000: {}})
    assert isinstance(problem, UnknownMessage)
    assert len(str(problem)) < 300
    assert len(problem.excerpt) <= 200


def test_unknown_members_beside_a_known_payload_do_not_hide_it() -> None:
    line = Line()
    request, _ = line.protocol.ping()
    assert line.control({"serverTime": 5, "requestId": request.id, "trace": {}, "pong": {}}) == Reply(request)


# -- orders and trades with ids that others gave


def test_a_trades_snapshot_with_a_foreign_id_is_routed_by_its_market() -> None:
    line = Line()
    line.subscribed(Channel.TRADES, "ETH-USDT")
    request, _ = line.protocol.subscribe([line.add(Channel.TRADES, MARKET)])
    items = line.send(trades_snapshot(trade("5"), request_id="404"))
    assert replies(items) == [request]
    assert len(delivered(items)) == 1


def test_an_orders_snapshot_with_a_foreign_id_is_routed_by_its_market() -> None:
    line = Line()
    request, _ = line.protocol.subscribe([line.add(Channel.ORDERS, MARKET)])
    items = line.send({"requestId": "404", "ordersSnapshot": {"orders": [order()]}})
    assert replies(items) == [request]
    assert len(delivered(items)) == 1


def test_problems_are_control_items() -> None:
    assert isinstance(Line().control(error("7")), Problem)


def test_a_lost_login_can_be_told_as_an_error() -> None:
    lost = Line().control({"error": LOGIN})
    assert isinstance(lost, LoginLost)
    rejection = lost.as_rejection("spot/depth")
    assert isinstance(rejection, RequestRejected)
    assert (rejection.code, rejection.reason) == (45001, "login status error")
    assert str(rejection) == "spot/depth: the exchange reports error 45001: login status error"

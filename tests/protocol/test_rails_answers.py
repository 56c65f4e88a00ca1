"""Answers, notifications, own trades of Rails (Rails protocol, sections 3, 4.3 and 5)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from rails_lines import (
    AT,
    CANCEL_200,
    CANCEL_202,
    COMPLETE_FILL,
    CREATE_200,
    CREATE_202,
    FILLS,
    LEVERAGE_200,
    LEVERAGE_202,
    MODIFY_200,
    NAME,
    ORDER_ID,
    PONG,
    REJECTED,
    SUBSCRIBED,
    UNSUBSCRIBED,
    UUID,
    altered,
    protocol_of,
    turned,
)

from bigone_sync.enums import Channel, OrderState, OrderType, Side
from bigone_sync.errors import DecodeError, UnknownMessage
from bigone_sync.events import Fill, RailsOrder
from bigone_sync.protocol.base import Problem
from bigone_sync.protocol.rails import RailsProtocol
from bigone_sync.protocol.rails_news import Active, Answer, Fills, News, Pong

D = Decimal
EVERYTHING = frozenset({Channel.ORDERS, Channel.FILLS, Channel.TRADES, Channel.DEPTH})
CREATED = datetime(2025, 5, 7, 18, 34, 52, 940000, tzinfo=timezone.utc)

ORDER = RailsOrder(
    ORDER_ID,
    UUID,
    "ETH-USD",
    Side.BUY,
    OrderType.LIMIT,
    OrderState.PENDING,
    price=D("3600"),
    remaining=D(1),
    filled=D(0),
    leverage=D(1),
    post_only=True,
    created_at=CREATED,
    updated_at=CREATED,
    result_type="createOrder",
    status_code=202,
    reason="order created, pending acceptance",
    api_quota_used=1,
    connection=NAME,
    received_at=AT,
)
CANCELLING = msgspec.structs.replace(
    ORDER,
    status=OrderState.CANCELLING,
    price=D(3601),
    filled=D("0.5"),
    avg_fill_price=D(3601),
    post_only=False,
    created_at=datetime(2024, 5, 30, 20, 14, 12, 972000, tzinfo=timezone.utc),
    updated_at=datetime(2024, 5, 30, 20, 19, 53, 492000, tzinfo=timezone.utc),
    result_type="cancelOrder",
    reason="cancelling order",
)


def changed(order: RailsOrder, **fields: Any) -> RailsOrder:
    made: RailsOrder = msgspec.structs.replace(order, api_quota_used=None, **fields)
    return made


def read(frame: bytes, protocol: RailsProtocol | None = None) -> list[News]:
    return (protocol or protocol_of("BTC-USD")).receive([frame], AT)


def frame_of(kind: str, **data: Any) -> bytes:
    return json.dumps({"resultType": kind, "data": data}).encode()


def answer_in(frame: bytes) -> Answer:
    (news,) = read(frame)
    assert isinstance(news, Answer)
    return news


def tree_of(frame: bytes) -> Any:
    return json.loads(frame)


ORDERS = {
    CREATE_202: ORDER,
    CREATE_200: changed(ORDER, status=OrderState.ACTIVE, status_code=200, reason="order accepted"),
    MODIFY_200: changed(
        ORDER,
        status_code=200,
        post_only=False,
        result_type="modifyOrder",
        reason="new order created, pending acceptance",
    ),
    CANCEL_202: CANCELLING,
    CANCEL_200: changed(CANCELLING, status=OrderState.CANCELLED, status_code=200, reason="order cancelled"),
    COMPLETE_FILL: changed(
        ORDER,
        status=OrderState.FILLED,
        remaining=D(0),
        filled=D(1),
        avg_fill_price=D(3600),
        post_only=False,
        result_type="completeFillOrder",
        status_code=200,
        reason="",
    ),
    REJECTED: RailsOrder(
        "01JGPRJC7KHY8GP4FT6WRQG193",
        "b9fe6677-12c3-4d43-894c-370236b94023",
        "BTC-USD",
        Side.SELL,
        OrderType.LIMIT,
        OrderState.REJECTED,
        price=D("98491.86060236"),
        remaining=D("15.83767529"),
        leverage=D(1),
        created_at=datetime(2025, 1, 3, 18, 59, 13, 267000, tzinfo=timezone.utc),
        updated_at=datetime(2025, 1, 3, 18, 59, 14, 142000, tzinfo=timezone.utc),
        result_type="rejectOrder",
        status_code=400,
        reason="Post-only order rejected as it would have matched immediately",
    ),
}


class TestOrders:
    @pytest.mark.parametrize(("frame", "order"), ORDERS.items())
    def test_documented_messages(self, frame: bytes, order: RailsOrder) -> None:
        data = tree_of(frame)["data"]
        wire = data["order"]
        answer = answer_in(frame)
        assert answer == Answer(
            order.result_type,
            data.get("clientRequestId"),
            order.status_code,
            order.reason,
            order.api_quota_used,
            order,
            (
                *(order.result_type, order.order_id, order.status_code, wire.get("orderStatus")),
                *(wire.get("filledQuantity"), str(wire["updatedAt"])),
            ),
        )
        assert answer.order is not None
        assert (answer.order.connection, answer.order.received_at) == (NAME, AT)

    @pytest.mark.parametrize("frame", ORDERS)
    @pytest.mark.parametrize(
        "change",
        [
            lambda tree: tree.update(turned(tree)),
            lambda tree: tree.update(connectionId="x", market="SOL-USD"),
            lambda tree: tree.pop("market", None),
            lambda tree: tree["data"]["order"].update(userId="x", reduceOnly=False, more=None),
            lambda tree: tree["data"].update(statusCode=str(tree["data"]["statusCode"])),
        ],
    )
    @pytest.mark.parametrize("market", ["BTC-USD", "ALL"])
    def test_what_may_differ_does_not_matter(self, frame: bytes, change: Callable[[Any], None], market: str) -> None:
        protocol = protocol_of(market)
        expected = read(frame, protocol)
        assert read(altered(frame, change), protocol) == expected
        assert read(json.dumps(turned(tree_of(altered(frame, change)))).encode(), protocol) == expected
        assert (protocol.unrouted, protocol.decode_errors, protocol.unknown_messages) == (0, 0, 0)

    @pytest.mark.parametrize("frame", [LEVERAGE_202, LEVERAGE_200])
    def test_an_answer_without_order(self, frame: bytes) -> None:
        data = tree_of(frame)["data"]
        code, body = data["statusCode"], data["body"]
        key = ("updateLeverage", UUID, code, body)
        assert answer_in(frame) == Answer("updateLeverage", UUID, code, body, None, None, key)

    def test_the_id_of_the_message_counts_more(self) -> None:
        suffixed = f"{UUID}#0"
        answer = answer_in(altered(CANCEL_200, lambda tree: tree["data"].update(clientRequestId=suffixed)))
        assert answer.request_id == suffixed
        assert answer.order is not None
        assert answer.order.client_request_id == suffixed
        answer = answer_in(altered(CANCEL_200, lambda tree: tree["data"].pop("clientRequestId")))
        assert answer.request_id is None
        assert answer.order is not None
        assert answer.order.client_request_id == UUID

    @pytest.mark.parametrize(
        ("data", "request_id", "status", "body", "quota"),
        [
            ({"statusCode": 429, "body": "slow down", "clientRequestId": UUID}, UUID, 429, "slow down", None),
            ({"statusCode": 429, "body": "slow down", "apiQuotaUsed": 251}, None, 429, "slow down", 251),
            ({"statusCode": 400, "body": {"why": [1]}}, None, 400, '{"why": [1]}', None),
            ({"clientRequestId": UUID}, UUID, None, "", None),
        ],
    )
    @pytest.mark.parametrize("kind", ["createOrder", "cancelOrder", "error", "subscribe", "emitPublicOrderBook"])
    def test_answers_of_other_shapes(
        self, kind: str, data: dict[str, Any], request_id: str | None, status: int | None, body: str, quota: int | None
    ) -> None:
        expected = Answer(kind, request_id, status, body, quota, None, (kind, request_id, status, body))
        assert answer_in(frame_of(kind, **data)) == expected
        assert answer_in(frame_of(kind, **data, order=None)) == expected

    @pytest.mark.parametrize(
        "kind", ["publicOrderBook", "publicCompletedOrders", "orderBook", "completedOrders", "subscribed", "pong"]
    )
    def test_requests_other_than_orders_can_be_refused(self, kind: str) -> None:
        answer = answer_in(frame_of(kind, statusCode=403, body="no", clientRequestId=UUID))
        assert (answer.result_type, answer.request_id, answer.status_code, answer.body) == (kind, UUID, 403, "no")

    def test_an_unknown_notification_with_an_order(self) -> None:
        def change(tree: Any) -> None:
            tree["resultType"] = "liquidateOrder"
            del tree["data"]["clientRequestId"]

        answer = answer_in(altered(CREATE_200, change))
        assert answer.order == changed(
            ORDER, status=OrderState.ACTIVE, status_code=200, reason="order accepted", result_type="liquidateOrder"
        )

    def test_keys_tell_messages_of_one_request_apart(self) -> None:
        frames = list(ORDERS)
        assert len({answer_in(frame).key for frame in frames}) == len(frames)
        again = altered(CREATE_200, lambda tree: tree["data"].pop("clientRequestId"))
        assert answer_in(again).key == answer_in(CREATE_200).key

    @pytest.mark.parametrize(
        "change",
        [
            lambda data: data["order"].pop("orderId"),
            lambda data: data["order"].update(price="x"),
            lambda data: data["order"].update(orderType=1),
            lambda data: data["order"].update(orderStatus="1"),
            lambda data: data["order"].update(postOnly="yes"),
            lambda data: data["order"].update(createdAt=2**63),
            lambda data: data.update(order=[]),
            lambda data: data.update(order="x"),
        ],
    )
    def test_an_order_that_cannot_be_read_leaves_the_answer(self, change: Callable[[Any], None]) -> None:
        answer, problem = read(altered(CREATE_202, lambda tree: change(tree["data"])))
        assert isinstance(answer, Answer)
        assert answer[:6] == ("createOrder", UUID, 202, "order created, pending acceptance", 1, None)
        assert isinstance(problem, Problem)
        assert isinstance(problem.error, DecodeError)
        assert "createOrder: " in str(problem.error)

    @pytest.mark.parametrize("field", ["clientRequestId", "statusCode", "apiQuotaUsed"])
    def test_no_other_member_takes_the_answer_along(self, field: str) -> None:
        protocol = protocol_of()
        answer, problem = read(altered(CREATE_202, lambda tree: tree["data"].update({field: [1]})), protocol)
        assert isinstance(answer, Answer)
        assert isinstance(problem, Problem)
        assert answer.order is not None
        assert answer.order.order_id == ORDER_ID
        assert protocol.decode_errors == 1

    def test_a_refusal_may_name_no_request(self) -> None:
        answer = answer_in(frame_of("publicOrderBook", statusCode="429", body="slow down"))
        assert (answer.request_id, answer.status_code, answer.body) == (None, 429, "slow down")

    def test_an_unknown_message_with_a_broken_id_is_a_problem_only(self) -> None:
        (problem,) = read(frame_of("other", clientRequestId=7))
        assert isinstance(problem, Problem)
        assert isinstance(problem.error, DecodeError)


class TestSubscriptions:
    @pytest.mark.parametrize(
        ("frame", "news"),
        [
            (SUBSCRIBED, Active("cfff0f58-8780-4cf2-b3d3-6439fed37304", EVERYTHING, ())),
            (UNSUBSCRIBED, Active("245867a5-0de9-4542-a9da-724577ab4102", frozenset({Channel.ORDERS}), ())),
            (
                frame_of(
                    "subscribed", activeSubscriptions=["orderCreation", "tradeStream", "orderBookStream", "funding"]
                ),
                Active(None, EVERYTHING - {Channel.FILLS}, ("funding",)),
            ),
            (frame_of("unsubscribed", activeSubscriptions=[], statusCode=200), Active(None, frozenset(), ())),
        ],
    )
    def test_what_is_active(self, frame: bytes, news: Active) -> None:
        assert read(frame) == [news]
        assert read(json.dumps(turned(tree_of(frame))).encode()) == [news]

    @pytest.mark.parametrize("active", [None, "orders", {}])
    def test_what_is_active_must_be_said(self, active: Any) -> None:
        (problem,) = read(frame_of("subscribed", activeSubscriptions=active, clientRequestId=UUID))
        assert isinstance(problem, Problem)
        assert isinstance(problem.error, DecodeError)
        (problem,) = read(frame_of("unsubscribed"))
        assert isinstance(problem, Problem)

    @pytest.mark.parametrize(
        ("frame", "request_id"),
        [
            (PONG, "4cc68b60-ed2d-42aa-a21e-cb5486f8fd1a"),
            (b'{"resultType":"pong","data":{"statusCode":200}}', None),
            (b'{"data":{},"resultType":"pong"}', None),
            (b'{"resultType":"pong"}', None),
            (b'{"resultType":"pong","data":null}', None),
        ],
    )
    def test_pong(self, frame: bytes, request_id: str | None) -> None:
        assert read(frame) == [Pong(request_id)]


class TestFills:
    ROWS = (
        (
            ("BTC-USDT", "01JSG88WSP6MWEXBNXT0F43S59", "65284509-5284-4f64-9b80-ed6aa9819b9b"),
            Fill(
                id="65284509-5284-4f64-9b80-ed6aa9819b9b",
                order_id="01JSG88WSP6MWEXBNXT0F43S59",
                market="BTC-USDT",
                side=Side.BUY,
                price=D("92911.48605"),
                size=D("23.4"),
                fee=D("2174.12877357"),
                role="TAKER",
                time=datetime(2025, 4, 23, 2, 40, 15, 255000, tzinfo=timezone.utc),
            ),
        ),
        (
            ("ETH-USDT", "01JSG88WSP6MWEXBNXT0F43S60", "95284509-5284-4f64-9b80-ed6aa9819b9a"),
            Fill(
                id="95284509-5284-4f64-9b80-ed6aa9819b9a",
                order_id="01JSG88WSP6MWEXBNXT0F43S60",
                market="ETH-USDT",
                side=Side.SELL,
                price=D("3598.04"),
                size=D("6.6"),
                fee=D("9.49"),
                role="MAKER",
                time=datetime(2025, 4, 23, 2, 40, 15, 256000, tzinfo=timezone.utc),
            ),
        ),
    )

    @pytest.mark.parametrize("market", ["BTC-USD", "ALL"])
    def test_own_trades_of_any_market(self, market: str) -> None:
        protocol = protocol_of(market)
        (news,) = read(FILLS, protocol)
        assert news == Fills(list(self.ROWS))
        assert all((fill.connection, fill.received_at) == (NAME, AT) for _, fill in news.rows)
        assert read(json.dumps(turned(tree_of(FILLS))).encode(), protocol) == [news]
        assert protocol.unrouted == 0

    @pytest.mark.parametrize(
        "change", [dict.clear, lambda row: row.update(market=None), lambda row: row.update(fees="x")]
    )
    def test_one_bad_row_does_not_take_the_others_along(self, change: Callable[[Any], None]) -> None:
        protocol = protocol_of()
        problem, news = read(altered(FILLS, lambda tree: change(tree["data"][0])), protocol)
        assert isinstance(problem, Problem)
        assert news == Fills([self.ROWS[1]])
        assert protocol.decode_errors == 1

    def test_none(self) -> None:
        assert read(altered(FILLS, lambda tree: tree.update(data=[]))) == []


class TestUnknown:
    @pytest.mark.parametrize("data", [{}, {"statusCode": 200}, {"x": 1}, {"order": None}, [], "text", None, 7])
    def test_reported_once_per_kind(self, data: Any) -> None:
        protocol = protocol_of()
        frame = json.dumps({"resultType": "fundingRate", "data": data}).encode()
        (problem,) = read(frame, protocol)
        assert isinstance(problem, Problem)
        assert isinstance(problem.error, UnknownMessage)
        assert "'fundingRate'" in str(problem.error)
        assert problem.error.excerpt == frame.decode()
        assert read(frame, protocol) == []
        assert read(b'{"resultType":"fundingRate"}', protocol) == []
        assert len(read(b'{"resultType":"other"}', protocol)) == 1
        assert (protocol.unknown_messages, protocol.decode_errors) == (4, 0)

    def test_what_is_remembered_is_bounded(self) -> None:
        protocol = protocol_of()
        found = protocol.receive([b'{"resultType":"kind%d"}' % number for number in range(150)], AT)
        assert len(found) == 100
        assert protocol.unknown_messages == 150

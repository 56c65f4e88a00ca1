"""What is sent to Rails (Rails protocol, sections 1 to 3)."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from rails_lines import UUID, ids

from bigone_sync.enums import Channel
from bigone_sync.errors import ConfigurationError
from bigone_sync.protocol.base import Frame
from bigone_sync.protocol.rails_requests import CHANNELS, Dialect, RailsRequests, handshake_url

D = Decimal
EVERYTHING = (Channel.DEPTH, Channel.TRADES, Channel.FILLS, Channel.ORDERS)
Made = tuple[str, Frame]


def requests_of(market: str = "ETH-USD", dialect: Dialect = Dialect.CURRENT, **options: Any) -> RailsRequests:
    return RailsRequests(market=market, dialect=dialect, **{"make_id": lambda: UUID, **options})


@pytest.mark.parametrize(
    ("base", "market", "channels", "dialect", "url"),
    [
        (
            *("wss://ws.trade.rails.xyz", "BTC-USDT", EVERYTHING, Dialect.CURRENT),
            "wss://ws.trade.rails.xyz/?market=BTC-USDT&subscriptions=orders,trades,publicTrades,publicOrderBook",
        ),
        (
            *("ws://127.0.0.1:8080/rails", "ALL", [Channel.ORDERS, Channel.ORDERS], Dialect.CURRENT),
            "ws://127.0.0.1:8080/rails?market=ALL&subscriptions=orders",
        ),
        (
            *("ws://[::1]:1/?key=a%2Cb", "A B", [Channel.DEPTH], Dialect.CURRENT),
            "ws://[::1]:1/?key=a%2Cb&market=A%20B&subscriptions=publicOrderBook",
        ),
        (
            *("wss://h?x=1#y", "BTC-USD", [Channel.TRADES, Channel.DEPTH, Channel.ORDERS], Dialect.LEGACY),
            "wss://h/?x=1&market=BTC-USD&subscriptions=orderCreation,tradeStream,orderBookStream",
        ),
        ("wss://h", "BTC-USD", [], Dialect.CURRENT, "wss://h/?market=BTC-USD"),
    ],
)
def test_the_url_names_market_and_streams(
    base: str, market: str, channels: list[Channel], dialect: Dialect, url: str
) -> None:
    assert handshake_url(base, market, channels, dialect) == url
    assert handshake_url(base, market, list(reversed(channels)), dialect) == url


@pytest.mark.parametrize(
    ("market", "make", "expected"),
    [
        (
            "ETH-USD",
            lambda r: r.subscribe([Channel.DEPTH, Channel.FILLS, Channel.TRADES]),
            '{"message":"subscribe","content":{"clientRequestId":"%s",'
            '"subscriptions":["trades","publicTrades","publicOrderBook"]}}',
        ),
        (
            "ALL",
            lambda r: r.unsubscribe([Channel.ORDERS]),
            '{"message":"unsubscribe","content":{"clientRequestId":"%s","subscriptions":["orders"]}}',
        ),
        ("ALL", lambda r: r.ping(), '{"message":"ping","content":{"clientRequestId":"%s"}}'),
        (
            "ETH-USD",
            lambda r: r.snapshot(Channel.DEPTH, "ETH-USD"),
            '{"message":"emitPublicOrderBook","content":{"clientRequestId":"%s"}}',
        ),
        (
            "ALL",
            lambda r: r.snapshot(Channel.DEPTH, "ETH-USD"),
            '{"message":"emitPublicOrderBook","content":{"clientRequestId":"%s","market":"ETH-USD"}}',
        ),
        (
            "ETH-USD",
            lambda r: r.snapshot(Channel.TRADES),
            '{"message":"emitPublicCompletedOrders","content":{"clientRequestId":"%s"}}',
        ),
        (
            "ETH-USD",
            lambda r: r.create_order(side="buy", type="limit", price=D("2000.90"), quantity=D("1.00"), post_only=False),
            '{"message":"createOrder","content":{"clientRequestId":"%s","price":"2000.90","quantity":"1.00",'
            '"orderType":"buy","tradeType":"limit","postOnly":false}}',
        ),
        (
            "ETH-USD",
            lambda r: r.create_order(
                side="buy", type="market", price="2000.90", quantity="1.00", max_slippage=D("0.02")
            ),
            '{"message":"createOrder","content":{"clientRequestId":"%s","price":"2000.90","quantity":"1.00",'
            '"orderType":"buy","tradeType":"market","maxSlippage":"0.02"}}',
        ),
        (
            "ALL",
            lambda r: r.create_order(
                side="sell", type="limit", price=D("1E+3"), quantity=D("1E-7"), market="ETH-USD", leverage=D(2)
            ),
            '{"message":"createOrder","content":{"clientRequestId":"%s","market":"ETH-USD","price":"1000",'
            '"quantity":"0.0000001","orderType":"sell","tradeType":"limit","leverage":"2"}}',
        ),
        (
            "ALL",
            lambda r: r.cancel_order("01HH0X2VD6R0CJE4X0P0D1NQ11", market="ETH-USD"),
            '{"message":"cancelOrder","content":{"clientRequestId":"%s","market":"ETH-USD",'
            '"orderId":"01HH0X2VD6R0CJE4X0P0D1NQ11","cancelBy":"orderId"}}',
        ),
        (
            "ETH-USD",
            lambda r: r.modify_order("01H", price=D("3600.0"), quantity=D(2)),
            '{"message":"modifyOrder","content":{"clientRequestId":"%s","orderId":"01H","price":"3600.0",'
            '"quantity":"2"}}',
        ),
        (
            "ALL",
            lambda r: r.modify_order("01H", price="3600", market="ETH-USD"),
            '{"message":"modifyOrder","content":{"clientRequestId":"%s","market":"ETH-USD","orderId":"01H",'
            '"price":"3600"}}',
        ),
        (
            "ALL",
            lambda r: r.update_leverage("1"),
            '{"message":"updateLeverage","content":{"clientRequestId":"%s","leverage":"1"}}',
        ),
        (
            "ALL",
            lambda r: r.update_leverage(D(3), market="ETH-USD"),
            '{"message":"updateLeverage","content":{"clientRequestId":"%s","market":"ETH-USD","leverage":"3"}}',
        ),
    ],
)
def test_requests_are_as_documented(market: str, make: Callable[[RailsRequests], Made], expected: str) -> None:
    request_id, frame = make(requests_of(market))
    assert request_id == UUID
    assert frame.data.decode() == expected % UUID
    assert frame.shown == frame.data
    assert not frame.binary


def test_the_older_dialect_has_other_names() -> None:
    requests = requests_of(dialect=Dialect.LEGACY)
    sent = [
        requests.subscribe([Channel.ORDERS, Channel.TRADES, Channel.DEPTH]),
        requests.snapshot(Channel.DEPTH),
        requests.snapshot(Channel.TRADES),
    ]
    found = [json.loads(frame.data) for _, frame in sent]
    assert found[0]["content"]["subscriptions"] == ["orderCreation", "tradeStream", "orderBookStream"]
    assert [each["message"] for each in found[1:]] == ["emitOrderBook", "emitCompletedOrders"]
    with pytest.raises(ConfigurationError, match="no stream for FILLS with legacy names; it has ORDERS, TRADES, DEPTH"):
        requests.subscribe([Channel.FILLS])


def test_names_of_subscriptions_mean_one_thing() -> None:
    assert len(CHANNELS) == 7
    for dialect in Dialect:
        for channel, word in dialect.names.subscriptions.items():
            assert CHANNELS[word] is channel


def test_the_names_of_a_modification_can_be_replaced() -> None:
    requests = requests_of(modify_names={"order_id": "id", "quantity": "newQuantity"})
    _, frame = requests.modify_order("01H", price="1", quantity="2")
    content = json.loads(frame.data)["content"]
    assert content == {"clientRequestId": UUID, "id": "01H", "price": "1", "newQuantity": "2"}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"amount": "x"}, "may name order_id, price, quantity, not amount"),
        ({"price": "quantity"}, "different names"),
        ({"price": "market"}, "different names"),
    ],
)
def test_names_of_a_modification_are_checked(names: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        requests_of(modify_names=names)
    assert caught.value.argument == "modify_names"


@pytest.mark.parametrize(
    ("market", "given", "message"),
    [
        ("ALL", None, "market must name one, like 'BTC-USD'"),
        ("ALL", "ALL", "market must name one, like 'BTC-USD'"),
        ("ETH-USD", "BTC-USD", "is for ETH-USD, not for BTC-USD"),
    ],
)
def test_requests_are_for_markets_of_the_connection(market: str, given: str | None, message: str) -> None:
    requests = requests_of(market)
    for make in (
        lambda: requests.snapshot(Channel.DEPTH, given),
        lambda: requests.create_order(side="buy", type="limit", price="1", quantity="1", market=given),
        lambda: requests.modify_order("01H", price="1", market=given),
        lambda: requests.cancel_order("01H", market=given),
    ):
        with pytest.raises(ConfigurationError, match=message) as caught:
            make()
        assert caught.value.argument == "market"


def test_the_name_of_a_snapshot_request_is_known() -> None:
    assert requests_of().word_of(Channel.DEPTH) == "emitPublicOrderBook"
    assert requests_of(dialect=Dialect.LEGACY).word_of(Channel.TRADES) == "emitCompletedOrders"


def test_only_the_book_and_trades_have_snapshots() -> None:
    with pytest.raises(ConfigurationError, match="no snapshot of ORDERS"):
        requests_of().snapshot(Channel.ORDERS)


class TestWhoseASnapshotIs:
    @staticmethod
    def asked(*markets: str) -> tuple[RailsRequests, list[str]]:
        requests = requests_of("ALL", make_id=ids())
        return requests, [requests.snapshot(Channel.DEPTH, market)[0] for market in markets]

    def test_by_its_id_also_again(self) -> None:
        requests, (first, second) = self.asked("A-USD", "B-USD")
        for _ in range(2):
            assert requests.market_of(Channel.DEPTH, first) == "A-USD"
            requests.answered(Channel.DEPTH, "A-USD", first)
        assert requests.market_of(Channel.DEPTH, second) == "B-USD"
        assert requests.market_of(Channel.TRADES, second) is None

    def test_without_id_by_being_the_only_one(self) -> None:
        requests, _ = self.asked("A-USD", "A-USD")
        assert requests.market_of(Channel.DEPTH, None) == "A-USD"
        assert requests.market_of(Channel.DEPTH, "somebody else's") == "A-USD"
        assert requests.market_of(Channel.TRADES, None) is None
        requests.answered(Channel.DEPTH, "A-USD", None)
        assert requests.market_of(Channel.DEPTH, None) is None

    def test_unknown_if_several_wait(self) -> None:
        requests, (first, _) = self.asked("A-USD", "B-USD")
        assert requests.market_of(Channel.DEPTH, None) is None
        requests.give_up(first)
        assert requests.market_of(Channel.DEPTH, None) == "B-USD"
        assert requests.market_of(Channel.DEPTH, first) == "A-USD"

    def test_an_answer_to_an_older_request_does_not_answer_the_newer(self) -> None:
        requests, (first, second) = self.asked("A-USD", "A-USD")
        requests.answered(Channel.DEPTH, "A-USD", first)
        assert requests.market_of(Channel.DEPTH, None) == "A-USD"
        requests.answered(Channel.DEPTH, "A-USD", second)
        assert requests.market_of(Channel.DEPTH, None) is None

    def test_a_new_socket_answers_nothing(self) -> None:
        requests, (first,) = self.asked("A-USD")
        requests.opened()
        assert requests.market_of(Channel.DEPTH, first) is None
        assert requests.market_of(Channel.DEPTH, None) is None

    def test_what_is_remembered_is_bounded(self) -> None:
        requests, made = self.asked(*["A-USD"] * 1001)
        requests.answered(Channel.DEPTH, "A-USD", None)
        assert requests.market_of(Channel.DEPTH, made[0]) is None
        assert requests.market_of(Channel.DEPTH, made[1]) == "A-USD"

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from spot_lines import AT, MARKET, Line, delivered, order, order_update, replies, utc

from bigone_sync.enums import BusinessUnit, Channel, OrderOperator, OrderState, OrderType, Side
from bigone_sync.events import Account, Order
from bigone_sync.protocol.base import Problem, Reply

ACCOUNTS = b'{"requestId":"1","accountsSnapshot":{"accounts":[{"asset":"BTC","balance":"10.0","lockedBalance":"0.0"}]}}'
ACCOUNT = b'{"requestId":"1","accountUpdate":{"account":{"asset":"COINALPHA","balance":"15","lockedBalance":"5"}}}'
ORDERS = (
    b'{"requestId":"1","ordersSnapshot":{"orders":[{"id":"42844576","price":"9.0","stopPrice":"0.0","amount":"10000.0",'
    b'"market":"BTC-USDT","side":"ASK","state":"FILLED","filledAmount":"10000.0","filledFees":"90.0",'
    b'"avgDealPrice":"9.0","createdAt":"2018-09-12T09:52:36Z","updatedAt":"2018-09-12T09:52:37Z"}]}}'
)
ORDER = (
    b'{"requestId":"1","orderUpdate":{"order":{"id":"100234","price":"1000.00000000","stopPrice":"0.0",'
    b'"amount":"1.00000000","market":"BTC-USDT","side":"BID","state":"REJECTED","filledAmount":"0.0",'
    b'"filledFees":"0.0","avgDealPrice":"0.0","clientOrderId":"OID1","createdAt":"2018-09-12T09:52:36Z",'
    b'"updatedAt":"2018-09-12T09:52:37Z"}}}'
)
CREATED, UPDATED = utc(2018, 9, 12, 9, 52, 36), utc(2018, 9, 12, 9, 52, 37)


# -- accounts


def test_the_accounts_of_the_documents() -> None:
    line = Line("spot/private")
    route = line.add(Channel.ACCOUNTS)
    request, _ = line.protocol.subscribe([route])
    expected = Account("BTC", Decimal("10.0"), Decimal("0.0"), True)
    items = line.send(ACCOUNTS)
    assert items == [(None, Reply(request)), (route, [expected])]
    (event,) = delivered(items)
    assert (event.connection, event.received_at) == ("spot/private", AT)
    update = line.one(ACCOUNT)
    assert update == Account("COINALPHA", Decimal(15), Decimal(5))
    assert isinstance(update, Account)
    assert update.available == Decimal(10)


def test_balances_left_out_are_zero() -> None:
    line = Line()
    line.subscribed(Channel.ACCOUNTS)
    for left_out in ({}, {"balance": None, "lockedBalance": None}, {"balance": "", "lockedBalance": ""}):
        assert line.one({"accountUpdate": {"account": {"asset": "BTC", **left_out}}}) == Account(
            "BTC", Decimal(0), Decimal(0)
        )


def test_no_accounts_answer_the_request_all_the_same() -> None:
    line = Line()
    request, _ = line.protocol.subscribe([line.add(Channel.ACCOUNTS)])
    assert line.send({"requestId": "404", "accountsSnapshot": {"accounts": []}}) == [(None, Reply(request))]


def test_accounts_that_nobody_asked_for_are_counted_and_dropped() -> None:
    line = Line()
    assert line.send(ACCOUNTS, ACCOUNT) == []
    assert line.protocol.unrouted == 2


def test_one_bad_account_does_not_take_the_others_along() -> None:
    line = Line()
    line.subscribed(Channel.ACCOUNTS)
    bad = [{"asset": "A", "balance": "much"}, {"asset": 5}, None, [], {"asset": "B", "lockedBalance": "NaN"}]
    items = line.send({"accountsSnapshot": {"accounts": [*bad, {"asset": "BTC", "balance": "1"}]}})
    assert len([what for _, what in items if isinstance(what, Problem)]) == len(bad)
    assert delivered(items) == [Account("BTC", Decimal(1), Decimal(0), True)]


# -- orders


def private(market: str | None = MARKET) -> Line:
    line = Line("spot/private")
    line.subscribed(Channel.ORDERS, market)
    return line


def states(items: Any) -> list[OrderState]:
    return [event.state for event in delivered(items) if isinstance(event, Order)]


def test_the_orders_of_the_documents() -> None:
    line = Line("spot/private")
    route = line.add(Channel.ORDERS, MARKET)
    request, _ = line.protocol.subscribe([route])
    expected = Order(
        "42844576",
        MARKET,
        Side.SELL,
        OrderType.LIMIT,
        OrderState.FILLED,
        Decimal("9.0"),
        Decimal("10000.0"),
        filled_amount=Decimal("10000.0"),
        filled_fees=Decimal("90.0"),
        avg_deal_price=Decimal("9.0"),
        stop_price=Decimal("0.0"),
        created_at=CREATED,
        updated_at=UPDATED,
        is_snapshot=True,
    )
    assert line.send(ORDERS) == [(None, Reply(request)), (route, [expected])]


UPDATE = Order(
    "100234",
    MARKET,
    Side.BUY,
    OrderType.LIMIT,
    OrderState.REJECTED,
    Decimal("1000"),
    Decimal("1"),
    filled_amount=Decimal("0.0"),
    filled_fees=Decimal("0.0"),
    avg_deal_price=Decimal("0.0"),
    stop_price=Decimal("0.0"),
    client_order_id="OID1",
    created_at=CREATED,
    updated_at=UPDATED,
)


def test_the_order_update_of_the_documents_with_and_without_the_inner_order() -> None:
    bare = ORDER.replace(b'"order":{', b"").replace(b"}}}", b"}}")
    for frame in (ORDER, bare):
        assert private().one(frame) == UPDATE
    line = private()
    assert len(line.events(ORDER)) == 1
    assert line.send(bare) == []  # the same news


def test_every_field_of_an_order() -> None:
    line = private()
    event = line.one(
        order_update(
            order(
                7,
                side="ASK",
                type="STOP_LIMIT",
                operator="GTE",
                stopPrice="990.50",
                ioc=True,
                businessUnit="MARGIN",
                state="FIRED",
                filledAmount="0.25",
                filledFees="0.1",
                avgDealPrice="1000.5",
            )
        )
    )
    assert event == Order(
        "7",
        MARKET,
        Side.SELL,
        OrderType.STOP_LIMIT,
        OrderState.FIRED,
        Decimal(1000),
        Decimal(1),
        filled_amount=Decimal("0.25"),
        filled_fees=Decimal("0.1"),
        avg_deal_price=Decimal("1000.5"),
        stop_price=Decimal("990.50"),
        operator=OrderOperator.GTE,
        ioc=True,
        business_unit=BusinessUnit.MARGIN,
    )


HOLLOW = {
    "price": "",
    "stopPrice": "",
    "amount": "",
    "side": "BID",
    "state": "PENDING",
    "filledAmount": "",
    "filledFees": "",
    "avgDealPrice": "",
    "createdAt": None,
    "updatedAt": None,
    "businessUnit": "SPOT",
    "type": "LIMIT",
    "operator": "LTE",
    "ioc": False,
    "clientOrderId": "",
}


@pytest.mark.parametrize(
    "defaults",
    [
        {},
        HOLLOW,
        dict.fromkeys(HOLLOW),
        {**HOLLOW, "side": 0, "state": 0, "businessUnit": 0, "type": 0, "operator": 0},
        {**HOLLOW, "side": "", "state": "", "businessUnit": "", "type": "", "operator": ""},
        {"takerOrder": {"id": "9"}, "hidden": True, "postOnly": [1, {"x": None}]},
    ],
)
def test_defaults_printed_or_omitted_are_the_same(defaults: Any) -> None:
    expected = Order("7", MARKET, Side.BUY, OrderType.LIMIT, OrderState.PENDING, None, None)
    assert private().one(order_update({"id": "7", "market": MARKET, **defaults})) == expected
    assert private().one({"orderUpdate": {"id": "7", "market": MARKET, **defaults}}) == expected


@pytest.mark.parametrize(("kind", "price"), [("MARKET", "MARKET"), ("MARKET", "5"), (1, ""), ("STOP_MARKET", "MARKET")])
def test_a_market_order_has_no_price(kind: Any, price: str) -> None:
    event = private().one(order_update(order(type=kind, price=price, stopPrice="MARKET")))
    assert isinstance(event, Order)
    assert (event.price, event.stop_price) == (None, None)


@pytest.mark.parametrize("word", ["NaN", "nan", "Infinity", "-Infinity", "inf", "INF", "sNaN", "1,5", "0x10", "--1"])
def test_what_pretends_to_be_a_number_is_an_error(word: str) -> None:
    if word != "sNaN":  # a word, as far as prices go
        assert "not a number" in str(private().problem(order_update(order(price=word))))
    assert "amount is not a number" in str(private().problem(order_update(order(amount=word))))


@pytest.mark.parametrize("number", [None, ""])
def test_an_order_without_an_id_is_an_error(number: Any) -> None:
    assert "order" in str(private().problem(order_update(order(number))))
    assert "order" in str(private().problem({"orderUpdate": order(number)}))
    assert "order" in str(private().problem({"orderUpdate": {}}))


def test_updates_go_to_the_market_and_to_whoever_wants_all() -> None:
    line = Line()
    everything = line.subscribed(Channel.ORDERS)
    btc = line.subscribed(Channel.ORDERS, MARKET)
    assert [route for route, _ in line.events(order_update(order("1")))] == [btc, everything]
    assert [route for route, _ in line.events(order_update(order("2", market="ETH-USDT")))] == [everything]
    line.protocol.remove(everything)
    assert line.send(order_update(order("3", market="ETH-USDT"))) == []
    assert line.protocol.unrouted == 1


def test_orders_that_nobody_asked_for_are_counted_and_dropped() -> None:
    line = Line()
    assert line.send(ORDER, ORDERS) == []
    assert line.protocol.unrouted == 2


def test_one_bad_order_does_not_take_the_others_along() -> None:
    line = private()
    bad = [order(None), order("2", amount="x"), None, order("3", ioc="yes"), {"id": {}}, order("4", updatedAt="noon")]
    items = line.send({"requestId": "1", "ordersSnapshot": {"orders": [*bad, order("5")]}})
    assert len([what for _, what in items if isinstance(what, Problem)]) == len(bad)
    assert [event.id for event in delivered(items) if isinstance(event, Order)] == ["5"]
    assert len(replies(items)) == 1


# -- what is known of an order


def test_an_older_pending_never_overwrites_a_final_state() -> None:
    line = private()
    for final in ("FILLED", "CANCELLED", "REJECTED"):
        assert len(line.events(order_update(order(final, state=final)))) == 1
        assert line.send(order_update(order(final, updatedAt="2030-01-01T00:00:00Z"))) == []
    assert line.protocol.duplicates == 3


def test_an_older_update_is_dropped() -> None:
    line = private()
    newer, older = "2018-09-12T09:52:37.000002Z", "2018-09-12T09:52:37.000001Z"
    assert len(line.events(order_update(order(filledAmount="0.5", updatedAt=newer)))) == 1
    assert line.send(order_update(order(filledAmount="0.25", updatedAt=older))) == []
    assert len(line.events(order_update(order(filledAmount="0.75", updatedAt=newer)))) == 1


def test_a_duplicate_is_dropped_and_any_news_is_not() -> None:
    line = private()
    assert len(line.events(order_update(order()))) == 1
    assert line.send(order_update(order())) == []
    for news in ({"filledAmount": "0.1"}, {"filledFees": "0.1"}, {"avgDealPrice": "9"}, {"state": "FILLED"}):
        assert len(line.events(order_update(order(**news)))) == 1
    assert line.protocol.duplicates == 1


def test_a_snapshot_is_delivered_also_where_it_says_nothing_new() -> None:
    line = private()
    snapshot = {"requestId": "1", "ordersSnapshot": {"orders": [order("1"), order("2", state="FILLED")]}}
    line.send(order_update(order("1")))
    assert len(delivered(line.send(snapshot))) == 2
    line.protocol.opened()
    assert len(delivered(line.send(snapshot))) == 2


def test_an_outdated_order_of_a_snapshot_is_dropped() -> None:
    line = private()
    line.send(order_update(order("1", state="CANCELLED")))
    items = line.send({"requestId": "1", "ordersSnapshot": {"orders": [order("1"), order("2")]}})
    assert [event.id for event in delivered(items) if isinstance(event, Order)] == ["2"]


def test_what_is_known_of_orders_survives_a_reconnect_and_is_bounded() -> None:
    line = private()
    line.send(order_update(order("final", state="FILLED")))
    line.protocol.opened()
    assert line.send(order_update(order("final"))) == []
    line.send(*(order_update(order(f"{number}")) for number in range(10_000)))
    assert states(line.send(order_update(order("final")))) == [OrderState.PENDING]  # forgotten by now

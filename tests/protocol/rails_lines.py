"""Frames of Rails as its documents show them, or as composed from their tables (Rails protocol, sections 3 to 5)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

from bigone_sync.protocol.rails import RailsProtocol
from bigone_sync.protocol.rails_requests import Dialect

AT = 1772576154.25
NAME = "rails/BTC-USD"
UUID = "0835bf3e-4a20-41f0-908d-8213f2b7a285"
ORDER_ID = "01HZ5J70FCBNJAS7TVPVB4GAAG"

SUBSCRIBED = (
    b'{"resultType":"subscribed","data":{"activeSubscriptions":["orders","trades","publicTrades","publicOrderBook"],'
    b'"clientRequestId":"cfff0f58-8780-4cf2-b3d3-6439fed37304",'
    b'"requestedSubscriptions":["trades","publicTrades","publicOrderBook"]}}'
)
UNSUBSCRIBED = (
    b'{"resultType":"unsubscribed","data":{"activeSubscriptions":["orders"],'
    b'"clientRequestId":"245867a5-0de9-4542-a9da-724577ab4102",'
    b'"requestedUnsubscriptions":["trades","publicTrades","publicOrderBook"]}}'
)
PONG = b'{"resultType":"pong","data":{"clientRequestId":"4cc68b60-ed2d-42aa-a21e-cb5486f8fd1a","statusCode":200}}'
BOOK = (
    b'{"data":{"orders":[{"orderType":"buy","price":"3181.39","quantity":"38.98"},'
    b'{"orderType":"sell","price":"3181.41","quantity":"38.92"}],"statusCode":200},"resultType":"publicOrderBook"}'
)
DELTA = (
    b'{"resultType":"publicOrderBookDelta","market":"ETH-USDT","data":{"orders":[{"orderType":"sell",'
    b'"price":"3181.41","quantity":"38.92"},{"orderType":"buy","price":"3181.39","quantity":"38.98"}],'
    b'"statusCode":200,"ts":1772576154169}}'
)
RECENT_TRADES = (
    b'{"resultType":"publicCompletedOrders","data":{"orders":[{"executionType":"taker",'
    b'"matchId":"9eb783a6-7abc-4e94-9d9c-fd404e7580eb","orderType":"buy","price":"3181.41","quantity":"0.01",'
    b'"updatedAt":1767762810250}],"statusCode":200}}'
)
TRADES = (
    b'{"resultType":"publicCompletedOrdersDelta","market":"ETH-USDT","data":{"orders":[{"executionType":"taker",'
    b'"matchId":"9eb783a6-7abc-4e94-9d9c-fd404e7580eb","orderType":"buy","price":"3181.41","quantity":"0.01",'
    b'"updatedAt":1767762810250},{"executionType":"maker","matchId":"d65966ab-109c-491f-bb55-a6ccd0453153",'
    b'"orderType":"sell","price":"3181.42","quantity":"0.02","updatedAt":1767762904115}],"statusCode":200}}'
)
FILLS = (
    b'{"resultType":"completedOrdersDelta","data":[{"market":"BTC-USDT","orderId":"01JSG88WSP6MWEXBNXT0F43S59",'
    b'"matchId":"65284509-5284-4f64-9b80-ed6aa9819b9b","orderType":"buy","tradeType":"market","executionType":"taker",'
    b'"fillType":"partial","price":"92911.48605","quantity":"23.4","leverage":"1","fees":"2174.12877357",'
    b'"orderCreatedAt":1745436937022,"orderFilledAt":1745376015255,"triggerType":"none","triggerPrice":"0",'
    b'"triggerCreatedAt":0},{"market":"ETH-USDT","orderId":"01JSG88WSP6MWEXBNXT0F43S60",'
    b'"matchId":"95284509-5284-4f64-9b80-ed6aa9819b9a","orderType":"sell","tradeType":"limit","executionType":"maker",'
    b'"fillType":"complete","price":"3598.04","quantity":"6.6","leverage":"1","fees":"9.49",'
    b'"orderCreatedAt":1745436937023,"orderFilledAt":1745376015256,"triggerType":"none","triggerPrice":"0",'
    b'"triggerCreatedAt":0}]}'
)
_CREATED = (
    b'{"resultType":"%s","data":{"statusCode":%s,"body":"%s","order":{"market":"ETH-USD",'
    b'"orderId":"01HZ5J70FCBNJAS7TVPVB4GAAG","orderType":"buy","tradeType":"limit","price":"3600","quantity":"1",'
    b'"filledQuantity":"0","leverage":"1","createdAt":1746642892940,"updatedAt":1746642892940,"orderStatus":"%s",'
    b'"clientRequestId":"0835bf3e-4a20-41f0-908d-8213f2b7a285","postOnly":%s},'
    b'"clientRequestId":"0835bf3e-4a20-41f0-908d-8213f2b7a285"%s}}'
)
CREATE_202 = _CREATED % (
    *(b"createOrder", b"202", b"order created, pending acceptance", b"pending", b"true"),
    b',"apiQuotaUsed":1',
)
CREATE_200 = _CREATED % (b"createOrder", b"200", b"order accepted", b"active", b"true", b"")
MODIFY_200 = _CREATED % (
    *(b"modifyOrder", b"200", b"new order created, pending acceptance", b"pending", b"false"),
    b"",
)
_CANCELLED = (
    b'{"resultType":"cancelOrder","market":"ETH-USD","data":{"statusCode":%s,"body":"%s","order":{"market":"ETH-USD",'
    b'"orderId":"01HZ5J70FCBNJAS7TVPVB4GAAG","orderType":"buy","tradeType":"limit","price":"3601","quantity":"1",'
    b'"filledQuantity":"0.5","leverage":"1","createdAt":1717100052972,"updatedAt":1717100393492,"orderStatus":"%s",'
    b'"clientRequestId":"0835bf3e-4a20-41f0-908d-8213f2b7a285","postOnly":false,"avgFillPrice":"3601"},'
    b'"clientRequestId":"0835bf3e-4a20-41f0-908d-8213f2b7a285"%s}}'
)
CANCEL_202 = _CANCELLED % (b"202", b"cancelling order", b"cancelling", b',"apiQuotaUsed":1')
CANCEL_200 = _CANCELLED % (b"200", b"order cancelled", b"cancelled", b"")
LEVERAGE_202 = (
    b'{"resultType":"updateLeverage","data":{"statusCode":202,"body":"leverage update in progress, pending approval",'
    b'"clientRequestId":"0835bf3e-4a20-41f0-908d-8213f2b7a285"},"connectionId":"KNal9ekeCYcCIBA="}'
)
LEVERAGE_200 = (
    b'{"resultType":"updateLeverage","data":{"statusCode":200,"body":"leverage updated successfully",'
    b'"clientRequestId":"0835bf3e-4a20-41f0-908d-8213f2b7a285"}}'
)
COMPLETE_FILL = (
    b'{"resultType":"completeFillOrder","data":{"statusCode":200,"order":{"market":"ETH-USD",'
    b'"orderId":"01HZ5J70FCBNJAS7TVPVB4GAAG","orderType":"buy","tradeType":"limit","price":"3600","quantity":"0",'
    b'"filledQuantity":"1","leverage":"1","createdAt":1746642892940,"updatedAt":1746642892940,'
    b'"clientRequestId":"0835bf3e-4a20-41f0-908d-8213f2b7a285","postOnly":false,"avgFillPrice":"3600"}}}'
)
REJECTED = (
    b'{"resultType":"rejectOrder","data":{"statusCode":400,'
    b'"body":"Post-only order rejected as it would have matched immediately",'
    b'"order":{"userId":"5f5a019e-4ae3-4aae-8a15-964b072999e5","orderId":"01JGPRJC7KHY8GP4FT6WRQG193",'
    b'"market":"BTC-USD","orderType":"sell","tradeType":"limit","orderStatus":"active","price":"98491.86060236",'
    b'"quantity":"15.83767529","leverage":"1","updatedAt":1735930754142,"createdAt":1735930753267},'
    b'"clientRequestId":"b9fe6677-12c3-4d43-894c-370236b94023"},"connectionId":"H8D-KebFiYcCJvA="}'
)

LINES = {
    name: value for name, value in list(globals().items()) if isinstance(value, bytes) and not name.startswith("_")
}
"""All of them by name."""


def ids() -> Callable[[], str]:
    """Makes ids that count up from 1."""
    numbers = itertools.count(1)
    return lambda: f"id-{next(numbers)}"


def protocol_of(market: str = "ETH-USDT", dialect: Dialect = Dialect.CURRENT) -> RailsProtocol:
    return RailsProtocol(connection=NAME, market=market, dialect=dialect, make_id=ids())


def altered(frame: bytes, change: Callable[[Any], None]) -> bytes:
    """``frame`` with something changed in its JSON."""
    tree = json.loads(frame)
    change(tree)
    return json.dumps(tree).encode()


def turned(tree: Any) -> Any:
    """The same with the members of all objects in reverse order."""
    if isinstance(tree, dict):
        return {key: turned(value) for key, value in reversed(tree.items())}
    return [turned(each) for each in tree] if isinstance(tree, list) else tree

"""Reading a spot request: strict, so that a client's mistake shows (spot protocol, sections 2 to 7)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bigone_sync.testing._book import SIDES, UNITS
from bigone_sync.testing._tape import PERIODS

DEFAULT_LIMIT = 20
_PERIOD_NAMES = tuple(PERIODS)
# More of them are in no range, and Python does not read just any number of them.
_DIGITS = re.compile(r"-?[0-9]{1,100}")


class Malformed(Exception):
    """The exchange cannot make sense of a request."""

    def __init__(self, request_id: str, message: str) -> None:
        super().__init__(message)
        self.request_id = request_id


@dataclass(frozen=True, slots=True)
class Request:
    """A well-formed request: every parameter of its kind is there, with its default if it was not sent."""

    id: str
    member: str
    params: Mapping[str, Any]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a string is expected")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("a list of strings is expected")
    return tuple(_text(item) for item in value)


def _integer(low: int, high: int) -> Callable[[Any], int]:
    """Reads integers of the JSON mapping: numbers or their text."""

    def read(value: Any) -> int:
        if isinstance(value, str) and _DIGITS.fullmatch(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError("an integer is expected")
        if not low <= value <= high:
            raise ValueError(f"an integer from {low} to {high} is expected")
        return value

    return read


_int64 = _integer(-(1 << 63), (1 << 63) - 1)
_uint64 = _integer(0, (1 << 64) - 1)
_uint32 = _integer(0, (1 << 32) - 1)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false is expected")
    return value


def _enum(names: tuple[str, ...]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(names):
            return names[value]
        if value not in names:
            raise ValueError(f"one of {', '.join(names)} is expected")
        return _text(value)

    return read


_Field = tuple[Callable[[Any], Any], Any]
_MARKET: dict[str, _Field] = {"market": (_text, "")}
_MARKETS: dict[str, _Field] = {"markets": (_texts, ())}
_LIMIT: dict[str, _Field] = {"limit": (_int64, 0)}
_PERIOD: dict[str, _Field] = {"period": (_enum(_PERIOD_NAMES), "MIN1")}
_UNIT: dict[str, _Field] = {"businessUnit": (_enum(UNITS), "SPOT")}
_ASSETS: dict[str, _Field] = {"assetUuids": (_texts, ())}
_ORDER: dict[str, _Field] = {
    "price": (_text, ""),
    "stopPrice": (_text, ""),
    "amount": (_text, ""),
    **_MARKET,
    "side": (_enum(SIDES), "BID"),
    "hidden": (_flag, False),
    "immediateOrCancel": (_flag, False),
}

#: Request member to its fields: how each is read, and its default.
REQUESTS: Mapping[str, Mapping[str, _Field]] = {
    "authenticateCustomerRequest": {"token": (_text, ""), "deviceId": (_text, "")},
    "subscribeMarketDepthRequest": _MARKET,
    "unsubscribeMarketDepthRequest": _MARKET,
    "subscribeMarketsTickerRequest": _MARKETS,
    "unsubscribeMarketsTickerRequest": _MARKETS,
    "subscribeMarketTradesRequest": {**_MARKET, **_LIMIT},
    "unsubscribeMarketTradesRequest": _MARKET,
    "subscribeMarketCandlesRequest": {**_MARKET, **_PERIOD, **_LIMIT},
    "unsubscribeMarketCandlesRequest": {**_MARKET, **_PERIOD},
    "subscribeViewerAccountsRequest": {},
    "unsubscribeViewerAccountsRequest": {},
    "subscribeViewerOrdersRequest": {**_MARKET, **_UNIT},
    "unsubscribeViewerOrdersRequest": {**_MARKET, **_UNIT},
    "subscribeAllViewerOrdersRequest": _UNIT,
    "unsubscribeAllViewerOrdersRequest": _UNIT,
    "createOrderRequest": _ORDER,
    "cancelOrderRequest": {"orderId": (_text, "")},
    "cancelAllOrdersRequest": _MARKETS,
    "listMarketsRequest": {},
    "subscribeViewerMarginAccountsRequest": {},
    "unsubscribeViewerMarginAccountsRequest": {},
    "subscribeExchangeRatesListRequest": {"quote": (_text, ""), "bases": (_texts, ())},
    "unsubscribeExchangeRatesListRequest": {},
    "subscribeFlashExchangeOrdersRequest": {"startOrderId": (_uint64, 0), "limit": (_uint32, 0)},
    "unsubscribeFlashExchangeOrdersRequest": {},
    "subscribeSpotCostPriceRequest": _ASSETS,
    "unsubscribeSpotCostPriceRequest": _ASSETS,
    "heartbeatRequest": {"interval": (_uint64, 0)},
    "ping": {},
}
_LOGIN = "authenticateCustomerRequest"
_PRIVATE_SUBJECTS = ("Viewer", "Order", "SpotCostPrice")


def needs_login(member: str) -> bool:
    """Whether only an authenticated connection may send such a request."""
    return any(subject in member for subject in _PRIVATE_SUBJECTS)


def decode(data: str | bytes) -> dict[str, Any]:
    """The JSON object of a frame, whatever its opcode.

    Raises:
        Malformed: it is none.
    """
    try:
        value = json.loads(data)
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is read, but cannot be written back
    except (ValueError, RecursionError) as error:
        raise Malformed("", "malformed request: not JSON") from error
    if not isinstance(value, dict):
        raise Malformed("", "malformed request: not an object")
    return value


def redacted(message: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that may be shown: the token is replaced, and all of a login that may hold it elsewhere."""
    login = message.get(_LOGIN)
    if login is None:
        return dict(message)
    shown: Any = "***"
    if isinstance(login, dict) and set(login) <= {"token", "deviceId"} and isinstance(login.get("deviceId") or "", str):
        shown = {name: "***" if name == "token" else value for name, value in login.items()}
    return {**message, _LOGIN: shown}


def parse(message: Mapping[str, Any]) -> Request:
    """Check a decoded request and fill in defaults.

    Raises:
        Malformed: no or no text id, not exactly one known member, an unknown field or a value of the wrong kind.
    """
    request_id = message.get("requestId")
    if not isinstance(request_id, str) or not request_id:
        raise Malformed("", "malformed request: requestId must be a non-empty string")
    members = [name for name, value in message.items() if name != "requestId" and value is not None]
    if len(members) != 1:
        raise Malformed(request_id, "malformed request: exactly one request member is expected")
    member = members[0]
    fields, sent = REQUESTS.get(member), message[member]
    if fields is None:
        raise Malformed(request_id, "malformed request: unknown request member")
    if not isinstance(sent, dict):
        raise Malformed(request_id, f"malformed request: {member} must be an object")
    if unknown := set(sent) - set(fields):
        raise Malformed(request_id, f"malformed request: {member} has no field {sorted(unknown)[0]!r}")
    params = {name: default for name, (_, default) in fields.items()}
    for name, value in sent.items():
        if value is None:
            continue
        try:
            params[name] = fields[name][0](value)
        except ValueError as error:
            raise Malformed(request_id, f"malformed request: {member}.{name}: {error}") from error
    if "limit" in params:
        if params["limit"] < 0:
            raise Malformed(request_id, f"malformed request: {member}.limit is negative")
        params["limit"] = params["limit"] or DEFAULT_LIMIT
    return Request(request_id, member, params)

"""JSON bodies of the spot exchange's answers, written from the schema (spot protocol, sections 5 to 8).

The encoders belong to the exchange alone: a mistake in the client's reading must not be repeated here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from bigone_sync.testing._book import LevelChange, OrderView, Trade, utc
from bigone_sync.testing._ledger import Balance
from bigone_sync.testing._tape import Candle, Ticker

# What the schema calls an order that was never set, as an emit-defaults printer writes it into public trades.
_HOLLOW_ORDER: Mapping[str, Any] = {
    "id": "",
    "price": "",
    "stopPrice": "",
    "amount": "",
    "market": "",
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
# First values of the schema's enums: the ones a plain proto3 printer leaves out. Orders and margin accounts have a
# ``state`` each, without a common word.
_FIRST_VALUES: Mapping[str, tuple[str, ...]] = {
    "side": ("BID",),
    "takerSide": ("BID",),
    "state": ("PENDING", "NORMAL"),
    "status": ("UNSPECIFIED",),
    "type": ("LIMIT",),
    "operator": ("LTE",),
    "businessUnit": ("SPOT",),
    "period": ("MIN1",),
}


def dump(value: Any) -> str:
    """Compact JSON text."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def decimal_text(value: Decimal) -> str:
    """A decimal without exponent, not normalised."""
    return format(value, "f")


def zero_text(value: Decimal) -> str:
    """As `decimal_text`, but zero is "0.0", as accounts and orders print it."""
    return format(value, "f") if value else "0.0"


def time_text(time_ns: int) -> str:
    """RFC 3339 in UTC with 0, 3, 6 or 9 fraction digits, as few as keep the value."""
    seconds, nanos = divmod(time_ns, 1_000_000_000)
    whole = utc(seconds * 1_000_000_000).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{nanos:09d}"
    for digits in (0, 3, 6):
        if not fraction[digits:].strip("0"):
            return f"{whole}.{fraction[:digits]}Z" if digits else f"{whole}Z"
    return f"{whole}.{fraction}Z"


class SpotWire:
    """Renders payload bodies in one of the styles a client must understand.

    Args:
        ids: ``"string"`` or ``"number"``: how 64-bit integers are written.
        defaults: ``"emit"`` prints default values and null for unset messages, ``"omit"`` leaves them out.
    """

    def __init__(self, ids: str, defaults: str) -> None:
        if ids not in ("string", "number") or defaults not in ("emit", "omit"):
            raise ValueError(f"ids={ids!r}, defaults={defaults!r}")
        self._ids_as_text = ids == "string"
        self._omit = defaults == "omit"

    def depth(self, market: str, bids: Iterable[LevelChange], asks: Iterable[LevelChange], change_id: int) -> str:
        """Body of ``depthSnapshot``."""
        return self.render({"depth": self._sides(market, bids, asks), "changeId": self.integer(change_id)})

    def depth_change(
        self, market: str, bids: Iterable[LevelChange], asks: Iterable[LevelChange], change_id: int, prev_id: int
    ) -> str:
        """Body of ``depthUpdate``."""
        sides = self._sides(market, bids, asks)
        return self.render({"depth": sides, "changeId": self.integer(change_id), "prevId": self.integer(prev_id)})

    def trades(self, trades: Iterable[Trade]) -> str:
        """Body of ``tradesSnapshot``."""
        return self.render({"trades": [self._trade(trade, None) for trade in trades]})

    def trade(self, trade: Trade) -> str:
        """Body of ``tradeUpdate``; with emitted defaults the taker's order is there, but hollow."""
        return self.render({"trade": self._trade(trade, None if self._omit else _HOLLOW_ORDER)})

    def tickers(self, tickers: Iterable[tuple[Ticker, LevelChange | None, LevelChange | None]]) -> str:
        """Body of ``tickersSnapshot``, of tickers with their best bid and ask."""
        return self.render({"tickers": [self._ticker(*ticker) for ticker in tickers]})

    def ticker(self, ticker: Ticker, bid: LevelChange | None, ask: LevelChange | None) -> str:
        """Body of ``tickerUpdate``."""
        return self.render({"ticker": self._ticker(ticker, bid, ask)})

    def candles(self, candles: Iterable[Candle]) -> str:
        """Body of ``candlesSnapshot``."""
        return self.render({"candles": [self._candle(candle) for candle in candles]})

    def candle(self, candle: Candle) -> str:
        """Body of ``candleUpdate``."""
        return self.render({"candle": self._candle(candle)})

    def accounts(self, balances: Iterable[Balance]) -> str:
        """Body of ``accountsSnapshot``."""
        return self.render({"accounts": [self._account(balance) for balance in balances]})

    def account(self, balance: Balance) -> str:
        """Body of ``accountUpdate``."""
        return self.render({"account": self._account(balance)})

    def orders(self, orders: Iterable[OrderView]) -> str:
        """Body of ``ordersSnapshot``."""
        return self.render({"orders": [self._order(order) for order in orders]})

    def order(self, order: OrderView) -> str:
        """Body of ``orderUpdate``."""
        return self.render({"order": self._order(order)})

    def envelope(self, request_id: str, member: str, body: str) -> str:
        """The whole response around a body."""
        if self._omit and not request_id:
            return f'{{"{member}":{body}}}'
        return f'{{"requestId":{dump(request_id)},"{member}":{body}}}'

    # -- messages -----------------------------------------------------------------------------------------------

    def _sides(self, market: str, bids: Iterable[LevelChange], asks: Iterable[LevelChange]) -> dict[str, Any]:
        return {
            "market": market,
            "asks": [self._level(level) for level in asks],
            "bids": [self._level(level) for level in bids],
        }

    def _level(self, level: LevelChange) -> dict[str, Any]:
        return {
            "price": decimal_text(level.price),
            "amount": decimal_text(level.amount),
            "orderCount": self.integer(level.order_count),
        }

    def _trade(self, trade: Trade, taker_order: Mapping[str, Any] | None) -> dict[str, Any]:
        return {
            "id": self.integer(trade.id),
            "price": decimal_text(trade.price),
            "amount": decimal_text(trade.amount),
            "market": trade.market,
            "createdAt": time_text(trade.time_ns),
            "makerOrder": None,
            "takerOrder": taker_order,
            "takerSide": trade.taker_side,
        }

    def _ticker(self, ticker: Ticker, bid: LevelChange | None, ask: LevelChange | None) -> dict[str, Any]:
        return {
            "market": ticker.market,
            "ask": None if ask is None else self._level(ask),
            "bid": None if bid is None else self._level(bid),
            "open": decimal_text(ticker.open),
            "high": decimal_text(ticker.high),
            "low": decimal_text(ticker.low),
            "close": decimal_text(ticker.close),
            "volume": decimal_text(ticker.volume),
            "dailyChange": decimal_text(ticker.daily_change),
            "dailyChangePerc": decimal_text(ticker.daily_change_percent),
        }

    def _candle(self, candle: Candle) -> dict[str, Any]:
        return {
            "market": candle.market,
            "time": time_text(candle.time_ns),
            "open": decimal_text(candle.open),
            "high": decimal_text(candle.high),
            "low": decimal_text(candle.low),
            "close": decimal_text(candle.close),
            "volume": decimal_text(candle.volume),
            "period": candle.period,
        }

    def _account(self, balance: Balance) -> dict[str, Any]:
        return {
            "asset": balance.asset,
            "balance": zero_text(balance.balance),
            "lockedBalance": zero_text(balance.locked),
        }

    def _order(self, order: OrderView) -> dict[str, Any]:
        return {
            "id": order.id,
            "price": "MARKET" if order.price is None else decimal_text(order.price),
            "stopPrice": self._stop_text(order.stop_price),
            "amount": decimal_text(order.amount),
            "market": order.market,
            "side": order.side,
            "state": order.state,
            "filledAmount": zero_text(order.filled_amount),
            "filledFees": zero_text(order.filled_fees),
            "avgDealPrice": zero_text(order.avg_deal_price),
            "createdAt": time_text(order.created_ns),
            "updatedAt": time_text(order.updated_ns),
            "businessUnit": order.business_unit,
            "type": order.type,
            "operator": order.operator,
            "ioc": order.ioc,
            "clientOrderId": order.client_order_id,
        }

    def _stop_text(self, stop_price: Decimal | None) -> str:
        if stop_price is not None:
            return decimal_text(stop_price)
        return "" if self._omit else "0.0"

    # -- rendering ----------------------------------------------------------------------------------------------

    def render(self, message: Mapping[str, Any]) -> str:
        """A body of schema fields as JSON text, its default values printed or left out."""
        return dump(self._without_defaults(message) if self._omit else message)

    def integer(self, value: int) -> int | str:
        """A 64-bit integer in the chosen form."""
        return str(value) if self._ids_as_text else value

    def _without_defaults(self, message: Mapping[str, Any]) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for name, value in message.items():
            if isinstance(value, Mapping):
                kept[name] = self._without_defaults(value)
            elif isinstance(value, list):
                if value:
                    kept[name] = [self._without_defaults(item) for item in value]
            elif not self._is_default(name, value):
                kept[name] = value
        return kept

    def _is_default(self, name: str, value: object) -> bool:
        if value in (None, "", 0, False) or (name == "orderCount" and value == "0"):
            return True
        return value in _FIRST_VALUES.get(name, ())

"""Rows of the spot REST replies (REST protocol, sections 1 to 3).

Names are in snake_case, ids are numbers, amounts strings. They are written here and nowhere else: a mistake in the
client's reading must not be repeated.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bigone_sync.testing._book import LevelChange, OrderView, Trade
from bigone_sync.testing._ledger import Balance
from bigone_sync.testing._rest_spot_trades import OwnTrade
from bigone_sync.testing._spot_wire import time_text
from bigone_sync.testing._tape import Candle, Ticker

Row = dict[str, Any]


def text(value: Decimal | None) -> str:
    """A decimal without exponent; "0" for none, as the captured replies print what is unset."""
    return format(value, "f") if value else "0"


def level_row(level: LevelChange) -> Row:
    """A level: its size is called ``quantity`` here."""
    return {"price": text(level.price), "order_count": level.order_count, "quantity": text(level.amount)}


def ticker_row(ticker: Ticker, bid: LevelChange | None, ask: LevelChange | None) -> Row:
    """A ticker; a side without orders is null."""
    return {
        "asset_pair_name": ticker.market,
        "bid": None if bid is None else level_row(bid),
        "ask": None if ask is None else level_row(ask),
        "open": text(ticker.open),
        "high": text(ticker.high),
        "low": text(ticker.low),
        "close": text(ticker.close),
        "volume": text(ticker.volume),
        "daily_change": text(ticker.daily_change),
    }


def trade_row(trade: Trade) -> Row:
    """A public trade; it has its time twice."""
    time = time_text(trade.time_ns)
    return {
        "id": trade.id,
        "price": text(trade.price),
        "amount": text(trade.amount),
        "taker_side": trade.taker_side,
        "inserted_at": time,
        "created_at": time,
    }


def candle_row(candle: Candle) -> Row:
    """A candle, its time to the second."""
    return {
        "time": time_text(candle.time_ns),
        "open": text(candle.open),
        "high": text(candle.high),
        "low": text(candle.low),
        "close": text(candle.close),
        "volume": text(candle.volume),
    }


def account_row(balance: Balance) -> Row:
    """A balance; ``balance`` is the total and includes what is locked (spot protocol, section 7.1)."""
    return {
        "asset_symbol": balance.asset,
        "balance": text(balance.balance),
        "locked_balance": text(balance.locked),
    }


def order_row(order: OrderView) -> Row:
    """An order; only stop orders have an ``operator``, and what a market order has no price of is "0"."""
    row: Row = {
        "id": int(order.id),
        "asset_pair_name": order.market,
        "price": text(order.price),
        "amount": text(order.amount),
        "filled_amount": text(order.filled_amount),
        "avg_deal_price": text(order.avg_deal_price),
        "side": order.side,
        "state": order.state,
        "created_at": time_text(order.created_ns),
        "updated_at": time_text(order.updated_ns),
        "type": order.type,
        "stop_price": text(order.stop_price),
        "immediate_or_cancel": order.ioc,
        "post_only": order.post_only,
        "client_order_id": order.client_order_id,
    }
    if order.stop_price is not None:
        row["operator"] = order.operator
    return row


def own_trade_row(own: OwnTrade) -> Row:
    """A trade of the account; order and fee of the other side are null, unless that is the account, too."""
    time = time_text(own.trade.time_ns)
    return {
        "id": own.trade.id,
        "asset_pair_name": own.trade.market,
        "price": text(own.trade.price),
        "amount": text(own.trade.amount),
        "taker_side": own.trade.taker_side,
        "side": own.side,
        "maker_order_id": None if own.maker is None else int(own.maker.order_id),
        "taker_order_id": None if own.taker is None else int(own.taker.order_id),
        "maker_fee": None if own.maker is None else text(own.maker.fee),
        "taker_fee": None if own.taker is None else text(own.taker.fee),
        "inserted_at": time,
        "created_at": time,
    }

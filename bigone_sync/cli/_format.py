"""Numbers and orders as text."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from ..events import Account, Order, Trade
from ._settings import AMOUNT_PLACES, PRICE_PLACES

__all__ = ["account_text", "amount", "number", "order_short", "order_text", "places", "price", "trade_text"]

_MOST_PLACES = 12


def places(values: Iterable[Decimal], least: int) -> int:
    """How many decimals show all ``values`` in full, at least ``least``: a column stays aligned and exact."""
    found = least
    for value in values:
        exponent = value.normalize().as_tuple().exponent
        if isinstance(exponent, int):
            found = max(found, -exponent)
    return min(found, _MOST_PLACES)


def number(value: Decimal | None, decimals: int) -> str:
    """``value`` with thousands separators and a fixed number of decimals; a dash for None."""
    return "-" if value is None else f"{value:,.{decimals}f}"


def price(value: Decimal | None) -> str:
    """A price by itself, outside of a column."""
    return number(value, PRICE_PLACES if value is None else places([value], PRICE_PLACES))


def amount(value: Decimal | None) -> str:
    """An amount by itself, outside of a column."""
    return number(value, AMOUNT_PLACES if value is None else places([value], AMOUNT_PLACES))


def order_text(label: str, before: Order | None, order: Order) -> str:
    """What an update of an own order says, given what was known of the order before."""
    text = f"{label} {order.side} {amount(order.amount)} @ {price(order.price)}: {order.state}"
    filled = order.filled_amount
    if order.is_final and filled:
        text += f", {amount(filled)} filled at {price(order.avg_deal_price)} on average"
    elif filled:
        known = before.filled_amount if before is not None else None
        text += f", {amount(filled)} filled" + (f" (before: {amount(known)})" if known else "")
    return text + (" [from the snapshot]" if order.is_snapshot else "")


def order_short(label: str, order: Order) -> str:
    """The same in a few words."""
    if order.is_final:
        text = f"{label} {order.state}"
    elif order.filled_amount:
        text = f"{label} {amount(order.filled_amount)} filled"
    else:
        text = f"{label} {order.side} {order.state}"
    return text + (" (snapshot)" if order.is_snapshot else "")


def account_text(account: Account) -> str:
    """One line about a balance."""
    text = f"{account.asset} {amount(account.balance)} in total, {amount(account.locked_balance)} locked by orders"
    return text + (" [from the snapshot]" if account.is_snapshot else "")


def trade_text(trade: Trade) -> str:
    """One line about a public trade."""
    return f"{trade.taker_side} {amount(trade.amount)} @ {price(trade.price)}"

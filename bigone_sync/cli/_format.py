"""Numbers and orders as text."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from ..enums import OrderState
from ..events import Account, Cash, Fill, Position, Trade
from ._own import OwnOrder
from ._settings import AMOUNT_PLACES, COIN_PLACES, MONEY_PLACES, PRICE_PLACES

__all__ = [
    "account_text",
    "amount",
    "cash_text",
    "fee",
    "fill_text",
    "money",
    "number",
    "order_short",
    "order_text",
    "own_trade_text",
    "places",
    "position_text",
    "price",
    "size",
    "trade_text",
]

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


def amount(value: Decimal | None, least: int = AMOUNT_PLACES) -> str:
    """An amount by itself, outside of a column, with at least so many decimals."""
    return number(value, least if value is None else places([value], least))


def order_text(label: str, before: OwnOrder | None, order: OwnOrder, least: int = AMOUNT_PLACES) -> str:
    """What an update of an own order says, given what was known of the order before."""
    text = f"{label} {order.side} {amount(order.amount, least)} @ {price(order.price)}: {order.state}"
    filled = order.filled
    if order.is_final and filled:
        text += f", {amount(filled, least)} filled at {price(order.average)} on average"
    elif filled:
        known = before.filled if before is not None else None
        text += f", {amount(filled, least)} filled"
        text += f" (before: {amount(known, least)})" if known and known != filled else ""
    return text + (f" [from the {order.origin}]" if order.origin else "")


def order_short(label: str, order: OwnOrder, least: int = AMOUNT_PLACES) -> str:
    """The same in a few words."""
    if order.is_final or order.state == OrderState.CANCELLING:
        text = f"{label} {order.state}"
    elif order.filled:
        text = f"{label} {amount(order.filled, least)} filled"
    else:
        text = f"{label} {order.side} {order.state}"
    return text + (f" ({order.origin})" if order.origin else "")


def account_text(account: Account) -> str:
    """One line about a balance."""
    text = f"{account.asset} {amount(account.balance)} in total, {amount(account.locked_balance)} locked by orders"
    return text + (" [from the snapshot]" if account.is_snapshot else "")


def trade_text(trade: Trade, least: int = AMOUNT_PLACES) -> str:
    """One line about a public trade."""
    return f"{trade.taker_side} {amount(trade.amount, least)} @ {price(trade.price)}"


# -- contracts


def money(value: Decimal | None, currency: str | None) -> str:
    """An amount of a currency, rounded: the account keeps more decimals than anybody reads."""
    return number(value, MONEY_PLACES if currency == "USDT" else COIN_PLACES)


def size(value: Decimal | None) -> str:
    """Contracts with their sign, since a position may be short."""
    return amount(value, 0) if not value or value < 0 else f"+{amount(value, 0)}"


def position_text(position: Position) -> str:
    """One line about a position."""
    if not position.size:
        return f"{position.market} flat, {money(position.realised_pnl, position.currency)} realised"
    word = "long" if position.size > 0 else "short"
    return (
        f"{position.market} {word} {amount(abs(position.size), 0)} contracts, entered at"
        f" {price(position.entry_price)}, PnL {money(position.unrealized_pnl, position.currency)} open,"
        f" {money(position.realised_pnl, position.currency)} realised"
    )


def cash_text(cash: Cash) -> str:
    """One line about the cash of a currency."""
    parts = [("in total", cash.balances), ("for positions", cash.position_margin), ("for orders", cash.order_margin)]
    return f"{cash.currency} " + ", ".join(f"{money(value, cash.currency)} {word}" for word, value in parts)


def fill_text(label: str, fill: Fill, currency: str | None) -> str:
    """One line about an own trade."""
    return (
        f"{label} {fill.side} {amount(fill.size, 0)} @ {price(fill.price)},"
        f" fee {money(fill.fee, currency)}, PnL {money(fill.pnl, currency)}"
    )


# -- Rails


def fee(fill: Fill) -> str:
    """What an own trade has cost; rounded, as there are more decimals than there is room for."""
    return number(fill.fee, MONEY_PLACES)


def own_trade_text(label: str, fill: Fill) -> str:
    """One line about an own trade, by whose order it is."""
    role = f" as {fill.role.lower()}" if fill.role else ""
    return f"{label} {fill.side} {amount(fill.size)} @ {price(fill.price)}{role}, fee {fee(fill)}"

"""The demo on contracts."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from ..clients.contract import ContractClient
from ..config import check_symbol
from ..enums import OrderState, Side
from ..errors import ConfigurationError
from ..events import Cash, Position
from . import _settings as settings
from ._contract_recorder import ContractRecorder
from ._stage import CREDENTIALS, Stage
from ._verdict import Check, EngineBook, check_book, check_orders, check_trades

if TYPE_CHECKING:
    from ..testing import LocalExchange

__all__ = ["ContractStage"]

_SETTLED = re.compile(r".+USDT?")
_LEAST, _MOST = 4_000, 6_000
"""Contracts of an order that opens: so many that the crowd alone does not fill it at once."""
_LEAST_OF_HELD, _MOST_OF_HELD = 60, 80
"""Per cent of the position that an order is about which reduces it."""
_POSITION = ("size", "entry_price", "realised_pnl", "unrealized_pnl", "margin", "order_margin")
_CASH = ("balances", "available", "margin", "unrealized_pnl")
"""What is compared."""


class ContractStage(Stage):
    """A contract: orders open and reduce a position, which cash is the margin of.

    Args:
        market: the symbol.

    Raises:
        ConfigurationError: the name is not allowed.
    """

    unit = " contracts"
    recording: ContractRecorder

    def __init__(self, market: str) -> None:
        if not _SETTLED.fullmatch(check_symbol(market)):
            raise ConfigurationError(
                f"the contracts here are settled in coins, like 'BTCUSD', or in USDT, like 'BTCUSDT', not {market!r}",
                argument="market",
            )
        self.recording = ContractRecorder(market)
        self._client: ContractClient | None = None

    def make_exchange(self, seed: int) -> LocalExchange:
        """An exchange with the contract, not started."""
        from ..testing.exchange import LocalExchange

        return LocalExchange(
            seed=seed,
            credentials=(CREDENTIALS.api_key, CREDENTIALS.api_secret),
            markets=(),
            contracts=[self.market],
            rate=settings.CONTRACT_RATE,
        )

    def url(self, exchange: LocalExchange) -> str:
        """Where the client connects to."""
        return exchange.contract_url

    def make_client(self, url: str, protocol: str) -> ContractClient:
        """A client that tells the recording everything that the demo shows, not started; it speaks JSON."""
        self._client = ContractClient(
            CREDENTIALS,
            url=url,
            proxy="",  # whatever the environment says: nothing leaves this process
            backoff=settings.BACKOFF,
            timeouts=settings.TIMEOUTS,
            limits=settings.LIMITS,
        )
        self.recording.attach(self._client)
        return self._client

    # -- own orders

    def book(self, exchange: LocalExchange) -> EngineBook:
        """The exchange's own book."""
        return exchange.contract_book(self.market)

    def choose_amount(self, exchange: LocalExchange, rng: random.Random, side: Side) -> Decimal:
        """A round number to open a position with, a part of what is held to reduce it."""
        held = exchange.positions()[self.market].size
        if held and (held > 0) == (side == Side.SELL):
            return self.part(abs(held), rng.randint(_LEAST_OF_HELD, _MOST_OF_HELD))
        return Decimal(rng.randint(_LEAST, _MOST))

    def part(self, amount: Decimal, percent: int) -> Decimal:
        """So much of an amount, in whole contracts."""
        return max(Decimal(1), (amount * percent / 100).to_integral_value())

    def place(self, exchange: LocalExchange, side: Side, price: Decimal, amount: Decimal) -> str:
        """Place an own order; returns its id."""
        return exchange.place_contract_order(self.market, str(side), amount, price=price)

    def fill(self, exchange: LocalExchange, order_id: str, amount: Decimal | None) -> None:
        """Let the crowd trade against an own order; None: all that is left of it.

        Raises:
            ValueError: it is not open.
        """
        exchange.fill_contract_order(order_id, amount)

    def cancel(self, exchange: LocalExchange, order_id: str) -> None:
        """Cancel an own order, if it is still open."""
        exchange.cancel_contract_order(order_id)

    def is_open(self, exchange: LocalExchange, order_id: str) -> bool:
        """Whether something of an own order can still be filled."""
        return any(order.id == order_id and not order.is_final for order in exchange.contract_orders())

    def may_go_on(self, order_id: str | None) -> bool:
        """Whether an order that ended now would not end unheard: a client that was away is told of open ones only."""
        return self.recording.is_settled(order_id)

    # -- after the show

    def checks(self, exchange: LocalExchange) -> list[Check]:
        """The client's view of contract and account, each beside the exchange's own."""
        client, market = self._client, self.market
        assert client is not None
        return [
            check_book(exchange.contract_book(market), client.order_book(market).snapshot()),
            self._trades(exchange),
            _orders(exchange, self.recording),
            _positions(exchange, client),
            _cash(exchange, client),
        ]

    def _trades(self, exchange: LocalExchange) -> Check:
        times = {trade.id: trade.time for trade in exchange.contract_trades(self.market)}
        return check_trades(
            self.recording.trade_ids(), list(times), lambda trade_id: self.recording.is_in_hole(times[trade_id])
        )


def _orders(exchange: LocalExchange, recorder: ContractRecorder) -> Check:
    known = {order_id: (states[-1].state, states[-1].filled) for order_id, states in recorder.orders().items()}
    orders = exchange.contract_orders()
    truth = {order.id: (OrderState(order.status), order.filled) for order in orders}
    ended = {order.id for order in orders if order.is_final}
    # What ended while nobody listened is not told; the client has said so.
    return check_orders(
        known, truth, "status and filled size", lambda order_id: order_id in ended and recorder.is_untold(order_id)
    )


def _positions(exchange: LocalExchange, client: ContractClient) -> Check:
    kept = client.positions()
    wrong = _different(_POSITION, kept, exchange.positions())
    if wrong or not kept.is_live:
        return Check(False, f"positions ({kept.state}) that differ from the exchange's: {', '.join(wrong) or 'none'}")
    return Check(True, f"{_count(len(kept), 'position')}: size, entry, PnL and margin as the exchange has them")


def _cash(exchange: LocalExchange, client: ContractClient) -> Check:
    kept = client.cash_state()
    wrong = _different(_CASH, kept, exchange.cash())
    if wrong or not kept.is_live:
        return Check(False, f"cash ({kept.state}) that differs from the exchange's: {', '.join(wrong) or 'none'}")
    return Check(True, f"cash in {_count(len(kept), 'currency')}: total, available and margin as the exchange has them")


def _different(
    fields: tuple[str, ...], kept: Mapping[str, Position] | Mapping[str, Cash], truth: Mapping[str, object]
) -> list[str]:
    """The names of what is not the same in one of the fields."""

    def values(value: object) -> list[object]:
        return [getattr(value, field, None) for field in fields]

    return sorted(name for name in kept.keys() | truth.keys() if values(kept.get(name)) != values(truth.get(name)))


def _count(number: int, word: str) -> str:
    plural = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{number} {word if number == 1 else plural}"

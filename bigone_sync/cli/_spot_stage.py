"""The demo on spot."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import TYPE_CHECKING

from ..clients.spot import SpotClient
from ..config import check_market
from ..enums import Side
from . import _settings as settings
from ._recorder import Recorder
from ._stage import CREDENTIALS, Stage, base_and_quote, spot_amount
from ._verdict import Check, EngineBook, check_book, check_orders, check_trades

if TYPE_CHECKING:
    from ..testing import LocalExchange

__all__ = ["SpotStage"]

_SIDES = {Side.BUY: "BID", Side.SELL: "ASK"}


class SpotStage(Stage):
    """A market of two assets: orders lock balances.

    Args:
        market: ``BASE-QUOTE``.

    Raises:
        ConfigurationError: the name is not allowed.
    """

    recording: Recorder

    def __init__(self, market: str) -> None:
        self._assets = base_and_quote(check_market(market))
        self.recording = Recorder(market)
        self._client: SpotClient | None = None

    def make_exchange(self, seed: int) -> LocalExchange:
        """An exchange with the market, not started."""
        from ..testing.exchange import LocalExchange

        return LocalExchange(
            seed=seed,
            credentials=(CREDENTIALS.api_key, CREDENTIALS.api_secret),
            markets=[self.market],
            rate=settings.RATE,
            balances=dict(zip(self._assets, settings.BALANCES, strict=True)),
        )

    def url(self, exchange: LocalExchange) -> str:
        """Where the client connects to."""
        return exchange.spot_url

    def make_client(self, url: str, protocol: str) -> SpotClient:
        """A client that tells the recording everything that the demo shows, not started.

        Raises:
            ImportError: what the protocol needs is missing, or too old.
        """
        self._client = SpotClient(
            CREDENTIALS,
            protocol=protocol,
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
        return exchange.book(self.market)

    def choose_amount(self, exchange: LocalExchange, rng: random.Random, side: Side) -> Decimal:
        """One and a bit of the base asset."""
        return spot_amount(rng)

    def part(self, amount: Decimal, percent: int) -> Decimal:
        """So much of an amount, as it can be filled."""
        return amount * percent / 100

    def place(self, exchange: LocalExchange, side: Side, price: Decimal, amount: Decimal) -> str:
        """Place an own order; returns its id."""
        return exchange.place_order(self.market, _SIDES[side], price=price, amount=amount)

    def fill(self, exchange: LocalExchange, order_id: str, amount: Decimal | None) -> None:
        """Let the crowd trade against an own order; None: all that is left of it.

        Raises:
            ValueError: it is not open, or not for so much.
        """
        exchange.fill_order(order_id, amount)

    def cancel(self, exchange: LocalExchange, order_id: str) -> None:
        """Cancel an own order, if it is still open."""
        exchange.cancel_order(order_id)

    def is_open(self, exchange: LocalExchange, order_id: str) -> bool:
        """Whether something of an own order can still be filled."""
        return any(order.id == order_id and order.state == "PENDING" for order in exchange.orders())

    # -- after the show

    def checks(self, exchange: LocalExchange) -> list[Check]:
        """The client's view of market and account, each beside the exchange's own."""
        assert self._client is not None
        recorder, market = self.recording, self.market
        return [
            check_book(exchange.book(market), self._client.order_book(market).snapshot()),
            check_trades(recorder.trade_ids(), [str(trade.id) for trade in exchange.trades(market)]),
            _orders(exchange, recorder),
            _balances(exchange, recorder),
        ]


def _orders(exchange: LocalExchange, recorder: Recorder) -> Check:
    known = {order_id: (states[-1].state.value, states[-1].filled) for order_id, states in recorder.orders().items()}
    truth = {order.id: (order.state, order.filled_amount) for order in exchange.orders()}
    return check_orders(known, truth, "state and filled amount")


def _balances(exchange: LocalExchange, recorder: Recorder) -> Check:
    known = {asset: (account.balance, account.locked_balance) for asset, account in recorder.balances().items()}
    truth = {asset: (balance.balance, balance.locked) for asset, balance in exchange.balances().items()}
    wrong = sorted(asset for asset in known.keys() | truth.keys() if known.get(asset) != truth.get(asset))
    if wrong:
        return Check(False, f"balances that differ from the exchange's: {', '.join(wrong)}")
    return Check(True, f"{len(known)} balances, total and locked, as the exchange has them")

"""What the tests of the Rails client's commands share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from client_rig import PATIENCE, Log, Watched
from rails_client_rig import BTC, rails

from bigone_sync import OrderState, RailsClient, RailsOrder
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

CREATE, MODIFY, CANCEL, LEVERAGE = "createOrder", "modifyOrder", "cancelOrder", "updateLeverage"
COMMANDS = (CREATE, MODIFY, CANCEL, LEVERAGE)


class Trader:
    """A client, what it tells of orders, and what goes wrong with it."""

    def __init__(self, client: RailsClient) -> None:
        self.client = client
        self.orders: Log[RailsOrder] = Log()
        self.watched = Watched(client)  # type: ignore[arg-type]
        client.on_order(self.orders)

    def told(self, order_id: str | None = None) -> list[tuple[str, int | None, OrderState]]:
        """What ``on_order`` was told, of one order or of all."""
        return [
            (order.result_type, order.status_code, order.status)
            for order in self.orders
            if order_id in (None, order.order_id)
        ]

    def until_told(self, *news: tuple[str, int, OrderState], order_id: str | None = None) -> None:
        """Wait until exactly this was told."""
        wait_until(
            lambda: self.told(order_id) == list(news),
            PATIENCE,
            message=f"told: {self.told(order_id)}, wanted: {list(news)}",
        )


@contextmanager
def trading(exchange: LocalExchange, **options: Any) -> Iterator[Trader]:
    """A trader whose client is ready; closed at the end, when nothing may have gone wrong in the background."""
    trader = Trader(rails(exchange, **options))
    with trader.client as client:
        client.wait_ready(PATIENCE)
        yield trader
    trader.watched.assert_quiet()


def best(exchange: LocalExchange, side: str, market: str = BTC) -> Decimal:
    """The best price that ``side`` could trade at now."""
    book = exchange.rails_book(market)
    return next(iter(book.asks if side == "buy" else book.bids))


def resting(exchange: LocalExchange, market: str = BTC) -> dict[str, Any]:
    """Arguments of an order to buy that rests in the book."""
    return {"side": "buy", "amount": "0.5", "price": next(iter(exchange.rails_book(market).bids)) - 1}


def sent(exchange: LocalExchange, *messages: str) -> int:
    """How many commands of a kind, or of any, arrived."""
    wanted = messages or COMMANDS
    return sum(request["message"] in wanted for _, request in exchange.rails_requests)


def until_sent(exchange: LocalExchange, count: int, *messages: str) -> None:
    """Wait until so many commands arrived."""
    wait_until(lambda: sent(exchange, *messages) >= count, PATIENCE, message=f"{count} x {messages} did not come")


def own(exchange: LocalExchange, order_id: str) -> Any:
    """The exchange's view of an order."""
    return next(order for order in exchange.rails_orders() if order.order_id == order_id)


def nothing_is_left(client: RailsClient) -> None:
    """No command is waited for."""
    assert client._group.commands._open == {}
    assert client._group.commands._decided == []

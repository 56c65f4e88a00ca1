"""Every way that an order on Rails may go, on a local exchange in this process: no account, no network."""

from __future__ import annotations

import sys

from bigone_sync import Credentials, OrderRejected, OutcomeUnknown, RailsClient, RailsOrder, RateLimited
from bigone_sync.testing import LocalExchange


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")  # at once: two threads have something to say


def follow(order: RailsOrder) -> None:
    """Everything about own orders comes here, whoever asked for it."""
    shown = f"{order.order_id[-4:]} {order.status}, {order.filled} filled"
    say(f"    {order.result_type or 'REST'} {order.status_code or 'tells'}: {shown}")


def refused(name: str, order_id: str) -> None:
    try:
        rails.cancel_order(order_id)
    except OrderRejected as error:
        say(f"{name}: {error.code} {error.reason}")


with (
    LocalExchange(rate=0, rails_order_limit=14) as exchange,
    RailsClient(market="BTC-USD", credentials=Credentials("key", "secret"), url=exchange.rails_url) as rails,
):
    rails.on_order(follow)
    book = rails.order_book()
    book.wait_live(timeout=10)
    bid, ask = book.best_bid.price, book.best_ask.price
    say("a limit order, taken at once and accepted a moment later")
    order = rails.create_order(side="buy", amount="0.5", price=bid - 1, wait="confirm")
    say("modified: the new one has another id")
    order = rails.modify_order(order.order_id, price=bid - 2, wait="confirm")
    exchange.rails_busy(order.order_id)
    refused("cancelled while it is being filled", order.order_id)
    say("cancelled " + rails.cancel_order(order.order_id, wait="confirm").order_id)
    say("post-only, at a price that would trade")
    rails.create_order(side="buy", amount="0.1", price=ask, post_only=True, wait="confirm")
    say("a market order")
    order = rails.create_order(side="buy", amount="0.1", price=ask, type="market", wait="confirm")
    refused("cancelled after it was filled", order.order_id)
    exchange.rails_lose_next("createOrder")
    while True:
        try:
            rails.wait_ready(timeout=10)
            rails.create_order(side="sell", amount="0.2", price=ask + 5)
        except OutcomeUnknown as error:
            say(f"sent, and the connection was lost; REST says {rails.resolve(error.client_request_id).status}")
        except OrderRejected as error:
            say(f"too many in a minute: {error.code} {error.reason}")
        except RateLimited as error:
            say(f"not even sent: there is room in {error.retry_in:.0f} s")
            break

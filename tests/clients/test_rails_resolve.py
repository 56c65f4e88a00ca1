"""What became of a command on Rails whose answer was lost: REST is asked."""

from __future__ import annotations

from decimal import Decimal

import pytest
from client_rig import PATIENCE, Doing, running, until_ready
from rails_client_rig import BTC, asked, rails
from rails_commands_rig import (
    CANCEL,
    CREATE,
    MODIFY,
    Trader,
    nothing_is_left,
    resting,
    sent,
    trading,
)

from bigone_sync import OrderState
from bigone_sync.errors import (
    ConnectionClosed,
    ConnectionLost,
    OutcomeUnknown,
    RateLimited,
    RestError,
)
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

pytestmark = pytest.mark.one_codec

SHORT = 0.2
STRANGER = "0835bf3e-4a20-41f0-908d-8213f2b7a285"


def test_a_lost_acknowledgement_and_what_resolve_finds(market: LocalExchange, trader: Trader) -> None:
    client = trader.client
    market.rails_lose_next(CREATE)
    with pytest.raises(OutcomeUnknown, match="was sent, and the connection ended before the answer") as caught:
        client.create_order(**resting(market))
    error = caught.value
    assert error.client_request_id == error.request_id == asked(market, CREATE)[0]["clientRequestId"]
    assert isinstance(error.__cause__, ConnectionLost)
    until_ready(client, 1)
    order = client.resolve(error.client_request_id)
    assert order is not None
    assert (order.status, order.result_type) == (OrderState.ACTIVE, "")
    assert order.order_id == market.rails_orders()[0].order_id
    # It is told for an hour after its end.
    client.cancel_order(order.order_id, wait="confirm")
    ended = client.resolve(error.client_request_id.upper())
    assert ended is not None
    assert (ended.order_id, ended.status) == (order.order_id, OrderState.CANCELLED)
    market.clock_offset = 3601
    assert client.resolve(error.client_request_id, timeout=SHORT) is None
    assert sent(market, CREATE) == 1
    nothing_is_left(client)


def test_resolve_of_a_filled_order(market: LocalExchange, trader: Trader) -> None:
    order = trader.client.create_order(**resting(market))
    market.rails_fill(order.order_id)
    found = trader.client.resolve(order.client_request_id or "")
    assert found is not None
    assert (found.status, found.filled) == (OrderState.FILLED, order.remaining)


def test_resolve_of_one_that_never_arrived_gives_none_and_counts_what_it_asked(market: LocalExchange) -> None:
    with trading(market, order_limit=4) as trader:
        assert trader.client.resolve(STRANGER, timeout=PATIENCE) is None
        assert len([call for call in market.rest_requests if call.path.endswith("/order")]) == 3
        trader.client.create_order(**resting(market))
        with pytest.raises(RateLimited):
            trader.client.resolve(STRANGER)


def test_resolve_waits_for_an_order_that_is_still_on_its_way(market: LocalExchange) -> None:
    with trading(market) as trader:
        resolving = Doing(lambda: trader.client.resolve(STRANGER, timeout=PATIENCE))
        wait_until(lambda: any(call.path.endswith("/order") for call in market.rest_requests), PATIENCE)
        terms = resting(market)
        order_id = market.rails_place(BTC, "buy", terms["amount"], terms["price"], client_request_id=STRANGER)
        assert resolving.end().order_id == order_id


def test_resolve_that_cannot_ask_says_so(market: LocalExchange) -> None:
    with trading(market) as trader:
        market.fail_rest("500", path="/order", times=None)
        with pytest.raises(RestError):
            trader.client.resolve(STRANGER, timeout=1)


def test_closing_while_resolve_waits_is_no_none(market: LocalExchange) -> None:
    client = rails(market)
    with running(client):
        resolving = Doing(lambda: client.resolve(STRANGER, timeout=PATIENCE))
        wait_until(lambda: any(call.path.endswith("/order") for call in market.rest_requests), PATIENCE)
    assert isinstance(resolving.end(), ConnectionClosed)
    with pytest.raises(ConnectionClosed):
        client.resolve(STRANGER)


def test_what_resolve_finds_of_a_cancellation(market: LocalExchange, trader: Trader) -> None:
    order = trader.client.create_order(**resting(market), wait="confirm")
    market.rails_lose_next(CANCEL)
    with pytest.raises(OutcomeUnknown) as caught:
        trader.client.cancel_order(order.order_id)
    found = trader.client.resolve(caught.value.client_request_id)
    assert found is not None
    assert (found.order_id, found.status) == (order.order_id, OrderState.CANCELLED)


def test_what_resolve_finds_of_a_modification(market: LocalExchange, trader: Trader) -> None:
    order = trader.client.create_order(**resting(market), wait="confirm")
    market.rails_lose_next(MODIFY)
    with pytest.raises(OutcomeUnknown) as caught:
        trader.client.modify_order(order.order_id, amount="0.3")
    found = trader.client.resolve(caught.value.client_request_id)
    assert found is not None
    assert found.order_id != order.order_id
    assert found.remaining == Decimal("0.3")

"""The whole client over TLS, with records cut to pieces on the way."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from certificate_maker import Certificates, make_certificates
from client_rig import BACKOFF, BTC, CALM, KEYS

from bigone_sync import ConnectError, Order, SpotClient
from bigone_sync.testing import FaultProxy, LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until


@pytest.fixture
def tls(tmp_path: Path) -> Certificates:
    return make_certificates(tmp_path)


def test_books_and_orders_come_through_sliced_records(tls: Certificates, protocol: str) -> None:
    with (
        leak_check(),
        LocalExchange(rate=300, ssl_context=tls.server) as exchange,
        FaultProxy(exchange.spot_url) as proxy,
        SpotClient(
            KEYS, protocol=protocol, url=proxy.url, ssl_context=tls.client, timeouts=CALM, backoff=BACKOFF
        ) as client,
    ):
        assert proxy.url.startswith("wss://")
        proxy.slice(97, direction="both")
        orders: list[Order] = []
        client.on_order(BTC, orders.append)
        book = client.order_book(BTC)
        client.wait_ready(10)
        order_id = exchange.place_order(BTC, "BID", price="1", amount="1")
        wait_until(lambda: any(order.id == order_id for order in orders))
        wait_until(lambda: client.stats().channels["depth"].events > 200)
        proxy.reset()
        wait_until(lambda: client.stats().reconnects == 2)
        client.wait_ready(10)
        exchange.pause()
        engine = exchange.book(BTC)
        wait_until(lambda: book.change_id == engine.change_id)
        view = book.snapshot()
        assert {level.price: level.amount for level in view.bids} == dict(engine.bids)
        assert {level.price: level.amount for level in view.asks} == dict(engine.asks)


@pytest.mark.parametrize("context", [None, ssl.create_default_context()], ids=["default", "system"])
@pytest.mark.one_codec
def test_an_unknown_authority_is_final(tls: Certificates, context: ssl.SSLContext | None) -> None:
    with leak_check(), LocalExchange(ssl_context=tls.server) as exchange:
        client = SpotClient(url=exchange.spot_url, ssl_context=context, timeouts=CALM)
        errors: list[object] = []
        client.on_error(errors.append)
        client.order_book(BTC)
        with client:
            with pytest.raises(ConnectError) as caught:
                client.wait_ready(10)
            assert caught.value.kind == "certificate"
            wait_until(lambda: errors == [caught.value])
        assert exchange.handshakes == 0

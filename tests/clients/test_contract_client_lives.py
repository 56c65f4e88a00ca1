"""Handshakes, refusals, reconnects and many sockets of the contract client."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from client_rig import BACKOFF, PATIENCE, QUICK, Log, Watched, running
from contract_rig import BTCUSD, BTCUSDT, contract, until_follows, until_open

from bigone_sync import (
    AuthenticationError,
    BigOneError,
    Channel,
    ConfigurationError,
    ConnectError,
    ConnectionState,
    ContractClient,
    Credentials,
    Limits,
    SubscriptionState,
)
from bigone_sync.testing import FaultProxy
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

pytestmark = [pytest.mark.one_codec, pytest.mark.usefixtures("nothing_left")]


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with LocalExchange(seed=3, rate=20) as exchange:
        yield exchange


def test_an_unknown_contract_ends_its_channel_alone(exchange: LocalExchange) -> None:
    client = contract(exchange)
    watched = Watched(client)  # type: ignore[arg-type]
    refused = client.on_trade("NOPEUSD", Log())
    book = client.order_book(BTCUSD)
    with client:
        with pytest.raises(ConnectError) as caught:
            client.wait_ready(PATIENCE)
        error = caught.value
        assert error.status_code == 400
        assert error.url.endswith("/ws/contract/v2/trades@NOPEUSD")
        assert "trades@NOPEUSD" in str(error)
        assert "unknown or disabled contract" in str(error)
        watched.errors.wait(1)
        assert [type(each) for each in watched.errors] == [ConnectError]
        assert refused.state == SubscriptionState.REJECTED
        until_follows_live(book, exchange)
        wait_until(lambda: client.state == ConnectionState.READY, PATIENCE)
        refused.close()
        client.wait_ready(PATIENCE)
        assert set(client.connections) == {f"depth@{BTCUSD}"}
        again = client.on_trade("NOPEUSD", Log())
        wait_until(lambda: again.state == SubscriptionState.REJECTED, PATIENCE)
        assert not client.wait(0.01)


def until_follows_live(book: Any, exchange: LocalExchange) -> None:
    exchange.pause()
    until_follows(book, exchange)
    exchange.resume()


@pytest.mark.parametrize(
    ("status", "cause"), [(204, "needs a symbol"), (404, "base URL"), (403, "refused to this address")]
)
def test_other_answers_about_the_request_end_the_channel_too(exchange: LocalExchange, status: int, cause: str) -> None:
    exchange.refuse_contract_handshakes(status, channel="trades")
    client = contract(exchange)
    refused = client.on_trade(BTCUSD, Log())
    book = client.order_book(BTCUSD)
    with client:
        with pytest.raises(ConnectError, match=cause) as caught:
            client.wait_ready(PATIENCE)
        assert caught.value.status_code == status
        assert refused.state == SubscriptionState.REJECTED
        until_follows_live(book, exchange)


def test_a_server_fault_is_tried_again(exchange: LocalExchange) -> None:
    exchange.refuse_contract_handshakes(500, n=3)
    client = contract(exchange)
    watched = Watched(client)  # type: ignore[arg-type]
    client.on_trade(BTCUSD, Log())
    with running(client):  # type: ignore[type-var]
        assert len(watched.errors) == 3
        assert {error.status_code for error in watched.errors} == {500}


def bearer(headers: dict[str, str]) -> str | None:
    return next((value for name, value in headers.items() if name.lower() == "authorization"), None)


def test_wrong_credentials_are_final_after_a_fresh_token(exchange: LocalExchange) -> None:
    client = ContractClient(Credentials("key", "wrong"), url=exchange.contract_url, backoff=BACKOFF)
    watched = Watched(client)  # type: ignore[arg-type]
    client.on_order(Log())
    with client:
        with pytest.raises(AuthenticationError, match="refuses the credentials") as caught:
            client.wait_ready(PATIENCE)
        with pytest.raises(AuthenticationError):
            client.wait(PATIENCE)
    assert caught.value.code == 401
    assert exchange.handshakes == 2
    assert [type(error) for error in watched.errors] == [AuthenticationError]


def test_a_token_that_was_refused_once_is_made_anew(exchange: LocalExchange) -> None:
    exchange.refuse_contract_handshakes(401, n=1, channel="stream")
    client = contract(exchange, private=True)
    client.on_order(Log())
    with running(client):  # type: ignore[type-var]
        assert exchange.handshakes == 2
        exchange.refuse_contract_handshakes(403, n=1, channel="stream")
        exchange.drop_connections()
        wait_until(lambda: client.stats().reconnects == 1, PATIENCE)
        client.wait_ready(PATIENCE)


@pytest.mark.parametrize("variant", ["OpenAPIV2", "guide"])
def test_the_claims_of_the_token_can_be_chosen(exchange: LocalExchange, variant: str) -> None:
    client = contract(exchange, private=True, token_variant=variant)
    client.on_cash(Log())
    with running(client):  # type: ignore[type-var]
        until_open(exchange, "stream")


def test_no_token_shows_anywhere(exchange: LocalExchange, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    exchange.refuse_contract_handshakes(401, n=1)
    client = contract(exchange, private=True)
    watched = Watched(client)  # type: ignore[arg-type]
    raw: Log[Any] = Log()
    client.on_raw(raw)
    client.on_order(Log())
    with running(client):  # type: ignore[type-var]
        raw.wait(1)
        exchange.drop_connections()
        wait_until(lambda: client.stats().reconnects == 1, PATIENCE)
    told = [repr(event) for log in (raw, watched.errors, watched.states) for event in log]
    shown = "\n".join([caplog.text, repr(client), *told])
    for secret in ("secret", "Bearer", "eyJ"):
        assert secret not in shown


def test_five_connections_are_the_documented_most(exchange: LocalExchange) -> None:
    client = contract(exchange)
    for symbol in ("A1USD", "A2USD", "A3USD", "A4USD", "A5USD"):
        client.on_depth(symbol, Log())
    with pytest.raises(ConfigurationError, match=r"Limits\(max_connections=5\)") as caught:
        client.on_trade("A1USD", Log())
    assert caught.value.argument == "max_connections"
    assert "5 per user are documented" in str(caught.value)
    client.on_book("A1USD", Log())  # shares the socket of its depth
    client.close()


def test_reset_sockets_come_back_with_everything(exchange: LocalExchange) -> None:
    with FaultProxy(exchange.contract_url) as proxy:
        client = contract(exchange, url=proxy.url, private=True, limits=Limits(max_connections=10))
        watched = Watched(client)  # type: ignore[arg-type]
        trades: Log[Any] = Log()
        fills: Log[Any] = Log()
        books = [client.order_book(symbol) for symbol in (BTCUSD, BTCUSDT)]
        client.on_trade(BTCUSD, trades)
        client.on_fill(fills)
        client.on_position(Log())
        with running(client):  # type: ignore[type-var]
            for times in range(1, 4):
                proxy.reset()
                wait_until(lambda times=times: client.stats().reconnects >= 4 * times, PATIENCE)  # type: ignore[misc]
                client.wait_ready(PATIENCE)
            exchange.pause()
            for book in books:
                until_follows(book, exchange)
            last = str(exchange.contract_trades(BTCUSD)[-1].id)
            wait_until(lambda: bool(trades) and trades[-1].id == last, PATIENCE)
        ids = [trade.id for trade in trades]
        assert len(ids) == len(set(ids))
        # Own fills that came meanwhile are not told by the new socket, but by REST.
        assert Channel.FILLS not in {gap.channel for gap in watched.gaps}


def test_a_blackholed_socket_is_replaced(exchange: LocalExchange) -> None:
    with FaultProxy(exchange.contract_url) as proxy:
        client = contract(exchange, url=proxy.url, timeouts=QUICK)
        watched = Watched(client)  # type: ignore[arg-type]
        book = client.order_book(BTCUSD)
        with running(client):  # type: ignore[type-var]
            proxy.blackhole()
            error: BigOneError = watched.errors.wait(1)[0]
            assert getattr(error, "cause", "") == "silent"
            assert not book.is_live
            proxy.heal()
            client.wait_ready(PATIENCE)
            until_follows_live(book, exchange)


def test_positions_are_stale_while_the_stream_is_away(exchange: LocalExchange) -> None:
    client = contract(exchange, private=True)
    with running(client):  # type: ignore[type-var]
        client.positions()
        wait_until(lambda: client.positions().is_live, PATIENCE)
        exchange.pause()
        best = next(iter(exchange.contract_book(BTCUSDT).asks))
        exchange.place_contract_order(BTCUSDT, "BUY", 1, price=best)
        wait_until(lambda: client.position(BTCUSDT).size == 1, PATIENCE)  # type: ignore[union-attr]
        exchange.take_down()
        wait_until(lambda: not client.positions().is_live, PATIENCE)
        assert client.position(BTCUSDT).size == 1  # type: ignore[union-attr]  # the newest that is known
        exchange.place_contract_order(BTCUSDT, "BUY", 2, price=best)
        exchange.bring_up()
        wait_until(lambda: client.positions().is_live, PATIENCE)
        truth = exchange.positions()[BTCUSDT]
        assert client.position(BTCUSDT).size == truth.size  # type: ignore[union-attr]
        balances = exchange.cash()["USDT"].balances
        wait_until(lambda: client.cash("USDT").balances == balances, PATIENCE)  # type: ignore[union-attr]
    assert not client.positions().is_live


def test_many_books_in_one_process() -> None:
    symbols = [f"C{number:02}USDT" for number in range(30)]
    with LocalExchange(seed=3, rate=10, contracts=symbols) as exchange:
        client = contract(exchange, limits=Limits(max_connections=100, dial_interval=0.005))
        books = [client.order_book(symbol) for symbol in symbols]
        with running(client):  # type: ignore[type-var]
            exchange.pause()
            for book in books:
                until_follows(book, exchange)


def test_closing_many_sockets_whose_peer_is_gone_leaves_none_behind(caplog: pytest.LogCaptureFixture) -> None:
    symbols = [f"C{number:02}USDT" for number in range(30)]
    with LocalExchange(seed=3, rate=0, contracts=symbols) as exchange, FaultProxy(exchange.contract_url) as proxy:
        client = contract(exchange, url=proxy.url, limits=Limits(max_connections=100, dial_interval=0.005))
        for symbol in symbols:
            client.order_book(symbol)
        with running(client):  # type: ignore[type-var]
            proxy.blackhole()
    assert "left behind" not in caplog.text
    assert client.state == ConnectionState.CLOSED

"""Contract sockets through starts, stops, restarts and TLS; what is recorded of them; nothing left behind."""

from __future__ import annotations

import threading

import pytest
import websocket
from contract_peer import ContractPeer, ContractReplica, stream
from spot_peer import Peer, token

from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until


def test_closing_leaves_no_thread_and_no_socket() -> None:
    with leak_check():
        exchange = LocalExchange(rate=300)
        with exchange, ContractPeer(exchange, "depth@BTCUSD") as peer, stream(exchange) as private:
            peer.receive()
            private.receive()
            exchange.close()
            assert exchange.connection_count == 0
            opcode, data = peer.control()
            while opcode != 8:
                opcode, data = peer.control()
            assert data == (1001).to_bytes(2, "big")


def test_the_base_of_the_urls() -> None:
    with LocalExchange(rate=0) as exchange:
        assert exchange.contract_url == f"ws://127.0.0.1:{exchange.port}/ws/contract/v2"
    with LocalExchange(rate=0, host="::1") as exchange, ContractPeer(exchange, "depth@BTCUSD") as peer:
        assert exchange.contract_url.startswith("ws://[::1]:")
        assert peer.receive()["from"] == 0


def test_a_restart_ends_sockets_and_keeps_the_books() -> None:
    with LocalExchange(rate=0) as exchange:
        with ContractPeer(exchange, "depth@BTCUSD") as peer:
            peer.receive()
            exchange.step(5)
            peer.everything()
            book = exchange.contract_book("BTCUSD")
            exchange.restart()
            assert peer.control() == (8, (1001).to_bytes(2, "big"))
        assert exchange.contract_book("BTCUSD") == book
        with ContractPeer(exchange, "depth@BTCUSD") as peer:
            replica = ContractReplica("BTCUSD")
            replica.take(peer.everything())
            replica.assert_equals(exchange)


def test_taking_down_refuses_contract_sockets_as_well() -> None:
    with LocalExchange(rate=0) as exchange:
        exchange.take_down()
        with pytest.raises(ConnectionRefusedError):
            ContractPeer(exchange, "depth@BTCUSD")
        exchange.bring_up()
        with ContractPeer(exchange, "depth@BTCUSD") as peer:
            assert peer.receive()


def test_both_halves_are_counted_and_no_login_is_kept() -> None:
    secret = token()
    with LocalExchange(rate=0) as exchange:
        with stream(exchange, secret), ContractPeer(exchange, "trades@BTCUSD"), Peer(exchange):
            assert exchange.connection_count == 3
            assert exchange.handshakes == 3
            assert exchange.contract_connections() == ["stream", "trades@BTCUSD"]
        wait_until(lambda: exchange.connection_count == 0)
        headers = exchange.handshake_headers
        assert [header.get("Authorization") for header in headers] == ["***", None, None]
        assert secret.removeprefix("Bearer ") not in str(headers)
        assert "Sec-WebSocket-Key" in headers[0] or "Sec-Websocket-Key" in headers[0]


def test_observations_and_commands_work_at_rest() -> None:
    exchange = LocalExchange(rate=0)
    order_id = exchange.place_contract_order("BTCUSD", "BUY", 5, type="MARKET")
    with exchange, stream(exchange) as peer:
        assert peer.receive()["positions"][0]["size"] == 5
    assert exchange.contract_orders()[0].id == order_id
    assert exchange.positions()["BTCUSD"].size == 5
    assert exchange.contract_fills()[0].time.tzinfo is not None
    assert exchange.contract_orders()[0].time == exchange.contract_fills()[0].time
    assert exchange.contract_trades("BTCUSD")[-1].time.tzinfo is not None
    assert exchange.instruments()["BTCUSD"].next_funding_time.minute == 0


def test_methods_may_be_called_from_many_threads_while_it_runs() -> None:
    errors: list[BaseException] = []
    with leak_check(), LocalExchange(rate=500) as exchange, stream(exchange) as private:

        def work(side: str) -> None:
            try:
                for _ in range(20):
                    exchange.place_contract_order("BTCUSDT", side, 3, type="MARKET")
                    book = exchange.contract_book("BTCUSDT")
                    assert max(book.bids, default=0) < min(book.asks, default=10**9)
                    exchange.instruments()
                    exchange.step(2, market="BTCUSDT")
            except BaseException as error:  # noqa: BLE001 - shown in the test's own thread
                errors.append(error)

        threads = [threading.Thread(target=work, args=(side,)) for side in ("BUY", "SELL", "BUY")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert errors == []
        exchange.pause()
        position = exchange.positions()["BTCUSDT"]
        told = [
            row["size"]
            for frame in private.everything()
            for row in frame.get("positions", [])
            if row["symbol"] == "BTCUSDT"
        ]
        assert told[-1] == position.size
        assert {order.status for order in exchange.contract_orders()} <= {"FILLED", "PARTIALLY_CANCELED", "CANCELED"}


def test_a_client_that_leaves_is_forgotten() -> None:
    with LocalExchange(rate=0) as exchange:
        for leave in (websocket.WebSocket.close, websocket.WebSocket.shutdown):
            peer = ContractPeer(exchange, "depth@BTCUSD")
            assert exchange.contract_connections() == ["depth@BTCUSD"]
            leave(peer.ws)
            wait_until(lambda: not exchange.contract_connections())
            exchange.step(3)

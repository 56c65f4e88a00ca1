"""Starting, stopping, restarting, TLS, and leaving nothing behind."""

from __future__ import annotations

import datetime
import ipaddress
import logging
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
import websocket
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from rest_peer import Rest
from spot_peer import ENCODINGS, Peer, Replica, token

from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

BTC = {"market": "BTC-USDT"}
DEPTH = "subscribeMarketDepthRequest"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_closing_leaves_no_thread_and_no_socket(encoding: str) -> None:
    with leak_check():
        exchange = LocalExchange(rate=200)
        with exchange, Peer(exchange, encoding) as peer, Peer(exchange, encoding) as other:
            peer.login()
            for member, params in ((DEPTH, BTC), ("subscribeViewerAccountsRequest", {})):
                peer.ask(member, params)
            other.send("heartbeatRequest", {"interval": 1})
            other.ask("ping")
            exchange.close()
            assert exchange.connection_count == 0
            opcode, data = peer.control()
            while opcode != 8:
                opcode, data = peer.control()
            assert data == (1001).to_bytes(2, "big")


def test_a_handshake_that_never_ends_does_not_keep_it_open() -> None:
    with leak_check(), LocalExchange() as exchange, socket.create_connection(("127.0.0.1", exchange.port)) as half:
        half.sendall(b"GET /ws/v2 HTTP/1.1\r\n")
        with Peer(exchange) as peer:
            peer.ask("ping")
        exchange.close()
        assert half.recv(100) == b""


def test_starting_and_closing_twice_is_harmless_and_the_port_stays() -> None:
    exchange = LocalExchange()
    assert exchange.port == 0
    with exchange:
        port, thread_count = exchange.port, threading.active_count()
        assert exchange.start() is exchange
        assert threading.active_count() == thread_count
    exchange.close()
    assert "stopped" in repr(exchange)
    with exchange, Peer(exchange) as peer:
        assert exchange.port == port
        assert peer.ask(DEPTH, BTC)[0] == "depthSnapshot"


def test_observations_work_at_rest() -> None:
    exchange = LocalExchange(rate=100)
    assert len(exchange.trades("BTC-USDT")) == 30
    with exchange:
        wait_until(lambda: len(exchange.trades("BTC-USDT")) > 30)
    book = exchange.book("BTC-USDT")
    assert book == exchange.book("BTC-USDT")
    exchange.step(3)
    assert book != exchange.book("BTC-USDT")
    with pytest.raises(RuntimeError, match="not started"):
        exchange.restart()


def test_pausing_stops_the_flow_and_resuming_lets_it_go_on() -> None:
    with LocalExchange(rate=500) as exchange, Peer(exchange) as peer:
        replica = Replica()
        peer.send(DEPTH, BTC)
        replica.take(peer.receive())
        exchange.pause()
        paused_at = exchange.book("BTC-USDT").change_id
        for frame in peer.everything():
            replica.take(frame)
        assert replica.change_id == paused_at
        assert peer.everything() == []
        assert exchange.book("BTC-USDT").change_id == paused_at
        exchange.resume()
        replica.take(peer.receive())
        assert replica.change_id > paused_at


def test_both_markets_move_at_the_rate_asked_for() -> None:
    with LocalExchange(rate=1_000, markets=("BTC-USDT", "AAA-BBB")) as exchange:
        before = {name: exchange.book(name).change_id for name in ("BTC-USDT", "AAA-BBB")}
        wait_until(lambda: all(exchange.book(name).change_id > before[name] + 100 for name in before))
        assert set(exchange.balances()) == {"BTC", "USDT", "AAA", "BBB"}


def test_a_restart_ends_connections_and_keeps_port_and_markets() -> None:
    with LocalExchange(rate=0) as exchange:
        with Peer(exchange) as peer:
            peer.ask(DEPTH, BTC)
            book, port = exchange.book("BTC-USDT"), exchange.port
            exchange.restart()
            assert peer.control() == (8, (1001).to_bytes(2, "big"))
        assert exchange.port == port
        assert exchange.connection_count == 0
        assert exchange.subscriptions() == []
        with Peer(exchange) as peer:
            replica = Replica()
            peer.send(DEPTH, BTC)
            replica.take(peer.receive())
            replica.assert_equals(exchange)
            assert exchange.book("BTC-USDT") == book


def test_while_it_is_down_connecting_is_refused_and_the_port_stays_bound() -> None:
    with leak_check(), LocalExchange() as exchange:
        exchange.take_down()
        exchange.take_down()
        with pytest.raises(ConnectionRefusedError):
            Peer(exchange)
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", exchange.port))
        exchange.bring_up()
        exchange.bring_up()
        with Peer(exchange) as peer:
            peer.ask("ping")
        exchange.take_down()


@pytest.mark.parametrize("end", [LocalExchange.close, LocalExchange.take_down])
def test_a_connection_that_is_made_just_when_it_ends_is_ended(end: Callable[[LocalExchange], None]) -> None:
    def dial() -> None:
        while not is_over.is_set():
            try:
                made.append(socket.create_connection(("127.0.0.1", exchange.port)))
            except OSError:
                pass  # refused, or ended while it was made

    for _ in range(3):
        made: list[socket.socket] = []
        is_over = threading.Event()
        with leak_check(), LocalExchange() as exchange:
            diallers = [threading.Thread(target=dial) for _ in range(2)]
            for thread in diallers:
                thread.start()
            wait_until(lambda: len(made) > 5)  # noqa: B023 - called at once
            end(exchange)
            is_over.set()
            for thread in diallers:
                thread.join()
            for connection in made:
                with connection:
                    connection.settimeout(20)
                    try:
                        assert connection.recv(1) == b""
                    except ConnectionResetError:
                        pass  # it was not accepted any more


def test_it_accepts_again_when_descriptors_are_free_again() -> None:
    code = """
import os, resource, socket
from bigone_sync.testing import LocalExchange

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
with LocalExchange() as exchange:
    client = socket.socket()
    taken = []
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        pass
    client.connect(("127.0.0.1", exchange.port))
    client.sendall(b"GET /nowhere HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    client.settimeout(0.1)
    try:
        print(client.recv(100))
    except TimeoutError:
        pass
    for one in taken:
        os.close(one)
    client.settimeout(20)
    print(client.recv(12).decode())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "HTTP/1.1 404\n"
    assert done.stderr.count("cannot accept a connection, and tries again in 1 s: ") == 1


def test_many_restarts() -> None:
    with leak_check(), LocalExchange(rate=500) as exchange:
        for _ in range(20):
            with Peer(exchange) as peer:
                peer.ask(DEPTH, BTC)
                exchange.restart()


def test_a_taken_port_is_an_os_error_and_leaves_nothing() -> None:
    with leak_check(), socket.create_server(("127.0.0.1", 0)) as taken:
        exchange = LocalExchange(port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            exchange.start()
        assert "stopped" in repr(exchange)


def test_a_failure_while_starting_is_raised_and_leaves_nothing() -> None:
    with leak_check():
        exchange = LocalExchange(ssl_context=True)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="ssl_context must be"):
            exchange.start()
        assert "stopped" in repr(exchange)
        exchange.close()


def test_ipv6_if_there_is_any() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 loopback")
    with LocalExchange(host="::1") as exchange, Peer(exchange) as peer:
        assert exchange.spot_url == f"ws://[::1]:{exchange.port}/ws/v2"
        with Rest(exchange) as rest:
            assert rest.call("GET", "/ping").json()["code"] == 0
        assert peer.ask("ping") == ("pong", {})


def test_commands_from_many_threads() -> None:
    with LocalExchange(rate=200) as exchange:

        def work() -> None:
            for _ in range(50):
                exchange.cancel_order(exchange.place_order("BTC-USDT", "BID", "1.00", "0.1"))
                exchange.step(1)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [o.state for o in exchange.orders()] == ["CANCELLED"] * 300
        assert exchange.balances()["USDT"].locked == 0


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with LocalExchange() as exchange:
        with Peer(exchange) as peer:
            peer.login()
        with pytest.raises(websocket.WebSocketBadStatusException):
            Peer(exchange, subprotocols=[])
    assert capfd.readouterr() == ("", "")
    assert [r for r in caplog.records if r.name != "asyncio"] == []


# -- TLS ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and a certificate for 127.0.0.1 that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_over_tls(certificate: Path, encoding: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    trust = {"cafile": str(certificate)}
    with leak_check(), LocalExchange(ssl_context=context, rate=200) as exchange:
        assert exchange.spot_url.startswith("wss://")
        ssl_options = {"ca_certs": trust["cafile"], "check_hostname": False}
        with Peer(exchange, encoding, sslopt=ssl_options) as peer:
            replica = Replica()
            peer.send(DEPTH, BTC)
            while replica.updates < 20:
                replica.take(peer.receive())
            exchange.pause()
            for frame in peer.everything():
                replica.take(frame)
            replica.assert_equals(exchange)
            exchange.restart()
            assert peer.control() == (8, (1001).to_bytes(2, "big"))
        with Peer(exchange, encoding, sslopt=ssl_options) as peer:
            assert peer.ask("ping") == ("pong", {})


# -- importing ----------------------------------------------------------------------------------------------------


def in_fresh_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_without_aiohttp_only_the_exchange_is_missing() -> None:
    out = in_fresh_python(
        "import sys; sys.modules['aiohttp'] = None\n"
        "import bigone_sync.testing as t\n"
        "from bigone_sync.testing import FaultProxy, wait_until, leak_check\n"
        "try:\n    t.LocalExchange\n"
        "except ImportError as error:\n    print(error)\n"
    )
    assert out.strip() == "LocalExchange needs aiohttp: pip install bigone_sync[sim]"


def test_importing_the_package_loads_neither_aiohttp_nor_the_exchange() -> None:
    out = in_fresh_python(
        "import sys, bigone_sync.testing as t\n"
        "print('aiohttp' in sys.modules, set(t.__all__) <= set(dir(t)))\n"
        "try:\n    t.Nonsense\n"
        "except AttributeError as error:\n    print(error)\n"
        "print(t.LocalExchange.__name__)\n"
    )
    assert out.splitlines() == [
        "False True",
        "module 'bigone_sync.testing' has no attribute 'Nonsense'",
        "LocalExchange",
    ]


def test_clients_that_leave_in_the_middle_of_the_handshake_are_no_news(caplog: pytest.LogCaptureFixture) -> None:
    request = (
        b"GET /ws/v2 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: json\r\n\r\n"
    )
    with LocalExchange(rate=0) as exchange:
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", exchange.port)) as gone:
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                gone.sendall(request)
        with Peer(exchange) as peer:  # whoever comes after them is served
            assert peer.ask(DEPTH, BTC)[0] == "depthSnapshot"
        wait_until(lambda: exchange.connection_count == 0)
    assert not [record for record in caplog.records if record.name.startswith("aiohttp")]


def test_a_tls_handshake_that_never_ends_or_fails_does_not_keep_it_open(
    certificate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with (
        leak_check(),
        LocalExchange(ssl_context=context) as exchange,
        socket.create_connection(("127.0.0.1", exchange.port)) as half,
    ):
        with socket.create_connection(("127.0.0.1", exchange.port)) as wrong:
            wrong.sendall(b"GET / HTTP/1.1\r\n\r\n")
            while wrong.recv(100):
                pass  # an alert, maybe
        exchange.close()
        assert half.recv(100) == b""
    assert not caplog.records


def test_rest_over_tls(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with leak_check(), LocalExchange(rate=0, ssl_context=context) as exchange, Rest(exchange) as rest:
        assert exchange.rest_url().startswith("https://127.0.0.1:")
        session = rest.session
        session.verify = str(certificate)
        ping = f"{exchange.rest_url()}/ping"
        assert session.get(ping, timeout=10).json()["code"] == 0
        for kind in ("cut_body", "drop"):
            exchange.fail_rest(kind)
            with pytest.raises(requests.RequestException):
                session.get(ping, timeout=10)
        exchange.fail_rest("hang")
        placing = f"{exchange.rest_url('contract')}/orders"
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "size": 1}
        with pytest.raises(requests.Timeout):
            session.post(placing, json=order, headers={"Authorization": token()}, timeout=0.2)
        exchange.heal_rest()
        assert session.get(ping, timeout=10).json()["code"] == 0
        assert exchange.contract_orders() == []
        exchange.fail_rest("hang")
        with pytest.raises(requests.Timeout):
            session.get(ping, timeout=0.2)
        exchange.close()

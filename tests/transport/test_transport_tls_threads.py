"""A TLS connection whose records come in slices while two threads send: the way in which TLS sockets die of threads.

BIGONE_SYNC_TLS_SECONDS makes it run for so many seconds instead of a fixed number of sends; only a run of ten or more
proves much on Python 3.10 to 3.12.
"""

from __future__ import annotations

import os
import random
import threading
import time

from certificate_maker import Certificates
from channel_rig import Task
from raw_server import TEXT, Peer, RawServer
from transport_rig import Link

from bigone_sync.testing.leaks import wait_until
from bigone_sync.testing.proxy import FaultProxy

SECONDS = float(os.environ.get("BIGONE_SYNC_TLS_SECONDS", "0"))
SENDS = 2000  # of each thread
PAYLOAD = b"order " * 30


def test_slices_and_sends_do_not_break_tls(tls_server: RawServer, certificates: Certificates) -> None:
    done = threading.Event()
    chance = random.Random(18)
    with (
        FaultProxy(tls_server.url) as proxy,
        Link(proxy.url, ssl_context=certificates.client, ping=0.05, pong=60.0, keeper=True) as link,
    ):
        proxy.slice(400, direction="down")
        peer = tls_server.open()
        peer.sock.settimeout(None)  # with a timeout, the server's own socket would be broken by its two threads
        link.ready()
        received: list[int] = [0]
        talker, listener = Task(lambda: talk(peer, done)), Task(lambda: listen(peer, received))
        end = time.monotonic() + SECONDS
        senders = [Task(lambda: send(link, end)) for _ in range(2)]
        while not all(sender.gone(0.02) for sender in senders):
            proxy.slice(chance.randint(1, 400), direction="down")
        count = sum(sender.result() for sender in senders)
        assert count >= 2 * SENDS
        proxy.heal()
        wait_until(lambda: received[0] == count, 30, message="not all frames arrived")
        assert link.owner.losses == []
        assert link.connection.reconnects == 0
        assert len(link.owner.frames) > 100
        assert set(link.owner.frames) == {b"x" * 900}
        print(f"\n{count} sends, {len(link.owner.frames)} frames received")  # noqa: T201
        done.set()
        talker.join()
    listener.join()


def send(link: Link, end: float) -> int:
    count = 0
    while count < SENDS or time.monotonic() < end:
        link.connection.send(PAYLOAD)
        count += 1
    return count


def talk(peer: Peer, done: threading.Event) -> None:
    while not done.is_set():
        peer.text(b"x" * 900)


def listen(peer: Peer, received: list[int]) -> None:
    try:
        while True:
            if peer.next_frame() == (TEXT, PAYLOAD):
                received[0] += 1
    except (AssertionError, OSError):
        pass

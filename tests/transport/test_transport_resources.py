"""Nothing is used up: two hundred reconnects, no descriptors to be had, the garbage collector off."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest
from certificate_maker import Certificates
from raw_server import RawServer, close_frame
from transport_rig import Link

from bigone_sync.testing.leaks import census, wait_until


def play_endings(server: RawServer, link: Link, rounds: int) -> None:
    """Open a connection and end it in another way, again and again."""
    for number in range(rounds):
        peer = server.accept()
        if number % 5 == 0:
            peer.reset()
        else:
            peer.shake()
            if number % 5 == 1:
                peer.send(close_frame(1001, b"restart"))
            elif number % 5 == 2:
                peer.send(b"\xff\xff")
            elif number % 5 == 3:
                peer.send(b"\x81\x7e\xff\xffhalf a frame")
            if number % 5 != 1:
                peer.close()
        link.loss(number + 1)
        peer.close()
        server.forget(peer)
        link.owner.changes.clear()


@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.parametrize("collector", [True, False])
def test_reconnects_leave_nothing_behind(scheme: str, collector: bool, certificates: Certificates) -> None:
    with RawServer(certificates.server if scheme == "wss" else None) as server:
        link = Link(server.url, initial=1e-4, cap=1e-4, ssl_context=certificates.client)
        with link:
            play_endings(server, link, 10)
            before = census()
            if not collector:
                gc.disable()
            try:
                play_endings(server, link, 100)
            finally:
                gc.enable()
            assert before.descriptors is not None
            wait_until(lambda: len(census().descriptors or ()) <= len(before.descriptors or ()) + 1)
            assert len(census().threads) == len(before.threads)


OUT_OF_DESCRIPTORS = """
import resource, socket, sys
sys.path[:0] = sys.argv[1:]
from raw_server import RawServer
from transport_rig import Link
from bigone_sync.enums import ConnectionState
server = RawServer()
link = Link(server.url).start()
first = server.open()
link.ready()
hoard = []
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
try:
    while True:
        hoard.append(socket.socket())
except OSError:
    pass
# The descriptors that the end of the connection sets free are taken away as well.
first.close()
while not link.owner.losses or getattr(link.owner.losses[-1], "kind", "") != "resources":
    try:
        hoard.append(socket.socket())
    except OSError:
        pass
for sock in hoard:
    sock.close()
# Connections that were made with too few descriptors to use them wait to be accepted, too.
server.listener.setblocking(False)
try:
    while True:
        server.listener.accept()[0].close()
except BlockingIOError:
    server.listener.setblocking(True)
server.open()
link.ready()
assert link.connection.reconnects == 1
link.__exit__()
server.close()
print("recovered", link.connection.state.name)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_NOFILE")
def test_without_descriptors_it_waits_and_recovers() -> None:
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", OUT_OF_DESCRIPTORS, str(here), str(here.parent.parent)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "recovered CLOSED\n", "")

"""The client and its process: Ctrl-C, falling off the end, sys.exit, fork. Each in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import client_rig
import pytest
from client_rig import BTC, ETH, PATIENCE, Log, running, spot

import bigone_sync
from bigone_sync import ConnectionClosed, ConnectionState, SpotClient
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

# What a client does with its threads has nothing to do with the codec.
pytestmark = pytest.mark.one_codec

ROOT = Path(bigone_sync.__file__).parent.parent
# As in setup.cfg: the import of our oldest protobuf warns on Python 3.12 and later.
STRICT = ("-W", "error", "-W", "ignore:Type google._upb._message.:DeprecationWarning")
# Ctrl-C must work in the child even where this process was started in the background, ignoring it.
HEAD = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from bigone_sync import *
client = SpotClient(Credentials("key", "secret"), url=sys.argv[1], protocol=sys.argv[2])
"""


@pytest.fixture
def busy() -> Iterator[LocalExchange]:
    with LocalExchange(rate=200) as exchange:
        yield exchange


def script(exchange: LocalExchange, text: str) -> subprocess.Popen[str]:
    source = HEAD + textwrap.dedent(text)
    return subprocess.Popen(
        [sys.executable, *STRICT, "-X", "dev", "-c", source, exchange.spot_url, client_rig.PROTOCOL],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    return process.returncode, out, err


@pytest.mark.parametrize(
    "handler",
    ["lambda event: None", "lambda event: time.sleep(0.05)", "lambda event: [i for i in range(99999)]", "None"],
)
def test_ctrl_c_ends_run_forever_cleanly(busy: LocalExchange, handler: str) -> None:
    register = "client.order_book" if handler == "None" else "client.on_depth"
    process = script(
        busy,
        f"""
        {register}("{BTC}"{"" if handler == "None" else ", " + handler})
        client.run_forever()
        print("after", client.state)
        """,
    )
    wait_until(lambda: busy.subscriptions(), PATIENCE)
    process.send_signal(signal.SIGINT)
    assert finish(process) == (0, "after CLOSED\n", "")


def test_a_handlers_own_keyboard_interrupt_comes_out(busy: LocalExchange) -> None:
    process = script(
        busy,
        f"""
        def handler(event):
            raise KeyboardInterrupt
        client.on_depth("{BTC}", handler)
        try:
            client.run_forever()
        except KeyboardInterrupt:
            print("out", client.state)
        """,
    )
    code, out, _ = finish(process)
    assert (code, out) == (0, "out CLOSED\n")


def test_ctrl_c_means_what_the_user_made_of_it(busy: LocalExchange) -> None:
    process = script(
        busy,
        f"""
        import signal
        def mine(number, frame):
            print("mine", flush=True)
            client.close()
        signal.signal(signal.SIGINT, mine)
        client.on_depth("{BTC}", lambda event: None)
        client.run_forever()
        assert signal.getsignal(signal.SIGINT) is mine
        """,
    )
    wait_until(lambda: busy.subscriptions(), PATIENCE)
    process.send_signal(signal.SIGINT)
    assert finish(process) == (0, "mine\n", "")


def test_a_script_may_fall_off_the_end_while_streaming(busy: LocalExchange) -> None:
    process = script(
        busy,
        f"""
        client.on_depth("{BTC}", lambda event: None)
        client.on_account(lambda event: None)
        client.start()
        client.wait_ready(10)
        print("end")
        """,
    )
    assert finish(process) == (0, "end\n", "")
    wait_until(lambda: busy.connection_count == 0)


@pytest.mark.parametrize("place", ["main", "handler"])
def test_sys_exit_keeps_its_code(busy: LocalExchange, place: str) -> None:
    process = script(
        busy,
        f"""
        place = "{place}"
        client.on_depth("{BTC}", lambda event: sys.exit(7) if place == "handler" else None)
        client.start()
        if place == "main":
            client.wait_ready(10)
            sys.exit(7)
        client.wait(10)
        """,
    )
    code, _, err = finish(process)
    assert code == 7
    assert "Traceback" not in err


def test_an_exception_in_the_main_thread_does_not_hang_the_process(busy: LocalExchange) -> None:
    process = script(
        busy,
        f"""
        client.on_depth("{BTC}", lambda event: None)
        with client:
            client.wait_ready(10)
            raise RuntimeError("mine")
        """,
    )
    code, _, err = finish(process)
    assert code == 1
    assert err.rstrip().endswith("RuntimeError: mine")


def test_ctrl_c_during_wait_comes_out_and_the_with_block_closes(busy: LocalExchange) -> None:
    process = script(
        busy,
        f"""
        client.on_depth("{BTC}", lambda event: None)
        try:
            with client:
                client.wait()
        except KeyboardInterrupt:
            print("interrupted", client.state)
        """,
    )
    wait_until(lambda: busy.subscriptions(), PATIENCE)
    process.send_signal(signal.SIGINT)
    assert finish(process) == (0, "interrupted CLOSED\n", "")


# -- fork ----------------------------------------------------------------------------------------------------------


def child_of(client: SpotClient) -> str:
    """What a forked child makes of its parent's client; empty if all is as it should be."""
    uses = {
        "start": client.start,
        "wait_ready": lambda: client.wait_ready(1),
        "wait": lambda: client.wait(1),
        "run_forever": client.run_forever,
        "on_depth": lambda: client.on_depth(ETH, print),
        "order_book": lambda: client.order_book(ETH),
        "create_order": lambda: client.create_order(ETH, "buy", amount=1),
        "list_markets": client.list_markets,
    }
    if client.state != ConnectionState.CLOSED:
        return f"state {client.state}"
    for name, use in uses.items():
        try:
            use()
        except ConnectionClosed:
            continue
        except BaseException as error:  # noqa: BLE001 - told to the parent
            return f"{name}: {error!r}"
        return f"{name}: no error"
    client.close()
    return ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_cannot_use_or_harm_its_parents_client(busy: LocalExchange) -> None:
    client = spot(busy.spot_url, private=True)
    log: Log[object] = Log()
    client.on_depth(BTC, log)
    client.on_account(log)
    with running(client):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(writing, (child_of(client) or "fine").encode())
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as report:
            assert report.read() == "fine"
        assert os.waitpid(child, 0)[1] == 0
        seen = len(log)
        log.wait(seen + 20)
        assert client.state == ConnectionState.READY
        assert client.stats().reconnects == 0
    assert busy.handshakes == 2

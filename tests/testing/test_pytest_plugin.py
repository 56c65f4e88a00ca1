"""The fixtures as a user gets them: in a pytest run of his own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import bigone_sync

HEADER = """
import socket
import threading
"""


def run_pytest(directory: Path, test: str) -> tuple[int, str]:
    """Run one test file in a fresh process, so that its leaks and its output are its own."""
    (directory / "conftest.py").write_text('pytest_plugins = ["bigone_sync.testing.pytest_plugin"]\n')
    (directory / "test_user.py").write_text(HEADER + test)
    root = Path(bigone_sync.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "--rootdir", ".", "."],
        cwd=directory,
        env={"PYTHONPATH": str(root), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_exchange_is_started_and_the_proxy_stands_before_it(tmp_path: Path) -> None:
    code, output = run_pytest(
        tmp_path,
        """
import base64

def test_handshake_through_the_proxy(no_leaks, local_exchange, fault_proxy):
    assert fault_proxy.url != local_exchange.spot_url
    assert fault_proxy.url.rpartition("/")[2] == local_exchange.spot_url.rpartition("/")[2]
    with socket.create_connection(("127.0.0.1", fault_proxy.port), timeout=20) as client:
        path = "/" + fault_proxy.url.split("/", 3)[3]
        client.sendall(
            f"GET {path} HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
            f"Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Protocol: json\\r\\n"
            f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\\r\\n\\r\\n".encode()
        )
        assert client.recv(4096).startswith(b"HTTP/1.1 101 ")
    assert fault_proxy.accepted == 1
""",
    )
    assert code == 0, output


def test_no_leaks_is_set_up_first_even_if_named_last(tmp_path: Path) -> None:
    code, output = run_pytest(
        tmp_path,
        """
def test_order(fault_proxy, local_exchange, no_leaks):
    assert not any("fault-proxy" in thread.name for thread in no_leaks.threads)
    assert any("fault-proxy" in thread.name for thread in threading.enumerate())
""",
    )
    assert code == 0, output


@pytest.mark.parametrize(
    ("test", "named"),
    [
        ("threading.Thread(target=threading.Event().wait, name='lost-reader', daemon=True).start()", "lost-reader"),
        ("kept.append(socket.create_server(('127.0.0.1', 0)))", "127.0.0.1:"),
    ],
)
def test_no_leaks_fails_the_test_that_leaves_something(tmp_path: Path, test: str, named: str) -> None:
    if "socket" in test and not Path("/proc/self/fd").is_dir():
        pytest.skip("the system does not list descriptors")
    code, output = run_pytest(
        tmp_path,
        f"""
import pytest

kept = []

@pytest.fixture
def leak_timeout():
    return 0.01

def test_leaky(no_leaks):
    {test}
""",
    )
    assert code == 1, output
    assert "left behind after 0.01 s" in output
    assert named in output


def test_without_no_leaks_nothing_is_checked(tmp_path: Path) -> None:
    code, output = run_pytest(
        tmp_path,
        "def test_own_business():\n    threading.Thread(target=threading.Event().wait, daemon=True).start()\n",
    )
    assert code == 0, output

"""What importing the package loads and does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import bigone_sync

ROOT = Path(bigone_sync.__file__).parent.parent


@pytest.mark.parametrize("module", ["bigone_sync", "bigone_sync.clients.spot"])
def test_a_json_user_loads_no_more_than_he_needs(module: str) -> None:
    needless = ["google.protobuf", "requests", "aiohttp", "asyncio", "click", "rich", "pytest"]
    code = f"import {module}, sys; print(*[name for name in {needless} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.split() == []


def test_importing_starts_no_thread_and_opens_no_socket() -> None:
    code = (
        "import threading, bigone_sync.testing.leaks as leaks; before = leaks.census()\n"
        "import bigone_sync\n"
        "assert threading.active_count() == 1\n"
        "assert not leaks.census().beyond(before)"
    )
    assert subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=False).returncode == 0

"""From a host name to a TCP connection, within a deadline and interruptible.

urllib3's own way blocks in the resolver without limit, waits its full timeout for each address, and cannot be ended.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from urllib3.util import wait_for_write

__all__ = ["dial"]

# A dead first address (broken IPv6 above all) must not eat the whole deadline.
_PER_ADDRESS = 1.5
# A socket that is still connecting cannot be woken portably, so these waits run in slices.
_SLICE = 0.05

_Address = tuple[int, int, int, Any]


def dial(
    host: str,
    port: int,
    *,
    seconds: float,
    options: Sequence[tuple[int, int, int | bytes]],
    check: Callable[[], None],
) -> socket.socket:
    """A connected socket.

    Args:
        host: Name or address.
        port: Port.
        seconds: For all of it.
        options: For ``setsockopt``.
        check: Called often; what it raises ends the dial.

    Raises:
        socket.gaierror: the name could not be resolved.
        TimeoutError: it took too long.
        OSError: it failed otherwise.
    """
    end = time.monotonic() + seconds
    addresses = _resolve(host, port, end, check)
    last: OSError | None = None
    for number, address in enumerate(addresses, 1):
        left = end - time.monotonic()
        if left <= 0:
            break
        others = len(addresses) - number
        share = min(left / (others + 1), _PER_ADDRESS) if others else left
        try:
            return _connect(address, share, options, check)
        except OSError as error:
            last = error
    raise last or TimeoutError("no answer")


def _resolve(host: str, port: int, end: float, check: Callable[[], None]) -> list[_Address]:
    found: list[_Address] = []
    failure: list[OSError] = []
    done = threading.Event()

    def ask(flags: int) -> None:
        try:
            for family, kind, proto, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM, 0, flags):
                found.append((family, kind, proto, address))
        except OSError as error:
            failure.append(error)
        except UnicodeError as error:
            failure.append(socket.gaierror(socket.EAI_NONAME, str(error)))
        finally:
            done.set()

    # An address needs no resolver, and no thread.
    ask(socket.AI_NUMERICHOST)
    if found:
        return found
    failure.clear()
    done.clear()
    # getaddrinfo cannot be interrupted: it runs on a thread that is left behind if it hangs.
    threading.Thread(target=ask, args=(0,), name=f"bigone-dns/{host}", daemon=True).start()
    while not done.wait(min(_SLICE, max(0.0, end - time.monotonic()))):
        check()
        if time.monotonic() >= end:
            raise TimeoutError("the name was not resolved")
    if failure:
        raise failure[0]
    return found


def _connect(
    address: _Address, seconds: float, options: Sequence[tuple[int, int, int | bytes]], check: Callable[[], None]
) -> socket.socket:
    family, kind, proto, where = address
    end = time.monotonic() + seconds
    sock = socket.socket(family, kind, proto)
    try:
        for option in options:
            sock.setsockopt(*option)
        sock.setblocking(False)
        code = sock.connect_ex(where)
        if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            raise OSError(code, os.strerror(code))
        check()
        while not wait_for_write(sock, timeout=min(_SLICE, max(0.0, end - time.monotonic()))):
            check()
            if time.monotonic() >= end:
                raise TimeoutError("no answer")
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock

"""Make a socket deaf: what arrives at it vanishes unacknowledged, as behind a broken cable (Linux, root)."""

from __future__ import annotations

import ctypes
import os
import socket
import sys

_ATTACH, _DETACH = 26, 27
_RETURN_NOTHING = 0x06


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.POINTER(_Instruction)))


def deafen(sock: socket.socket) -> None:
    code = (_Instruction * 1)(_Instruction(_RETURN_NOTHING, 0, 0, 0))
    sock.setsockopt(socket.SOL_SOCKET, _ATTACH, bytes(_Program(1, code)))


def hear(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, _DETACH, 0)


def possible() -> bool:
    """Whether this system lets us."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return False
    with socket.socket() as sock:
        try:
            deafen(sock)
        except OSError:
            return False
    return True

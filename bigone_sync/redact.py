"""Credentials taken out of text that somebody may see."""

from __future__ import annotations

import re

__all__ = ["redact", "redact_bytes"]

# A signed token, wherever it stands, and what follows the word that announces one.
_TOKEN = r"eyJ[\w-]{4,}\.[\w-]+\.[\w-]*|(?<=Bearer )[\w.~+/=-]+"
_IN_TEXT = re.compile(_TOKEN, re.ASCII)
_IN_BYTES = re.compile(_TOKEN.encode())


def redact(text: str) -> str:
    """``text`` with tokens replaced; for words of the peer, which might repeat ours."""
    return _IN_TEXT.sub("***", text) if "eyJ" in text or "Bearer " in text else text


def redact_bytes(data: bytes) -> bytes:
    """The same for a frame."""
    return _IN_BYTES.sub(b"***", data) if b"eyJ" in data or b"Bearer " in data else data

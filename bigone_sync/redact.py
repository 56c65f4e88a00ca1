"""Credentials taken out of text that somebody may see."""

from __future__ import annotations

import re

__all__ = ["redact", "redact_bytes"]

# What follows the words that announce a token, and a signed token wherever it stands.
_TOKEN = r"(?<=authorization#)[^\s\"']+|eyJ[\w-]{4,}\.[\w-]+\.[\w-]*|(?<=Bearer )[\w.~+/=-]+"
_IN_TEXT = re.compile(_TOKEN, re.ASCII)
_IN_BYTES = re.compile(_TOKEN.encode())


def redact(text: str) -> str:
    """``text`` with tokens replaced; for words of the peer, which might repeat ours."""
    # A single character is looked for the fastest, and hardly any text has this one.
    if "eyJ" in text or "Bearer " in text or ("#" in text and "authorization#" in text):
        return _IN_TEXT.sub("***", text)
    return text


def redact_bytes(data: bytes) -> bytes:
    """The same for a frame."""
    # Not ``in``, which first tries, at length, to take what it looks for in bytes for a number.
    if data.find(b"eyJ") >= 0 or data.find(b"Bearer ") >= 0 or data.find(b"authorization#") >= 0:
        return _IN_BYTES.sub(b"***", data)
    return data

"""JSON as text: what of a frame is left as it was written until somebody knows how to read it."""

from __future__ import annotations

import msgspec
from msgspec import Raw

__all__ = ["NOT_JSON", "literal"]

NOT_JSON: tuple[type[Exception], ...] = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading can raise: it is no JSON, or not of the shape asked for, or nested too deep."""


def literal(raw: Raw) -> str:
    """A string's text; of anything else, a number above all, the text that it is written with."""
    text = bytes(raw)
    return msgspec.json.decode(text, type=str) if text[:1] == b'"' else text.decode()

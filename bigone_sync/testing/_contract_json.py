"""JSON text with exact numbers: a Decimal is written digit for digit, which the standard library cannot do.

The encoders belong to the exchange alone: a mistake in the client's reading must not be repeated here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def number(value: Decimal) -> str:
    """A decimal without exponent and without zeros at its end, as the contract wire prints numbers."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


class Scientific(Decimal):
    """A decimal that is written with an exponent, for example ``1E+6``."""


def exponent(value: Decimal) -> str:
    """A decimal with an exponent, for example ``4.96E+4``, as Java's BigDecimal would print it."""
    return format(value.normalize(), "E")


def dump(value: Any) -> str:
    """Compact JSON text; what the standard library knows is written by it, floats of a recording included."""
    if isinstance(value, Scientific):
        return exponent(value)
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, Mapping):
        members = ",".join([f"{json.dumps(str(name))}:{dump(inner)}" for name, inner in value.items()])
        return f"{{{members}}}"
    if isinstance(value, (list, tuple)):
        return f"[{','.join([dump(inner) for inner in value])}]"
    return json.dumps(value, ensure_ascii=False)

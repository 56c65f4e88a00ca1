"""The levels of a book: as numbers, and as the venue's own text that they are made from when somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, SupportsIndex, overload

import msgspec

__all__ = ["LevelText", "Levels", "PriceLevel", "PriceLevels"]


class PriceLevel(NamedTuple):
    """One price of a book. Unpacks as a tuple of three."""

    price: Decimal
    amount: Decimal
    """Zero in an update means that the level is gone."""
    order_count: int | None = None
    """None where the venue sends none."""


class LevelText(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A price level in the venue's exact text."""

    price: str
    amount: str
    order_count: int | None = 0
    """Missing is 0 (spot protocol, section 5): a printer may leave out defaults, and protobuf always does."""

    def level(self) -> PriceLevel:
        """The same with numbers."""
        try:
            amount = Decimal(self.amount)
        except InvalidOperation:  # an exponent beyond any Decimal; as a number it was checked to be 0
            amount = Decimal(0)
        return PriceLevel(Decimal(self.price), amount, self.order_count)


class Levels(msgspec.Struct, frozen=True, gc=False, eq=False):
    """An immutable sequence of :class:`PriceLevel`, made from the frame when somebody looks.

    The numbers were checked when the frame was read; what is put off is only the making of ``Decimal`` objects, which
    costs more than all the rest.  Equal to a tuple of the same levels.
    """

    _frame: Any
    _parse: Callable[[Any], tuple[LevelText, ...]]
    _made: tuple[PriceLevel, ...] | None = None

    def text(self) -> tuple[LevelText, ...]:
        """The levels in the venue's own text."""
        return self._parse(self._frame)

    def _levels(self) -> tuple[PriceLevel, ...]:
        made = self._made
        if made is None:
            made = tuple([row.level() for row in self._parse(self._frame)])
            # Two threads may both do this; they write equal values.
            msgspec.structs.force_setattr(self, "_made", made)
        return made

    def __len__(self) -> int:
        return len(self._levels())

    def __iter__(self) -> Iterator[PriceLevel]:
        return iter(self._levels())

    def __contains__(self, item: object) -> bool:
        return item in self._levels()

    @overload
    def __getitem__(self, index: SupportsIndex) -> PriceLevel: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[PriceLevel, ...]: ...
    def __getitem__(self, index: Any) -> Any:
        return self._levels()[index]

    def __add__(self, other: PriceLevels) -> tuple[PriceLevel, ...]:
        return self._levels() + tuple(other)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Levels):
            return self._levels() == other._levels()
        if isinstance(other, tuple):
            return self._levels() == other
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    def __hash__(self) -> int:
        return hash(self._levels())

    def __repr__(self) -> str:
        return repr(self._levels())

    def __reduce__(self) -> Any:
        return _levels_of, (self._levels(),)


def _given(levels: Any) -> tuple[LevelText, ...]:
    return tuple(LevelText(str(price), str(amount), count) for price, amount, count in levels)


def _levels_of(levels: tuple[PriceLevel, ...]) -> Levels:
    return Levels(levels, _given, levels)


PriceLevels = Levels | tuple[PriceLevel, ...]
"""Type of a side of a book in an event."""

"""The newest values by name, and whether they are up to date."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from bigone_sync import BookState
from bigone_sync.events import Position
from bigone_sync.kept import Kept, KeptView


def position(market: str, size: int = 1) -> Position:
    return Position(market=market, size=Decimal(size))


def kept(*values: Position, whole: bool = True) -> Kept[Position]:
    """Positions, kept since second 1."""
    made: Kept[Position] = Kept(lambda value: value.market)
    if values:
        made.put(values, 1.0, whole=whole)
    return made


def sizes(view: Mapping[str, Position]) -> dict[str, int]:
    return {market: int(value.size or 0) for market, value in view.items()}


def test_before_anything_came_it_is_syncing_and_empty() -> None:
    empty = kept()
    view = empty.view()
    assert (view.state, view.is_live, view.updated_at, dict(view)) == (BookState.SYNCING, False, None, {})
    assert empty.get("BTCUSD") is None
    empty.mark_stale()
    assert empty.view().state == BookState.SYNCING


@pytest.mark.parametrize("whole", [True, False])
def test_values_make_it_live(whole: bool) -> None:
    view = kept(position("BTCUSD"), whole=whole).view()
    assert (view.state, view.is_live, view.updated_at) == (BookState.LIVE, True, 1.0)
    assert sizes(view) == {"BTCUSD": 1}


def test_a_whole_of_nothing_is_an_answer_too() -> None:
    empty = kept()
    empty.put([], 2.0, whole=True)
    assert (empty.view().state, len(empty.view())) == (BookState.LIVE, 0)


def test_a_part_replaces_what_it_names_and_a_whole_everything() -> None:
    some = kept(position("BTCUSD"), position("ETHUSD"))
    some.put([position("ETHUSD", 5), position("XRPUSD", 7)], 2.0, whole=False)
    assert sizes(some.view()) == {"BTCUSD": 1, "ETHUSD": 5, "XRPUSD": 7}
    some.put([position("ETHUSD", 6)], 3.0, whole=True)
    assert sizes(some.view()) == {"ETHUSD": 6}
    assert some.view().updated_at == 3.0
    assert some.get("BTCUSD") is None


def test_of_one_name_twice_the_later_counts() -> None:
    assert sizes(kept(position("BTCUSD", 1), position("BTCUSD", 2)).view()) == {"BTCUSD": 2}


def test_what_was_not_told_again_keeps_it_stale() -> None:
    some = kept(position("BTCUSD"), position("ETHUSD"))
    some.mark_stale()
    view = some.view()
    assert (view.state, view.is_live, sizes(view)) == (BookState.STALE, False, {"BTCUSD": 1, "ETHUSD": 1})
    some.put([position("BTCUSD", 2)], 2.0, whole=False)
    assert some.view().state == BookState.STALE
    some.put([position("XRPUSD")], 3.0, whole=False)
    assert some.view().state == BookState.STALE
    some.put([position("ETHUSD", 3)], 4.0, whole=False)
    assert some.view().state == BookState.LIVE


def test_a_whole_confirms_everything() -> None:
    some = kept(position("BTCUSD"), position("ETHUSD"))
    some.mark_stale()
    some.put([position("BTCUSD", 2)], 2.0, whole=True)
    assert some.view().state == BookState.LIVE
    some.put([], 3.0, whole=False)
    assert some.view().state == BookState.LIVE


def test_each_loss_wants_everything_told_again() -> None:
    some = kept(position("BTCUSD"), position("ETHUSD"))
    some.mark_stale()
    some.put([position("BTCUSD", 2)], 2.0, whole=False)
    some.mark_stale()
    some.put([position("ETHUSD", 2)], 3.0, whole=False)
    assert some.view().state == BookState.STALE
    some.put([position("BTCUSD", 3)], 4.0, whole=False)
    assert some.view().state == BookState.LIVE


def test_a_view_stays_what_it_was() -> None:
    some = kept(position("BTCUSD"))
    before = some.view()
    some.put([position("BTCUSD", 2), position("ETHUSD")], 2.0, whole=False)
    some.mark_stale()
    some.put([], 3.0, whole=True)
    assert (sizes(before), before.state, before.updated_at) == ({"BTCUSD": 1}, BookState.LIVE, 1.0)


def test_a_view_cannot_be_changed() -> None:
    view: Any = kept(position("BTCUSD")).view()
    with pytest.raises(TypeError):
        view["BTCUSD"] = position("BTCUSD", 9)
    with pytest.raises(TypeError):
        del view["BTCUSD"]
    for name in ("state", "updated_at", "is_live", "other"):
        with pytest.raises(AttributeError):
            setattr(view, name, None)
    assert view.is_live


def test_a_view_is_a_mapping() -> None:
    view = kept(position("BTCUSD"), position("ETHUSD")).view()
    assert isinstance(view, KeptView)
    assert isinstance(view, Mapping)
    assert "BTCUSD" in view
    assert "XRPUSD" not in view
    assert list(view) == ["BTCUSD", "ETHUSD"]
    assert view.get("XRPUSD") is None
    with pytest.raises(KeyError):
        view["XRPUSD"]
    assert repr(view).startswith("<KeptView LIVE {'BTCUSD': Position(")


def test_readers_see_whole_states_while_a_reader_thread_puts() -> None:
    markets = ("AUSD", "BUSD", "CUSD")
    some = kept(*(position(market, 0) for market in markets))
    done = threading.Event()
    torn: list[Any] = []

    def read() -> None:
        while not done.is_set():
            view = some.view()
            if len(set(sizes(view).values())) != 1 or len(view) != len(markets):
                torn.append(view)
            some.get("AUSD")

    readers = [threading.Thread(target=read, daemon=True) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(1, 1500):
        some.put([position(market, number) for market in markets], float(number), whole=number % 2 == 0)
        if number % 100 == 0:
            some.mark_stale()
    done.set()
    for reader in readers:
        reader.join(10)
        assert not reader.is_alive()
    assert torn == []
    assert sizes(some.view()) == dict.fromkeys(markets, 1499)

"""Own orders and trades from several connections: each thing once, and nothing that is outdated."""

from __future__ import annotations

import pytest
from rails_made import fill, order

from bigone_sync.enums import OrderState
from bigone_sync.rails.orders import FillMemory, OrderMemory

ACTIVE, FILLED, CANCELLED = OrderState.ACTIVE, OrderState.FILLED, OrderState.CANCELLED
REJECTED, MODIFIED = OrderState.REJECTED, OrderState.MODIFIED


def test_each_own_trade_comes_once() -> None:
    memory = FillMemory()
    assert memory.news([("k1", fill(1)), ("k2", fill(2)), ("k1", fill(3))]) == [fill(1), fill(2)]
    assert memory.news([("k2", fill(2)), ("k3", fill(4))]) == [fill(4)]


def test_only_the_latest_own_trades_are_remembered() -> None:
    memory = FillMemory()
    memory.news((number, fill(number)) for number in range(10_001))
    assert memory.news([(1, fill(1)), (0, fill(0))]) == [fill(0)]


def test_each_message_about_an_order_counts_once() -> None:
    memory = OrderMemory()
    assert memory.accept("k1", order())
    assert not memory.accept("k1", order())
    assert memory.accept("k2", order())
    assert memory.open() == [order()]


@pytest.mark.parametrize("final", [FILLED, CANCELLED, REJECTED, MODIFIED])
def test_nothing_follows_a_final_state_but_another_final_one(final: OrderState) -> None:
    memory = OrderMemory()
    assert memory.accept("k1", order(status=final))
    assert not memory.accept("k2", order(status=ACTIVE))
    assert memory.open() == []
    assert memory.accept("k3", order(status=CANCELLED))


@pytest.mark.parametrize(
    ("known", "told", "counts"),
    [
        ("0.5", "0.4", False),
        ("0.5", None, False),
        ("0.5", "0.50", True),
        ("0.5", "0.6", True),
        (None, "0", True),
        (None, None, True),
    ],
)
def test_what_is_filled_never_shrinks(known: str | None, told: str | None, counts: bool) -> None:
    memory = OrderMemory()
    assert memory.accept("k1", order(filled=known))
    assert memory.accept("k2", order(filled=told)) is counts
    assert memory.open() == [order(filled=told if counts else known)]


def test_a_final_word_with_less_filled_does_not_count_either() -> None:
    memory = OrderMemory()
    memory.accept("k1", order(filled="0.5"))
    assert not memory.accept("k2", order(status=CANCELLED, filled="0.4"))


def test_orders_do_not_disturb_each_other() -> None:
    memory = OrderMemory()
    memory.accept("k1", order("o1", FILLED, "9"))
    assert memory.accept("k2", order("o2", ACTIVE, "1"))
    assert memory.open() == [order("o2", ACTIVE, "1")]


def test_only_the_latest_orders_are_remembered() -> None:
    memory = OrderMemory()
    for number in range(10_001):
        memory.accept(number, order(f"o{number}"))
    assert (len(memory.open()), memory.open()[0].order_id) == (10_000, "o1")


@pytest.mark.parametrize(
    ("known", "told", "is_news"),
    [
        (None, (ACTIVE, "0"), True),
        (None, (FILLED, "1"), True),
        ((ACTIVE, "0.5"), (ACTIVE, "0.5"), False),
        ((ACTIVE, None), (ACTIVE, "0"), False),
        ((ACTIVE, "0.5"), (ACTIVE, "0.6"), True),
        ((ACTIVE, "0.5"), (ACTIVE, "0.4"), False),
        ((ACTIVE, "0.5"), (CANCELLED, "0.5"), True),
        ((ACTIVE, "0.5"), (CANCELLED, "0.4"), False),
        ((FILLED, "1"), (FILLED, "2"), False),
        ((CANCELLED, "0"), (ACTIVE, "0"), False),
    ],
)
def test_what_rest_tells_counts_where_it_goes_on(
    known: tuple[OrderState, str | None] | None, told: tuple[OrderState, str], is_news: bool
) -> None:
    memory = OrderMemory()
    if known is not None:
        memory.accept("k1", order("o1", *known))
    assert memory.reconcile([order("o1", *told)]) == ([order("o1", *told)] if is_news else [])
    # It is remembered: told again it is no news.
    assert memory.reconcile([order("o1", *told)]) == []


def test_messages_go_on_from_what_rest_told() -> None:
    memory = OrderMemory()
    memory.reconcile([order(filled="0.5")])
    assert not memory.accept("k1", order(filled="0.4"))
    assert memory.accept("k2", order(filled="0.6"))

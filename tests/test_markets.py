"""Markets and contracts: what they are, and numbers as they allow them."""

from __future__ import annotations

import decimal
from decimal import Decimal as D
from decimal import localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigone_sync import ConfigurationError, Contract, Market
from bigone_sync.markets import find_market

MARKET = Market("BTC-USDT", "BTC", "USDT", 6, 2)
CONTRACT = Contract("BTCUSDT", price_step=D("0.5"))
ROUNDINGS = [getattr(decimal, name) for name in dir(decimal) if name.startswith("ROUND_")]


def test_steps_of_a_market() -> None:
    assert (str(MARKET.tick_size), str(MARKET.lot_size)) == ("0.01", "0.000001")
    assert Market("A-B", "A", "B", 0, 0).tick_size == 1


def test_steps_of_a_contract() -> None:
    assert (CONTRACT.tick_size, CONTRACT.lot_size) == (D("0.5"), D(1))
    for step in (None, D(0), D(-1)):
        contract = Contract("BTCUSDT", price_step=step)
        assert contract.tick_size is None
        with pytest.raises(ConfigurationError, match="no price step of BTCUSDT"):
            contract.round_price(1)


def test_they_are_values() -> None:
    assert Market("BTC-USDT", "BTC", "USDT", 6, 2, None, None, None) == MARKET
    assert hash(CONTRACT) == hash(Contract("BTCUSDT", price_step=D("0.50")))
    for thing in (MARKET, CONTRACT):
        with pytest.raises(AttributeError):
            thing.name = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("price", "rounded"),
    [("1.005", "1.00"), ("1.015", "1.02"), (D("1.0051"), "1.01"), (7, "7.00"), ("1E+2", "100.00"), ("-0.001", "0.00")],
)
def test_round_price(price: Any, rounded: str) -> None:
    assert str(MARKET.round_price(price)) == rounded


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [
        ("0.9999999", "0.999999"),
        (1, "1.000000"),
        ("1E-7", "0.000000"),
        ("123456789012345678901234567890.1234567", None),
    ],
)
def test_round_amount_is_never_more_than_was_wanted(amount: Any, rounded: str | None) -> None:
    assert str(MARKET.round_amount(amount)) == (rounded or "123456789012345678901234567890.123456")


@pytest.mark.parametrize(
    ("price", "rounding", "rounded"),
    [
        ("100", decimal.ROUND_HALF_EVEN, "100.0"),
        ("100.25", decimal.ROUND_HALF_EVEN, "100.0"),
        ("100.75", decimal.ROUND_HALF_EVEN, "101.0"),
        ("100.25", decimal.ROUND_HALF_UP, "100.5"),
        ("100.01", decimal.ROUND_UP, "100.5"),
        ("100.49", decimal.ROUND_DOWN, "100.0"),
        ("-100.01", decimal.ROUND_FLOOR, "-100.5"),
        ("-100.01", decimal.ROUND_CEILING, "-100.0"),
    ],
)
def test_prices_of_contracts_lie_on_steps(price: str, rounding: str, rounded: str) -> None:
    assert str(CONTRACT.round_price(price, rounding=rounding)) == rounded


def test_a_step_over_one() -> None:
    assert str(Contract("A", price_step=D("1E+1")).round_price("27")) == "30"


def test_sizes_of_contracts_are_whole() -> None:
    assert str(CONTRACT.round_amount("2.9")) == "2"


@pytest.mark.parametrize(
    "value", [1.5, float("nan"), D("NaN"), D("Infinity"), D("sNaN"), "x", "", None, True, "1_0", [1]]
)
def test_what_is_no_exact_number_is_refused(value: Any) -> None:
    for thing in (MARKET, CONTRACT):
        with pytest.raises(ConfigurationError) as caught:
            thing.round_price(value)
        assert caught.value.argument == "price"
        with pytest.raises(ConfigurationError) as caught:
            thing.round_amount(value)
        assert caught.value.argument == "amount"


@pytest.mark.parametrize("rounding", ["DOWN", None, 1, "ROUND_SIDEWAYS"])
def test_roundings_that_there_are_not(rounding: Any) -> None:
    for method in (MARKET.round_price, MARKET.round_amount, CONTRACT.round_price, CONTRACT.round_amount):
        with pytest.raises(ConfigurationError) as caught:
            method(1, rounding=rounding)
        assert caught.value.argument == "rounding"


NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=D("-1E+30"), max_value=D("1E+30"), places=None)
STEPS = st.sampled_from([D("0.5"), D("0.05"), D("0.01"), D("1"), D("2.5"), D("10"), D("0.3"), D("1E-18"), D("7E+2")])


@given(NUMBERS, STEPS, st.sampled_from(ROUNDINGS))
def test_rounding_gives_the_neighbour_that_it_says(number: D, step: D, rounding: str) -> None:
    if abs(number.adjusted()) > 100:
        return
    result = Contract("A", price_step=step).round_price(number, rounding=rounding)
    exact, grid = Fraction(number), Fraction(step)
    assert Fraction(result) % grid == 0
    assert abs(Fraction(result) - exact) < grid
    if rounding == decimal.ROUND_DOWN:
        assert abs(Fraction(result)) <= abs(exact)
    elif rounding == decimal.ROUND_UP:
        assert abs(Fraction(result)) >= abs(exact)
    elif rounding == decimal.ROUND_FLOOR:
        assert Fraction(result) <= exact
    elif rounding == decimal.ROUND_CEILING:
        assert Fraction(result) >= exact
    elif "HALF" in rounding:
        assert abs(Fraction(result) - exact) * 2 <= grid
    assert "E" not in str(result) or step < D("1E-6")


@given(NUMBERS, st.integers(0, 18), st.sampled_from(ROUNDINGS))
def test_rounding_to_digits_is_that_of_decimal(number: D, scale: int, rounding: str) -> None:
    if abs(number.adjusted()) > 100:
        return
    wide = decimal.Context(prec=500, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX)
    wanted = number.quantize(D((0, (1,), -scale)), rounding=rounding, context=wide)
    result = Market("A-B", "A", "B", scale, 2).round_amount(number, rounding=rounding)
    assert result == wanted
    assert result.as_tuple().exponent == -scale


@given(NUMBERS, st.integers(1, 5), st.sampled_from(ROUNDINGS))
def test_the_context_of_the_thread_does_not_matter(number: D, precision: int, theirs: str) -> None:
    if abs(number.adjusted()) > 100:
        return
    wanted = MARKET.round_price(number), CONTRACT.round_price(number), MARKET.round_amount(number), MARKET.tick_size
    with localcontext() as context:
        context.prec, context.rounding, context.Emax, context.Emin = precision, theirs, 2, -2
        context.traps = dict.fromkeys(context.traps, True)
        got = MARKET.round_price(number), CONTRACT.round_price(number), MARKET.round_amount(number), MARKET.tick_size
    assert [str(value) for value in got] == [str(value) for value in wanted]


def test_find_market() -> None:
    known = {"BTC-USDT": 1, "ETH-USDT": 2, "BTC-USD": 3}
    assert find_market("ETH-USDT", known) == 2
    with pytest.raises(ConfigurationError) as caught:
        find_market("BTC-USDC", known)
    assert caught.value.argument == "market"
    assert "lists no 'BTC-USDC'; did you mean" in str(caught.value)
    assert "'BTC-USDT'" in str(caught.value)
    with pytest.raises(ConfigurationError, match=r"lists no 'QQQQ'$"):
        find_market("QQQQ", known)
    with pytest.raises(ConfigurationError, match=r"lists no 'QQQQ'$"):
        find_market("QQQQ", {}, argument="symbol")

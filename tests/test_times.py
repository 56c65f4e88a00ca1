from __future__ import annotations

import copy
import itertools
import pickle
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigone_sync.times import NanoDatetime, parse_time

SECOND = datetime(2018, 9, 12, 9, 52, 37, tzinfo=timezone.utc)


def parsed(text: str) -> datetime:
    moment = parse_time(text)
    assert moment is not None
    assert moment.tzinfo is timezone.utc
    return moment


def nanos(moment: datetime) -> int:
    return moment.microsecond * 1000 + getattr(moment, "nanosecond", 0)


@pytest.mark.parametrize("empty", [None, ""])
def test_an_unset_time_is_none(empty: str | None) -> None:
    assert parse_time(empty) is None


def test_a_time_without_fraction_is_a_plain_datetime() -> None:
    assert parsed("2018-09-12T09:52:37Z") == SECOND
    assert type(parsed("2018-09-12T09:52:37Z")) is datetime


@pytest.mark.parametrize("digits", range(1, 31))
def test_any_number_of_fraction_digits(digits: int) -> None:
    fraction = "123456789123456789123456789123"[:digits]
    moment = parsed(f"2018-09-12T09:52:37.{fraction}Z")
    assert nanos(moment) == int(fraction[:9].ljust(9, "0"))
    assert moment.replace(microsecond=0) == SECOND
    assert isinstance(moment, NanoDatetime) is (digits > 6)


@pytest.mark.parametrize("fraction", ["000000", "120000000", "123456000", "1234560000009", "5", "000001"])
def test_what_fits_into_microseconds_is_a_plain_datetime(fraction: str) -> None:
    assert type(parsed(f"2018-09-12T09:52:37.{fraction}Z")) is datetime


def test_the_smallest_parts() -> None:
    assert nanos(parsed("2018-09-12T09:52:37.000000001Z")) == 1
    assert nanos(parsed("2018-09-12T09:52:37.999999999Z")) == 999_999_999
    assert nanos(parsed("2018-09-12T09:52:37.0000000009Z")) == 0


@pytest.mark.parametrize(
    "text",
    [
        "2018-09-12T09:52:37+00:00",
        "2018-09-12T09:52:37-00:00",
        "2018-09-12T17:52:37+08:00",
        "2018-09-12T17:52:37+0800",
        "2018-09-12T04:22:37-05:30",
        "2018-09-13T00:52:37+15:00",
        "2018-09-12t09:52:37z",
        "2018-09-12 09:52:37Z",
    ],
)
def test_offsets_and_spellings_mean_the_same_moment(text: str) -> None:
    assert parsed(text) == SECOND


def test_an_offset_keeps_the_nanoseconds() -> None:
    moment = parsed("2018-09-12T17:52:37.123456789+08:00")
    assert moment == parsed("2018-09-12T09:52:37.123456789Z")
    assert nanos(moment) == 123_456_789


def test_a_leap_second_is_the_second_before() -> None:
    assert parsed("2016-12-31T23:59:60Z") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "junk",
    [
        "x",
        "2018-09-12",
        "09:52:37Z",
        "2018-09-12T09:52:37",
        "2018-09-12T09:52Z",
        "2018-09-12T09:52:37.Z",
        "2018-09-12T09:52:37,5Z",
        "2018-09-12T09:52:37.5.5Z",
        "2018-09-12T09:52:37Z ",
        " 2018-09-12T09:52:37Z",
        "2018-09-12T09:52:37Z\n",
        "2018-9-12T09:52:37Z",
        "2018-09-12T09:52:37+8",
        "2018-09-12T09:52:37+08:00Z",
        "2018-13-12T09:52:37Z",
        "2018-02-30T09:52:37Z",
        "2018-09-12T24:00:00Z",
        "2018-09-12T09:60:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "12018-09-12T09:52:37Z",
        "1536745957",
        "\u0662\u0660\u0661\u0668-09-12T09:52:37Z",
        "2018-09-12T09:52:37." + "1" * 31 + "Z",
        "null",
    ],
)
def test_junk_is_a_value_error(junk: str) -> None:
    with pytest.raises(ValueError):
        parse_time(junk)


@pytest.mark.parametrize("second", [61, 75, 99])
def test_only_a_leap_second_may_follow_59(second: int) -> None:
    with pytest.raises(ValueError):
        parse_time(f"2018-09-12T09:52:{second}Z")


def test_the_message_does_not_repeat_a_long_text() -> None:
    with pytest.raises(ValueError) as caught:
        parse_time("x" * 10_000)
    assert len(str(caught.value)) < 200


# The part below the microsecond must not get lost in comparisons: orders are ordered by these times.

LATER = "2018-09-12T09:52:37.123456789Z"
EARLIER = "2018-09-12T09:52:37.123456788Z"
PLAIN = "2018-09-12T09:52:37.123456Z"


def test_equality_counts_nanoseconds() -> None:
    later, earlier, plain = parsed(LATER), parsed(EARLIER), parsed(PLAIN)
    assert later == parsed(LATER)
    assert hash(later) == hash(parsed(LATER))
    assert (later == earlier) is False
    assert (later == plain) is False
    assert (plain == later) is False
    assert later != "a text"
    assert len({later, earlier, plain, parsed(LATER)}) == 3


def test_inequality_is_the_opposite_of_equality() -> None:
    later, earlier, plain = parsed(LATER), parsed(EARLIER), parsed(PLAIN)
    assert later != earlier
    assert later != plain
    assert plain != later
    assert (later != parsed(LATER)) is False


def test_order_counts_nanoseconds() -> None:
    later, earlier, plain = parsed(LATER), parsed(EARLIER), parsed(PLAIN)
    for low, high in ((earlier, later), (plain, later), (plain, earlier)):
        assert low < high
        assert high > low
        assert low <= high
        assert high >= low
        assert not high < low
        assert not low > high
        assert not high <= low
        assert not low >= high
        assert max(low, high) is max(high, low) is high
    assert later <= parsed(LATER)
    assert later >= parsed(LATER)
    assert not later < parsed(LATER)


@given(st.lists(st.integers(0, 3_000), min_size=2, max_size=6))
def test_order_agrees_with_the_text(values: list[int]) -> None:
    moments = [parsed(f"2018-09-12T09:52:37.{value:09d}Z") for value in values]
    assert [nanos(moment) for moment in sorted(moments)] == sorted(values)
    for (one, first), (other, second) in itertools.product(zip(values, moments, strict=True), repeat=2):
        assert (first < second, first == second, first != second) == (one < other, one == other, one != other)
        if first == second:
            assert hash(first) == hash(second)


def test_equal_times_have_equal_hashes_after_arithmetic() -> None:
    plain, later = parsed(PLAIN), parsed(LATER)
    for moment in (later + timedelta(0), later - timedelta(0), later.replace(microsecond=123456)):
        if moment == plain:
            assert hash(moment) == hash(plain)


def test_a_time_with_nanoseconds_is_still_a_datetime() -> None:
    later = parsed(LATER)
    assert later - parsed("2018-09-12T09:52:36.123456Z") == timedelta(seconds=1)
    assert later.isoformat().startswith("2018-09-12T09:52:37.123456")
    assert later.timestamp() == pytest.approx(1536745957.123456)
    assert later > SECOND
    assert "nanosecond=789" in repr(later)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("text", [LATER, PLAIN])
def test_pickling_and_copying_keep_everything(text: str, protocol: int) -> None:
    moment = parsed(text)
    for again in (pickle.loads(pickle.dumps(moment, protocol)), copy.copy(moment), copy.deepcopy(moment)):
        assert again == moment
        assert type(again) is type(moment)
        assert nanos(again) == nanos(moment)

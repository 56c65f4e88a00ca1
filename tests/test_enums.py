from __future__ import annotations

import copy
import pickle
from enum import Enum

import pytest

from bigone_sync import enums
from bigone_sync.enums import (
    BookState,
    BusinessUnit,
    CandlePeriod,
    Channel,
    ConnectionState,
    FlashOrderStatus,
    MarginState,
    OrderOperator,
    OrderState,
    OrderType,
    Overflow,
    Side,
    SubscriptionState,
)

ALL = [getattr(enums, name) for name in enums.__all__]
WIRE = [Side, OrderType, OrderState, OrderOperator, BusinessUnit, CandlePeriod, MarginState, FlashOrderStatus]

# Numbers of the official schema, in its order.
NUMBERED = {
    Side: ["BUY", "SELL"],
    OrderType: ["LIMIT", "MARKET", "STOP_LIMIT", "STOP_MARKET"],
    OrderState: ["PENDING", "FILLED", "CANCELLED", "FIRED", "REJECTED"],
    OrderOperator: ["LTE", "GTE"],
    BusinessUnit: ["SPOT", "MARGIN"],
    MarginState: ["NORMAL", "LIQUIDATION", "PIERCING"],
    FlashOrderStatus: ["UNSPECIFIED", "COMPLETED"],
    CandlePeriod: [
        *("MIN1", "MIN5", "MIN15", "MIN30", "HOUR1", "HOUR3"),
        *("HOUR4", "HOUR6", "HOUR12", "DAY1", "WEEK1", "MONTH1"),
    ],
}

# Words of contracts, which have no numbers.
UNNUMBERED = {
    OrderType: ["IOC", "FOK", "POST_ONLY"],
    OrderState: [
        *("NEW", "PARTIALLY_FILLED", "PARTIALLY_CANCELED", "UNTRIGGERED", "PENDING_CANCEL"),
        *("ACTIVE", "CANCELLING", "MODIFYING", "MODIFIED"),
    ],
}


def test_all_names_every_enumeration() -> None:
    assert {BookState, Channel, ConnectionState, Overflow, SubscriptionState, *WIRE} == set(ALL)


@pytest.mark.parametrize("kind", ALL)
def test_every_enumeration_has_unknown_and_no_member_is_called_so_twice(kind: type[enums.WordEnum]) -> None:
    unknown = kind["UNKNOWN"]
    assert not unknown.is_known
    assert [member for member in kind if not member.is_known] == [unknown]


@pytest.mark.parametrize("kind", ALL)
def test_a_new_word_equals_unknown_and_stays_readable(kind: type[enums.WordEnum]) -> None:
    word = kind("HALTED")
    unknown = kind["UNKNOWN"]
    assert isinstance(word, kind)
    assert word == unknown
    assert unknown == word
    assert word == kind("SOMETHING_ELSE")
    assert hash(word) == hash(unknown)
    assert word in {unknown}
    assert (word != unknown) is False
    assert (word.value, word.name, word.is_known) == ("HALTED", "UNKNOWN", False)
    assert "HALTED" in str(word)
    assert "HALTED" in repr(word)
    assert all(word != member for member in kind if member.is_known)


@pytest.mark.parametrize("kind", ALL)
def test_a_new_word_does_not_grow_the_enumeration(kind: type[enums.WordEnum]) -> None:
    before = list(kind), dict(kind._value2member_map_)
    for number in range(50):
        kind(f"WORD{number}")
    assert (list(kind), dict(kind._value2member_map_)) == before
    assert kind("WORD1") is not kind["UNKNOWN"]


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", ALL)
def test_members_and_new_words_survive_pickling(kind: type[enums.WordEnum], protocol: int) -> None:
    for member in kind:
        assert pickle.loads(pickle.dumps(member, protocol)) is member
    word = pickle.loads(pickle.dumps(kind("HALTED"), protocol))
    assert (type(word), word, word.value) == (kind, kind["UNKNOWN"], "HALTED")


@pytest.mark.parametrize("kind", ALL)
def test_copies(kind: type[enums.WordEnum]) -> None:
    for member in kind:
        assert copy.copy(member) is member
        assert copy.deepcopy([member]) == [member]
    assert copy.deepcopy(kind("HALTED")).value == "HALTED"


@pytest.mark.parametrize("kind", WIRE)
def test_wire_words_in_any_case_and_as_numbers(kind: type[enums.WordEnum]) -> None:
    names = NUMBERED[kind]
    assert [member.name for member in kind if member.is_known] == names + UNNUMBERED.get(kind, [])
    for number, name in enumerate(names):
        member = kind[name]
        for word in (name, name.lower(), name.capitalize(), number, str(number)):
            assert kind(word) is member
            assert kind.parse(word) is member
    assert not kind(len(names)).is_known
    assert not kind(-1).is_known
    for name in UNNUMBERED.get(kind, []):
        for word in (name, name.lower()):
            assert kind(word) is kind[name]


@pytest.mark.parametrize(
    ("side", "words"),
    [
        (Side.BUY, ["BID", "bid", "BUY", "buy", "Buy", "0", 0]),
        (Side.SELL, ["ASK", "ask", "SELL", "sell", "Sell", "1", 1]),
    ],
)
def test_sides_have_two_vocabularies(side: Side, words: list[object]) -> None:
    for word in words:
        assert Side(word) is side
        assert Side.parse(word) is side
    assert (Side["BID"], Side["ASK"]) == (Side.BUY, Side.SELL)
    assert len([member for member in Side if member.is_known]) == 2


def test_contracts_write_cancelled_with_one_l() -> None:
    assert OrderState.parse("CANCELED") is OrderState("canceled") is OrderState.CANCELED is OrderState.CANCELLED
    assert OrderState.CANCELED.value == "CANCELLED"
    assert OrderState.PARTIALLY_CANCELED != OrderState.CANCELLED


@pytest.mark.parametrize(
    ("word", "period"),
    [
        *(("1MIN", CandlePeriod.MIN1), ("5MIN", CandlePeriod.MIN5), ("15MIN", CandlePeriod.MIN15)),
        *(("30MIN", CandlePeriod.MIN30), ("1H", CandlePeriod.HOUR1), ("4H", CandlePeriod.HOUR4)),
        *(("6H", CandlePeriod.HOUR6), ("12H", CandlePeriod.HOUR12), ("1D", CandlePeriod.DAY1)),
    ],
)
def test_periods_in_the_spelling_of_contracts(word: str, period: CandlePeriod) -> None:
    assert CandlePeriod.parse(word) is CandlePeriod.parse(word.lower()) is period
    assert period.value == period.name


@pytest.mark.parametrize("word", ["3H", "1W", "1M", "MIN", "2MIN"])
def test_no_other_periods_are_made_up(word: str) -> None:
    assert not CandlePeriod.parse(word).is_known


@pytest.mark.parametrize("word", ["FUNDING", "ADL_BUY", "ADL_SELL"])
def test_other_sides_of_contracts_keep_their_word(word: str) -> None:
    assert (Side.parse(word), Side.parse(word).value) == (Side.UNKNOWN, word)


@pytest.mark.parametrize(
    "word",
    [None, "", " ", "BUY ", "2", 2, 1.5, True, b"BUY", [], {}, ("BUY",), 2**64, pytest.param(10**5000, id="huge")],
)
def test_parsing_never_raises(word: object) -> None:
    side = Side.parse(word)
    assert side == Side.UNKNOWN
    assert side not in (Side.BUY, Side.SELL)
    repr(side)


def test_members_of_different_kinds_are_different() -> None:
    assert OrderState.UNKNOWN != OrderType.UNKNOWN
    assert Side("HALTED") != OrderState("HALTED")
    assert Side.BUY != "BUY"
    assert OrderOperator.LTE != 0


def test_text_of_a_member() -> None:
    assert str(Side.BUY) == "BUY"
    assert repr(Side.BUY) == "Side.BUY"
    assert str(Channel.DEPTH) == "DEPTH"
    assert f"{OrderState.FILLED}" == "FILLED"


@pytest.mark.parametrize("kind", [Channel, ConnectionState, SubscriptionState, BookState, Overflow])
def test_own_words_are_found_by_value_and_by_name(kind: type[enums.WordEnum]) -> None:
    for member in kind:
        assert kind(member.value) is member
        assert kind(member.name) is member
        assert kind(member) is member
        assert member.value in (member.name.lower(), "UNKNOWN")


def test_the_private_channels() -> None:
    assert {channel for channel in Channel if channel.is_private} == {
        Channel.ACCOUNTS,
        Channel.ORDERS,
        Channel.MARGIN_ACCOUNTS,
        Channel.FLASH_ORDERS,
        Channel.COST_PRICES,
        Channel.CASH,
        Channel.POSITIONS,
        Channel.FILLS,
    }
    assert not Channel.INSTRUMENTS.is_private
    assert not Channel("balances").is_private


def test_the_states_of_the_documents() -> None:
    def names(kind: type[Enum]) -> set[str]:
        return {member.name for member in kind} - {"UNKNOWN"}

    assert names(ConnectionState) == {"IDLE", "CONNECTING", "AUTHENTICATING", "READY", "WAITING", "CLOSING", "CLOSED"}
    assert names(SubscriptionState) == {"WANTED", "REQUESTED", "LIVE", "STALE", "ENDED", "REJECTED"}
    assert names(BookState) == {"SYNCING", "LIVE", "STALE"}
    assert names(Overflow) == {"BLOCK", "RESYNC"}

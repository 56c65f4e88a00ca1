"""What a careless exchange does to contract books, and how they come out right again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal as D
from itertools import pairwise
from typing import Any

import pytest
from client_rig import PATIENCE, QUICK, Log, Watched, running
from contract_rig import BTCUSD, BTCUSDT, ETHUSDT, contract, until_follows, until_open

from bigone_sync import (
    BookState,
    Channel,
    ConnectionLost,
    ConnectionState,
    DepthSnapshot,
    DepthUpdate,
    ProtocolError,
    SequenceGap,
)
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

pytestmark = [pytest.mark.one_codec, pytest.mark.usefixtures("nothing_left")]


@pytest.fixture
def still() -> Iterator[LocalExchange]:
    """Nothing happens but what the test does."""
    with LocalExchange(seed=3, rate=0) as exchange:
        yield exchange


Fault = Callable[[LocalExchange], object]


@pytest.mark.parametrize(
    "fault",
    [
        lambda ex: ex.skip_change(BTCUSD),
        lambda ex: ex.skip_change(BTCUSD, 3),
        lambda ex: ex.repeat_change(BTCUSD),
        lambda ex: ex.reorder_changes(BTCUSD),
    ],
    ids=["skip", "skip 3", "repeat", "reorder"],
)
def test_a_broken_chain_is_a_gap_and_redials_that_socket_alone(still: LocalExchange, fault: Fault) -> None:
    client = contract(still)
    watched = Watched(client)  # type: ignore[arg-type]
    events: Log[Any] = Log()
    client.on_depth(BTCUSD, events)
    book, other = client.order_book(BTCUSD), client.order_book(BTCUSDT)
    with running(client):  # type: ignore[type-var]
        fault(still)
        still.step(40)
        watched.errors.wait(1)
        wait_until(lambda: client.stats().channels[f"depth@{BTCUSD}"].reconnects == 1, PATIENCE)
        until_follows(book, still)
        until_follows(other, still)
        assert client.stats().channels[f"depth@{BTCUSDT}"].reconnects == 0
    (error,) = watched.errors
    assert isinstance(error, SequenceGap)
    assert (error.market, error.connection) == (BTCUSD, f"contract/depth@{BTCUSD}")
    (gap,) = watched.gaps
    assert (gap.channel, gap.market) == (Channel.DEPTH, BTCUSD)
    # What was delivered is continuous, with a new snapshot after the hole.
    for before, after in pairwise(events):
        assert isinstance(after, DepthSnapshot) or after.prev_id == before.change_id
    assert len(events.of(DepthSnapshot)) == 2


def test_a_frame_of_another_contract_is_a_protocol_error(still: LocalExchange) -> None:
    client = contract(still)
    watched = Watched(client)  # type: ignore[arg-type]
    book = client.order_book(BTCUSD)
    with running(client):  # type: ignore[type-var]
        still.wrong_symbol(BTCUSD)
        still.step(40)
        (error,) = watched.errors.wait(1)
        assert type(error) is ProtocolError
        assert BTCUSD in str(error)
        until_follows(book, still)
        assert len(watched.gaps) == 1


def test_other_best_prices_once_are_tolerated(still: LocalExchange) -> None:
    client = contract(still)
    watched = Watched(client)  # type: ignore[arg-type]
    book = client.order_book(BTCUSD)
    with running(client):  # type: ignore[type-var]
        still.wrong_best_prices(BTCUSD, 1)
        still.step(60)
        until_follows(book, still)
        assert client.stats().touch_mismatches == 0
        watched.assert_quiet()


def test_other_best_prices_twice_make_the_book_stale_and_redial(still: LocalExchange) -> None:
    client = contract(still)
    watched = Watched(client)  # type: ignore[arg-type]
    states: Log[BookState] = Log()
    client.on_book(BTCUSD, lambda book: states(book.state))
    book = client.order_book(BTCUSD)
    with running(client):  # type: ignore[type-var]
        still.wrong_best_prices(BTCUSD, 2)
        still.step(60)
        watched.gaps.wait(1)
        until_follows(book, still)
        wait_until(lambda: client.stats().touch_mismatches == 1, PATIENCE)
        assert client.stats().channels[f"depth@{BTCUSD}"].reconnects == 1
        assert "best prices" in watched.gaps[0].reason
    assert not watched.errors.items


@pytest.mark.parametrize("how", ["empty", "null", "absent"])
@pytest.mark.parametrize("side", ["BUY", "SELL", None])
def test_one_sided_and_empty_books(still: LocalExchange, how: str, side: str | None) -> None:
    client = contract(still)
    watched = Watched(client)  # type: ignore[arg-type]
    book = client.order_book(BTCUSDT)
    still.null_sides(BTCUSDT, how)
    with running(client):  # type: ignore[type-var]
        still.empty_book(BTCUSDT, side)
        until_follows(book, still)
        assert bool(book.bids()) == (side == "SELL")
        assert bool(book.asks()) == (side == "BUY")
        assert (book.best_bid is None) == (side != "SELL")
    with client_again(still) as (again, late):  # a snapshot of such a book
        until_follows(late, still)
        assert late.is_live
        assert again.state == ConnectionState.READY
    watched.assert_quiet()


class client_again:
    """Another client, ready."""

    def __init__(self, exchange: LocalExchange) -> None:
        self._client = contract(exchange)
        self._book = self._client.order_book(BTCUSDT)

    def __enter__(self) -> tuple[Any, Any]:
        self._client.start()
        self._client.wait_ready(PATIENCE)
        return self._client, self._book

    def __exit__(self, *_: object) -> None:
        self._client.close()


def test_exponents_and_missing_best_prices_change_nothing(still: LocalExchange) -> None:
    client = contract(still)
    watched = Watched(client)  # type: ignore[arg-type]
    book = client.order_book(ETHUSDT)
    still.exponent_prices(ETHUSDT)
    still.omit_best_prices(ETHUSDT)
    with running(client):  # type: ignore[type-var]
        still.step(60)
        until_follows(book, still)
        watched.assert_quiet()


def test_garbage_is_reported_and_the_stream_goes_on(still: LocalExchange) -> None:
    client = contract(still, private=True)
    watched = Watched(client)  # type: ignore[arg-type]
    book = client.order_book(BTCUSD)
    trades: Log[Any] = Log()
    client.on_trade(BTCUSD, trades)
    client.on_order(Log())
    with running(client):  # type: ignore[type-var]
        until_open(still, f"depth@{BTCUSD}", f"trades@{BTCUSD}", "stream")
        for garbage in ("{", "[]", "null", '{"from":"x","to":1}', '[{"id":1}]', '{"positions":5}', "\x00"):
            still.send_contract_raw(garbage)
        still.send_contract_raw('{"pong":1}')
        still.send_contract_raw('{"pong":null}')
        still.step(60)
        until_follows(book, still)
        last = str(still.contract_trades(BTCUSD)[-1].id)
        wait_until(lambda: bool(trades) and trades[-1].id == last, PATIENCE)
        assert client.stats().decode_errors == len(watched.errors.items) >= 7
    assert all(error.connection for error in watched.errors)
    assert not watched.gaps.items


def test_silence_with_answered_pings_keeps_the_socket(still: LocalExchange) -> None:
    client = contract(still, timeouts=QUICK)
    book = client.order_book(BTCUSD)
    with running(client):  # type: ignore[type-var]
        name = f"depth@{BTCUSD}"
        frames = client.stats().channels[name].frames
        rounds: set[float] = set()

        def many_pings() -> bool:
            rtt = client.stats().channels[name].ping_rtt
            if rtt is not None:
                rounds.add(rtt)
            return len(rounds) >= 8

        # Eight pings are more than three times the silence that ends a connection whose pings are not answered.
        wait_until(many_pings, PATIENCE)
        assert client.stats().channels[name].frames == frames
        assert client.stats().reconnects == 0
        until_follows(book, still)


def test_unanswered_pings_replace_the_socket(still: LocalExchange) -> None:
    client = contract(still, timeouts=QUICK)
    watched = Watched(client)  # type: ignore[arg-type]
    book = client.order_book(BTCUSD)
    with running(client):  # type: ignore[type-var]
        still.stop_pongs()
        (error,) = watched.errors.wait(1)[:1]
        assert isinstance(error, ConnectionLost)
        assert error.cause == "silent"
        still.resume_pongs()
        until_follows(book, still)


def test_books_without_a_snapshot_are_dialled_again(still: LocalExchange) -> None:
    client = contract(still, timeouts=QUICK)
    watched = Watched(client)  # type: ignore[arg-type]
    still.mute("contract/depth")
    book = client.order_book(BTCUSD)
    with client:
        (error,) = watched.errors.wait(1)[:1]
        assert isinstance(error, ConnectionLost)
        assert error.cause == "no answer"
        assert book.state == BookState.SYNCING
        still.unmute()
        client.wait_ready(PATIENCE)
        until_follows(book, still)


def test_numbers_keep_every_digit(still: LocalExchange) -> None:
    client = contract(still)
    trades: Log[Any] = Log()
    depth: Log[Any] = Log()
    client.on_trade(BTCUSD, trades)
    client.on_depth(BTCUSD, depth)
    with running(client):  # type: ignore[type-var]
        until_open(still, f"depth@{BTCUSD}", f"trades@{BTCUSD}")
        before = len(trades)
        still.send_contract_raw(
            '[{"id":"exact","symbol":"BTCUSD","price":0.30820388075,"size":123456789012345678901234567890,'
            '"matchedAt":1562301514332,"side":"SELL"}]',
            f"trades@{BTCUSD}",
        )
        trades.wait(before + 1)
        last = depth.items[-1].change_id
        ids = f'"symbol":"BTCUSD","from":{last},"to":{last + 1}'
        still.send_contract_raw(
            f'{{{ids},"lastPrice":11192.5,"bids":{{"4.96E-6":0.1}},"asks":{{}}}}', f"depth@{BTCUSD}"
        )
        (update,) = depth.wait(1, DepthUpdate)
    assert (trades[-1].price, trades[-1].amount) == (D("0.30820388075"), D("123456789012345678901234567890"))
    assert update.last_price == D("11192.5")
    assert next(iter(update.bids))[:2] == (D("0.00000496"), D("0.1"))

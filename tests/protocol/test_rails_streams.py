"""Rails' public streams: books, their changes, trades (Rails protocol, sections 3.5, 3.6, 4.1 and 4.2)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from rails_lines import AT, BOOK, DELTA, NAME, RECENT_TRADES, TRADES, UUID, altered, protocol_of, turned

from bigone_sync.enums import Channel, Side
from bigone_sync.errors import DecodeError, ProtocolError
from bigone_sync.events import DepthSnapshot, DepthUpdate, Levels, LevelText, Trade
from bigone_sync.protocol.base import Problem
from bigone_sync.protocol.rails import RailsProtocol
from bigone_sync.protocol.rails_news import BookDelta, BookLost, BookSnapshot, News, Trades
from bigone_sync.protocol.rails_requests import Dialect

D = Decimal
BIDS = ((D("3181.39"), D("38.98"), None),)
ASKS = ((D("3181.41"), D("38.92"), None),)
FIRST, SECOND = "9eb783a6-7abc-4e94-9d9c-fd404e7580eb", "d65966ab-109c-491f-bb55-a6ccd0453153"


def read(frame: bytes, protocol: RailsProtocol | None = None) -> list[News]:
    return (protocol or protocol_of()).receive([frame], AT)


def trade(
    match_id: str, price: str, amount: str, time: datetime | None, snapshot: bool = False, market: str = "ETH-USDT"
) -> Trade:
    return Trade(match_id, market, D(price), D(amount), Side.BUY, time, snapshot, connection=NAME, received_at=AT)


T1 = datetime(2026, 1, 7, 5, 13, 30, 250000, tzinfo=timezone.utc)
T2 = datetime(2026, 1, 7, 5, 15, 4, 115000, tzinfo=timezone.utc)


class TestBooks:
    def test_a_change(self) -> None:
        (news,) = read(DELTA)
        assert isinstance(news, BookDelta)
        assert news.market == "ETH-USDT"
        assert news.ts == 1772576154169
        assert len(news.digest) == 16
        assert news.update == DepthUpdate("ETH-USDT", BIDS, ASKS)  # type: ignore[arg-type]
        assert (news.update.connection, news.update.received_at) == (NAME, AT)
        assert isinstance(news.update.bids, Levels)
        assert news.update.bids.text() == (LevelText("3181.39", "38.98", None),)

    def test_a_whole_book(self) -> None:
        (news,) = read(BOOK)
        assert isinstance(news, BookSnapshot)
        assert news == BookSnapshot("ETH-USDT", DepthSnapshot("ETH-USDT", BIDS, ASKS), None, None)  # type: ignore[arg-type]
        assert (news.snapshot.connection, news.snapshot.received_at) == (NAME, AT)

    @pytest.mark.parametrize("dialect", list(Dialect))
    @pytest.mark.parametrize(("old", "frame"), [("orderBookDelta", DELTA), ("orderBook", BOOK)])
    def test_names_of_the_older_dialect(self, old: str, frame: bytes, dialect: Dialect) -> None:
        protocol = protocol_of(dialect=dialect)
        other = altered(frame, lambda tree: tree.update(resultType=old))
        assert read(other, protocol) == read(frame, protocol)

    @pytest.mark.parametrize("frame", [DELTA, BOOK, TRADES, RECENT_TRADES])
    @pytest.mark.parametrize(
        "change",
        [
            lambda tree: tree.update(connectionId="KNal9ekeCYcCIBA=", more=[{}]),
            lambda tree: tree["data"].update(more={"x": None}),
            lambda tree: tree.pop("market", None),
            lambda tree: tree.update(market=None),
            lambda tree: tree.update(market=""),
            lambda tree: tree["data"].pop("statusCode"),
            lambda tree: tree["data"].update(statusCode=None),
            lambda tree: tree["data"].update(statusCode="200"),
            lambda tree: tree["data"].update(clientRequestId=None),
            lambda tree: tree["data"].update(clientRequestId=""),
            lambda tree: tree.update(turned(tree)),
            lambda tree: [row.update(userId=7) for row in tree["data"]["orders"]],
            lambda tree: [row.update(turned(row)) for row in tree["data"]["orders"]],
        ],
    )
    def test_what_may_differ_does_not_matter(self, frame: bytes, change: Callable[[Any], None]) -> None:
        assert read(altered(frame, change)) == read(frame)
        assert read(json.dumps(turned(json.loads(altered(frame, change)))).encode()) == read(frame)

    def test_a_snapshot_may_name_its_request_and_time(self) -> None:
        (news,) = read(altered(BOOK, lambda tree: tree["data"].update(clientRequestId=UUID, ts="1772576154169")))
        assert isinstance(news, BookSnapshot)
        assert (news.ts, news.request_id) == (1772576154169, UUID)

    def test_numbers_keep_their_text_also_as_numbers(self) -> None:
        frame = DELTA.replace(b'"3181.41"', b"3181.410").replace(b'"38.92"', b"0.0")
        (news,) = read(frame)
        assert isinstance(news, BookDelta)
        assert isinstance(news.update.asks, Levels)
        assert news.update.asks.text() == (LevelText("3181.410", "0.0", None),)

    def test_empty_ones(self) -> None:
        empty = [read(altered(frame, lambda tree: tree["data"].update(orders=[])))[0] for frame in (BOOK, DELTA)]
        assert isinstance(empty[0], BookSnapshot)
        assert (empty[0].snapshot.bids, empty[0].snapshot.asks) == ((), ())
        assert isinstance(empty[1], BookDelta)
        assert (empty[1].update.bids, empty[1].update.asks) == ((), ())

    @pytest.mark.parametrize(
        "change",
        [
            lambda tree: tree["data"].update(orders=None),
            lambda tree: tree["data"].pop("orders"),
            lambda tree: tree["data"].update(orders={}),
            lambda tree: tree["data"].update(orders=[1]),
            lambda tree: tree["data"].update(ts="soon"),
            lambda tree: tree["data"].update(ts=2**70),
            lambda tree: tree["data"].update(statusCode="fine"),
            lambda tree: tree["data"]["orders"][0].update(orderType="hold"),
            lambda tree: tree["data"]["orders"][0].pop("orderType"),
            *(
                lambda tree, bad=bad, field=field: tree["data"]["orders"][1].update({field: bad})
                for field in ("price", "quantity")
                for bad in ("", "1|2", "-1", "NaN", "1e400", "1_0", "x", None, [], True, "\u0661")
            ),
            lambda tree: tree.pop("data"),
            lambda tree: tree.update(data=None),
            lambda tree: tree.update(data=[]),
            lambda tree: tree.update(market=7),
        ],
    )
    def test_a_change_that_cannot_be_read_loses_the_book(self, change: Callable[[Any], None]) -> None:
        protocol = protocol_of()
        problem, lost = read(altered(DELTA, change), protocol)
        assert isinstance(problem, Problem)
        assert isinstance(problem.error, DecodeError)
        assert problem.error.connection == NAME
        assert "publicOrderBookDelta" in problem.error.excerpt
        assert lost == BookLost("ETH-USDT")
        assert protocol.decode_errors == 1
        assert isinstance(read(DELTA, protocol)[0], BookDelta)

    def test_a_snapshot_that_cannot_be_read_loses_nothing(self) -> None:
        (problem,) = read(altered(BOOK, lambda tree: tree["data"].update(orders=[1])))
        assert isinstance(problem, Problem)

    @pytest.mark.parametrize("kind", ["publicOrderBookDelta", "publicCompletedOrdersDelta"])
    def test_a_change_that_reports_an_error(self, kind: str) -> None:
        data = {"statusCode": 500, "body": "stream failed authorization#secret"}
        found = read(json.dumps({"resultType": kind, "data": data}).encode())
        assert isinstance(found[0], Problem)
        assert type(found[0].error) is ProtocolError
        assert str(found[0].error) == f"{NAME}: {kind} with status 500: stream failed authorization#***"
        assert "secret" not in found[0].error.excerpt
        assert found[1:] == ([BookLost("ETH-USDT")] if kind == "publicOrderBookDelta" else [])


class TestDigests:
    LEVELS = ("buy", "3181.39", "38.98"), ("sell", "3181.41", "38.92"), ("buy", "3181.30", "1"), ("sell", "9", "0")

    @staticmethod
    def digest(levels: Any = LEVELS, ts: int | None = 1, market: str = "ETH-USDT", **more: Any) -> bytes:
        orders = [{"orderType": side, "price": price, "quantity": quantity} for side, price, quantity in levels]
        frame = {"resultType": "publicOrderBookDelta", "market": market, "data": {"orders": orders, "ts": ts}}
        (news,) = protocol_of("ALL").receive([json.dumps({**frame, **more}).encode()], AT)
        assert isinstance(news, BookDelta)
        return news.digest

    def test_order_does_not_matter(self) -> None:
        assert self.digest() == self.digest(self.LEVELS[::-1])
        other = altered(DELTA, lambda tree: tree["data"]["orders"].reverse())
        again = json.dumps(turned(json.loads(other))).encode()
        assert len({news.digest for frame in (DELTA, other, again) for news in read(frame)}) == 1  # type: ignore[union-attr]

    def test_all_else_does(self) -> None:
        one = (("buy", "1", "2"),)
        found = [
            self.digest(one),
            self.digest(one, ts=2),
            self.digest(one, ts=None),
            self.digest(one, market="ETH-USD"),
            self.digest((("sell", "1", "2"),)),
            self.digest((("buy", "1.0", "2"),)),
            self.digest((("buy", "1", "2.0"),)),
            self.digest((("buy", "1", "2"), ("buy", "1", "2"))),
            self.digest((("buy", "1", "2"), ("buy", "1", "3"))),
            self.digest((("buy", "1", "3"), ("buy", "1", "2"))),
            self.digest(()),
        ]
        assert len(set(found)) == len(found)

    def test_the_connection_does_not_matter(self) -> None:
        other = RailsProtocol(connection="rails/2", market="ETH-USDT", make_id=lambda: UUID)
        (first,), (second,) = read(DELTA), other.receive([DELTA], AT + 1)
        assert isinstance(first, BookDelta)
        assert isinstance(second, BookDelta)
        assert first.digest == second.digest
        assert self.digest(connectionId="x") == self.digest()

    def test_a_market_named_or_not(self) -> None:
        (named,), (not_named,) = read(DELTA), read(altered(DELTA, lambda tree: tree.pop("market")))
        assert named == not_named


class TestTrades:
    def test_new_ones(self) -> None:
        (news,) = read(TRADES)
        assert news == Trades(
            "ETH-USDT",
            [
                ((FIRST, "taker", "buy"), trade(FIRST, "3181.41", "0.01", T1)),
                ((SECOND, "maker", "sell"), trade(SECOND, "3181.42", "0.02", T2)),
            ],
            is_snapshot=False,
            request_id=None,
        )

    def test_the_latest(self) -> None:
        (news,) = read(altered(RECENT_TRADES, lambda tree: tree["data"].update(clientRequestId=UUID)))
        row = ((FIRST, "taker", "buy"), trade(FIRST, "3181.41", "0.01", T1, snapshot=True))
        assert news == Trades("ETH-USDT", [row], is_snapshot=True, request_id=UUID)

    @pytest.mark.parametrize("dialect", list(Dialect))
    @pytest.mark.parametrize(("old", "frame"), [("completedOrdersDelta", TRADES), ("completedOrders", RECENT_TRADES)])
    def test_names_of_the_older_dialect(self, old: str, frame: bytes, dialect: Dialect) -> None:
        protocol = protocol_of(dialect=dialect)
        assert read(altered(frame, lambda tree: tree.update(resultType=old)), protocol) == read(frame, protocol)

    @pytest.mark.parametrize(
        ("role", "side", "taker"),
        [
            ("taker", "buy", Side.BUY),
            ("taker", "sell", Side.SELL),
            ("maker", "buy", Side.SELL),
            ("maker", "sell", Side.BUY),
            ("taker", None, Side.UNKNOWN),
            ("maker", "hold", Side.UNKNOWN),
            (None, "buy", Side.UNKNOWN),
            ("both", "buy", Side.UNKNOWN),
        ],
    )
    def test_who_took(self, role: str | None, side: str | None, taker: Side) -> None:
        def change(tree: Any) -> None:
            tree["data"]["orders"][0].update(executionType=role, orderType=side)

        (news,) = read(altered(RECENT_TRADES, change))
        assert isinstance(news, Trades)
        ((key, made),) = news.rows
        assert key == (FIRST, role, side)
        assert made.taker_side == taker

    @pytest.mark.parametrize("times", [[1, 2, 3], [3, 2, 1], [2, 3, 1], [5, 5, 4]])
    def test_oldest_first(self, times: list[int]) -> None:
        def change(tree: Any) -> None:
            rows = [{**tree["data"]["orders"][0], "updatedAt": time, "matchId": str(i)} for i, time in enumerate(times)]
            tree["data"]["orders"] = rows

        (news,) = read(altered(RECENT_TRADES, change))
        assert isinstance(news, Trades)
        found = [times[int(made.id)] for _, made in news.rows]
        assert found == sorted(times)
        if times == [5, 5, 4]:
            assert [made.id for _, made in news.rows] == ["2", "1", "0"]

    def test_without_times_the_order_stays(self) -> None:
        (news,) = read(altered(TRADES, lambda tree: tree["data"]["orders"][1].update(updatedAt=0)))
        assert isinstance(news, Trades)
        assert [made.time for _, made in news.rows] == [T1, None]

    @pytest.mark.parametrize(
        "change",
        [
            *(
                lambda row, field=field, bad=bad: row.update({field: bad})
                for field in ("matchId", "price", "quantity")
                for bad in (None, "", [], {})
            ),
            lambda row: row.update(matchId=7),
            lambda row: row.update(price="MARKET"),
            lambda row: row.update(updatedAt="now"),
            lambda row: row.update(updatedAt=2**62),
            lambda row: row.update(orderType="0"),
            lambda row: row.clear(),
        ],
    )
    def test_one_bad_row_does_not_take_the_others_along(self, change: Callable[[Any], None]) -> None:
        protocol = protocol_of()
        problem, news = read(altered(TRADES, lambda tree: change(tree["data"]["orders"][0])), protocol)
        assert isinstance(problem, Problem)
        assert isinstance(problem.error, DecodeError)
        assert isinstance(news, Trades)
        assert [made.id for _, made in news.rows] == [SECOND]
        assert protocol.decode_errors == 1

    def test_nothing_left_of_new_ones_is_no_news_but_a_snapshot_is(self) -> None:
        def change(tree: Any) -> None:
            tree["data"]["orders"] = [{}, 1]

        assert [type(news) for news in read(altered(TRADES, change))] == [Problem, Problem]
        assert [type(news) for news in read(altered(RECENT_TRADES, change))] == [Problem, Problem, Trades]


class TestMarkets:
    @pytest.mark.parametrize("frame", [BOOK, DELTA, TRADES, RECENT_TRADES])
    def test_another_market_is_counted_and_dropped(self, frame: bytes) -> None:
        protocol = protocol_of("ETH-USD")
        assert read(altered(frame, lambda tree: tree.update(market="BTC-USD")), protocol) == []
        assert protocol.unrouted == 1

    @pytest.mark.parametrize("frame", [BOOK, DELTA, TRADES, RECENT_TRADES])
    def test_all_of_them(self, frame: bytes) -> None:
        protocol = protocol_of("ALL")
        (news,) = read(altered(frame, lambda tree: tree.update(market="BTC-USD")), protocol)
        assert news.market == "BTC-USD"  # type: ignore[union-attr]
        assert protocol.unrouted == 0

    @pytest.mark.parametrize(("channel", "frame"), [(Channel.DEPTH, BOOK), (Channel.TRADES, RECENT_TRADES)])
    def test_a_snapshot_is_of_the_market_it_was_asked_for(self, channel: Channel, frame: bytes) -> None:
        protocol = protocol_of("ALL")
        first, _ = protocol.requests.snapshot(channel, "A-USD")
        protocol.requests.snapshot(channel, "B-USD")
        (news,) = read(altered(frame, lambda tree: tree["data"].update(clientRequestId=first)), protocol)
        assert (news.market, news.request_id) == ("A-USD", first)  # type: ignore[union-attr]
        (news,) = read(frame, protocol)
        assert (news.market, news.request_id) == ("B-USD", None)  # type: ignore[union-attr]
        (problem,) = read(frame, protocol)
        assert isinstance(problem, Problem)
        assert protocol.unrouted == 1

    def test_a_new_socket_answers_nothing(self) -> None:
        protocol = protocol_of("ALL")
        protocol.requests.snapshot(Channel.DEPTH, "A-USD")
        protocol.opened()
        assert isinstance(read(BOOK, protocol)[0], Problem)

    def test_a_refused_snapshot_waits_no_more(self) -> None:
        protocol = protocol_of("ALL")
        first, _ = protocol.requests.snapshot(Channel.DEPTH, "A-USD")
        protocol.requests.snapshot(Channel.DEPTH, "B-USD")
        refusal = {"resultType": "publicOrderBook", "data": {"statusCode": 400, "clientRequestId": first}}
        read(json.dumps(refusal).encode(), protocol)
        (news,) = read(BOOK, protocol)
        assert isinstance(news, BookSnapshot)
        assert news.market == "B-USD"

    def test_of_an_unknown_market(self) -> None:
        protocol = protocol_of("ALL")
        nameless = altered(DELTA, lambda tree: tree.pop("market"))
        problem, lost = read(nameless, protocol)
        assert isinstance(problem, Problem)
        assert type(problem.error) is ProtocolError
        assert "publicOrderBookDelta names no market" in str(problem.error)
        assert "publicOrderBookDelta" in problem.error.excerpt
        assert lost == BookLost(None)
        assert read(nameless, protocol) == [BookLost(None)]
        assert len(read(altered(TRADES, lambda tree: tree.pop("market")), protocol)) == 1
        assert protocol.unrouted == 3
        protocol.opened()
        assert len(read(nameless, protocol)) == 2

    def test_which_book_a_broken_frame_loses(self) -> None:
        protocol = protocol_of("ALL")
        assert read(DELTA.replace(b'"38.98"', b"null"), protocol)[1] == BookLost("ETH-USDT")
        assert read(DELTA[:-10], protocol)[1] == BookLost(None)

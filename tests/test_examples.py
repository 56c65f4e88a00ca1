"""Every example, run as a user runs it, against a local exchange; what it prints is compared with the exchange."""

from __future__ import annotations

import ast
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from bigone_sync.testing import FaultProxy, LocalExchange
from bigone_sync.testing.leaks import wait_until

MARKET, SYMBOL = "BTC-USDT", "BTCUSDT"
CONTRACT = "contract_bot"
OWN_EXCHANGE = "rails_orders"
ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.py"))
ACCOUNT = {"BIGONE_API_KEY": "key", "BIGONE_API_SECRET": "secret"}
LONG, SHORT = "120", "6"  # seconds; the short time is for all of them, started at once
NUMBER = r"(\d+(?:\.\d+)?)"

Run = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with LocalExchange(seed=1) as exchange:
        yield exchange


@pytest.fixture
def still() -> Iterator[LocalExchange]:
    """Nothing happens but what the test does."""
    with LocalExchange(seed=1, rate=0, balances={"BTC": D(10), "USDT": D(1_000_000), "ETH": D(0)}) as exchange:
        yield exchange


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run(name, exchange)``: the running example, as a context manager."""
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "cli"))
    from cli_process import running

    def start(name: str, exchange: LocalExchange, seconds: str = LONG, **extra: str) -> AbstractContextManager[Any]:
        urls = {"BIGONE_SPOT_URL": exchange.spot_url, "BIGONE_CONTRACT_URL": exchange.contract_url}
        settings = {**urls, "BIGONE_EXAMPLE_SECONDS": seconds, **ACCOUNT, **extra}
        context: AbstractContextManager[Any] = running(f"examples/{name}.py", **settings)
        return context

    return start


def ends_well(process: Any) -> None:
    """Ctrl-C ends it without a traceback."""
    process.interrupt()
    assert process.wait() == 0, process.text
    assert "Traceback" not in process.text


def traded(exchange: LocalExchange, market: str = MARKET) -> set[tuple[D, D]]:
    """Amount and price of all trades so far."""
    return {(trade.amount, trade.price) for trade in exchange.trades(market)}


def test_there_are_eleven_and_the_list_names_them_all() -> None:
    listed = (ROOT / "examples" / "README.md").read_text()
    assert sorted(re.findall(r"^- \[`(\w+)\.py`\]\(\1\.py\): ", listed, re.MULTILINE)) == EXAMPLES
    assert len(EXAMPLES) == 11
    for name in EXAMPLES:
        assert len((ROOT / "examples" / f"{name}.py").read_text().splitlines()) < 60, name


def prints(tree: ast.AST) -> bool:
    """Whether ``print`` is called somewhere in it."""
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(isinstance(called, ast.Name) and called.id == "print" for called in calls)


@pytest.mark.parametrize("name", EXAMPLES)
def test_two_threads_do_not_write_into_each_others_lines(name: str) -> None:
    """print() writes the parts of a line one by one: where handlers and the main thread print, ``say`` does it."""
    tree = ast.parse((ROOT / "examples" / f"{name}.py").read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name != "say"]
    blocks = [node for node in tree.body if isinstance(node, ast.With)]
    assert not (any(map(prints, functions)) and any(map(prints, blocks)))


def test_each_ends_by_itself(run: Run, exchange: LocalExchange) -> None:
    with ExitStack() as stack:
        processes = {name: stack.enter_context(run(name, exchange, SHORT)) for name in EXAMPLES}
        for name, process in processes.items():
            assert process.wait() == 0, f"{name}:\n{process.text}"
            assert process.lines, name
            assert "Traceback" not in process.text, f"{name}:\n{process.text}"
    wait_until(lambda: exchange.connection_count == 0)


def test_the_url_may_be_the_argument(exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "cli"))
    from cli_process import running

    spot = [name for name in EXAMPLES if name not in (CONTRACT, OWN_EXCHANGE)]
    # Wins over the environment, where nobody listens.
    nowhere = {"BIGONE_SPOT_URL": "ws://127.0.0.1:1/", "BIGONE_CONTRACT_URL": "ws://127.0.0.1:1/"}
    with ExitStack() as stack:
        for name in (*spot, CONTRACT):
            url = exchange.contract_url if name == CONTRACT else f"{exchange.spot_url}?from={name}"
            stack.enter_context(running(f"examples/{name}.py", url, BIGONE_EXAMPLE_SECONDS=LONG, **nowhere, **ACCOUNT))
        wait_until(
            lambda: len({number for number, request in exchange.requests}) >= len(spot), 60, message="not all came"
        )
        wait_until(lambda: len(exchange.contract_connections()) == 2, 60, message="the contract bot did not come")


def test_legacy_callbacks(run: Run, exchange: LocalExchange) -> None:
    with run("legacy_callbacks", exchange) as process:
        process.wait_for("ETH-USDT  last ")
        process.wait_for("BTC-USDT  last ")
        process.wait_for("ETH-USDT  BUY")
        # 20 trades come with the snapshot; this many only if new ones come, too.
        wait_until(lambda: process.text.count("BTC-USDT  SELL") + process.text.count("BTC-USDT  BUY") > 25, 60)
        exchange.pause()
        printed = re.findall(rf"^(\S+)  (?:BUY|SELL)  {NUMBER} @ {NUMBER}$", process.text, re.MULTILINE)
        for market in (MARKET, "ETH-USDT"):
            assert {(D(a), D(p)) for name, a, p in printed if name == market} <= traded(exchange, market)


def test_decorators(run: Run, exchange: LocalExchange) -> None:
    with run("decorators", exchange) as process:
        process.wait_for("book ", "bids", "asks")
        process.wait_for("change ", "number 9007199")
        process.wait_for("candle ", "+00:00  open 6")
        wait_until(lambda: process.text.count("trade ") > 6, 60)
        exchange.pause()
        printed = re.findall(rf"^trade   (?:BUY|SELL) {NUMBER} @ {NUMBER}$", process.text, re.MULTILINE)
        assert {(D(amount), D(price)) for amount, price in printed} <= traded(exchange)
        ends_well(process)


def test_orders_bot(run: Run, still: LocalExchange) -> None:
    with run("orders_bot", still) as process:
        process.wait_for("BTC: 10")
        process.wait_for("logged in")
        price = next(iter(still.book(MARKET).bids)) - 1
        order = still.place_order(MARKET, "BID", price=price, amount="2")
        process.wait_for(f"order {order}: BUY 2 @ {price}, PENDING")
        still.fill_order(order, "0.5")
        process.wait_for(order, "PENDING, 0.5", "filled so far")
        still.cancel_order(order)
        process.wait_for(order, "CANCELLED, 0.5", f"filled at {price}", "done")
        process.wait_for("BTC: 10.4995")  # less the fee
        still.drop_connections()
        process.wait_for(f"known order {order}", "CANCELLED")
        assert "may have been missed" not in process.text
        ends_well(process)


def test_orders_bot_with_wrong_credentials_says_so(run: Run, still: LocalExchange) -> None:
    with run("orders_bot", still, BIGONE_API_SECRET="not-this-one") as process:
        assert process.wait() == 1
        assert "AuthenticationError" in process.lines[-1]
        assert "not-this-one" not in process.text


def test_contract_bot(run: Run, still: LocalExchange) -> None:
    with run("contract_bot", still) as process:
        process.wait_for("ready: stream, depth@BTCUSDT")
        book = still.contract_book(SYMBOL)
        bid, ask = next(iter(book.bids)), next(iter(book.asks))
        order = still.place_contract_order(SYMBOL, "BUY", 5, price=bid)
        process.wait_for(f"order {order}: BUY 5 @ {bid}, NEW, 0 filled")
        still.fill_contract_order(order, 2)
        process.wait_for(f"order {order}", "PARTIALLY_FILLED, 2 filled")
        process.wait_for(f"position: 2 contracts at {bid}")
        still.cancel_contract_order(order)
        process.wait_for(f"order {order}", "PARTIALLY_CANCELED, 2 filled, done")
        process.wait_for("2 contracts could be closed at", "spread")
        still.skip_change(SYMBOL)
        still.step(20, SYMBOL)
        process.wait_for("something may have been missed: DEPTH BTCUSDT: sequence gap")
        resting = still.place_contract_order(SYMBOL, "BUY", 5, price=bid - 100)
        process.wait_for(f"order {resting}: BUY 5 @ {bid - 100}, NEW, 0 filled")
        still.take_down()
        still.cancel_contract_order(resting)
        still.bring_up()
        process.wait_for(f"order {resting}", "CANCELLED, 0 filled, done")
        assert "something may have been missed: ORDERS" not in process.text
        still.place_contract_order(SYMBOL, "SELL", 2, type="MARKET")
        process.wait_for("position: 0 contracts")
        assert ask > bid
        ends_well(process)


def test_contract_bot_with_wrong_credentials_says_so(run: Run, still: LocalExchange) -> None:
    with run("contract_bot", still, BIGONE_API_SECRET="not-this-one") as process:
        assert process.wait() == 1
        assert "AuthenticationError" in process.lines[-1]
        assert "not-this-one" not in process.text


def test_socket_orders(run: Run, still: LocalExchange) -> None:
    with run("socket_orders", still) as process:
        process.wait_for("BTC-USDT: prices have ")
        process.wait_for("BUY 0.5 @ 1, PENDING")
        process.wait_for("BUY 0.5 @ 1, CANCELLED")
        ends_well(process)
    assert [(order.amount, order.state) for order in still.orders()] == [(D("0.5"), "CANCELLED")]


def test_socket_orders_says_what_is_known_when_it_fails(run: Run, still: LocalExchange) -> None:
    still.reject("createOrderRequest", message="GRPC error: not today")
    with run("socket_orders", still) as process:
        process.wait_for("refused: GRPC error: not today (code 45000)")
        ends_well(process)
    still.lose_replies(carry_out=False, drop=True)
    with run("socket_orders", still) as process:
        process.wait_for("it may be there or not, look at your orders: ", "was sent")
        ends_well(process)
    assert still.orders() == []


def test_socket_orders_needs_to_be_told_where(run: Run, still: LocalExchange) -> None:
    with run("socket_orders", still, BIGONE_SPOT_URL="") as process:
        assert process.wait() == 1
        assert process.lines == ["these are real orders: name the exchange's URL"]


def until_it_rests(process: Any) -> None:
    """Wait until the bot has just placed an order, and waits: Ctrl-C does not fall into a request then.

    A socket that a request was just about to take over would be closed by Python, with a warning that is an error here.
    """
    before = process.text.count("placed ")
    wait_until(lambda: process.text.count("placed ") > before, 60, message="no more orders were placed")


def test_order_watch_bot(run: Run, exchange: LocalExchange) -> None:
    with FaultProxy(exchange.spot_url) as proxy, run("order_watch_bot", exchange, BIGONE_SPOT_URL=proxy.url) as process:
        first = process.wait_for("placed ").removeprefix("placed ")
        process.wait_for(f"{first}: 0.01", "CANCELLED, 0")
        proxy.refuse()
        proxy.cut()
        # While nobody listens, one is placed and filled by other means, and the bot cannot place any.
        other = exchange.place_order(MARKET, "BID", price=max(exchange.book(MARKET).bids), amount="0.5")
        exchange.fill_order(other)
        process.wait_for("Error: ")
        proxy.refuse(False)
        process.wait_for(f"{other}: 0.5", "FILLED, 0.5")
        again = len(exchange.orders())
        wait_until(lambda: len(exchange.orders()) > again + 1, 60, message="no more orders were placed")
        until_it_rests(process)
        ends_well(process)
        printed = re.findall(rf"^(\d+): {NUMBER} @ {NUMBER}, (\w+), {NUMBER} filled$", process.text, re.MULTILINE)
        told = {number: (D(amount), D(price), state, D(filled)) for number, amount, price, state, filled in printed}
        *ended, _ = exchange.orders()  # the last one may have been placed while Ctrl-C came
        for order in ended:
            assert told[order.id] == (order.amount, order.price, order.state, order.filled_amount)
        assert {order.state for order in ended} >= {"CANCELLED", "FILLED"}
        bid = max(exchange.book(MARKET).bids)
        assert all(order.price is not None and order.price < bid for order in ended if order.id != other)


def test_order_watch_bot_finds_an_order_whose_answer_was_lost(run: Run, exchange: LocalExchange) -> None:
    exchange.fail_rest("drop", method="POST", path="/viewer/orders", carry_out=True)
    with run("order_watch_bot", exchange) as process:
        number = process.wait_for("placed ").removeprefix("placed ")
        process.wait_for(f"{number}: 0.01", "CANCELLED, 0")
        until_it_rests(process)
        ends_well(process)
        assert exchange.orders()[0].id == number


def test_order_watch_bot_needs_to_be_told_where(run: Run, still: LocalExchange) -> None:
    with run("order_watch_bot", still, BIGONE_SPOT_URL="") as process:
        assert process.wait() == 1
        assert process.lines == ["name the exchange's URL"]


def test_without_callbacks(run: Run, exchange: LocalExchange) -> None:
    with run("without_callbacks", exchange) as process:
        wait_until(lambda: len(process.lines) > 8, 60, message="no trades")
        ends_well(process)
        *rows, last = process.lines
    printed = [re.fullmatch(rf"\S+ \S+  (?:BUY|SELL)  {NUMBER} @ {NUMBER}  sum {NUMBER}", row) for row in rows]
    found = [match.groups() for match in printed if match is not None]
    assert len(found) == len(rows)
    total = sum((D(amount) for amount, _, _ in found), D(0))
    assert D(found[-1][2]) == total
    # Ctrl-C may fall between a trade and its line.
    match = re.fullmatch(rf"(\d+) trades, {NUMBER} in all", last)
    assert match is not None
    assert int(match[1]) in (len(rows), len(rows) + 1)
    assert D(match[2]) >= total
    assert {(D(amount), D(price)) for amount, price, _ in found} <= traded(exchange)


def test_own_loop(run: Run, exchange: LocalExchange) -> None:
    with run("own_loop", exchange) as process:
        wait_until(lambda: len(process.lines) >= 3, 60, message="no reports")
        ends_well(process)
        matches = [re.fullmatch(r"(\d+) bought, (\d+) sold, (\d+) changes of the book", row) for row in process.lines]
    rows = [[int(number) for number in match.groups()] for match in matches if match is not None]
    assert len(rows) == len(matches)
    assert rows == sorted(rows)
    assert rows[-1][0] + rows[-1][1] >= 20
    assert rows[-1][2] > rows[0][2] > 0


def test_kept_book(run: Run, exchange: LocalExchange) -> None:
    with run("kept_book", exchange) as process:
        process.wait_for("bid ", "ask ", "spread ", "mid ")
        exchange.pause()
        book = exchange.book(MARKET)
        bids, asks = list(book.bids.items())[:5], list(book.asks.items())[:5]
        process.wait_for(f"bid {bids[0][0]}  ask {asks[0][0]}  spread {asks[0][0] - bids[0][0]}")
        for name, levels in (("bids", bids), ("asks", asks)):
            process.wait_for(f"   {name} " + ", ".join(f"{amount} @ {price}" for price, amount in levels))
        exchange.take_down()
        process.wait_for("the book is STALE")
        ends_well(process)


def test_errors_and_states(run: Run, still: LocalExchange) -> None:
    with run("errors_and_states", still) as process:
        process.wait_for("trade ", " @ ")
        process.wait_for("spot/trades: AUTHENTICATING -> READY")
        still.take_down()
        process.wait_for("spot/trades: READY -> WAITING, next attempt in")
        process.wait_for("ConnectionLost: ")
        still.step(1_000, MARKET)
        still.bring_up()
        # Only the last trade is asked for, and those before it are more than REST tells: that is said.
        process.wait_for("missing: TRADES BTC-USDT from 20")
        ends_well(process)
        assert re.fullmatch(r"\d+ frames, \d+ events delivered, 1 reconnects", process.lines[-1])


def test_errors_and_states_when_nobody_listens(run: Run, still: LocalExchange) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        url = f"ws://127.0.0.1:{taken.getsockname()[1]}/ws/v2"
        with run("errors_and_states", still, "2", BIGONE_SPOT_URL=url) as process:
            assert process.wait() == 1
            assert "not connected: " in process.text
            assert "ConnectError: " in process.text
            assert "Traceback" not in process.text


def test_errors_and_states_when_refused(run: Run, still: LocalExchange) -> None:
    still.reject("subscribeMarketTradesRequest", message="GRPC error: no such market", times=None)
    with run("errors_and_states", still) as process:
        assert process.wait() == 1
        assert "refused for good: " in process.text
        assert "no such market" in process.text


def test_rails_orders(run: Run, exchange: LocalExchange) -> None:
    with run("rails_orders", exchange) as process:
        assert process.wait() == 0, process.text
        text = process.text
    told = [
        r"createOrder 202: (\w{4}) PENDING, 0 filled",
        r"createOrder 200: \w{4} ACTIVE, 0 filled",
        r"modifyOrder 200: \w{4} MODIFIED",
        r"createOrder 200: \w{4} ACTIVE",
        r"cancelOrder 200: \w{4} CANCELLED",
        r"rejectOrder 400: \w{4} REJECTED",
        r"completeFillOrder 200: \w{4} FILLED, 0\.1 filled",
    ]
    returned = [
        "cancelled while it is being filled: 409 ",
        r"cancelled \w{26}$",
        "cancelled after it was filled: 404 ",
        "sent, and the connection was lost; REST says ACTIVE",
        "too many in a minute: 429 ",
        r"not even sent: there is room in \d+ s",
    ]
    # What commands return and what handlers are told comes on two threads: each in its order.
    for story, start in ((told, "    "), (returned, "")):
        lines = [line for line in text.splitlines() if line.startswith("    ") is bool(start)]
        for part in story:
            found = next((number for number, line in enumerate(lines) if re.match(start + part, line)), None)
            assert found is not None, f"{part}:\n{text}"
            del lines[: found + 1]
    assert "Traceback" not in text

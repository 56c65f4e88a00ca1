"""What the local exchange refuses: calls, credentials, tokens of a clock that is off; and many threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from local_rig import BTC, KEYS, buy, contract_rest, count, nonces, spot_rest
from rest_rig import Task

from bigone_sync import ContractRest, Credentials, OrderState, SpotRest
from bigone_sync.errors import RestError
from bigone_sync.testing.exchange import LocalExchange

SYMBOL = "BTCUSDT"


# -- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "status", "code", "words"),
    [
        (lambda rest: rest.ticker("NO-USDT"), 404, 10013, "no asset pair"),
        (lambda rest: rest.order(17), 404, 10013, "no order"),
        (lambda rest: rest.cancel_order(client_order_id="x"), 404, 10013, "no order"),
        (lambda rest: rest.create_order(BTC, "sell", amount="99999999", price=100), 400, 10014, "Insufficient"),
        (lambda rest: [buy(rest), buy(rest)], 400, 54041, "Duplicate"),
        (lambda rest: rest.account("NOTHING"), 404, 10013, "no asset"),
    ],
)
def test_refusals_of_spot(
    exchange: LocalExchange, rest: SpotRest, call: Callable[[SpotRest], Any], status: int, code: int, words: str
) -> None:
    with pytest.raises(RestError, match=words) as caught:
        call(rest)
    error = caught.value
    assert (error.status_code, error.code, error.anomaly) == (status, code, "")
    assert words in error.reason
    assert error.url.startswith(exchange.rest_url())
    assert f"code {code}" in str(error)


@pytest.mark.parametrize(
    ("call", "status", "anomaly"),
    [
        (lambda rest: rest.depth("NOTHING"), 400, ""),
        (lambda rest: rest.order("nothing"), 404, ""),
        (
            lambda rest: rest.create_order(SYMBOL, "buy", size=1, price=2_000_000),
            400,
            "anomaly.order/price-out-of-range",
        ),
        (lambda rest: list(rest.orders("NOTHING")), 400, ""),
    ],
)
def test_refusals_of_contracts(
    exchange: LocalExchange, contracts: ContractRest, call: Callable[[ContractRest], Any], status: int, anomaly: str
) -> None:
    with pytest.raises(RestError) as caught:
        call(contracts)
    error = caught.value
    assert (error.status_code, error.code, error.anomaly) == (status, None, anomaly)
    assert error.url.startswith(exchange.rest_url("contract"))
    assert anomaly in str(error)


def test_credentials_that_are_refused(exchange: LocalExchange, caplog: pytest.LogCaptureFixture) -> None:
    wrong = Credentials(KEYS.api_key, "a-wrong-secret")
    found: list[int] = []
    url = exchange.rest_url
    with SpotRest(wrong, url=url()) as spot, ContractRest(wrong, url=url("contract")) as contracts:
        for rest, status, code, anomaly in (
            (spot, 401, 40004, ""),
            (contracts, 403, None, "anomaly.token/invalid"),
        ):
            with pytest.raises(RestError) as caught:
                rest.accounts()
            error = caught.value
            assert (error.status_code, error.code, error.anomaly) == (status, code, anomaly)
            for text in (str(error), repr(error), error.reason, caplog.text):
                assert "eyJ" not in text
                assert wrong.api_secret not in text
            found.append(status)
    assert found == [401, 403]


# -- clocks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skew", [300, -300])
def test_a_clock_that_is_minutes_off(exchange: LocalExchange, skew: int) -> None:
    exchange.clock_offset = skew
    with spot_rest(exchange) as rest, contract_rest(exchange) as contracts:
        order = buy(rest)
        assert rest.cancel_order(order.id).state is OrderState.CANCELLED
        assert contracts.accounts()
    assert {request.status for request in exchange.rest_requests} == {200}


@pytest.mark.parametrize("skew", [300, -300])
def test_a_clock_that_is_set_meanwhile(exchange: LocalExchange, rest: SpotRest, skew: int) -> None:
    assert rest.accounts()
    exchange.clock_offset = skew
    # A read is refused, the clock read again, and the read made once more.
    assert rest.accounts()
    assert count(exchange, "GET", "/viewer/accounts") == 3
    assert buy(rest).client_order_id == "mine"


def test_an_order_is_not_sent_again_when_the_clock_was_off(exchange: LocalExchange, rest: SpotRest) -> None:
    exchange.clock_offset = 300
    with pytest.raises(RestError) as caught:
        buy(rest)
    assert (caught.value.status_code, caught.value.code) == (401, 40004)
    assert count(exchange, "POST", "/viewer/orders") == 1
    assert exchange.orders() == []
    assert buy(rest).client_order_id == "mine"


# -- many threads -------------------------------------------------------------------------------------------------


def test_many_threads_with_one_object(exchange: LocalExchange, rest: SpotRest) -> None:
    threads, rounds = 8, 10
    found = nonces(rest)
    gate = threading.Barrier(threads)

    def work(number: int) -> list[str]:
        gate.wait(10)
        ids = []
        for turn in range(rounds):
            order = buy(rest, f"{number}-{turn}")
            assert order.client_order_id == f"{number}-{turn}"
            assert rest.cancel_order(order.id).id == order.id
            ids.append(order.id)
        return ids

    tasks = [Task(lambda number=number: work(number)) for number in range(threads)]
    results = [task.join() for task in tasks]
    assert [task.error for task in results] == [None] * threads
    ids = [order_id for task in results for order_id in task.result]
    assert len(set(ids)) == threads * rounds
    assert {(view.id, view.state) for view in exchange.orders()} == {(order_id, "CANCELLED") for order_id in ids}
    assert len(found) == len(set(found)) == 2 * threads * rounds
    assert {request.status for request in exchange.rest_requests} == {200}


def test_many_threads_while_it_misbehaves(exchange: LocalExchange, rest: SpotRest) -> None:
    order = buy(rest)
    with spot_rest(exchange, retries=10) as patient:
        patient.clock_offset(1)
        for kind in ("500", "drop", "cut_body", "503"):
            exchange.fail_rest(kind, times=2, method="GET")  # all together fewer than one call has attempts
        tasks = [Task(lambda: patient.order(client_order_id="mine")) for _ in range(8)]
        assert [task.join().error for task in tasks] == [None] * 8
        assert all(task.result == order for task in tasks)
    assert count(exchange, "GET", "/viewer/order") == 16

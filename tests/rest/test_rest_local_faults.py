"""REST when the local exchange misbehaves: reads and cancels come right, orders go out once, errors tell what was."""

from __future__ import annotations

import pytest
from local_rig import BTC, HASTY, buy, count, nonces, spot_rest
from rest_rig import Task

from bigone_sync import ContractRest, OrderState, OutcomeUnknown, SpotRest
from bigone_sync.errors import DecodeError, RestError
from bigone_sync.rest.base import BaseRest
from bigone_sync.testing._rest_contract_margin import MIN_RISK
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

SYMBOL = "BTCUSDT"
RETRIED = ["500", "503", "429", "drop", "cut_body", "html"]
"""After which a read or a cancel is tried again."""
UNREADABLE = ["cut_json", "empty"]
"""Answers of status 200 that nothing can be made of."""


# -- reads and cancels --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("kind", RETRIED)
def test_a_read_is_tried_again(exchange: LocalExchange, rest: SpotRest, kind: str, times: int) -> None:
    order = buy(rest)
    found = nonces(rest)
    exchange.fail_rest(kind, times=times, path="/viewer/orders/")
    assert rest.order(order.id) == order
    assert count(exchange, "GET", f"/viewer/orders/{order.id}") == times + 1 == len(set(found))


@pytest.mark.parametrize("kind", RETRIED)
def test_a_read_of_contracts_is_tried_again(exchange: LocalExchange, contracts: ContractRest, kind: str) -> None:
    found = nonces(contracts)
    exchange.fail_rest(kind, times=2, path="/orders")
    assert list(contracts.orders()) == []
    assert count(exchange, "GET", "/orders") == 3 == len(set(found))


def test_a_slow_answer_is_awaited(exchange: LocalExchange, rest: SpotRest) -> None:
    before = count(exchange, "GET", "/ping")
    exchange.fail_rest("slow", pause=0.0001)
    assert rest.server_time()
    assert count(exchange, "GET", "/ping") == before + 1


@pytest.mark.parametrize("kind", ["hang", "slow"])
def test_a_read_that_gets_no_answer_in_time(exchange: LocalExchange, kind: str) -> None:
    exchange.fail_rest(kind, times=None, pause=3600)
    with spot_rest(exchange, timeouts=HASTY, retries=0) as rest, pytest.raises(RestError) as caught:
        rest.ticker(BTC)
    assert (caught.value.status_code, caught.value.reason) == (None, "timeout")
    assert caught.value.url == f"{exchange.rest_url()}/asset_pairs/{BTC}/ticker"


def test_a_read_that_hangs_is_tried_again(exchange: LocalExchange) -> None:
    exchange.fail_rest("hang", path="/ticker")
    with spot_rest(exchange, timeouts=HASTY) as rest:
        assert rest.ticker(BTC).market == BTC
    assert count(exchange, "GET", "/ticker") == 2


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_read_that_cannot_be_read(exchange: LocalExchange, rest: SpotRest, kind: str) -> None:
    exchange.fail_rest(kind)
    with pytest.raises(DecodeError) as caught:
        rest.accounts()
    assert caught.value.connection == "spot/rest"
    assert (len(caught.value.excerpt) > 0) == (kind == "cut_json")
    assert "/viewer/accounts" in str(caught.value)
    assert rest.accounts()


def test_a_page_of_html_with_status_200(exchange: LocalExchange, rest: SpotRest, contracts: ContractRest) -> None:
    exchange.fail_rest("html", status=200, times=2)
    for call in (rest.tickers, contracts.instruments):
        with pytest.raises(DecodeError) as caught:
            call()
        assert caught.value.excerpt.startswith("<html>")


@pytest.mark.parametrize(("kind", "code"), [("500", 10005), ("429", 10429), ("503", None), ("html", None)])
def test_a_read_that_never_succeeds(exchange: LocalExchange, rest: SpotRest, kind: str, code: int | None) -> None:
    exchange.fail_rest(kind, times=None)
    with pytest.raises(RestError, match="after 4 attempts") as caught:
        rest.accounts()
    assert caught.value.status_code == (503 if kind == "html" else int(kind))
    assert caught.value.code == code
    assert caught.value.url == f"{exchange.rest_url()}/viewer/accounts"
    assert count(exchange, "GET", "/viewer/accounts") == 4


@pytest.mark.parametrize("carried_out", [False, True])
@pytest.mark.parametrize("kind", ["500", "503", "429", "drop", "html"])
def test_a_cancel_is_sent_again(
    exchange: LocalExchange, rest: SpotRest, contracts: ContractRest, kind: str, carried_out: bool
) -> None:
    spot, contract = buy(rest), contracts.create_order(SYMBOL, "buy", size=1, price=100)
    found = [nonces(one) for one in (rest, contracts)]
    for cancel, path in (
        (lambda: rest.cancel_order(spot.id), f"/viewer/orders/{spot.id}/cancel"),
        (lambda: contracts.cancel_order(contract.id), f"/orders/{contract.id}"),
    ):
        exchange.fail_rest(kind, path=path, carry_out=carried_out)
        if carried_out:  # what is cancelled already cannot be cancelled
            with pytest.raises(RestError, match="after 2 attempts") as caught:
                cancel()
            assert caught.value.code == 54043 or caught.value.anomaly == "anomaly.request/invalid-params"
        else:
            cancel()
    assert [count(exchange, "POST", "/cancel"), count(exchange, "DELETE", contract.id)] == [2, 2]
    assert [len(set(one)) for one in found] == [2, 2]
    assert rest.order(spot.id).state is contracts.order(contract.id).status is OrderState.CANCELLED


def test_all_orders_of_a_market_are_cancelled_in_the_second_attempt(exchange: LocalExchange, rest: SpotRest) -> None:
    order = buy(rest)
    exchange.fail_rest("503", path="/cancel")
    assert rest.cancel_orders(BTC).cancelled == (order.id,)
    assert count(exchange, "POST", "/viewer/orders/cancel") == 2


# -- orders -------------------------------------------------------------------------------------------------------

OPEN = ["500", "503", "html", "drop", "cut_json", "cut_body", "empty"]
"""After which an order may stand."""


@pytest.mark.parametrize("carried_out", [True, False])
@pytest.mark.parametrize("kind", OPEN)
def test_an_order_goes_out_once_and_can_be_looked_up(
    exchange: LocalExchange, rest: SpotRest, kind: str, carried_out: bool
) -> None:
    exchange.fail_rest(kind, carry_out=carried_out, path="/viewer/orders", method="POST")
    with pytest.raises(OutcomeUnknown) as caught:
        buy(rest)
    assert count(exchange, "POST", "/viewer/orders") == 1
    assert caught.value.client_request_id == "mine"
    stands = carried_out or kind.startswith("cut_")
    assert len(exchange.orders()) == stands
    if stands:
        assert rest.order(client_order_id="mine").state is OrderState.PENDING
    else:
        with pytest.raises(RestError) as absent:
            rest.order(client_order_id="mine")
        assert (absent.value.status_code, absent.value.code) == (404, 10013)


@pytest.mark.parametrize("kind", OPEN)
def test_other_things_that_go_out_once(
    exchange: LocalExchange, rest: SpotRest, contracts: ContractRest, kind: str
) -> None:
    exchange.fail_rest(kind, times=None, method="POST")
    with pytest.raises(OutcomeUnknown) as caught:
        contracts.create_order(SYMBOL, "buy", size=1, price=100)
    assert caught.value.client_request_id == ""
    exchange.fail_rest(kind, times=None, method="PUT")
    with pytest.raises(OutcomeUnknown):
        contracts.set_margin(SYMBOL, leverage=2)
    with pytest.raises(OutcomeUnknown):
        contracts.set_risk_limit(SYMBOL, MIN_RISK)
    calls = [(request.method, request.path.rpartition("/")[2]) for request in exchange.rest_requests]
    assert [call for call in calls if call[0] != "GET"] == [
        ("POST", "orders"),
        ("PUT", "margin"),
        ("PUT", "risk-limit"),
    ]


@pytest.mark.parametrize("carried_out", [True, False])
def test_an_order_that_hangs(exchange: LocalExchange, carried_out: bool) -> None:
    with spot_rest(exchange, timeouts=HASTY) as rest:
        rest.clock_offset(1)
        rest.asset_pairs()
        exchange.fail_rest("hang", carry_out=carried_out, method="POST")
        with pytest.raises(OutcomeUnknown) as caught:
            buy(rest)
    assert caught.value.client_request_id == "mine"
    assert isinstance(caught.value.__cause__, TimeoutError)
    exchange.heal_rest()
    assert count(exchange, "POST", "/viewer/orders") == 1
    assert len(exchange.orders()) == carried_out


def test_an_order_that_is_one_too_many_was_not_placed(exchange: LocalExchange, rest: SpotRest) -> None:
    exchange.fail_rest("429", retry_after=1)
    with pytest.raises(RestError, match="Retry-After: 1") as caught:
        buy(rest)
    assert (caught.value.status_code, caught.value.code) == (429, 10429)
    assert count(exchange, "POST", "/viewer/orders") == 1
    assert exchange.orders() == []
    assert buy(rest).client_order_id == "mine"


def test_orders_in_flight_when_it_is_closed(exchange: LocalExchange, rest: SpotRest) -> None:
    exchange.fail_rest("hang", method="POST")
    task = Task(lambda: buy(rest))
    wait_until(lambda: count(exchange, "POST", "/viewer/orders") == 1, 10)
    rest.close()
    assert isinstance(task.join().error, OutcomeUnknown)


# -- too many requests --------------------------------------------------------------------------------------------


def pauses(rest: BaseRest, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Those that are made from now on; they take no time."""
    made: list[float] = []
    monkeypatch.setattr("bigone_sync.rest._sending.Sending.pause", lambda self, seconds: made.append(seconds))
    return made


def test_retry_after_is_kept_to(exchange: LocalExchange, rest: SpotRest, monkeypatch: pytest.MonkeyPatch) -> None:
    made = pauses(rest, monkeypatch)
    exchange.fail_rest("429", retry_after=7)
    exchange.fail_rest("503", retry_after=3)
    assert rest.ticker(BTC).market == BTC
    assert made == [7, 3]
    assert count(exchange, "GET", "/ticker") == 3


@pytest.mark.parametrize("retry_after", [3600, "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_retry_after_beyond_the_deadline(exchange: LocalExchange, rest: SpotRest, retry_after: int | str) -> None:
    exchange.fail_rest("429", retry_after=retry_after)
    with rest.within(5), pytest.raises(RestError, match="Retry-After") as caught:
        rest.ticker(BTC)
    assert (caught.value.status_code, caught.value.code) == (429, 10429)
    assert count(exchange, "GET", "/ticker") == 1


def test_the_exchanges_own_limit() -> None:
    with LocalExchange(rate=0, rest_limit=3) as exchange, spot_rest(exchange, retries=1) as rest:
        for _ in range(3):
            rest.server_time()
        with pytest.raises(RestError) as caught:
            rest.server_time()
    assert (caught.value.status_code, caught.value.code) == (429, 10429)

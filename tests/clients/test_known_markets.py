"""Names of markets compared with those that there are, and what the exchange lists of them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import msgspec
import pytest
from client_rig import BTC, PATIENCE, Log, running, spot
from contract_rig import BTCUSD, BTCUSDT, contract

from bigone_sync import ConfigurationError, ConnectionClosed, Contract, ContractClient, Market
from bigone_sync.errors import RestError
from bigone_sync.rest.contract import ContractRest
from bigone_sync.testing.exchange import LocalExchange

pytestmark = [pytest.mark.one_codec, pytest.mark.usefixtures("nothing_left")]


SPOT_USES: dict[str, Callable[[Any, str], Any]] = {
    "on_trade": lambda client, name: client.on_trade(name, Log()),
    "on_depth": lambda client, name: client.on_depth(name, Log()),
    "on_ticker": lambda client, name: client.on_ticker([BTC, name], Log()),
    "on_candle": lambda client, name: client.on_candle(name, "MIN1", Log()),
    "on_order": lambda client, name: client.on_order(name, Log()),
    "subscribe": lambda client, name: client.subscribe("trades", name),
    "order_book": lambda client, name: client.order_book(name),
    "market": lambda client, name: client.market(name),
}


@pytest.mark.parametrize("use", SPOT_USES)
def test_an_unknown_market_is_an_error_that_names_the_closest(still: LocalExchange, use: str) -> None:
    with spot(still.spot_url, private=True, validate_markets=True) as client:
        with pytest.raises(ConfigurationError, match="lists no 'BTC-USDC'; did you mean 'BTC-USDT'") as caught:
            SPOT_USES[use](client, "BTC-USDC")
        assert caught.value.argument == "market"
        assert client.subscriptions == ()
        assert client.connections == {}


ORDER_USES: dict[str, Callable[[Any, str], Any]] = {
    "create_order": lambda client, name: client.create_order(name, "buy", amount="1", price="1"),
    "cancel_orders": lambda client, name: client.cancel_orders([BTC, name]),
}


@pytest.mark.parametrize("use", ORDER_USES)
def test_an_order_for_an_unknown_market_is_not_sent(still: LocalExchange, use: str) -> None:
    with spot(still.spot_url, private=True, validate_markets=True) as client:
        with pytest.raises(ConfigurationError, match="lists no 'BTC-USDC'; did you mean 'BTC-USDT'"):
            ORDER_USES[use](client, "BTC-USDC")
        assert client.connections == {}
    assert still.orders() == []


def test_a_name_that_is_like_no_other_has_no_suggestion(still: LocalExchange) -> None:
    with spot(still.spot_url, validate_markets=True) as client, pytest.raises(ConfigurationError) as caught:
        client.on_trade("XYZZY-QUUX", Log())
    assert "did you mean" not in str(caught.value)


def test_known_markets_are_asked_for_once(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True, validate_markets=True)
    for use in SPOT_USES.values():
        use(client, "ETH-USDT")
    with running(client):
        client.on_trade(BTC, log := Log())
        client.on_order(Log())  # all markets
        still.step(20, BTC)
        log.wait(1)
    assert [request.path for request in still.rest_requests].count("/api/v3/asset_pairs") == 1


@pytest.mark.parametrize("use", SPOT_USES)
def test_by_default_nobody_is_asked(still: LocalExchange, use: str) -> None:
    still.fail_rest("500", times=None)
    with spot(still.spot_url, private=True) as client:
        if use == "market":
            with pytest.raises(RestError):
                client.market(BTC)
        else:
            SPOT_USES[use](client, "NOPE-USDT")
            assert "/api/v3/asset_pairs" not in [request.path for request in still.rest_requests]


def test_where_rest_is_down_it_is_its_error_and_nothing_is_subscribed(still: LocalExchange) -> None:
    still.fail_rest("html", status=404, times=1)
    with spot(still.spot_url, validate_markets=True) as client:
        with pytest.raises(RestError) as caught:
            client.on_trade(BTC, Log())
        assert caught.value.status_code == 404
        assert client.subscriptions == ()
        client.on_trade(BTC, Log())
        client.wait_ready(PATIENCE)


def test_a_market_rounds(still: LocalExchange) -> None:
    with spot(still.spot_url) as client:
        market = client.market(BTC)
        assert isinstance(market, Market)
        assert market.name == BTC
        step = D(1).scaleb(-market.quote_scale)
        price = market.round_price(D(100) + step * D("0.7"))
        assert price in (D(100), D(100) + step)
        assert market.round_price(price) == price
        assert market.round_amount(D(1) + D(1).scaleb(-market.base_scale) / 2) == D(1)
        assert client.market(BTC) is market


@pytest.mark.parametrize("validate", [True, False])
def test_after_close_nothing_is_asked_any_more(still: LocalExchange, validate: bool) -> None:
    client = spot(still.spot_url, validate_markets=validate)
    with client:
        pass
    with pytest.raises(ConnectionClosed):
        client.market(BTC)
    with pytest.raises(ConnectionClosed):
        client.on_trade(BTC, Log())
    assert still.rest_requests == []


def test_a_market_that_is_known_is_not_told_after_close_either(still: LocalExchange) -> None:
    with spot(still.spot_url) as client:
        client.market(BTC)
    with pytest.raises(ConnectionClosed):
        client.market(BTC)


@pytest.mark.parametrize("value", [1, "yes", None])
def test_the_switch_is_a_bool(value: Any) -> None:
    for make in (spot, ContractClient):
        with pytest.raises(ConfigurationError) as caught:
            make(url="ws://127.0.0.1:1/ws/v2", validate_markets=value)
        assert caught.value.argument == "validate_markets"


# -- contracts

CONTRACT_USES: dict[str, Callable[[Any, str], Any]] = {
    "on_trade": lambda client, name: client.on_trade(name, Log()),
    "on_depth": lambda client, name: client.on_depth(name, Log()),
    "on_instrument": lambda client, name: client.on_instrument(name, Log()),
    "on_order": lambda client, name: client.on_order(name, Log()),
    "subscribe": lambda client, name: client.subscribe("trades", name),
    "order_book": lambda client, name: client.order_book(name),
    "market": lambda client, name: client.market(name),
}


@pytest.mark.parametrize("use", CONTRACT_USES)
def test_an_unknown_contract_is_an_error_that_names_the_closest(still: LocalExchange, use: str) -> None:
    with contract(still, private=True, validate_markets=True) as client:
        with pytest.raises(ConfigurationError, match=r"did you mean .*'BTCUSD") as caught:
            CONTRACT_USES[use](client, "BTCUSDX")
        assert caught.value.argument == "market"
        assert client.subscriptions == ()
        assert client.connections == {}


def test_known_contracts_are_asked_for_once(still: LocalExchange) -> None:
    with contract(still, private=True, validate_markets=True) as client:
        client.on_trade(BTCUSD, Log())
        client.on_depth(BTCUSDT, Log())
        client.on_order(Log())
        found = client.market(BTCUSDT)
        assert isinstance(found, Contract)
        assert client.market(BTCUSDT) is found
    assert [r.path for r in still.rest_requests if "ping" not in r.path] == ["/api/contract/v2/symbols"]


def test_a_disabled_contract_is_an_error(still: LocalExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    symbols = ContractRest.symbols

    def disabled(rest: ContractRest) -> Any:
        return tuple(msgspec.structs.replace(row, is_enabled=row.name != BTCUSD) for row in symbols(rest))

    monkeypatch.setattr(ContractRest, "symbols", disabled)
    with contract(still, validate_markets=True) as client:
        for use in (client.on_trade, client.on_depth):
            with pytest.raises(ConfigurationError, match="has disabled BTCUSD"):
                use(BTCUSD, Log())
        with pytest.raises(ConfigurationError, match="has disabled BTCUSD"):
            client.order_book(BTCUSD)
        client.on_trade(BTCUSDT, Log())
        client.wait_ready(PATIENCE)


def test_contracts_by_default_ask_nobody_and_after_close_neither(still: LocalExchange) -> None:
    with contract(still) as client:
        client.on_trade(BTCUSD, Log())
        client.wait_ready(PATIENCE)
    with pytest.raises(ConnectionClosed):
        client.market(BTCUSD)
    assert still.rest_requests == []


def test_where_contract_rest_is_down_it_is_its_error(still: LocalExchange) -> None:
    still.fail_rest("html", status=404, times=None)
    with contract(still, validate_markets=True) as client:
        with pytest.raises(RestError):
            client.on_trade(BTCUSD, Log())
        with pytest.raises(RestError):
            client.market(BTCUSD)
        assert client.connections == {}


def test_a_contract_rounds(still: LocalExchange) -> None:
    with contract(still) as client:
        found = client.market(BTCUSDT)
    assert found.name == BTCUSDT
    step = found.tick_size
    assert step is not None
    price = found.round_price(step * 1000 + step / 3)
    assert price == step * 1000
    assert found.round_price(price) == price
    assert found.round_amount(found.lot_size * D("7.9")) == found.lot_size * 7

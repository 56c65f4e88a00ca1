"""What the tests of the REST classes against the local exchange share."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, TypeVar

import jwt

from bigone_sync import (
    ContractRest,
    Credentials,
    Order,
    OrderOperator,
    OrderState,
    OrderType,
    Side,
    SpotRest,
    Timeouts,
)
from bigone_sync.rest.base import BaseRest
from bigone_sync.testing._book import OrderView
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.times import NanoDatetime

KEYS = Credentials("key", "secret")
BTC, ETH = "BTC-USDT", "ETH-USDT"
CALM = Timeouts(connect=10, reply=10)
HASTY = Timeouts(connect=10, reply=0.2)
"""For calls that are to time out."""

_R = TypeVar("_R", bound=BaseRest)


class Requests:
    """What the exchange was asked, but for its clock."""

    def __init__(self, exchange: LocalExchange) -> None:
        self._exchange = exchange
        self._seen = 0

    def take(self) -> list[Any]:
        """The requests since the last time."""
        requests = self._exchange.rest_requests
        new, self._seen = requests[self._seen :], len(requests)
        return [request for request in new if not request.path.endswith("/ping")]

    def expect(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
        *,
        private: bool = False,
        base: str = "/api/v3",
    ) -> None:
        """The last request was this one, in every field; those for the markets' rules may stand before it."""
        *others, last = self.take()
        assert {request.path for request in others} <= {f"{base}/asset_pairs", f"{base}/symbols"}
        assert (last.method, last.path) == (method, base + path)
        assert dict(last.query) == (query or {})
        assert len(last.query) == len(query or {})
        assert (json.loads(last.body, parse_float=Decimal) if last.body else None) == body
        headers = {name.lower(): value for name, value in last.headers.items()}
        assert headers.pop("user-agent").startswith("bigone_sync/")
        assert headers.pop("host") == f"127.0.0.1:{self._exchange.port}"
        expected = {"accept": "application/json", "accept-encoding": "gzip, deflate", "connection": "keep-alive"}
        if private:
            expected["authorization"] = "***"
        if body is not None:
            expected["content-type"] = "application/json"
        if method != "GET":
            assert headers.pop("content-length", "0") == str(len(last.body))
        assert headers == expected
        assert last.status == 200


def _quick(rest: _R) -> _R:
    """Without pauses between attempts that anybody would notice."""
    rest._http._backoff = 0.001
    return rest


@contextmanager
def spot_rest(exchange: LocalExchange, *, public: bool = False, **options: Any) -> Iterator[SpotRest]:
    options = {"timeouts": CALM, **options}
    with _quick(SpotRest(None if public else KEYS, url=exchange.rest_url(), **options)) as rest:
        yield rest


@contextmanager
def contract_rest(exchange: LocalExchange, *, public: bool = False, **options: Any) -> Iterator[ContractRest]:
    options = {"timeouts": CALM, **options}
    with _quick(ContractRest(None if public else KEYS, url=exchange.rest_url("contract"), **options)) as rest:
        yield rest


def nonces(rest: BaseRest) -> list[int]:
    """Of the tokens that are signed from now on."""
    found: list[int] = []
    sign = rest._http._signer
    assert sign is not None

    def noted() -> str:
        token = sign()
        found.append(int(jwt.decode(token, options={"verify_signature": False})["nonce"]))
        return token

    rest._http._signer = noted
    return found


def nano(time_ns: int) -> datetime:
    """As the client reads what the exchange writes, to the nanosecond."""
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=time_ns // 1000)
    return NanoDatetime.build(moment, time_ns % 1000) if time_ns % 1000 else moment


def as_order(view: OrderView) -> Order:
    """What the engine has, as REST is to tell it: without fees, and with 0 for a stop price that there is not."""
    return Order(
        view.id,
        view.market,
        Side(view.side),
        OrderType(view.type),
        OrderState(view.state),
        view.price,
        view.amount,
        filled_amount=view.filled_amount,
        avg_deal_price=view.avg_deal_price,
        stop_price=view.stop_price or Decimal(0),
        operator=OrderOperator(view.operator if view.stop_price else "LTE"),
        ioc=view.ioc,
        client_order_id=view.client_order_id,
        created_at=nano(view.created_ns),
        updated_at=nano(view.updated_ns),
        is_snapshot=True,
    )


def engine_order(exchange: LocalExchange, order_id: str) -> Order:
    return next(as_order(view) for view in exchange.orders() if view.id == order_id)


def count(exchange: LocalExchange, method: str, path: str) -> int:
    """How many requests there were for just this."""
    return sum(request.method == method and request.path.endswith(path) for request in exchange.rest_requests)


def buy(rest: SpotRest, name: str = "mine") -> Any:
    return rest.create_order(BTC, "buy", amount="0.5", price="100", client_order_id=name)

"""The spot channel's protobuf: bytes to neutral messages and back (spot schema, sections 1 to 6).

Importing this module needs protobuf; users of JSON never do.
"""

from __future__ import annotations

# First of all, for it says what is wrong with the protobuf that is installed, or that none is.
from ._pb2 import bigone_spot_pb2 as schema  # isort: split

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from operator import attrgetter
from typing import Any

from google.protobuf.json_format import ParseDict
from google.protobuf.message import DecodeError
from google.protobuf.message import Message as ProtoMessage
from google.protobuf.unknown_fields import UnknownFieldSet
from msgspec import Struct

from ..events import LevelText
from ..times import NanoDatetime
from . import messages as neutral
from .base import CodecError
from .messages import Message, WireDepth, WireDepthMessage
from .spot_json import JsonCodec
from .spot_levels import checked
from .spot_proto_depth import HotReader, HotUpdate, NotHot

__all__ = ["ProtoCodec"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NANOS = 1_000_000_000
_LENGTH_DELIMITED = 2
# Numbers of payloads begin here (spot schema, section 1).
_FIRST_PAYLOAD = 98

_Reader = Callable[[Any], Any]


def _time(stamp: Any) -> datetime:
    if not 0 <= stamp.nanos < _NANOS:
        raise CodecError(f"a time of {stamp.nanos} nanoseconds")
    micros, rest = divmod(stamp.nanos, 1000)
    try:
        moment = _EPOCH + timedelta(seconds=stamp.seconds, microseconds=micros)
    except OverflowError as error:
        raise CodecError(f"a time of {stamp.seconds} seconds since 1970") from error
    return NanoDatetime.build(moment, rest) if rest else moment


class _StructReader:
    """Reads a message of the schema as a neutral struct, which names the fields that matter.

    Args:
        kind: the struct.
        source: the generated class.
        parts: by the struct's names, the readers of fields that are messages; unset ones stay None.
        lists: the same for those that are lists of messages.
    """

    def __init__(
        self,
        kind: type[Struct],
        source: type[ProtoMessage],
        parts: Mapping[str, _Reader] | None = None,
        lists: Mapping[str, _Reader] | None = None,
    ) -> None:
        fields = source.DESCRIPTOR.fields_by_camelcase_name
        names = {
            name: fields[shown].name
            for name, shown in zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True)
        }
        self._kind = kind
        self._parts = [(name, names.pop(name), read) for name, read in (parts or {}).items()]
        self._lists = [(name, names.pop(name), read) for name, read in (lists or {}).items()]
        self._names = tuple(names)
        self._scalars = _getter(tuple(names.values()))

    def __call__(self, message: Any) -> Any:
        values: dict[str, Any] = dict(zip(self._names, self._scalars(message), strict=True))
        for name, field, read in self._parts:
            if message.HasField(field):
                values[name] = read(getattr(message, field))
        for name, field, read in self._lists:
            values[name] = tuple(_each(getattr(message, field), read))
        return self._kind(**values)


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """Reads all of ``names`` with one call in C: touching fields from Python, one by one, is what costs."""
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda message: (get(message),)


def _each(items: Any, read: _Reader) -> Iterator[Any]:
    """The items; one that cannot be read is a CodecError and does not take the others along."""
    for item in items:
        try:
            yield read(item)
        except CodecError as error:
            yield error


def _one(member: str, read: _Reader) -> _Reader:
    """Reader of a payload that wraps one item."""

    def read_one(body: Any) -> Any:
        if not body.HasField(member):
            raise CodecError(f"no {member!r} in it")
        return read(getattr(body, member))

    return read_one


def _many(member: str, read: _Reader) -> _Reader:
    """Reader of a payload that wraps a list."""
    return lambda body: list(_each(getattr(body, member), read))


def _empty(body: Any) -> bool:
    return True


def _levels(side: Any) -> tuple[LevelText, ...]:
    return tuple([LevelText(level.price, level.amount, level.order_count) for level in side])


def _depth(body: Any) -> WireDepthMessage:
    if not body.HasField("depth"):
        raise CodecError("a depth message without its depth")
    depth = body.depth
    sides = WireDepth(depth.market, checked(_levels(depth.asks)), checked(_levels(depth.bids)))
    return WireDepthMessage(sides, body.change_id, getattr(body, "prev_id", 0))


_level = _StructReader(neutral.WireLevel, schema.PriceLevel)
_ticker = _StructReader(neutral.WireTicker, schema.Ticker, {"bid": _level, "ask": _level})
_trade = _StructReader(neutral.WireTrade, schema.Trade, {"created_at": _time})
_candle = _StructReader(neutral.WireCandle, schema.Candle, {"time": _time})
_account = _StructReader(neutral.WireAccount, schema.Account)
_order = _StructReader(neutral.WireOrder, schema.Order, {"created_at": _time, "updated_at": _time})
_market = _StructReader(neutral.WireMarket, schema.Market)
_margin_balance = _StructReader(neutral.WireMarginBalance, schema.MarginAccount)
_margin_account = _StructReader(
    neutral.WireMarginAccount, schema.MarginMarketAccount, {"base": _margin_balance, "quota": _margin_balance}
)
_rate = _StructReader(neutral.WireExchangeRate, schema.ExchangeRate, {"updated_at": _time})
_rates = _StructReader(
    neutral.WireExchangeRates, schema.ExchangeRatesListSnapshot, {"updated_at": _time}, {"base_assets": _rate}
)
_flash_order = _StructReader(
    neutral.WireFlashOrder, schema.FlashExchangeOrder, {"created_at": _time, "updated_at": _time}
)
_cost_price = _StructReader(neutral.WireCostPrice, schema.SpotCostPrice)

_READERS: Mapping[str, _Reader] = {
    "success": _StructReader(neutral.WireSuccess, schema.Success),
    "error": _StructReader(neutral.WireError, schema.Error),
    "pong": _empty,
    "heartbeat": _empty,
    "depth_snapshot": _depth,
    "depth_update": _depth,
    "tickers_snapshot": _many("tickers", _ticker),
    "ticker_update": _one("ticker", _ticker),
    "trades_snapshot": _many("trades", _trade),
    "trade_update": _one("trade", _trade),
    "candles_snapshot": _many("candles", _candle),
    "candle_update": _one("candle", _candle),
    "accounts_snapshot": _many("accounts", _account),
    "account_update": _one("account", _account),
    "orders_snapshot": _many("orders", _order),
    "order_update": _one("order", _order),
    "list_markets_response": _many("markets", _market),
    "margin_accounts_snapshot": _many("accounts", _margin_account),
    "margin_account_update": _one("account", _margin_account),
    "exchange_rates_list_snapshot": _rates,
    # The same fields, and attributes are found by name.
    "exchange_rates_list_update": _rates,
    "flash_exchange_orders_snapshot": _many("flash_exchange_orders", _flash_order),
    "flash_exchange_order_update": _one("flash_exchange_order", _flash_order),
    "spot_cost_price_snapshot": _many("spot_cost_prices", _cost_price),
    "spot_cost_price_update": _one("spot_cost_price", _cost_price),
}
_KINDS: Mapping[str, tuple[str, _Reader]] = {
    name: (schema.Response.DESCRIPTOR.fields_by_name[name].camelcase_name, read) for name, read in _READERS.items()
}


def _check_wire_types(message: Any) -> None:
    """Raise CodecError for a known field that came as another type.

    To a protobuf parser such a field is an unknown one and its value the default: an amount of another type would
    read as none.
    """
    known = message.DESCRIPTOR.fields_by_number
    unknown: Any = UnknownFieldSet(message)
    for field in unknown:
        if field.field_number in known:
            name = known[field.field_number].full_name
            raise CodecError(f"{name} came with wire type {field.wire_type}")
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in (value,) if isinstance(value, ProtoMessage) else value:
                _check_wire_types(part)


def _unknown_payload(response: Any) -> str:
    """What stands where the payload should be.

    Raises:
        CodecError: nothing that a Response of a newer schema could hold.
    """
    numbers = []
    unknown: Any = UnknownFieldSet(response)
    for field in unknown:
        if field.field_number < _FIRST_PAYLOAD or field.wire_type != _LENGTH_DELIMITED:
            raise CodecError(f"not a Response: it has a field {field.field_number} of wire type {field.wire_type}")
        numbers.append(field.field_number)
    return f"(payload {numbers[0]})" if numbers else "(no payload)"


class ProtoCodec:
    """One ``Request`` or ``Response`` a binary frame; JSON that comes nevertheless is read as such."""

    subprotocol = "proto"
    binary = True
    enveloped = False
    not_hot: tuple[type[Exception], ...] = (NotHot,)
    asks_of = staticmethod(HotUpdate.asks)
    bids_of = staticmethod(HotUpdate.bids)

    def __init__(self) -> None:
        self.hot = HotReader().read

    @staticmethod
    def encode(request_id: str, name: str, parameters: Mapping[str, Any]) -> bytes:
        """A request (spot schema, section 4)."""
        request = ParseDict({"requestId": request_id, name: parameters}, schema.Request())
        return request.SerializeToString(deterministic=True)

    @staticmethod
    def decode(data: bytes) -> Message:
        """Any response.

        Raises:
            CodecError: it is not a Response of the schema, or one with a field of another type than the schema's.
        """
        if data[:1] == b"{":  # no Response begins so (spot schema, section 1)
            return JsonCodec.decode(data)
        try:
            response = schema.Response.FromString(data)
        except (DecodeError, ValueError, RecursionError) as error:
            raise CodecError(f"not a Response: {error}") from error
        return _message(response, data)


def _message(response: Any, data: bytes) -> Message:
    # A frame of known fields alone is as long without the unknown ones; only others need the long look.
    response.DiscardUnknownFields()
    if response.ByteSize() != len(data):
        response = schema.Response.FromString(data)
        _check_wire_types(response)
    name = response.WhichOneof("payload")
    if name is None:
        return Message(response.request_id, _unknown_payload(response), None)
    kind, read = _KINDS[name]
    try:
        return Message(response.request_id, kind, read(getattr(response, name)))
    except CodecError as error:
        raise CodecError(f"{kind}: {error}") from error

"""The spot channel's JSON: bytes to neutral messages and back (spot protocol, sections 2 and 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from ..events import LevelText
from .base import CodecError
from .json_text import NOT_JSON, literal
from .messages import (
    Integer,
    Message,
    WireAccount,
    WireCandle,
    WireCostPrice,
    WireDepth,
    WireDepthMessage,
    WireError,
    WireExchangeRate,
    WireExchangeRates,
    WireFlashOrder,
    WireMarginAccount,
    WireMarket,
    WireOrder,
    WireSuccess,
    WireTicker,
    WireTrade,
)
from .spot_levels import LARGEST, checked

__all__ = ["HotUpdate", "JsonCodec"]

# What `checked` asks of a level, as far as msgspec can check it while it reads.
_Number = Annotated[float, Meta(ge=0, lt=LARGEST)]
# No level costs nothing; what looks like it is left to the slow way.
_Price = Annotated[float, Meta(gt=0, lt=LARGEST)]
# Ids beyond it are read the slow way, which knows the bounds of 64 bits.
_Id = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class _HotLevel(Struct, frozen=True, gc=False, rename="camel"):
    price: _Price
    amount: _Number
    order_count: int = 0


class _HotDepth(Struct, frozen=True, gc=False, rename="camel"):
    market: str
    asks: list[_HotLevel] | None = None
    bids: list[_HotLevel] | None = None


class HotUpdate(Struct, frozen=True, gc=False, rename="camel"):
    """A depth update whose levels were checked and not kept; they are made from the frame when somebody looks."""

    depth: _HotDepth
    change_id: _Id
    prev_id: _Id = 0


class _Hot(Struct, frozen=True, gc=False, rename="camel"):
    depth_update: HotUpdate | None = None


class _Asks(Struct, frozen=True, gc=False):
    asks: tuple[LevelText, ...] | None = None


class _Bids(Struct, frozen=True, gc=False):
    bids: tuple[LevelText, ...] | None = None


class _RawSides(Struct, frozen=True, gc=False):
    asks: Raw = Raw(b"null")
    bids: Raw = Raw(b"null")


class _RawLevel(Struct, frozen=True, gc=False, rename="camel"):
    price: Raw
    amount: Raw
    order_count: int | None = 0


def _side_of_update(side: type[Struct]) -> Any:
    """Decoder of one side of a depth update's frame."""
    depth = msgspec.defstruct("Depth", [("depth", side)], frozen=True, gc=False)
    update = msgspec.defstruct("Update", [("depthUpdate", depth)], frozen=True, gc=False)
    return msgspec.json.Decoder(update, strict=False).decode


_decode_asks = _side_of_update(_Asks)
_decode_bids = _side_of_update(_Bids)
_decode_raw_sides = _side_of_update(_RawSides)
_decode_hot: Callable[[bytes], _Hot] = msgspec.json.Decoder(_Hot, strict=False).decode
_decode_members = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_rows = msgspec.json.Decoder(tuple[LevelText, ...], strict=False).decode
_decode_raw_rows = msgspec.json.Decoder(list[_RawLevel], strict=False).decode
_decode_request_id = msgspec.json.Decoder(str | int | None).decode


def _rows(raw: Raw) -> tuple[LevelText, ...]:
    """The levels of one side as the venue's text; a bare number keeps its digits, too."""
    if bytes(raw) == b"null":
        return ()
    try:
        rows = _decode_rows(raw)
    except msgspec.ValidationError:
        rows = tuple(
            LevelText(literal(level.price), literal(level.amount), level.order_count) for level in _decode_raw_rows(raw)
        )
    # Null says the same as nothing (spot protocol, section 5).
    return tuple([LevelText(row.price, row.amount) if row.order_count is None else row for row in rows])


def update_asks(frame: bytes) -> tuple[LevelText, ...]:
    """The asks of a depth update that :meth:`JsonCodec.hot` has checked."""
    try:
        return _decode_asks(frame).depthUpdate.depth.asks or ()
    except msgspec.ValidationError:
        return _rows(_decode_raw_sides(frame).depthUpdate.depth.asks)


def update_bids(frame: bytes) -> tuple[LevelText, ...]:
    """The bids of a depth update that :meth:`JsonCodec.hot` has checked."""
    try:
        return _decode_bids(frame).depthUpdate.depth.bids or ()
    except msgspec.ValidationError:
        return _rows(_decode_raw_sides(frame).depthUpdate.depth.bids)


class _RawDepth(Struct, frozen=True, gc=False):
    market: str | None = None
    asks: Raw = Raw(b"null")
    bids: Raw = Raw(b"null")


class _RawDepthMessage(Struct, frozen=True, gc=False, rename="camel"):
    depth: _RawDepth | None = None
    change_id: Integer = None
    prev_id: Integer = None


class _FlatDepth(_RawDepth, frozen=True, gc=False, rename="camel"):
    change_id: Integer = None
    prev_id: Integer = None


class _OrderUpdate(WireOrder, frozen=True, gc=False, rename="camel"):
    order: WireOrder | None = None


def _depth(raw: Raw) -> WireDepthMessage:
    message = _decode_depth(raw)
    depth = message.depth
    if depth is None:
        raise CodecError("a depth message without its depth")
    return WireDepthMessage(
        WireDepth(depth.market, checked(_rows(depth.asks)), checked(_rows(depth.bids))),
        message.change_id,
        message.prev_id,
    )


def _flat_depth(raw: Raw) -> WireDepthMessage:
    """The form of the guide, which the live server does not send (spot protocol, section 6.1)."""
    flat = _decode_flat_depth(raw)
    return WireDepthMessage(
        WireDepth(flat.market, checked(_rows(flat.asks)), checked(_rows(flat.bids))), flat.change_id, flat.prev_id
    )


def _order_update(raw: Raw) -> WireOrder:
    """With the inner ``order``, or without it, as the guide has it (spot protocol, section 7.2)."""
    update = _decode_order_update(raw)
    if update.order is not None:
        return update.order
    if update.id in (None, ""):
        raise CodecError("an order update without an order")
    return update


_decode_depth = msgspec.json.Decoder(_RawDepthMessage).decode
_decode_flat_depth = msgspec.json.Decoder(_FlatDepth).decode
_decode_order_update = msgspec.json.Decoder(_OrderUpdate).decode


def _one(member: str, kind: type[Struct]) -> Callable[[Raw], Any]:
    """Reader of a payload that wraps one item."""
    decode = msgspec.json.Decoder(dict[str, Raw]).decode
    item = msgspec.json.Decoder(kind).decode

    def read(raw: Raw) -> Any:
        found = decode(raw).get(member)
        if found is None or bytes(found) == b"null":
            raise CodecError(f"no {member!r} in it")
        return item(found)

    return read


def _attempt(kind: type[Struct]) -> Callable[[Raw], Any]:
    """Reader of an item of a list; one that cannot be read does not take the others along."""
    item = msgspec.json.Decoder(kind).decode

    def attempt(raw: Raw) -> Any:
        try:
            return item(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return CodecError(str(error))

    return attempt


def _many(member: str, kind: type[Struct]) -> Callable[[Raw], list[Any]]:
    """Reader of a payload that wraps a list."""
    wrapper = msgspec.json.Decoder(dict[str, Raw]).decode
    items = msgspec.json.Decoder(list[Raw] | None).decode
    attempt = _attempt(kind)

    def read(raw: Raw) -> list[Any]:
        return [attempt(found) for found in items(wrapper(raw).get(member, Raw(b"null"))) or ()]

    return read


class _RawRates(Struct, frozen=True, gc=False, rename="camel"):
    quote_asset: str | None = None
    base_assets: list[Raw] | None = None
    updated_at: Any = None


_decode_rates = msgspec.json.Decoder(_RawRates).decode
_attempt_rate = _attempt(WireExchangeRate)


def _rates(raw: Raw) -> WireExchangeRates:
    """A list with members of its own (spot schema, section 6)."""
    found = _decode_rates(raw)
    rates = tuple(_attempt_rate(rate) for rate in found.base_assets or ())
    return WireExchangeRates(found.quote_asset, rates, found.updated_at)


def _whole(kind: type[Struct]) -> Callable[[Raw], Any]:
    return msgspec.json.Decoder(kind).decode


def _empty(raw: Raw) -> bool:
    return True


_READERS: Mapping[str, Callable[[Raw], Any]] = {
    "success": _whole(WireSuccess),
    "error": _whole(WireError),
    "pong": _empty,
    "heartbeat": _empty,
    "depthSnapshot": _depth,
    "depthUpdate": _depth,
    "marketDepth": _flat_depth,
    "tickersSnapshot": _many("tickers", WireTicker),
    "tickerUpdate": _one("ticker", WireTicker),
    "tradesSnapshot": _many("trades", WireTrade),
    "tradeUpdate": _one("trade", WireTrade),
    "candlesSnapshot": _many("candles", WireCandle),
    "candleUpdate": _one("candle", WireCandle),
    "accountsSnapshot": _many("accounts", WireAccount),
    "accountUpdate": _one("account", WireAccount),
    "ordersSnapshot": _many("orders", WireOrder),
    "orderUpdate": _order_update,
    "marginAccountsSnapshot": _many("accounts", WireMarginAccount),
    "marginAccountUpdate": _one("account", WireMarginAccount),
    "exchangeRatesListSnapshot": _rates,
    "exchangeRatesListUpdate": _rates,
    "flashExchangeOrdersSnapshot": _many("flashExchangeOrders", WireFlashOrder),
    "flashExchangeOrderUpdate": _one("flashExchangeOrder", WireFlashOrder),
    "spotCostPriceSnapshot": _many("spotCostPrices", WireCostPrice),
    "spotCostPriceUpdate": _one("spotCostPrice", WireCostPrice),
    "listMarketsResponse": _many("markets", WireMarket),
}


class JsonCodec:
    """JSON objects, sent as text frames and read from both opcodes."""

    subprotocol = "json"
    binary = False
    enveloped = True
    hot = staticmethod(_decode_hot)
    not_hot = NOT_JSON
    asks_of = staticmethod(update_asks)
    bids_of = staticmethod(update_bids)

    @staticmethod
    def encode(request_id: str, name: str, parameters: Mapping[str, Any]) -> bytes:
        """A request (spot protocol, section 2)."""
        return msgspec.json.encode({"requestId": request_id, name: parameters})

    @staticmethod
    def decode(data: bytes) -> Message:
        """Any response.

        Raises:
            CodecError: it is not JSON, or not of the schema's shape; the text names the field.
        """
        try:
            members = _decode_members(data)
            return _message(members)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CodecError(str(error)) from error
        except CodecError:
            raise
        except (ValueError, RecursionError) as error:
            raise CodecError(f"{type(error).__name__}: {error}") from error


def _request_id(raw: Raw | None) -> str:
    """The id as text; one of a wrong shape counts as missing, for the payload does not depend on it."""
    if raw is None:
        return ""
    try:
        found = _decode_request_id(raw)
    except (msgspec.DecodeError, ValueError):
        return ""
    return "" if found is None else str(found)


def _message(members: dict[str, Raw]) -> Message:
    request_id = _request_id(members.pop("requestId", None))
    known = [(name, raw) for name, raw in members.items() if name in _READERS and bytes(raw) != b"null"]
    if known:
        name, raw = known[0]
        try:
            return Message(request_id, name, _READERS[name](raw))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CodecError(f"{name}: {error}") from error
        except CodecError as error:
            raise CodecError(f"{name}: {error}") from error
    unknown = [name for name, raw in members.items() if bytes(raw) != b"null"]
    return Message(request_id, unknown[0] if unknown else "(no payload)", None)

"""Messages of the spot schema, made up by hypothesis from the schema itself and written in both encodings.

A message is a dict of the schema's field names to values: text, numbers, booleans, ``Time``, dicts, and lists of dicts
or text.  What a dict leaves out is unset.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any, NamedTuple

from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from hypothesis import strategies as st

from bigone_sync.protocol._pb2 import bigone_spot_pb2 as schema

_FILE = FileDescriptorProto()
schema.DESCRIPTOR.CopyToProto(_FILE)
_MESSAGES = {message.name: message for message in _FILE.message_type}
_TIMESTAMP = ".google.protobuf.Timestamp"
_INTEGERS = {
    Field.TYPE_UINT64: (0, 2**64 - 1),
    Field.TYPE_INT64: (-(2**63), 2**63 - 1),
    Field.TYPE_UINT32: (0, 2**32 - 1),
}
_IN_JSON_AS_TEXT = (Field.TYPE_UINT64, Field.TYPE_INT64)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FIRST_SECOND, _LAST_SECOND = -62135596800, 253402300799

MARKETS = ("BTC-USDT", "ETH-USDT")
ASSETS = ("BTC", "ETH", "USDT")
UUIDS = ("0df9c3c3-255a-46d7-ab82-dedae169fba9", "17082d1c-0195-4fb6-8779-2cdbcb9eeb3c")


class Time(NamedTuple):
    """A ``Timestamp``."""

    seconds: int
    nanos: int

    def text(self) -> str:
        """RFC 3339 with as few digits as the mapping allows."""
        whole = (_EPOCH + timedelta(seconds=self.seconds)).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
        digits = f"{self.nanos:09d}"
        for count in (0, 3, 6):
            if not digits[count:].strip("0"):
                return f"{whole}.{digits[:count]}Z" if count else f"{whole}Z"
        return f"{whole}.{digits}Z"


def fields_of(message: str) -> list[Field]:
    """The fields of a message."""
    return list(_MESSAGES[message].field)


def payloads_of(envelope: str) -> dict[str, str]:
    """The payloads of ``Request`` or ``Response``: field to message."""
    return {field.name: _short(field) for field in fields_of(envelope) if field.HasField("oneof_index")}


def json_name(message: str, field: str) -> str:
    """A field's name in JSON."""
    return str(getattr(schema, message).DESCRIPTOR.fields_by_name[field].camelcase_name)


def _short(field: Field) -> str:
    return field.type_name.rpartition(".")[2]


# -- making messages up

digits = st.text("0123456789", min_size=1, max_size=20)
decimals = (
    st.builds(lambda whole, part: f"{whole}.{part}", digits, digits)
    | digits
    | st.sampled_from(["0", "0.0", "1", "9.10", "1e5", "+1", "00.10", "5."])
)
words = decimals | st.sampled_from(["", "MARKET", "NaN", "-0.5", "x", "1_000", "\u0661", "1 "])
times = st.builds(
    Time,
    st.integers(_FIRST_SECOND, _LAST_SECOND) | st.integers(1_500_000_000, 1_800_000_000),
    st.integers(0, 999_999_999) | st.sampled_from([0, 1, 999, 1000, 1_000_000, 500_000_000]),
)
_TEXTS: Mapping[str, st.SearchStrategy[str]] = {
    "request_id": st.sampled_from(["", "1", "2", "3", "7", "foreign"]),
    "market": st.sampled_from(MARKETS),
    "name": st.sampled_from(MARKETS),
    "asset": st.sampled_from(ASSETS),
    "base_asset": st.sampled_from(ASSETS),
    "quote_asset": st.just("USDT"),
    "asset_uuid": st.sampled_from(UUIDS),
    "id": st.integers(1, 2**64).map(str) | st.sampled_from(["1", "2"]),
    **dict.fromkeys(
        ("message", "client_order_id", "token", "device_id", "exchange_asset_symbol", "pay_asset_symbol"),
        st.text(max_size=8),
    ),
}
# So that chains continue and orders repeat now and then.
_IDS = st.sampled_from([1, 2, 3, 4, 2**53 + 1, 2**63, 2**64 - 1])


def _sane(field: Field) -> st.SearchStrategy[Any]:
    """Values as an exchange would send them."""
    if field.type == Field.TYPE_STRING:
        return _TEXTS.get(field.name, decimals)
    if field.type == Field.TYPE_BOOL:
        return st.booleans()
    if field.type == Field.TYPE_ENUM:
        return st.sampled_from(sorted(_enum(field)))
    low, high = _INTEGERS[field.type]
    return _IDS.filter(lambda number: number <= high) | st.integers(low, high) | st.integers(0, 50)


def _wild(field: Field) -> st.SearchStrategy[Any]:
    """Values as the schema allows them."""
    if field.type == Field.TYPE_STRING:
        return words | st.text(max_size=5)
    if field.type == Field.TYPE_ENUM:
        return st.integers(-(2**31), 2**31 - 1) | st.integers(0, 20)
    return st.booleans() if field.type == Field.TYPE_BOOL else st.integers(*_INTEGERS[field.type]) | st.just(0)


def _values(field: Field, scalars: Callable[[Field], st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    if field.type != Field.TYPE_MESSAGE:
        one = scalars(field)
    elif field.type_name == _TIMESTAMP:
        one = times
    else:
        one = messages(_short(field))
    return st.lists(one, max_size=3) if field.label == Field.LABEL_REPEATED else one


@cache
def messages(message: str) -> st.SearchStrategy[dict[str, Any]]:
    """Any ``message`` that a peer could mean: mostly whole and sensible, sometimes anything but."""
    fields = fields_of(message)
    # Made when drawn: Trade holds Orders, and there are many messages.
    sane = {field.name: st.deferred(lambda field=field: _values(field, _sane)) for field in fields}
    wild = {field.name: st.deferred(lambda field=field: _values(field, _wild)) for field in fields}
    whole = st.fixed_dictionaries(sane)
    parts = st.fixed_dictionaries({}, optional=sane)
    return st.one_of(whole, whole, whole, whole, parts, st.fixed_dictionaries({}, optional=wild))


def envelopes(
    envelope: str, payloads: Mapping[str, str] | None = None, *, more_ids: Iterable[str] = ()
) -> st.SearchStrategy[dict[str, Any]]:
    """A ``Request`` or ``Response`` with one payload; ``more_ids``: of requests that it may belong to."""
    ids = _TEXTS["request_id"]
    if more_ids:
        ids |= st.sampled_from(sorted(more_ids))
    table = payloads_of(envelope) if payloads is None else payloads
    return st.sampled_from(sorted(table)).flatmap(
        lambda name: st.fixed_dictionaries({name: messages(table[name]), "request_id": ids})
    )


# -- writing them


def as_proto(message: str, value: Mapping[str, Any]) -> Any:
    """The generated class's object."""
    made = getattr(schema, message)()
    _fill(made, message, value)
    return made


def _fill(made: Any, message: str, value: Mapping[str, Any]) -> None:
    for field in fields_of(message):
        if field.name not in value:
            continue
        given = value[field.name]
        if field.type != Field.TYPE_MESSAGE:
            if field.label == Field.LABEL_REPEATED:
                getattr(made, field.name).extend(given)
            else:
                setattr(made, field.name, given)
        elif field.type_name == _TIMESTAMP:
            stamp = getattr(made, field.name)
            stamp.SetInParent()
            stamp.seconds, stamp.nanos = given
        elif field.label == Field.LABEL_REPEATED:
            for item in given:
                _fill(getattr(made, field.name).add(), _short(field), item)
        else:
            part = getattr(made, field.name)
            part.SetInParent()
            _fill(part, _short(field), given)


@dataclass(frozen=True)
class Style:
    """How a JSON printer writes what it may write in several ways (spot protocol, section 5)."""

    ids_as_text: bool = True
    emit_defaults: bool = True
    enum_names: bool = True


styles = st.builds(Style, st.booleans(), st.booleans(), st.booleans())


def as_json(message: str, value: Mapping[str, Any], style: Style) -> bytes:
    """The same by the JSON mapping."""
    return json.dumps(_object(message, value, style), ensure_ascii=False).encode()


def _object(message: str, value: Mapping[str, Any], style: Style) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for field in fields_of(message):
        if field.name in value:
            given = value[field.name]
        elif style.emit_defaults and not field.HasField("oneof_index"):
            given = _default(field)
        else:
            continue
        if not style.emit_defaults and field.type != Field.TYPE_MESSAGE and not given:
            continue
        write: Callable[[Any], Any] = lambda item, field=field: _written(field, item, style)  # noqa: E731
        many = field.label == Field.LABEL_REPEATED
        if many and not given and not style.emit_defaults:
            continue
        written[json_name(message, field.name)] = [write(item) for item in given] if many else write(given)
    return written


def _default(field: Field) -> Any:
    if field.label == Field.LABEL_REPEATED:
        return []
    if field.type == Field.TYPE_MESSAGE:
        return None
    return {Field.TYPE_STRING: "", Field.TYPE_BOOL: False}.get(field.type, 0)


def _written(field: Field, item: Any, style: Style) -> Any:
    if item is None or field.type in (Field.TYPE_STRING, Field.TYPE_BOOL, Field.TYPE_UINT32):
        return item
    if field.type in _IN_JSON_AS_TEXT:
        return str(item) if style.ids_as_text else item
    if field.type == Field.TYPE_ENUM:
        names = _enum(field)
        return names.get(item, item) if style.enum_names else item
    return item.text() if isinstance(item, Time) else _object(_short(field), item, style)


def _enum(field: Field) -> dict[int, str]:
    *_, outer, name = field.type_name.split(".")
    places = [*_FILE.enum_type, *(enum for message in _MESSAGES.values() for enum in message.enum_type)]
    holders = {f"{message.name}.{enum.name}": enum for message in _MESSAGES.values() for enum in message.enum_type}
    found = holders.get(f"{outer}.{name}") or next(enum for enum in places if enum.name == name)
    return {value.number: value.name for value in found.value}

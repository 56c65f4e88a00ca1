"""JSON objects as messages of the schema, and back; needs protobuf.

The names are the JSON names of the schema, the values those of its JSON mapping (spot protocol, section 5). The way
from an object to a message is as generic as the library's own, but looks at the schema once and not for each object:
the library's takes about six times as long, and a replay of recorded flow waits for it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

_INTEGERS = (
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
)


@functools.cache
def reader_of(message: Descriptor) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Makes the arguments of a message's generated class from an object.

    Left out are null members, those that the schema does not have, and words that an enum does not have: protobuf has
    no number for them.
    """
    fields = {field.json_name: (field.name, _reader(field)) for field in message.fields}

    def read(body: Mapping[str, Any]) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        for name, value in body.items():
            if value is not None and name in fields:
                own_name, own_read = fields[name]
                arguments[own_name] = [own_read(item) for item in value] if type(value) is list else own_read(value)
        return arguments

    return read


def shown(message: Message) -> dict[str, Any]:
    """A message of scalars by its JSON names, as a client of JSON would have written it.

    Lists and enums always have a value; other fields are there if they are not the default, which protobuf does not
    send.
    """
    found: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.enum_type is not None:
            known = field.enum_type.values_by_number.get(value)
            found[field.json_name] = value if known is None else known.name
        elif not isinstance(value, (str, int)):  # a bool is an int
            found[field.json_name] = list(value)
        elif value:
            found[field.json_name] = value
    return found


def parts(message: Message) -> Iterator[Message]:
    """The message and every message in it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in [value] if isinstance(value, Message) else value:
                yield from parts(part)


def _reader(field: FieldDescriptor) -> Callable[[Any], Any]:
    inner = field.message_type
    if inner is not None:
        return _timestamp if inner.full_name == Timestamp.DESCRIPTOR.full_name else reader_of(inner)
    if field.enum_type is not None:
        return _word_of(field.enum_type)
    if field.cpp_type in _INTEGERS:
        return int
    return _text if field.cpp_type == FieldDescriptor.CPPTYPE_STRING else _itself


def _word_of(enum: EnumDescriptor) -> Callable[[Any], Any]:
    words = enum.values_by_name

    def read(value: Any) -> Any:
        return value if isinstance(value, int) or value in words else None

    return read


def _timestamp(text: str) -> Timestamp:
    stamp = Timestamp()
    stamp.FromJsonString(text)
    return stamp


def _text(value: Any) -> Any:
    return str(value) if type(value) is int else value


def _itself(value: Any) -> Any:
    return value

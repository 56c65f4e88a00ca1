"""The encoding of the subprotocol ``proto``: one message of the schema a binary frame (spot schema, section 1).

Importing this module needs protobuf.
"""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from bigone_sync.protocol._pb2 import bigone_spot_pb2 as schema
from bigone_sync.testing._connection import BINARY
from bigone_sync.testing._spot_encoding import JsonEncoding
from bigone_sync.testing._spot_faults import Faults, ProtoFaults
from bigone_sync.testing._spot_requests import Malformed, decode
from bigone_sync.testing._spot_schema import parts, reader_of, shown

#: Fields that no message of the schema has: a number, eight bytes, a text, a group of a number, four bytes.
_UNKNOWN_FIELDS = bytes.fromhex("c03e01 c93e0102030405060708 d23e03616263 db3e080adc3e e53e01020304")


class ProtoEncoding:
    """Messages of the schema; the members and bodies are those of JSON.

    Args:
        as_json: writes what a fault sends as JSON.
    """

    def __init__(self, as_json: JsonEncoding, faults: Faults) -> None:
        self._as_json = as_json
        self._faults = faults
        self._payloads = {
            field.json_name: (field.name, reader_of(field.message_type))
            for field in schema.Response.DESCRIPTOR.fields
            if field.message_type is not None
        }
        # The latest body and its bytes: an update goes to all who watch, each with a request id of his own.
        self._latest: tuple[str, str, ProtoFaults] | None = None
        self._bytes = b""

    def frame(self, request_id: str, member: str, body: str) -> tuple[int, bytes]:
        """Opcode and payload of a response."""
        faults = self._faults.proto
        if faults.as_json is not None:
            return faults.as_json, self._as_json.text(request_id, member, body)
        if (member, body, faults) != self._latest:
            self._bytes = self._payload(member, body, faults)
            self._latest = member, body, faults
        # Messages of one kind may be put one behind the other: together they are the message with the fields of both.
        return BINARY, schema.Response(request_id=request_id).SerializeToString() + self._bytes

    def read(self, data: str | bytes) -> dict[str, Any]:
        """The request in a frame, in the form that it has in JSON.

        JSON is told by its first byte, which no message of the schema has, and from text frames, which are never
        protobuf.

        Raises:
            Malformed: it is no request of the schema, has fields that the schema does not know, or sets one twice.
        """
        if isinstance(data, str) or data[:1] == b"{":
            return decode(data)
        try:
            request = schema.Request.FromString(data)
            # To a message without fields all are unknown: this tells what is there, and how often.
            unknown = UnknownFieldSet(schema.Ping.FromString(data))
            sent = [unknown[index].field_number for index in range(len(unknown))]
        except DecodeError as error:
            raise Malformed("", "malformed request: not a Request of the schema") from error
        if len(sent) > len(set(sent)) or len(sent) > 2:
            raise Malformed(request.request_id, "malformed request: exactly one request member is expected")
        if any(len(UnknownFieldSet(part)) for part in parts(request)):
            raise Malformed(request.request_id, "malformed request: a field that the schema does not know")
        message: dict[str, Any] = {"requestId": request.request_id}
        for field, value in request.ListFields():
            if field.message_type is not None:
                message[field.json_name] = shown(value)
        return message

    def _payload(self, member: str, body: str, faults: ProtoFaults) -> bytes:
        name, read = self._payloads[member]
        arguments: dict[str, Any] = {name: read(json.loads(body))}
        response = schema.Response(**arguments)
        if faults.enum_fields or faults.unknown_fields:
            _spoil(response, faults)
        return response.SerializeToString(deterministic=True)


def _spoil(response: Message, faults: ProtoFaults) -> None:
    for part in parts(response):
        for field in part.DESCRIPTOR.fields:
            if field.enum_type is not None and field.json_name in faults.enum_fields:
                setattr(part, field.name, faults.enum_number)
        if faults.unknown_fields:
            part.MergeFromString(_UNKNOWN_FIELDS)

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import pytest

from bigone_sync import errors
from bigone_sync.enums import ConnectionState
from bigone_sync.errors import (
    AuthenticationError,
    BigOneError,
    CallbackError,
    ConfigurationError,
    ConnectError,
    ConnectionClosed,
    ConnectionLost,
    ConnectTimeout,
    DecodeError,
    MessageTooBig,
    NotConnected,
    OrderRejected,
    OutcomeUnknown,
    ProtocolError,
    RateLimited,
    ReconnectExhausted,
    RequestError,
    RequestRejected,
    RequestTimeout,
    RestError,
    SequenceGap,
    SlowConsumer,
    StreamsDiverged,
    SubscriptionRejected,
    TransportError,
    UnknownMessage,
)


def handler(event: object) -> None:
    """A handler that can be pickled."""


# Every class with every field that it documents.
SAMPLES: list[tuple[type[BigOneError], dict[str, Any]]] = [
    (BigOneError, {}),
    (ConfigurationError, {"argument": "url"}),
    (AuthenticationError, {"code": 45001, "reason": "login status error"}),
    (TransportError, {}),
    *(
        (
            kind,
            {
                "url": "wss://host/path",
                "kind": "proxy",
                "status_code": 407,
                "headers": {"server": "edge"},
                "body": b"no",
            },
        )
        for kind in (ConnectError, ConnectTimeout)
    ),
    (ConnectionLost, {"cause": "closed", "close_code": 1006, "close_reason": "bye"}),
    (NotConnected, {"state": ConnectionState.WAITING}),
    (ConnectionClosed, {}),
    (ReconnectExhausted, {"attempts": 5}),
    *(
        (kind, {"connection": "spot/depth", "excerpt": '{"x":'})
        for kind in (ProtocolError, DecodeError, UnknownMessage, MessageTooBig, StreamsDiverged)
    ),
    (SequenceGap, {"market": "BTC-USDT", "expected": 7, "got": 9, "connection": "spot/depth"}),
    (RequestError, {"request_id": "5", "command": "subscribe"}),
    (RequestRejected, {"code": 45000, "reason": "no", "request_id": "5", "command": "subscribe"}),
    (SubscriptionRejected, {"key": ("depth", "X"), "code": 1, "reason": "no", "request_id": "5", "command": "c"}),
    (OrderRejected, {"client_request_id": "a", "code": 1, "reason": "no", "request_id": "5", "command": "c"}),
    (RequestTimeout, {"request_id": "5", "command": "subscribe"}),
    (OutcomeUnknown, {"client_request_id": "a", "request_id": "5", "command": "c"}),
    (
        RestError,
        {"status_code": 500, "code": 1, "reason": "no", "url": "https://host/path", "anomaly": "anomaly.token/invalid"},
    ),
    (CallbackError, {"event": ("an", "event"), "handler": handler}),
    (SlowConsumer, {"pending": 10, "limit": 10}),
    (RateLimited, {"retry_in": 1.5, "request_id": "1", "command": "createOrder"}),
]
BUILTIN_PARENTS = {ConfigurationError: ValueError, ConnectTimeout: TimeoutError, RequestTimeout: TimeoutError}
# Fields without which the exception could not be understood.
REQUIRED: dict[type[BigOneError], dict[str, Any]] = {
    SequenceGap: {"market": "BTC-USDT", "expected": None, "got": None},
    SubscriptionRejected: {"key": None},
    CallbackError: {"event": None, "handler": handler},
    SlowConsumer: {"pending": 1, "limit": 1},
}
each = pytest.mark.parametrize(("kind", "fields"), SAMPLES, ids=[kind.__name__ for kind, _ in SAMPLES])


def drawn_tree() -> dict[str, str | None]:
    """Parent of every class, as drawn in the module's docstring."""
    parents: dict[str, str | None] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^    ((?:[│ ]   )*(?:[├└]── )?)([A-Z]\w+)", line)
        if found:
            depth = len(found[1]) // 4
            del path[depth:]
            parents[found[2]] = path[-1] if path else None
            path.append(found[2])
    return parents


def test_the_tree_is_as_drawn() -> None:
    tree = drawn_tree()
    assert set(tree) == set(errors.__all__)
    for name, parent in tree.items():
        kind = getattr(errors, name)
        assert kind.__bases__[0] is (Exception if parent is None else getattr(errors, parent)), name


def test_the_drawing_names_the_builtin_parents() -> None:
    drawn = set(re.findall(r"(\w+) \((\w+Error)\)", errors.__doc__ or ""))
    assert drawn == {(kind.__name__, parent.__name__) for kind, parent in BUILTIN_PARENTS.items()}
    for kind, parent in BUILTIN_PARENTS.items():
        assert issubclass(kind, parent)


def test_every_exception_has_a_sample_and_shadows_no_builtin() -> None:
    assert {kind.__name__ for kind, _ in SAMPLES} == set(errors.__all__)
    builtins = set(dir(__builtins__)) | set(__builtins__ if isinstance(__builtins__, dict) else ())
    assert not builtins & set(errors.__all__)


@each
def test_message_and_fields(kind: type[BigOneError], fields: dict[str, Any]) -> None:
    error = kind("what happened", **fields)
    assert str(error) == "what happened"
    assert error.args == ("what happened",)
    for name, value in fields.items():
        assert getattr(error, name) == value
    assert isinstance(error, BigOneError)


@each
def test_a_message_is_enough_where_nothing_else_is_known(kind: type[BigOneError], fields: dict[str, Any]) -> None:
    error = kind("what happened", **REQUIRED.get(kind, {}))
    for name in fields:
        assert hasattr(error, name)


@each
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickling_and_copying_keep_everything(kind: type[BigOneError], fields: dict[str, Any], protocol: int) -> None:
    error = kind("what happened", **fields)
    for again in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is kind
        assert str(again) == "what happened"
        assert again.args == error.args
        assert repr(again) == repr(error)
        assert {name: getattr(again, name) for name in fields} == fields


@each
def test_it_can_be_raised_and_caught_by_each_parent(kind: type[BigOneError], fields: dict[str, Any]) -> None:
    for parent in kind.__mro__[:-2]:
        assert issubclass(parent, BaseException)
        with pytest.raises(parent) as caught:
            raise kind("what happened", **fields) from OSError("below")
        assert isinstance(caught.value.__cause__, OSError)


def test_headers_are_a_copy() -> None:
    given = {"server": "edge"}
    error = ConnectError("refused", headers=given)
    given["server"] = "changed"
    assert error.headers == {"server": "edge"}
    assert ConnectError("refused").headers == {}


def test_defaults_that_callers_rely_on() -> None:
    assert ConfigurationError("x").argument is None
    assert ConnectError("x").kind == "handshake"
    assert (ConnectError("x").status_code, ConnectError("x").body) == (None, b"")
    assert (ConnectionLost("x").cause, ConnectionLost("x").close_code) == ("lost", None)
    assert (SequenceGap("x", market="M", expected=1, got=2).excerpt) == ""

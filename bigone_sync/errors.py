"""Every exception that this package raises or hands to ``on_error``.

::

    BigOneError
    ├── ConfigurationError (ValueError)       you called it wrong; before any I/O
    ├── AuthenticationError                   credentials refused: final
    ├── TransportError
    │   ├── ConnectError                      dial or handshake failed
    │   │   └── ConnectTimeout (TimeoutError)
    │   ├── ConnectionLost                    it was up, then it ended
    │   ├── NotConnected                      command refused: the channel is not READY
    │   ├── ConnectionClosed                  used after close, or closed meanwhile
    │   └── ReconnectExhausted                gave up: final
    ├── ProtocolError                         the exchange sent nonsense
    │   ├── DecodeError
    │   ├── UnknownMessage
    │   ├── MessageTooBig
    │   ├── SequenceGap
    │   └── StreamsDiverged
    ├── RequestError
    │   ├── RequestRejected                   the server said no
    │   │   ├── SubscriptionRejected
    │   │   └── OrderRejected
    │   ├── RateLimited                       not sent: the client keeps the exchange's limit
    │   ├── RequestTimeout (TimeoutError)     no answer in time
    │   └── OutcomeUnknown                    sent, connection lost before the answer
    ├── RestError
    ├── CallbackError                         your handler raised; the cause is chained
    └── SlowConsumer                          queue at its bound; once per episode

Raised to the caller: what a call of his caused.  Given to ``on_error``: what happened in the background.  Fatal ones
do both.  Exceptions of the libraries underneath never leak; they are the ``__cause__``.  No message contains a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = [
    "AuthenticationError",
    "BigOneError",
    "CallbackError",
    "ConfigurationError",
    "ConnectError",
    "ConnectTimeout",
    "ConnectionClosed",
    "ConnectionLost",
    "DecodeError",
    "MessageTooBig",
    "NotConnected",
    "OrderRejected",
    "OutcomeUnknown",
    "ProtocolError",
    "RateLimited",
    "ReconnectExhausted",
    "RequestError",
    "RequestRejected",
    "RequestTimeout",
    "RestError",
    "SequenceGap",
    "SlowConsumer",
    "StreamsDiverged",
    "SubscriptionRejected",
    "TransportError",
    "UnknownMessage",
]


def _rebuild(cls: type[BigOneError], args: tuple[Any, ...], state: dict[str, Any]) -> BigOneError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class BigOneError(Exception):
    """Base of every exception of this package."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions with keyword-only arguments do not survive pickling by default.
        return _rebuild, (type(self), self.args, dict(self.__dict__))


class ConfigurationError(BigOneError, ValueError):
    """You called it wrong: the message names the argument and what is allowed. Raised before any I/O."""

    def __init__(self, message: str, *, argument: str | None = None) -> None:
        super().__init__(message)
        self.argument = argument
        """Name of the offending argument, where there is one."""


class AuthenticationError(BigOneError):
    """The exchange refused the credentials. Final: the channel does not try again."""

    def __init__(self, message: str, *, code: int | None = None, reason: str = "") -> None:
        super().__init__(message)
        self.code = code
        """The exchange's error code (45001 on spot; spot protocol, section 8)."""
        self.reason = reason
        """The exchange's own words."""


class TransportError(BigOneError):
    """Something below the protocol: name resolution, TCP, TLS, proxy, handshake, WebSocket."""


class ConnectError(TransportError):
    """Dialling or the handshake failed."""

    def __init__(
        self,
        message: str,
        *,
        url: str = "",
        kind: str = "handshake",
        status_code: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        super().__init__(message)
        self.url = url
        """The URL dialled, without user information and query."""
        self.kind = kind
        """``dns``, ``tcp``, ``refused``, ``proxy``, ``tls``, ``certificate``, ``handshake`` or ``resources``."""
        self.status_code = status_code
        """HTTP status of the answer, when there was one."""
        self.headers: dict[str, str] = dict(headers or {})
        """Response headers in lower case, without cookies."""
        self.body = body
        """Up to 64 KiB of the response body."""


class ConnectTimeout(ConnectError, TimeoutError):
    """The whole attempt (name, TCP, proxy, TLS, handshake) or a wait for readiness took too long."""


class ConnectionLost(TransportError):
    """The connection was up and ended."""

    def __init__(
        self,
        message: str,
        *,
        cause: str = "lost",
        close_code: int | None = None,
        close_reason: str = "",
    ) -> None:
        super().__init__(message)
        self.cause = cause
        """``closed`` (close frame), ``lost`` (FIN), ``reset``, ``silent``, ``stale``, ``send stalled``,
        ``protocol``, ``no answer``, ``resync`` (dialled again for a fresh snapshot) or ``error``."""
        self.close_code = close_code
        """Code of the peer's close frame, also where it is not a valid one."""
        self.close_reason = close_reason
        """Reason of the peer's close frame."""


class NotConnected(TransportError):
    """The command was refused because its channel is not READY."""

    def __init__(self, message: str, *, state: object = None) -> None:
        super().__init__(message)
        self.state = state
        """The channel's :class:`~bigone_sync.ConnectionState`."""


class ConnectionClosed(TransportError):
    """The client was used after ``close()``, or closed while the call waited."""


class ReconnectExhausted(TransportError):
    """``Backoff.max_attempts`` attempts in a row failed; the last failure is the ``__cause__``. Final."""

    def __init__(self, message: str, *, attempts: int = 0) -> None:
        super().__init__(message)
        self.attempts = attempts
        """Number of attempts that failed in a row."""


class ProtocolError(BigOneError):
    """The exchange sent something that cannot be right."""

    def __init__(self, message: str, *, connection: str = "", excerpt: str = "") -> None:
        super().__init__(message)
        self.connection = connection
        """Name of the channel."""
        self.excerpt = excerpt
        """The beginning of the offending frame, credentials redacted."""


class DecodeError(ProtocolError):
    """A frame could not be decoded. It was skipped; the stream goes on."""


class UnknownMessage(ProtocolError):
    """A message of a kind that this version does not know. Reported once per kind and connection."""


class MessageTooBig(ProtocolError):
    """A message over ``Limits.max_message``. The connection was dropped."""


class SequenceGap(ProtocolError):
    """A depth update does not continue the chain: its market is being resynchronised."""

    def __init__(
        self, message: str, *, market: str, expected: int | None, got: int | None, connection: str = ""
    ) -> None:
        super().__init__(message, connection=connection)
        self.market = market
        self.expected = expected
        """The ``prevId`` that would have continued the chain."""
        self.got = got
        """The ``prevId`` that came."""


class StreamsDiverged(ProtocolError):
    """Redundant copies of one stream stopped matching."""


class RequestError(BigOneError):
    """A request to the exchange did not succeed."""

    def __init__(self, message: str, *, request_id: str = "", command: str = "") -> None:
        super().__init__(message)
        self.request_id = request_id
        self.command = command
        """What was asked for, by its name on the wire."""


class RequestRejected(RequestError):
    """The server said no."""

    def __init__(
        self, message: str, *, code: int | None = None, reason: str = "", request_id: str = "", command: str = ""
    ) -> None:
        super().__init__(message, request_id=request_id, command=command)
        self.code = code
        self.reason = reason


class SubscriptionRejected(RequestRejected):
    """A subscription was refused. Other streams are unharmed; it is not asked for again."""

    def __init__(
        self,
        message: str,
        *,
        key: object,
        code: int | None = None,
        reason: str = "",
        request_id: str = "",
        command: str = "",
    ) -> None:
        super().__init__(message, code=code, reason=reason, request_id=request_id, command=command)
        self.key = key
        """The :class:`~bigone_sync.SubscriptionKey` refused."""


class OrderRejected(RequestRejected):
    """An order command was refused."""

    def __init__(
        self,
        message: str,
        *,
        client_request_id: str = "",
        code: int | None = None,
        reason: str = "",
        request_id: str = "",
        command: str = "",
    ) -> None:
        super().__init__(message, code=code, reason=reason, request_id=request_id, command=command)
        self.client_request_id = client_request_id


class RateLimited(RequestError):
    """The command was not sent, for the exchange's limit is reached; nothing is sent later by itself."""

    def __init__(self, message: str, *, retry_in: float = 0.0, request_id: str = "", command: str = "") -> None:
        super().__init__(message, request_id=request_id, command=command)
        self.retry_in = retry_in
        """Seconds until there is room again."""


class RequestTimeout(RequestError, TimeoutError):
    """No answer came in time. For an order the outcome is unknown."""


class OutcomeUnknown(RequestError):
    """The command was sent and the connection ended before the answer. It is never sent again by itself.

    Over REST also: an answer of status 5xx to an order, which does not tell whether it was carried out.
    """

    def __init__(self, message: str, *, client_request_id: str = "", request_id: str = "", command: str = "") -> None:
        super().__init__(message, request_id=request_id, command=command)
        self.client_request_id = client_request_id


class RestError(BigOneError):
    """An HTTP request failed: the exchange answered with another status than 2xx, or no answer could be had."""

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        code: int | None = None,
        reason: str = "",
        url: str = "",
        anomaly: str = "",
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        """HTTP status of the answer; None: there was none."""
        self.code = code
        """The exchange's error code (spot)."""
        self.reason = reason
        """The exchange's own words; its anomaly where it has no others. Where ``status_code`` is None, what happened
        instead: ``timeout``, ``dns``, ``refused``, ``proxy``, ``certificate``, ``tls``, ``reset``, ``closed``,
        ``truncated``, ``answer`` (it was no HTTP), ``size`` or ``tcp``."""
        self.url = url
        """The URL without query."""
        self.anomaly = anomaly
        """The exchange's keyword (contracts), like ``anomaly.token/invalid``."""


class CallbackError(BigOneError):
    """A handler of yours raised; its exception is the ``__cause__``. The stream goes on."""

    def __init__(self, message: str, *, event: object, handler: Callable[..., object]) -> None:
        super().__init__(message)
        self.event = event
        """What the handler was called with."""
        self.handler = handler


class SlowConsumer(BigOneError):
    """A queue reached its bound, or a handler does not return. Reported once per episode."""

    def __init__(self, message: str, *, pending: int, limit: int) -> None:
        super().__init__(message)
        self.pending = pending
        """Events waiting when it was reported."""
        self.limit = limit
        """The bound of the queue."""

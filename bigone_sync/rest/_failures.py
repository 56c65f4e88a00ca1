"""What went wrong with a call, in one table: from exceptions of four libraries to ours."""

from __future__ import annotations

import errno
import http.client
import re
import socket
import ssl
from collections import deque
from dataclasses import dataclass

import requests
from urllib3 import exceptions as lib

from ..errors import BigOneError, ConnectionClosed, OutcomeUnknown, RestError
from ._sending import Ended, OutOfTime, Sending, TooBig

__all__ = ["Trouble", "all_of", "answered", "as_error", "trouble_of"]

_REASON, _ANOMALY = 300, 100
_REFUSED = re.compile(r"Tunnel connection failed: (\d+)")


@dataclass(frozen=True)
class Trouble:
    """Why there is no answer."""

    kind: str
    """``RestError.reason``."""
    words: str
    cause: Exception
    """Holds nothing but words: exceptions of requests carry the request, with its headers."""


# The first line that fits any of the exceptions that led to the failure is taken; so the particular stand first.
_TABLE: tuple[tuple[type[BaseException], str, str], ...] = (
    (OutOfTime, "timeout", "there was no time left to send it"),
    (TooBig, "size", "the answer is bigger than 16 MiB"),
    (ssl.SSLCertVerificationError, "certificate", "the certificate was not accepted"),
    (lib.ProxyError, "proxy", "the proxy failed"),
    (socket.gaierror, "dns", "the host name cannot be resolved"),
    (ConnectionRefusedError, "refused", "the connection was refused"),
    (lib.NewConnectionError, "tcp", "cannot connect"),
    (lib.ConnectTimeoutError, "timeout", "connecting took too long"),
    (TimeoutError, "timeout", "there was no complete answer in time"),
    (lib.TimeoutError, "timeout", "there was no complete answer in time"),
    (http.client.RemoteDisconnected, "closed", "the connection was closed before an answer came"),
    (ConnectionError, "reset", "the connection was reset"),
    (http.client.IncompleteRead, "truncated", "the connection ended in the middle of the answer"),
    (http.client.HTTPException, "answer", "what came is no answer of HTTP"),
    (ssl.SSLError, "tls", "TLS failed"),
    (lib.SSLError, "tls", "TLS failed"),
    (lib.ClosedPoolError, "closed", "the connections were closed"),
    (lib.ProtocolError, "truncated", "the connection ended in the middle of the answer"),
    (lib.HTTPError, "answer", "what came cannot be used as an answer of HTTP"),
    (requests.RequestException, "answer", "the request could not be made"),
    (OSError, "tcp", "the connection failed"),
)
_UNKNOWN = ("answer", "the request could not be made")


def all_of(error: BaseException) -> list[BaseException]:
    """``error`` and all that it was made from, from the outside in."""
    found: list[BaseException] = []
    waiting: deque[object] = deque([error])
    while waiting:
        one = waiting.popleft()
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            inner = (getattr(one, "reason", None), getattr(one, "original_error", None))
            waiting.extend([*one.args, *inner, one.__cause__, one.__context__])
    return found


def _is_plain(error: BaseException) -> bool:
    return isinstance(error, OSError) and type(error).__module__ in ("builtins", "socket", "ssl")


def trouble_of(error: BaseException, *, is_sent: bool) -> Trouble:
    """What ``error`` means."""
    found = all_of(error)
    name, words = next(
        ((name, words) for kind, name, words in _TABLE if any(isinstance(one, kind) for one in found)), _UNKNOWN
    )
    if name == "timeout" and not is_sent and words.startswith("there was no complete"):
        words = "connecting took too long"
    plain = [one for one in found if _is_plain(one)]
    cause = plain[-1] if plain else None
    if cause is not None and (refusal := _REFUSED.match(str(cause))):
        # The rest of what the proxy said may repeat the password.
        words, cause = f"the proxy refused to connect (status {refusal[1]})", None
    elif isinstance(cause, ssl.SSLCertVerificationError):
        words = f"{words}: {cause.verify_message}"
    elif isinstance(cause, OSError) and name in ("proxy", "dns", "tcp", "tls"):
        words = f"{words}: {cause.strerror or cause}"
        if cause.errno in (errno.EMFILE, errno.ENFILE):
            words = f"{words} (on this machine)"
    if not isinstance(cause, OSError):
        cause = TimeoutError(words) if name == "timeout" else ConnectionError(words)
    cause.__cause__ = cause.__context__ = None
    return Trouble(name, words, cause.with_traceback(None))


def as_error(
    sending: Sending, error: BaseException, *, endpoint: str, url: str, is_repeatable: bool, client_order_id: str
) -> BigOneError:
    """The exception for a call without an answer; its cause is set."""
    is_open = sending.is_sent and not is_repeatable
    if isinstance(error, Ended):
        closed = ConnectionClosed(f"{endpoint}: closed while the call waited")
        return _unknown(endpoint, "closed while the call waited", closed, client_order_id) if is_open else closed
    trouble = trouble_of(error, is_sent=sending.is_sent)
    if is_open:
        return _unknown(endpoint, trouble.words, trouble.cause, client_order_id)
    tail = "" if is_repeatable else "; it was not sent"
    if sending.attempts > 1:
        tail = f", after {sending.attempts} attempts (before: {sending.before})"
    plain = RestError(f"{endpoint}: {trouble.words}{tail}", reason=trouble.kind, url=url)
    plain.__cause__ = trouble.cause
    return plain


def answered(
    sending: Sending,
    status: int,
    failure: tuple[int | None, str, str],
    retry_after: str | None,
    *,
    endpoint: str,
    url: str,
    is_repeatable: bool,
    client_order_id: str,
) -> BigOneError:
    """The exception for an answer of another status than 2xx; its cause is set.

    Status 5xx for what is not repeatable tells that something broke over there (500), or that a server between did not
    hear from the one behind it (502, 503, 504): the order may have reached it.
    """
    code, anomaly, reason = failure
    anomaly, reason = sending.scrub(anomaly, _ANOMALY), sending.scrub(reason, _REASON)
    words = [f"status {status}"]
    if code is not None:
        words.append(f"code {code}")
    if anomaly:
        words.append(anomaly)
    text = ", ".join(words)
    if reason and reason != anomaly:
        text += f": {reason}"
    if sending.attempts > 1:
        text += f" (after {sending.attempts} attempts)"
    if status == 429:
        text += "; too many requests"
    if retry_after:
        text += f"; Retry-After: {sending.scrub(retry_after, 40)}"
    error = RestError(f"{endpoint}: {text}", status_code=status, code=code, reason=reason, url=url, anomaly=anomaly)
    if status >= 500 and not is_repeatable:
        return _unknown(endpoint, f"the answer was {text}", error, client_order_id)
    return error


def _unknown(endpoint: str, words: str, cause: Exception, client_order_id: str) -> OutcomeUnknown:
    error = OutcomeUnknown(
        f"{endpoint}: it was sent, but {words}; whether it was carried out is not known",
        client_request_id=client_order_id,
        command=endpoint,
    )
    error.__cause__ = cause
    return error

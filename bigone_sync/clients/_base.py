"""Settings, listeners, registration and views, shared by the clients."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..config import Backoff, Limits, Timeouts, check_headers
from ..enums import ConnectionState
from ..errors import ConfigurationError
from ..events import SubscriptionKey
from ..session_base import BaseSession
from ..stats import ClientStats
from ..subscription import Subscription
from ..transport.pacing import Pacer
from ..transport.proxies import parse_proxy
from ..transport.settings import TransportSettings
from ._arguments import check_handler
from ._closing import S
from ._lifecycle import Lifecycle
from ._numbers import client_stats
from ._registry import Registry

__all__ = ["BaseClient"]

_H = TypeVar("_H", bound=Callable[[Any], object])
_ORDER = (
    ConnectionState.CLOSED,
    ConnectionState.CLOSING,
    ConnectionState.IDLE,
    ConnectionState.WAITING,
    ConnectionState.CONNECTING,
    ConnectionState.AUTHENTICATING,
    ConnectionState.READY,
)


class BaseClient(Lifecycle[S]):
    """What all clients have in common. Not for direct use."""

    def __init__(
        self,
        name: str,
        *,
        timeouts: Timeouts,
        backoff: Backoff,
        limits: Limits,
        proxy: str | None,
        ssl_context: ssl.SSLContext | None,
        headers: Mapping[str, str] | None,
        dispatch: str,
    ) -> None:
        for argument, value, kind in (
            ("timeouts", timeouts, Timeouts),
            ("backoff", backoff, Backoff),
            ("limits", limits, Limits),
        ):
            if not isinstance(value, kind):
                raise ConfigurationError(
                    f"{argument} must be a {kind.__name__}, not {type(value).__name__}", argument=argument
                )
        if dispatch not in ("worker", "caller"):
            raise ConfigurationError(f"dispatch must be 'worker' or 'caller', not {dispatch!r}", argument="dispatch")
        if proxy:
            parse_proxy(proxy)
        if ssl_context is not None and not isinstance(ssl_context, ssl.SSLContext):
            raise ConfigurationError("ssl_context must be an ssl.SSLContext or None", argument="ssl_context")
        self._headers = dict(check_headers(headers))
        super().__init__(name, timeouts=timeouts, limits=limits, dispatch=dispatch)
        self._backoff = backoff
        self._transport = TransportSettings(
            timeouts=timeouts, backoff=backoff, limits=limits, proxy=proxy, ssl_context=ssl_context
        )
        self._registry = Registry(self._hub, self._session_for, self._left, limits.queue)
        self._pacer = Pacer(limits.dial_interval)

    # -- made by the concrete client

    def _channel_of(self, key: SubscriptionKey) -> str:
        """Name of the connection that a stream belongs to."""
        raise NotImplementedError

    def _make_session(self, channel: str) -> S:
        """A session with its connection, not started."""
        raise NotImplementedError

    _more_connections = ""
    """What to do where there are too many connections: how the error's text goes on."""

    def _session_for(self, key: SubscriptionKey) -> S:
        return self._session_of(self._channel_of(key), str(key))

    def _session_of(self, channel: str, purpose: str, prepare: Callable[[S], None] | None = None) -> S:
        """The session of a connection; made, and prepared before it can open, if there is none."""
        with self._lock:
            session = self._sessions.get(channel)
            if session is None:
                most = self._limits.max_connections
                if len(self._sessions) >= most:
                    raise ConfigurationError(
                        f"{purpose} needs one more connection than Limits(max_connections={most}) allows;"
                        f" {self._more_connections}",
                        argument="max_connections",
                    )
                session = self._sessions[channel] = self._make_session(channel)
                if prepare is not None:
                    prepare(session)
                if self._closing:
                    # Since the caller was let in; whoever waits for this session would wait in vain.
                    del self._sessions[channel]
                    self._check_open()
                if self._started:
                    session.connection.start()
            return session

    def _left(self, session: BaseSession) -> None:
        """Streams of a session were closed."""

    def _failovers(self) -> int:
        """Times that one of several connections took over from another."""
        return 0

    def _open_subscriptions(self) -> tuple[Subscription, ...]:
        return self._registry.subscriptions

    # -- listeners

    def on_error(self, handler: _H) -> _H:
        """Be told of every :class:`~bigone_sync.errors.BigOneError` that happens in the background.

        Works as a decorator, too, and returns ``handler``.  The handler runs on the delivering thread; if it raises,
        that is logged.  Without any such handler errors are logged at ERROR.

        Raises:
            ConfigurationError: ``handler`` does not take exactly one argument.
        """
        return self._listen("error", handler)

    def on_state(self, handler: _H) -> _H:
        """Be told of every :class:`~bigone_sync.StateChange` of a connection. Otherwise like :meth:`on_error`."""
        return self._listen("state", handler)

    def on_gap(self, handler: _H) -> _H:
        """Be told of every :class:`~bigone_sync.Gap` in the data. Otherwise like :meth:`on_error`."""
        return self._listen("gap", handler)

    def on_raw(self, handler: _H) -> _H:
        """Be told of every :class:`~bigone_sync.RawFrame`, credentials redacted. Otherwise like :meth:`on_error`."""
        return self._listen("raw", handler)

    def _listen(self, kind: str, handler: _H) -> _H:
        check_handler(handler)
        self._hub.listen(kind, handler)
        return handler

    # -- views

    @property
    def state(self) -> ConnectionState:
        """The least ready of the connections; IDLE before ``start()``, CLOSED after ``close()``.

        A channel that was refused while the others go on does not count.
        """
        if self._closed.is_set() or self._pid != os.getpid():
            return ConnectionState.CLOSED
        if self._closing:
            return ConnectionState.CLOSING
        if not self._started:
            return ConnectionState.IDLE
        states = [session.connection.state for session in list(self._sessions.values()) if not session.is_over]
        return min(states, key=_ORDER.index, default=ConnectionState.READY)

    @property
    def connections(self) -> Mapping[str, ConnectionState]:
        """The state of each connection by its name, as it is now."""
        return {name: session.connection.state for name, session in list(self._sessions.items())}

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """The open subscriptions, in order of registration."""
        return self._registry.subscriptions

    def stats(self) -> ClientStats:
        """Numbers as they are now."""
        return client_stats(dict(list(self._sessions.items())), self._hub.callback_errors, self._failovers())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state}, {len(self.subscriptions)} subscriptions>"

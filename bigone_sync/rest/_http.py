"""HTTP calls over one session: each sent, timed, and brought back or turned into an error."""

from __future__ import annotations

import http.client
import os
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import requests
from urllib3.exceptions import HTTPError

from .._version import __version__
from ..arguments import check_count, check_timeout
from ..config import parse_proxy, public_url
from ..errors import BigOneError, ConfigurationError, ConnectionClosed
from ._adapter import Adapter, Session, choose_proxy
from ._failures import answered, as_error
from ._limiter import REQUESTS, Limiter
from ._retry import BACKOFF, RETRIED, call_retry
from ._sending import Ended, Sending, Stop, making

__all__ = ["Answer", "Call", "Http"]

_MOST_RETRIES = 10


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request to be made."""

    method: str
    path: str
    """Appended to the base URL, or a whole URL; percent-encoded where need be."""
    query: Sequence[tuple[str, str]] = ()
    body: bytes | None = field(default=None, repr=False)
    """JSON."""
    is_private: bool = False
    """Signed with a fresh token each time that it is sent."""
    is_repeatable: bool = True
    """Reads and cancels; False for what places orders or sets something: sent once at most."""
    client_order_id: str = ""
    """Of an order that it places."""
    headers: Sequence[tuple[str, str]] = field(default=(), repr=False)
    """Of this call alone. Credentials: what the peer repeats of their values is not shown."""
    on_repeat: Callable[[], None] | None = field(default=None, repr=False)
    """Called before each attempt but the first; what it raises, of ours, ends the call."""
    is_patient: bool = True
    """Whether it is tried again where it may be; False for what is of use at once or not at all."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back, of status 2xx."""

    status: int
    data: bytes = field(repr=False)
    received_at: float
    """Unix seconds of this machine's clock."""
    endpoint: str
    """Method and URL without query, for messages."""
    repeats_secrets: bool = False
    """Whether credentials of the call (``Call.headers``) stand in the body: then nothing of it is to be shown."""


class Http:
    """One session of requests, with its connections. Thread-safe.

    Args:
        url: Base, to which the paths of calls are appended; checked before.
        signer: Makes the token of a private call; called anew for each attempt.
        failure: Code, anomaly and reason that an answer of another status than 2xx holds; pure.
        connect_timeout: Seconds for name, TCP, proxy and TLS.
        read_timeout: Seconds of silence while an answer is awaited.
        headers: Added to ours; checked before.
        proxy: URL of an HTTP proxy; the empty text: none; None: as the environment says.
        ssl_context: Used as it is; None: the system's authorities.
        retries: Attempts after the first of a repeatable call.
        limit: Requests in ten seconds to one host, counted over the whole process.
        retried: Statuses after which a repeatable call is tried again; 429 and 503 are it anyway where the answer says
            when (Retry-After).
        backoff: Seconds of the first pause between two attempts, at most.

    Raises:
        ConfigurationError: an argument is not one of the above.
    """

    def __init__(
        self,
        url: str,
        *,
        signer: Callable[[], str] | None,
        failure: Callable[[int, bytes], tuple[int | None, str, str]],
        connect_timeout: float,
        read_timeout: float,
        headers: Mapping[str, str],
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        retries: int = 3,
        limit: int = REQUESTS,
        retried: frozenset[int] = RETRIED,
        backoff: float = BACKOFF,
    ) -> None:
        if proxy:
            parse_proxy(proxy)
        if ssl_context is not None and not isinstance(ssl_context, ssl.SSLContext):
            raise ConfigurationError(
                f"ssl_context must be None or an SSLContext, not {type(ssl_context).__name__}", argument="ssl_context"
            )
        check_count(retries, "retries", _MOST_RETRIES, least=0)
        check_count(limit, "limit", REQUESTS)
        self._url, self._signer, self._failure = url.rstrip("/"), signer, failure
        self._connect_timeout, self._read_timeout = connect_timeout, read_timeout
        self._proxy, self._retries, self._limit = proxy, retries, limit
        self._retried, self._backoff = retried, backoff
        self._adapter = Adapter(ssl_context)
        ours = {
            "User-Agent": f"bigone_sync/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "Connection": "keep-alive",
        }
        self._session = Session(self._adapter, ours)
        self._session.headers.update(headers)
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._calls: set[Sending] = set()
        self._limiters: set[Limiter] = set()

    @property
    def patience(self) -> float:
        """Seconds that a call may take if nothing else is said: those for connecting and for the answer."""
        return self._connect_timeout + self._read_timeout

    def send(self, call: Call, *, timeout: float | None = None) -> Answer:
        """Make a call.

        A call that is not repeatable is sent at most once, on a connection that was found alive.

        Args:
            call: What to send.
            timeout: Seconds for all of it: waiting for the rate limiter, connecting, every attempt and the pauses
                between them, and the body; None: :attr:`patience`.

        Raises:
            RestError: the answer has another status than 2xx, or there was none; the ``reason`` of the latter is
                ``timeout`` where it took too long.
            OutcomeUnknown: a call that is not repeatable may have been sent, and no answer tells what came of it.
            ConnectionClosed: ``abort()`` or ``close()`` was called, or the process has forked.
            ConfigurationError: the proxy of the environment cannot be used.
        """
        if timeout is not None:
            check_timeout(timeout)
        url = self._url_of(call)
        endpoint = self.endpoint(call)
        sending = self._begin(call, url, timeout, endpoint)
        try:
            with making(sending):
                outcome = self._exchange(call, url, sending)
        finally:
            with self._lock:
                self._calls.discard(sending)
        # Outside of any except: what is raised here must not have the libraries' exceptions as its context.
        about = {
            "endpoint": endpoint,
            "url": endpoint.partition(" ")[2],
            "is_repeatable": call.is_repeatable,
            "client_order_id": call.client_order_id,
        }
        if isinstance(outcome, BaseException):
            if self._ended.is_set():
                outcome = Ended()  # a connection that was shut down fails in one way or another
            raise as_error(sending, outcome, **about)  # type: ignore[arg-type]
        status = outcome.status_code
        if not 200 <= status < 300:
            failure, retry_after = (
                self._failure(status, sending.clean(sending.body)),
                outcome.headers.get("Retry-After"),
            )
            raise answered(sending, status, failure, retry_after, **about)  # type: ignore[arg-type]
        return Answer(
            status=status,
            data=sending.body,
            received_at=time.time(),
            endpoint=endpoint,
            repeats_secrets=bool(call.headers) and sending.is_repeated(sending.body),
        )

    def endpoint(self, call: Call) -> str:
        """Method and URL without query, for messages."""
        return f"{call.method} {public_url(self._url_of(call))}"

    def check(self, endpoint: str) -> None:
        """Nothing, if calls can be made.

        Raises:
            ConnectionClosed: ``abort()`` or ``close()`` was called, or the process has forked.
        """
        if os.getpid() != self._process:
            raise ConnectionClosed(f"{endpoint}: this object belongs to the parent process; make a new one")
        if self._ended.is_set():
            raise ConnectionClosed(f"{endpoint}: this object is closed; make a new one")

    def _url_of(self, call: Call) -> str:
        return call.path if call.path.startswith(("http://", "https://")) else self._url + call.path

    def _begin(self, call: Call, url: str, timeout: float | None, endpoint: str) -> Sending:
        self.check(endpoint)
        limiter = Limiter.of(urlsplit(url).netloc.lower())
        sending = Sending(
            seconds=self.patience if timeout is None else timeout,
            ended=self._ended,
            limiter=limiter,
            limit=self._limit,
            sign=self._signer if call.is_private else None,
            on_repeat=call.on_repeat,
            retries=call_retry(
                self._retries if call.is_repeatable and call.is_patient else 0,
                statuses=self._retried,
                backoff=self._backoff,
            ),
        )
        for _, value in call.headers:
            sending.conceal_token(value.rpartition(" ")[2])
        with self._lock:
            self.check(endpoint)
            self._calls.add(sending)
            self._limiters.add(limiter)
        return sending

    def _exchange(self, call: Call, url: str, sending: Sending) -> requests.Response | BaseException:
        """The response, whose body is with the Sending, or what any of the libraries raised."""
        proxy = choose_proxy(self._proxy, url)
        if proxy is not None and proxy.authorization:
            sending.conceal(proxy.authorization.partition(" ")[2])
        proxies = self._adapter.proxies(proxy)
        try:
            request = requests.Request(
                call.method,
                f"{url}?{urlencode(call.query)}" if call.query else url,
                data=call.body,
                headers={**({} if call.body is None else {"Content-Type": "application/json"}), **dict(call.headers)},
            )
            return self._session.send(
                self._session.prepare_request(request),
                stream=True,
                timeout=(self._connect_timeout, self._read_timeout),
                allow_redirects=False,
                proxies=proxies,
            )
        except BigOneError:
            raise  # ours, of the signer
        except (Stop, requests.RequestException, HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            return error

    def abort(self) -> None:
        """End calls in progress with ConnectionClosed, and those to come; any thread, does not wait.

        An order that may have been sent ends with OutcomeUnknown.
        """
        self._ended.set()
        if os.getpid() != self._process:
            return  # the connections are the parent's
        with self._lock:
            calls, limiters = list(self._calls), list(self._limiters)
        for sending in calls:
            sending.cut()
        for limiter in limiters:
            limiter.wake()

    def close(self) -> None:
        """:meth:`abort`, and close the connections. Idempotent."""
        self.abort()
        self._session.close()

"""Credentials and BigONE tokens (spot protocol, section 4).

The secret is used as it is, never decoded, and appears in no repr, message or log.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from jwt import PyJWS
from jwt.algorithms import HMACAlgorithm

from .errors import ConfigurationError

__all__ = ["Credentials", "TokenSigner", "bigone_token", "check_variant", "masked"]

_NS = 1_000_000_000
_US = 1_000
_GUIDE_LIFETIME = 60
_VARIANTS = ("OpenAPIV2", "guide", "OpenAPI")


def _check_text(value: object, argument: str, name: str | None = None) -> None:
    # The value is never repeated: it may be the secret, or the secret put in the wrong place.
    rule = f"{name or argument} must be non-empty printable text without spaces around it"
    if not isinstance(value, str):
        raise ConfigurationError(f"{rule}, not {type(value).__name__}", argument=argument)
    if not value:
        raise ConfigurationError(f"{rule}; it is empty", argument=argument)
    # Surrogates are not printable either, so what passes can always be encoded.
    if value != value.strip() or not value.isprintable():
        raise ConfigurationError(f"{rule}; look for a line break or a space at its ends", argument=argument)


def masked(api_key: str) -> str:
    """The beginning of an API key, to tell it from others; a short one is not shown by more than half."""
    return f"{api_key[: min(4, len(api_key) // 2)]}…"


@dataclass(frozen=True, repr=False)
class Credentials:
    """API key and secret of a BigONE account. Immutable; can be pickled, and then the pickle holds the secret.

    Raises:
        ConfigurationError: one of them is not printable text or has spaces around it.
    """

    api_key: str
    api_secret: str

    def __post_init__(self) -> None:
        _check_text(self.api_key, "api_key")
        _check_text(self.api_secret, "api_secret")

    def __repr__(self) -> str:
        return f"Credentials(api_key='{masked(self.api_key)}', api_secret=***)"

    @classmethod
    def from_env(cls, prefix: str = "BIGONE") -> Credentials:
        """Read ``{prefix}_API_KEY`` and ``{prefix}_API_SECRET`` from the environment.

        Raises:
            ConfigurationError: a variable is missing or unusable; the message names it.
        """
        if not isinstance(prefix, str) or not prefix:
            raise ConfigurationError(f"prefix must be non-empty text, not {prefix!r}", argument="prefix")
        values = []
        for part in ("API_KEY", "API_SECRET"):
            variable = f"{prefix}_{part}"
            value = os.environ.get(variable)
            if value is None:
                raise ConfigurationError(f"environment variable {variable} is not set", argument=variable)
            _check_text(value, variable, f"environment variable {variable}")
            values.append(value)
        return cls(values[0], values[1])


class _PlainHMAC(HMACAlgorithm):
    """HS256 that takes the secret as the exchange gave it.

    PyJWT warns about HMAC keys under 32 bytes (since 2.11, with InsecureKeyLengthWarning) and refuses keys that look
    like PEM, DER or JWK, in ways that differ by version.  The length and look of a BigONE secret are the exchange's
    choice, and warnings filters are process-wide and not thread-safe; so the two checks are answered here, by the
    methods PyJWT asks.  Versions without the length check never call the second.
    """

    def prepare_key(self, key: str | bytes) -> bytes:
        return key.encode() if isinstance(key, str) else key

    def check_key_length(self, key: bytes) -> str | None:
        return None


def _signer() -> PyJWS:
    jws = PyJWS(algorithms=[])
    jws.register_algorithm("HS256", _PlainHMAC(HMACAlgorithm.SHA256))
    return jws


_JWS = _signer()


def _sign(credentials: Credentials, claims: dict[str, str | int]) -> str:
    # Plain text and integers under a checked secret: nothing here can fail, so no exception of PyJWT can come out.
    payload = json.dumps(claims, separators=(",", ":")).encode()
    return _JWS.encode(payload, credentials.api_secret, algorithm="HS256")


def _check_credentials(credentials: object) -> None:
    if not isinstance(credentials, Credentials):
        raise ConfigurationError(
            f"credentials must be Credentials, not {type(credentials).__name__}", argument="credentials"
        )


def _check_recv_window(recv_window: object) -> None:
    if recv_window is not None and (
        isinstance(recv_window, bool) or not isinstance(recv_window, int) or recv_window < 1
    ):
        raise ConfigurationError(
            f"recv_window must be None or a whole number of seconds from 1, not {recv_window!r}", argument="recv_window"
        )


def _check_clock(clock: object) -> None:
    if clock is not None and not callable(clock):
        raise ConfigurationError(
            f"clock must be None or a callable that returns Unix nanoseconds, not {type(clock).__name__}",
            argument="clock",
        )


def _read(clock: Callable[[], int] | None) -> int:
    now = (clock or time.time_ns)()
    if isinstance(now, bool) or not isinstance(now, int) or now < 1:
        raise ConfigurationError(f"clock must return Unix nanoseconds as a positive int, not {now!r}", argument="clock")
    return now


def _claims(credentials: Credentials, variant: str, nonce: int, recv_window: int | None) -> dict[str, str | int]:
    """``nonce`` is in nanoseconds."""
    if variant == "OpenAPI":
        return {"type": "OpenAPI", "sub": credentials.api_key.replace("-", ""), "nonce": nonce}
    if variant == "guide":
        issued = nonce // _NS
        return {"sub": credentials.api_key, "nonce": nonce // _US, "iat": issued, "exp": issued + _GUIDE_LIFETIME}
    claims: dict[str, str | int] = {"type": "OpenAPIV2", "sub": credentials.api_key, "nonce": str(nonce)}
    if recv_window is not None:
        claims["recv_window"] = str(recv_window)
    return claims


def check_variant(variant: object, *, argument: str = "variant") -> None:
    """Nothing, if there is such a variant.

    Raises:
        ConfigurationError: there is not.
    """
    if variant not in _VARIANTS:
        raise ConfigurationError(
            f"{argument} must be one of {', '.join(_VARIANTS)}, not {variant!r}", argument=argument
        )


def _check_variant(variant: object, recv_window: object) -> None:
    check_variant(variant)
    _check_recv_window(recv_window)
    if recv_window is not None and variant != "OpenAPIV2":
        raise ConfigurationError("recv_window exists in variant OpenAPIV2 only", argument="recv_window")


def bigone_token(
    credentials: Credentials,
    *,
    variant: str = "OpenAPIV2",
    clock: Callable[[], int] | None = None,
    recv_window: int | None = None,
) -> str:
    """Sign one token, without the word ``Bearer`` (spot protocol, section 4).

    The nonce is the clock's reading as it is; :class:`TokenSigner` makes nonces that never repeat.  A token is valid
    only near its time: sign immediately before sending, and anew for every connection.

    Args:
        credentials: Whose token.
        variant: ``OpenAPIV2`` is what the exchange accepts today; ``guide`` (the WebSocket guide's claims) and
            ``OpenAPI`` (the V2 era) are documented forms of doubtful use.
        clock: Returns Unix time in nanoseconds as an int; by default this machine's clock.
        recv_window: Seconds by which the server's clock may differ; None leaves it to the server (30). ``OpenAPIV2``
            only.

    Raises:
        ConfigurationError: an argument is not one of the above.
    """
    _check_credentials(credentials)
    _check_variant(variant, recv_window)
    _check_clock(clock)
    now = _read(clock)
    return _sign(credentials, _claims(credentials, variant, now, recv_window))


# Nonces are a matter between an API key and the exchange, so all signers of a key share one count.
_nonces: dict[str, int] = {}
# Half of the exchange's default window (spot protocol, section 4).
_CLOCK_SET_BACK = 15 * _NS
_nonces_lock = threading.Lock()


class TokenSigner:
    """Signs a fresh token at every call. Thread-safe.

    Nonces are strictly increasing over all signers of one API key in this process, also when the clock stands still or
    steps back a little: then the nonce is the last one plus 1.  A clock that was set back by more than 15 seconds is
    followed, for nonces that far in the future would be refused until it has caught up.

    Args:
        credentials: Whose tokens.
        clock: Returns Unix time in nanoseconds as an int, corrected for the server's clock if need be; by default
            this machine's clock.  Called on the thread that wants the token.
        recv_window: Seconds by which the server's clock may differ; None leaves it to the server (30).
        variant: See :func:`bigone_token`.

    Raises:
        ConfigurationError: an argument is not one of the above, now or, for what the clock returns, at the call.
    """

    __slots__ = ("_clock", "_credentials", "_recv_window", "_variant")

    def __init__(
        self,
        credentials: Credentials,
        *,
        clock: Callable[[], int] | None = None,
        recv_window: int | None = None,
        variant: str = "OpenAPIV2",
    ) -> None:
        _check_credentials(credentials)
        _check_clock(clock)
        _check_variant(variant, recv_window)
        self._credentials = credentials
        self._variant = variant
        self._clock = clock
        self._recv_window = recv_window

    def __repr__(self) -> str:
        return f"TokenSigner({self._credentials!r})"

    def __call__(self) -> str:
        """A new token, without the word ``Bearer``."""
        now = _read(self._clock)
        key = self._credentials.api_key
        step = _US if self._variant == "guide" else 1  # the guide's nonces are in microseconds
        with _nonces_lock:
            last = _nonces.get(key, 0)
            nonce = _nonces[key] = now if last - now > _CLOCK_SET_BACK else max(now, last + step)
        return _sign(self._credentials, _claims(self._credentials, self._variant, nonce, self._recv_window))

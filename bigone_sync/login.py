"""Logging in on one connection: what an answer means, and when a refusal is final. Pure but for the time it is told."""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol

from .errors import AuthenticationError, BigOneError, RequestRejected
from .protocol.base import ServerError

__all__ = ["Login", "LoginState", "Step"]

_LOGIN_STATUS_ERROR = 45001
_ADVICE = "check the API key, the secret and this machine's clock, which may be off by 30 s at most"


class Skew(Protocol):
    """Whoever knows how far this machine's clock is off."""

    @property
    def skew(self) -> str:
        """The same in words."""


class LoginState(Enum):
    """Where it stands."""

    OUT = auto()
    ASKED = auto()
    IN = auto()


class Step(Enum):
    """What to do next."""

    GO_ON = auto()
    """Logged in."""
    ASK = auto()
    """Log in with a fresh token."""
    GIVE_UP = auto()
    """End the connection because of :attr:`Login.failure`."""
    NOTHING = auto()
    REPORT = auto()
    """Nobody wanted to be logged in: it is just an error."""


class Login:
    """One connection's login (spot protocol, sections 4 and 8).

    A refusal (45001) is tried once more with a fresh token, at once; then it is final.  A login that is lost later is
    renewed once; if that is refused, or lost again within ``stable_after`` seconds, it is final.  Any other error ends
    the connection, and the next one tries again: an internal error of the exchange may pass.
    """

    def __init__(self, name: str, stable_after: float, clock: Skew | None = None) -> None:
        self.state = LoginState.OUT
        self.failure: BigOneError | None = None
        self._name = name
        self._stable_after = stable_after
        self._clock = clock
        self._retried = False
        self._renewed_at = float("-inf")
        self._renewing = False

    def reset(self) -> None:
        """A new connection."""
        self.state = LoginState.OUT
        self.failure = None
        self._retried = False
        self._renewed_at = float("-inf")
        self._renewing = False

    def asked(self) -> None:
        """The request is on its way."""
        self.state = LoginState.ASKED

    def answered(self, error: ServerError | None) -> Step:
        """The exchange answered; ``error`` None means yes."""
        self._renewing = False
        if error is None:
            self.state = LoginState.IN
            return Step.GO_ON
        return self._refused(error)

    def lost(self, error: ServerError, now: float, *, of_request: bool, of_call: bool = False) -> Step:
        """The exchange says that we are not logged in.

        ``of_request``: as the answer to a subscription or a command; ``of_call``: to a command.  To refuse commands
        may be all that it means then, so soon after a renewal it says nothing about the login.
        """
        if self.state is LoginState.OUT:
            return Step.REPORT
        if self.state is LoginState.ASKED:
            # What answers an earlier request, or repeats why this login is under way, says nothing about it.
            return Step.NOTHING if of_request or self._renewing else self._refused(error)
        self._retried = True
        if now - self._renewed_at < self._stable_after:
            return Step.NOTHING if of_call else self._refused(error)
        self._renewed_at = now
        self._renewing = True
        return Step.ASK

    def _refused(self, error: ServerError) -> Step:
        skew = f"; {self._clock.skew}" if self._clock is not None else ""
        text = f"{self._name}: login refused: {error.message} (code {error.code}); {_ADVICE}{skew}"
        if error.code not in (None, _LOGIN_STATUS_ERROR):
            self.failure = RequestRejected(text, code=error.code, reason=error.message)
            return Step.GIVE_UP
        if not self._retried:
            self._retried = True
            return Step.ASK
        self.failure = AuthenticationError(text, code=error.code, reason=error.message)
        return Step.GIVE_UP

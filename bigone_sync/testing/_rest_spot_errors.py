"""Why the spot REST API refuses (REST protocol, section 3, table of error codes)."""

from __future__ import annotations

__all__ = ["SpotRefusal", "bad_parameter", "not_found"]


class SpotRefusal(Exception):
    """HTTP status, code and message in place of data."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def bad_parameter(message: str) -> SpotRefusal:
    """A parameter is wrong."""
    return SpotRefusal(400, 10007, f"Parameter error: {message}")


def not_found(message: str) -> SpotRefusal:
    """There is no such pair, order, asset or call."""
    return SpotRefusal(404, 10013, f"Resource not found: {message}")

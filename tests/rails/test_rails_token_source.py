"""The token of a handshake, whatever the function gives that has it."""

from __future__ import annotations

from typing import Any

import pytest

from bigone_sync.errors import AuthenticationError, BigOneError, ConfigurationError, ConnectError, RestError
from bigone_sync.rails.token import TokenSource, check_token

JWT = "eyJhbGciOi.eyJpc3Mi-_.c2ln=/+~"
SECRET = "secret-of-the-tests"


@pytest.mark.parametrize("token", ["x", JWT, "!#$%&'*+^`|"])
def test_what_a_header_can_carry_is_a_token(token: str) -> None:
    assert check_token(token) == token
    assert TokenSource(lambda: token, None)() == token


@pytest.mark.parametrize("argument", ["token", "token()"])
@pytest.mark.parametrize(
    ("rubbish", "shown"),
    [
        *[
            (text, "text that cannot stand in a header")
            for text in ("", f"{SECRET} ", f" {SECRET}", f"{SECRET}\n", f"{SECRET},b", f"{SECRET}é", f"{SECRET}\x7f")
        ],
        (None, "NoneType"),
        (SECRET.encode(), "bytes"),
        (7, "int"),
    ],
)
def test_rubbish_is_named_and_not_repeated(rubbish: object, shown: str, argument: str) -> None:
    source: Any = TokenSource(lambda: rubbish, None)  # type: ignore[arg-type, return-value]
    with pytest.raises(ConfigurationError) as caught:
        check_token(rubbish) if argument == "token" else source()
    assert str(caught.value) == f"{argument} must be an access token as text, not {shown}"
    assert caught.value.argument == argument


@pytest.mark.parametrize("error", [AuthenticationError("no"), RestError("no", status_code=429), ConnectError("no")])
def test_errors_of_this_package_pass(error: BigOneError) -> None:
    def fetch() -> str:
        raise error

    with pytest.raises(type(error)) as caught:
        TokenSource(fetch, None)()
    assert caught.value is error


def test_what_else_is_raised_is_told_without_its_words() -> None:
    def fetch() -> str:
        raise ValueError(SECRET)

    with pytest.raises(ConnectError) as caught:
        TokenSource(fetch, None)()
    line = fetch.__code__.co_firstlineno + 1
    assert str(caught.value) == f"the token could not be had: ValueError in fetch() at {__file__}:{line}"
    assert caught.value.kind == "token"
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize("is_renewable", [False, True])
def test_who_gave_a_token_is_told_that_it_was_refused(is_renewable: bool) -> None:
    refused: list[str] = []
    source = TokenSource(lambda: SECRET, refused.append if is_renewable else None)
    assert source.is_renewable is is_renewable
    source.refused(SECRET)
    assert refused == ([SECRET] if is_renewable else [])


def test_its_repr_shows_no_token() -> None:
    assert repr(TokenSource(lambda: SECRET, None)) == "<TokenSource>"

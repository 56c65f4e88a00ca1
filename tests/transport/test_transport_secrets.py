"""What a handshake carries that nobody may see, taken out of what a peer repeats of it."""

from __future__ import annotations

import pytest

from bigone_sync.transport.secrets import Secrets

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0NzAwIn0.c2lnbmF0dXJlLTAxMjM0NTY3ODk"
OPAQUE = "opaque-0123456789abcdef"


@pytest.mark.parametrize("token", [TOKEN, OPAQUE])
@pytest.mark.parametrize("where", ["header", "subprotocol"])
def test_it_is_taken_out_of_text_and_bytes(token: str, where: str) -> None:
    if where == "header":
        secrets = Secrets({"authorization": f"Bearer {token}", "User-Agent": "mine/1.0"}, "json")
    else:
        secrets = Secrets({}, f"authorization#{token}")
    text = f"<b>{token}</b> and {token}, for mine/1.0, and json"
    assert secrets.hide(text) == "<b>***</b> and ***, for mine/1.0, and json"
    assert secrets.hide_bytes(text.encode()) == b"<b>***</b> and ***, for mine/1.0, and json"
    assert token not in repr(secrets)


def test_parts_of_a_signed_token_and_one_that_was_cut() -> None:
    secrets = Secrets({}, f"authorization#{TOKEN}")
    _, claims, signature = TOKEN.split(".")
    assert secrets.hide(f"{claims} {signature}") == "*** ***"
    assert secrets.hide(TOKEN[:40]) == "***"


def test_what_is_short_or_missing_hides_nothing() -> None:
    for secrets in (Secrets({}, None), Secrets({"Authorization": "abc"}, "authorization#abc"), Secrets({}, "json")):
        assert secrets.hide("abc json authorization#") == "abc json authorization#"
        assert secrets.hide_bytes(b"abc") == b"abc"

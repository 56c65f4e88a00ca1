"""Tokens never survive in text that somebody may see."""

from __future__ import annotations

import pytest

from bigone_sync import Credentials, bigone_token
from bigone_sync.redact import redact, redact_bytes

TOKEN = bigone_token(Credentials("key", "secret"))


@pytest.mark.parametrize(
    "text",
    [
        *(TOKEN, f"Bearer {TOKEN}", f"refused: {TOKEN} expired", "Bearer opaque/token+1="),
        *(f"authorization#{TOKEN}", "authorization#opaque", f"no authorization#{TOKEN}~opaque, else"),
    ],
)
def test_tokens_are_replaced(text: str) -> None:
    for shown in (redact(text), redact_bytes(text.encode()).decode()):
        assert TOKEN not in shown
        assert "opaque" not in shown
        assert "***" in shown


@pytest.mark.parametrize(
    "text", ["", "login status error", '{"requestId":"1","heartbeat":{}}', "bearer of news", "#1", "authorization# 1"]
)
def test_other_text_is_left_alone(text: str) -> None:
    assert redact(text) == text
    assert redact_bytes(text.encode()) == text.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"body":"authorization#a.b~c/d=+!","x":1}', '{"body":"authorization#***","x":1}'),
        ("'authorization#a' authorization#b\tc", "'authorization#***' authorization#***\tc"),
        ("0835bf3e#0 authorization#a", "0835bf3e#0 authorization#***"),
    ],
)
def test_the_subprotocol_of_rails_ends_at_blanks_and_quotes(text: str, shown: str) -> None:
    assert redact(text) == shown
    assert redact_bytes(text.encode()) == shown.encode()

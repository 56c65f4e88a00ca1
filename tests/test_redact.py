"""Tokens never survive in text that somebody may see."""

from __future__ import annotations

import pytest

from bigone_sync import Credentials, bigone_token
from bigone_sync.redact import redact, redact_bytes

TOKEN = bigone_token(Credentials("key", "secret"))


@pytest.mark.parametrize("text", [TOKEN, f"Bearer {TOKEN}", f"refused: {TOKEN} expired", "Bearer opaque/token+1="])
def test_tokens_are_replaced(text: str) -> None:
    for shown in (redact(text), redact_bytes(text.encode()).decode()):
        assert TOKEN not in shown
        assert "opaque" not in shown
        assert "***" in shown


@pytest.mark.parametrize("text", ["", "login status error", '{"requestId":"1","heartbeat":{}}', "bearer of news"])
def test_other_text_is_left_alone(text: str) -> None:
    assert redact(text) == text
    assert redact_bytes(text.encode()) == text.encode()

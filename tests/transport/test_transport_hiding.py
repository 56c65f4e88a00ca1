"""What a handshake carries is taken out of what the peer repeats, whole, in part, or cut."""

from __future__ import annotations

import random
import string

import pytest

from bigone_sync.transport.secrets import Secrets

HEADER, CLAIMS, SIGNATURE = "eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiJub2JvZHkiLCJqdGkiOiI3In0", "c2lnbmF0dXJlLW9mLW5vYm9keQ"
JWT = f"{HEADER}.{CLAIMS}.{SIGNATURE}"
OPAQUE = "opaque-0123456789abcdef"


def of(token: str) -> Secrets:
    return Secrets({}, f"authorization#{token}")


def hidden(secrets: Secrets, text: str) -> str:
    """``text`` without them, which is the same as bytes."""
    shown = secrets.hide(text)
    assert secrets.hide_bytes(text.encode("latin-1")) == shown.encode("latin-1")
    return shown


@pytest.mark.parametrize(
    ("token", "text", "shown"),
    [
        (OPAQUE, OPAQUE, "***"),
        (OPAQUE, f"a {OPAQUE} b {OPAQUE}", "a *** b ***"),
        (OPAQUE, f"{OPAQUE}{OPAQUE}", "******"),
        (OPAQUE, f"authorization#{OPAQUE}", "authorization#***"),
        (OPAQUE, f"authorization#{OPAQUE}, other", "authorization#***, other"),
        (OPAQUE, f'{{"a":"{OPAQUE}"}}', '{"a":"***"}'),
        (OPAQUE, OPAQUE[:-4], "***"),
        (OPAQUE, OPAQUE[:12], "***"),
        (OPAQUE, OPAQUE[:11], OPAQUE[:11]),
        (OPAQUE, "nothing of it", "nothing of it"),
        (OPAQUE, "", ""),
        (JWT, JWT, "***"),
        (JWT, f"Bearer {JWT}.", "Bearer ***."),
        (JWT, f"{CLAIMS}.{SIGNATURE}", "***.***"),
        (JWT, f"claims {CLAIMS}, signature {SIGNATURE}", "claims ***, signature ***"),
        (JWT, SIGNATURE[:-3], "***"),
        (JWT, JWT[:40], "***"),
        ("a/b+c==0123456789/x", r'{"t":"a\/b+c==0123456789\/x"}', '{"t":"***"}'),
        ("a/b+c==0123456789/x", r'{"t":"a\/b+c==0123456789', '{"t":"***'),
        ("ab.cd.ef", "ab.cd.ef", "***"),
        ("a.b.c.d.e.f", "x a.b.c.d.e.f", "x ***"),
    ],
)
def test_what_is_hidden(token: str, text: str, shown: str) -> None:
    assert hidden(of(token), text) == shown


@pytest.mark.parametrize("end", ["", '"', " ", ", other", "\\", '\\"', "\r\n", "&x=1"])
def test_another_token_that_begins_alike_goes_to_its_end(end: str) -> None:
    # Of the same account: the one before, or another connection's. Its signature tells as much as ours.
    other = f"{HEADER}.{CLAIMS[:20]}0therC1aims.An0ther_Signature-0123"
    assert hidden(of(JWT), f"no such token {other}{end}") == f"no such token ***{end}"
    assert hidden(of(OPAQUE), f"{OPAQUE[:-2]}~+/=.x{end}") == f"***{end}"


def test_what_stands_behind_a_whole_one_stays() -> None:
    assert hidden(of(OPAQUE), f"{OPAQUE}-too") == "***-too"


@pytest.mark.parametrize("token", ["", "a", "abc"])
def test_what_is_too_short_for_a_secret_is_left(token: str) -> None:
    assert hidden(of(token), "abc a authorization# abc") == "abc a authorization# abc"


def test_short_parts_of_a_token_are_left() -> None:
    assert hidden(of("head.abc.signature-0123456789"), "abc signature-0123456789") == "abc ***"


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
@pytest.mark.parametrize("value", [f"Bearer {OPAQUE}", OPAQUE, f"Bearer  {OPAQUE}"])
def test_the_header_counts_whatever_its_case_and_scheme(name: str, value: str) -> None:
    assert hidden(Secrets({name: value}, None), f"got {value}") == f"got {value.replace(OPAQUE, '***')}"


@pytest.mark.parametrize("headers", [{}, {"X-Own": OPAQUE}, {"User-Agent": "Bearer " + OPAQUE}])
@pytest.mark.parametrize("subprotocol", [None, "", "json", OPAQUE])
def test_without_secrets_nothing_is_changed(headers: dict[str, str], subprotocol: str | None) -> None:
    assert hidden(Secrets(headers, subprotocol), f"{OPAQUE} json") == f"{OPAQUE} json"


def test_both_kinds_at_once() -> None:
    secrets = Secrets({"Authorization": f"Bearer {OPAQUE}"}, f"authorization#{JWT}")
    assert hidden(secrets, f"{JWT} {OPAQUE} {CLAIMS}") == "*** *** ***"


def test_bytes_that_are_no_text_stay_as_they_are() -> None:
    rubbish = bytes(range(256))
    assert of(JWT).hide_bytes(rubbish + JWT.encode() + rubbish) == rubbish + b"***" + rubbish


def test_the_secrets_do_not_show_themselves() -> None:
    secrets = of(JWT)
    for shown in (repr(secrets), str(secrets), f"{secrets}"):
        assert all(part not in shown for part in (JWT, HEADER, CLAIMS, SIGNATURE))


@pytest.mark.parametrize("seed", range(20))
def test_no_token_survives_wherever_it_stands(seed: int) -> None:
    rng = random.Random(seed)
    letters = string.ascii_letters + string.digits + "-_./+=~#!$%&'*"
    token = "".join(rng.choice(letters) for _ in range(rng.randint(12, 80)))
    around = ["".join(rng.choice(letters + ' {}":\\') for _ in range(rng.randint(0, 40))) for _ in range(4)]
    shown = hidden(of(token), token.join(around))
    assert token not in shown
    assert token.replace("/", "\\/") not in shown

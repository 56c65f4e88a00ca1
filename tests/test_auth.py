from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
import pickle
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from bigone_sync.auth import Credentials, TokenSigner, bigone_token
from bigone_sync.errors import ConfigurationError

KEY = "765fc50d-39e0-11f0-9669-5a69d7ba6f46"
SECRET = "testsecret"
NOW = 1527665262168391000


def credentials(key: str = KEY, secret: str = SECRET) -> Credentials:
    return Credentials(key, secret)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def signature(signed: str, secret: str = SECRET) -> str:
    return b64(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())


def verified(token: str, secret: str = SECRET) -> dict[str, Any]:
    """The claims, after the check of the signature by hand and by PyJWT."""
    signed, _, given = token.rpartition(".")
    assert signature(signed, secret) == given
    assert "=" not in token
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyJWT's view on the length of the exchange's secrets
        by_library = jwt.decode(token, secret, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False})
    header, payload = (json.loads(unb64(part)) for part in signed.split("."))
    assert header == {"typ": "JWT", "alg": "HS256"}
    assert payload == by_library
    assert isinstance(payload, dict)
    return payload


# The check values of the protocol document, made by hand from the exact text.


@pytest.mark.parametrize(
    ("header", "payload", "expected"),
    [
        (
            '{"typ":"JWT","alg":"HS256"}',
            f'{{"type":"OpenAPIV2","sub":"{KEY}","nonce":"1527665262168391000"}}',
            "QCp7FLgRremS8U1FEPFHolVP2zZdUdDzHHiuYiEjTOQ",
        ),
        (
            '{"alg":"HS256","typ":"JWT"}',
            f'{{"type":"OpenAPIV2","sub":"{KEY}","nonce":"1527665262168391000","recv_window":"30"}}',
            "IG2onu3Y1usY2okStO_j0GFhIYixnTMaitZZzjWecJI",
        ),
        (
            '{"alg":"HS256","typ":"JWT"}',
            '{"type":"OpenAPI","sub":"cee88ab0bc69435784b7db0545e85647","nonce":1527665262168391000}',
            "YNpae4v_-OU7h2sknRPa3XPhDcC3p-To1WxbWV4Vpro",
        ),
    ],
)
def test_check_values_and_our_claims_are_the_same_text(header: str, payload: str, expected: str) -> None:
    signed = f"{b64(header.encode())}.{b64(payload.encode())}"
    assert signature(signed) == expected
    claims = json.loads(payload)
    token = bigone_token(
        credentials(claims["sub"]),
        variant=claims["type"],
        clock=lambda: NOW,
        recv_window=30 if "recv_window" in claims else None,
    )
    assert unb64(token.split(".")[1]).decode() == payload
    if unb64(token.split(".")[0]).decode() == header:
        assert token == f"{signed}.{expected}"


def test_the_token_of_the_check_value_with_recv_window_is_ours_to_the_letter() -> None:
    token = bigone_token(credentials(), clock=lambda: NOW, recv_window=30)
    assert token.endswith(".IG2onu3Y1usY2okStO_j0GFhIYixnTMaitZZzjWecJI")


def test_openapi_v2_is_the_default_and_its_nonce_is_text_in_nanoseconds() -> None:
    claims = verified(bigone_token(credentials(), clock=lambda: NOW))
    assert claims == {"type": "OpenAPIV2", "sub": KEY, "nonce": "1527665262168391000"}
    assert list(claims) == ["type", "sub", "nonce"]


def test_recv_window_is_text_on_the_wire() -> None:
    assert verified(bigone_token(credentials(), clock=lambda: NOW, recv_window=5))["recv_window"] == "5"


def test_guide_variant_has_microseconds_and_a_lifetime() -> None:
    claims = verified(bigone_token(credentials(), variant="guide", clock=lambda: NOW))
    assert claims == {"sub": KEY, "nonce": 1527665262168391, "iat": 1527665262, "exp": 1527665322}


def test_openapi_variant_has_a_key_without_dashes_and_a_number() -> None:
    claims = verified(bigone_token(credentials(), variant="OpenAPI", clock=lambda: NOW))
    assert claims == {"type": "OpenAPI", "sub": KEY.replace("-", ""), "nonce": NOW}


@pytest.mark.parametrize("variant", ["OpenAPIV2", "OpenAPI", "guide"])
def test_the_clock_is_this_machines_by_default(variant: str) -> None:
    before = time.time_ns()
    nonce = int(verified(bigone_token(credentials(), variant=variant))["nonce"])
    after = time.time_ns()
    scale = 1000 if variant == "guide" else 1
    assert before // scale <= nonce <= after // scale


@pytest.mark.parametrize(
    "secret",
    [
        "x",
        "a-secret-of-more-than-thirty-two-bytes-in-length",
        "12345678",
        '{"kty":"oct"}',
        "-----BEGIN PUBLIC KEY-----",
        "ssh-rsa AAAA",
        "c2VjcmV0",  # base64 by its look; used as it is
        "geheim-äöü",
    ],
)
def test_a_secret_of_any_length_and_look_signs_without_a_warning(secret: str) -> None:
    token = bigone_token(credentials(secret=secret), clock=lambda: NOW)
    signed, _, given = token.rpartition(".")
    assert signature(signed, secret) == given


@pytest.mark.parametrize(
    ("arguments", "argument", "allowed"),
    [
        ({"variant": "openapiv2"}, "variant", "OpenAPIV2, guide, OpenAPI"),
        ({"variant": None}, "variant", "OpenAPIV2, guide, OpenAPI"),
        ({"recv_window": 0}, "recv_window", "from 1"),
        ({"recv_window": True}, "recv_window", "from 1"),
        ({"recv_window": 30.0}, "recv_window", "from 1"),
        ({"recv_window": "30"}, "recv_window", "from 1"),
        ({"recv_window": 30, "variant": "guide"}, "recv_window", "OpenAPIV2 only"),
        ({"recv_window": 30, "variant": "OpenAPI"}, "recv_window", "OpenAPIV2 only"),
        ({"clock": 5}, "clock", "nanoseconds"),
        ({"clock": time.time}, "clock", "nanoseconds"),
        ({"clock": lambda: 0}, "clock", "nanoseconds"),
        ({"clock": lambda: True}, "clock", "nanoseconds"),
    ],
)
def test_wrong_arguments_are_named_with_what_is_allowed(arguments: dict[str, Any], argument: str, allowed: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        bigone_token(credentials(), **arguments)
    assert caught.value.argument == argument
    assert argument in str(caught.value)
    assert allowed in str(caught.value)


@pytest.mark.parametrize("make", [bigone_token, TokenSigner])
def test_something_else_than_credentials_is_refused_and_not_shown(make: Callable[..., object]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make((KEY, SECRET))
    assert caught.value.argument == "credentials"
    assert SECRET not in str(caught.value)


# Credentials


def test_repr_and_str_show_the_beginning_of_the_key_only() -> None:
    for text in (repr(credentials()), str(credentials()), f"{credentials()}", repr(TokenSigner(credentials()))):
        assert "765f" in text
        assert KEY not in text
        assert KEY[4:] not in text
        assert SECRET not in text


@pytest.mark.parametrize("key", ["k", "ke", "key", "keys", "keykey"])
def test_a_short_key_is_not_shown_by_more_than_half(key: str) -> None:
    shown = repr(credentials(key)).split("'")[1].rstrip("…")
    assert key.startswith(shown)
    assert 2 * len(shown) <= len(key)


def test_credentials_are_immutable_values() -> None:
    with pytest.raises(AttributeError):
        credentials().api_secret = "other"  # type: ignore[misc]
    assert credentials() == credentials()
    assert hash(credentials()) == hash(credentials())
    assert credentials() != credentials(secret="other")


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_credentials_survive_pickling_and_copying(protocol: int) -> None:
    assert pickle.loads(pickle.dumps(credentials(), protocol)) == credentials()
    assert copy.deepcopy(credentials()) == credentials()


@pytest.mark.parametrize(
    "bad", ["", " ", " HIDDEN", "HIDDEN ", "HIDDEN\n", "HID\nDEN", "HID\x00DEN", "\ud800HIDDEN", "HID\u2028DEN"]
)
@pytest.mark.parametrize("argument", ["api_key", "api_secret"])
def test_text_that_is_no_credential_is_refused_by_name_and_never_shown(bad: str, argument: str) -> None:
    values = {"api_key": KEY, "api_secret": SECRET, argument: bad}
    with pytest.raises(ConfigurationError) as caught:
        Credentials(**values)
    assert caught.value.argument == argument
    assert argument in str(caught.value)
    assert "non-empty printable text" in str(caught.value)
    report = "".join(traceback.format_exception_only(type(caught.value), caught.value))
    assert "HID" not in report
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("bad", [None, b"HIDDEN", 5])
def test_credentials_that_are_no_text_are_refused(bad: Any) -> None:
    for argument in ("api_key", "api_secret"):
        with pytest.raises(ConfigurationError) as caught:
            Credentials(**{"api_key": KEY, "api_secret": SECRET, argument: bad})
        assert caught.value.argument == argument
        assert "HIDDEN" not in str(caught.value)


def test_from_env_reads_both_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGONE_API_KEY", KEY)
    monkeypatch.setenv("BIGONE_API_SECRET", SECRET)
    assert Credentials.from_env() == credentials()


def test_from_env_takes_a_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGONE_API_KEY", "of-another")
    monkeypatch.setenv("BIGONE_API_SECRET", "account")
    monkeypatch.setenv("DESK_API_KEY", KEY)
    monkeypatch.setenv("DESK_API_SECRET", SECRET)
    assert Credentials.from_env("DESK") == credentials()
    assert Credentials.from_env(prefix="DESK") == credentials()


@pytest.mark.parametrize("missing", ["BIGONE_API_KEY", "BIGONE_API_SECRET"])
@pytest.mark.parametrize("value", [None, "", "HIDDEN\n"])
def test_from_env_names_the_variable(monkeypatch: pytest.MonkeyPatch, missing: str, value: str | None) -> None:
    monkeypatch.setenv("BIGONE_API_KEY", KEY)
    monkeypatch.setenv("BIGONE_API_SECRET", SECRET)
    if value is None:
        monkeypatch.delenv(missing)
    else:
        monkeypatch.setenv(missing, value)
    with pytest.raises(ConfigurationError) as caught:
        Credentials.from_env()
    assert missing in str(caught.value)
    assert caught.value.argument == missing
    for secret in (KEY, SECRET, "HIDDEN"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize("prefix", ["", None])
def test_from_env_wants_a_prefix(prefix: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Credentials.from_env(prefix)
    assert caught.value.argument == "prefix"


# TokenSigner: every test has a key of its own, for the count of nonces is the process's.


def nonce_of(token: str) -> int:
    return int(verified(token)["nonce"])


def test_signer_takes_the_clock_and_the_window() -> None:
    signer = TokenSigner(credentials("signer-clock"), clock=lambda: NOW, recv_window=10)
    claims = verified(signer())
    assert claims == {"type": "OpenAPIV2", "sub": "signer-clock", "nonce": str(NOW), "recv_window": "10"}


def test_signer_without_a_window_leaves_it_to_the_server() -> None:
    assert "recv_window" not in verified(TokenSigner(credentials("signer-no-window"))())


def test_nonces_increase_when_the_clock_stands_still_or_steps_back() -> None:
    ticks = iter([100, 100, 50, 1, 101, 500])
    signer = TokenSigner(credentials("signer-back"), clock=lambda: next(ticks))
    assert [nonce_of(signer()) for _ in range(6)] == [100, 101, 102, 103, 104, 500]


def test_signers_of_one_key_share_the_count_and_others_do_not() -> None:
    first = TokenSigner(credentials("signer-shared"), clock=lambda: 100)
    again = TokenSigner(credentials("signer-shared", "another-secret"), clock=lambda: 100)
    other = TokenSigner(credentials("signer-apart"), clock=lambda: 100)
    assert nonce_of(first()) == 100
    assert int(verified(again(), "another-secret")["nonce"]) == 101
    assert nonce_of(first()) == 102
    assert nonce_of(other()) == 100


def test_threads_never_get_the_same_nonce() -> None:
    signers = [TokenSigner(credentials("signer-threads"), clock=lambda: 1000) for _ in range(2)]
    gate = threading.Barrier(8)
    tokens: list[list[str]] = [[] for _ in range(8)]

    def sign(index: int) -> None:
        gate.wait(10)
        for _ in range(50):
            tokens[index].append(signers[index % 2]())

    threads = [threading.Thread(target=sign, args=(index,), daemon=True) for index in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads meet at every step
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(interval)
    assert sorted(nonce_of(token) for batch in tokens for token in batch) == list(range(1000, 1400))
    for batch in tokens:
        nonces = [nonce_of(token) for token in batch]
        assert nonces == sorted(nonces)


def test_what_the_clock_raises_comes_out_and_spends_no_nonce() -> None:
    answers: list[int | None] = [100, None, 100]

    def clock() -> int:
        answer = answers.pop(0)
        if answer is None:
            raise OSError("no clock")
        return answer

    signer = TokenSigner(credentials("signer-raises"), clock=clock)
    assert nonce_of(signer()) == 100
    with pytest.raises(OSError, match="no clock"):
        signer()
    assert nonce_of(signer()) == 101


@pytest.mark.parametrize(("arguments", "argument"), [({"clock": 1}, "clock"), ({"recv_window": -1}, "recv_window")])
def test_signer_refuses_wrong_arguments_at_once(arguments: dict[str, Any], argument: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        TokenSigner(credentials("signer-wrong"), **arguments)
    assert caught.value.argument == argument


def test_signer_refuses_a_clock_of_seconds() -> None:
    signer: Callable[[], str] = TokenSigner(credentials("signer-float"), clock=time.time)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError) as caught:
        signer()
    assert caught.value.argument == "clock"


def test_a_signer_follows_a_clock_that_was_set_back_far() -> None:
    start = 1_700_000_000_000_000_000
    times = iter([start, start - 14_000_000_000, start - 16_000_000_000, start - 16_000_000_000])
    signer = TokenSigner(Credentials("set-back", "secret"), clock=lambda: next(times))
    nonces = [int(verified(signer(), "secret")["nonce"]) for _ in range(4)]
    assert nonces == [start, start + 1, start - 16_000_000_000, start - 16_000_000_000 + 1]


# The variants, of which contracts may want another than spot


def plain_nonce(token: str) -> int | str:
    nonce: int | str = verified(token)["nonce"]
    return nonce


@pytest.mark.parametrize(
    ("variant", "claims"),
    [
        ("OpenAPIV2", {"type": "OpenAPIV2", "sub": "variant-OpenAPIV2", "nonce": str(NOW)}),
        (
            "guide",
            {"sub": "variant-guide", "nonce": NOW // 1000, "iat": NOW // 10**9, "exp": NOW // 10**9 + 60},
        ),
        ("OpenAPI", {"type": "OpenAPI", "sub": "variantOpenAPI", "nonce": NOW}),
    ],
)
def test_a_signer_signs_each_variant_like_a_single_token(variant: str, claims: dict[str, Any]) -> None:
    own = credentials(f"variant-{variant}")
    token = TokenSigner(own, variant=variant, clock=lambda: NOW)()
    assert verified(token) == claims
    assert token == bigone_token(own, variant=variant, clock=lambda: NOW)


@pytest.mark.parametrize("variant", ["OpenAPIV2", "guide", "OpenAPI"])
def test_nonces_of_each_variant_increase_in_its_own_unit_on_a_standing_clock(variant: str) -> None:
    signer = TokenSigner(credentials(f"standing-{variant}"), variant=variant, clock=lambda: NOW)
    nonces = [int(plain_nonce(signer())) for _ in range(20)]
    first = NOW // 1000 if variant == "guide" else NOW
    assert nonces == list(range(first, first + 20))


def test_nonces_of_the_guide_increase_when_the_clock_moves_by_less_than_a_microsecond() -> None:
    ticks = iter(range(NOW, NOW + 10_000, 300))
    signer = TokenSigner(credentials("guide-slow"), variant="guide", clock=lambda: next(ticks))
    nonces = [int(plain_nonce(signer())) for _ in range(20)]
    assert nonces == sorted(set(nonces))


def test_signers_of_one_key_and_several_variants_never_repeat_one_anothers_nonce() -> None:
    own = credentials("mixed-variants")
    signers = [TokenSigner(own, variant=variant, clock=lambda: NOW) for variant in ("guide", "OpenAPIV2", "guide")]
    guide = [int(plain_nonce(signer())) for _ in range(10) for signer in signers if signer is not signers[1]]
    assert guide == sorted(set(guide))
    api = [int(plain_nonce(signers[1]())) for _ in range(10)]
    assert api == sorted(set(api))
    assert api[0] // 1000 >= guide[-1]


@pytest.mark.parametrize("variant", ["OpenAPIV2", "guide", "OpenAPI"])
def test_threads_never_get_the_same_nonce_of_any_variant(variant: str) -> None:
    signers = [TokenSigner(credentials(f"threads-{variant}"), variant=variant, clock=lambda: NOW) for _ in range(2)]
    gate = threading.Barrier(6)
    tokens: list[list[str]] = [[] for _ in range(6)]

    def sign(index: int) -> None:
        gate.wait(10)
        for _ in range(40):
            tokens[index].append(signers[index % 2]())

    threads = [threading.Thread(target=sign, args=(index,), daemon=True) for index in range(6)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(interval)
    first = NOW // 1000 if variant == "guide" else NOW
    per_thread = [[int(plain_nonce(token)) for token in batch] for batch in tokens]
    assert sorted(nonce for batch in per_thread for nonce in batch) == list(range(first, first + 240))
    assert all(batch == sorted(batch) for batch in per_thread)


@pytest.mark.parametrize(
    ("arguments", "argument", "allowed"),
    [
        ({"variant": "openapiv2"}, "variant", "OpenAPIV2, guide, OpenAPI"),
        ({"variant": ""}, "variant", "OpenAPIV2, guide, OpenAPI"),
        ({"variant": None}, "variant", "OpenAPIV2, guide, OpenAPI"),
        ({"variant": ["guide"]}, "variant", "OpenAPIV2, guide, OpenAPI"),
        ({"variant": "guide", "recv_window": 30}, "recv_window", "OpenAPIV2 only"),
        ({"variant": "OpenAPI", "recv_window": 30}, "recv_window", "OpenAPIV2 only"),
        ({"variant": "OpenAPIV2", "recv_window": 0}, "recv_window", "from 1"),
    ],
)
def test_a_signer_refuses_wrong_variants_at_once(arguments: dict[str, Any], argument: str, allowed: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        TokenSigner(credentials("variant-wrong"), **arguments)
    assert caught.value.argument == argument
    assert allowed in str(caught.value)


def test_a_window_goes_with_the_default_variant() -> None:
    signer = TokenSigner(credentials("variant-window"), variant="OpenAPIV2", recv_window=5, clock=lambda: NOW)
    assert verified(signer())["recv_window"] == "5"

"""Which module may import which: the arrows of the architecture, as a table."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import bigone_sync

ROOT = Path(bigone_sync.__file__).parent

BASICS = {"config", "enums", "errors", "events", "exact", "levels", "markets", "times"}
# What a session is made of beside its protocol and its connection.
SESSION = {
    "buffer",
    "calls",
    "delivery",
    "intake",
    "login",
    "outbox",
    "pending",
    "ports",
    "repair",
    "subscription",
    "timekeeper",
}
SESSIONS = {"session", "session_base", "socket_session"}
AUXILIARY = {
    "auth",
    "book",
    "book_side",
    "clock",
    "dispatch",
    "keeper",
    "kept",
    "lanes",
    "rails_token",
    "redact",
    "redundancy",
    "splice",
    "stats",
}

# Modules by name, or a whole folder as "name/"; each with the modules and folders of the package that it may import.
# A module that is missing here fails the test: whoever adds one says where it stands.
ARROWS: dict[str, set[str]] = {
    "__init__": {"_version", *BASICS, "auth", "book", "clients/", "clock", "kept", "rest/", "stats", "subscription"},
    "__main__": {"cli/"},
    "_version": set(),
    "arguments": {"enums", "errors", "exact"},
    "enums": set(),
    "errors": set(),
    "exact": {"errors"},
    "lanes": set(),
    "levels": set(),
    "markets": {"errors", "exact"},
    "process_wide": set(),
    "redact": set(),
    "times": set(),
    "events/": {"enums", "levels", "events/"},
    "config": {"errors"},
    "stats": {"enums"},
    "auth": {"config", "errors"},
    "rails_token": {"auth", "errors", "process_wide"},
    "clock": set(),
    "book": {"book_side", "enums", "errors", "events"},
    "book_side": {"events"},
    "redundancy": {"splice"},
    "splice": set(),
    "dispatch": {"errors", "lanes"},
    "keeper": {"config", "dispatch", "lanes"},
    "buffer": {"errors"},
    "outbox": {*BASICS, "dispatch", "lanes", "ports", "protocol/base", "transport/connection"},
    "subscription": {*BASICS, "book", "buffer", "dispatch", "lanes"},
    "ports": {*BASICS, "dispatch", "lanes", "protocol/base"},
    "repair": {"delivery", "subscription"},
    "timekeeper": {"clock", "errors"},
    "login": {"errors", "protocol/base"},
    "delivery": {*BASICS, "dispatch", "lanes", "ports", "subscription"},
    "intake": {*BASICS, *SESSION, "protocol/base"},
    "pending": {*BASICS, *SESSION, "protocol/base", "transport/connection"},
    "calls": {*BASICS, *SESSION, "dispatch", "protocol/base", "transport/attempt", "transport/connection"},
    "kept": {"enums"},
    "session": {*BASICS, *SESSION, *AUXILIARY, "protocol/", "session_base", "transport/"},
    "session_base": {*BASICS, *SESSION, *AUXILIARY, "protocol/", "transport/"},
    "socket_session": {*BASICS, *SESSION, *AUXILIARY, "protocol/", "session_base", "transport/"},
    "protocol/": {*BASICS, "redact", "protocol/"},
    "transport/": {"_version", "config", "enums", "errors", "process_wide", "transport/"},
    "rest/": {
        "_version",
        *BASICS,
        "arguments",
        "auth",
        "clock",
        "process_wide",
        "protocol/",
        "rails_token",
        "redact",
        "rest/",
    },
    "rails/": {
        *BASICS,
        *SESSION,
        "dispatch",
        "process_wide",
        "protocol/",
        "rails/",
        "redundancy",
        "session_base",
        "transport/",
    },
    "clients/": {
        *(*BASICS, "arguments", *SESSION, *SESSIONS, *AUXILIARY, "clients/", "protocol/", "rails/", "rails_token"),
        *("rest/", "transport/"),
    },
    "cli/": {"", "_version", *BASICS, "book", "auth", "cli/", "clients/", "stats", "subscription", "testing/"},
    "testing/": {"enums", "events", "protocol/_pb2", "testing/"},
}

# Libraries that only some may import.
ONLY: dict[str, set[str]] = {
    "websocket": {"transport/"},
    "requests": {"rest/"},
    "urllib3": {"rest/"},
    "jwt": {"auth", "testing/"},
    "aiohttp": {"testing/"},
    "click": {"cli/"},
    "rich": {"cli/"},
    "google": {"protocol/_pb2", "protocol/spot_proto", "testing/"},
}

NO_INPUT_OR_OUTPUT = {
    "asyncio",
    "concurrent",
    "logging",
    "multiprocessing",
    "os",
    "queue",
    "random",
    "requests",
    "select",
    "selectors",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "time",
    "websocket",
}
PURE = (
    "protocol/",
    "enums",
    "errors",
    "events",
    "exact",
    "levels",
    "markets",
    "times",
    "redact",
    "redundancy",
    "splice",
)


def modules() -> list[str]:
    """All modules as ``folder/name`` or ``name``."""
    return sorted(path.relative_to(ROOT).with_suffix("").as_posix() for path in ROOT.rglob("*.py"))


def row(table: dict[str, set[str]], module: str) -> str | None:
    """The entry that speaks for ``module``."""
    if module in table:
        return module
    folder = f"{module.partition('/')[0]}/"
    return folder if "/" in module and folder in table else None


def covers(entry: str, module: str) -> bool:
    """Whether ``entry`` names ``module``, or the folder that it is in."""
    return module == entry or module.startswith(f"{entry.rstrip('/')}/")


def imports(module: str) -> tuple[set[str], set[str]]:
    """Modules of the package, and other libraries by their full name, that ``module`` imports anywhere in it."""
    tree = ast.parse((ROOT / f"{module}.py").read_text(encoding="utf-8"))
    own: set[str] = set()
    others: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                (own if alias.name.split(".")[0] == "bigone_sync" else others).add(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = ["bigone_sync", *module.split("/")[:-1]]
                base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [base])])
            if base.split(".")[0] == "bigone_sync":
                # ``from . import x`` imports the module x, ``from .x import y`` the module x.
                for alias in node.names:
                    inner = f"{base}.{alias.name}"
                    own.add(inner if is_module(inner) else base)
            else:
                others.add(base)
    return {as_path(name) for name in own}, others


def is_module(dotted: str) -> bool:
    path = ROOT.joinpath(*dotted.split(".")[1:])
    return path.is_dir() or path.with_suffix(".py").is_file()


def as_path(dotted: str) -> str:
    """``bigone_sync.protocol.base`` as ``protocol/base``; a folder as ``folder/__init__``."""
    path = "/".join(dotted.split(".")[1:])
    return f"{path}/__init__" if path and (ROOT / path).is_dir() else path


@pytest.mark.parametrize("module", modules())
def test_every_module_keeps_to_its_arrows(module: str) -> None:
    entry = row(ARROWS, module)
    assert entry is not None, f"{module} is not in the table"
    own, others = imports(module)
    strays = {found for found in own if not any(covers(allowed, found) for allowed in ARROWS[entry])}
    assert not strays, f"{module} must not import {sorted(strays)}"
    for library, allowed in ONLY.items():
        if library in {name.split(".")[0] for name in others}:
            assert any(covers(place, module) for place in allowed), f"{module} must not import {library}"


@pytest.mark.parametrize("module", [module for module in modules() if any(covers(pure, module) for pure in PURE)])
def test_what_is_pure_does_no_input_or_output(module: str) -> None:
    _, others = imports(module)
    assert not {name.split(".")[0] for name in others} & NO_INPUT_OR_OUTPUT
    tree = ast.parse((ROOT / f"{module}.py").read_text(encoding="utf-8"))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"open", "print", "input", "__import__", "eval", "exec", "compile"}


def test_the_table_speaks_of_the_package_as_it_is() -> None:
    found = modules()
    assert {"protocol/base", "protocol/spot", "transport/connection", "clients/spot", "session", "times"} <= set(found)
    assert "protocol/base" in imports("protocol/spot")[0]
    assert "protocol/spot_events" in imports("protocol/spot")[0]  # from . import spot_events
    assert "config" in imports("transport/settings")[0]  # from ..config import
    assert "websocket" in {name.split(".")[0] for name in imports("transport/reader")[1]}
    assert "transport/connection" in imports("session_base")[0]
    assert row(ARROWS, "protocol/never") == "protocol/"
    assert row(ARROWS, "never") is None
    assert row(ARROWS, "never/never") is None


PROGRAM = """
import sys
import bigone_sync
from bigone_sync.protocol.spot import SpotProtocol
from bigone_sync.protocol.spot_json import JsonCodec
protocol = SpotProtocol(JsonCodec(), connection="spot/depth")
protocol.ping()
protocol.receive([b'{"heartbeat":{}}', b"nonsense"], 1.0)
print(sorted(name for name in sys.modules if name.split(".")[0] in ("google", "aiohttp", "click", "rich")
             or name.startswith("bigone_sync.testing")))
"""


def test_a_user_of_json_loads_no_protobuf_and_no_extras() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    # A namespace package that site-packages prepares at start-up is no import of ours.
    assert eval(done.stdout) in ([], ["google"])


@pytest.mark.parametrize("module", ["protocol.spot", "protocol.spot_json", "events", "times"])
def test_the_protocol_loads_no_websocket_library(module: str) -> None:
    # The package's own __init__ loads the client; here it is replaced by an empty one.
    program = (
        "import sys, types\n"
        f"package = types.ModuleType('bigone_sync'); package.__path__ = [{str(ROOT)!r}]\n"
        "sys.modules['bigone_sync'] = package\n"
        f"import importlib; importlib.import_module('bigone_sync.{module}')\n"
        "print([name for name in ('websocket', 'requests', 'jwt', 'logging', 'socket') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

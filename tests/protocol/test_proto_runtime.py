"""Which protobuf runtimes the generated code is imported with, and what is said about the others."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from proto_check_values import CHECK_VALUES

from bigone_sync.protocol import _pb2

ROOT = Path(__file__).resolve().parents[2]

# Python as it would be with another protobuf installed; each is followed by the import that is looked at.
OTHER_VERSION = "import google.protobuf; google.protobuf.__version__ = {version!r}\n"
BLOCKED = """
import importlib.abc, sys
class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {name!r} or name.startswith({name!r} + "."):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
for loaded in [name for name in sys.modules if name == {name!r} or name.startswith({name!r} + ".")]:
    del sys.modules[loaded]
sys.meta_path.insert(0, Blocked())
"""
GENERATED = """
try:
    from bigone_sync.protocol._pb2 import bigone_spot_pb2
except ImportError as error:
    print(type(error).__name__, error.name, error, sep="|")
else:
    print(bigone_spot_pb2.Response.FromString(bytes.fromhex("c20c00")).WhichOneof("payload"))
"""
CLIENT = """
from bigone_sync.clients.spot import SpotClient
with SpotClient():
    pass
try:
    SpotClient(protocol="proto")
except ImportError as error:
    print(type(error).__name__, error.name, error, sep="|")
"""


def run(code: str, **variables: str) -> str:
    """What a fresh Python prints, without the last line's end; its failure is ours."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")


def requirement() -> str:
    """What setup.cfg asks pip for."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    (line,) = re.findall(r"^protobuf\b(?!-).*$", settings["options"]["install_requires"], re.M)
    return str(line)


def assert_refused(printed: str, *parts: str) -> None:
    kind, name, text = printed.split("|")
    assert (kind, name) == ("ImportError", "google.protobuf")
    assert text.endswith(f'run: python -m pip install "{requirement()}"')
    for part in parts:
        assert part in text


# -- versions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["3.20.3", "4.25.8", "4.21.0-rc2", "5.26", "5.26.0", "5.26.1rc1", "5.26.1.dev0"])
def test_a_runtime_that_is_too_old_is_refused_by_name(version: str) -> None:
    printed = run(OTHER_VERSION.format(version=version) + GENERATED)
    assert_refused(printed, f"needs {requirement()};", f"protobuf {version},", "too old")


@pytest.mark.parametrize(
    "version", ["5.26.1", "5.27.0rc1", "6.33.6", "6.30.0-dev", "7.99.99", "8.0.0", "12.1", "odd", ""]
)
def test_any_other_runtime_is_tried(version: str) -> None:
    assert run(OTHER_VERSION.format(version=version) + GENERATED) == "heartbeat"


def test_a_runtime_that_names_no_version_is_tried() -> None:
    assert run("import google.protobuf; del google.protobuf.__version__\n" + GENERATED) == "heartbeat"


@pytest.mark.parametrize(("version", "named"), [("8.0.0", "8.0.0"), ("odd", "odd"), ("", "of unknown version")])
def test_an_untested_runtime_that_cannot_do_it_is_named(version: str, named: str) -> None:
    code = OTHER_VERSION.format(version=version) + BLOCKED.format(name="google.protobuf.internal.builder") + GENERATED
    assert_refused(
        run(code),
        f"tested with {requirement()};",
        f"the one installed, {named} (ImportError: cannot import name 'builder'",
    )


def test_an_untested_runtime_may_fail_in_any_way() -> None:
    broken = "from google.protobuf.internal import builder; del builder.BuildMessageAndEnumDescriptors\n"
    assert_refused(run(OTHER_VERSION.format(version="8.0.0") + broken + GENERATED), "8.0.0 (AttributeError: ")


def test_a_broken_runtime_of_a_tested_version_speaks_for_itself() -> None:
    code = OTHER_VERSION.format(version="7.0.0") + BLOCKED.format(name="google.protobuf.internal.builder") + GENERATED
    assert run(code).startswith("ImportError|google.protobuf.internal|cannot import name 'builder'")


@pytest.mark.parametrize("name", ["google", "google.protobuf"])
def test_missing_protobuf_is_said_plainly(name: str) -> None:
    printed = run(BLOCKED.format(name=name) + GENERATED)
    assert_refused(printed, f"needs {requirement()};", "no protobuf is installed", f"No module named '{name}'")


def test_the_refusal_is_repeated_when_the_import_is() -> None:
    once, again = run(OTHER_VERSION.format(version="4.25.8") + GENERATED + GENERATED).splitlines()
    assert once == again
    assert_refused(once)


def test_the_requirement_is_the_one_of_setup_cfg() -> None:
    assert requirement() == _pb2._REQUIREMENT


# -- users of JSON -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["bigone_sync", "bigone_sync.clients.spot", "bigone_sync.cli"])
def test_what_users_of_json_import_loads_no_protobuf(module: str) -> None:
    assert run(f"import {module}, sys; print('google.protobuf' in sys.modules)") == "False"


def test_a_json_client_needs_no_protobuf_and_a_proto_client_says_what_it_needs() -> None:
    assert_refused(run(BLOCKED.format(name="google") + CLIENT), "no protobuf is installed")


def test_a_json_client_works_beside_an_old_protobuf_and_a_proto_client_says_what_it_needs() -> None:
    assert_refused(run(OTHER_VERSION.format(version="4.25.8") + CLIENT), "protobuf 4.25.8,")


# -- the runtime without its C code --------------------------------------------------------------------------------


def test_the_runtime_in_pure_python_reads_and_writes_the_check_values() -> None:
    code = (
        "from google.protobuf.internal import api_implementation\n"
        "from bigone_sync.protocol._pb2 import bigone_spot_pb2 as schema\n"
        "print(api_implementation.Type())\n"
        f"for envelope, data in {[(value.envelope, value.hex) for value in CHECK_VALUES]}:\n"
        "    message = getattr(schema, envelope).FromString(bytes.fromhex(data))\n"
        "    assert message.WhichOneof('payload')\n"
        "    assert message.SerializeToString(deterministic=True).hex() == data\n"
    )
    assert run(code, PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION="python") == "python"

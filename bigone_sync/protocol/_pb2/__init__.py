"""The code generated from ``proto/bigone_spot.proto``, imported if the protobuf runtime is one that can run it.

``bigone_spot_pb2`` is not for editing; ``proto/README.md`` says how it is made. This module alone is written by hand:
importing it, or anything in it, raises an ImportError that tells what to install where protobuf is missing or too old.
"""

from __future__ import annotations

import re

__all__ = ["bigone_spot_pb2"]

# The runtime that protoc, as of proto/README.md, generates for: older ones are not meant to run its code.
_OLDEST = (5, 26, 1)
# The first major version that nobody has tried. It is let in: it may well work.
_UNTRIED = 8
_REQUIREMENT = f"protobuf>={'.'.join(map(str, _OLDEST))},<{_UNTRIED}"
_REMEDY = f'run: python -m pip install "{_REQUIREMENT}"'

_VERSION = re.compile(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?")
_PRELIMINARY = re.compile(r"[-_.]?(?:a|b|c|rc|alpha|beta|pre|dev)", re.IGNORECASE)


def _installed() -> str:
    """The version of the protobuf runtime, empty if it names none.

    Raises:
        ImportError: there is no protobuf.
    """
    try:
        import google.protobuf
    except ImportError as error:
        raise ImportError(
            f"the protobuf protocol needs {_REQUIREMENT}; no protobuf is installed ({error}); {_REMEDY}",
            name="google.protobuf",
        ) from error
    return str(getattr(google.protobuf, "__version__", ""))


def _is_too_old(version: str) -> bool:
    """Whether ``version`` is before the oldest; what comes before a release (rc, dev) is older than it.

    A version that cannot be read is not: its code is tried.
    """
    found = _VERSION.match(version)
    if found is None:
        return False
    release = tuple(int(part or 0) for part in found.groups())
    if release == _OLDEST:
        return _PRELIMINARY.match(version, found.end()) is not None
    return release < _OLDEST


def _is_untried(version: str) -> bool:
    """Whether ``version`` is beyond what was tested, or cannot be read."""
    found = _VERSION.match(version)
    return found is None or int(found[1]) >= _UNTRIED


_version = _installed()
if _is_too_old(_version):
    raise ImportError(
        f"the protobuf protocol needs {_REQUIREMENT}; protobuf {_version}, which is installed, is too old; {_REMEDY}",
        name="google.protobuf",
    )
try:
    from . import bigone_spot_pb2
except Exception as error:
    if not _is_untried(_version):
        raise
    raise ImportError(
        f"the protobuf protocol was tested with {_REQUIREMENT}; it does not work with the one installed, "
        f"{_version or 'of unknown version'} ({type(error).__name__}: {error}); {_REMEDY}",
        name="google.protobuf",
    ) from error

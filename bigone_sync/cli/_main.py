"""The group of commands."""

from __future__ import annotations

import click

from .._version import __version__
from .demo import demo

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bigone-sync")
def main() -> None:
    """Streams of the BigONE exchange, on the command line."""


main.add_command(demo)

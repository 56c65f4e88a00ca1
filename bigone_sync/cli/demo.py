"""``bigone-sync demo``: the whole client at work, against an exchange in the same process."""

from __future__ import annotations

import math

import click
from rich.console import Console

from ..errors import BigOneError, ConfigurationError
from ._contract_stage import ContractStage
from ._extras import NEEDS_EXTRAS, is_missing_extra
from ._logs import logs_to
from ._rails_stage import RailsStage
from ._show import INTERRUPTED, Show
from ._spot_stage import SpotStage
from ._stage import Stage

__all__ = ["demo"]

_SHORTEST, _LONGEST = 2, 3600

_STAGES: dict[str, type[SpotStage] | type[ContractStage] | type[RailsStage]] = {
    "spot": SpotStage,
    "contract": ContractStage,
    "rails": RailsStage,
}
_MARKETS = {"spot": "BTC-USDT", "contract": "BTCUSDT", "rails": "BTC-USD"}
"""What is shown where nothing else is asked for."""
_JSON_ONLY = {"contract": "contracts speak", "rails": "Rails speaks"}


def _seconds(context: click.Context, parameter: click.Parameter, value: float) -> float:
    if math.isnan(value):  # no range check finds that
        raise click.BadParameter(f"must be a number from {_SHORTEST} to {_LONGEST}")
    return value


@click.command()
@click.option(
    "--seconds",
    type=click.FloatRange(_SHORTEST, _LONGEST),
    default=10,
    show_default=True,
    callback=_seconds,
    help="Length of the show.",
)
@click.option(
    "--venue",
    type=click.Choice(list(_MARKETS)),
    default="spot",
    show_default=True,
    help="Spot, with balances; contracts, with a position and cash; or Rails, over two connections alike.",
)
@click.option(
    "--market",
    show_default="{spot}; with --venue contract {contract}, rails {rails}".format(**_MARKETS),
    help="BASE-QUOTE in upper case; a contract's symbol, which has no dash.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Decides everything random in the market.")
@click.option(
    "--protocol",
    type=click.Choice(["json", "proto"]),
    default="json",
    show_default=True,
    help="What client and exchange speak: JSON text or protobuf; only spot speaks both.",
)
@click.pass_context
def demo(context: click.Context, seconds: float, venue: str, market: str | None, seed: int, protocol: str) -> None:
    """Watch the client at work: no network, no keys.

    An exchange starts inside this process. The client keeps its book, prints its trades and follows orders and
    balances, or with --venue contract orders, a position and its cash. With --venue rails it places and cancels orders
    itself, over two connections that bring the same, and goes on when one of them is cut. Around the middle all
    connections are reset, and you see how it recovers. At the end the client's view and the exchange's own are
    compared.

    Draws in a terminal, prints plain lines elsewhere. Exit status: 0 when everything was as it should be, 1 when the
    recovery or the comparison failed, 130 after Ctrl-C.
    """
    stage = _stage_for(context, venue, _MARKETS[venue] if market is None else market, protocol)
    try:
        status = _run(stage, seconds, seed, protocol)
    except KeyboardInterrupt:
        # Before there was anything to sum up, or for the second time.
        click.echo("interrupted", err=True)
        status = INTERRUPTED
    context.exit(status)


def _stage_for(context: click.Context, venue: str, market: str, protocol: str) -> Stage:
    if venue in _JSON_ONLY and protocol != "json":
        raise click.BadParameter(
            f"{_JSON_ONLY[venue]} JSON only: {protocol} goes with --venue spot", ctx=context, param_hint="'--protocol'"
        )
    try:
        return _STAGES[venue](market)
    except ConfigurationError as error:
        raise click.BadParameter(str(error), ctx=context, param_hint="'--market'") from None


def _run(stage: Stage, seconds: float, seed: int, protocol: str) -> int:
    try:
        from ..testing.proxy import FaultProxy

        exchange = stage.make_exchange(seed)
    except ModuleNotFoundError as error:
        if not is_missing_extra(error):
            raise
        raise click.ClickException(NEEDS_EXTRAS.format(error.name)) from None
    with logs_to(stage.recording), exchange, FaultProxy(stage.url(exchange)) as proxy:
        console = Console(highlight=False)
        try:
            show = Show(exchange, proxy, stage, seconds=seconds, seed=seed, protocol=protocol, console=console)
        except ImportError as error:  # protobuf is missing, or too old: the text says what to install
            raise click.ClickException(str(error)) from error
        try:
            return show.run()
        except BigOneError as error:
            raise click.ClickException(f"the demo failed: {type(error).__name__}: {error}") from error

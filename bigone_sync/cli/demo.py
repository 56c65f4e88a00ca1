"""``bigone-sync demo``: the whole client at work, against an exchange in the same process."""

from __future__ import annotations

import math

import click
from rich.console import Console

from ..config import check_market
from ..errors import BigOneError, ConfigurationError
from ._extras import NEEDS_EXTRAS, is_missing_extra
from ._logs import logs_to
from ._recorder import Recorder
from ._settings import BALANCES, RATE
from ._show import CREDENTIALS, INTERRUPTED, Show

__all__ = ["demo"]

_SHORTEST, _LONGEST = 2, 3600


def _market(context: click.Context, parameter: click.Parameter, value: str) -> str:
    try:
        base, quote = check_market(value).split("-")
    except ConfigurationError as error:
        raise click.BadParameter(str(error)) from None
    if base == quote:
        raise click.BadParameter(f"base and quote must differ, not {value!r}")
    return value


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
@click.option("--market", default="BTC-USDT", show_default=True, callback=_market, help="BASE-QUOTE in upper case.")
@click.option("--seed", type=int, default=1, show_default=True, help="Decides everything random in the market.")
@click.option(
    "--protocol",
    type=click.Choice(["json", "proto"]),
    default="json",
    show_default=True,
    help="What client and exchange speak: JSON text or protobuf.",
)
@click.pass_context
def demo(context: click.Context, seconds: float, market: str, seed: int, protocol: str) -> None:
    """Watch the client at work: no network, no keys.

    An exchange starts inside this process. The client keeps its book, prints its trades and follows orders and
    balances; around the middle all connections are reset, and you see how it recovers. At the end the client's view
    and the exchange's own are compared.

    Draws in a terminal, prints plain lines elsewhere. Exit status: 0 when everything was as it should be, 1 when the
    recovery or the comparison failed, 130 after Ctrl-C.
    """
    try:
        status = _run(seconds, market, seed, protocol)
    except KeyboardInterrupt:
        # Before there was anything to sum up, or for the second time.
        click.echo("interrupted", err=True)
        status = INTERRUPTED
    context.exit(status)


def _run(seconds: float, market: str, seed: int, protocol: str) -> int:
    try:
        from ..testing.exchange import LocalExchange
        from ..testing.proxy import FaultProxy
    except ModuleNotFoundError as error:
        if not is_missing_extra(error):
            raise
        raise click.ClickException(NEEDS_EXTRAS.format(error.name)) from None
    recorder = Recorder(market)
    balances = dict(zip(market.split("-"), BALANCES, strict=True))
    key = CREDENTIALS.api_key, CREDENTIALS.api_secret
    with (
        logs_to(recorder),
        LocalExchange(seed=seed, credentials=key, markets=[market], rate=RATE, balances=balances) as exchange,
        FaultProxy(exchange.spot_url) as proxy,
    ):
        console = Console(highlight=False)
        try:
            show = Show(exchange, proxy, recorder, seconds=seconds, seed=seed, protocol=protocol, console=console)
        except ImportError as error:  # protobuf is missing, or too old: the text says what to install
            raise click.ClickException(str(error)) from error
        try:
            return show.run()
        except BigOneError as error:
            raise click.ClickException(f"the demo failed: {type(error).__name__}: {error}") from error

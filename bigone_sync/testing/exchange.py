"""`LocalExchange`: BigONE and Rails on this machine, true to the wire, seeded, misbehaving on command."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import TracebackType

from bigone_sync.testing._contract_faults import ContractFaults
from bigone_sync.testing._contract_gate import ContractGate
from bigone_sync.testing._contract_hub import ContractHub
from bigone_sync.testing._contract_private_wire import PrivateWire
from bigone_sync.testing._contract_venue import ContractVenue
from bigone_sync.testing._contract_wire import DepthWire
from bigone_sync.testing._door import Door
from bigone_sync.testing._observing import Observing
from bigone_sync.testing._pumping import Pumping
from bigone_sync.testing._rails_half import RailsHalf
from bigone_sync.testing._rails_options import RailsOptions
from bigone_sync.testing._replaying import Replaying
from bigone_sync.testing._rest_commands import RestSide, open_contract_rest, open_rest, open_spot_rest
from bigone_sync.testing._rest_gate import RestGate
from bigone_sync.testing._server import LoopServer
from bigone_sync.testing._spot_auth import Authenticator
from bigone_sync.testing._spot_desks import Desks
from bigone_sync.testing._spot_encoding import Encodings
from bigone_sync.testing._spot_faults import Faults
from bigone_sync.testing._spot_gate import SpotGate
from bigone_sync.testing._spot_holdings import Holdings
from bigone_sync.testing._spot_hub import Hub
from bigone_sync.testing._spot_misbehaviour import Misbehaviour
from bigone_sync.testing._spot_service import SpotService
from bigone_sync.testing._spot_trading import Trading
from bigone_sync.testing._spot_venue import Venue, default_balances
from bigone_sync.testing._spot_wire import SpotWire

__all__ = ["LocalExchange"]

_SPOT_PATH = "/ws/v2"
_CONTRACT_PATH = "/ws/contract/v2"
_RAILS_PATH = "/"
_GOING_AWAY = 1001
_CALL_TIMEOUT = 30.0


class LocalExchange(Trading, Holdings, Misbehaviour, Replaying, RestSide, Observing, Pumping):
    """A BigONE exchange, spot and contracts, and Rails beside it, on a loopback port, in a thread of its own.

    Each connection of spot is spoken to in the subprotocol that it has offered, ``json`` or ``proto`` (the first of
    both); clients of either may be connected at once. Protobuf is imported when it is first asked for. A socket of the
    contract half is one channel of one contract, named by its URL; `contract_url` is what the channels are added to.
    Spot markets have a dash in their name and contracts have none: a method that takes either knows them by that.

    REST is served below `rest_url`, on the same port and of the same markets, contracts and account; `fail_rest` makes
    calls fail and `rest_requests` shows them. A spot order that cannot be paid for is refused there; only `place_order`
    takes it, and it is at once REJECTED. A token is good once, for socket and REST of a venue together, in whatever
    order tokens arrive. Of a recording REST tells the depth of contracts only; spot is what the engine has.

    The contracts come into being when the first of them is asked for, by a client or by a method; from then on they
    step with the spot markets. On the private contract stream the first frame has all keys (cash, positions, orders,
    trades): the cash of one currency, every position, flat ones included, the open orders and the last fills. Frames
    with the cash of each other currency follow it; later ones have what has changed.

    A Rails connection is opened at `rails_url` with a query, and a token of `rails_token` or of the REST side. Rails
    has markets and orders of its own; its methods have ``rails`` in their name. What its documents leave open is an
    option here, or told where it is done. The markets come into being like the contracts.

    Use it as a context manager or call `start` and `close`. Every public method and property may be used from any
    thread; when a method returns, its effect has taken place. Observations also work before `start` and after
    `close`. The same seed gives the same markets, trade for trade; only the times differ.

    Args:
        seed: decides everything random.
        credentials: API key and secret of the one account there is.
        markets: names in the form ``BASE-QUOTE``.
        contracts: names of contracts: ``BTCUSD`` is settled in coins, ``BTCUSDT`` in USDT.
        rate: steps per second and market; in a step an order comes or goes, or a trade happens. 0: only by `step`.
        host: numeric address to listen on.
        port: 0: any free port, kept from the first `start` on.
        ssl_context: serves ``wss://`` if given.
        ids: ``"string"`` or ``"number"``: how 64-bit ids are written in JSON.
        defaults: ``"emit"`` or ``"omit"`` default values in JSON (spot protocol, section 5).
        opcode: ``"text"`` or ``"binary"``: the frames that carry JSON to the client; protobuf is always binary.
        recv_window: how far a token's nonce may be from the server's clock, seconds, unless the token says.
        balances: of the account, total per asset; by default more than a test will spend.
        order_replies: how an order request over the socket is answered, for which the schema has no reply:
            ``"success"``, or ``"order"`` with the state of the orders concerned.
        contract_sequence: ``"live"``: ``from`` of a depth delta is the last ``to``, as the wire was measured, or
            ``"documented"``: one more (contract protocol, section 3).
        contract_ids: ``"text"``: the private contract stream has UUID-like ids and all fields, or ``"integer"``: it
            has integer ids and the fields of the other documented form (contract protocol, section 7).

        rest_limit: REST calls within ten seconds; a further one gets 429, code 10429 and no Retry-After. None: any
            number.

    Raises:
        ValueError: an argument makes no sense.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        credentials: tuple[str, str] = ("key", "secret"),
        markets: Iterable[str] = ("BTC-USDT", "ETH-USDT"),
        rate: float = 50.0,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        ids: str = "string",
        defaults: str = "emit",
        opcode: str = "text",
        recv_window: float = 30,
        balances: Mapping[str, Decimal] | None = None,
        order_replies: str = "success",
        contracts: Iterable[str] = ("BTCUSD", "BTCUSDT", "ETHUSDT"),
        contract_sequence: str = "live",
        contract_ids: str = "text",
        rest_limit: int | None = None,
        rails_markets: Iterable[str] = ("BTC-USD", "ETH-USD"),
        rails_dialect: str = "g6",
        rails_echo: str = "exact",
        rails_token_life: int = 1800,
        rails_token_limit: int = 20,
        rails_read_only: bool = False,
        rails_replies: str = "all",
        rails_order_scope: str = "account",
        rails_trade_rows: str = "match",
        rails_echo_ids: bool = True,
        rails_modify: str = "four",
        rails_quota: str = "one",
        rails_order_limit: int | None = 250,
        rails_connection_limit: int | None = 5,
        rails_connect_limit: int | None = 20,
    ) -> None:
        if rate < 0:
            raise ValueError(f"rate must not be negative: {rate}")
        markets = tuple(markets)
        wire = SpotWire(ids, defaults)
        self._faults = Faults()
        self._hub = Hub(self._faults)
        self._venue = Venue(
            markets,
            seed=seed,
            balances=default_balances(markets) if balances is None else balances,
            wire=wire,
            hub=self._hub,
        )
        self._desks = Desks(self._venue, self._hub, wire, self._faults, order_replies=order_replies)
        spot_authenticator = Authenticator(*credentials, recv_window=recv_window)
        contract_authenticator = Authenticator(*credentials, recv_window=recv_window, guide=True)
        self._service = SpotService(
            venue=self._venue,
            hub=self._hub,
            wire=wire,
            faults=self._faults,
            authenticator=spot_authenticator,
            desks=self._desks.handlers(),
            start_replay=self._begin_replay,
        )
        self._door = Door(self._faults)
        self._gate = SpotGate(self._door, self._service, self._hub, self._faults, Encodings(wire, self._faults, opcode))
        self._contract_gate = self._open_contracts(
            tuple(contracts),
            seed,
            DepthWire(contract_sequence, seed),
            PrivateWire(contract_ids),
            contract_authenticator,
        )
        rails = RailsOptions(
            markets=tuple(rails_markets),
            dialect=rails_dialect,
            echo=rails_echo,
            token_life=rails_token_life,
            token_limit=rails_token_limit,
            read_only=rails_read_only,
            replies=rails_replies,
            order_scope=rails_order_scope,
            trade_rows=rails_trade_rows,
            echo_ids=rails_echo_ids,
            modify=rails_modify,
            quota=rails_quota,
            order_limit=rails_order_limit,
            connection_limit=rails_connection_limit,
            connect_limit=rails_connect_limit,
        )
        self._rails = RailsHalf(
            rails, credentials, seed=seed, door=self._door, faults=self._faults, now_ns=self._venue.now_ns
        )
        self._rest = self._open_rest(spot_authenticator, contract_authenticator, rest_limit)
        self._rate = rate
        self._paused = False
        self._scheme = "ws" if ssl_context is None else "wss"
        self._pump_task: asyncio.Task[None] | None = None
        self._replay_task: asyncio.Task[None] | None = None
        self._contract_replay_task: asyncio.Task[None] | None = None
        self._server = LoopServer(
            {
                _SPOT_PATH: self._gate.serve,
                _CONTRACT_PATH + "/{channel:.*}": self._contract_gate.serve,
                _RAILS_PATH: self._rails.gate.serve,
            },
            self._rest.routes(),
            host=host,
            port=port,
            ssl_context=ssl_context,
            on_open=self._on_open,
            on_close=self._on_close,
        )

    def __repr__(self) -> str:
        state = "running" if self._server.is_running else "stopped"
        return f"<LocalExchange {', '.join(self._venue.listings)} on port {self.port}, {state}>"

    # -- lifecycle ----------------------------------------------------------------------------------------------

    def start(self) -> LocalExchange:
        """Listen and let the markets run; does nothing if it is running.

        Raises:
            OSError: the port is taken.
        """
        self._server.start()
        return self

    def close(self) -> None:
        """End everything; no thread and no socket is left. The same object can be started again."""
        self._server.close()

    def __enter__(self) -> LocalExchange:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def restart(self, downtime: float = 0.0) -> None:
        """Go away and come back on the same port after ``downtime`` seconds; the markets keep their state."""

        async def do() -> None:
            await self._take_down()
            await asyncio.sleep(downtime)
            await self._server.bring_up()

        self._server.call_async(do, timeout=downtime + _CALL_TIMEOUT)

    def take_down(self) -> None:
        """End every connection and refuse new ones until `bring_up`; the port stays bound."""
        self._server.call_async(self._take_down)

    def bring_up(self) -> None:
        """Listen again after `take_down`."""
        self._server.call_async(self._server.bring_up)

    @property
    def port(self) -> int:
        """The port; 0 before the first `start` if none was asked for."""
        return self._server.port

    @property
    def spot_url(self) -> str:
        """Where a spot client connects to."""
        return f"{self._origin}{_SPOT_PATH}"

    @property
    def contract_url(self) -> str:
        """What a contract client puts before ``/depth@BTCUSD`` and the like."""
        return f"{self._origin}{_CONTRACT_PATH}"

    @property
    def rails_url(self) -> str:
        """What a Rails client appends the query to; there is no path (Rails protocol, section 1.1)."""
        return self._origin

    @property
    def _origin(self) -> str:
        host = f"[{self._server.host}]" if ":" in self._server.host else self._server.host
        return f"{self._scheme}://{host}:{self.port}"

    @property
    def clock_offset(self) -> float:
        """Seconds by which the server's clock is ahead of this machine's; settable. Market times never go back."""
        return self._venue.clock_offset

    @clock_offset.setter
    def clock_offset(self, seconds: float) -> None:
        self._call(lambda: setattr(self._venue, "clock_offset", seconds))

    # -- on the loop --------------------------------------------------------------------------------------------

    def _open_contracts(
        self,
        symbols: tuple[str, ...],
        seed: int,
        depth_wire: DepthWire,
        private_wire: PrivateWire,
        authenticator: Authenticator,
    ) -> ContractGate:
        """Put the contract half together."""
        self._contract_faults = ContractFaults(symbols)
        self._contract_hub = ContractHub(self._faults, self._contract_faults)
        self._contract_replay = None
        self._contracts = ContractVenue(
            symbols,
            seed=seed,
            depth_wire=depth_wire,
            private_wire=private_wire,
            hub=self._contract_hub,
            now_ns=self._venue.now_ns,
        )
        return ContractGate(
            self._door,
            self._contract_hub,
            self._faults,
            self._contract_faults,
            authenticator=authenticator,
            now_ns=self._venue.now_ns,
            is_known=self._is_contract,
            first_frames=self._contract_first_frames,
            entered=self._contract_entered,
        )

    def _open_rest(self, spot: Authenticator, contract: Authenticator, rest_limit: int | None) -> RestGate:
        """Put the REST side together; it shares the logins of the sockets."""
        return open_rest(
            open_spot_rest(self._venue, spot, self._desks.cost.uuid_of),
            open_contract_rest(
                self._contracts, contract, self._venue.now_ns, self._contract_first_frames, self._is_contract
            ),
            self._rails.rest,
            rest_limit,
        )

    def _on_open(self) -> None:
        if self._rate > 0:
            self._pump_task = self._spawn(self._pump())

    async def _on_close(self) -> None:
        if self._pump_task is not None:
            self._pump_task.cancel()
        self._end_replays()
        self._drop_all(_GOING_AWAY)

    async def _take_down(self) -> None:
        self._drop_all(_GOING_AWAY)
        await self._server.take_down()

"""The contract exchange's inside: contracts with their crowd and tape, the account, and what becomes public."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import count

from bigone_sync.testing._contract_account import ContractAccount, Holding
from bigone_sync.testing._contract_engine import ChangeIds, ContractEngine
from bigone_sync.testing._contract_faults import Channel
from bigone_sync.testing._contract_flow import ContractFlow, Quotes
from bigone_sync.testing._contract_hub import STREAM, ContractHub
from bigone_sync.testing._contract_private_wire import PrivateWire, uuid_text
from bigone_sync.testing._contract_tape import ContractTape
from bigone_sync.testing._contract_terms import Terms
from bigone_sync.testing._contract_views import (
    CashView,
    ContractBatch,
    ContractOrderView,
    FillView,
    InstrumentView,
    PositionView,
)
from bigone_sync.testing._contract_wire import DepthWire, Frame, candle_rows, instrument_rows, trade_rows

_FIRST_NUMBER = 91_218_888
_COINS = Decimal(1_000)
_USDT = Decimal(10_000_000)
_USDT_PRICE = Decimal("0.9998")
# Shown where no contract of the exchange has such a coin.
_OTHER_INDEXES = {"BTC": Decimal("65000.12"), "ETH": Decimal("3500.34")}
_RECENT_TRADES = 20
_RECENT_CANDLES = 5
_RECENT_FILLS = 20
_KEPT_FILLS = 100_000


@dataclass(slots=True)
class Contract:
    """One contract with everything that belongs to it."""

    engine: ContractEngine
    flow: ContractFlow
    tape: ContractTape
    quotes: Quotes
    quiet: bool = False


class ContractVenue:
    """Runs the contracts and publishes what happens; used on the exchange's loop only.

    The contracts come into being when the first of them is asked for, so that an exchange of which only spot is used
    pays nothing for them.

    Raises:
        ValueError: a name is no contract's.
    """

    def __init__(
        self,
        symbols: Iterable[str],
        *,
        seed: int,
        depth_wire: DepthWire,
        private_wire: PrivateWire,
        hub: ContractHub,
        now_ns: Callable[[], int],
    ) -> None:
        self.terms = {symbol: Terms.of(symbol) for symbol in symbols}
        self.recorded: frozenset[str] = frozenset()  # contracts whose depth comes from a recording
        self._seed = seed
        self._depth_wire = depth_wire
        self._wire = private_wire
        self._hub = hub
        self._now_ns = now_ns
        self._contracts: dict[str, Contract] = {}
        self._numbers = count(_FIRST_NUMBER)
        self._homes: dict[str, tuple[str, int]] = {}  # id of an own order to its contract and number there
        self._fills: deque[FillView] = deque(maxlen=_KEPT_FILLS)
        self._told: dict[str, PositionView | CashView] = {}  # as last published, by symbol or `_cash_name`
        names = [*self.terms, *map(_cash_name, self.currencies)]
        ids = {name: uuid_text(number) for number, name in enumerate(names, 1)}
        self.account = ContractAccount(
            [Holding(terms, ids[symbol]) for symbol, terms in self.terms.items()],
            {currency: _USDT if currency == "USDT" else _COINS for currency in self.currencies},
            {currency: ids[_cash_name(currency)] for currency in self.currencies},
        )

    @property
    def currencies(self) -> list[str]:
        """Everything that contracts are settled in, sorted."""
        return sorted({terms.currency for terms in self.terms.values()})

    @property
    def awake(self) -> bool:
        """Whether anybody has asked for a contract yet."""
        return bool(self._contracts)

    @property
    def contracts(self) -> dict[str, Contract]:
        """The contracts by symbol; the first call makes them."""
        if not self._contracts and self.terms:
            self._wake()
        return self._contracts

    def symbols(self) -> list[str]:
        """The contracts whose depth a client may ask for, recorded ones included."""
        return list(dict.fromkeys([*self.terms, *sorted(self.recorded)]))

    def at(self, symbol: str) -> Contract:
        """The contract, its time set to now: for what is about to be done in it.

        Raises:
            ValueError: there is none of that name.
        """
        if symbol not in self.terms:
            raise ValueError(f"no contract {symbol!r}: one of {', '.join(self.terms)}")
        contract = self.contracts[symbol]
        contract.engine.set_time(self._now_ns())
        return contract

    def step(self, symbol: str) -> None:
        """Let one thing happen in a contract, unless it was told to be quiet."""
        contract = self.at(symbol)
        if contract.quiet:
            return
        contract.flow.step()
        moved = contract.quotes.step()
        if moved:
            self._mark(contract)
        self.commit(contract)
        if moved and self.account.holdings[symbol].size:
            self._publish_private((), (), symbol)
        self._publish_instrument(symbol)

    def place(
        self, symbol: str, side: str, size: Decimal, price: Decimal | None, type: str, *, reduce_only: bool = False
    ) -> str:
        """Place an own order; returns its id."""
        contract = self.at(symbol)
        number = contract.engine.place(side, size, price=price, type=type, own=True, reduce_only=reduce_only)
        order_id = self._wire.id_text(number)
        self._homes[order_id] = symbol, number
        self.commit(contract)
        return order_id

    def order(self, order_id: str) -> tuple[Contract, int]:
        """The contract and the number of an own order.

        Raises:
            ValueError: the account has no such order.
        """
        if order_id not in self._homes:
            raise ValueError(f"no own order {order_id!r}")
        symbol, number = self._homes[order_id]
        return self.at(symbol), number

    def owned(self) -> list[str]:
        """The ids of the account's orders, newest first."""
        return list(reversed(self._homes))

    def order_view(self, order_id: str) -> ContractOrderView:
        """The present state of an own order.

        Raises:
            ValueError: the account has no such order.
        """
        contract, number = self.order(order_id)
        return contract.engine.own_order(number)

    def publish_position(self, symbol: str) -> None:
        """Tell of a position that was changed without an order, and of its cash."""
        self._publish_private((), (), symbol)

    def depth(self, symbol: str) -> Frame:
        """The whole book, as a new socket of it gets it."""
        return self._depth_wire.snapshot(self.contracts[symbol].engine)

    def cancel(self, order_id: str) -> bool:
        """Cancel an own order; False if it is no longer open."""
        contract, number = self.order(order_id)
        cancelled = contract.engine.cancel(number)
        self.commit(contract)
        return cancelled

    def fill(self, order_id: str, size: Decimal | None) -> Decimal:
        """Let the crowd trade against an own order, and fill up again what it traded away; returns how much it was."""
        contract, number = self.order(order_id)
        filled = contract.engine.fill(number, size)
        if not contract.quiet:
            contract.flow.replenish()
        self.commit(contract)
        return filled

    def clear(self, symbol: str, sides: Iterable[str]) -> None:
        """Cancel everything on some sides of a book, whose crowd is then quiet."""
        contract = self.at(symbol)
        contract.quiet = True
        for side in sides:
            contract.engine.clear(side)
        self.commit(contract)

    def commit(self, contract: Contract) -> None:
        """Close what was done in a contract and publish it."""
        engine = contract.engine
        batch = engine.commit()
        for trade in batch.trades:
            contract.tape.add(trade, batch.change_id)
        self._fills.extend(batch.fills)
        self._publish_public(contract, batch)
        if batch.orders or batch.fills:
            self._publish_private(batch.orders, batch.fills, batch.market)

    # -- what can be seen ---------------------------------------------------------------------------------------

    def first_frames(self, channel: Channel) -> list[object]:
        """What a socket gets before anything else: one frame, and on the stream one for each currency."""
        contracts = self.contracts
        if channel == STREAM:
            return self._first_private()
        if channel.name == "instruments":
            symbols = [channel.symbol] if channel.symbol else list(contracts)
            return [instrument_rows(self.instrument(symbol) for symbol in symbols)]
        contract = contracts[channel.symbol]
        if channel.name == "depth":
            return [self.depth(channel.symbol)]
        if channel.name == "trades":
            return [trade_rows(contract.tape.latest(_RECENT_TRADES))]
        return [candle_rows(contract.tape.candles(channel.period, _RECENT_CANDLES))]

    def instrument(self, symbol: str) -> InstrumentView:
        """The row of a contract as it is now."""
        contract = self.contracts[symbol]
        tape, quotes, now_ns = contract.tape, contract.quotes, self._now_ns()
        change = tape.change(now_ns)
        last = contract.engine.last_price or quotes.mark
        day, terms = tape.day, contract.engine.terms
        return InstrumentView(
            market=symbol,
            index_price=quotes.index,
            mark_price=quotes.mark,
            latest_price=last,
            funding_rate=quotes.funding_rate,
            next_funding_rate=quotes.next_funding_rate,
            next_funding_ns=quotes.next_funding_ns(now_ns),
            open_interest=quotes.open_interest,
            open_value=terms.value(quotes.open_interest, quotes.mark),
            volume_24h=day.volume,
            volume_24h_usd=day.volume if terms.inverse else tape.turnover,
            turnover_24h=tape.turnover,
            high_24h=day.high if day.trades else last,
            low_24h=day.low if day.trades else last,
            price_change_24h=change,
            btc_price=self._index_of("BTC"),
            eth_price=self._index_of("ETH"),
            usdt_price=_USDT_PRICE,
        )

    def orders(self) -> list[ContractOrderView]:
        """Every order the account ever placed, oldest first per contract."""
        return [order for contract in self.contracts.values() for order in contract.engine.own_orders()]

    def fills(self) -> list[FillView]:
        """Every fill of the account, oldest first."""
        return list(self._fills)

    def positions(self) -> dict[str, PositionView]:
        """Every position by symbol, flat ones included."""
        return {symbol: self.account.holdings[symbol].view() for symbol in self.contracts}

    def cash(self) -> dict[str, CashView]:
        """Every settlement currency of the account."""
        return {currency: self.account.cash(currency) for currency in self.currencies}

    # -- inside -------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        change_ids = ChangeIds(self._seed)
        for symbol, terms in self.terms.items():
            engine = ContractEngine(
                terms,
                self.account,
                change_ids=change_ids,
                ids=self._numbers,
                id_text=self._wire.id_text,
                trade_id=uuid_text,
            )
            flow = ContractFlow(engine, seed=self._seed)
            tape = ContractTape()
            flow.seed_history(self._now_ns())
            contract = Contract(engine, flow, tape, Quotes(engine, seed=self._seed))
            self._contracts[symbol] = contract
            self._mark(contract)
            self.commit(contract)
        self._told = {**self.positions(), **{_cash_name(name): cash for name, cash in self.cash().items()}}

    def _mark(self, contract: Contract) -> None:
        self.account.holdings[contract.engine.name].mark = contract.quotes.mark

    def _index_of(self, base: str) -> Decimal:
        for contract in self.contracts.values():
            if contract.engine.base == base:
                return contract.quotes.index
        return _OTHER_INDEXES[base]

    def _publish_public(self, contract: Contract, batch: ContractBatch) -> None:
        symbol, hub = batch.market, self._hub
        if batch.change_id != batch.prev_id and symbol not in self.recorded:
            hub.publish_depth(symbol, lambda: self._depth_wire.delta(contract.engine, batch))
        if batch.trades:
            hub.publish(Channel("trades", symbol), lambda: trade_rows(batch.trades))
            for period in hub.periods(symbol):
                channel = Channel("candlesticks", symbol, period)
                hub.publish(channel, lambda period=period: candle_rows(contract.tape.candles(period, 1)))  # type: ignore[misc]

    def _publish_instrument(self, symbol: str) -> None:
        for channel in (Channel("instruments"), Channel("instruments", symbol)):
            self._hub.publish(channel, lambda: instrument_rows([self.instrument(symbol)]))

    def _publish_private(self, orders: tuple[ContractOrderView, ...], fills: tuple[FillView, ...], symbol: str) -> None:
        """Tell what happened, and of position and cash what has become of them if anything has."""
        position = self.account.holdings[symbol].view()
        cash = self.account.cash(position.currency)
        frame = self._wire.frame(
            cash if self._is_news(_cash_name(cash.currency), cash) else None,
            [position] if self._is_news(symbol, position) else [],
            orders,
            fills,
        )
        if frame:
            self._hub.publish(STREAM, lambda: frame)

    def _is_news(self, name: str, view: PositionView | CashView) -> bool:
        known = self._told.get(name)
        self._told[name] = view
        return view != known

    def _first_private(self) -> list[object]:
        positions, cash = list(self.positions().values()), list(self.cash().values())
        orders = [order for contract in self.contracts.values() for order in contract.engine.open_orders()]
        recent = list(self._fills)[-_RECENT_FILLS:]
        first: list[Frame] = [self._wire.first(cash[0] if cash else None, positions, orders, recent)]
        return [*first, *(self._wire.frame(other) for other in cash[1:])]


def _cash_name(currency: str) -> str:
    """How a currency is called among symbols."""
    return f"cash {currency}"

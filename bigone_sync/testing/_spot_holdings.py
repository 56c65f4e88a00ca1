"""The part of `LocalExchange` that commands and shows what only the official schema knows the account to have."""

from __future__ import annotations

from decimal import Decimal

from bigone_sync.testing._checks import number
from bigone_sync.testing._margin import MarginView
from bigone_sync.testing._spot_base import Base
from bigone_sync.testing._spot_cost import CostPrice
from bigone_sync.testing._spot_desks import Desks
from bigone_sync.testing._spot_flash import FlashOrder

__all__ = ["Holdings"]


class Holdings(Base):
    """Margin accounts, flash exchange and cost prices. Everything may be used from any thread."""

    _desks: Desks

    def set_margin(
        self,
        market: str,
        *,
        base: Decimal | str | None = None,
        quote: Decimal | str | None = None,
        base_loan: Decimal | str | None = None,
        quote_loan: Decimal | str | None = None,
        state: str | None = None,
    ) -> None:
        """Set what a market's margin account holds and owes, and publish it; None leaves a value as it is.

        Args:
            base: total of the base asset; a loan is not added to it.
            quote: total of the quote asset.
            base_loan: lent amount of the base asset.
            quote_loan: lent amount of the quote asset.
            state: of both sides: NORMAL, LIQUIDATION or PIERCING. It is only told; nothing is liquidated.

        Raises:
            ValueError: no such market or state, an amount that is negative, too large or too fine, or a total less than
                what open orders lock; nothing has changed then.
        """
        self._call(
            lambda: self._desks.margin.change(
                market,
                base=_number("base", base),
                quote=_number("quote", quote),
                base_loan=_number("base_loan", base_loan),
                quote_loan=_number("quote_loan", quote_loan),
                state=state,
            )
        )

    def flash_exchange(self, pay_asset: str, exchange_asset: str, amount: Decimal | str) -> int:
        """Buy an asset for another at once, at the last price of their market and without a fee.

        Args:
            amount: how much of ``exchange_asset`` is bought.

        Returns:
            The flash order's id.

        Raises:
            ValueError: no market of the two, an amount that is not positive, or not enough of ``pay_asset``.
        """
        return self._call(lambda: self._desks.flash.exchange(pay_asset, exchange_asset, number("amount", amount)))

    # -- observation --------------------------------------------------------------------------------------------

    def margin_accounts(self) -> dict[str, MarginView]:
        """The margin accounts, by market; their orders do not touch `balances`."""
        return self._call(self._desks.margin.accounts)

    def flash_orders(self) -> list[FlashOrder]:
        """Every flash exchange of the account, oldest first."""
        return self._call(lambda: list(self._desks.flash.orders))

    def cost_prices(self) -> dict[str, CostPrice]:
        """What the account's assets have cost, by asset."""
        return self._call(self._desks.cost.prices)

    def asset_uuid(self, asset: str) -> str:
        """The UUID by which cost prices name an asset; the same in every exchange.

        Raises:
            ValueError: no such asset.
        """
        return self._call(lambda: self._desks.cost.uuid_of(asset))


def _number(name: str, value: Decimal | str | None) -> Decimal | None:
    return None if value is None else number(name, value)

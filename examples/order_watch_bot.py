"""Orders by REST, watched over the streams: one is placed below the market and cancelled, again and again. Real ones:
give the URL, or set BIGONE_SPOT_URL (and BIGONE_SPOT_REST_URL); and set BIGONE_API_KEY and BIGONE_API_SECRET."""

import contextlib
import os
import sys
import time

from bigone_sync import Account, BigOneError, Credentials, Order, OutcomeUnknown, SpotClient, SpotRest


class OrderWatch:  # sends by REST; all that it knows of orders and balances comes from the streams
    def __init__(self, client: SpotClient, rest: SpotRest, market: str) -> None:
        self.rest, self.market, self.rules = rest, market, client.market(market)
        self.orders: dict[str, Order] = {}
        self.balances: dict[str, Account] = {}

    def say(self, text: str) -> None:
        print(f"{text}\n", end="", flush=True)  # in one piece, for two threads have something to say

    def on_order(self, order: Order) -> None:
        self.orders[order.id] = order
        self.say(f"{order.id}: {order.amount} @ {order.price}, {order.state}, {order.filled_amount} filled")

    def on_account(self, account: Account) -> None:
        self.balances[account.asset] = account
        self.say(f"{account.asset}: {account.available} available, {account.locked_balance} in orders")

    def place(self, amount: str, basis_points: int = 1_000) -> Order:
        bid, name = self.rest.ticker(self.market).bid, f"watch-{time.time_ns()}"
        price = self.rules.round_price(bid.price * (10_000 - basis_points) / 10_000 if bid else 1)
        size = self.rules.round_amount(amount)
        try:
            return self.rest.create_order(self.market, "buy", amount=size, price=price, client_order_id=name)
        except OutcomeUnknown:  # a 404 now means that it is not there; should it arrive late, the stream tells
            return self.rest.order(client_order_id=name)

    def cancel_open(self) -> None:
        for order in list(self.orders.values()):
            if order.client_order_id.startswith("watch-") and order.market == self.market and not order.is_final:
                self.rest.cancel_order(order.id)


if __name__ == "__main__":
    URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BIGONE_SPOT_URL") or sys.exit("name the exchange's URL")
    REST = os.environ.get("BIGONE_SPOT_REST_URL") or URL.split("/ws/v2")[0].replace("ws", "http", 1) + "/api/v3"
    END, KEYS = float(os.environ.get("BIGONE_EXAMPLE_SECONDS", "inf")) + time.monotonic(), Credentials.from_env()
    client, rest = SpotClient(KEYS, url=URL, rest_url=REST), SpotRest(KEYS, url=REST)
    with contextlib.suppress(KeyboardInterrupt), client, rest:
        bot = OrderWatch(client, rest, "BTC-USDT")
        client.on_order("BTC-USDT", bot.on_order)
        client.on_account(bot.on_account)
        while time.monotonic() < END:
            try:
                bot.cancel_open()
                bot.say(f"placed {bot.place('0.01').id}")
            except BigOneError as failure:
                bot.say(f"{type(failure).__name__}: {failure}")  # the next round tries again
            client.wait(0.5)  # raises if the exchange refused the client for good; the last order stays open

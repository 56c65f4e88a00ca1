"""Facts of the exchange that no code of ours made: payload numbers, and frames whose bytes are known (spot schema)."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CHECK_VALUES", "ENVELOPES", "CheckValue"]


class CheckValue(NamedTuple):
    """One frame in both encodings (spot schema, section 8); ``json`` leaves defaults out."""

    name: str  # req.*: a Request; res.*: a Response
    hex: str
    json: str

    @property
    def data(self) -> bytes:
        return bytes.fromhex(self.hex)

    @property
    def envelope(self) -> str:
        """The message that it is: Request or Response."""
        return "Request" if self.name.startswith("req.") else "Response"


CHECK_VALUES = [
    CheckValue("req.ping", "0a0131a20600", '{"requestId":"1","ping":{}}'),
    CheckValue("req.heartbeat30", "0a0132c20c02081e", '{"requestId":"2","heartbeatRequest":{"interval":"30"}}'),
    CheckValue(
        "req.auth",
        "0a06617574682d318a070e0a0c42656172657220612e622e63",
        '{"requestId":"auth-1","authenticateCustomerRequest":{"token":"Bearer a.b.c"}}',
    ),
    CheckValue(
        "req.sub.depth",
        "0a0133ba060a0a084254432d55534454",
        '{"requestId":"3","subscribeMarketDepthRequest":{"market":"BTC-USDT"}}',
    ),
    CheckValue(
        "req.sub.candles.min1",
        "0a0134c2060a0a084254432d55534454",
        '{"requestId":"4","subscribeMarketCandlesRequest":{"market":"BTC-USDT"}}',
    ),
    CheckValue(
        "req.sub.candles.hour1.limit20",
        "0a0135c2060e0a084254432d5553445410041814",
        '{"requestId":"5","subscribeMarketCandlesRequest":{"market":"BTC-USDT","period":"HOUR1","limit":"20"}}',
    ),
    CheckValue(
        "req.sub.tickers",
        "0a0136aa06140a084254432d555344540a084554482d55534454",
        '{"requestId":"6","subscribeMarketsTickerRequest":{"markets":["BTC-USDT","ETH-USDT"]}}',
    ),
    CheckValue("req.sub.allorders", "0a023131f20700", '{"requestId":"11","subscribeAllViewerOrdersRequest":{}}'),
    CheckValue("res.success", "0a06617574682d319206020801", '{"requestId":"auth-1","success":{"ok":true}}'),
    CheckValue(
        "res.error",
        "0a01339a061808c9df0212126c6f67696e20737461747573206572726f72",
        '{"requestId":"3","error":{"code":"45001","message":"login status error"}}',
    ),
    CheckValue("res.heartbeat", "c20c00", '{"heartbeat":{}}'),
    CheckValue(
        "res.depth.snapshot",
        "0a0133ca06340a300a084254432d55534454120f0a063139372e39361203352e3018011a130a063135392e39391207312e30"
        "3735353218011064",
        '{"requestId":"3","depthSnapshot":{"depth":{"market":"BTC-USDT","asks":[{"price":"197.96",'
        '"amount":"5.0","orderCount":"1"}],"bids":[{"price":"159.99","amount":"1.07552","orderCount":"1"}]},'
        '"changeId":"100"}}',
    ),
    CheckValue(
        "res.depth.update.delete",
        "0a0133d2061d0a170a084254432d55534454120b0a063139372e393612013010651864",
        '{"requestId":"3","depthUpdate":{"depth":{"market":"BTC-USDT","asks":[{"price":"197.96",'
        '"amount":"0"}]},"changeId":"101","prevId":"100"}}',
    ),
    CheckValue(
        "res.trade.update",
        "0a0138c206260a2408cedf011203392e301a0731303030302e3022084254432d555344543a0608e5c3e3dc05",
        '{"requestId":"8","tradeUpdate":{"trade":{"id":"28622","price":"9.0","amount":"10000.0",'
        '"market":"BTC-USDT","createdAt":"2018-09-12T09:52:37Z"}}}',
    ),
    CheckValue(
        "res.account.update",
        "0a0139e206120a100a03425443120431302e301a03302e30",
        '{"requestId":"9","accountUpdate":{"account":{"asset":"BTC","balance":"10.0","lockedBalance":"0.0"}}}',
    ),
]

_REQUESTS = """
100 ping Ping
101 subscribe_markets_ticker_request SubscribeMarketsTickerRequest
102 subscribe_market_trades_request SubscribeMarketTradesRequest
103 subscribe_market_depth_request SubscribeMarketDepthRequest
104 subscribe_market_candles_request SubscribeMarketCandlesRequest
105 subscribe_viewer_accounts_request SubscribeViewerAccountsRequest
106 subscribe_viewer_orders_request SubscribeViewerOrdersRequest
107 unsubscribe_markets_ticker_request UnsubscribeMarketsTickerRequest
108 unsubscribe_market_trades_request UnsubscribeMarketTradesRequest
109 unsubscribe_market_depth_request UnsubscribeMarketDepthRequest
110 unsubscribe_market_candles_request UnsubscribeMarketCandlesRequest
111 unsubscribe_viewer_accounts_request UnsubscribeViewerAccountsRequest
112 unsubscribe_viewer_orders_request UnsubscribeViewerOrdersRequest
113 authenticate_customer_request AuthenticateCustomerRequest
114 create_order_request CreateOrderRequest
115 cancel_order_request CancelOrderRequest
116 cancel_all_orders_request CancelAllOrdersRequest
117 list_markets_request ListMarketsRequest
118 subscribe_market_tickers_request SubscribeMarketTickersRequest
119 unsubscribe_market_tickers_request UnsubscribeMarketTickersRequest
120 subscribe_viewer_margin_accounts_request SubscribeViewerMarginAccountsRequest
121 unsubscribe_viewer_margin_accounts_request UnsubscribeViewerMarginAccountsRequest
122 subscribe_exchange_rates_list_request SubscribeExchangeRatesListRequest
123 unsubscribe_exchange_rates_list_request UnsubscribeExchangeRatesListRequest
124 subscribe_flash_exchange_orders_request SubscribeFlashExchangeOrdersRequest
125 unsubscribe_flash_exchange_orders_request UnsubscribeFlashExchangeOrdersRequest
126 subscribe_all_viewer_orders_request SubscribeAllViewerOrdersRequest
127 unsubscribe_all_viewer_orders_request UnsubscribeAllViewerOrdersRequest
128 subscribe_spot_cost_price_request SubscribeSpotCostPriceRequest
129 unsubscribe_spot_cost_price_request UnSubscribeSpotCostPriceRequest
200 heartbeat_request HeartbeatRequest
"""
_RESPONSES = """
98 success Success
99 error Error
100 pong Pong
101 tickers_snapshot TickersSnapshot
102 ticker_update TickerUpdate
103 trades_snapshot TradesSnapshot
104 trade_update TradeUpdate
105 depth_snapshot DepthSnapshot
106 depth_update DepthUpdate
107 accounts_snapshot AccountsSnapshot
108 account_update AccountUpdate
109 candles_snapshot CandlesSnapshot
110 candle_update CandleUpdate
111 orders_snapshot OrdersSnapshot
112 order_update OrderUpdate
113 list_markets_response ListMarketsResponse
114 margin_accounts_snapshot MarginAccountsSnapshot
115 margin_account_update MarginAccountUpdate
116 exchange_rates_list_snapshot ExchangeRatesListSnapshot
117 flash_exchange_orders_snapshot FlashExchangeOrdersSnapshot
118 flash_exchange_order_update FlashExchangeOrderUpdate
119 exchange_rates_list_update ExchangeRatesListUpdate
120 spot_cost_price_snapshot SpotCostPriceSnapshot
121 spot_cost_price_update SpotCostPriceUpdate
200 heartbeat Heartbeat
"""


def _rows(table: str) -> list[tuple[int, str, str]]:
    return [(int(number), field, message) for number, field, message in map(str.split, table.strip().splitlines())]


# Number, field and message of each payload of an envelope (spot schema, section 1); all have a request_id = 1, too.
ENVELOPES = {"Request": _rows(_REQUESTS), "Response": _rows(_RESPONSES)}

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BusinessUnit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SPOT: _ClassVar[BusinessUnit]
    MARGIN: _ClassVar[BusinessUnit]
SPOT: BusinessUnit
MARGIN: BusinessUnit

class Request(_message.Message):
    __slots__ = ("request_id", "ping", "subscribe_markets_ticker_request", "subscribe_market_trades_request", "subscribe_market_depth_request", "subscribe_market_candles_request", "subscribe_viewer_accounts_request", "subscribe_viewer_orders_request", "unsubscribe_markets_ticker_request", "unsubscribe_market_trades_request", "unsubscribe_market_depth_request", "unsubscribe_market_candles_request", "unsubscribe_viewer_accounts_request", "unsubscribe_viewer_orders_request", "authenticate_customer_request", "create_order_request", "cancel_order_request", "cancel_all_orders_request", "list_markets_request", "subscribe_market_tickers_request", "unsubscribe_market_tickers_request", "subscribe_viewer_margin_accounts_request", "unsubscribe_viewer_margin_accounts_request", "subscribe_exchange_rates_list_request", "unsubscribe_exchange_rates_list_request", "subscribe_flash_exchange_orders_request", "unsubscribe_flash_exchange_orders_request", "subscribe_all_viewer_orders_request", "unsubscribe_all_viewer_orders_request", "subscribe_spot_cost_price_request", "unsubscribe_spot_cost_price_request", "heartbeat_request")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBE_MARKETS_TICKER_REQUEST_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBE_MARKET_TRADES_REQUEST_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBE_MARKET_DEPTH_REQUEST_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBE_MARKET_CANDLES_REQUEST_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBE_VIEWER_ACCOUNTS_REQUEST_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBE_VIEWER_ORDERS_REQUEST_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBE_MARKETS_TICKER_REQUEST_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBE_MARKET_TRADES_REQUEST_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBE_MARKET_DEPTH_REQUEST_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBE_MARKET_CANDLES_REQUEST_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBE_VIEWER_ACCOUNTS_REQUEST_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBE_VIEWER_ORDERS_REQUEST_FIELD_NUMBER: _ClassVar[int]
    AUTHENTICATE_CUSTOMER_REQUEST_FIELD_NUMBER: _ClassVar[int]
    CREATE_ORDER_REQUEST_FIELD_NUMBER: _ClassVar[int]
    CANCEL_ORDER_REQUEST_FIELD_NUMBER: _ClassVar[int]
    CANCEL_ALL_ORDERS_REQUEST_FIELD_NUMBER: _ClassVar[int]
    LIST_MARKETS_REQUEST_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBE_MARKET_TICKERS_REQUEST_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBE_MARKET_TICKERS_REQUEST_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBE_VIEWER_MARGIN_ACCOUNTS_REQUEST_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBE_VIEWER_MARGIN_ACCOUNTS_REQUEST_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBE_EXCHANGE_RATES_LIST_REQUEST_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBE_EXCHANGE_RATES_LIST_REQUEST_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBE_FLASH_EXCHANGE_ORDERS_REQUEST_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBE_FLASH_EXCHANGE_ORDERS_REQUEST_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBE_ALL_VIEWER_ORDERS_REQUEST_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBE_ALL_VIEWER_ORDERS_REQUEST_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBE_SPOT_COST_PRICE_REQUEST_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBE_SPOT_COST_PRICE_REQUEST_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_REQUEST_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    ping: Ping
    subscribe_markets_ticker_request: SubscribeMarketsTickerRequest
    subscribe_market_trades_request: SubscribeMarketTradesRequest
    subscribe_market_depth_request: SubscribeMarketDepthRequest
    subscribe_market_candles_request: SubscribeMarketCandlesRequest
    subscribe_viewer_accounts_request: SubscribeViewerAccountsRequest
    subscribe_viewer_orders_request: SubscribeViewerOrdersRequest
    unsubscribe_markets_ticker_request: UnsubscribeMarketsTickerRequest
    unsubscribe_market_trades_request: UnsubscribeMarketTradesRequest
    unsubscribe_market_depth_request: UnsubscribeMarketDepthRequest
    unsubscribe_market_candles_request: UnsubscribeMarketCandlesRequest
    unsubscribe_viewer_accounts_request: UnsubscribeViewerAccountsRequest
    unsubscribe_viewer_orders_request: UnsubscribeViewerOrdersRequest
    authenticate_customer_request: AuthenticateCustomerRequest
    create_order_request: CreateOrderRequest
    cancel_order_request: CancelOrderRequest
    cancel_all_orders_request: CancelAllOrdersRequest
    list_markets_request: ListMarketsRequest
    subscribe_market_tickers_request: SubscribeMarketTickersRequest
    unsubscribe_market_tickers_request: UnsubscribeMarketTickersRequest
    subscribe_viewer_margin_accounts_request: SubscribeViewerMarginAccountsRequest
    unsubscribe_viewer_margin_accounts_request: UnsubscribeViewerMarginAccountsRequest
    subscribe_exchange_rates_list_request: SubscribeExchangeRatesListRequest
    unsubscribe_exchange_rates_list_request: UnsubscribeExchangeRatesListRequest
    subscribe_flash_exchange_orders_request: SubscribeFlashExchangeOrdersRequest
    unsubscribe_flash_exchange_orders_request: UnsubscribeFlashExchangeOrdersRequest
    subscribe_all_viewer_orders_request: SubscribeAllViewerOrdersRequest
    unsubscribe_all_viewer_orders_request: UnsubscribeAllViewerOrdersRequest
    subscribe_spot_cost_price_request: SubscribeSpotCostPriceRequest
    unsubscribe_spot_cost_price_request: UnSubscribeSpotCostPriceRequest
    heartbeat_request: HeartbeatRequest
    def __init__(self, request_id: _Optional[str] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ..., subscribe_markets_ticker_request: _Optional[_Union[SubscribeMarketsTickerRequest, _Mapping]] = ..., subscribe_market_trades_request: _Optional[_Union[SubscribeMarketTradesRequest, _Mapping]] = ..., subscribe_market_depth_request: _Optional[_Union[SubscribeMarketDepthRequest, _Mapping]] = ..., subscribe_market_candles_request: _Optional[_Union[SubscribeMarketCandlesRequest, _Mapping]] = ..., subscribe_viewer_accounts_request: _Optional[_Union[SubscribeViewerAccountsRequest, _Mapping]] = ..., subscribe_viewer_orders_request: _Optional[_Union[SubscribeViewerOrdersRequest, _Mapping]] = ..., unsubscribe_markets_ticker_request: _Optional[_Union[UnsubscribeMarketsTickerRequest, _Mapping]] = ..., unsubscribe_market_trades_request: _Optional[_Union[UnsubscribeMarketTradesRequest, _Mapping]] = ..., unsubscribe_market_depth_request: _Optional[_Union[UnsubscribeMarketDepthRequest, _Mapping]] = ..., unsubscribe_market_candles_request: _Optional[_Union[UnsubscribeMarketCandlesRequest, _Mapping]] = ..., unsubscribe_viewer_accounts_request: _Optional[_Union[UnsubscribeViewerAccountsRequest, _Mapping]] = ..., unsubscribe_viewer_orders_request: _Optional[_Union[UnsubscribeViewerOrdersRequest, _Mapping]] = ..., authenticate_customer_request: _Optional[_Union[AuthenticateCustomerRequest, _Mapping]] = ..., create_order_request: _Optional[_Union[CreateOrderRequest, _Mapping]] = ..., cancel_order_request: _Optional[_Union[CancelOrderRequest, _Mapping]] = ..., cancel_all_orders_request: _Optional[_Union[CancelAllOrdersRequest, _Mapping]] = ..., list_markets_request: _Optional[_Union[ListMarketsRequest, _Mapping]] = ..., subscribe_market_tickers_request: _Optional[_Union[SubscribeMarketTickersRequest, _Mapping]] = ..., unsubscribe_market_tickers_request: _Optional[_Union[UnsubscribeMarketTickersRequest, _Mapping]] = ..., subscribe_viewer_margin_accounts_request: _Optional[_Union[SubscribeViewerMarginAccountsRequest, _Mapping]] = ..., unsubscribe_viewer_margin_accounts_request: _Optional[_Union[UnsubscribeViewerMarginAccountsRequest, _Mapping]] = ..., subscribe_exchange_rates_list_request: _Optional[_Union[SubscribeExchangeRatesListRequest, _Mapping]] = ..., unsubscribe_exchange_rates_list_request: _Optional[_Union[UnsubscribeExchangeRatesListRequest, _Mapping]] = ..., subscribe_flash_exchange_orders_request: _Optional[_Union[SubscribeFlashExchangeOrdersRequest, _Mapping]] = ..., unsubscribe_flash_exchange_orders_request: _Optional[_Union[UnsubscribeFlashExchangeOrdersRequest, _Mapping]] = ..., subscribe_all_viewer_orders_request: _Optional[_Union[SubscribeAllViewerOrdersRequest, _Mapping]] = ..., unsubscribe_all_viewer_orders_request: _Optional[_Union[UnsubscribeAllViewerOrdersRequest, _Mapping]] = ..., subscribe_spot_cost_price_request: _Optional[_Union[SubscribeSpotCostPriceRequest, _Mapping]] = ..., unsubscribe_spot_cost_price_request: _Optional[_Union[UnSubscribeSpotCostPriceRequest, _Mapping]] = ..., heartbeat_request: _Optional[_Union[HeartbeatRequest, _Mapping]] = ...) -> None: ...

class Response(_message.Message):
    __slots__ = ("request_id", "success", "error", "pong", "tickers_snapshot", "ticker_update", "trades_snapshot", "trade_update", "depth_snapshot", "depth_update", "accounts_snapshot", "account_update", "candles_snapshot", "candle_update", "orders_snapshot", "order_update", "list_markets_response", "margin_accounts_snapshot", "margin_account_update", "exchange_rates_list_snapshot", "flash_exchange_orders_snapshot", "flash_exchange_order_update", "exchange_rates_list_update", "spot_cost_price_snapshot", "spot_cost_price_update", "heartbeat")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    TICKERS_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    TICKER_UPDATE_FIELD_NUMBER: _ClassVar[int]
    TRADES_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    TRADE_UPDATE_FIELD_NUMBER: _ClassVar[int]
    DEPTH_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    DEPTH_UPDATE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTS_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_UPDATE_FIELD_NUMBER: _ClassVar[int]
    CANDLES_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    CANDLE_UPDATE_FIELD_NUMBER: _ClassVar[int]
    ORDERS_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    ORDER_UPDATE_FIELD_NUMBER: _ClassVar[int]
    LIST_MARKETS_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    MARGIN_ACCOUNTS_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    MARGIN_ACCOUNT_UPDATE_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_RATES_LIST_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    FLASH_EXCHANGE_ORDERS_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    FLASH_EXCHANGE_ORDER_UPDATE_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_RATES_LIST_UPDATE_FIELD_NUMBER: _ClassVar[int]
    SPOT_COST_PRICE_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    SPOT_COST_PRICE_UPDATE_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    success: Success
    error: Error
    pong: Pong
    tickers_snapshot: TickersSnapshot
    ticker_update: TickerUpdate
    trades_snapshot: TradesSnapshot
    trade_update: TradeUpdate
    depth_snapshot: DepthSnapshot
    depth_update: DepthUpdate
    accounts_snapshot: AccountsSnapshot
    account_update: AccountUpdate
    candles_snapshot: CandlesSnapshot
    candle_update: CandleUpdate
    orders_snapshot: OrdersSnapshot
    order_update: OrderUpdate
    list_markets_response: ListMarketsResponse
    margin_accounts_snapshot: MarginAccountsSnapshot
    margin_account_update: MarginAccountUpdate
    exchange_rates_list_snapshot: ExchangeRatesListSnapshot
    flash_exchange_orders_snapshot: FlashExchangeOrdersSnapshot
    flash_exchange_order_update: FlashExchangeOrderUpdate
    exchange_rates_list_update: ExchangeRatesListUpdate
    spot_cost_price_snapshot: SpotCostPriceSnapshot
    spot_cost_price_update: SpotCostPriceUpdate
    heartbeat: Heartbeat
    def __init__(self, request_id: _Optional[str] = ..., success: _Optional[_Union[Success, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., pong: _Optional[_Union[Pong, _Mapping]] = ..., tickers_snapshot: _Optional[_Union[TickersSnapshot, _Mapping]] = ..., ticker_update: _Optional[_Union[TickerUpdate, _Mapping]] = ..., trades_snapshot: _Optional[_Union[TradesSnapshot, _Mapping]] = ..., trade_update: _Optional[_Union[TradeUpdate, _Mapping]] = ..., depth_snapshot: _Optional[_Union[DepthSnapshot, _Mapping]] = ..., depth_update: _Optional[_Union[DepthUpdate, _Mapping]] = ..., accounts_snapshot: _Optional[_Union[AccountsSnapshot, _Mapping]] = ..., account_update: _Optional[_Union[AccountUpdate, _Mapping]] = ..., candles_snapshot: _Optional[_Union[CandlesSnapshot, _Mapping]] = ..., candle_update: _Optional[_Union[CandleUpdate, _Mapping]] = ..., orders_snapshot: _Optional[_Union[OrdersSnapshot, _Mapping]] = ..., order_update: _Optional[_Union[OrderUpdate, _Mapping]] = ..., list_markets_response: _Optional[_Union[ListMarketsResponse, _Mapping]] = ..., margin_accounts_snapshot: _Optional[_Union[MarginAccountsSnapshot, _Mapping]] = ..., margin_account_update: _Optional[_Union[MarginAccountUpdate, _Mapping]] = ..., exchange_rates_list_snapshot: _Optional[_Union[ExchangeRatesListSnapshot, _Mapping]] = ..., flash_exchange_orders_snapshot: _Optional[_Union[FlashExchangeOrdersSnapshot, _Mapping]] = ..., flash_exchange_order_update: _Optional[_Union[FlashExchangeOrderUpdate, _Mapping]] = ..., exchange_rates_list_update: _Optional[_Union[ExchangeRatesListUpdate, _Mapping]] = ..., spot_cost_price_snapshot: _Optional[_Union[SpotCostPriceSnapshot, _Mapping]] = ..., spot_cost_price_update: _Optional[_Union[SpotCostPriceUpdate, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ...) -> None: ...

class Success(_message.Message):
    __slots__ = ("ok",)
    OK_FIELD_NUMBER: _ClassVar[int]
    ok: bool
    def __init__(self, ok: bool = ...) -> None: ...

class Error(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class HeartbeatRequest(_message.Message):
    __slots__ = ("interval",)
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    interval: int
    def __init__(self, interval: _Optional[int] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Ping(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Pong(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AuthenticateCustomerRequest(_message.Message):
    __slots__ = ("token", "device_id")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    token: str
    device_id: str
    def __init__(self, token: _Optional[str] = ..., device_id: _Optional[str] = ...) -> None: ...

class PriceLevel(_message.Message):
    __slots__ = ("price", "amount", "order_count")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    ORDER_COUNT_FIELD_NUMBER: _ClassVar[int]
    price: str
    amount: str
    order_count: int
    def __init__(self, price: _Optional[str] = ..., amount: _Optional[str] = ..., order_count: _Optional[int] = ...) -> None: ...

class SubscribeMarketDepthRequest(_message.Message):
    __slots__ = ("market",)
    MARKET_FIELD_NUMBER: _ClassVar[int]
    market: str
    def __init__(self, market: _Optional[str] = ...) -> None: ...

class UnsubscribeMarketDepthRequest(_message.Message):
    __slots__ = ("market",)
    MARKET_FIELD_NUMBER: _ClassVar[int]
    market: str
    def __init__(self, market: _Optional[str] = ...) -> None: ...

class Depth(_message.Message):
    __slots__ = ("market", "asks", "bids")
    MARKET_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    market: str
    asks: _containers.RepeatedCompositeFieldContainer[PriceLevel]
    bids: _containers.RepeatedCompositeFieldContainer[PriceLevel]
    def __init__(self, market: _Optional[str] = ..., asks: _Optional[_Iterable[_Union[PriceLevel, _Mapping]]] = ..., bids: _Optional[_Iterable[_Union[PriceLevel, _Mapping]]] = ...) -> None: ...

class DepthSnapshot(_message.Message):
    __slots__ = ("depth", "change_id")
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    depth: Depth
    change_id: int
    def __init__(self, depth: _Optional[_Union[Depth, _Mapping]] = ..., change_id: _Optional[int] = ...) -> None: ...

class DepthUpdate(_message.Message):
    __slots__ = ("depth", "change_id", "prev_id")
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    PREV_ID_FIELD_NUMBER: _ClassVar[int]
    depth: Depth
    change_id: int
    prev_id: int
    def __init__(self, depth: _Optional[_Union[Depth, _Mapping]] = ..., change_id: _Optional[int] = ..., prev_id: _Optional[int] = ...) -> None: ...

class SubscribeMarketsTickerRequest(_message.Message):
    __slots__ = ("markets",)
    MARKETS_FIELD_NUMBER: _ClassVar[int]
    markets: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, markets: _Optional[_Iterable[str]] = ...) -> None: ...

class UnsubscribeMarketsTickerRequest(_message.Message):
    __slots__ = ("markets",)
    MARKETS_FIELD_NUMBER: _ClassVar[int]
    markets: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, markets: _Optional[_Iterable[str]] = ...) -> None: ...

class SubscribeMarketTickersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UnsubscribeMarketTickersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Ticker(_message.Message):
    __slots__ = ("market", "ask", "bid", "open", "high", "low", "close", "volume", "dailyChange", "dailyChangePerc")
    MARKET_FIELD_NUMBER: _ClassVar[int]
    ASK_FIELD_NUMBER: _ClassVar[int]
    BID_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    DAILYCHANGE_FIELD_NUMBER: _ClassVar[int]
    DAILYCHANGEPERC_FIELD_NUMBER: _ClassVar[int]
    market: str
    ask: PriceLevel
    bid: PriceLevel
    open: str
    high: str
    low: str
    close: str
    volume: str
    dailyChange: str
    dailyChangePerc: str
    def __init__(self, market: _Optional[str] = ..., ask: _Optional[_Union[PriceLevel, _Mapping]] = ..., bid: _Optional[_Union[PriceLevel, _Mapping]] = ..., open: _Optional[str] = ..., high: _Optional[str] = ..., low: _Optional[str] = ..., close: _Optional[str] = ..., volume: _Optional[str] = ..., dailyChange: _Optional[str] = ..., dailyChangePerc: _Optional[str] = ...) -> None: ...

class TickersSnapshot(_message.Message):
    __slots__ = ("tickers",)
    TICKERS_FIELD_NUMBER: _ClassVar[int]
    tickers: _containers.RepeatedCompositeFieldContainer[Ticker]
    def __init__(self, tickers: _Optional[_Iterable[_Union[Ticker, _Mapping]]] = ...) -> None: ...

class TickerUpdate(_message.Message):
    __slots__ = ("ticker",)
    TICKER_FIELD_NUMBER: _ClassVar[int]
    ticker: Ticker
    def __init__(self, ticker: _Optional[_Union[Ticker, _Mapping]] = ...) -> None: ...

class SubscribeMarketTradesRequest(_message.Message):
    __slots__ = ("market", "limit")
    MARKET_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    market: str
    limit: int
    def __init__(self, market: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class UnsubscribeMarketTradesRequest(_message.Message):
    __slots__ = ("market",)
    MARKET_FIELD_NUMBER: _ClassVar[int]
    market: str
    def __init__(self, market: _Optional[str] = ...) -> None: ...

class Trade(_message.Message):
    __slots__ = ("id", "price", "amount", "market", "created_at", "maker_order", "taker_order", "taker_side")
    ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    MARKET_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    MAKER_ORDER_FIELD_NUMBER: _ClassVar[int]
    TAKER_ORDER_FIELD_NUMBER: _ClassVar[int]
    TAKER_SIDE_FIELD_NUMBER: _ClassVar[int]
    id: int
    price: str
    amount: str
    market: str
    created_at: _timestamp_pb2.Timestamp
    maker_order: Order
    taker_order: Order
    taker_side: Order.Side
    def __init__(self, id: _Optional[int] = ..., price: _Optional[str] = ..., amount: _Optional[str] = ..., market: _Optional[str] = ..., created_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., maker_order: _Optional[_Union[Order, _Mapping]] = ..., taker_order: _Optional[_Union[Order, _Mapping]] = ..., taker_side: _Optional[_Union[Order.Side, str]] = ...) -> None: ...

class TradesSnapshot(_message.Message):
    __slots__ = ("trades",)
    TRADES_FIELD_NUMBER: _ClassVar[int]
    trades: _containers.RepeatedCompositeFieldContainer[Trade]
    def __init__(self, trades: _Optional[_Iterable[_Union[Trade, _Mapping]]] = ...) -> None: ...

class TradeUpdate(_message.Message):
    __slots__ = ("trade",)
    TRADE_FIELD_NUMBER: _ClassVar[int]
    trade: Trade
    def __init__(self, trade: _Optional[_Union[Trade, _Mapping]] = ...) -> None: ...

class SubscribeMarketCandlesRequest(_message.Message):
    __slots__ = ("market", "period", "limit")
    MARKET_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    market: str
    period: Candle.Period
    limit: int
    def __init__(self, market: _Optional[str] = ..., period: _Optional[_Union[Candle.Period, str]] = ..., limit: _Optional[int] = ...) -> None: ...

class UnsubscribeMarketCandlesRequest(_message.Message):
    __slots__ = ("market", "period")
    MARKET_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    market: str
    period: Candle.Period
    def __init__(self, market: _Optional[str] = ..., period: _Optional[_Union[Candle.Period, str]] = ...) -> None: ...

class Candle(_message.Message):
    __slots__ = ("market", "time", "open", "high", "low", "close", "volume", "period")
    class Period(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MIN1: _ClassVar[Candle.Period]
        MIN5: _ClassVar[Candle.Period]
        MIN15: _ClassVar[Candle.Period]
        MIN30: _ClassVar[Candle.Period]
        HOUR1: _ClassVar[Candle.Period]
        HOUR3: _ClassVar[Candle.Period]
        HOUR4: _ClassVar[Candle.Period]
        HOUR6: _ClassVar[Candle.Period]
        HOUR12: _ClassVar[Candle.Period]
        DAY1: _ClassVar[Candle.Period]
        WEEK1: _ClassVar[Candle.Period]
        MONTH1: _ClassVar[Candle.Period]
    MIN1: Candle.Period
    MIN5: Candle.Period
    MIN15: Candle.Period
    MIN30: Candle.Period
    HOUR1: Candle.Period
    HOUR3: Candle.Period
    HOUR4: Candle.Period
    HOUR6: Candle.Period
    HOUR12: Candle.Period
    DAY1: Candle.Period
    WEEK1: Candle.Period
    MONTH1: Candle.Period
    MARKET_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    market: str
    time: _timestamp_pb2.Timestamp
    open: str
    high: str
    low: str
    close: str
    volume: str
    period: Candle.Period
    def __init__(self, market: _Optional[str] = ..., time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., open: _Optional[str] = ..., high: _Optional[str] = ..., low: _Optional[str] = ..., close: _Optional[str] = ..., volume: _Optional[str] = ..., period: _Optional[_Union[Candle.Period, str]] = ...) -> None: ...

class CandlesSnapshot(_message.Message):
    __slots__ = ("candles",)
    CANDLES_FIELD_NUMBER: _ClassVar[int]
    candles: _containers.RepeatedCompositeFieldContainer[Candle]
    def __init__(self, candles: _Optional[_Iterable[_Union[Candle, _Mapping]]] = ...) -> None: ...

class CandleUpdate(_message.Message):
    __slots__ = ("candle",)
    CANDLE_FIELD_NUMBER: _ClassVar[int]
    candle: Candle
    def __init__(self, candle: _Optional[_Union[Candle, _Mapping]] = ...) -> None: ...

class SubscribeViewerAccountsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UnsubscribeViewerAccountsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Account(_message.Message):
    __slots__ = ("asset", "balance", "locked_balance")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    LOCKED_BALANCE_FIELD_NUMBER: _ClassVar[int]
    asset: str
    balance: str
    locked_balance: str
    def __init__(self, asset: _Optional[str] = ..., balance: _Optional[str] = ..., locked_balance: _Optional[str] = ...) -> None: ...

class AccountsSnapshot(_message.Message):
    __slots__ = ("accounts",)
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedCompositeFieldContainer[Account]
    def __init__(self, accounts: _Optional[_Iterable[_Union[Account, _Mapping]]] = ...) -> None: ...

class AccountUpdate(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: Account
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ...) -> None: ...

class SubscribeViewerOrdersRequest(_message.Message):
    __slots__ = ("market", "business_unit")
    MARKET_FIELD_NUMBER: _ClassVar[int]
    BUSINESS_UNIT_FIELD_NUMBER: _ClassVar[int]
    market: str
    business_unit: BusinessUnit
    def __init__(self, market: _Optional[str] = ..., business_unit: _Optional[_Union[BusinessUnit, str]] = ...) -> None: ...

class UnsubscribeViewerOrdersRequest(_message.Message):
    __slots__ = ("market", "business_unit")
    MARKET_FIELD_NUMBER: _ClassVar[int]
    BUSINESS_UNIT_FIELD_NUMBER: _ClassVar[int]
    market: str
    business_unit: BusinessUnit
    def __init__(self, market: _Optional[str] = ..., business_unit: _Optional[_Union[BusinessUnit, str]] = ...) -> None: ...

class SubscribeAllViewerOrdersRequest(_message.Message):
    __slots__ = ("business_unit",)
    BUSINESS_UNIT_FIELD_NUMBER: _ClassVar[int]
    business_unit: BusinessUnit
    def __init__(self, business_unit: _Optional[_Union[BusinessUnit, str]] = ...) -> None: ...

class UnsubscribeAllViewerOrdersRequest(_message.Message):
    __slots__ = ("business_unit",)
    BUSINESS_UNIT_FIELD_NUMBER: _ClassVar[int]
    business_unit: BusinessUnit
    def __init__(self, business_unit: _Optional[_Union[BusinessUnit, str]] = ...) -> None: ...

class Order(_message.Message):
    __slots__ = ("id", "price", "stop_price", "amount", "market", "side", "state", "filled_amount", "filled_fees", "avg_deal_price", "created_at", "updated_at", "business_unit", "type", "operator", "ioc", "client_order_id")
    class Side(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        BID: _ClassVar[Order.Side]
        ASK: _ClassVar[Order.Side]
    BID: Order.Side
    ASK: Order.Side
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PENDING: _ClassVar[Order.State]
        FILLED: _ClassVar[Order.State]
        CANCELLED: _ClassVar[Order.State]
        FIRED: _ClassVar[Order.State]
        REJECTED: _ClassVar[Order.State]
    PENDING: Order.State
    FILLED: Order.State
    CANCELLED: Order.State
    FIRED: Order.State
    REJECTED: Order.State
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        LIMIT: _ClassVar[Order.Type]
        MARKET: _ClassVar[Order.Type]
        STOP_LIMIT: _ClassVar[Order.Type]
        STOP_MARKET: _ClassVar[Order.Type]
    LIMIT: Order.Type
    MARKET: Order.Type
    STOP_LIMIT: Order.Type
    STOP_MARKET: Order.Type
    class Operator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        LTE: _ClassVar[Order.Operator]
        GTE: _ClassVar[Order.Operator]
    LTE: Order.Operator
    GTE: Order.Operator
    ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    STOP_PRICE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    MARKET_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    FILLED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    FILLED_FEES_FIELD_NUMBER: _ClassVar[int]
    AVG_DEAL_PRICE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    BUSINESS_UNIT_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    IOC_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    price: str
    stop_price: str
    amount: str
    market: str
    side: Order.Side
    state: Order.State
    filled_amount: str
    filled_fees: str
    avg_deal_price: str
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    business_unit: BusinessUnit
    type: Order.Type
    operator: Order.Operator
    ioc: bool
    client_order_id: str
    def __init__(self, id: _Optional[str] = ..., price: _Optional[str] = ..., stop_price: _Optional[str] = ..., amount: _Optional[str] = ..., market: _Optional[str] = ..., side: _Optional[_Union[Order.Side, str]] = ..., state: _Optional[_Union[Order.State, str]] = ..., filled_amount: _Optional[str] = ..., filled_fees: _Optional[str] = ..., avg_deal_price: _Optional[str] = ..., created_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., business_unit: _Optional[_Union[BusinessUnit, str]] = ..., type: _Optional[_Union[Order.Type, str]] = ..., operator: _Optional[_Union[Order.Operator, str]] = ..., ioc: bool = ..., client_order_id: _Optional[str] = ...) -> None: ...

class OrdersSnapshot(_message.Message):
    __slots__ = ("orders",)
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[Order]
    def __init__(self, orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ...) -> None: ...

class OrderUpdate(_message.Message):
    __slots__ = ("order",)
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order: Order
    def __init__(self, order: _Optional[_Union[Order, _Mapping]] = ...) -> None: ...

class CreateOrderRequest(_message.Message):
    __slots__ = ("price", "stop_price", "amount", "market", "side", "hidden", "immediate_or_cancel")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    STOP_PRICE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    MARKET_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    IMMEDIATE_OR_CANCEL_FIELD_NUMBER: _ClassVar[int]
    price: str
    stop_price: str
    amount: str
    market: str
    side: Order.Side
    hidden: bool
    immediate_or_cancel: bool
    def __init__(self, price: _Optional[str] = ..., stop_price: _Optional[str] = ..., amount: _Optional[str] = ..., market: _Optional[str] = ..., side: _Optional[_Union[Order.Side, str]] = ..., hidden: bool = ..., immediate_or_cancel: bool = ...) -> None: ...

class CancelOrderRequest(_message.Message):
    __slots__ = ("order_id",)
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    def __init__(self, order_id: _Optional[str] = ...) -> None: ...

class CancelAllOrdersRequest(_message.Message):
    __slots__ = ("markets",)
    MARKETS_FIELD_NUMBER: _ClassVar[int]
    markets: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, markets: _Optional[_Iterable[str]] = ...) -> None: ...

class ListMarketsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Market(_message.Message):
    __slots__ = ("name", "base_asset", "quote_asset", "base_scale", "quote_scale", "min_quote_value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BASE_ASSET_FIELD_NUMBER: _ClassVar[int]
    QUOTE_ASSET_FIELD_NUMBER: _ClassVar[int]
    BASE_SCALE_FIELD_NUMBER: _ClassVar[int]
    QUOTE_SCALE_FIELD_NUMBER: _ClassVar[int]
    MIN_QUOTE_VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    base_asset: str
    quote_asset: str
    base_scale: int
    quote_scale: int
    min_quote_value: str
    def __init__(self, name: _Optional[str] = ..., base_asset: _Optional[str] = ..., quote_asset: _Optional[str] = ..., base_scale: _Optional[int] = ..., quote_scale: _Optional[int] = ..., min_quote_value: _Optional[str] = ...) -> None: ...

class ListMarketsResponse(_message.Message):
    __slots__ = ("markets",)
    MARKETS_FIELD_NUMBER: _ClassVar[int]
    markets: _containers.RepeatedCompositeFieldContainer[Market]
    def __init__(self, markets: _Optional[_Iterable[_Union[Market, _Mapping]]] = ...) -> None: ...

class SubscribeViewerMarginAccountsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UnsubscribeViewerMarginAccountsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MarginAccount(_message.Message):
    __slots__ = ("asset", "balance", "locked_balance", "loan_balance", "state")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        NORMAL: _ClassVar[MarginAccount.State]
        LIQUIDATION: _ClassVar[MarginAccount.State]
        PIERCING: _ClassVar[MarginAccount.State]
    NORMAL: MarginAccount.State
    LIQUIDATION: MarginAccount.State
    PIERCING: MarginAccount.State
    ASSET_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    LOCKED_BALANCE_FIELD_NUMBER: _ClassVar[int]
    LOAN_BALANCE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    asset: str
    balance: str
    locked_balance: str
    loan_balance: str
    state: MarginAccount.State
    def __init__(self, asset: _Optional[str] = ..., balance: _Optional[str] = ..., locked_balance: _Optional[str] = ..., loan_balance: _Optional[str] = ..., state: _Optional[_Union[MarginAccount.State, str]] = ...) -> None: ...

class MarginMarketAccount(_message.Message):
    __slots__ = ("name", "risk_rate", "liquidation_price", "base", "quota")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RISK_RATE_FIELD_NUMBER: _ClassVar[int]
    LIQUIDATION_PRICE_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    QUOTA_FIELD_NUMBER: _ClassVar[int]
    name: str
    risk_rate: str
    liquidation_price: str
    base: MarginAccount
    quota: MarginAccount
    def __init__(self, name: _Optional[str] = ..., risk_rate: _Optional[str] = ..., liquidation_price: _Optional[str] = ..., base: _Optional[_Union[MarginAccount, _Mapping]] = ..., quota: _Optional[_Union[MarginAccount, _Mapping]] = ...) -> None: ...

class MarginAccountsSnapshot(_message.Message):
    __slots__ = ("accounts",)
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedCompositeFieldContainer[MarginMarketAccount]
    def __init__(self, accounts: _Optional[_Iterable[_Union[MarginMarketAccount, _Mapping]]] = ...) -> None: ...

class MarginAccountUpdate(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: MarginMarketAccount
    def __init__(self, account: _Optional[_Union[MarginMarketAccount, _Mapping]] = ...) -> None: ...

class SubscribeExchangeRatesListRequest(_message.Message):
    __slots__ = ("quote", "bases")
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    BASES_FIELD_NUMBER: _ClassVar[int]
    quote: str
    bases: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, quote: _Optional[str] = ..., bases: _Optional[_Iterable[str]] = ...) -> None: ...

class UnsubscribeExchangeRatesListRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ExchangeRate(_message.Message):
    __slots__ = ("quote_asset", "base_asset", "price", "updated_at")
    QUOTE_ASSET_FIELD_NUMBER: _ClassVar[int]
    BASE_ASSET_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    quote_asset: str
    base_asset: str
    price: str
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, quote_asset: _Optional[str] = ..., base_asset: _Optional[str] = ..., price: _Optional[str] = ..., updated_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ExchangeRatesListSnapshot(_message.Message):
    __slots__ = ("quote_asset", "base_assets", "updated_at")
    QUOTE_ASSET_FIELD_NUMBER: _ClassVar[int]
    BASE_ASSETS_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    quote_asset: str
    base_assets: _containers.RepeatedCompositeFieldContainer[ExchangeRate]
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, quote_asset: _Optional[str] = ..., base_assets: _Optional[_Iterable[_Union[ExchangeRate, _Mapping]]] = ..., updated_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ExchangeRatesListUpdate(_message.Message):
    __slots__ = ("quote_asset", "base_assets", "updated_at")
    QUOTE_ASSET_FIELD_NUMBER: _ClassVar[int]
    BASE_ASSETS_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    quote_asset: str
    base_assets: _containers.RepeatedCompositeFieldContainer[ExchangeRate]
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, quote_asset: _Optional[str] = ..., base_assets: _Optional[_Iterable[_Union[ExchangeRate, _Mapping]]] = ..., updated_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SubscribeFlashExchangeOrdersRequest(_message.Message):
    __slots__ = ("start_order_id", "limit")
    START_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    start_order_id: int
    limit: int
    def __init__(self, start_order_id: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class UnsubscribeFlashExchangeOrdersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FlashExchangeOrder(_message.Message):
    __slots__ = ("id", "exchange_asset_symbol", "pay_asset_symbol", "customer_id", "dealer_cid", "exchange_amount", "estimated_pay_amount", "pay_amount", "status", "created_at", "updated_at", "price")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNSPECIFIED: _ClassVar[FlashExchangeOrder.Status]
        COMPLETED: _ClassVar[FlashExchangeOrder.Status]
    UNSPECIFIED: FlashExchangeOrder.Status
    COMPLETED: FlashExchangeOrder.Status
    ID_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_ASSET_SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PAY_ASSET_SYMBOL_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    DEALER_CID_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_PAY_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    PAY_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    id: int
    exchange_asset_symbol: str
    pay_asset_symbol: str
    customer_id: int
    dealer_cid: int
    exchange_amount: str
    estimated_pay_amount: str
    pay_amount: str
    status: FlashExchangeOrder.Status
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    price: str
    def __init__(self, id: _Optional[int] = ..., exchange_asset_symbol: _Optional[str] = ..., pay_asset_symbol: _Optional[str] = ..., customer_id: _Optional[int] = ..., dealer_cid: _Optional[int] = ..., exchange_amount: _Optional[str] = ..., estimated_pay_amount: _Optional[str] = ..., pay_amount: _Optional[str] = ..., status: _Optional[_Union[FlashExchangeOrder.Status, str]] = ..., created_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., price: _Optional[str] = ...) -> None: ...

class FlashExchangeOrdersSnapshot(_message.Message):
    __slots__ = ("flash_exchange_orders",)
    FLASH_EXCHANGE_ORDERS_FIELD_NUMBER: _ClassVar[int]
    flash_exchange_orders: _containers.RepeatedCompositeFieldContainer[FlashExchangeOrder]
    def __init__(self, flash_exchange_orders: _Optional[_Iterable[_Union[FlashExchangeOrder, _Mapping]]] = ...) -> None: ...

class FlashExchangeOrderUpdate(_message.Message):
    __slots__ = ("flash_exchange_order",)
    FLASH_EXCHANGE_ORDER_FIELD_NUMBER: _ClassVar[int]
    flash_exchange_order: FlashExchangeOrder
    def __init__(self, flash_exchange_order: _Optional[_Union[FlashExchangeOrder, _Mapping]] = ...) -> None: ...

class SubscribeSpotCostPriceRequest(_message.Message):
    __slots__ = ("asset_uuids",)
    ASSET_UUIDS_FIELD_NUMBER: _ClassVar[int]
    asset_uuids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, asset_uuids: _Optional[_Iterable[str]] = ...) -> None: ...

class UnSubscribeSpotCostPriceRequest(_message.Message):
    __slots__ = ("asset_uuids",)
    ASSET_UUIDS_FIELD_NUMBER: _ClassVar[int]
    asset_uuids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, asset_uuids: _Optional[_Iterable[str]] = ...) -> None: ...

class SpotCostPrice(_message.Message):
    __slots__ = ("asset_uuid", "average_cost_price", "average_inflow")
    ASSET_UUID_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_COST_PRICE_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_INFLOW_FIELD_NUMBER: _ClassVar[int]
    asset_uuid: str
    average_cost_price: str
    average_inflow: str
    def __init__(self, asset_uuid: _Optional[str] = ..., average_cost_price: _Optional[str] = ..., average_inflow: _Optional[str] = ...) -> None: ...

class SpotCostPriceSnapshot(_message.Message):
    __slots__ = ("spot_cost_prices",)
    SPOT_COST_PRICES_FIELD_NUMBER: _ClassVar[int]
    spot_cost_prices: _containers.RepeatedCompositeFieldContainer[SpotCostPrice]
    def __init__(self, spot_cost_prices: _Optional[_Iterable[_Union[SpotCostPrice, _Mapping]]] = ...) -> None: ...

class SpotCostPriceUpdate(_message.Message):
    __slots__ = ("spot_cost_price",)
    SPOT_COST_PRICE_FIELD_NUMBER: _ClassVar[int]
    spot_cost_price: SpotCostPrice
    def __init__(self, spot_cost_price: _Optional[_Union[SpotCostPrice, _Mapping]] = ...) -> None: ...

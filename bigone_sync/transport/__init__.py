"""One WebSocket connection kept alive on one thread. It knows nothing of exchanges."""

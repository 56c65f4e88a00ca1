"""Generated from ``proto/bigone_spot.proto``; ``proto/README.md`` says how. Not for editing."""

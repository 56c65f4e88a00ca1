"""Measurements of the client beside its ceilings and beside what a bot would write without it."""

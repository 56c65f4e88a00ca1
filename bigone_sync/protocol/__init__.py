"""Frames to typed events and requests to frames, one class per venue, without I/O, clocks or threads."""

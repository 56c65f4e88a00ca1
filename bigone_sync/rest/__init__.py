"""REST beside the streams: the only place that imports requests."""

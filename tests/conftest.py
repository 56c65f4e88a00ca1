"""Settings of the property tests."""

from hypothesis import HealthCheck, settings

# How fast a machine is says nothing about what is tested on it: neither an example nor the making of examples is timed.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

"""A lamp behind its relay: ``on`` is whether it is lit this moment. It fails as a relay does."""

from devices.outputs.relay_twin import RelayTwin


class LampTwin(RelayTwin):
    """``watch`` looks once a second, so of a blinking lamp it tells what it happens to see."""


TWIN = LampTwin

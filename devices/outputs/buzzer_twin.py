"""A buzzer: ``on`` is whether one hears it this moment. Unplugged it is silent; stuck it stays as it was."""

from devices.outputs.relay_twin import RelayTwin


class BuzzerTwin(RelayTwin):
    """It fails as a relay's load does; ``watch`` looks once a second, and hears what it happens to hear."""


TWIN = BuzzerTwin

"""AIR: stale air. CO2 over the limit for long enough, until it is well below again."""

import attrs
from attrs import validators


@attrs.frozen(kw_only=True)
class Settings:
    """``co2_ppm`` the limit; ``deadband_ppm`` how far below it the alarm ends; ``on_delay_s`` how long it must last."""

    co2_ppm: float = attrs.field(default=1000.0, validator=[validators.ge(500), validators.le(5000)])
    deadband_ppm: float = attrs.field(default=100.0, validator=[validators.ge(0), validators.le(1000)])
    on_delay_s: float = attrs.field(default=60.0, validator=[validators.ge(0), validators.le(3600)])

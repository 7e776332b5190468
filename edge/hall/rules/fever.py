"""FEVER: one person before a thermometer is one screening; at the limit it is told at once."""

import attrs
from attrs import validators


@attrs.frozen(kw_only=True)
class Settings:
    """``limit_c``  flags from this displayed temperature on. ``presence_c``  above it, a face is before the sensor."""

    limit_c: float = attrs.field(default=37.3, validator=[validators.ge(35.0), validators.le(42.0)])
    presence_c: float = attrs.field(default=32.0, validator=[validators.ge(25.0), validators.le(36.0)])

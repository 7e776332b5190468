"""CROWD: the hall is full; people are held at the door until there is room again."""

import attrs
from attrs import validators


@attrs.frozen(kw_only=True)
class Settings:
    """Shares of capacity: ``full`` raises the alarm, below ``warn`` it is over."""

    warn: float = attrs.field(default=0.8, validator=[validators.gt(0), validators.le(2)])
    full: float = attrs.field(default=1.0, validator=[validators.gt(0), validators.le(2)])

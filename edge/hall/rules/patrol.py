"""PATROL: staff walk the hall at least every two hours (domain: business hours)."""

import attrs
from attrs import validators


@attrs.frozen(kw_only=True)
class Settings:
    """``every_h``  hours between two patrols at the most."""

    every_h: float = attrs.field(default=2.0, validator=[validators.gt(0), validators.le(12)])

"""SURGE: more customers arrive than the hall expects."""

import attrs
from attrs import validators


@attrs.frozen(kw_only=True)
class Settings:
    """``arrivals_per_h``  the rate that is abnormal here (None: not judged); ``over_min``  the window it is taken over."""

    arrivals_per_h: float | None = attrs.field(
        default=None, validator=validators.optional([validators.gt(0), validators.le(5000)])
    )
    over_min: float = attrs.field(default=15.0, validator=[validators.ge(1), validators.le(120)])

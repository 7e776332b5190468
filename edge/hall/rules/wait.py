"""WAIT: somebody will wait longer than the hall promises."""

import attrs
from attrs import validators


@attrs.frozen(kw_only=True)
class Settings:
    """``limit_min``  the promise, in minutes."""

    limit_min: float = attrs.field(default=20.0, validator=[validators.gt(0), validators.le(240)])

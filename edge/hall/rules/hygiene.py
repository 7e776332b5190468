"""HYGIENE: each zone is disinfected so many times a day; a round that is due and not done is told."""

import attrs
from attrs import validators


@attrs.frozen(kw_only=True)
class Settings:
    """``rounds_per_day``  of each zone that has a badge reader or a button."""

    rounds_per_day: int = attrs.field(default=2, validator=[validators.ge(1), validators.le(24)])

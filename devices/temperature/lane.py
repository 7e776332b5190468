"""What a screening lane adds to any thermometer: its own correction, and where that comes from."""

import attrs
from attrs import validators


@attrs.frozen(kw_only=True, slots=False)  # slots would clash with those of the bus's settings beside it
class Lane:
    """``offset_c`` is added to what the part measures of an object, never to the ambient temperature;
    ``offset_from`` says who measured it, how and when."""

    offset_c: float = attrs.field(default=0.0, validator=[validators.ge(-5.0), validators.le(8.0)])
    offset_from: str = ""

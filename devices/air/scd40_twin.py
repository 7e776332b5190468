"""SCD40 as its bus sees it: an SCD41 that says it is an SCD40, and refuses single shots as that twin does anyway."""

from typing import Any

from devices.air.scd41_twin import Scd41Twin
from devices.world.twin import Stage


class Scd40Twin(Scd41Twin):
    """``variant`` is its answer to 202F."""

    def __init__(self, settings: Any, stage: Stage) -> None:
        super().__init__(settings, stage)
        self.variant = 0x0440


TWIN = Scd40Twin

"""How old the fresh air is that a CO2 sensor's baseline rests on.

Automatic correction takes the lowest CO2 of some days for outdoor air, 400 ppm. No part here tells when it last did so.
What can be known is when the air was last fresh enough for it: where that is longer ago than the part's period (a day
for an MH-Z19, a week for the others), the next correction takes stale air for fresh, and every reading falls with it.
"""

from devices.reading import Quality, Reading

# 400 ppm outdoors, and what the parts themselves may be off there: 50 ppm and 3 to 5 % (their data sheets).
FRESH_PPM = 500.0
_EVERY_S = 3600.0


class Baseline:
    """Reading: ``baseline_age_s``, once an hour while automatic correction is ``on``.

    Until the air has been fresh once, the age is at least what it says, and is SUSPECT.
    """

    def __init__(self, device: str, on: bool, now: float) -> None:
        self._device = device
        self._on = on
        self._fresh_at = self._told_at = now
        self._quality = Quality.SUSPECT

    def age(self, co2_ppm: float, now: float) -> tuple[Reading, ...]:
        """What there is to tell with that CO2, a believable one."""
        if co2_ppm <= FRESH_PPM:
            self._fresh_at, self._quality = now, Quality.GOOD
        if not self._on or now - self._told_at < _EVERY_S:
            return ()
        self._told_at = now
        return (Reading(self._device, "baseline_age_s", now - self._fresh_at, now, self._quality),)

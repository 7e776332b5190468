"""Mains present or not, told by a contact: a relay on the mains side, or the output of an uninterruptible supply.

Wiring: a relay whose coil hangs on the mains supply (its contact closes with mains), or an optocoupler, between the pin
and GND; the board's pull-up is above it::

    3V3 --[pull-up]--+-- pin        present: low    contact closed, mains is there
                     |              a cut cable reads high: mains lost, which is the safe way to be wrong
                 [contact] -- GND

Boards that say it the other way round are ``present: high``. A weak supply makes such an output chatter (buyapi/ups#4):
a state counts once it has lasted ``hold_s``, and is dated to when it began.
"""

import attrs
from attrs import validators

from devices.part import Part, Wire
from devices.power.held import HeldDriver, HeldSettings, Level


@attrs.frozen(kw_only=True)
class Settings(HeldSettings):
    """``present``: the line's level while there is mains."""

    present: Level = attrs.field(default="low", validator=validators.in_(("low", "high")))

    @property
    def yes(self) -> Level:
        return self.present


class Mains(HeldDriver):
    """Reading: ``mains``, once when opened and then at each change."""

    quantity = "mains"


PART = Part(
    name="mains",
    kind="power",
    says={"zh": "市电检测", "en": "mains present"},
    wires=(Wire.PINS,),
    settings=Settings,
    driver=Mains,
)

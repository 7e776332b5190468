"""A buzzer on one pin: it sounds a pattern for a while, and never longer than it may.

Wiring: an active buzzer (one that sounds on direct voltage) through a transistor or a relay channel. What
:mod:`devices.outputs.relay` says of the pins at boot holds here. It is silent from when the driver opens, and again when
it closes.

    short   0.1 s in every second    ▁█▁▁▁▁▁▁▁▁        a card read, a ticket called
    long    1 s on, 1 s off          ██████▁▁▁▁▁▁       come and look
    alarm   0.25 s on, 0.25 s off    ██▁▁██▁▁██▁▁       now

The pattern runs in the driver's polls; nothing waits for it. Whatever is asked ends after ``longest_s``: a gateway that hangs
up on its rules must not sound all night.
"""

from collections.abc import Iterable
from typing import Any

import attrs
from attrs import validators
from gpiozero import OutputDevice

from devices.outputs.restraint import is_seconds, switch_of
from devices.part import Driver, Mount, Part, PinSettings, Wire
from devices.reading import Reading

# Seconds on, and seconds from one beginning to the next.
PATTERNS = {"short": (0.1, 1.0), "long": (1.0, 2.0), "alarm": (0.25, 0.5)}
_INTERVAL_S = 1.0


@attrs.frozen(kw_only=True)
class Settings(PinSettings):
    """``on`` names the alarm (``PANIC``) that sounds it; ``longest_s`` bounds whatever is asked."""

    on: str | None = attrs.field(default=None, validator=validators.optional(validators.matches_re(r"[A-Z-]+")))
    active_low: bool = False
    longest_s: float = attrs.field(default=60.0, validator=[validators.ge(1.0), validators.le(600.0)])

    def __attrs_post_init__(self) -> None:
        if len(self.pins) != 1:
            raise ValueError(f"'pins' must be one, [pin]: {self.pins}")


class Buzzer(Driver):
    """Does ``sound`` with ``{"pattern": "short", "long" or "alarm", "seconds": n}`` (0 silences), and ``switch`` with
    ``{"on": bool}``: the alarm pattern, or silence. What is asked last counts.

    Reading: ``on``, whether it sounds a pattern: once when opened and then at each change.
    """

    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        self._settings = settings
        self._mount = mount
        self._output: OutputDevice | None = None
        self._pattern = (0.0, 1.0)
        self._began = self._until = 0.0
        self._sounds = False
        self._untold: list[Reading] = []

    def open(self) -> None:
        self.close()
        self._output = OutputDevice(
            self._settings.pins[0],
            active_high=not self._settings.active_low,
            initial_value=False,
            pin_factory=self._mount.pins,
        )
        self._sounds, self._until = False, 0.0
        self._untold = [self._reading(False, self._mount.now())]

    def poll(self) -> Iterable[Reading]:
        self._play()
        readings, self._untold = self._untold, []
        return readings

    def act(self, verb: str, args: dict[str, Any]) -> None:
        match verb:
            case "switch":
                self._begin("alarm", self._settings.longest_s if switch_of(args) else 0.0)
            case "sound":
                self._begin(*self._sound_of(args))
            case _:
                super().act(verb, args)
        self._play()
        self._mount.wake()

    def close(self) -> None:
        if self._output is not None:
            self._output.off()
            self._output.close()
            self._output = None

    def _sound_of(self, args: dict[str, Any]) -> tuple[str, float]:
        pattern, seconds, longest = args.get("pattern"), args.get("seconds"), self._settings.longest_s
        known = isinstance(pattern, str) and pattern in PATTERNS
        if args.keys() != {"pattern", "seconds"} or not known or not is_seconds(seconds, longest):
            raise ValueError(
                f'"sound" takes {{"pattern": "short", "long" or "alarm", "seconds": 0 to {longest:g}}}, not {args}'
            )
        return str(pattern), float(args["seconds"])

    def _begin(self, pattern: str, seconds: float) -> None:
        self._pattern = PATTERNS[pattern]
        self._began = self._mount.now()
        self._until = self._began + seconds

    def _play(self) -> None:
        """Have the buzzer as the pattern is by now, and be called when that changes."""
        assert self._output is not None
        now = self._mount.now()
        sounds = now < self._until
        if sounds != self._sounds:
            self._sounds = sounds
            self._untold.append(self._reading(sounds, now))
        on_s, period_s = self._pattern
        into = (now - self._began) % period_s
        self._output.value = sounds and into < on_s
        change_s = min((on_s if into < on_s else period_s) - into, self._until - now)
        self.interval_s = min(_INTERVAL_S, max(0.001, change_s)) if sounds else _INTERVAL_S

    def _reading(self, sounds: bool, at: float) -> Reading:
        return Reading(self._settings.id, "on", sounds, at)


PART = Part(
    name="buzzer",
    kind="output",
    says={"zh": "蜂鸣器", "en": "buzzer"},
    wires=(Wire.PINS,),
    settings=Settings,
    driver=Buzzer,
)

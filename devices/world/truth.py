"""What was really so, for tests to compare with what the gateway believes."""

from collections import Counter
from collections.abc import Callable
from datetime import date

import attrs


@attrs.define
class Truth:
    """One day. Only visitors are counted; staff use another door.

    ``inside``         now; ``most_inside`` so far today. ``entered`` and ``left`` count whole passages.
    ``flagged``        fevers that were turned away; ``turned_back`` those who changed their mind in the doorway.
    ``wanted``         tickets asked for; ``called`` to a counter, of them ``served``, and ``absent`` when called.
    ``waiting``        for their call, now.
    ``disinfected``    rounds done, by zone.
    ``emergencies``    by the alarm they raise.
    ``co2_ppm``        at this moment.
    """

    day: date
    _co2_ppm: Callable[[], float] = attrs.field(eq=False, repr=False)
    inside: int = 0
    most_inside: int = 0
    entered: int = 0
    left: int = 0
    flagged: int = 0
    turned_back: int = 0
    wanted: int = 0
    called: int = 0
    served: int = 0
    absent: int = 0
    waiting: int = 0
    disinfected: Counter[str] = attrs.field(factory=Counter)
    emergencies: Counter[str] = attrs.field(factory=Counter)

    @property
    def co2_ppm(self) -> float:
        return self._co2_ppm()

    def came_in(self) -> None:
        self.entered += 1
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)

    def went_out(self) -> None:
        self.left += 1
        self.inside = max(0, self.inside - 1)

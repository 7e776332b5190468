"""PAPER: the ticket printer's roll is near its end, or over."""

from collections.abc import Iterable

from devices.reading import Reading
from edge.hall.flow import Condition, Effect, Moment, Rule

_TEXTS = {
    "near-end": {"zh": "号票纸即将用尽：请准备纸卷", "en": "ticket paper is near its end: have a roll ready"},
    "out": {
        "zh": "号票纸已用尽：请换纸，期间手写号票",
        "en": "ticket paper is out: change it, write tickets by hand",
    },
    "ok": {"zh": "号票纸已补充", "en": "ticket paper is loaded"},
}


class Paper(Rule):
    """One condition per printer, true from near the end on."""

    name = "paper"
    quantities = ("paper",)

    def take(self, reading: Reading, moment: Moment) -> Iterable[Effect]:
        state = str(reading.value)
        text = _TEXTS[state]
        yield Condition(
            "PAPER",
            reading.device,
            state != "ok",
            {"zh": text["zh"], "en": text["en"]},
            value=state,
            again=False,
        )

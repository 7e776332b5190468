"""What all queue machines of other makers have in common here: the words of a ``ticket`` reading.

``step number service counter``, with - for what is not known: ``called A012 A 3``. A machine's own fields are
never passed on as they are, because names, telephone and identity numbers stand in some: a number is at most 12
letters, digits and -, a service is one that the hall file names, a counter is 1 to 99.
"""

import re
from collections.abc import Mapping
from typing import Any

import attrs

STEPS = ("issued", "called", "served")
UNKNOWN = "-"
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,11}")
# 3, 03, 3号窗口, Counter 3
_COUNTER = re.compile(r"[^0-9]{0,16}0{0,3}([1-9][0-9]?)[^0-9]{0,16}")


@attrs.frozen(kw_only=True)
class Service:
    """What the customer reads."""

    zh: str
    en: str


def are_services(instance: object, attribute: object, services: dict[str, Service]) -> None:
    if not services:
        raise ValueError("needs at least one service")
    for letter in services:
        if not re.fullmatch("[A-Z]", letter):
            raise ValueError(f"a service goes by one capital letter: {letter!r}")


def are_steps(instance: object, attribute: object, steps: Mapping[Any, str]) -> None:
    if not steps:
        raise ValueError(f"must name at least one of the machine's words for {', '.join(STEPS)}")
    for word, step in steps.items():
        if step not in STEPS:
            raise ValueError(f"{word!r} must be one of {', '.join(STEPS)}: {step!r}")


@attrs.frozen(kw_only=True, slots=False)  # a second base beside that of the wire
class Ticketing:
    """``services``  of the hall, by the letters that their numbers begin with. The machine may say the letter, or either name."""

    services: dict[str, Service] = attrs.field(validator=are_services)


def said(settings: Ticketing, step: str, number: str, service: str = "", counter: str = "") -> str | None:
    """The value of a ``ticket`` reading from the machine's own words; None if they name neither ticket nor counter."""
    ticket = number.strip() if _NUMBER.fullmatch(number.strip()) else UNKNOWN
    at = _COUNTER.fullmatch(counter.strip())
    if ticket == UNKNOWN and at is None:
        return None
    letter = _letter(settings.services, service.strip()) or _letter(settings.services, ticket[0].upper())
    return f"{step} {ticket} {letter or UNKNOWN} {at[1] if at else UNKNOWN}"


def _letter(services: dict[str, Service], word: str) -> str | None:
    if word in services:
        return word
    return next((letter for letter, service in services.items() if word and word in (service.zh, service.en)), None)

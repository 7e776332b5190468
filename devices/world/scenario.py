"""What kind of days a simulated hall has: who comes and how many, how it is aired, what goes wrong.

A file of one's own is YAML with the fields of :class:`Scenario`, beginning from a built-in one if it likes::

    like: quiet
    arrivals_per_hour: [[0.0, 10], [0.3, 50], [1.0, 5]]    # share of the open day, visitors an hour
    fever_share: 0.05
    troubles:
      - {kind: air, trouble: unplugged, after_s: 600, lasting_s: 120}
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import attrs
import yaml

from devices.world.plan import (
    A_DAY_S,
    KINDS,
    PlannedEmergency,
    PlannedTrouble,
    Profile,
    number,
    optional,
    profile,
    truth,
    whole,
    words,
)
from devices.world.twin import Trouble


class ScenarioError(ValueError):
    """A scenario that cannot be played; ``problems`` lists everything that is wrong with it."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        super().__init__(f"scenario {name}: " + "; ".join(problems))
        self.problems = list(problems)


@attrs.frozen(kw_only=True)
class Scenario:
    """
    ``arrivals_per_hour``   visitors, over the open day; ``for_counters``: meant for a hall of so many counters, and
                            in proportion for another (null: as written, whatever the hall).
    ``waiting_at_opening``  in front of the door.
    ``fever_share``, ``turn_back_share``, ``self_service_share``  of the visitors: flagged by the thermometer; turn
                            round in the doorway; never go to a counter.
    ``patience_min``        median of how long they wait before they give up.
    ``counters_open``       share of the hall's counters that have a clerk.
    ``air_changes_per_hour``  of outdoor air, over the open day, without the fan; ``aired_at_night`` false: the hall
                            is shut up over night, and stale in the morning.
    ``rounds``              disinfection rounds a day, evenly spread; ``rounds_late_min``: how late each begins.
    ``tickets_left``        on the printer's roll at opening; null: enough. A new one is put in ``new_roll_after_s``
                            after it ran out.
    ``troubles``, ``emergencies``  what goes wrong, on every open day.
    """

    name: str = attrs.field(default="own", validator=words(r"[\w-]{1,40}", "a short word"))
    arrivals_per_hour: Profile = attrs.field(default=Profile.of(15), converter=profile)
    for_counters: int | None = attrs.field(default=None, validator=optional(whole(1, 100)))
    waiting_at_opening: int = attrs.field(default=0, validator=whole(0, 500))
    fever_share: float = attrs.field(default=0.0, validator=number(0, 1))
    turn_back_share: float = attrs.field(default=0.02, validator=number(0, 1))
    self_service_share: float = attrs.field(default=0.15, validator=number(0, 1))
    patience_min: float = attrs.field(default=45.0, validator=number(1, 600))
    counters_open: float = attrs.field(default=0.75, validator=number(0.01, 1))
    air_changes_per_hour: Profile = attrs.field(default=Profile.of(3.0), converter=profile)
    aired_at_night: bool = attrs.field(default=True, validator=truth)
    rounds: int = attrs.field(default=2, validator=whole(0, 48))
    rounds_late_min: float = attrs.field(default=0.0, validator=number(0, 600))
    tickets_left: int | None = attrs.field(default=None, validator=optional(whole(0, 10_000)))
    new_roll_after_s: float = attrs.field(default=300.0, validator=number(0, A_DAY_S))
    troubles: tuple[PlannedTrouble, ...] = attrs.field(default=(), metadata={"each": PlannedTrouble})
    emergencies: tuple[PlannedEmergency, ...] = attrs.field(default=(), metadata={"each": PlannedEmergency})


def _troubles_in_turn() -> tuple[PlannedTrouble, ...]:
    """Each trouble on each class of device, one at a time: four minutes bad, two minutes good."""
    pairs = [(trouble, kind) for trouble in Trouble for kind in KINDS]
    return tuple(
        PlannedTrouble(
            kind=kind,
            trouble=trouble.value,
            after_s=120.0 + 360.0 * place,
            lasting_s=240.0,
            repeating_s=360.0 * len(pairs),
        )
        for place, (trouble, kind) in enumerate(pairs)
    )


BUILT_IN: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            name="quiet",
            arrivals_per_hour=Profile.of([[0.0, 8], [0.2, 18], [0.5, 10], [0.65, 18], [0.9, 8], [1.0, 0]]),
            for_counters=8,
            waiting_at_opening=2,
        ),
        Scenario(
            name="rush",
            arrivals_per_hour=Profile.of(
                [[0.0, 70], [0.1, 110], [0.3, 110], [0.45, 40], [0.6, 110], [0.75, 70], [1.0, 5]]
            ),
            for_counters=8,
            waiting_at_opening=12,
            counters_open=1.0,
            air_changes_per_hour=Profile.of(4.0),
        ),
        Scenario(
            name="fever",
            arrivals_per_hour=Profile.of([[0.0, 30], [0.2, 45], [0.5, 30], [0.65, 45], [1.0, 10]]),
            for_counters=8,
            waiting_at_opening=4,
            fever_share=0.12,
        ),
        Scenario(
            name="bad-air",
            arrivals_per_hour=Profile.of([[0.0, 35], [0.7, 35], [1.0, 5]]),
            for_counters=8,
            waiting_at_opening=16,
            air_changes_per_hour=Profile.of(0.2),
            aired_at_night=False,
        ),
        Scenario(
            name="faults",
            arrivals_per_hour=Profile.of([[0.0, 20], [0.2, 35], [0.5, 20], [0.65, 35], [1.0, 5]]),
            for_counters=8,
            waiting_at_opening=3,
            fever_share=0.01,
            rounds=8,
            troubles=_troubles_in_turn(),
        ),
        Scenario(
            name="demo",
            arrivals_per_hour=Profile.of(
                [[0.0, 35], [0.08, 75], [0.2, 75], [0.28, 25], [0.5, 25], [0.58, 70], [0.7, 70], [0.8, 20], [1.0, 0]]
            ),
            for_counters=8,
            waiting_at_opening=6,
            fever_share=0.03,
            turn_back_share=0.04,
            counters_open=0.75,
            air_changes_per_hour=Profile.of(
                [[0.0, 2.5], [0.15, 1.0], [0.4, 2.5], [0.55, 3.0], [0.7, 1.0], [0.85, 3.0]]
            ),
            rounds_late_min=20.0,
            tickets_left=30,
            new_roll_after_s=120.0,
            troubles=(
                PlannedTrouble(
                    kind="disinfection", trouble="unplugged", after_s=600.0, lasting_s=180.0, repeating_s=5400.0
                ),
                PlannedTrouble(kind="air", trouble="busy", after_s=2400.0, lasting_s=120.0, repeating_s=7200.0),
                PlannedTrouble(kind="thermometer", trouble="unplugged", after_s=4500.0, lasting_s=90.0),
            ),
            emergencies=(PlannedEmergency(raises="PANIC", after_s=3600.0, repeating_s=10800.0),),
        ),
    )
}


def load_scenario(name_or_path: str | Path) -> Scenario:
    """A built-in scenario by its name, or the one in that YAML file. Raises ScenarioError."""
    name = str(name_or_path)
    if name in BUILT_IN:
        return BUILT_IN[name]
    try:
        text = Path(name).read_text("utf-8")
    except FileNotFoundError:
        raise ScenarioError(name, [f"no such file; built in are {', '.join(BUILT_IN)}"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(name, [str(error)]) from error
    return read_scenario(text, Path(name).stem)


def read_scenario(text: str, name: str) -> Scenario:
    """The scenario that YAML describes. Raises ScenarioError."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ScenarioError(name, [" ".join(str(error).split())]) from error
    if not isinstance(raw, dict):
        raise ScenarioError(name, ["must be a mapping of a scenario's fields"])
    like = raw.pop("like", "quiet")
    if not isinstance(like, str) or like not in BUILT_IN:
        raise ScenarioError(name, [f"like must be one of {', '.join(BUILT_IN)}, not {like!r}"])
    raw.setdefault("name", re.sub(r"[^\w-]", "-", name)[:40] or "own")
    problems: list[str] = []
    fields = _fields(Scenario, raw, "", problems)
    if problems:
        raise ScenarioError(name, problems)
    if "arrivals_per_hour" in fields:
        fields.setdefault("for_counters", None)
    return attrs.evolve(BUILT_IN[like], **fields)


def _fields(cls: type, raw: Mapping[Any, Any], where: str, problems: list[str]) -> dict[str, Any]:
    """The values of that class's fields, each checked by itself, so that every problem is found."""
    known = attrs.fields_dict(cls)
    for key in raw:
        if key not in known:
            meant = get_close_matches(str(key), known, n=1)
            problems.append(f"{where}{key}: no such field" + (f"; did you mean {meant[0]}?" if meant else ""))
    fields = {key: value for key, value in raw.items() if key in known}
    for key, value in fields.items():
        attribute = known[key]
        try:
            if attribute.metadata.get("each"):
                fields[key] = tuple(_each(attribute.metadata["each"], key, value, problems))
            elif attribute.type is Profile:
                fields[key] = profile(value)
            elif attribute.validator is not None:
                attribute.validator(None, attribute, value)
        except ValueError as error:
            problems.append(f"{where}{error}" if str(error).startswith(key) else f"{where}{key} {error}")
    return fields


def _each(cls: type, key: str, value: Any, problems: list[str]) -> Iterator[Any]:
    if not isinstance(value, list):
        raise ValueError(f"must be a list, not {value!r}")
    for place, entry in enumerate(value, start=1):
        where = f"{key} {place}: "
        if not isinstance(entry, dict):
            problems.append(f"{where}must be a mapping, not {entry!r}")
            continue
        found = len(problems)
        fields = _fields(cls, entry, where, problems)
        missing = [
            name
            for name, field in attrs.fields_dict(cls).items()
            if field.default is attrs.NOTHING and name not in entry
        ]
        problems += [f"{where}{name} is missing" for name in missing]
        if len(problems) == found:
            yield cls(**fields)

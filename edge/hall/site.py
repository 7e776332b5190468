"""The hall itself: its type and what that asks for, its zones, its opening hours, how many people it holds.

The five types and their zones are the insurer's counter-operation rules, as tables.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Self
from zoneinfo import ZoneInfo

import attrs
from attrs import validators

from devices.faults import Words

# At least this share of the floor is open to people; the rest is walls, counters and cupboards.
USABLE_SHARE = 0.75


class Unfit(ValueError):
    """A value no hall can have: what is ``wrong`` and what would be ``right``; ``key`` names the entry within it."""

    def __init__(self, wrong: Words, right: Words, key: str | None = None) -> None:
        super().__init__(f"{wrong['en']}; {right['en']}")
        self.wrong = wrong
        self.right = right
        self.key = key


_MOST_SHOWN = 40


def shown(text: str) -> str:
    """Somebody's own text within a sentence: in backquotes, short, and with nothing that a terminal obeys."""
    text = "".join(c if c.isprintable() else "\\n" if c == "\n" else "?" for c in text)
    return f"`{text[:_MOST_SHOWN]}…`" if len(text) > _MOST_SHOWN else f"`{text}`"


# --- types and zones ---------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class HallType:
    """What a hall of this type must be; areas in m2, None where the rules ask for none."""

    name: str
    says: Words
    counters: int  # at most
    floor_area_m2: float | None = None  # at least, and so all that follow
    waiting_m2: float | None = None
    reception_m2: float | None = None
    forms_m2: float | None = None
    self_service_m2: float | None = None
    clerk_m2: float | None = None  # of the counter area, for each clerk
    raters: bool = True

    def least_m2(self, zone: str) -> float | None:
        """The smallest area of that zone here."""
        return {
            "waiting": self.waiting_m2,
            "reception": self.reception_m2,
            "forms": self.forms_m2,
            "self-service": self.self_service_m2,
        }.get(zone)


HALL_TYPES: dict[str, HallType] = {
    kind.name: kind
    for kind in (
        HallType(
            name="flagship",
            says={"zh": "旗舰店", "en": "flagship store"},
            floor_area_m2=400,
            counters=25,
            waiting_m2=150,
            reception_m2=20,
            forms_m2=10,
            self_service_m2=20,
            clerk_m2=8,
        ),
        HallType(
            name="large",
            says={"zh": "标准店（大型）", "en": "standard, large"},
            floor_area_m2=300,
            counters=15,
            waiting_m2=100,
            reception_m2=15,
            forms_m2=5,
            self_service_m2=15,
            clerk_m2=5,
        ),
        HallType(
            name="medium",
            says={"zh": "标准店（中型）", "en": "standard, medium"},
            floor_area_m2=150,
            counters=12,
            waiting_m2=60,
            reception_m2=12,
            clerk_m2=4,
        ),
        HallType(
            name="small",
            says={"zh": "标准店（小型）", "en": "standard, small"},
            floor_area_m2=50,
            counters=10,
            waiting_m2=20,
            clerk_m2=4,
        ),
        HallType(name="inner", says={"zh": "内柜面", "en": "inner counter"}, counters=6, raters=False),
    )
}


class Stands(StrEnum):
    """Whether a zone is found in a hall of some type."""

    ALWAYS = "Y"
    NEVER = "N"
    OPTIONAL = "S"


@attrs.frozen
class Zone:
    """A part of the hall with a use of its own; ``stands`` by hall type."""

    name: str
    says: Words
    stands: Mapping[str, Stands]


def _zone(name: str, zh: str, en: str, stands: str) -> Zone:
    return Zone(name, {"zh": zh, "en": en}, dict(zip(HALL_TYPES, map(Stands, stands), strict=True)))


ZONES: dict[str, Zone] = {
    zone.name: zone
    for zone in (  # flagship, large, medium, small, inner
        _zone("counter", "业务受理区", "counters", "YYYYY"),
        _zone("waiting", "客户休息等候区", "waiting area", "YYYYY"),
        _zone("forms", "资料填写区", "form-filling area", "YYYYY"),
        _zone("cashier", "收银区", "cashier", "YYYYN"),
        _zone("reception", "接待区（咨询引导区）", "reception", "YYYSN"),
        _zone("meeting-room", "客户洽谈室", "meeting room", "YYYSS"),
        _zone("manager-office", "主管办公室", "manager's office", "YYYSN"),
        _zone("self-service", "自助服务区", "self-service area", "YYSSS"),
        _zone("back-office", "后台办公区", "back office", "YYSSN"),
        _zone("changing-room", "员工更衣室", "staff changing room", "YYSNN"),
        _zone("display", "展示区", "display area", "YYSNN"),
        _zone("vip", "VIP 客户室", "VIP room", "YSSNN"),
        _zone("conference", "会议室", "conference room", "YSSSS"),
        _zone("staff-rest", "员工休息区", "staff rest area", "YSSNN"),
        _zone("wealth", "理财服务区", "wealth management area", "YSNNN"),
        _zone("other", "其他区域", "other area", "SSSSS"),
    )
}


def zones_of(hall_type: str, stands: Stands) -> Iterator[Zone]:
    """The zones that always, never or optionally stand in a hall of that type."""
    return (zone for zone in ZONES.values() if zone.stands[hall_type] is stands)


# --- opening hours -----------------------------------------------------------------------------------------------

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_SPAN = re.compile(r"([0-9]{1,2}):([0-9]{2})\s*[-–—~～至]\s*([0-9]{1,2}):([0-9]{2})")
_HOURS_LIKE: Words = {
    "zh": "写成 09:00-17:00，最晚到 24:00",
    "en": "write it like 09:00-17:00, until 24:00 at the latest",
}
_DAYS_LIKE: Words = {
    "zh": '写 mon tue wed thu fri sat sun、范围 mon-fri 或列表 "mon,wed"（加引号）',
    "en": 'write mon tue wed thu fri sat sun, a range mon-fri, or a list "mon,wed" in quotes',
}


@attrs.frozen
class Hours:
    """Business hours of a week, Monday first: (opens, closes) in minutes from midnight, None for a closed day."""

    week: tuple[tuple[int, int] | None, ...]

    @classmethod
    def parse(cls, entries: Mapping[str, object]) -> Self:
        """From the hall file's ``{mon-fri: 09:00-17:00, sat: 09:00-12:00}``; a day not named is closed.

        Raises an ExceptionGroup with an :class:`Unfit` for each entry that is wrong.
        """
        week: dict[str, tuple[int, int]] = {}
        named: dict[str, str] = {}
        faults: list[Unfit] = []
        for key, text in entries.items():
            try:
                days = _days(key)
                twice = [day for day in days if day in named]
                named |= {day: key for day in days if day not in named}
                span = _span(text)
                if twice:
                    raise Unfit(
                        {"zh": f"{', '.join(twice)} 在 {named[twice[0]]} 中已写过", "en": _has_hours(twice, named)},
                        {"zh": "每天只写一次", "en": "name each day once"},
                    )
                week |= dict.fromkeys(days, span)
            except Unfit as fault:
                fault.key = key
                faults.append(fault)
        if not entries:
            faults.append(
                Unfit(
                    {"zh": "没有任何营业日", "en": "no day is open"},
                    {
                        "zh": "至少写一天，例如 {mon-fri: 09:00-17:00}",
                        "en": "name one at least: {mon-fri: 09:00-17:00}",
                    },
                )
            )
        if faults:
            raise ExceptionGroup("opening hours", faults)
        return cls(tuple(week.get(day) for day in DAYS))

    def opening(self, day: date, tz: tzinfo) -> tuple[datetime, datetime] | None:
        """When the hall opens and closes on that day, in its own time zone; None: it stays closed."""
        span = self.week[day.weekday()]
        if span is None:
            return None
        opens, closes = (_at(day, minutes, tz) for minutes in span)
        return opens, closes

    def __str__(self) -> str:
        """As the hall file would say it: ``mon-fri 09:00-17:00, sat 09:00-12:00``."""
        runs: list[tuple[str, str, tuple[int, int] | None]] = []
        for day, span in zip(DAYS, self.week, strict=True):
            first = runs.pop()[0] if runs and runs[-1][2] == span else day
            runs.append((first, day, span))
        return ", ".join(
            f"{first if first == last else f'{first}-{last}'} {_clock(span[0])}-{_clock(span[1])}"
            for first, last, span in runs
            if span is not None
        )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _at(day: date, minutes: int, tz: tzinfo) -> datetime:
    # By the clock on the wall, not by minutes elapsed: on the day the clocks change, 09:00 is still 09:00.
    days, minutes = divmod(minutes, 24 * 60)
    return datetime.combine(day + timedelta(days=days), time(minutes // 60, minutes % 60), tz)


def _has_hours(days: list[str], named: Mapping[str, str]) -> str:
    return f"{', '.join(days)} {'has' if len(days) == 1 else 'have'} hours already, from {named[days[0]]}"


def _days(key: str) -> list[str]:
    days: list[str] = []
    for item in key.lower().split(","):
        first, dash, last = (word.strip() for word in item.partition("-"))
        try:
            start = DAYS.index(first)
            end = DAYS.index(last) if dash else start
        except ValueError:
            raise Unfit(
                {"zh": f"不认识的日子 {shown(key)}", "en": f"{shown(key)} is no day of the week"}, _DAYS_LIKE
            ) from None
        # fri-mon goes over the weekend.
        days += [DAYS[(start + step) % 7] for step in range((end - start) % 7 + 1)]
    if len(set(days)) != len(days):
        raise Unfit({"zh": f"{shown(key)} 中有重复的日子", "en": f"{shown(key)} names a day twice"}, _DAYS_LIKE)
    return days


def _span(text: object) -> tuple[int, int]:
    if text is None:  # as {mon,wed: 09:00-17:00} without quotes leaves mon
        raise Unfit(
            {"zh": "没有写营业时间", "en": "no hours stand here"},
            {
                "zh": '写成 mon: 09:00-17:00；多天用 "mon,wed"，加引号',
                "en": 'write mon: 09:00-17:00, several days as "mon,wed" in quotes',
            },
        )
    match = _SPAN.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        it = shown(str(text)) if isinstance(text, str | int | float) else "…"
        raise Unfit({"zh": f"{it} 不是营业时间", "en": f"{it} is no span of hours"}, _HOURS_LIKE)
    h1, m1, h2, m2 = map(int, match.groups())
    if m1 > 59 or m2 > 59 or h1 * 60 + m1 >= 24 * 60 or h2 * 60 + m2 > 24 * 60:
        raise Unfit({"zh": f"{match[0]} 不是钟点", "en": f"{match[0]} is no time of day"}, _HOURS_LIKE)
    opens, closes = h1 * 60 + m1, h2 * 60 + m2
    if closes <= opens:
        raise Unfit(
            {"zh": f"{match[0]} 的结束早于开始", "en": f"{match[0]} ends before it begins"},
            {"zh": "先写开始再写结束，同一天之内", "en": "the beginning first, the end later on the same day"},
        )
    return opens, closes


# --- the hall ----------------------------------------------------------------------------------------------------

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_FLOAT_DUST = 1e-9  # 0.75 * 57.6 / 4.8 is 9, and not the 8.99… that binary fractions make of it


def named_well(word: str, what: Words) -> None:
    """A name that can stand in a topic, such as a branch's or a device's. Raises Unfit."""
    if not NAME.fullmatch(word):
        such_as = re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")[:32].strip("-") or "door-main"
        raise Unfit(
            {"zh": f"{shown(word)} 不能作{what['zh']}", "en": f"{shown(word)} cannot be {what['en']}"},
            {
                "zh": f"1–32 个小写字母、数字或 -，首位不为 -，例如 {such_as}",
                "en": f"1 to 32 of a-z, 0-9 and -, not beginning with -, such as {such_as}",
            },
        )


def one_of(word: str, known: Iterable[str], what: Words) -> None:
    """A word of a list. Raises Unfit with the nearest of them and the list."""
    words = {name.lower(): name for name in known}
    if word not in words.values():
        near = [words[match] for match in get_close_matches(word.lower(), words, n=1)]
        listed = ", ".join(words.values())
        raise Unfit(
            {"zh": f"没有 {shown(word)} 这种{what['zh']}", "en": f"there is no {what['en']} {shown(word)}"},
            {
                "zh": f"是否为 {near[0]}？可用：{listed}" if near else f"可用：{listed}",
                "en": f"perhaps {near[0]}? there are {listed}" if near else f"there are {listed}",
            },
        )


def capacity(floor_area_m2: float, area_per_person_m2: float) -> int:
    """How many people a floor holds at once: 180 m2 at 4 m2 each hold 33."""
    return math.floor(floor_area_m2 * USABLE_SHARE / area_per_person_m2 + _FLOAT_DUST)


Check = Callable[[Any, Any, Any], None]


def _in_type(check: Callable[["Site", HallType, Any], None]) -> Check:
    """A check against the hall's type; none where the type itself is wrong, which is told once, there."""

    def run(site: "Site", _: Any, value: Any) -> None:
        kind = HALL_TYPES.get(site.type)
        if kind is not None and value is not None:
            check(site, kind, value)

    return run


def _floor_for_type(site: "Site", kind: HallType, value: float) -> None:
    least = kind.floor_area_m2
    if least is not None and value < least:
        fits = [k for k in HALL_TYPES.values() if k.floor_area_m2 is not None and k.floor_area_m2 <= value]
        raise Unfit(
            {
                "zh": f"{value:g} m² 小于{kind.says['zh']}的下限",
                "en": f"{value:g} m2 is less than type {kind.name} must have",
            },
            {
                "zh": f"至少 {least:g} m²" + (f"，或 type: {fits[0].name}" if fits else "，或 type: inner"),
                "en": f"{least:g} m2 at least, or type: {fits[0].name if fits else 'inner'}",
            },
        )


def _counters_for_type(site: "Site", kind: HallType, value: int) -> None:
    if value > kind.counters:
        raise Unfit(
            {
                "zh": f"{value} 个窗口多于{kind.says['zh']}的上限",
                "en": f"{value} counters are more than type {kind.name} may have",
            },
            {"zh": f"至多 {kind.counters} 个", "en": f"{kind.counters} at most"},
        )


def _holds_somebody(site: "Site", _: Any, value: float) -> None:
    if site.derived_capacity < 1:
        raise Unfit(
            {"zh": f"{site.formula()}：容纳不下一个人", "en": f"{site.formula()}: not one person fits in"},
            {"zh": "请核对两个面积", "en": "check both areas"},
        )


def _within_derived(site: "Site", _: Any, value: int | None) -> None:
    if value is not None and value > site.derived_capacity:
        raise Unfit(
            {"zh": f"{value} 人多于面积所能容纳", "en": f"{value} people are more than the floor holds"},
            {
                "zh": f"至多 {site.derived_capacity} 人：{site.formula()}",
                "en": f"{site.derived_capacity} at most: {site.formula()}",
            },
        )


def _branch(site: "Site", _: Any, value: str) -> None:
    named_well(value, {"zh": "网点编号", "en": "a branch"})


def _type(site: "Site", _: Any, value: str) -> None:
    one_of(value, HALL_TYPES, {"zh": "厅类型", "en": "hall type"})


@attrs.frozen(kw_only=True)
class Site:
    """The hall file's ``hall`` section.

    ``branch``    its name on MQTT.      ``name``      what people call it.
    ``type``      a key of HALL_TYPES.   ``counters``  how many there are.
    ``capacity``  people at once, if fewer than the floor holds.
    """

    branch: str = attrs.field(validator=_branch)
    name: Words
    type: str = attrs.field(validator=_type)
    area_per_person_m2: float = attrs.field(default=4.0, validator=[validators.ge(0.5), validators.le(100)])
    floor_area_m2: float = attrs.field(
        validator=[validators.gt(0), validators.le(100_000), _in_type(_floor_for_type), _holds_somebody]
    )
    timezone: ZoneInfo
    hours: Hours
    counters: int = attrs.field(validator=[validators.ge(1), _in_type(_counters_for_type)])
    capacity_told: int | None = attrs.field(
        default=None, alias="capacity", validator=[validators.optional(validators.ge(1)), _within_derived]
    )

    @property
    def kind(self) -> HallType:
        """What the rules ask of a hall of this type."""
        return HALL_TYPES[self.type]

    @property
    def derived_capacity(self) -> int:
        """People at once by the floor alone."""
        return capacity(self.floor_area_m2, self.area_per_person_m2)

    @property
    def capacity(self) -> int:
        """People at once: what the hall file tells, else what the floor holds."""
        return self.derived_capacity if self.capacity_told is None else self.capacity_told

    def formula(self) -> str:
        """How the capacity comes about: ``180 m² × 0.75 ÷ 4 m² = 33``."""
        area, person = self.floor_area_m2, self.area_per_person_m2
        return f"{area:g} m² × {USABLE_SHARE:g} ÷ {person:g} m² = {self.derived_capacity}"

    @property
    def raters(self) -> int:
        """Satisfaction raters: one at each counter, none in an inner hall."""
        return self.counters if self.kind.raters else 0

    @property
    def id_readers(self) -> int:
        """ID-card readers: one for two counters, rounded up."""
        return math.ceil(self.counters / 2)

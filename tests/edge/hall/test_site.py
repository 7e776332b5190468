"""The hall's types, zones, opening hours and capacity, as the insurer's rules have them."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.hall.site import DAYS, HALL_TYPES, ZONES, Hours, Site, Stands, Unfit, capacity, zones_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 3, 2)


def site(**changes: Any) -> Site:
    medium: dict[str, Any] = {
        "branch": "jingan-0042",
        "name": {"zh": "静安营业厅", "en": "Jing'an hall"},
        "type": "medium",
        "floor_area_m2": 180.0,
        "timezone": SHANGHAI,
        "hours": Hours.parse({"mon-fri": "09:00-17:00"}),
        "counters": 8,
    }
    return Site(**medium | changes)


# --- types and zones ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("flagship", (400, 25, 150, 20, 10, 20, 8)),
        ("large", (300, 15, 100, 15, 5, 15, 5)),
        ("medium", (150, 12, 60, 12, None, None, 4)),
        ("small", (50, 10, 20, None, None, None, 4)),
        ("inner", (None, 6, None, None, None, None, None)),
    ],
)
def test_each_type_asks_for_what_the_rules_ask(name: str, row: tuple[float | None, ...]) -> None:
    kind = HALL_TYPES[name]
    zones = tuple(kind.least_m2(zone) for zone in ("waiting", "reception", "forms", "self-service"))
    assert (kind.floor_area_m2, kind.counters, *zones, kind.clerk_m2) == row


@pytest.mark.parametrize(
    ("hall_type", "always", "never"),
    [("flagship", 15, 0), ("large", 11, 0), ("medium", 7, 1), ("small", 4, 5), ("inner", 3, 9)],
)
def test_each_type_has_its_zones(hall_type: str, always: int, never: int) -> None:
    assert len(list(zones_of(hall_type, Stands.ALWAYS))) == always
    assert len(list(zones_of(hall_type, Stands.NEVER))) == never
    assert len(list(zones_of(hall_type, Stands.OPTIONAL))) == len(ZONES) - always - never


def test_everything_has_both_names() -> None:
    for says in [kind.says for kind in HALL_TYPES.values()] + [zone.says for zone in ZONES.values()]:
        assert says["zh"]
        assert says["en"].isascii()


# --- capacity ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("floor", "person", "people"),
    [(180, 4, 33), (400, 4, 75), (300, 4.5, 50), (57.6, 4.8, 9), (50, 4, 9), (5, 4, 0), (0.1 * 3 * 16, 0.9, 4)],
)
def test_capacity_is_the_usable_floor_shared_out(floor: float, person: float, people: int) -> None:
    assert capacity(floor, person) == people


def test_a_hall_may_hold_fewer_than_its_floor_but_not_more() -> None:
    assert site().capacity == 33
    assert site().formula() == "180 m² × 0.75 ÷ 4 m² = 33"
    assert site(capacity=20).capacity == 20
    assert site(capacity=20).derived_capacity == 33
    assert site(capacity=33).capacity == 33
    with pytest.raises(Unfit, match="33 at most"):
        site(capacity=34)


def test_fixtures_follow_from_the_counters() -> None:
    assert (site(counters=7).raters, site(counters=7).id_readers) == (7, 4)
    inner = site(type="inner", floor_area_m2=40.0, counters=6)
    assert (inner.raters, inner.id_readers) == (0, 3)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"type": "medum"}, "perhaps medium"),
        ({"floor_area_m2": 149.9}, "150 m2 at least, or type: small"),
        ({"floor_area_m2": 12.0}, "150 m2 at least, or type: inner"),
        ({"counters": 13}, "12 at most"),
        ({"counters": 0}, "must be >= 1"),
        ({"branch": "Jingan_0042"}, "such as jingan-0042"),
        ({"branch": ""}, "such as door-main"),
        ({"branch": "x" * 33}, "such as x"),
        ({"type": "inner", "floor_area_m2": 4.0, "counters": 1}, "not one person fits in"),
    ],
)
def test_a_hall_that_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        site(**changes)


# --- opening hours -----------------------------------------------------------------------------------------------


def test_a_day_opens_and_closes_by_the_clock_on_its_wall() -> None:
    hours = Hours.parse({"mon-fri": "09:00-17:00", "sat": "9:00-12:00"})
    opens, closes = hours.opening(MONDAY, SHANGHAI) or pytest.fail("closed")
    assert opens == datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
    assert closes == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert hours.opening(date(2026, 3, 7), SHANGHAI) == (
        datetime(2026, 3, 7, 9, tzinfo=SHANGHAI),
        datetime(2026, 3, 7, 12, tzinfo=SHANGHAI),
    )
    assert hours.opening(date(2026, 3, 8), SHANGHAI) is None


def test_a_day_may_end_at_midnight() -> None:
    _, closes = Hours.parse({"mon": "18:00-24:00"}).opening(MONDAY, SHANGHAI) or pytest.fail("closed")
    assert closes == datetime(2026, 3, 3, 0, 0, tzinfo=SHANGHAI)


def test_nine_is_nine_when_the_clocks_change() -> None:
    london = ZoneInfo("Europe/London")
    hours = Hours.parse({"mon-sun": "09:00-17:00"})
    before, after = hours.opening(date(2026, 3, 28), london), hours.opening(date(2026, 3, 29), london)
    assert before is not None
    assert after is not None
    assert before[0].hour == after[0].hour == 9
    assert after[0].astimezone(UTC).hour == 8


@pytest.mark.parametrize(
    ("entries", "open_days"),
    [
        ({"mon-fri": "09:00-17:00"}, "mon tue wed thu fri"),
        ({"mon,wed": "09:00-17:00"}, "mon wed"),
        ({"Mon, Wed-Thu": "09:00-17:00"}, "mon wed thu"),
        ({"fri-mon": "09:00-17:00"}, "mon fri sat sun"),
        ({"sun": "09:00–17:00"}, "sun"),
    ],
)
def test_days_are_named_singly_in_ranges_and_in_lists(entries: dict[str, str], open_days: str) -> None:
    week = Hours.parse(entries).week
    assert [day for day, span in zip(DAYS, week, strict=True) if span == (540, 1020)] == open_days.split()
    assert sum(span is None for span in week) == 7 - len(open_days.split())


@pytest.mark.parametrize(
    ("entries", "key", "said"),
    [
        ({"mon": "17:00-09:00"}, "mon", "ends before it begins"),
        ({"mon": "09:00-09:00"}, "mon", "ends before it begins"),
        ({"mon": "09:00-24:30"}, "mon", "no time of day"),
        ({"mon": "24:00-24:00"}, "mon", "no time of day"),
        ({"mon": "09:60-12:00"}, "mon", "no time of day"),
        ({"mon": "9-17"}, "mon", "no span of hours"),
        ({"mon": None}, "mon", "no hours stand here"),
        ({"mon": 540}, "mon", "`540` is no span of hours"),
        ({"mon": ["09:00"]}, "mon", "no span of hours"),
        ({"lun": "09:00-17:00"}, "lun", "`lun` is no day"),
        ({"mon-": "09:00-17:00"}, "mon-", "no day"),
        ({"mon-tue-wed": "09:00-17:00"}, "mon-tue-wed", "no day"),
        ({"": "09:00-17:00"}, "", "no day"),
        ({"mon,mon": "09:00-17:00"}, "mon,mon", "names a day twice"),
        ({"mon-fri": "09:00-17:00", "fri": "09:00-12:00"}, "fri", "fri has hours already, from mon-fri"),
        ({}, None, "no day is open"),
    ],
)
def test_hours_that_cannot_be(entries: dict[str, object], key: str | None, said: str) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        Hours.parse(entries)
    (fault,) = caught.value.exceptions
    assert isinstance(fault, Unfit)
    assert fault.key == key
    assert said in fault.wrong["en"]
    assert fault.wrong["zh"]
    assert fault.right["zh"]


def test_every_entry_that_is_wrong_is_told() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        Hours.parse({"mon": "17:00-09:00", "tue": "09:00-17:00", "xyz": "09:00-17:00", "tue-wed": "10:00-11:00"})
    assert [fault.key for fault in caught.value.exceptions if isinstance(fault, Unfit)] == ["mon", "xyz", "tue-wed"]


@given(st.lists(st.none() | st.tuples(st.integers(0, 1438), st.integers(1, 1440)), min_size=7, max_size=7))
def test_hours_read_back_as_they_are_written(spans: list[tuple[int, int] | None]) -> None:
    week = tuple(None if span is None or span[0] >= span[1] else span for span in spans)
    if any(week):
        written = str(Hours(week))
        entries = dict(part.split(" ") for part in written.split(", "))
        assert Hours.parse(entries) == Hours(week)


@given(st.dictionaries(st.text(), st.text() | st.none() | st.integers()))
def test_nothing_but_unfit_comes_of_any_hours(entries: dict[str, object]) -> None:
    faults: tuple[Exception, ...] = ()
    try:
        Hours.parse(entries)
    except ExceptionGroup as group:
        faults = group.exceptions
    assert all(isinstance(fault, Unfit) for fault in faults)

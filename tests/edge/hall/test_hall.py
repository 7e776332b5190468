"""The hall as a whole: days, tickets, commands, and going on after a restart."""

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.reading import Reading
from edge.hall.flow import Moment
from mqtt.messages import to_json


def test_a_passage_is_an_entry_at_its_own_instant(bench) -> None:
    hall = bench()
    outcome = hall.step(Reading("door", "passage", 1, hall.now - 0.25))
    (record,) = outcome.records
    assert to_json(record.body).startswith('{"device":"door"')
    assert '"in":1,"out":0,"occupancy":1' in to_json(record.body)


def test_occupancy_is_never_below_zero(bench) -> None:
    hall = bench()
    hall.read("door", "passage", -1)
    assert hall.bodies("passage")[0].occupancy == 0


def test_a_passage_of_the_last_second_belongs_to_its_day(bench) -> None:
    hall = bench(begin="2026-03-02T23:59:50")
    hall.read("door", "passage", 1)
    hall.read("door", "passage", 1)
    late = Reading("door", "passage", 1, hall.now + 9.5)  # 23:59:59.5
    hall.now += 11
    outcome = hall.step(late, Reading("door", "passage", 1, hall.now))
    assert [body.occupancy for body in (r.body for r in outcome.records) if body.kind == "passage"] == [3, 1]
    walls = [r.wall for r in outcome.records]
    assert walls == sorted(walls)
    assert outcome.now["hall"].entered_today == 1


def test_telemetry_is_gathered_by_the_minute(bench) -> None:
    hall = bench()
    for value in (500.0, 520.0, 540.0):
        hall.read("air", "co2_ppm", value, after=10)
    assert hall.bodies("telemetry") == []
    hall.wait(60)
    (entry,) = hall.bodies("telemetry")
    assert entry.values == {"co2_ppm": {"mean": 520.0, "min": 500.0, "max": 540.0, "last": 540.0, "n": 3}}


class TestTickets:
    def test_from_the_key_to_the_end_of_service(self, bench) -> None:
        hall = bench()
        printed = hall.read("column", "key", "A").actions
        assert [(a.device, a.verb, a.args["number"], a.args["ahead"]) for a in printed if a.verb == "print"] == [
            ("column", "print", "A001", 0)
        ]
        hall.read("column", "call", 3, after=90)
        hall.read("column", "call", 3, after=300)
        steps = [(t.step, t.number, t.counter, t.waited_s, t.served_s) for t in hall.bodies("ticket")]
        assert steps == [
            ("issued", "A001", None, None, None),
            ("called", "A001", 3, 90, None),
            ("served", "A001", 3, None, 300),
        ]

    def test_people_ahead_and_the_wait_grow_with_the_queue(self, bench) -> None:
        hall = bench()
        waits = [hall.read("column", "key", "A", after=1).actions[-1].args for _ in range(12)]
        assert [args["ahead"] for args in waits] == list(range(12))
        minutes = [args["wait_min"] for args in waits]
        assert minutes == sorted(minutes)
        assert minutes[-1] > minutes[0]

    def test_the_day_ends_with_nobody_in_the_queue(self, bench) -> None:
        hall = bench()
        hall.read("column", "key", "A")
        hall.read("column", "key", "A")
        hall.read("column", "call", 1, after=60)
        hall.wait_until("2026-03-03T00:00:01")
        assert [t.step for t in hall.bodies("ticket")][-2:] == ["served", "no-show"]
        assert hall.read("column", "key", "A").actions[-1].args["number"] == "A001"

    def test_a_long_queue_raises_wait_before_anybody_has_waited(self, bench) -> None:
        hall = bench()
        for _ in range(40):
            hall.read("column", "key", "A", after=1)
        hall.wait(31)
        assert hall.alarms("WAIT") == ["raised"]


class TestAnotherMakersQueue:
    def test_its_steps_are_followed_with_its_own_numbers(self, bench) -> None:
        hall = bench()
        hall.read("column", "ticket", "issued B017 B -")
        hall.read("column", "ticket", "called B017 - 2", after=120)
        hall.read("column", "ticket", "served B017 - 2", after=200)
        steps = [(t.step, t.number, t.service, t.counter, t.waited_s, t.served_s) for t in hall.bodies("ticket")]
        assert steps == [
            ("issued", "B017", "B", None, None, None),
            ("called", "B017", "B", 2, 120, None),
            ("served", "B017", "B", 2, None, 200),
        ]
        assert hall.outcomes[-1].now["hall"].waiting == 0 or hall.outcomes[-2].now["hall"].waiting == 0

    def test_a_caller_that_only_knows_its_counter_calls_who_has_waited_longest(self, bench) -> None:
        hall = bench()
        hall.read("column", "ticket", "issued B017 B -")
        hall.read("column", "ticket", "called - - 2", after=60)
        hall.read("column", "ticket", "served - - 2", after=100)
        steps = [(t.step, t.number, t.counter) for t in hall.bodies("ticket")]
        assert steps == [("issued", "B017", None), ("called", "B017", 2), ("served", "B017", 2)]

    def test_a_call_of_a_number_we_never_saw_is_told_all_the_same(self, bench) -> None:
        hall = bench()
        hall.read("column", "ticket", "called X9 - -")
        (ticket,) = hall.bodies("ticket")
        assert (ticket.step, ticket.number, ticket.waited_s) == ("called", "X9", None)


def test_a_counter_that_tells_several_at_once(bench) -> None:
    hall = bench()
    hall.read("door", "passage", 3)
    hall.read("door", "passage", -2)
    assert [(p.in_, p.out, p.occupancy) for p in hall.bodies("passage")] == [(3, 0, 3), (0, 2, 1)]


class TestCommands:
    def test_ping(self, bench) -> None:
        (answer,) = bench().command("ping").answers
        assert answer[1].ok
        assert answer[1].result["branch"] == "jingan-0042"

    def test_every_command_is_recorded(self, bench) -> None:
        hall = bench()
        hall.command("ping", id="a")
        hall.command("dance", id="b")
        assert [(o.command, o.ok) for o in hall.bodies("operation")] == [("ping", True), ("dance", False)]

    def test_the_same_id_is_carried_out_once_even_across_a_restart(self, bench) -> None:
        hall = bench()
        hall.read("temp", "object_celsius", 38.0)
        first = hall.command("acknowledge", id="x", code="FEVER", source="temp").answers[0][1]
        hall.restart()
        again = hall.command("acknowledge", id="x", code="FEVER", source="temp").answers[0][1]
        assert first.ok
        assert again.ok
        assert hall.alarms("FEVER").count("acknowledged") == 1

    def test_what_cannot_be_acknowledged_is_said(self, bench) -> None:
        answer = bench().command("acknowledge", code="FIRE", source="hall").answers[0][1]
        assert answer.error["code"] == "nothing-to-acknowledge"
        answer = bench().command("acknowledge", code=3).answers[0][1]
        assert answer.error["code"] == "bad-arguments"


class TestRestart:
    def test_the_same_day_goes_on(self, bench) -> None:
        hall = bench()
        for _ in range(5):
            hall.read("door", "passage", 1, after=1)
        hall.read("column", "key", "A")
        hall.read("panic", "closed", False)
        before = hall.step().now.get("hall") or hall.outcomes[-2].now.get("hall")
        hall.restart()
        outcome = hall.step()
        assert outcome.now["hall"] == before or outcome.now["hall"].occupancy == 5
        assert outcome.now["hall"].waiting == 1
        assert outcome.now["alarm/PANIC/panic"].state == "unacknowledged"
        assert outcome.records == []

    def test_a_restart_on_the_next_day_closes_the_day_before(self, bench) -> None:
        hall = bench()
        hall.read("door", "passage", 1)
        hall.read("column", "key", "A")
        hall.restart()
        hall.now += 86_400
        outcome = hall.step()
        assert [r.body.step for r in outcome.records if r.body.kind == "ticket"] == ["no-show"]
        assert outcome.now["hall"].occupancy == 0


def test_a_clock_that_is_set_back_does_not_turn_time_back_in_a_lane(bench) -> None:
    hall = bench()
    hall.read("door", "passage", 1)
    first = hall.outcomes[-1].records[0].wall
    outcome = hall.hall.step(Moment(hall.now + 1, first - 3600), [Reading("door", "passage", 1, hall.now + 1)])
    assert outcome.records[0].wall >= first
    assert outcome.now["hall"].entered_today == 2


READINGS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                ("door", "passage", 1),
                ("door", "passage", -1),
                ("temp", "object_celsius", 36.4),
                ("temp", "object_celsius", 38.1),
                ("temp", "object_celsius", 22.0),
                ("air", "co2_ppm", 1500.0),
                ("air", "co2_ppm", 600.0),
                ("badge", "badge", "Wang"),
                ("column", "key", "A"),
                ("column", "call", 2),
                ("panic", "closed", False),
                ("panic", "closed", True),
            ]
        ),
        st.floats(0, 4000),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(readings=READINGS, cut=st.integers(0, 60))
def test_the_same_inputs_give_the_same_bytes_and_a_restart_changes_no_count(readings, cut: int) -> None:
    from tests.edge.hall.conftest import Bench

    def run(restart_at: int | None):
        hall = Bench()
        for index, ((device, quantity, value), after) in enumerate(readings):
            if index == restart_at:
                hall.restart()
            hall.read(device, quantity, value, after=after)
        return hall

    one, two, cut_short = run(None), run(None), run(cut)
    assert written(one) == written(two)
    for kind in ("passage", "ticket", "disinfection", "contact"):
        assert [to_json(b) for b in one.bodies(kind)] == [to_json(b) for b in cut_short.bodies(kind)]


def written(hall) -> list[tuple[float, str]]:
    return [(record.wall, to_json(record.body)) for outcome in hall.outcomes for record in outcome.records]

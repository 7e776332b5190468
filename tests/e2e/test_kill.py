"""kill -9 at random instants, the broker stopped and started at random: nothing lost, nothing contradicting."""

import json
import os
import random
import sqlite3
import time

from tests.e2e.conftest import check_conservation
from tests.waiting import eventually

# The nightly run has more of them.
KILLS = int(os.environ.get("HALLGATE_KILLS", "8"))
STOPS = int(os.environ.get("HALLGATE_BROKER_STOPS", "6"))


def let_it_work(seconds: float) -> None:
    """Real time for real processes: the instant of the next blow is to be any."""
    time.sleep(seconds)


def occupancies(journal) -> list[tuple[str, int, int, int, int]]:
    db = sqlite3.connect(journal)
    rows = db.execute("SELECT at, body FROM entry WHERE kind = 'passage' ORDER BY lane, seq").fetchall()
    db.close()
    return [(at, b["in"], b["out"], b["occupancy"]) for at, b in ((at, json.loads(body)) for at, body in rows)]


def births(centre) -> int:
    return sum(b'"online"' in payload for payload in centre.of("now/state"))


def test_the_gateway_is_killed_at_random_instants(mosquitto, reader, gateway) -> None:
    broker = mosquitto("max_queued_messages 0")
    centre = reader(broker.port)
    one = gateway(broker.url, "--fake", "rush", "--speed", "60")
    chance = random.Random(20260302)
    before: list[int] = []
    for _ in range(KILLS):
        count = births(centre)
        one.start()
        assert eventually(lambda count=count: births(centre) > count), one.log()
        let_it_work(chance.uniform(0.0, 2.5))
        one.kill()
        passed = occupancies(one.state / "journal.db")
        before.append(len(passed))
    one.start()
    assert eventually(lambda: births(centre) > KILLS)
    let_it_work(1.0)
    assert one.stop() == 0, one.log()
    figures = check_conservation(centre.messages, one.state / "journal.db")
    assert figures["entries"] > 50
    # Across every kill the occupancy goes on from where it was: no passage is between two entries.
    passed = occupancies(one.state / "journal.db")
    inside = 0
    for _, people_in, people_out, occupancy in passed:
        inside = max(0, inside + people_in - people_out)
        assert occupancy == inside
    assert any(0 < n < len(passed) for n in before)


def test_the_broker_is_stopped_at_random_instants(mosquitto, reader, gateway) -> None:
    broker = mosquitto("max_queued_messages 0", "persistence true", "autosave_interval 1", "autosave_on_changes true")
    centre = reader(broker.port)
    one = gateway(broker.url, "--fake", "rush", "--speed", "60")
    one.start()
    assert eventually(lambda: centre.of("now/state")), one.log()
    chance = random.Random(4)
    for round in range(STOPS):
        let_it_work(chance.uniform(0.2, 2.0))
        broker.kill() if round % 2 else broker.stop()
        let_it_work(chance.uniform(0.1, 1.0))
        broker.start()
    journal = one.state / "journal.db"

    def is_back() -> bool:
        return one.is_running() and "online" in json.loads(centre.of("now/state")[-1])["state"]

    assert eventually(is_back, 30)
    let_it_work(2.0)
    assert one.stop() == 0, one.log()
    assert eventually(lambda: len(set(centre.messages)) and delivered(centre.messages, journal), 30)
    check_conservation(centre.messages, journal)


def delivered(messages, journal) -> bool:
    db = sqlite3.connect(journal)
    issued = db.execute("SELECT count(*) FROM entry").fetchone()[0]
    db.close()
    return len({payload for topic, payload, _ in messages if "/log/" in topic}) >= issued

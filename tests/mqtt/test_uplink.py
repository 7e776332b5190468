"""The uplink against a real Mosquitto: order, refusals, restarts, births and wills, commands."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.journal import Entry, Journal
from edge.present import Present
from mqtt.messages import Command, Done, Lane
from mqtt.uplink import Address, BadAddress, Uplink, Voice
from tests.proxy import Proxy
from tests.waiting import eventually


class Branch:
    """A gateway without a hall: a journal, a present and an uplink."""

    def __init__(self, folder: Path, url: str, retained: frozenset[str] = frozenset()) -> None:
        self.journal = Journal(folder / "journal.db", "b1", "boot")
        self.present = Present(retained)
        self.commands: list[Command] = []
        self.links: list[tuple[bool, int, str]] = []
        voice = Voice(
            state=lambda state, reason: json.dumps({"state": state, "reason": reason}).encode(),
            request=self._requested,
            link=lambda *link: self.links.append(link),
        )
        self.uplink = Uplink(Address.of(url), "b1", self.journal, self.present, voice)
        self.present.watch(self.uplink.notify)
        self._count = 0

    def _requested(self, command: Command) -> None:
        self.commands.append(command)
        done = Done(id=command.id, command=command.name, ok=True, at="now", result={"said": command.by})
        self.uplink.answer(command, done)

    def write(self, lane: Lane, count: int = 1, kind: str = "contact") -> None:
        entries = []
        for _ in range(count):
            self._count += 1
            entries.append(Entry(lane, kind, f'{{"n":{self._count}}}', 0.0, synced=True))
        self.journal.commit(entries, {}, {})
        self.uplink.notify()

    def is_delivered(self) -> bool:
        return eventually(lambda: self.journal.waiting() == 0)

    def close(self) -> None:
        self.uplink.stop()
        self.journal.close()


@pytest.fixture
def branch(tmp_path: Path) -> Iterator[Callable[..., Branch]]:
    branches: list[Branch] = []

    def make(url: str, *args: frozenset[str], start: bool = True) -> Branch:
        branches.append(Branch(tmp_path / "branch", url, *args))
        if start:
            branches[-1].uplink.start()
        return branches[-1]

    yield make
    for one in branches:
        one.close()


def seqs(payloads: list[bytes], lane: str) -> list[int]:
    entries = [json.loads(payload) for payload in payloads]
    return [entry["seq"] for entry in entries if entry["lane"] == lane]


def test_a_backlog_arrives_in_order_and_is_then_forgotten(mosquitto, reader, branch) -> None:
    broker = mosquitto()
    centre = reader(broker.port)
    gateway = branch(broker.url, start=False)
    gateway.write(Lane.DATA, 500)
    gateway.write(Lane.ALARM, 20)
    gateway.uplink.start()
    assert gateway.is_delivered()
    arrived = centre.of("log/contact")
    assert eventually(lambda: len(centre.of("log/contact")) == 520)
    arrived = centre.of("log/contact")
    assert seqs(arrived, "data") == list(range(1, 501))
    assert seqs(arrived, "alarm") == list(range(1, 21))
    assert [json.loads(p)["lane"] for p in arrived[:20]] == ["alarm"] * 20


def test_an_alarm_does_not_wait_behind_the_backlog(mosquitto, reader, branch) -> None:
    broker = mosquitto()
    centre = reader(broker.port)
    gateway = branch(broker.url)
    gateway.write(Lane.DATA, 20_000)
    assert eventually(lambda: len(centre.of("log/contact")) > 100)
    gateway.write(Lane.ALARM, kind="alarm")
    assert eventually(lambda: centre.of("log/alarm"))
    assert gateway.journal.waiting() > 5_000


def test_birth_goodbye_and_will(mosquitto, reader, branch) -> None:
    broker = mosquitto()
    centre = reader(broker.port)
    gateway = branch(broker.url)
    assert eventually(lambda: centre.of("now/state") == [b'{"state": "online", "reason": null}'])
    gateway.uplink.stop()
    assert eventually(lambda: centre.of("now/state")[1:] == [b'{"state": "offline", "reason": "stopped"}'])


def test_the_broker_tells_when_the_line_is_cut_and_we_come_back(mosquitto, reader, branch) -> None:
    broker = mosquitto()
    centre = reader(broker.port)
    line = Proxy(broker.port)
    gateway = branch(line.url)
    assert eventually(lambda: centre.of("now/state"))
    line.cut()
    gateway.write(Lane.DATA, 3)
    assert eventually(lambda: len(centre.of("now/state")) == 3)
    states = [json.loads(payload)["state"] for payload in centre.of("now/state")]
    assert states == ["online", "offline", "online"]
    assert gateway.is_delivered()
    assert [link[0] for link in gateway.links] == [True, False, True]
    gateway.uplink.stop()
    line.close()


def test_a_broker_that_goes_and_comes_loses_nothing(mosquitto, reader, branch) -> None:
    broker = mosquitto("persistence true", "autosave_interval 1", "autosave_on_changes true")
    centre = reader(broker.port)
    gateway = branch(broker.url)
    for _ in range(5):
        gateway.write(Lane.DATA, 200)
        broker.stop()
        gateway.write(Lane.ALARM, 10)
        broker.start()
    assert gateway.is_delivered()
    assert eventually(lambda: len(set(seqs(centre.of("log/contact"), "data"))) == 1000)
    assert eventually(lambda: len(set(seqs(centre.of("log/contact"), "alarm"))) == 50)
    named = {(json.loads(p)["lane"], json.loads(p)["seq"]): p for p in centre.of("log/contact")}
    assert all(p == named[json.loads(p)["lane"], json.loads(p)["seq"]] for p in centre.of("log/contact"))


def test_refused_rows_are_set_aside_and_told_and_the_rest_goes_on(mosquitto, reader, branch, tmp_path) -> None:
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite hall/v1/b1/now/#\ntopic readwrite hall/v1/b1/log/contact\ntopic read hall/#\n")
    acl.chmod(0o644)
    broker = mosquitto(f"acl_file {acl}")
    centre = reader(broker.port)
    gateway = branch(broker.url)
    gateway.write(Lane.DATA, 3, kind="secret")
    gateway.write(Lane.DATA, 2)
    assert gateway.is_delivered()
    assert eventually(lambda: len(centre.of("log/contact")) == 2)
    assert centre.of("log/secret") == []
    assert gateway.journal.refused() == 3
    assert eventually(lambda: gateway.links[-1] == (True, 3, "Not authorized"))


def test_a_small_receive_maximum_is_kept(mosquitto, reader, branch) -> None:
    broker = mosquitto("max_inflight_messages 3")
    centre = reader(broker.port)
    gateway = branch(broker.url)
    gateway.write(Lane.DATA, 300)
    assert gateway.is_delivered()
    assert eventually(lambda: seqs(centre.of("log/contact"), "data") == list(range(1, 301)))


def test_the_present_is_retained_and_what_is_over_is_cleared(mosquitto, reader, branch) -> None:
    broker = mosquitto()
    gateway = branch(broker.url)
    gateway.present.tell({"alarm/FEVER/t": b'{"state":"unacknowledged"}', "device/t": b'{"health":"ok"}'})
    late = reader(broker.port, "hall/v1/b1/now/#")
    assert eventually(lambda: late.of("alarm/FEVER/t") and late.of("device/t"))
    gateway.present.tell({"alarm/FEVER/t": b""})
    assert eventually(lambda: late.of("alarm/FEVER/t")[-1] == b"")
    assert eventually(lambda: gateway.present.take_cleared() == {"alarm/FEVER/t"})


def test_what_an_earlier_run_left_behind_is_cleared(mosquitto, reader, branch) -> None:
    broker = mosquitto()
    centre = reader(broker.port)
    centre.publish("hall/v1/b1/now/alarm/AIR/waiting", b"old", retain=True)
    branch(broker.url, frozenset({"alarm/AIR/waiting"}))
    assert eventually(lambda: centre.of("alarm/AIR/waiting")[-1] == b"")


def test_a_topic_of_the_present_changes_at_most_once_a_second(mosquitto, reader, branch) -> None:
    broker = mosquitto()
    centre = reader(broker.port)
    gateway = branch(broker.url)
    assert eventually(lambda: centre.of("now/state"))
    for n in range(50):
        gateway.present.tell({"hall": str(n).encode()})
    assert eventually(lambda: centre.of("now/hall")[-1:] == [b"49"])
    assert len(centre.of("now/hall")) <= 3


def test_a_command_is_answered_on_done_and_on_its_response_topic(mosquitto, reader, branch) -> None:
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    broker = mosquitto()
    centre = reader(broker.port, "#")
    gateway = branch(broker.url)
    assert eventually(lambda: centre.of("now/state"))
    properties = Properties(PacketTypes.PUBLISH)
    properties.ResponseTopic = "centre/answers"
    properties.CorrelationData = b"42"
    centre.publish("hall/v1/b1/do/ping", b'{"id":"p1","by":"li"}', properties=properties)
    assert eventually(lambda: centre.of("done/p1"))
    assert json.loads(centre.of("done/p1")[0])["result"] == {"said": "li"}
    assert eventually(lambda: centre.of("centre/answers"))
    assert gateway.commands[0].correlation == b"42"


def test_a_command_sent_while_we_were_away_is_carried_out(mosquitto, reader, branch, tmp_path) -> None:
    broker = mosquitto()
    centre = reader(broker.port)
    first = branch(broker.url)
    assert eventually(lambda: centre.of("now/state"))
    first.uplink.stop()
    centre.publish("hall/v1/b1/do/ping", b'{"id":"p2","by":"li"}')
    second = branch(broker.url)
    assert eventually(lambda: [command.id for command in second.commands] == ["p2"])


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"{", "bad-request"),
        (b"[]", "bad-request"),
        (b'{"id":"a/b","by":"x"}', "bad-request"),
        (b'{"id":"a"}', "bad-request"),
        (b'{"id":"a","by":"x","args":[]}', "bad-request"),
        (b'{"id":"a","by":"x","expires_at":"tomorrow"}', "bad-request"),
        (b'{"id":"a","by":"x","expires_at":"2020-01-01T00:00:00Z"}', "expired"),
    ],
)
def test_a_request_that_cannot_be_tried_says_why(payload: bytes, code: str) -> None:
    from mqtt.messages import read_command

    command = read_command("ping", payload, wall=1_800_000_000.0)
    assert command.problem is not None
    assert command.problem["code"] == code


def test_a_broker_that_speaks_only_311_is_spoken_to_in_311(reader, branch, caplog) -> None:
    pytest.importorskip("amqtt")
    from mqtt.broker import DemoBroker, free_port

    broker = DemoBroker(free_port(0))
    broker.start()
    try:
        centre = reader(broker.port, five=False)
        gateway = branch(f"mqtt://127.0.0.1:{broker.port}")
        gateway.write(Lane.DATA, 5)
        assert gateway.is_delivered()
        assert eventually(lambda: seqs(centre.of("log/contact"), "data") == [1, 2, 3, 4, 5])
        assert "falling back to 3.1.1" in caplog.text
        gateway.uplink.stop()
        centre.close()
    finally:
        broker.stop()
    assert threading.active_count() < 20


def test_no_broker_is_told_once_and_tried_again(mosquitto, branch, caplog) -> None:
    broker = mosquitto()
    broker.stop()
    gateway = branch(broker.url)
    assert eventually(lambda: len(gateway.links) >= 3)
    assert caplog.text.count("no connection") == 1
    broker.start()
    assert eventually(lambda: gateway.links[-1][0])


@pytest.mark.parametrize("url", ["http://x", "mqtt://", "broker", "mqtt://h:port", "mqtt://h:99999"])
def test_a_wrong_address_says_what_would_be_right(url: str) -> None:
    with pytest.raises(BadAddress, match="mqtt://host:1883"):
        Address.of(url)

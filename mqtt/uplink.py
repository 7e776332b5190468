"""The line to the centre's broker: one thread, one connection at a time, and nothing in it that a crash could lose.

What is to be sent is never here: rows come from an outbox on disk and the present from a table of the newest message
of each topic, so a connection that breaks is thrown away whole, paho's client with it, and the next begins from what
the broker has acknowledged. paho's traps and what is done about each are listed in ``docs/decisions/002-uplink.md``.

Order of what is sent: the birth, the alarm lane, the present, answers, the data lane, and at last what was refused
before. The data lane never fills the window alone, so an alarm need not wait for its acknowledgements.
"""

import logging
import math
import os
import random
import select
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import attrs
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from mqtt.messages import ROOT, Command, Done, Lane, read_command, to_json

log = logging.getLogger(__name__)

# Unacknowledged messages at a time, unless the broker wants fewer; some are kept free for alarms.
_WINDOW = 64
_KEPT_FREE = 8
# paho and brokers are in the same second as a human: a topic of the present changes at most once in it.
_PRESENT_EVERY_S = 1.0
_CONNECT_TIMEOUT_S = 5.0
_BACK_OFF_S = (0.5, 10.0)
# The broker keeps commands for us this long while we are away.
_SESSION_S = 24 * 3600
# With 3.1.1 a refused row looks accepted: a broker that only failed to answer once must not stay there.
_TRY_FIVE_AGAIN_S = 600.0
_UNANSWERED = 2
# A refused row is offered this often, once a connection, before it stays aside.
_OFFERS = 3
_GOODBYE_S = 2.0


class Row(NamedTuple):
    """An entry of the log as it travels."""

    lane: Lane
    seq: int
    kind: str
    payload: bytes


class Outbox(Protocol):
    """Where rows wait; ``edge.journal`` is one. All calls come from the uplink's thread."""

    def pending(self, lane: Lane, after: int, limit: int) -> list[Row]: ...

    def acknowledged(self, lane: Lane) -> int: ...

    def accept(self, lane: Lane, seq: int) -> None: ...

    def refuse(self, lane: Lane, seq: int, reason: str) -> None: ...

    def set_aside(self, at_most: int) -> list[Row]: ...

    def refused(self) -> int: ...


class Present(Protocol):
    """The newest message of each topic below now/; ``edge.present`` is one."""

    def since(self, version: int) -> tuple[int, dict[str, bytes]]:
        """The present version, and what has changed after that one; b"" for a topic that is over."""

    def cleared(self, topic: str) -> None:
        """The broker has forgotten that topic."""


class BadAddress(ValueError):
    """The uplink's URL cannot be used; says what would be right."""


@attrs.frozen
class Address:
    """Where the broker is. ``ca``, ``certificate`` and ``key`` are PEM files, read anew at each connection."""

    host: str
    port: int
    tls: bool
    username: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    keepalive_s: int = 30
    only_311: bool = False  # known to speak no MQTT 5

    @classmethod
    def of(cls, url: str, **files: Any) -> "Address":
        """Of ``mqtt://host:1883`` or ``mqtts://host:8883``. Raises BadAddress."""
        parts = urlsplit(url)
        ports = {"mqtt": 1883, "mqtts": 8883}
        try:
            port = parts.port or ports.get(parts.scheme, 0)
        except ValueError:
            port = 0
        if parts.scheme not in ports or not parts.hostname or not port:
            raise BadAddress(f"{url!r} is no broker's address; write mqtt://host:1883 or mqtts://host:8883")
        return cls(
            host=parts.hostname,
            port=port,
            tls=parts.scheme == "mqtts",
            username=parts.username,
            password=parts.password,
            **files,
        )

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or newer, the host's name checked."""
        context = ssl.create_default_context(cafile=self.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context

    def __str__(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"


@attrs.frozen
class Voice:
    """What the uplink needs of the gateway beside its outbox. Both calls come from the uplink's thread.

    ``state``    now/state as it should read for ("online" or "offline", reason).
    ``request``  a command has arrived; :meth:`Uplink.answer` is called with its answer after the commit.
    ``link``     connected or not, rows refused so far, and why.
    """

    state: Callable[[str, str | None], bytes]
    request: Callable[[Command], None]
    link: Callable[[bool, int, str], None]


class Uplink:
    """Carries one branch's messages. ``start`` and ``stop`` once each; ``notify`` and ``answer`` from any thread."""

    def __init__(self, address: Address, branch: str, outbox: Outbox, present: Present, voice: Voice) -> None:
        self._address = address
        self._branch = branch
        self._outbox = outbox
        self._present = present
        self._voice = voice
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._stopping = threading.Event()
        self._restate = threading.Event()
        self._answers: deque[tuple[Command, Done]] = deque(maxlen=1000)
        self._protocol = paho.MQTTv311 if address.only_311 else paho.MQTTv5
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)
        self.connected = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Say goodbye (now/state offline) and end."""
        self._stopping.set()
        self.notify()
        self._thread.join(_CONNECT_TIMEOUT_S + _GOODBYE_S + 1)

    def notify(self) -> None:
        """There is something new in the outbox or the present."""
        os.eventfd_write(self._wakeup, 1)

    def restate(self) -> None:
        """now/state has changed."""
        self._restate.set()
        self.notify()

    def answer(self, command: Command, done: Done) -> None:
        """The answer to a command that came from the broker."""
        self._answers.append((command, done))
        self.notify()

    # --- the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._stay_connected()
            # The supervisor: a fault of ours must not end the line for ever. What is not delivered is on disk.
            except Exception:
                log.exception("the uplink has a fault of its own, beginning anew")
                self.connected = False
                self._wait(_BACK_OFF_S[1])

    def _stay_connected(self) -> None:
        back_off = _BACK_OFF_S[0]
        told, unanswered = "", 0
        while not self._stopping.is_set():
            connection = _Connection(self._address, self._branch, self._protocol, self._outbox, self._present)
            try:
                connection.open(self._voice)
            except (OSError, ValueError, _NotConnected) as error:
                if isinstance(error, _NotConnected):
                    unanswered = unanswered + 1 if error.not_understood else 0
                    if error.too_new or unanswered >= _UNANSWERED:
                        unanswered = 0
                        self._change_version()
                    if error.too_new:
                        continue
                reason = str(error) or type(error).__name__
                if reason != told:  # the first failure is news, the tenth is not
                    log.warning("no connection to %s: %s", self._address, reason)
                    told = reason
                self._voice.link(False, self._outbox.refused(), reason)
                self._wait(back_off * random.uniform(0.5, 1.0))
                back_off = min(back_off * 2, _BACK_OFF_S[1])
                continue
            log.info("connected to %s", self._address)
            told, unanswered, back_off, self.connected = "", 0, _BACK_OFF_S[0], True
            self._voice.link(True, self._outbox.refused(), "")
            why = connection.serve(self._wakeup, self._stopping, self._restate, self._answers)
            self.connected = False
            if not self._stopping.is_set():
                log.warning("connection to %s lost: %s", self._address, why)
                self._voice.link(False, self._outbox.refused(), why)
                self._protocol = paho.MQTTv311 if self._address.only_311 else paho.MQTTv5
                self._wait(back_off * random.uniform(0.5, 1.0))

    def _change_version(self) -> None:
        if self._protocol == paho.MQTTv5:
            log.warning(
                "%s does not answer in MQTT 5: falling back to 3.1.1, where a refused publish looks like an accepted one",
                self._address,
            )
            self._protocol = paho.MQTTv311
        elif not self._address.only_311:
            self._protocol = paho.MQTTv5

    def _wait(self, seconds: float) -> None:
        self._stopping.wait(seconds)


class _NotConnected(Exception):
    """The broker said no, or nothing."""

    def __init__(self, reason: str, *, not_understood: bool = False, too_new: bool = False) -> None:
        super().__init__(reason)
        self.not_understood = not_understood  # no answer at all: an old broker may have choked on the CONNECT
        self.too_new = too_new  # it says itself that it is older


class _Connection:
    """One connection from CONNECT to its end; used up after that."""

    def __init__(self, address: Address, branch: str, protocol: Any, outbox: Outbox, present: Present) -> None:
        self._address = address
        self._root = f"{ROOT}/{branch}"
        self._outbox = outbox
        self._present = present
        self._five = protocol == paho.MQTTv5
        # A clean session at CONNECT only where asked for below; QoS 1 both ways, never 2.
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=branch,
            protocol=protocol,
            manual_ack=True,
            reconnect_on_failure=False,
            clean_session=None if self._five else False,
        )
        self._client.connect_timeout = _CONNECT_TIMEOUT_S
        self._client.max_inflight_messages_set(_WINDOW)  # paho's own; the broker's wish is kept by ours
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message
        self._client.on_subscribe = self._on_subscribe
        self._connack: Any = None
        self._ended: str | None = None
        self._window = _WINDOW
        self._under_way: dict[int, Callable[[Any], None]] = {}  # mid -> what its acknowledgement means
        self._cursors: dict[Lane, int] = {}
        self._ahead: dict[Lane, deque[Row]] = {lane: deque() for lane in Lane}
        self._aside: deque[Row] = deque()
        self._version = 0
        self._changed: dict[str, bytes] = {}
        self._quiet_until: dict[str, float] = {}
        self._publishing: set[str] = set()
        self._complained: set[str] = set()
        self._unacked: list[tuple[Command, int, int]] = []  # commands not yet answered, with their mid and QoS

    # --- beginning -----------------------------------------------------------------------------------------------

    def open(self, voice: Voice) -> None:
        """Raises OSError (no way there, TLS refused), ValueError (bad certificate files) or _NotConnected."""
        self._voice = voice
        client, address = self._client, self._address
        if address.tls:
            client.tls_set_context(address.context())
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        client.will_set(f"{self._root}/now/state", voice.state("offline", None), qos=1, retain=True)
        properties = None
        if self._five:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's own
            properties.SessionExpiryInterval = _SESSION_S
        client.connect(
            address.host,
            address.port,
            keepalive=address.keepalive_s,
            clean_start=False if self._five else paho.MQTT_CLEAN_START_FIRST_ONLY,
            properties=properties,
        )
        deadline = time.monotonic() + _CONNECT_TIMEOUT_S
        while self._connack is None and self._ended is None and time.monotonic() < deadline:
            self._exchange(None, 0.2)
        if self._connack is None:
            raise _NotConnected(self._ended or "no CONNACK", not_understood=True)
        flags, reason, connack = self._connack
        if reason.is_failure:
            too_new = self._five and reason.value == 0x84
            raise _NotConnected(str(reason), not_understood=too_new, too_new=too_new)
        self._window = min(_WINDOW, getattr(connack, "ReceiveMaximum", _WINDOW) or _WINDOW)
        if self._five:  # a retained command keeps its mark, so that it can be told from one that is said now
            client.subscribe(f"{self._root}/do/#", options=SubscribeOptions(qos=1, retainAsPublished=True))
        else:
            client.subscribe(f"{self._root}/do/#", qos=1)
        self._publish("now/state", voice.state("online", None), lambda reason: None, retain=True)
        self._cursors = {lane: self._outbox.acknowledged(lane) for lane in Lane}
        self._aside.extend(self._outbox.set_aside(_OFFERS))
        log.debug("session %s, window %d", "resumed" if flags.session_present else "new", self._window)

    # --- serving -------------------------------------------------------------------------------------------------

    def serve(
        self,
        wakeup: int,
        stopping: threading.Event,
        restate: threading.Event,
        answers: "deque[tuple[Command, Done]]",
    ) -> str:
        """Send and receive until the connection ends or we stop. Why it ended."""
        until = time.monotonic() + (math.inf if self._five or self._address.only_311 else _TRY_FIVE_AGAIN_S)
        while self._ended is None and not stopping.is_set():
            if time.monotonic() > until:
                self._say_goodbye(None)
                return "looking whether it speaks MQTT 5 by now"
            if restate.is_set():
                restate.clear()
                self._publish("now/state", self._voice.state("online", None), lambda reason: None, retain=True)
            wait = self._fill(answers)
            self._exchange(wakeup, wait)
        if self._ended is None:
            self._fill(answers)  # what was committed on the way out, as far as the window goes
            self._say_goodbye("stopped")
        return self._ended or "stopped"

    def _say_goodbye(self, reason: str | None) -> None:
        if reason is not None:
            self._publish("now/state", self._voice.state("offline", reason), lambda reason: None, retain=True)
        deadline = time.monotonic() + _GOODBYE_S
        while self._ended is None and self._under_way and time.monotonic() < deadline:
            self._exchange(None, 0.1)
        self._client.disconnect()

    def _exchange(self, wakeup: int | None, wait: float) -> None:
        """One turn of reading and writing."""
        client = self._client
        sock = client.socket()
        if sock is None:
            self._ended = self._ended or "closed"
            return
        poller = select.poll()
        poller.register(sock, select.POLLIN | (select.POLLOUT if client.want_write() else 0))
        if wakeup is not None:
            poller.register(wakeup, select.POLLIN)
        for fd, event in poller.poll(wait * 1000):
            if fd == wakeup:
                os.eventfd_read(wakeup)
                continue
            if event & select.POLLOUT:
                client.loop_write()
            if event & ~select.POLLOUT:
                client.loop_read()
                while isinstance(sock, ssl.SSLSocket) and self._ended is None and sock.pending():
                    client.loop_read()  # what TLS has decoded already no poll will tell of
        if client.loop_misc() != paho.MQTT_ERR_SUCCESS and self._ended is None:
            self._ended = "keepalive"

    def _fill(self, answers: "deque[tuple[Command, Done]]") -> float:
        """Publish while the window has room. How long the next look can wait, in seconds."""
        self._send_lane(Lane.ALARM, self._window)
        wait = self._send_present()
        while answers and self._room(self._window):
            self._send_answer(*answers.popleft())
        room = max(1, self._window - _KEPT_FREE)
        self._send_lane(Lane.DATA, room)
        while self._aside and self._room(room):
            self._send_row(self._aside.popleft())
        return wait

    def _room(self, window: int) -> bool:
        return len(self._under_way) < window and self._ended is None

    def _send_lane(self, lane: Lane, window: int) -> None:
        ahead = self._ahead[lane]
        while self._room(window):
            if not ahead:
                ahead.extend(self._outbox.pending(lane, self._cursors[lane], _WINDOW))
                if not ahead:
                    return
            row = ahead.popleft()
            self._cursors[lane] = row.seq
            self._send_row(row)

    def _send_row(self, row: Row) -> None:
        def acknowledged(reason: Any) -> None:
            before = self._outbox.refused()
            if reason.is_failure:
                self._outbox.refuse(row.lane, row.seq, str(reason))
                if not before:  # the first is news, the thousandth is a figure
                    log.warning("%s entry %d of the %s lane refused: %s", row.kind, row.seq, row.lane, reason)
            else:
                self._outbox.accept(row.lane, row.seq)
            if self._outbox.refused() != before:
                self._voice.link(True, self._outbox.refused(), str(reason) if reason.is_failure else "")

        self._publish(f"log/{row.kind}", row.payload, acknowledged)

    def _send_present(self) -> float:
        """The newest of each topic that changed, alarms first; seconds until one that was held back may go."""
        self._version, changed = self._present.since(self._version)
        self._changed |= changed
        now, wait = time.monotonic(), 5.0
        for topic in sorted(self._changed, key=lambda topic: not topic.startswith("alarm/")):
            if topic in self._publishing:
                continue  # the newer message goes when the older one is acknowledged
            quiet = self._quiet_until.get(topic, 0.0) - now
            if quiet > 0 and not topic.startswith("alarm/"):
                wait = min(wait, quiet)
            elif self._room(self._window):
                self._send_topic(topic, self._changed.pop(topic))
                self._quiet_until[topic] = now + _PRESENT_EVERY_S
        return wait

    def _send_topic(self, topic: str, payload: bytes) -> None:
        def acknowledged(reason: Any) -> None:
            self._publishing.discard(topic)
            if reason.is_failure:
                self._complain(f"now/{topic}", reason)
            elif not payload:
                self._quiet_until.pop(topic, None)
                self._present.cleared(topic)

        self._publishing.add(topic)
        self._publish(f"now/{topic}", payload, acknowledged, retain=True)

    def _send_answer(self, command: Command, done: Done) -> None:
        payload = to_json(done).encode()
        if command.response_topic is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho's own
            if command.correlation is not None:
                properties.CorrelationData = command.correlation
            self._client.publish(command.response_topic, payload, qos=0, properties=properties)
        self._publish(
            f"done/{command.id}",
            payload,
            lambda reason: self._complain("done/#", reason) if reason.is_failure else None,
        )
        for receipt in self._unacked:
            if receipt[0] is command:
                self._client.ack(receipt[1], receipt[2])  # only now: a crash before this brings it again
                self._unacked.remove(receipt)
                return

    def _publish(
        self, topic: str, payload: bytes, acknowledged: Callable[[Any], None], *, retain: bool = False
    ) -> None:
        info = self._client.publish(f"{self._root}/{topic}", payload, qos=1, retain=retain)
        self._under_way[info.mid] = acknowledged

    # --- paho calls back, in our thread --------------------------------------------------------------------------

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._connack = (flags, reason, properties)

    def _on_disconnect(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._ended = self._ended or str(reason)

    def _on_publish(self, client: Any, data: Any, mid: int, reason: Any, properties: Any) -> None:
        # Not there: the QoS 0 copy of an answer, which paho reports as published as well.
        acknowledged = self._under_way.pop(mid, None)
        if acknowledged is not None:
            acknowledged(reason)

    def _on_subscribe(self, client: Any, data: Any, mid: int, reasons: Any, properties: Any) -> None:
        for reason in reasons:
            if reason.is_failure:
                self._complain("do/#", reason)

    def _complain(self, topic: str, reason: Any) -> None:
        """The broker keeps something from us beside the log; once a connection and topic is enough."""
        if topic not in self._complained:
            self._complained.add(topic)
            log.warning("the broker refuses %s/%s: %s", self._root, topic, reason)

    def _on_message(self, client: Any, data: Any, message: Any) -> None:
        if message.retain:
            log.warning("a retained command on %s is ignored: a command is said once", message.topic)
            client.ack(message.mid, message.qos)
            return
        name = message.topic.removeprefix(f"{self._root}/do/")
        command = read_command(name, message.payload, time.time())
        properties = message.properties
        command = attrs.evolve(
            command,
            response_topic=getattr(properties, "ResponseTopic", None),
            correlation=getattr(properties, "CorrelationData", None),
        )
        self._unacked.append((command, message.mid, message.qos))
        self._voice.request(command)

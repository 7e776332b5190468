"""The contract with the outside, as types: what stands on each topic, and nothing that does anything.

Every class here is one JSON object of ``docs/mqtt.md``. A field whose name is a Python word ends in an underscore,
which the wire does not show (``in_`` is ``in``).
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, Literal, TypedDict

import attrs

ROOT = "hall/v1"

COLOURS = {1: "red", 2: "orange", 3: "yellow", 4: "blue"}

ALARM_CODES = frozenset(
    "FEVER CROWD SURGE WAIT AIR HYGIENE PATROL DEVICE PAPER SYSTEM UPLINK POWER FIRE FIRE-EQUIPMENT PANIC GATHERING "
    "DISTURBANCE ILLNESS SUSPICIOUS AFTER-HOURS TAMPER CLOCK STORAGE".split()
)


class Words(TypedDict):
    """A sentence for people, in both languages."""

    zh: str
    en: str


class Lane(StrEnum):
    """The alarm lane never waits behind the data lane; within a lane, order holds."""

    ALARM = "alarm"
    DATA = "data"


# --- log: every entry once ---------------------------------------------------------------------------------------


@attrs.frozen
class Body:
    """What an entry says beside its envelope. ``urgent``: on disk before anyone is told."""

    kind: ClassVar[str]
    lane: ClassVar[Lane] = Lane.DATA
    urgent: ClassVar[bool] = False

    def travels_in(self) -> Lane:
        return self.lane

    def is_urgent(self) -> bool:
        return self.urgent


class Spread(TypedDict):
    """One quantity over one span."""

    mean: float
    min: float
    max: float
    last: float
    n: int


@attrs.frozen
class Telemetry(Body):
    kind = "telemetry"
    device: str
    span_s: int
    values: dict[str, Spread]


@attrs.frozen
class Screening(Body):
    kind = "screening"
    device: str
    celsius: float
    limit: float
    flagged: bool

    def travels_in(self) -> Lane:
        return Lane.ALARM if self.flagged else Lane.DATA

    def is_urgent(self) -> bool:
        return self.flagged


@attrs.frozen
class Passage(Body):
    kind = "passage"
    device: str
    span_s: float
    in_: int
    out: int
    occupancy: int


@attrs.frozen
class Ticket(Body):
    kind = "ticket"
    urgent = True
    device: str
    step: Literal["issued", "called", "served", "no-show", "void"]
    number: str
    service: str
    counter: int | None = None
    estimated_wait_s: int | None = None
    waited_s: int | None = None
    served_s: int | None = None


@attrs.frozen
class Disinfection(Body):
    kind = "disinfection"
    urgent = True
    zone: str
    by: str
    how: Literal["button", "badge", "code", "staff"]
    round: int


@attrs.frozen
class Patrol(Body):
    kind = "patrol"
    urgent = True
    point: str
    by: str
    findings: str | None = None


@attrs.frozen
class Contact(Body):
    kind = "contact"
    device: str
    closed: bool


class Fault(TypedDict):
    """Why a device is not well."""

    code: str
    text: Words


@attrs.frozen
class DeviceChange(Body):
    kind = "device"
    lane = Lane.ALARM
    urgent = True
    device: str
    health: str
    was: str | None
    fault: Fault | None


@attrs.frozen
class AlarmChange(Body):
    kind = "alarm"
    lane = Lane.ALARM
    urgent = True
    code: str
    source: str
    level: int
    colour: str
    change: Literal["raised", "escalated", "acknowledged", "returned", "cleared", "shelved", "unshelved"]
    text: Words
    value: float | str | None = None
    limit: float | None = None
    by: str | None = None


@attrs.frozen
class Operation(Body):
    """Who did what: every command, carried out or refused."""

    kind = "operation"
    urgent = True
    by: str
    command: str
    args: dict[str, Any]
    ok: bool
    error: Fault | None = None


@attrs.frozen
class Envelope:
    """What names an entry for ever, and when it was."""

    branch: str
    journal: str
    lane: str
    seq: int
    boot: str
    at: float
    synced: bool
    drill: bool = False


def entry_json(envelope: Envelope, kind: str, body: str) -> bytes:
    """An entry as it travels; ``body`` is the JSON object that :func:`to_json` made of its body."""
    head = {
        "schema": f"hall.log.{kind}/1",
        "branch": envelope.branch,
        "journal": envelope.journal,
        "lane": envelope.lane,
        "seq": envelope.seq,
        "boot": envelope.boot,
        "at": rfc3339(envelope.at),
        "clock": "synced" if envelope.synced else "estimated",
        "drill": envelope.drill,
    }
    return f"{_dump(head)[:-1]},{body[1:]}".encode()


# --- now: the present, retained ----------------------------------------------------------------------------------


@attrs.frozen
class DeviceNow:
    schema: ClassVar[str] = "hall.device/1"
    device: str
    class_: str
    part: str
    place: Words | None
    health: str
    fault: Fault | None
    since: str
    last_reading_at: str | None
    due: str | None = None


@attrs.frozen
class AlarmNow:
    schema: ClassVar[str] = "hall.alarm/1"
    code: str
    source: str
    level: int
    colour: str
    state: str
    raised_at: str
    text: Words
    value: float | str | None
    limit: float | None
    drill: bool


@attrs.frozen
class HallNow:
    schema: ClassVar[str] = "hall.now/1"
    open: bool
    occupancy: int
    capacity: int
    waiting: int
    wait_s: int | None
    counters_open: int
    counters_advised: int | None
    entered_today: int
    left_today: int
    flagged_today: int


@attrs.frozen
class AirNow:
    schema: ClassVar[str] = "hall.air/1"
    zone: str
    device: str
    co2_ppm: float | None
    celsius: float | None
    humidity_pct: float | None
    at: str


class HallHead(TypedDict):
    """What a centre shows of a hall before it knows anything else of it."""

    name: Words
    type: str
    capacity: int
    counters: int
    timezone: str


@attrs.frozen
class StateNow:
    schema: ClassVar[str] = "hall.state/1"
    branch: str
    state: Literal["online", "offline"]
    since: str
    boot: str
    journal: str
    version: str
    clock: Literal["synced", "unsynced"]
    hall: HallHead
    reason: str | None = None


# --- do and done: commands ---------------------------------------------------------------------------------------


# What stands for the id in the answer to a request that has none.
NO_ID = "invalid"


@attrs.frozen
class Command:
    """A request, as it came in. ``problem``: why it cannot even be tried (unreadable, expired)."""

    id: str
    name: str
    by: str
    args: Mapping[str, Any]
    problem: Fault | None = None
    response_topic: str | None = None
    correlation: bytes | None = None


@attrs.frozen
class Done:
    """Its answer."""

    schema: ClassVar[str] = "hall.done/1"
    id: str
    command: str
    ok: bool
    at: str
    result: Mapping[str, Any] | None = None
    error: Fault | None = None


MAX_REQUEST_BYTES = 64 * 1024


def read_command(name: str, payload: bytes, wall: float) -> Command:
    """The request in a message on ``do/{name}``; what is wrong with it stands in its ``problem``.

    ``wall`` (epoch seconds) judges its expiry.
    """
    if len(payload) > MAX_REQUEST_BYTES:
        return _unreadable(name, {}, "请求过大", f"a request has at most {MAX_REQUEST_BYTES} bytes")
    try:
        request = json.loads(payload)
    except ValueError:
        return _unreadable(name, {}, "请求不是 JSON", "the request is not JSON")
    if not isinstance(request, dict):
        return _unreadable(name, {}, "请求应为 JSON 对象", "the request must be a JSON object")
    id, by, args = request.get("id"), request.get("by"), request.get("args", {})
    if not isinstance(id, str) or not _is_topic_word(id):
        return _unreadable(
            name, request, "id 应为不含 / + # 的短字符串", "id must be a string of 1 to 64 characters without / + #"
        )
    if not isinstance(by, str) or not 0 < len(by) <= 64:
        return _unreadable(name, request, "by 应写明何人", "by must say who asks, in 1 to 64 characters")
    if not isinstance(args, dict):
        return _unreadable(name, request, "args 应为 JSON 对象", "args must be a JSON object")
    try:
        expired = _is_expired(request.get("expires_at"), wall)
    except ValueError:
        return _unreadable(
            name,
            request,
            "expires_at 应为 RFC 3339 时间",
            "expires_at must be an RFC 3339 time such as 2026-03-02T01:15:00Z",
        )
    problem = _fault("expired", "请求已过期", "the request came after its expires_at") if expired else None
    return Command(id=id, name=name, by=by, args=args, problem=problem)


def _unreadable(name: str, request: Mapping[str, Any], zh: str, en: str) -> Command:
    id, by = request.get("id"), request.get("by")
    return Command(
        id=id if isinstance(id, str) and _is_topic_word(id) else NO_ID,
        name=name,
        by=by[:64] if isinstance(by, str) and by else "?",
        args={},
        problem=_fault("bad-request", zh, en),
    )


def _fault(code: str, zh: str, en: str) -> Fault:
    return {"code": code, "text": {"zh": zh, "en": en}}


def _is_expired(expires_at: object, wall: float) -> bool:
    """Raises ValueError when it is no time."""
    if expires_at is None:
        return False
    if not isinstance(expires_at, str):
        raise ValueError("not a string")
    instant = datetime.fromisoformat(expires_at)
    if instant.tzinfo is None:
        raise ValueError("no time zone")
    return instant.timestamp() < wall


def _is_topic_word(word: str) -> bool:
    return 0 < len(word) <= 64 and word.isprintable() and not set(word) & set("/+#")


# --- JSON --------------------------------------------------------------------------------------------------------


def to_json(message: Any) -> str:
    """One of the classes above as its JSON object; ``schema`` first where it has one."""
    schema = getattr(message, "schema", None)
    head = {} if schema is None else {"schema": schema}
    fields = {a.name.rstrip("_"): getattr(message, a.name) for a in attrs.fields(type(message))}
    if isinstance(message, Done):
        fields.pop("error" if message.ok else "result")
    if isinstance(message, StateNow) and message.reason is None:
        fields.pop("reason")
    return _dump(head | fields)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def rfc3339(wall: float) -> str:
    """Epoch seconds as UTC with milliseconds and Z."""
    # Milliseconds are cut, not rounded: 23:59:59.9999 stays in its day.
    millis = int(wall * 1000)
    instant = datetime.fromtimestamp(millis // 1000, UTC)
    return f"{instant:%Y-%m-%dT%H:%M:%S}.{millis % 1000:03d}Z"

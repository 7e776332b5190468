"""Face terminal (Hikvision-style access terminals with a thermometer) on the hall's network: a temperature a person.

Wiring: an Ethernet cable; the terminal needs a fixed address and a user of its own that may only look at events. Two
ways to ask, both with a digest login::

    POST /ISAPI/AccessControl/AcsEvent?format=json
      {"AcsEventCond": {"searchID", "searchResultPosition", "maxResults", "major": 0, "minor": 0, "startTime", "endTime"}}
      {"AcsEvent": {"totalMatches": 153, "responseStatusStrg": "MORE", "numOfMatches": 30, "InfoList": [
        {"serialNo": 85793, "currTemperature": 36.600000, "thermometryUnit": "celsius", ... name, number, photo ...}]}}

    GET /ISAPI/Event/notification/alertStream      multipart, a part an event, photos between them:
      {"eventType": "AccessControllerEvent", "AccessControllerEvent": {"serialNo": 257, "currentEvent": true, ...}}

Sources: the record above is one of a terminal as a public page prints it (its neighbours misspell
``isAbnomalTemperature``); bounds of 30 a page from the terminal's own capabilities as public clients quote them; the
stream's event from pergolafabio/Hikvision-Addons#177, its parts from home-assistant/core#82767, where it also ends every
now and then. That a part with a face carries the temperature under the same names as a record is taken for granted.

**Names, numbers and photos end here**: of a record the serial number, the temperature and its unit are read, the rest is
never kept, logged or passed on, and no photo is asked for.

The terminal's clock may be wrong by hours, so no time of its own is looked at: the search spans all times, and goes on
from the last page known. Pages repeat records, and so does a stream after a break: each serial number counts once. What
was there before the first answer is history, what came in an interruption is told late. A record without a temperature
(a card, a door) is nobody screened.
"""

import json
import math
import ssl
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import attrs
from attrs import validators

from devices.faults import DeviceFault, fault
from devices.part import Driver, Mount, NetworkSettings, Part, Wire
from devices.reading import Reading
from devices.temperature.digest import DigestClient, Listening, Refused, nonsense
from devices.temperature.lane import Lane

_EVENTS = "/ISAPI/AccessControl/AcsEvent?format=json"
_STREAM = "/ISAPI/Event/notification/alertStream"
_PAGE = 30
_OVERLAP = 10  # known records asked for again, so that a full memory that drops its oldest hides none
_PAGES = 20  # a poll; the rest at the next
_REMEMBERED = 1000
_FACE_RANGE_C = (20.0, 50.0)
_QUIET_S = 60.0  # the stream has a heartbeat; without one it is dead
_TIMES = 3  # failures in a row before they are told
_REFUSED_S = 600.0  # between two logins that may both be refused: five in half an hour lock the account
_PART_BYTES, _HEAD_BYTES = 1 << 20, 4096

_FIELDS = {
    "list": "AcsEvent.InfoList",
    "serial": "serialNo",
    "temperature": "currTemperature",
    "unit": "thermometryUnit",
}


def _known_fields(instance: object, attribute: object, value: dict[str, str]) -> None:
    if unknown := sorted(set(value) - set(_FIELDS)):
        names = ", ".join(_FIELDS)
        raise ValueError(
            {
                "zh": f"fields 只能包含 {names}，不能有 {'、'.join(unknown)}",
                "en": f"fields knows {names}, and not {', '.join(unknown)}",
            }
        )


@attrs.frozen(kw_only=True)
class Settings(Lane, NetworkSettings):
    """``mode``  ``poll`` asks every ``interval_s``, ``stream`` listens; ``get`` fetches ``path`` of another vendor's.

    ``fields``  where in such an answer the list stands (with dots), and what the fields of a record are called.
    ``unit``    of temperatures that do not say theirs. ``ca_file``  whom to trust with ``https``.
    """

    host: str = attrs.field(validator=validators.matches_re(r"[A-Za-z0-9.:-]+"))
    port: int = attrs.field(default=0, validator=[validators.ge(0), validators.le(65535)])
    username: str = attrs.field(validator=validators.min_len(1))
    password: str = attrs.field(repr=False, validator=validators.min_len(1))
    https: bool = False
    ca_file: str = ""
    mode: Literal["poll", "stream", "get"] = attrs.field(
        default="poll", validator=validators.in_(("poll", "stream", "get"))
    )
    path: str = attrs.field(default="", validator=validators.matches_re(r"(/\S*)?"))
    fields: dict[str, str] = attrs.field(factory=dict, validator=_known_fields)
    unit: Literal["celsius", "fahrenheit"] = attrs.field(
        default="celsius", validator=validators.in_(("celsius", "fahrenheit"))
    )
    interval_s: float = attrs.field(default=1.0, validator=[validators.ge(0.2), validators.le(60.0)])
    timeout_s: float = attrs.field(default=3.0, validator=[validators.ge(0.05), validators.le(30.0)])

    def __attrs_post_init__(self) -> None:
        if self.mode == "get" and not self.path:
            raise ValueError({"zh": "mode: get 需要 path", "en": "mode: get needs a path"})

    @property
    def reached_at(self) -> int:
        """The port, whatever it is by default."""
        return self.port or (443 if self.https else 80)

    def claims(self) -> list[str]:
        return [f"{self.host}:{self.reached_at}"]


class FaceTerminal(Driver):
    """Reading: ``face_celsius``, one for each person that the terminal has measured."""

    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        self._settings = settings
        self._mount = mount
        self._fields = _FIELDS | settings.fields
        context = ssl.create_default_context(cafile=settings.ca_file or None) if settings.https else None
        self._client = DigestClient(
            settings.host, settings.reached_at, settings.username, settings.password, settings.timeout_s, context
        )
        self._seen: deque[int | str] = deque(maxlen=_REMEMBERED)
        self._begun = False
        self._total = 0
        self._failures = 0
        self._stream: Listening | None = None
        self._parts = Parts()
        self._heard_at = -math.inf
        self.interval_s = settings.interval_s

    def poll(self) -> Iterable[Reading]:
        try:
            records = self._listen() if self._settings.mode == "stream" else self._ask()
        except DeviceFault as found:
            self._hang_up()
            return self._failed(found)
        self._failures, self.interval_s = 0, self._settings.interval_s
        return self._readings(records)

    def close(self) -> None:
        self._hang_up()

    def _failed(self, found: DeviceFault) -> Iterable[Reading]:
        """One lost answer is no lost terminal; but a refused login is told, and left alone, at once."""
        self._failures += 1
        if isinstance(found, Refused):
            self.interval_s = _REFUSED_S
        elif self._failures < _TIMES:
            return ()
        raise found

    def _readings(self, records: list[Mapping[str, Any]]) -> Iterable[Reading]:
        readings: list[Reading] = []
        beyond: float | None = None
        for record in records:
            celsius = self._celsius(record)
            if celsius is None:
                continue
            if _FACE_RANGE_C[0] <= celsius <= _FACE_RANGE_C[1]:
                at = self._mount.now()
                readings.append(Reading(self._settings.id, "face_celsius", celsius + self._settings.offset_c, at))
            else:
                beyond = celsius
        if beyond is not None and not readings:
            raise fault("out-of-range", detail=f"{beyond:.1f} ℃")
        return readings

    def _celsius(self, record: Mapping[str, Any]) -> float | None:
        value = record.get(self._fields["temperature"])
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            return None
        unit = str(record.get(self._fields["unit"]) or self._settings.unit).lower()
        if unit.startswith("f"):
            return (value - 32) * 5 / 9
        return value - 273.15 if unit.startswith("k") else float(value)

    def _new(self, records: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Those whose serial number has not been seen."""
        new = []
        for record in records:
            serial = record.get(self._fields["serial"])
            if isinstance(serial, int | str) and serial not in self._seen:
                self._seen.append(serial)
                new.append(record)
        return new

    # Asking.

    def _ask(self) -> list[Mapping[str, Any]]:
        if self._settings.mode == "get":
            answer = _json(self._client.ask("GET", self._settings.path))
            new = self._new(_list(answer, self._fields["list"]))
        elif not self._begun:
            self._total = self._page(0, 1)[1]
            new = self._new_pages()
        else:
            new = self._new_pages()
        begun, self._begun = self._begun, True
        return new if begun else []

    def _new_pages(self) -> list[Mapping[str, Any]]:
        new: list[Mapping[str, Any]] = []
        position = max(0, self._total - _OVERLAP)
        for _ in range(_PAGES):
            records, total, more = self._page(position, _PAGE)
            if not more:
                self._forget_after_reset(records)
            new += self._new(records)
            if not more or not records:
                self._total = total
                return new
            position += max(1, len(records) - _OVERLAP)
        self._total = position + _OVERLAP  # there is more than a poll takes: from here at the next
        return new

    def _forget_after_reset(self, newest: list[Mapping[str, Any]]) -> None:
        """Serial numbers that have gone back begin anew, and are other people's."""
        serials = [serial for record in newest if isinstance(serial := record.get(self._fields["serial"]), int)]
        seen = [serial for serial in self._seen if isinstance(serial, int)]
        if serials and seen and max(serials) < max(seen):
            self._seen.clear()

    def _page(self, position: int, count: int) -> tuple[list[Mapping[str, Any]], int, bool]:
        condition = {
            "searchID": f"{self._settings.id}-{self._mount.now():.3f}-{position}",
            "searchResultPosition": position,
            "maxResults": count,
            "major": 0,
            "minor": 0,
            "startTime": "2000-01-01T00:00:00+08:00",
            "endTime": "2037-12-31T23:59:59+08:00",
        }
        body = json.dumps({"AcsEventCond": condition}).encode()
        answer = _json(self._client.ask("POST", self._settings.path or _EVENTS, body))
        event = answer.get("AcsEvent")
        if not isinstance(event, Mapping) or not isinstance(event.get("totalMatches"), int):
            raise nonsense("no AcsEvent")
        return _list(answer, self._fields["list"]), event["totalMatches"], event.get("responseStatusStrg") == "MORE"

    # Listening.

    def _listen(self) -> list[Mapping[str, Any]]:
        now = self._mount.now()
        if self._stream is None:
            self._stream = self._client.listen(self._settings.path or _STREAM)
            self._parts, self._heard_at = Parts(), now
        data = self._stream.hear()
        if data:
            self._heard_at = now
        elif now - self._heard_at > _QUIET_S:
            raise fault("unplugged", detail="no heartbeat")
        return self._new([event for part in self._parts.feed(data) if (event := _event(part))])

    def _hang_up(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


class Parts:
    """Cuts the JSON parts out of a multipart stream; photos and all else are thrown away as they come."""

    def __init__(self) -> None:
        self._buffer = b""
        self._skip = 0
        self._want = 0

    def feed(self, data: bytes) -> list[bytes]:
        self._buffer += data
        parts: list[bytes] = []
        while self._step(parts):
            pass
        return parts

    def _step(self, parts: list[bytes]) -> bool:
        """One thing forward; False when more must come."""
        if self._skip:
            skipped = min(self._skip, len(self._buffer))
            self._buffer, self._skip = self._buffer[skipped:], self._skip - skipped
            return not self._skip
        if self._want:
            if len(self._buffer) < self._want:
                return False
            parts.append(self._buffer[: self._want])
            self._buffer, self._want = self._buffer[self._want :], 0
            return True
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            self._buffer = self._buffer[-_HEAD_BYTES:]
            return False
        self._buffer = rest
        headers = dict(line.lower().partition(b":")[::2] for line in head.split(b"\r\n"))
        length = headers.get(b"content-length", b"").strip()
        size = int(length) if length.isdigit() else 0
        if b"json" in headers.get(b"content-type", b"") and size <= _PART_BYTES:
            self._want = size
        else:
            self._skip = size
        return True


def _event(part: bytes) -> Mapping[str, Any] | None:
    """What has just happened at the terminal; its heartbeat and what it tells later are neither."""
    event = _json(part).get("AccessControllerEvent")
    return event if isinstance(event, Mapping) and event.get("currentEvent") is not False else None


def _json(data: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(data)
    except ValueError:
        raise nonsense("no JSON") from None  # and not what it says instead: it may hold names
    if not isinstance(answer, Mapping):
        raise nonsense("no JSON object")
    return answer


def _list(answer: Mapping[str, Any], where: str) -> list[Mapping[str, Any]]:
    found: Any = answer
    for name in where.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return [record for record in found if isinstance(record, Mapping)] if isinstance(found, list) else []


PART = Part(
    name="face-terminal",
    kind="thermometer",
    says={"zh": "人脸测温终端", "en": "face terminal with thermometer"},
    wires=(Wire.NETWORK,),
    settings=Settings,
    driver=FaceTerminal,
)

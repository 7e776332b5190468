"""Queue system of another maker, asked for its latest events by HTTP: a JSON list and a map of its fields.

The system, or a small script beside it, answers ``GET url`` with what has happened lately, newest or oldest first::

    {"data": {"list": [{"id": 811, "status": "CALL", "ticketNo": "A012", "window": "3"}, …]}}

    items: data.list
    fields: {id: id, step: status, number: ticketNo, counter: window}
    steps: {TAKE: issued, CALL: called, END: served}

Nothing here is a maker's protocol: the hall file says what the fields are called. It is asked, and does not send,
because the gateway has one door of its own on the hall's network, the page's.

An entry is told once for each of its ``id`` and step, however long the list shows it. What the first answer lists is
history. As many entries should be in an answer as can happen in some minutes; what has dropped out of the list between
two answers is lost.

At most 1 MiB and 5000 entries are read of an answer. Redirections are not followed (the token would go along) and no
proxy is asked. ``token_file`` holds what is sent in the header ``token_header``, such as ``Bearer 8f…``: a file of its
own, so that the hall file can be shown to anybody.

A failed question is asked again after twice the time, at most every 30 s; failing for 10 s is a fault, and the next
good answer ends it, whatever it says.
"""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterable
from typing import Any

import attrs
from attrs import validators

from devices.faults import DeviceFault, Words
from devices.part import Driver, Mount, Part, Wire
from devices.reading import Reading
from devices.tickets.farend import FarEndSettings, far_end
from devices.tickets.ticketing import Ticketing, are_steps, said

FIELDS = ("id", "step", "number", "service", "counter")
_LARGEST_BYTES = 1 << 20
_MOST_ENTRIES = 5000
_REMEMBERED = 4 * _MOST_ENTRIES
_LASTING_S = 10.0
_SLOWEST_S = 30.0
_PATH = r"[^.\s]{1,64}(\.[^.\s]{1,64}){0,7}"


def _are_fields(instance: object, attribute: object, fields: dict[str, str]) -> None:
    for name in fields:
        if name not in FIELDS:
            raise ValueError(f"fields are {', '.join(FIELDS)}: {name!r}")
    if not {"id", "step"} <= fields.keys() or not {"number", "counter"} & fields.keys():
        raise ValueError(
            {
                "zh": "fields 须有 id、step，并有 number 或 counter",
                "en": "fields need id and step, and number or counter",
            }
        )


@attrs.frozen(kw_only=True)
class Settings(Ticketing, FarEndSettings):
    """``items``   where in the answer the list is, names joined by dots; empty: the answer is the list.
    ``newest_first``  the order of the list; what happened is told in the order in which it did.
    ``fields``  our names to the system's, names joined by dots; ``steps`` its words to ``issued``, ``called``, ``served``.
    """

    url: str = attrs.field(validator=validators.matches_re(r"https?://[^\s@]+"))
    fields: dict[str, str] = attrs.field(
        validator=[_are_fields, validators.deep_mapping(value_validator=validators.matches_re(_PATH))]
    )
    steps: dict[str, str] = attrs.field(validator=are_steps)
    items: str = attrs.field(default="", validator=validators.matches_re(rf"({_PATH})?"))
    newest_first: bool = True
    token_file: str | None = attrs.field(default=None, validator=validators.optional(validators.matches_re(r"/\S+")))
    token_header: str = attrs.field(default="Authorization", validator=validators.matches_re(r"[A-Za-z0-9-]{1,64}"))
    interval_s: float = attrs.field(default=2.0, validator=[validators.ge(0.5), validators.le(60.0)])
    timeout_s: float = attrs.field(default=3.0, validator=[validators.ge(0.5), validators.le(10.0)])


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """What asks to be redirected is an answer like any other that is no use."""


class QueueHttp(Driver):
    """Reading: ``ticket`` (``step number service counter``)."""

    talks = True

    def __init__(self, settings: Settings, mount: Mount) -> None:
        self._settings = settings
        self._mount = mount
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
        self._seen: dict[tuple[str, str], None] | None = None  # oldest first; None: nothing was answered yet
        self._good_at = mount.now()
        self.interval_s = settings.interval_s

    def open(self) -> None:
        self._good_at = self._mount.now()

    def poll(self) -> Iterable[Reading]:
        try:
            entries = entries_of(self._ask(), self._settings.items)
        except DeviceFault:
            self.interval_s = min(self.interval_s * 2, _SLOWEST_S)
            if self._mount.now() - self._good_at >= _LASTING_S:
                raise
            return ()
        self._good_at = self._mount.now()
        self.interval_s = self._settings.interval_s
        return [Reading(self._settings.id, "ticket", told, self._good_at) for told in self._news(entries)]

    def _news(self, entries: list[Any]) -> list[str]:
        first = self._seen is None
        seen = self._seen if self._seen is not None else {}
        news: list[str] = []
        for entry in reversed(entries) if self._settings.newest_first else entries:
            fields = {name: text_at(entry, path) for name, path in self._settings.fields.items()}
            step = self._settings.steps.get(fields["step"])
            if step is None or not fields["id"]:
                continue
            key = (fields["id"], step)
            known = key in seen
            seen.pop(key, None)
            seen[key] = None
            counter = fields.get("counter", "") if step != "issued" else ""
            told = said(self._settings, step, fields.get("number", ""), fields.get("service", ""), counter)
            if told is not None and not known and not first:
                news.append(told)
        while len(seen) > _REMEMBERED:
            del seen[next(iter(seen))]
        self._seen = seen
        return news

    def _ask(self) -> bytes:
        """The body of the answer. Raises DeviceFault."""
        request = urllib.request.Request(far_end(self._settings, self._settings.url))
        request.add_header("Accept", "application/json")
        if self._settings.token_file is not None:
            request.add_unredirected_header(self._settings.token_header, _token(self._settings.token_file))
        until = self._mount.now() + self._settings.timeout_s
        try:
            with self._opener.open(request, timeout=self._settings.timeout_s) as response:
                body = b""
                while piece := response.read1(65536):
                    body += piece
                    if len(body) > _LARGEST_BYTES:
                        raise _no_use("answer too long")
                    if self._mount.now() > until:  # the time-out is for each piece, and there may be many
                        raise TimeoutError
        except urllib.error.HTTPError as refusal:
            refusal.close()
            raise _refused(refusal.code) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _no_answer(error) from error
        return body


def entries_of(body: bytes, items: str) -> list[Any]:
    """The list in an answer. Raises DeviceFault."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise _no_use("no JSON") from None
    for name in items.split(".") if items else ():
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, list):
        raise _no_use(f"no list at {items or 'the top'}")
    return found[:_MOST_ENTRIES]


def text_at(entry: Any, path: str) -> str:
    """The text or whole number at that path of an entry; empty if there is none."""
    for name in path.split("."):
        entry = entry.get(name) if isinstance(entry, dict) else None
    return str(entry) if isinstance(entry, str | int) and not isinstance(entry, bool) else ""


def _token(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read(4096).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DeviceFault(
            "offline",
            {
                "zh": f"无法读取令牌文件：请检查 token_file 及其权限（{path}）",
                "en": f"the token file cannot be read: check token_file and its rights ({path})",
            },
        ) from error


def _refused(status: int) -> DeviceFault:
    if status in (401, 403):
        words: Words = {
            "zh": f"排队系统拒绝访问：请检查令牌（HTTP {status}）",
            "en": f"the queue system refuses us: check the token (HTTP {status})",
        }
        return DeviceFault("offline", words)
    return _no_use(f"HTTP {status}")


def _no_use(detail: str) -> DeviceFault:
    return DeviceFault(
        "offline",
        {
            "zh": f"排队系统的应答无法使用：请核对 url、items 和 fields，或联系其厂家（{detail}）",
            "en": f"the queue system's answer is no use: check url, items and fields, or ask its maker ({detail})",
        },
    )


def _no_answer(error: Exception) -> DeviceFault:
    why = getattr(error, "reason", error)
    return DeviceFault(
        "unplugged",
        {
            "zh": f"排队系统无应答：请检查网络、地址和该系统是否运行（{type(why).__name__}）",
            "en": f"no answer from the queue system: check network, address and whether it runs ({type(why).__name__})",
        },
    )


PART = Part(
    name="queue-http",
    kind="tickets",
    says={"zh": "第三方排队系统（HTTP 接口）", "en": "another maker's queue system, by HTTP"},
    wires=(Wire.NETWORK,),
    settings=Settings,
    driver=QueueHttp,
)

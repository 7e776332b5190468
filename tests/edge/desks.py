"""A desk without a gateway behind it: what it shows and answers is the test's to say."""

from collections.abc import Callable
from typing import Any

from devices.faults import Words, fault
from edge.present import Present
from mqtt.messages import (
    COLOURS,
    AirNow,
    AlarmNow,
    DeviceNow,
    Done,
    Fault,
    HallNow,
    rfc3339,
    to_json,
)

NOON = 1772424000.0  # 2026-03-02T12:00 in Shanghai


def text(zh: str, en: str) -> Words:
    return {"zh": zh, "en": en}


class FakeDesk:
    """``asked`` keeps what was asked for; ``refuse`` lets the next answers be refusals."""

    def __init__(self) -> None:
        self.present = Present()
        self.asked: list[tuple[str, dict[str, Any], str]] = []
        self.alive = True
        self.speed: float | None = None
        self.connected = True
        self.refuse: Callable[[str], Fault | None] = lambda name: None

    def status(self) -> dict[str, Any]:
        return {
            "branch": "jingan-0042",
            "name": text("静安营业厅", "Jing'an hall"),
            "type": "medium",
            "capacity": 33,
            "counters": 8,
            "crowd_warn": 0.8,
            "timezone": "Asia/Shanghai",
            "version": "0.1.0",
            "since": rfc3339(NOON - 3600),
            "wall": rfc3339(NOON),
            "clock": "synced",
            "boot": "b00t",
            "journal": "j0urnal",
            "simulated": self.speed is not None,
            "speed": self.speed,
            "uplink": {
                "address": "mqtts://broker.example:8883",
                "connected": self.connected,
                "waiting": 12,
                "refused": 0,
            },
            "inbox_dropped": 0,
            "alive": self.alive,
        }

    def ask(self, name: str, args: dict[str, Any], by: str) -> Done:
        self.asked.append((name, args, by))
        error = self.refuse(name)
        at = rfc3339(NOON)
        return Done(id="local-1", command=name, ok=error is None, at=at, result=args, error=error)

    # --- the present ---------------------------------------------------------------------------------------------

    def tell_hall(self, occupancy: int = 12) -> None:
        now = HallNow(
            open=True,
            occupancy=occupancy,
            capacity=33,
            waiting=2,
            wait_s=250,
            counters_open=5,
            counters_advised=None,
            entered_today=214,
            left_today=202,
            flagged_today=0,
        )
        self._tell("hall", now)

    def tell_alarm(
        self, code: str, source: str, level: int = 4, state: str = "unacknowledged", ago_s: float = 60
    ) -> None:
        now = AlarmNow(
            code=code,
            source=source,
            level=level,
            colour=COLOURS[level],
            state=state,
            raised_at=rfc3339(NOON - ago_s),
            text=text(f"{source} 报警", f"alarm of {source}"),
            value=None,
            limit=None,
            drill=False,
        )
        self._tell(f"alarm/{code}/{source}", now)

    def tell_device(self, device: str, code: str | None = None) -> None:
        why: Fault | None = {"code": code, "text": fault(code).text} if code else None
        now = DeviceNow(
            device=device,
            class_="door",
            part="beams",
            place=text("正门", "main door"),
            health="failed" if code else "ok",
            fault=why,
            since=rfc3339(NOON),
            last_reading_at=rfc3339(NOON),
        )
        self._tell(f"device/{device}", now)

    def tell_air(self, zone: str) -> None:
        now = AirNow(zone=zone, device=f"air-{zone}", co2_ppm=640.0, celsius=23.4, humidity_pct=None, at=rfc3339(NOON))
        self._tell(f"air/{zone}", now)

    def clear(self, topic: str) -> None:
        self.present.tell({topic: b""})

    def _tell(self, topic: str, message: Any) -> None:
        self.present.tell({topic: to_json(message).encode()})

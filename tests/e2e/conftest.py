"""The installed command as a process of its own, against a real broker."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


class Gateway:
    """``hallgate run`` with its state; started, killed and started again."""

    def __init__(self, state: Path, url: str, *args: str, hall: Path) -> None:
        self.state = state
        self._command = [
            *(sys.executable, "-m", "hallgate", "run", "--hall", str(hall), "--state", str(state)),
            *("--uplink", url, "--port", "0", *args),
        ]
        self._log = state.parent / "gateway.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, env=os.environ | {"LANG": "C.UTF-8"}
            )

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def stop(self) -> int:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(20)
        self._process = None
        return code

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        return self._log.read_text("utf-8")

    def end(self) -> None:
        if self.is_running():
            self.kill()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """``gateway(url, "--fake", "rush")`` builds one; ``hall`` names another hall file than the medium example."""
    made: list[Gateway] = []

    def make(url: str, *args: str, hall: Path = EXAMPLES / "medium.yaml") -> Gateway:
        made.append(Gateway(tmp_path / "state", url, *args, hall=hall))
        return made[-1]

    yield make
    for one in made:
        one.end()


def entries(payloads: list[tuple[str, bytes, bool]]) -> list[dict[str, Any]]:
    """The log entries among messages, as they came."""
    return [json.loads(payload) for topic, payload, _ in payloads if "/log/" in topic]


def check_conservation(messages: list[tuple[str, bytes, bool]], journal: Path) -> dict[str, int]:
    """Every entry of the journal has arrived, with its content, under one name only; how many came how often.

    Raises AssertionError with what is missing, unknown or contradicting.
    """
    arrived: dict[tuple[str, str, int], bytes] = {}
    repeated = 0
    for topic, payload, _ in messages:
        if "/log/" not in topic:
            continue
        entry = json.loads(payload)
        name = (entry["journal"], entry["lane"], entry["seq"])
        assert arrived.setdefault(name, payload) == payload, f"{name} came with two contents"
        repeated += arrived[name] is not payload
    db = sqlite3.connect(journal)
    id = db.execute("SELECT value FROM meta WHERE name = 'journal'").fetchone()[0]
    issued = {(id, lane, seq): body for lane, seq, body in db.execute("SELECT lane, seq, body FROM entry")}
    db.close()
    assert arrived.keys() == issued.keys(), (
        f"missing {sorted(issued.keys() - arrived.keys())[:5]}, unknown {sorted(arrived.keys() - issued.keys())[:5]}"
    )
    assert all(arrived[name].endswith(body[1:].encode()) for name, body in issued.items())
    for lane in ("alarm", "data"):
        numbers = sorted(seq for _, its_lane, seq in arrived if its_lane == lane)
        assert numbers == list(range(1, len(numbers) + 1)), f"a hole in the {lane} lane"
    return {"entries": len(arrived), "repeated": repeated}

"""Takes the README's pictures of the page: a simulated hall at work, seen by headless Chromium. `make picture`."""

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from mqtt.broker import free_port

HERE = Path(__file__).parent
_HALL = HERE.parent / "examples" / "medium.yaml"
_WAIT_S = 120.0
_CHROMIUM = [
    *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--timeout=8000"),
]


def main() -> None:
    port = free_port(8080)
    with tempfile.TemporaryDirectory() as folder:
        gateway = subprocess.Popen(
            [
                *(sys.executable, "-m", "hallgate", "run", "--hall", str(_HALL), "--state", f"{folder}/state"),
                *("--fake", "demo", "--speed", "60", "--port", str(port)),
            ],
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for_something_to_see(port)
            for name, language in (("page", "en"), ("page-zh", "zh-CN")):
                # Twice: the first start of a browser is slow, and its picture is taken before the page has its data.
                for target in (f"{folder}/{name}.png", f"{HERE / name}.png"):
                    _shoot(f"http://127.0.0.1:{port}/", language, f"{folder}/{name}", target)
        finally:
            gateway.terminate()
            gateway.wait(20)


def _shoot(url: str, language: str, profile: str, target: str) -> None:
    subprocess.run(
        [
            *_CHROMIUM,
            *(f"--lang={language}", f"--accept-lang={language}", "--window-size=1280,900"),
            *(f"--user-data-dir={profile}", f"--screenshot={target}", url),
        ],
        check=True,
        stderr=subprocess.DEVNULL,
        timeout=60,
    )


def _wait_for_something_to_see(port: int) -> None:
    """A hall with people in it and an alarm."""
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        time.sleep(0.5)
        try:
            hall, alarms = (
                json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/api/{what}", timeout=5))
                for what in ("hall", "alarms")
            )
        except (OSError, ValueError):
            continue
        if hall and hall.get("occupancy", 0) >= 8 and len(alarms) >= 2:
            return


if __name__ == "__main__":
    main()

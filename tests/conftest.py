"""What rooms of the tests share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.brokers import Mosquitto, Reader


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """``mosquitto("max_inflight_messages 5")`` starts one with those lines in its configuration."""
    started: list[Mosquitto] = []

    def make(*lines: str) -> Mosquitto:
        folder = tmp_path / f"mosquitto-{len(started)}"
        folder.mkdir()
        started.append(Mosquitto(folder, *lines))
        return started[-1].start()

    yield make
    for broker in started:
        broker.kill()


@pytest.fixture
def reader() -> Iterator[Callable[..., Reader]]:
    """``reader(port)`` gives a subscriber that keeps everything."""
    readers: list[Reader] = []

    def make(port: int, *args: str, **more: bool) -> Reader:
        readers.append(Reader(port, *args, **more))
        return readers[-1]

    yield make
    for one in readers:
        one.close()

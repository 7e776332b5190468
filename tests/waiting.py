"""Waiting for something outside of our own time, such as a real broker: polled, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def eventually(ask: Callable[[], Answer], within: float = 15.0) -> Answer:
    """The first answer that is true; the last one when the deadline has passed."""
    deadline = time.monotonic() + within
    while True:
        answer = ask()
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(0.02)

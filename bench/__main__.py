"""``python -m bench [steady|replay]``: the table, or with ``--json`` one object."""

import argparse
import json
import logging
import platform
import signal
import sys
from pathlib import Path
from typing import Any

import attrs

from bench import replay, steady
from bench.broker import NoBroker


def main() -> int:
    arguments = _parser().parse_args()

    def say(text: str) -> None:
        print(f"… {text}", file=sys.stderr, flush=True)

    # However it is ended, it takes down what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    logging.disable()  # the simulated devices fail on purpose
    results: dict[str, Any] = {}
    tables = []
    try:
        if arguments.scenario in (None, "steady"):
            cost = steady.measure(
                devices=arguments.devices,
                seconds=arguments.seconds,
                fevers=arguments.fevers,
                folder=arguments.folder,
                say=say,
            )
            results["steady"] = attrs.asdict(cost)
            tables.append(steady.table(cost))
        if arguments.scenario in (None, "replay"):
            again = replay.measure(hours=arguments.hours, say=say)
            results["replay"] = attrs.asdict(again)
            tables.append(replay.table(again))
    except (NoBroker, replay.Different) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    machine = {"machine": platform.machine(), "system": platform.platform(), "python": platform.python_version()}
    if arguments.json:
        print(json.dumps({"on": machine, **results}, ensure_ascii=False))
    else:
        print("\n\n".join([f"Python {machine['python']} on {machine['system']}", *tables]))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description="What hallgate costs, and how fast it is.")
    parser.add_argument("scenario", nargs="?", choices=["steady", "replay"], help="all of them where none is named")
    parser.add_argument("--json", action="store_true", help="one object instead of the table")
    parser.add_argument("--seconds", type=float, default=60.0, help="steady: of quiet time; whole minutes are fairest")
    parser.add_argument("--devices", type=int, default=20, help="steady: each with a port of its own")
    parser.add_argument("--fevers", type=int, default=100, help="steady: alarms to time")
    parser.add_argument("--folder", type=Path, default=steady.FOLDER, help="steady: on the disk that is measured")
    parser.add_argument("--hours", type=float, default=1.0, help="replay: of a simulated day")
    return parser


if __name__ == "__main__":
    sys.exit(main())

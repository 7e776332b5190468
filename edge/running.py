"""``hallgate run`` and ``hallgate demo``: a gateway in the foreground, until a signal ends it."""

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from devices.clock import BoardClock
from devices.wires import BoardWires
from edge import hallfile
from edge.agent import Agent
from edge.control import default_state
from edge.errors import HallgateError, Misconfigured
from edge.hallfile import HallFile, HallFileError, PageSettings
from edge.language import language, pick
from edge.page.app import make_app
from edge.page.server import on_port, on_socket
from mqtt.uplink import Address, BadAddress

log = logging.getLogger(__name__)

_DEMO_SPEED = 30.0
_DEMO_HALL = "medium.yaml"


@click.command()
@click.option("--hall", "hall_path", type=click.Path(path_type=Path), default=hallfile.DEFAULT, show_default=True)
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), help="Where the journal lives.")
@click.option("--uplink", "url", help="The centre's broker, instead of the hall file's: mqtts://host:8883")
@click.option(
    "--fake",
    is_flag=False,
    flag_value="quiet",
    metavar="[SCENARIO]",
    help="Simulate every bus: quiet, rush, fever, bad-air, faults, a file of one's own, or recording:FILE.csv",
)
@click.option("--speed", type=click.FloatRange(0, min_open=True), help="Simulated seconds a second, with --fake.")
@click.option("--port", type=click.IntRange(0, 65535), help="Of the local page; 0 turns it off.")
def run(
    hall_path: Path, state: Path | None, url: str | None, fake: str | None, speed: float | None, port: int | None
) -> None:
    """Run the gateway of one hall. 运行网关"""
    _log_to_stderr()
    if speed is not None and fake is None:
        raise click.UsageError("--speed lets a simulated hall's time run faster; it needs --fake")
    hall_file = _load(hall_path)
    page = hall_file.page if port is None else PageSettings(port=port, address=hall_file.page.address)
    try:
        address = _address(hall_file, url)
        with gateway(hall_file, state or default_state(), address, page, fake, speed or 1.0) as agent:
            agent.run()
    except HallgateError as error:
        _give_up(error)


@click.command()
@click.option("--speed", type=click.FloatRange(0, min_open=True), default=_DEMO_SPEED, show_default=True)
@click.option("--scenario", default="demo", show_default=True, help="As --fake of run.")
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="Of the page.")
@click.option("--mqtt-port", type=click.IntRange(1, 65535), default=1883, show_default=True)
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), help="Keep its journal there.")
def demo(speed: float, scenario: str, port: int, mqtt_port: int, state: Path | None) -> None:
    """A virtual hall with a broker inside: nothing else is needed. 演示"""
    # Only the demo needs a broker of its own; a board does without.
    import tempfile

    from edge.progress import Progress
    from mqtt.broker import BrokerUnavailable, DemoBroker, free_port

    _log_to_stderr(logging.ERROR)
    with ExitStack() as stack:
        try:
            broker = DemoBroker(free_port(mqtt_port))
            broker.start()
        except BrokerUnavailable as error:
            _give_up(Misconfigured(f"the demo's broker does not start ({error}): pip install 'hallgate[demo]'"))
        stack.callback(broker.stop)
        if state is None:
            state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hallgate-demo-")))
        hall_file = _load(_example(_DEMO_HALL))
        page = PageSettings(port=free_port(port), address="127.0.0.1")
        address = Address.of(f"mqtt://127.0.0.1:{broker.port}", only_311=True)
        try:
            with gateway(hall_file, state, address, page, scenario, speed) as agent:
                progress = Progress(agent, language())
                progress.greet(page.port, broker.port, state)
                agent.present.watch(progress.changed)
                agent.run()
                progress.farewell()
        except HallgateError as error:
            _give_up(error)


@contextmanager
def gateway(
    hall_file: HallFile, state: Path, address: Address | None, page: PageSettings, fake: str | None, speed: float
) -> Iterator[Agent]:
    """An agent with its page and its control socket, ready to run; SIGINT and SIGTERM end it. Raises HallgateError."""
    with ExitStack() as stack:
        state.mkdir(parents=True, exist_ok=True)
        if fake is None:
            agent = Agent(hall_file, state, clock=BoardClock(), wires=BoardWires(), address=address)
        else:
            from edge.simulated import simulated_hall  # a board has no use for it

            hall = stack.enter_context(simulated_hall(hall_file, state, fake, speed))
            agent = Agent(hall_file, state, clock=hall.clock, wires=hall.wires, address=address, simulated_speed=speed)
            hall.on_failure = agent.stop
            hall.start()
        for app, server in _doors(agent, state, page):
            server.start()
            stack.callback(server.stop)
            stack.callback(app.close)
        stack.enter_context(_signals(agent))
        yield agent
        if fake is not None and hall.failure is not None:
            raise HallgateError(f"the simulated hall has failed: {hall.failure}")


def _doors(agent: Agent, state: Path, page: PageSettings) -> Iterator[tuple[Any, Any]]:
    control = make_app(agent, may_act=True)
    yield control, on_socket(control, state / "control.sock")
    if page.port:
        app = make_app(agent, may_act=False)
        yield app, on_port(app, page.address, page.port)


@contextmanager
def _signals(agent: Agent) -> Iterator[None]:
    """Ctrl-C and a service manager's word end the agent; what it takes a lock for is done in a thread of its own."""

    def stop(signum: int, frame: object) -> None:
        threading.Thread(target=agent.stop, name="stop").start()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _load(path: Path) -> HallFile:
    try:
        return hallfile.load(path)
    except HallFileError as error:
        for finding in error.findings:
            place = f"{path}:{finding.line} {finding.path}" if finding.line else str(path)
            click.echo(f"{place}: {pick(finding.wrong, language())}; {pick(finding.right, language())}", err=True)
        sys.exit(2)


def _address(hall_file: HallFile, url: str | None) -> Address | None:
    told = hall_file.uplink
    if url is None and told is None:
        return None
    files: dict[str, Any] = {}
    if told is not None:
        files = {name: getattr(told, name) for name in ("ca", "certificate", "key", "keepalive_s")}
    try:
        address = Address.of(url or told.url, **files)  # type: ignore[union-attr]  # one of the two is there
    except BadAddress as error:
        raise Misconfigured(f"--uplink: {error}") from error
    if told is not None and told.username is not None:
        import attrs

        address = attrs.evolve(address, username=told.username, password=told.password)
    return address


def _example(name: str) -> Path:
    """An example hall: beside this package in a checkout, inside it where it was installed."""
    from importlib import resources

    beside = Path(__file__).parent.parent / "examples" / name
    return beside if beside.exists() else Path(str(resources.files("edge") / "examples" / name))


def _log_to_stderr(level: int = logging.INFO) -> None:
    # The service manager stamps each line itself; on a terminal the hall's own time stands in what is logged.
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)


def _give_up(error: HallgateError) -> NoReturn:
    click.echo(f"hallgate: {error}", err=True)
    sys.exit(2 if isinstance(error, Misconfigured) else 1)

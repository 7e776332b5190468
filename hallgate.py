"""The front door: the ``hallgate`` command, with the agent's verbs and the technician's."""

import click

from edge.running import demo, run
from edge.verbs import acknowledge, alarms, status, watch
from provisioning.verbs import provision


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hallgate")
def main() -> None:
    """Edge gateway of a service hall · 服务厅边缘网关"""


for verb in (run, demo, status, alarms, acknowledge, watch, provision):
    main.add_command(verb)

if __name__ == "__main__":
    main()

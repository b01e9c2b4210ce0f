"""Runs a trial in the foreground: prints what can be typed, shows what the services say, ends with Ctrl-C."""

import time
from contextlib import suppress

from ..say import Trouble
from .configuration import TOKEN
from .folder import Trial
from .lines import Line, demonstration, page
from .service import Service

_LOOK_SECONDS = 0.2


def run(trial: Trial) -> None:
    """Until it is interrupted or a service ends by itself."""
    trial.start()
    lines = [
        *demonstration(trial.ports, trial.home / TOKEN, trial.target.codes),
        Line("what waits, and what became of it", trial.agent_command("backlog --watch")),
        Line("", trial.agent_command("messages list")),
    ]
    print(f"""
Millrace runs: an agent `plant-a` and a relay. In another terminal:

{page(lines)}

{trial.target.about}
Configuration, certificates, stores and logs are in {trial.home}.
Ctrl-C stops.
""", flush=True)
    with suppress(KeyboardInterrupt):
        _watch([trial.relay, trial.agent])
    print("\nstopping …", flush=True)


def _watch(services: list[Service]) -> None:
    """Shows what they log."""
    while True:
        for service in services:
            for each in service.fresh_lines():
                print(f"{service.name:5} │ {each}", flush=True)
        for service in services:
            if service.ended():
                raise Trouble(f"the {service.name} ended by itself:\n{service.last_words()}", f"read {service.log}")
        time.sleep(_LOOK_SECONDS)

"""Runs a trial in the foreground: prints what can be typed, shows what the services say, ends with Ctrl-C."""

import time

from ..say import Trouble
from .folder import Trial
from .lines import Line, page, scan

_LOOK_SECONDS = 0.2


def shadow_lines(trial: Trial) -> list[Line]:
    """What can be typed where the target is the shadow."""
    ports = trial.ports
    return [
        Line("five pieces of an order are finished: three scans, the last one books",
             scan(ports.production, "O:MO-0001", "Q:5", "CMD:CONFIRM")),
        Line("the last scan again, as a human would who heard nothing: nothing is booked twice",
             scan(ports.production, "CMD:CONFIRM")),
        Line("a component goes into an order, by lot",
             scan(ports.consumption, "O:MO-0001", "I:RAW-RESIN", "LOT:RESIN-2601", "Q:2", "CMD:CONFIRM")),
        Line("stock is counted", scan(ports.count, "L:SHELF-1", "I:PART-BOLT", "Q:100", "CMD:CONFIRM")),
    ]


def run(trial: Trial, target: str, lines: list[Line]) -> None:
    """Until it is interrupted or a service ends by itself."""
    trial.start()
    print(f"\nMillrace runs: an agent `plant-a` and a relay that {target}. In another terminal:\n", flush=True)
    print(page(lines), flush=True)
    print(f"\nConfiguration, certificates, stores and logs are in {trial.home}. Ctrl-C stops.\n", flush=True)
    services = (trial.relay, trial.agent)
    while True:
        for service in services:
            for each in service.fresh_lines():
                print(f"{service.name:5} │ {each}", flush=True)
        for service in services:
            if service.ended():
                raise Trouble(f"the {service.name} ended by itself:\n{service.last_words()}", f"read {service.log}")
        time.sleep(_LOOK_SECONDS)

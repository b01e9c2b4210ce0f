"""Runs a trial in the foreground: prints what can be typed, shows what the services say, starts again what a person
killed, ends with Ctrl-C.
"""

import shlex
import time
from contextlib import suppress

from ..say import Trouble
from .configuration import TOKEN
from .folder import Trial
from .lines import Line, demonstration, page
from .service import Service

_LOOK_SECONDS = 0.2
_AWAY_SECONDS = 10  # more than systemd's, so that there is time to scan meanwhile


def run(trial: Trial) -> None:
    """Until it is interrupted or a service ends by itself."""
    trial.start()
    lines = [
        *demonstration(trial.ports, trial.home / TOKEN, trial.target.codes),
        Line(f"the relay dies; it is back after {_AWAY_SECONDS} s, and what you scan meanwhile takes effect once",
             f"kill -9 $(cut -d ' ' -f 1 {shlex.quote(str(trial.relay.note))})"),
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
    back_at: dict[str, float] = {}
    while True:
        for service in services:
            for each in service.fresh_lines():
                _say(service, each)
            if service.ended():
                _bring_back(service, back_at)
        time.sleep(_LOOK_SECONDS)


def _bring_back(service: Service, back_at: dict[str, float]) -> None:
    """What was killed is started again, after a while. What ends by itself has a reason, and that is told."""
    if not service.was_killed():
        raise Trouble(f"the {service.name} ended by itself:\n{service.last_words()}", f"read {service.log}")
    if service.name not in back_at:
        back_at[service.name] = time.monotonic() + _AWAY_SECONDS
        _say(service, f"── killed; it is started again in {_AWAY_SECONDS} s ──")
    elif time.monotonic() >= back_at[service.name]:
        del back_at[service.name]
        service.start()
        _say(service, "── runs again ──")


def _say(service: Service, line: str) -> None:
    print(f"{service.name:5} │ {line}", flush=True)

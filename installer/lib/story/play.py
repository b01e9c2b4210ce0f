"""Plays a story: operators scan, fate strikes, the link comes back; then what was booked is compared with what took
effect."""

import json
import sqlite3
import threading
import time
from dataclasses import asdict
from pathlib import Path

from ..say import Trouble
from ..trial.folder import Trial
from ..trial.service import Service
from . import ledger, plan, records
from .backlog import Backlog
from .board import Board, Figures
from .cutter import Cutter
from .plan import Blow, What
from .scanner import Scanner
from .work import Work

_FINISH_SECONDS = 60.0  # for the operators to finish what they began
_FLAWED = 3


def play(trial: Trial, seed: int, seconds: float, settle_seconds: float) -> int:
    """Gives the exit code: 0 when nothing was lost, doubled or reordered."""
    print(f"story: seed {seed}, {seconds:.0f} s, then at most {settle_seconds:.0f} s to settle; logs in {trial.home}")
    link = Cutter(trial.ports.link, trial.ports.broker)
    link.start()
    try:
        trial.start()
        story = _Story(trial, link, _crew(trial, seed))
        try:
            story.outage(plan.make(seed, seconds))
            is_settled = story.settle(settle_seconds)
        finally:
            story.end()
    finally:
        trial.stop()
        link.stop()
    if not is_settled:
        print(f"not all was settled after {settle_seconds:.0f} s: what is called lost may still be on its way")
    return _judge(trial.home, story.scanners, is_settled)


def _crew(trial: Trial, seed: int) -> list[Scanner]:
    """Three operators finish pieces, one brings components, two count."""
    work, ports = Work(), trial.ports
    crew = [("line-1", ports.production, work.production), ("line-2", ports.production, work.production),
            ("line-3", ports.production, work.production), ("issue-1", ports.consumption, work.consumption),
            ("store-1", ports.count, work.count), ("store-2", ports.count, work.count)]
    return [Scanner(name, f"127.0.0.{number}", port, make(f"{seed} {name}"), f"{seed} {name} pauses")
            for number, (name, port, make) in enumerate(crew, start=11)]


class _Story:
    """A story that runs: services, link, operators and the table."""

    def __init__(self, trial: Trial, link: Cutter, scanners: list[Scanner]) -> None:
        self.scanners = scanners
        self._trial, self._link = trial, link
        self._backlog = Backlog(trial.programs.agent, trial.home / "agent.toml")
        self._board, self._figures = Board(), Figures()
        self._trouble: BaseException | None = None

    def end(self) -> None:
        """Whatever happened, nobody goes on."""
        for scanner in self.scanners:
            scanner.leave()
        self._backlog.stop()
        self._board.end()

    def outage(self, blows: list[Blow]) -> None:
        """Everything strikes in its time, while the table goes on; then the operators finish what they began."""
        for scanner in self.scanners:
            scanner.start()
        fate = threading.Thread(target=self._strike_all, args=[blows], name="fate", daemon=True)
        fate.start()
        while fate.is_alive():
            self._show()
            fate.join(1.0)
        if self._trouble:
            raise self._trouble
        until = time.monotonic() + _FINISH_SECONDS
        while any(scanner.is_alive() for scanner in self.scanners) and time.monotonic() < until:
            self._show()
            time.sleep(0.5)

    def settle(self, seconds: float) -> bool:
        """Waits until all that was acknowledged has taken effect, and the agent has heard of it."""
        self._board.tell("the operators have gone home; waiting until all is settled")
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._show()
            if self._figures.settled >= self._figures.acknowledged and self._backlog.is_empty():
                return True
            time.sleep(1.0)
        return False

    def _show(self) -> None:
        """A line of the table. A store that is just being opened is looked at again a second later."""
        log = [entry for scanner in self.scanners for entry in list(scanner.log)]
        relay, last = self._trial.home / "relay", self._figures
        try:
            stored, settled = records.stored(relay), records.settled(relay)
        except sqlite3.OperationalError:
            stored, settled = last.stored, last.settled
        acknowledged, repeated = sum(1 for entry in log if entry.answered), sum(entry.repeats for entry in log)
        self._figures = Figures(len(log), acknowledged, repeated, self._backlog.waiting, stored, settled)
        self._board.show(self._figures)
        if self._backlog.complaint:
            raise Trouble(f"`millrace-agent backlog --watch` ended by itself: {self._backlog.complaint}")

    def _strike_all(self, blows: list[Blow]) -> None:
        began = time.monotonic()
        try:
            for blow in blows:
                time.sleep(max(0.0, began + blow.at - time.monotonic()))
                dead = f" (SIGKILL), dead for {blow.down:.1f} s" if blow.down else ""
                self._board.tell(f"{blow.what.value}{dead}")
                self._strike(blow)
        except BaseException as error:  # raised again by the thread that waits
            self._trouble = error

    def _strike(self, blow: Blow) -> None:
        match blow.what:
            case What.BREAK:
                self._link.break_off()
            case What.FREEZE:
                self._link.silence()
            case What.JOIN:
                self._link.join()
            case What.KILL_AGENT:
                _kill(self._trial.agent, blow.down)
            case What.KILL_RELAY:
                _kill(self._trial.relay, blow.down)
            case What.CLOSING:
                for scanner in self.scanners:
                    scanner.close()


def _kill(service: Service, down: float) -> None:
    """SIGKILL, a while of nothing, and a new start."""
    if service.ended():
        raise Trouble(f"the {service.name} ended by itself:\n{service.last_words()}", f"read {service.log}")
    service.kill()
    time.sleep(down)
    service.start()


def _judge(home: Path, scanners: list[Scanner], is_settled: bool) -> int:
    """The truth, from the scanners' logs and the shadow's record."""
    entries = [entry for scanner in scanners for entry in scanner.log]
    with (home / "scanners.jsonl").open("w") as file:
        file.writelines(json.dumps(asdict(entry)) + "\n" for entry in entries)
    effects = records.effects(home / "relay")
    verdict = ledger.compare(entries, effects)
    for surprise in (each for scanner in scanners for each in scanner.surprises):
        print(f"surprise: {surprise}")
    unanswered = [entry.says for entry in entries if not entry.answered]
    if unanswered:
        print(f"not acknowledged to the end, so they may count or not: {'; '.join(unanswered)}")
    print(f"{len(entries)} entries of {len(scanners)} scanners on {len(ledger.by_key(entries))} keys, "
          f"{sum(entry.repeats for entry in entries)} closing scans repeated; {len(effects)} effects recorded")
    for offence in verdict.offences():
        print(offence)
    print(verdict.line(), flush=True)
    return 0 if verdict.is_clean() and is_settled and not unanswered else _FLAWED

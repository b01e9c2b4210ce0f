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
from . import ledger, plan, records
from .board import Board, Figures
from .cutter import Cutter
from .ledger import Entry
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
    scanners = _scanners(trial, seed)
    try:
        trial.start()
        board = Board()
        _outage(trial, link, scanners, plan.make(seed, seconds), board)
        entries = [entry for scanner in scanners for entry in scanner.log]
        is_settled = _settle(trial, scanners, entries, settle_seconds, board)
    finally:
        for scanner in scanners:
            scanner.leave()
        trial.stop()
        link.stop()
    return _judge(trial, scanners, entries, is_settled, settle_seconds)


def _scanners(trial: Trial, seed: int) -> list[Scanner]:
    """Three operators finish pieces, one brings components, two count."""
    work, ports = Work(), trial.ports
    crew = [("line-1", ports.production, work.production), ("line-2", ports.production, work.production),
            ("line-3", ports.production, work.production), ("issue-1", ports.consumption, work.consumption),
            ("store-1", ports.count, work.count), ("store-2", ports.count, work.count)]
    return [Scanner(name, f"127.0.0.{number}", port, make(f"{seed} {name}"), f"{seed} {name} pauses")
            for number, (name, port, make) in enumerate(crew, start=11)]


def _outage(trial: Trial, link: Cutter, scanners: list[Scanner], blows: list[Blow], board: Board) -> None:
    """Everything strikes in its time, while the table goes on."""
    trouble: list[BaseException] = []

    def strike() -> None:
        began = time.monotonic()
        try:
            for blow in blows:
                time.sleep(max(0.0, began + blow.at - time.monotonic()))
                board.tell(blow.what.value + (f" (SIGKILL), dead for {blow.down:.1f} s" if blow.down else ""))
                _strike(blow, trial, link, scanners)
        except BaseException as error:  # raised again by the thread that waits
            trouble.append(error)

    for scanner in scanners:
        scanner.start()
    fate = threading.Thread(target=strike, name="fate", daemon=True)
    fate.start()
    until = 0.0
    while not trouble and (fate.is_alive() or any(each.is_alive() for each in scanners)):
        board.show(_figures(trial.home, scanners))
        fate.join(1.0)
        if not fate.is_alive():
            until = until or time.monotonic() + _FINISH_SECONDS
            if time.monotonic() > until:
                break
            time.sleep(0.3)
    if trouble:
        raise trouble[0]


def _strike(blow: Blow, trial: Trial, link: Cutter, scanners: list[Scanner]) -> None:
    match blow.what:
        case What.BREAK:
            link.break_off()
        case What.FREEZE:
            link.silence()
        case What.JOIN:
            link.join()
        case What.KILL_AGENT | What.KILL_RELAY:
            service = trial.agent if blow.what is What.KILL_AGENT else trial.relay
            if service.ended():
                raise Trouble(f"the {service.name} ended by itself:\n{service.last_words()}", f"read {service.log}")
            service.kill()
            time.sleep(blow.down)
            service.start()
        case What.CLOSING:
            for scanner in scanners:
                scanner.close()


def _settle(trial: Trial, scanners: list[Scanner], entries: list[Entry], settle_seconds: float, board: Board) -> bool:
    """Waits until all that was acknowledged has taken effect."""
    board.tell("the operators have gone home; waiting until all is settled")
    until = time.monotonic() + settle_seconds
    while True:
        figures = _figures(trial.home, scanners)
        board.show(figures)
        if figures.settled >= sum(1 for entry in entries if entry.answered):
            board.end()
            return True
        if time.monotonic() > until:
            board.end()
            return False
        time.sleep(1.0)


_last = Figures(0, 0, 0, 0, 0)


def _figures(home: Path, scanners: list[Scanner]) -> Figures:
    """What is known now. A store that is just being opened is looked at again a second later."""
    global _last
    log = [entry for scanner in scanners for entry in list(scanner.log)]
    try:
        stored, settled = records.stored(home / "relay"), records.settled(home / "relay")
    except sqlite3.OperationalError:
        stored, settled = _last.stored, _last.settled
    acknowledged, repeated = sum(1 for entry in log if entry.answered), sum(entry.repeats for entry in log)
    _last = Figures(len(log), acknowledged, repeated, stored, settled)
    return _last


def _judge(trial: Trial, scanners: list[Scanner], entries: list[Entry], is_settled: bool, settle_seconds: float) -> int:
    """The truth, from the scanners' logs and the shadow's record."""
    with (trial.home / "scanners.jsonl").open("w") as file:
        file.writelines(json.dumps(asdict(entry)) + "\n" for entry in entries)
    effects = records.effects(trial.home / "relay")
    verdict = ledger.compare(entries, effects)
    for surprise in (each for scanner in scanners for each in scanner.surprises):
        print(f"surprise: {surprise}")
    unanswered = [entry.says for entry in entries if not entry.answered]
    if unanswered:
        print(f"not acknowledged to the end, so they may count or not: {'; '.join(unanswered)}")
    if not is_settled:
        print(f"not all was settled after {settle_seconds:.0f} s: what is called lost may still wait")
    print(f"{len(entries)} entries of {len(scanners)} scanners on {len(ledger.by_key(entries))} keys, "
          f"{sum(entry.repeats for entry in entries)} closing scans repeated; {len(effects)} effects recorded")
    for offence in verdict.offences():
        print(offence)
    print(verdict.line(), flush=True)
    return 0 if verdict.is_clean() and not unanswered else _FLAWED

"""The live table of a story: a line a second, rewritten in place on a terminal; what happens stays above it."""

import sys
import time
from dataclasses import dataclass

_HEADER = "   time      sent  acknowledged  repeated  waiting at the agent    stored   settled"


@dataclass(frozen=True)
class Figures:
    """How far a story is: by the scanners' logs, by the agent's own word, by the relay's stores."""

    sent: int = 0
    acknowledged: int = 0
    repeated: int = 0
    waiting: int = 0
    stored: int = 0
    settled: int = 0


class Board:
    """Shows a story."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._live = sys.stdout.isatty()
        print(_HEADER, flush=True)

    def show(self, figures: Figures) -> None:
        """The figures now."""
        row = (f"{self._time()}{figures.sent:10}{figures.acknowledged:14}{figures.repeated:10}{figures.waiting:22}"
               f"{figures.stored:10}{figures.settled:10}")
        print(f"\r{row}\x1b[K" if self._live else row, end="" if self._live else "\n", flush=True)

    def tell(self, text: str) -> None:
        """Something happened."""
        row = f"{self._time()}  ── {text}"
        print(f"\r{row}\x1b[K" if self._live else row, flush=True)

    def end(self) -> None:
        """Leaves the last figures standing."""
        if self._live:
            print(flush=True)

    def _time(self) -> str:
        return f"{time.monotonic() - self._began:5.1f} s"

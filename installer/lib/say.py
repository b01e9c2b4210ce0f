"""What a person reads while the installer works: one line a step, on standard error, so that standard output stays
for results."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Trouble(Exception):
    """Something a person has to know: what happened, and what to do next. Ends the command with exit code 1."""

    def __init__(self, what: str, next_step: str = "") -> None:
        super().__init__(f"{what}\n  next: {next_step}" if next_step else what)


def line(text: str) -> None:
    """One line of progress."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Names a step before it begins and says how long it took when it has ended well."""
    line(f"{text} …")
    began = time.monotonic()
    yield
    line(f"{text}: done in {time.monotonic() - began:.1f} s")

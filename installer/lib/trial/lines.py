"""What a person can type while a trial runs, line by line, each with what it does."""

import shlex
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """A command for another terminal."""

    does: str
    command: str


def scan(port: int, *codes: str) -> str:
    """A shell command that scans these codes, one after the other. `nc -q` waits for the answers: the option is the
    same in both netcats that Debian has."""
    return f"printf '%s\\n' {shlex.join(codes)} | nc -q 2 127.0.0.1 {port}"


def page(lines: list[Line]) -> str:
    """The lines for a terminal."""
    return "\n".join(f"  {line.does}:\n    {line.command}" for line in lines)

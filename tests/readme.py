#!/usr/bin/python3
"""Runs every command that README.md shows in a block of shell, shortened where it would take long, and fails where one
is shown that it does not know, or where the map of the code names a file that is not there or has grown too long. `tests/readme.py [--no-odoo]`; exit code 0 when each did what the README says.
"""

import re
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_LAST_OF_STORY = "lost=0 twice=0 out_of_order=0"
_SECONDS = 900
_LINES = 300

# As it is shown, and as it is run. What needs Odoo is left out with --no-odoo.
_RUN: dict[str, list[str]] = {
    "installer/quickstart": ["installer/tests/try_quickstart.py"],
    "installer/quickstart --odoo": ["installer/tests/try_quickstart.py", "--odoo"],
    "installer/quickstart --story": ["installer/quickstart", "--story", "--seconds", "15"],
    "cargo run -p millrace-tests --bin kill-run -- 200 10000":
        ["cargo", "run", "-p", "millrace-tests", "--bin", "kill-run", "--", "1", "20", "1"],
    "cargo run --release -p millrace-tests --bin simulate -- --seeds 100000":
        ["cargo", "run", "-p", "millrace-tests", "--bin", "simulate", "--", "--seeds", "100"],
    "cargo run --release -p millrace-tests --bin backlog-run":
        ["cargo", "run", "-p", "millrace-tests", "--bin", "backlog-run", "--", "--messages", "2000"],
    "cargo build --release -p millrace-agent -p millrace-relay":
        ["cargo", "build", "-p", "millrace-agent", "-p", "millrace-relay"],
    "cargo run --release -p millrace-tests --bin bench":
        ["cargo", "run", "-p", "millrace-tests", "--bin", "bench", "--", "wire"],
}
_NEEDS_ODOO = {"installer/quickstart --odoo", "cargo run -p millrace-tests --bin kill-run -- 200 10000"}
_RUNS_THIS = {"tests/run"}


def shown() -> list[str]:
    """The commands in the README's blocks of shell, without their remarks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (_ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    lines = [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def astray() -> list[str]:
    """What is wrong with the files that the map of the code names."""
    text = (_ROOT / "README.md").read_text().split("## The map of the code")[1].split("What must stay true")[0]
    wrong = []
    for name in re.findall(r"`([\w./-]+\.(?:rs|py))`", text):
        if not (_ROOT / name).is_file():
            wrong.append(f"the map of the code names {name}, which is not there")
        elif len((_ROOT / name).read_text().splitlines()) >= _LINES:
            wrong.append(f"{name}, which the map of the code names, has {_LINES} lines or more")
    return wrong


def run(command: str) -> bool:
    """Runs it; what it prints is shown only where it failed."""
    print(f"$ {command}", flush=True)
    ran = subprocess.run(_RUN[command], cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         timeout=_SECONDS, check=False)
    lines = ran.stdout.rstrip().splitlines()
    good = ran.returncode == 0 and ("--story" not in command or lines[-1] == _LAST_OF_STORY)
    print("\n".join(lines[-1:] if good else [*lines, f"exit code {ran.returncode}"]), flush=True)
    return good


def main() -> int:
    without_odoo = "--no-odoo" in sys.argv[1:]
    commands = shown()
    strangers = [command for command in commands if command not in _RUN and command not in _RUNS_THIS]
    missing = [command for command in [*_RUN, *_RUNS_THIS] if command not in commands]
    for stranger in strangers:
        print(f"README.md shows `{stranger}`, and nothing here runs it")
    for one in missing:
        print(f"README.md does not show `{one}` any more")
    wrong = astray()
    for one in wrong:
        print(one)
    wanted = [each for each in commands if each in _RUN and not (without_odoo and each in _NEEDS_ODOO)]
    failed = [command for command in wanted if not run(command)]
    return 1 if strangers or missing or wrong or failed else 0


if __name__ == "__main__":
    sys.exit(main())

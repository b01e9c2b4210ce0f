"""The command `installer/quickstart`: reads what a person asks for and hands it to the room that does it."""

import argparse
import random
import signal
import sys
from pathlib import Path
from types import FrameType

from . import cache
from .say import Trouble
from .story import play
from .trial import folder, foreground, programs, target, tools

_DESCRIPTION = """\
Builds Millrace and runs an agent and a relay on this machine, with throw-away certificates and configuration in a
folder of their own. Each start begins with empty stores. Nothing outside the folder and the build is touched, but `nc`
and `curl`, which the lines to be typed need, are installed with apt where they are missing.
"""
_EPILOG = """\
exit codes: 0 stopped with Ctrl-C, or a story that lost, doubled and reordered nothing; 1 it did not work, and the
message says what to do next; 2 the command line is wrong; 3 a story that did lose, double or reorder something;
130 interrupted before it ran, or within a story.
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and gives its exit code."""
    given = _parser().parse_args(arguments)
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _interrupt)
    try:
        return _run(given)
    except Trouble as trouble:
        print(f"installer/quickstart: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninstaller/quickstart: interrupted", file=sys.stderr)
        return 130


def _interrupt(_: int, __: FrameType | None) -> None:
    """The first request ends what is running; more of them must not disturb the ending, which is bounded."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda _, __: None)
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="installer/quickstart", description=_DESCRIPTION, epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    home = cache.root() / "quickstart"
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--odoo", action="store_true", help="fetch and start a real Odoo 19 with demo orders as target")
    what.add_argument("--story", action="store_true", help="play an outage and prove that nothing was lost")
    parser.add_argument("--seed", type=int, help="of a story: what fails when (random; it is printed)")
    parser.add_argument("--seconds", type=float, default=60, help="of a story: how long the operators scan (60)")
    parser.add_argument("--settle-seconds", type=float, default=180,
                        help="of a story: how long it may take to settle afterwards (180)")
    parser.add_argument("--dir", type=Path, help=f"the trial's folder (a folder in {home})")
    parser.add_argument("--release", action="store_true", help="build as for production; takes much longer")
    return parser


def _run(given: argparse.Namespace) -> int:
    if not given.story:
        tools.ensure()
    built = programs.build(given.release)
    name, open_target = ("odoo", target.odoo) if given.odoo else ("story" if given.story else "shadow", target.shadow)
    home = given.dir or cache.root() / "quickstart" / name
    with folder.lay_out(home, built, open_target, separate_link=given.story) as trial:
        if given.story:
            seed = random.randrange(1_000_000) if given.seed is None else given.seed
            return play.play(trial, seed, given.seconds, given.settle_seconds)
        foreground.run(trial)
    return 0

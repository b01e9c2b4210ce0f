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
from .trial import configuration, folder, foreground, programs

_DESCRIPTION = """\
Builds Millrace and runs an agent and a relay on this machine, with throw-away certificates and configuration in a
folder of their own. Each start begins with empty stores. Nothing outside the folder and the build is touched.
"""
_EPILOG = """\
exit codes: 0 stopped with Ctrl-C, or a story that lost, doubled and reordered nothing; 1 it did not work, and the
message says what to do next; 2 the command line is wrong; 3 a story that did lose, double or reorder something.
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and gives its exit code."""
    given = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _run(given)
    except Trouble as trouble:
        print(f"installer/quickstart: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 0


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="installer/quickstart", description=_DESCRIPTION, epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    home = cache.root() / "quickstart"
    parser.add_argument("--story", action="store_true", help="play an outage and prove that nothing was lost")
    parser.add_argument("--seed", type=int, help="of a story: what fails when (random; it is printed)")
    parser.add_argument("--seconds", type=float, default=60, help="of a story: how long the operators scan (60)")
    parser.add_argument("--settle-seconds", type=float, default=180,
                        help="of a story: how long it may take to settle afterwards (180)")
    parser.add_argument("--dir", type=Path, help=f"the trial's folder (a folder in {home})")
    parser.add_argument("--release", action="store_true", help="build as for production; takes much longer")
    return parser


def _run(given: argparse.Namespace) -> int:
    built = programs.build(given.release)
    home = given.dir or cache.root() / "quickstart" / ("story" if given.story else "shadow")
    with folder.lay_out(home, built, configuration.SHADOW, separate_link=given.story) as trial:
        if given.story:
            seed = random.randrange(1_000_000) if given.seed is None else given.seed
            return play.play(trial, seed, given.seconds, given.settle_seconds)
        foreground.run(trial, "records what it would post to Odoo (a shadow)", foreground.shadow_lines(trial))
    return 0

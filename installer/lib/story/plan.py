"""What fails when: made from a seed, so that a story can be told again."""

import random
from dataclasses import dataclass
from enum import Enum

_SECONDS_PER_KILL = 15  # of a story, for each of the two after the first outage


class What(Enum):
    """What happens to the plant."""

    BREAK = "link broken"  # connections are reset, new ones refused
    FREEZE = "link silent"  # connections stay, and nothing comes through
    JOIN = "link back"
    KILL_AGENT = "agent killed"
    KILL_RELAY = "relay killed"
    CLOSING = "last scans"  # the operators finish what they began


@dataclass(frozen=True)
class Blow:
    """Something that happens `at` seconds after the beginning; who is killed stays dead for `down` seconds."""

    at: float
    what: What
    down: float = 0.0


def make(seed: int, seconds: float) -> list[Blow]:
    """A long outage with kills in it, then a shorter one of the other sort with kills around it, then calm."""
    dice = random.Random(seed)
    long, short = dice.sample([What.BREAK, What.FREEZE], 2)

    def between(first: float, last: float) -> float:
        return dice.uniform(first, last) * seconds

    def kill(who: What, first: float, last: float) -> Blow:
        return Blow(between(first, last), who, dice.uniform(0.1, 1.5))

    kills = max(3, round(seconds / _SECONDS_PER_KILL))
    blows = [
        kill(What.KILL_RELAY, 0.03, 0.10), kill(What.KILL_AGENT, 0.03, 0.10),
        Blow(between(0.12, 0.18), long),
        kill(What.KILL_AGENT, 0.20, 0.30), kill(What.KILL_RELAY, 0.20, 0.45), kill(What.KILL_AGENT, 0.30, 0.45),
        Blow(between(0.45, 0.50), What.JOIN),
        *(kill(What.KILL_RELAY, 0.50, 0.80) for _ in range(kills)),
        *(kill(What.KILL_AGENT, 0.50, 0.80) for _ in range(kills)),
        Blow(between(0.60, 0.65), short),
        Blow(between(0.72, 0.76), What.JOIN),
        Blow(0.95 * seconds, What.CLOSING),
    ]
    return sorted(blows, key=lambda blow: blow.at)

"""Compares what the scanners were told with what took effect. Knows nothing of Millrace: two lists go in, the truth
comes out.

Each entry of a story has a quantity that no other has, so what took effect can be told apart without any id of ours.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass

_LISTED = 20  # offending messages of a sort that are printed; the rest are counted


@dataclass
class Entry:
    """What an operator booked, from the scanner's own log. Times in seconds of one clock."""

    says: str
    keys: tuple[str, ...]  # what its order counts for
    scanner: str
    sent: float  # when the closing scan was sent for the first time
    answered: float | None = None  # when it was acknowledged; none where nobody was told
    repeats: int = 0  # how often the closing scan was repeated


@dataclass(frozen=True)
class Verdict:
    """What was found, message by message."""

    lost: list[str]
    twice: list[str]
    out_of_order: list[str]
    unknown: list[str]

    def is_clean(self) -> bool:
        return not (self.lost or self.twice or self.out_of_order or self.unknown)

    def line(self) -> str:
        """The last line of a story."""
        told = f"lost={len(self.lost)} twice={len(self.twice)} out_of_order={len(self.out_of_order)}"
        return f"{told} unknown={len(self.unknown)}" if self.unknown else told

    def offences(self) -> list[str]:
        """The offending messages, for people."""
        parts = [("lost", self.lost), ("twice", self.twice), ("out of order", self.out_of_order),
                 ("in no scanner's log", self.unknown)]
        lines = []
        for name, found in parts:
            lines += [f"{name}: {each}" for each in found[:_LISTED]]
            if len(found) > _LISTED:
                lines.append(f"{name}: and {len(found) - _LISTED} more")
        return lines


def compare(entries: list[Entry], effects: list[str]) -> Verdict:
    """`effects` is what took effect, in the order in which it did, in the words of `Entry.says`.

    An entry that nobody was told of may have taken effect or not: it is neither lost nor unknown."""
    booked = {entry.says: entry for entry in entries}
    if len(booked) != len(entries):
        raise ValueError("two entries say the same and could not be told apart")
    counted = Counter(effects)
    return Verdict(
        lost=[f"{each.says} ({each.scanner})" for each in entries if each.answered and not counted[each.says]],
        twice=[f"{says} ({count} times)" for says, count in counted.items() if count > 1],
        out_of_order=_reordered([booked[says] for says in effects if says in booked]),
        unknown=[says for says in counted if says not in booked],
    )


def _reordered(effects: list[Entry]) -> list[str]:
    """The entries that took effect behind one of the same key which was sent only after they had been acknowledged.
    Two scanners that booked at the same time may take effect either way."""
    found = []
    latest: dict[str, Entry] = {}  # by key: of what took effect so far, the one that was sent last
    for entry in effects:
        for key in entry.keys:
            before = latest.get(key)
            if before and entry.answered and before.sent > entry.answered:
                found.append(f"{entry.says}, behind {before.says}, for {key}")
                break
        for key in entry.keys:
            if key not in latest or entry.sent > latest[key].sent:
                latest[key] = entry
    return found


def by_key(entries: list[Entry]) -> dict[str, int]:
    """How many entries each key has."""
    counts: dict[str, int] = defaultdict(int)
    for entry in entries:
        for key in entry.keys:
            counts[key] += 1
    return counts

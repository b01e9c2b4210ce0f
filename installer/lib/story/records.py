"""Reads what the centre has, beside the running relay and without it. Read only."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from .work import says


def effects(relay: Path) -> list[str]:
    """What the shadow recorded, in the order in which it took effect."""
    rows = _query(relay / "shadow.sqlite", "SELECT posting FROM outcome WHERE posting IS NOT NULL ORDER BY record")
    return [says(json.loads(posting)["body"]) for (posting,) in rows]


def settled(relay: Path) -> int:
    """How many messages have taken effect."""
    return _count(relay / "shadow.sqlite", "SELECT count(*) FROM outcome")


def stored(relay: Path) -> int:
    """How many messages the relay has."""
    return _count(relay / "inbox.sqlite", "SELECT count(*) FROM message")


def _count(path: Path, query: str) -> int:
    rows = _query(path, query)
    return int(rows[0][0]) if rows else 0


def _query(path: Path, query: str) -> list[tuple[str]]:
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection:
        return connection.execute(query).fetchall()

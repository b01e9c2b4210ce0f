"""Where downloads and ready-made databases are kept, outside the source tree.

A folder in the cache is either whole or absent: it is built under another name, closed, and renamed. One builder at a
time, so two commands that need the same thing do not both make it.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .say import Trouble, line

_ROOTS_OWN = Path("/var/cache/millrace")


def root() -> Path:
    """`$MILLRACE_CACHE`, else the user's cache folder. Root's home is closed to the account that the servers run
    under, so root's cache is at the usual place of the system's."""
    if named := os.environ.get("MILLRACE_CACHE"):
        place = Path(named).absolute()
    elif os.geteuid() == 0:
        place = _ROOTS_OWN
    else:
        place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "millrace"
    place.mkdir(parents=True, exist_ok=True)
    return place


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """One holder at a time among all processes; the kernel lets go when the holder dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            line(f"waiting for another command that holds {path} …")
            fcntl.flock(held, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(held, fcntl.LOCK_UN)


@contextmanager
def building(target: Path) -> Iterator[Path]:
    """A fresh folder beside `target` to build in. It becomes `target` when the block ends well, and is thrown away
    otherwise; what an earlier, killed builder left is swept first. Hold a lock around this."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    try:
        yield unfinished
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def digest(*parts: str | bytes | Path) -> str:
    """A short name for what something is made from: texts, and the contents of files and folders."""
    total = hashlib.sha256()
    for part in parts:
        for item in _contents(part):
            total.update(len(item).to_bytes(8, "big"))
            total.update(item)
    return total.hexdigest()[:16]


def _contents(part: str | bytes | Path) -> Iterator[bytes]:
    if isinstance(part, str):
        yield part.encode()
    elif isinstance(part, bytes):
        yield part
    elif part.is_file():
        yield part.read_bytes()
    else:
        for path in sorted(part.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield str(path.relative_to(part)).encode()
                yield path.read_bytes()


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verified(path: Path) -> bool:
    """Whether a kept download is still what was recorded beside it when it was fetched."""
    note = path.with_name(f"{path.name}.sha256")
    return path.is_file() and note.is_file() and note.read_text().split()[0] == sha256(path)


def record(path: Path) -> str:
    """Writes a download's SHA-256 beside it, in the format of `sha256sum --check`."""
    value = sha256(path)
    path.with_name(f"{path.name}.sha256").write_text(f"{value}  {path.name}\n")
    return value


def trim(folder: Path, keep: int) -> None:
    """Keeps the `keep` entries of a cache folder that were used last, so that old makes do not pile up."""
    entries = sorted((each for each in folder.iterdir() if each.is_dir()), key=lambda each: each.stat().st_mtime)
    for old in entries[:-keep]:
        shutil.rmtree(old, ignore_errors=True)


def need_room(path: Path, megabytes: int) -> None:
    """Refuses to begin what the disk cannot hold."""
    free = shutil.disk_usage(path).free // 1_000_000
    if free < megabytes:
        raise Trouble(f"{path} has {free} MB free, {megabytes} MB are needed", "free some space or set MILLRACE_CACHE")

"""The unprivileged account that PostgreSQL and Odoo run under: PostgreSQL refuses root, and Odoo should.

An ordinary caller is that account already. For root it is `nobody`, which every Debian machine has; an account of our
own would be a change to the machine.
"""

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Any

from .say import Trouble

_FOR_ROOT = "nobody"


def entry() -> pwd.struct_passwd:
    """The account's line in the password database."""
    return pwd.getpwnam(_FOR_ROOT) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[Any]:
    """`subprocess.run` under the account."""
    return subprocess.run(command, **options, **_drop())


def spawn(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """`subprocess.Popen` under the account, in a session of its own that outlives the caller's."""
    return subprocess.Popen(command, start_new_session=True, **options, **_drop())


def _drop() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    account = entry()
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def own(path: Path) -> None:
    """Gives a file or a whole folder to the account and closes it to everyone else."""
    if os.geteuid() == 0:
        account = entry()
        for each in [path, *path.rglob("*")]:
            os.chown(each, account.pw_uid, account.pw_gid, follow_symlinks=False)
    path.chmod(0o700 if path.is_dir() else 0o600)


def folder(path: Path) -> Path:
    """A folder that belongs to the account, made if need be, at a place that the account can reach."""
    path.mkdir(parents=True, exist_ok=True)
    own_at_top(path)
    require_reach(path.parent)
    return path


def own_at_top(path: Path) -> None:
    """Like `own`, for the folder itself only."""
    if os.geteuid() == 0:
        account = entry()
        os.chown(path, account.pw_uid, account.pw_gid)
    path.chmod(0o700)


def reaches(path: Path) -> bool:
    """Whether the account may walk down to this folder and read it. Root asks by the mode bits of each folder on the
    way, because root's own access proves nothing."""
    if os.geteuid() != 0:
        return os.access(path, os.R_OK | os.X_OK)
    account = entry()
    for each in [path, *path.parents]:
        status = each.stat()
        if status.st_uid == account.pw_uid:
            bits = status.st_mode >> 6
        elif status.st_gid == account.pw_gid:
            bits = status.st_mode >> 3
        else:
            bits = status.st_mode
        if not bits & 0o1:
            return False
    return True


def require_reach(path: Path) -> None:
    """Refuses a place that the account cannot get to, by name, before a server fails there without a word."""
    if not reaches(path):
        raise Trouble(
            f"the account '{entry().pw_name}' cannot reach {path}",
            "choose a folder that others may enter (below /var or /tmp), or run as an ordinary user",
        )


def copy(source: Path, target: Path) -> None:
    """Copies a folder with owners, modes and links, sharing blocks where the file system can."""
    if target.exists():
        shutil.rmtree(target)
    subprocess.run(["cp", "-a", "--reflink=auto", source, target], check=True)

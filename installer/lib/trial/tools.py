"""What a person types at a trial beside our own programs: `nc` and `curl`; apt installs what is missing."""

import os
import shutil
import subprocess

from ..say import line, step

_PACKAGE_OF = {"nc": "netcat-openbsd", "curl": "curl"}


def ensure() -> None:
    """Installs what is missing. Where that cannot be done the trial goes on, and says what to install."""
    missing = [name for name in _PACKAGE_OF if not shutil.which(name)]
    if not missing:
        return
    packages = [_PACKAGE_OF[name] for name in missing]
    install = [*_as_root(), "apt-get", "install", "--yes", "--no-install-recommends", *packages]
    with step(f"installing {' and '.join(packages)}, for the lines to be typed: {' '.join(install)}"):
        installed = _run([*_as_root(), "apt-get", "update", "--quiet"]) and _run(install)
    if not installed:
        line(f"{' and '.join(missing)} could not be installed, and lines that begin with them will not work here")


def _as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo"]


def _run(command: list[str]) -> bool:
    """Whether it went well. apt asks nothing; sudo may ask for a password."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, env=environment)
    except FileNotFoundError:
        return False
    return done.returncode == 0

"""The two programs, built from this repository."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ..say import Trouble, step

_REPOSITORY = Path(__file__).resolve().parents[3]
_PACKAGES = ["millrace-agent", "millrace-relay"]


@dataclass(frozen=True)
class Programs:
    """Where the programs are."""

    agent: Path
    relay: Path


def build(release: bool) -> Programs:
    """Builds what changed since the last time; cargo shows its progress. The development profile by default: on two
    cores it is ready in a third of the time, and a trial is not measured."""
    if not shutil.which("cargo"):
        raise Trouble("there is no cargo, Rust's builder, in PATH", "install a Rust toolchain: https://rustup.rs")
    profile = "release" if release else "dev"
    command = ["cargo", "build", "--locked", "--profile", profile, "--message-format", "json-render-diagnostics"]
    for package in _PACKAGES:
        command += ["--package", package]
    with step(f"building {' and '.join(_PACKAGES)} (cargo's profile {profile}; minutes the first time)"):
        built = subprocess.run(command, cwd=_REPOSITORY, stdout=subprocess.PIPE, text=True)
    if built.returncode != 0:
        raise Trouble("the programs could not be built", "read what cargo says above")
    found = _executables(built.stdout)
    return Programs(agent=found["millrace-agent"], relay=found["millrace-relay"])


def _executables(messages: str) -> dict[str, Path]:
    """The programs by name, from cargo's account of what it made, so that its target folder may be anywhere."""
    parsed = [json.loads(line) for line in messages.splitlines() if line.startswith("{")]
    made = [Path(each["executable"]) for each in parsed if each.get("executable")]
    return {path.name: path for path in made}


def environment() -> dict[str, str]:
    """What the programs are started with: no colours in their logs, whatever terminal we have."""
    return {**os.environ, "NO_COLOR": "1"}

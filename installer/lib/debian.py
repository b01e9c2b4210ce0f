"""Debian packages without installing them: fetched through the machine's own apt into the cache, then unpacked.

apt runs with a private configuration, so no source, pin, list or installed package of the machine changes, no service
is started, and no root is needed. The archive's address, proxies and keys come from the machine's configuration as apt
itself understands it, whichever format it is written in. apt checks every file against the archive's signed hashes.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from . import cache
from .say import Trouble, line, step

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_TIMEOUT_SECONDS = 1200


@dataclass(frozen=True)
class Download:
    """One fetched package file."""

    path: Path
    package: str
    version: str
    sha256: str


class Apt:
    """apt over a private state folder. `suite` none means the machine's own sources, else only that suite of the same
    archive."""

    def __init__(self, home: Path, suite: str | None = None) -> None:
        self._home, self._suite = home, suite
        for name in ("lists/partial", "cache/archives/partial", "state"):
            (home / name).mkdir(parents=True, exist_ok=True)
        self._configuration = home / "apt.conf"
        self._write_configuration()

    def _write_configuration(self) -> None:
        settings = [
            f'Dir::State "{self._home}/state";',
            f'Dir::State::lists "{self._home}/lists";',
            'Dir::State::status "/var/lib/dpkg/status";',
            f'Dir::Cache "{self._home}/cache";',
            'Acquire::Languages "none";',
            'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";',
            'Acquire::Retries "3";',
            'Debug::NoLocking "true";',
            "#clear APT::Update::Post-Invoke;",
            "#clear APT::Update::Post-Invoke-Success;",
            "#clear APT::Keep-Downloaded-Packages;",
        ]
        if self._suite:
            source = self._home / "sources.list"
            trust = f"[signed-by={_KEYRING}] " if _KEYRING.exists() else ""
            source.write_text(f"deb {trust}{archive()} {self._suite} main\n")
            empty = self._home / "empty"
            empty.mkdir(exist_ok=True)
            settings += [
                f'Dir::Etc::sourcelist "{source}";',
                f'Dir::Etc::sourceparts "{empty}";',
                f'Dir::Etc::preferencesparts "{empty}";',
            ]
        self._configuration.write_text("\n".join(settings) + "\n")

    def _run(self, *arguments: str, cwd: Path | None = None) -> None:
        """Runs apt-get. Its progress is for people, its errors go into ours."""
        command = ["apt-get", "-q", "-c", str(self._configuration), *arguments]
        done = subprocess.run(
            command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=sys.stderr, stderr=subprocess.PIPE, text=True,
            timeout=_TIMEOUT_SECONDS,
        )
        if done.returncode != 0:
            raise Trouble(
                f"apt-get {arguments[0]} failed:\n{done.stderr.strip()}",
                "check that the machine's Debian archive can be reached and has what is named above",
            )

    def update(self) -> None:
        """Fetches the lists of packages."""
        with step(f"fetching Debian's package lists ({self._suite or 'of this machine'})"):
            self._run("update")

    def fetch_alone(self, packages: list[str], into: Path) -> list[Download]:
        """Fetches the named packages without what they depend on."""
        with step(f"fetching {', '.join(packages)}"):
            self._run("download", *packages, cwd=into)
        return [_noted(path) for path in sorted(into.glob("*.deb"))]

    def fetch_with_missing(self, packages: list[str], into: Path) -> list[Download]:
        """Fetches the named packages, and those they depend on that this machine does not have."""
        archives = self._home / "cache/archives"
        for old in archives.glob("*.deb"):
            old.unlink()
        with step(f"fetching {', '.join(packages)}"):
            wanted = ["--download-only", "--reinstall", "--no-install-recommends", "-y", *packages]
            self._run("install", *wanted)
        for path in archives.glob("*.deb"):
            path.rename(into / path.name)
        return [_noted(path) for path in sorted(into.glob("*.deb"))]


def archive() -> str:
    """The address of the Debian archive that this machine uses for its own release."""
    release = _codename()
    listed = subprocess.run(
        # Without the release info it lists what is configured, also where no package list was ever fetched.
        ["apt-get", "indextargets", "--no-release-info", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages"],
        capture_output=True, text=True, check=True,
    ).stdout
    for each in listed.splitlines():
        suite, _, address = each.partition(" ")
        if suite in (release, "stable"):
            return address
    raise Trouble(
        f"apt's configuration names no Debian archive for '{release}'",
        "add the usual Debian source to /etc/apt/sources.list.d",
    )


def _codename() -> str:
    for each in Path("/etc/os-release").read_text().splitlines():
        if each.startswith("VERSION_CODENAME="):
            return each.partition("=")[2].strip('"')
    raise Trouble("/etc/os-release names no release", "this installer is made for Debian 12")


def _noted(path: Path) -> Download:
    fields = subprocess.run(
        ["dpkg-deb", "--field", path, "Package", "Version"], capture_output=True, text=True, check=True
    ).stdout
    values = dict(each.split(": ", 1) for each in fields.splitlines())
    return Download(path, values["Package"], values["Version"], cache.record(path))


def unpack(download: Download, into: Path, without: str | None = None) -> None:
    """Unpacks a package's files, without those that match the pattern."""
    if not cache.verified(download.path):
        raise Trouble(f"{download.path} is not what was fetched", "delete it and run the command again")
    opened = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", download.path], stdout=subprocess.PIPE)
    leave_out = [f"--exclude={without}"] if without else []
    subprocess.run(
        ["tar", "-x", "--no-same-owner", *leave_out, "-C", into], stdin=opened.stdout, check=True
    )
    if opened.wait() != 0:
        raise Trouble(f"{download.path} could not be unpacked", "delete it and run the command again")


def show(downloads: list[Download]) -> None:
    """Says what was fetched: package, version, SHA-256."""
    for each in downloads:
        line(f"  {each.package} {each.version}  sha256 {each.sha256}")

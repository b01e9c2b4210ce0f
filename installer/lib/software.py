"""The programs a real Odoo needs, in one folder of the cache: PostgreSQL, mosquitto, Odoo 19 and its Python packages.

Odoo 19 is in Debian's unstable suite only, as pure Python that runs on Debian 12; nothing else is taken from there but
the fonts and scripts that its pages link to. The Python packages come from PyPI, pinned by version and hash. Once
fetched, nothing is looked up again until a newer Odoo is asked for.
"""

import json
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import account, cache, debian
from .process import command_line
from .say import Trouble, line, step

_REQUIREMENTS = Path(__file__).parent.parent / "odoo-requirements.txt"
_RECIPE = "1"  # raise it when a change here must make the folder anew
_SYSTEM_PYTHON = Path("/usr/bin/python3")
_PYTHON = (3, 11)
_OF_THIS_RELEASE = ["postgresql-15", "mosquitto", "python3-pip-whl", "fonts-font-awesome"]
_OF_UNSTABLE = [
    "odoo-19",
    "fonts-montserrat", "fonts-roboto-unhinted",
    "libjs-jquery", "libjs-jquery-form", "libjs-underscore",
]
_TRANSLATIONS = "*/i18n/*"  # two thirds of the package, and the databases made here speak English
_KEPT = 2
_MEGABYTES_NEEDED = 2500
_PIP_TIMEOUT_SECONDS = 1200


@dataclass(frozen=True)
class Software:
    """Where the fetched programs are. Everything below `home` is read-only for the servers."""

    home: Path

    @property
    def python(self) -> Path:
        return self.home / "venv/bin/python"

    @property
    def odoo(self) -> Path:
        return self.home / "usr/bin/odoo"

    @property
    def addons(self) -> list[Path]:
        packages = self.home / "usr/lib/python3/dist-packages"
        return [packages / "odoo/addons", packages / "addons"]

    @property
    def mosquitto(self) -> Path:
        return self.home / "bin/mosquitto"

    @property
    def compiled(self) -> Path:
        """What Python compiles; the one folder that the servers' account may write to."""
        return self.home.with_name(f"{self.home.name}.compiled")

    @property
    def psql(self) -> Path:
        return self.home / "bin/psql"

    @property
    def odoo_version(self) -> str:
        return str(self._manifest()["odoo"])

    def describe(self) -> dict[str, str]:
        """Where things are, for other programs."""
        return {"home": str(self.home), "odoo_version": self.odoo_version, "mosquitto": str(self.mosquitto),
                "psql": str(self.psql), "python": str(self.python)}

    def postgres(self, program: str) -> Path:
        return self.home / "usr/lib/postgresql/15/bin" / program

    def environment(self, home: Path) -> dict[str, str]:
        """The environment that the programs run in. Compiled Python is kept in the cache: it halves the start."""
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "TERM")}
        libraries = [self.home / "usr/lib/x86_64-linux-gnu", self.home / "lib/x86_64-linux-gnu"]
        return kept | {
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
            "PYTHONPYCACHEPREFIX": str(self.compiled),
            "PYTHONUNBUFFERED": "1",
        }

    def _manifest(self) -> dict[str, object]:
        manifest: dict[str, object] = json.loads((self.home / "manifest.json").read_text())
        return manifest


def fetch(refresh: bool = False) -> Software:
    """The programs, from the cache if they are there. `refresh` asks the archives for what is there now."""
    _require_platform()
    root = cache.root()
    account.require_reach(root)
    with cache.lock(root / "locks/software"):
        downloads = _downloads(root, refresh)
        recipe = cache.digest(_RECIPE, _REQUIREMENTS, *(each.sha256 for each in downloads))
        home = root / "software" / recipe
        if not home.exists():
            cache.need_room(root, _MEGABYTES_NEEDED)
            with cache.building(home) as unfinished:
                _assemble(unfinished, downloads)
            line(f"ready in {home}")
            _sweep(home.parent)
        account.folder(Software(home).compiled)
    return Software(home)


def _sweep(folder: Path) -> None:
    """Keeps the newest makes, and those that a running server was started from."""
    running = " ".join(command_line(int(each.name)) for each in Path("/proc").iterdir() if each.name.isdigit())
    made = sorted(folder.glob("*/manifest.json"), key=lambda note: note.stat().st_mtime)
    for old in [Software(note.parent) for note in made[:-_KEPT]]:
        if str(old.home) not in running:
            shutil.rmtree(old.compiled, ignore_errors=True)
            shutil.rmtree(old.home)


def _require_platform() -> None:
    found = platform.machine()
    if found != "x86_64":
        raise Trouble(f"this machine is {found}; the pinned Python packages are for x86_64", "use an x86_64 machine")
    seen = subprocess.run(
        [_SYSTEM_PYTHON, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True
    ).stdout.split()
    if [int(each) for each in seen] != list(_PYTHON):
        raise Trouble(
            f"{_SYSTEM_PYTHON} is Python {'.'.join(seen) or 'absent'}; the pinned packages are for 3.11",
            "use Debian 12",
        )


def _downloads(root: Path, refresh: bool) -> list[debian.Download]:
    """The package files: kept ones, or fetched into a folder that appears only when it is complete."""
    place = root / "downloads"
    note = place / "manifest.json"
    if refresh:
        shutil.rmtree(place, ignore_errors=True)
    if not place.exists():
        with cache.building(place) as unfinished:
            state = unfinished / "apt"
            found = _fetch_from(debian.Apt(state / "release"), unfinished / "release")
            found += _fetch_from(debian.Apt(state / "unstable", suite="sid"), unfinished / "unstable")
            shutil.rmtree(state)
            debian.show(found)
            rows = [[str(e.path.relative_to(unfinished)), e.package, e.version, e.sha256] for e in found]
            (unfinished / "manifest.json").write_text(json.dumps(rows, indent=1))
    return [debian.Download(place / row[0], *row[1:]) for row in json.loads(note.read_text())]


def _fetch_from(apt: debian.Apt, into: Path) -> list[debian.Download]:
    into.mkdir()
    apt.update()
    if into.name == "release":
        return apt.fetch_with_missing(_OF_THIS_RELEASE, into)
    return apt.fetch_alone(_OF_UNSTABLE, into)


def _assemble(home: Path, downloads: list[debian.Download]) -> None:
    with step(f"unpacking {len(downloads)} packages"):
        for each in downloads:
            debian.unpack(each, home, without=_TRANSLATIONS)
    with step("installing Odoo's Python packages, pinned by version and hash"):
        _install_python_packages(home)
    _write_launcher(home, "mosquitto", "usr/sbin/mosquitto")
    _write_launcher(home, "psql", "usr/lib/postgresql/15/bin/psql")
    version = next(each.version for each in downloads if each.package == "odoo-19")
    (home / "manifest.json").write_text(json.dumps({"odoo": version}))
    home.chmod(0o755)


def _install_python_packages(home: Path) -> None:
    """A virtual environment without the pip of its own that Debian ships apart; pip runs from its wheel instead."""
    python = home / "venv/bin/python"
    subprocess.run([_SYSTEM_PYTHON, "-m", "venv", "--without-pip", home / "venv"], check=True)
    pip = next((home / "usr/share/python-wheels").glob("pip-*.whl")) / "pip"
    options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-cache-dir"]
    done = subprocess.run(
        [python, pip, "install", *options, "-r", _REQUIREMENTS],
        capture_output=True, text=True, timeout=_PIP_TIMEOUT_SECONDS,
    )
    if done.returncode != 0:
        raise Trouble(f"pip could not install the Python packages:\n{done.stderr.strip()}", "check the way to PyPI")
    site = next((home / "venv/lib").glob("python3.*/site-packages"))
    (site / "odoo.pth").write_text(os.path.relpath(home / "usr/lib/python3/dist-packages", site) + "\n")


def _write_launcher(home: Path, name: str, program: str) -> None:
    """A program of a package needs the libraries unpacked beside it."""
    launcher = home / "bin" / name
    launcher.parent.mkdir(exist_ok=True)
    launcher.write_text(
        "#!/bin/sh\n"
        'home=$(dirname "$(dirname "$(readlink -f "$0")")")\n'
        'export LD_LIBRARY_PATH="$home/usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"\n'
        f'exec "$home/{program}" "$@"\n'
    )
    launcher.chmod(0o755)

"""The ready-made manufacturing database that every test and quick start begins with, kept in the cache as a stopped
PostgreSQL data folder.

Made in two layers, because they change at different speeds: `modules` is Odoo with its standard modules (a minute,
again only when Odoo changes), `plants` adds our addon and the two plants of `installer/seed`. Each layer is named
after all that it is made from, so a change in the addon or the seed makes a new one by itself.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import account, cache
from .postgres import Cluster
from .process import free_ports
from .say import Trouble, step
from .server import Server, spare_ports
from .software import Software

DATABASE = "template_millrace"
MODULES = ["mrp", "stock", "purchase_stock", "stock_account", "mrp_account"]
_SEED = Path(__file__).parent.parent / "seed"
_RECIPE = "1"  # raise it when a change here must make new templates
_KEPT = 4  # of each layer
_MEGABYTES_NEEDED = 1500


@dataclass(frozen=True)
class Template:
    """A finished template: its name, its folder, and what the seed says it made."""

    key: str
    home: Path

    @property
    def seed(self) -> Path:
        return self.home / "seed.json"


def ensure(software: Software, addons: list[Path]) -> Template:
    """The template for this Odoo, these addons and our seed; made now if the cache does not have it."""
    names = addon_names(addons)
    modules, plants = _layers(software, addons)
    with cache.lock(cache.root() / "locks/template"):
        if not plants.exists():
            cache.need_room(cache.root(), _MEGABYTES_NEEDED)
            if not modules.exists():
                with step(f"making a database with {', '.join(MODULES)}"):
                    _make(software, [], None, modules, _install_modules)
            with step("adding " + ", ".join([*(name for _, name in names), "two plants"])):
                _make(software, addons, modules, plants, lambda server, work: _add_plants(server, work, names))
            for layer in (modules, plants):
                cache.trim(layer.parent, _KEPT)
        plants.touch()
        modules.touch()
    return Template(plants.name, plants)


def current_key(software: Software, addons: list[Path]) -> str:
    """The name that the template has, or would have if it were made now."""
    return _layers(software, addons)[1].name


def _layers(software: Software, addons: list[Path]) -> tuple[Path, Path]:
    root = cache.root() / "templates"
    contents = [folder / name for folder, name in addon_names(addons)]
    modules = root / "modules" / cache.digest(_RECIPE, software.home.name, " ".join(MODULES))
    plants = root / "plants" / cache.digest(_RECIPE, modules.name, _SEED, *contents)
    return modules, plants


def addon_names(addons: list[Path]) -> list[tuple[Path, str]]:
    """The addons in these folders, as (folder, name)."""
    return sorted((folder, each.parent.name) for folder in addons for each in folder.glob("*/__manifest__.py"))


def lay_out(template: Template, home: Path) -> None:
    """Gives a new server folder its own copy of the template."""
    with cache.lock(cache.root() / "locks/template"):
        account.copy(template.home / "cluster", home / "cluster")
        shutil.copyfile(template.seed, home / "seed.json")


def _make(software: Software, addons: list[Path], below: Path | None, target: Path,
          work: Callable[[Server, Path], None]) -> None:
    """Builds a layer on a copy of the one below it, in a short-lived folder of its own, and moves the result into the
    cache."""
    with _workplace(software) as home:
        cluster = Cluster(software, home)
        if below:
            account.copy(below / "cluster", cluster.data)
        else:
            cluster.create()
        server = Server(software, cluster)
        http, gevent = free_ports(2)
        server.configure(addons, http, gevent, workers=0, extra={})
        cluster.start()
        work(server, home)
        cluster.sql("VACUUM (FREEZE, ANALYZE)", DATABASE)
        cluster.sql(f"ALTER DATABASE {DATABASE} IS_TEMPLATE true")
        cluster.stop()
        with cache.building(target) as unfinished:
            account.copy(cluster.data, unfinished / "cluster")
            if (home / "seed.json").exists():
                shutil.copyfile(home / "seed.json", unfinished / "seed.json")


@contextmanager
def _workplace(software: Software) -> Iterator[Path]:
    """The folder that layers are built in. It is always the same one, so that what a killed builder left running there
    is found and ended."""
    home = cache.root() / "templates/work"

    def clear() -> None:
        if home.exists():
            Cluster(software, home).stop()
            shutil.rmtree(home, ignore_errors=True)

    clear()
    try:
        yield account.folder(home)
    finally:
        clear()


def _install_modules(server: Server, _: Path) -> None:
    _odoo(server, ["-d", DATABASE, "-i", ",".join(MODULES)])


def _add_plants(server: Server, work: Path, names: list[tuple[Path, str]]) -> None:
    if names:
        _odoo(server, ["-d", DATABASE, "-i", ",".join(name for _, name in names)])
    seed = account.folder(work / "seed")
    shutil.copytree(_SEED, seed, dirs_exist_ok=True)
    account.own(seed)
    note = work / "seed.json"
    script = f"import sys\nsys.path.insert(0, {str(seed)!r})\nimport plants\nplants.build(env, {str(note)!r})\n"
    code, _ = server.shell(DATABASE, script)
    if code != 0 or not note.exists():
        raise Trouble("the seed did not run to its end", _last_words(server))


def _odoo(server: Server, arguments: list[str]) -> None:
    code, _ = server.run_quietly([*arguments, "--stop-after-init", *spare_ports()])
    if code != 0:
        raise Trouble(f"odoo {' '.join(arguments)} failed", _last_words(server))


def _last_words(server: Server) -> str:
    """The end of a log that is about to be deleted."""
    lines = server.log.read_text(errors="replace").splitlines()
    return "read the end of Odoo's log:\n" + "\n".join(lines[-40:])

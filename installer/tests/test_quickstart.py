"""What the quick start says of itself, and the lines that it tells people to type."""

import contextlib
import io
import os
import shlex
import tempfile
import tomllib
import unittest
from pathlib import Path
from unittest import mock

from lib.quickstart_cli import main
from lib.say import Trouble
from lib.trial import configuration, folder, lines

_GOLDEN = Path(__file__).parent / "golden/quickstart-help.txt"
_PORTS = configuration.Ports(1, 2, 3, 4, 5, 6)


class Help(unittest.TestCase):
    def test_the_help_is_what_it_was(self) -> None:
        """After a wanted change: `MILLRACE_CACHE=/tmp/cache COLUMNS=100 installer/quickstart --help`, kept as golden."""
        said = io.StringIO()
        with mock.patch.dict(os.environ, {"MILLRACE_CACHE": "/tmp/cache", "COLUMNS": "100"}), \
                contextlib.redirect_stdout(said), self.assertRaises(SystemExit) as ended:
            main(["--help"])
        self.assertEqual(ended.exception.code, 0)
        self.assertEqual(said.getvalue(), _GOLDEN.read_text())


class Configuration(unittest.TestCase):
    def test_both_files_are_toml_and_agree_on_ports(self) -> None:
        relay = tomllib.loads(configuration.relay(_PORTS, configuration.odoo("http://odoo", "base", 1, "plant-a")))
        agent = tomllib.loads(configuration.agent("plant-a", _PORTS))
        self.assertEqual((relay["broker"]["port"], relay["broker"]["embedded"]["listen"]), (1, "127.0.0.1:1"))
        self.assertEqual(agent["relay"]["port"], 2)
        self.assertEqual([each["listen"][-1] for each in agent["scanner"] + agent["http"]], ["3", "4", "5", "6"])
        self.assertNotIn("key =", relay["plant"][0])


class Lines(unittest.TestCase):
    def test_a_shell_takes_each_line_and_no_secret_stands_in_it(self) -> None:
        token = Path("/a folder/mes.token")
        for line in lines.demonstration(_PORTS, token, lines.DEMONSTRATION):
            self.assertTrue(shlex.split(line.command))
            if line.command.startswith("curl"):
                self.assertIn("$(cat '/a folder/mes.token')", line.command)


class Folder(unittest.TestCase):
    def test_a_folder_with_other_things_in_it_is_refused_and_left_as_it_is(self) -> None:
        with tempfile.TemporaryDirectory() as home:
            note = Path(home) / "note"
            note.write_text("mine")
            with self.assertRaises(Trouble), folder._taken(Path(home)):
                self.fail("it was taken")
            self.assertEqual([each.name for each in Path(home).iterdir()], ["note"])

    def test_a_folder_in_which_a_trial_runs_is_refused(self) -> None:
        with tempfile.TemporaryDirectory() as home, folder._taken(Path(home)):
            with self.assertRaises(Trouble), folder._taken(Path(home)):
                self.fail("it was taken twice")

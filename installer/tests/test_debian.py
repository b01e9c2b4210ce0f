"""The archive's address is found however the machine's sources are written."""

import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from lib import debian
from lib.say import Trouble

_ONE_LINE = """\
deb http://security.example.com/debian-security {release}-security main
# deb http://old.example.com/debian {release} main
deb [arch=amd64] http://mirror.example.com/debian {release} main contrib
"""
_DEB822 = """\
Types: deb
URIs: http://security.example.com/debian-security
Suites: {release}-security
Components: main

Types: deb deb-src
URIs: http://mirror.example.com/debian
Suites: {release} {release}-updates
Components: main contrib
"""


class Archive(unittest.TestCase):
    def _archive_with(self, name: str, text: str) -> str:
        """`debian.archive()` on a machine whose only source is this file."""
        with tempfile.TemporaryDirectory() as place:
            sources = Path(place) / "sources"
            sources.mkdir()
            (sources / name).write_text(text.format(release=debian._codename()))
            # Apt's own way to another configuration; it is read first, so what it sets here is not set elsewhere.
            configuration = Path(place) / "apt.conf"
            configuration.write_text(f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{sources}";\n')
            with mock.patch.dict(os.environ, {"APT_CONFIG": str(configuration)}):
                return debian.archive()

    def test_it_is_read_from_one_line_sources(self) -> None:
        self.assertEqual(self._archive_with("debian.list", _ONE_LINE), "http://mirror.example.com/debian/")

    def test_it_is_read_from_deb822_sources(self) -> None:
        self.assertEqual(self._archive_with("debian.sources", _DEB822), "http://mirror.example.com/debian/")

    def test_a_machine_without_a_debian_archive_is_told_so(self) -> None:
        with self.assertRaisesRegex(Trouble, "names no Debian archive"):
            self._archive_with("other.list", "deb http://other.example.com/packages stable-tools main\n")
